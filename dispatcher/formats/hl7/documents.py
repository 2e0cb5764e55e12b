"""Documents inside OBX-5: ``ED`` (base64, hexadecimal or plain), ``RP`` (a file beside), and PDF put into a text type.

HL7 v2.5 chapter 2.A §2.A.24 (ED: source ^ type ^ subtype ^ encoding ^ data) and §2.A.66 (RP). Seen besides: components
shifted by one, base64 cut by blanks or escapes, a document cut into repetitions.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from dispatcher.formats.er7.documents import damage, from_base64, from_hex, media_type
from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.segments import Composite, Segment
from dispatcher.report.model import Attachment

_PDF_START = "JVBERi0"
"""``%PDF-`` in base64."""
SHORTEST = 60
"""Characters of a text below which no document can hide in it."""
_RTF_START = "{\\rtf"
_FILE_NAME = re.compile(r"[^\\/:*?\"<>|\n]{1,120}\.[A-Za-z0-9]{2,5}")
Sibling = Callable[[str], bytes | None]


def hidden_document(obx: Segment) -> bool:
    """A text result that is really a document: a PDF in base64, or RTF."""
    if len(obx.fields) < 6 or len(obx.fields[5]) < SHORTEST:
        return False
    start = obx.fields[5][:80]
    return (_PDF_START in start and len(obx.fields[5]) > 400) or _is_rtf(start, obx)


def _is_rtf(start: str, obx: Segment) -> bool:
    return start.lstrip()[:1] == "{" and obx.separators.unescape(start).lstrip().startswith(_RTF_START)


def embedded(obx: Segment, notes: Notes) -> list[Attachment]:
    """Documents of an ED field (or of a text field that hides one). Damage is an error of the report."""
    if _is_rtf(obx.raw(5)[:80], obx):
        # RTF is ASCII with backslashes of its own; what was not escaped is left alone.
        text = obx.separators.unescape(obx.raw(5)).strip()
        return [Attachment(media_type="application/rtf", content=text.encode("cp1252", "replace"))]
    found = []
    for raw in _whole_documents(obx):
        composite = Composite(raw, obx.separators)
        content = _content(composite)
        if content is None:
            notes.error(
                "unreadable-document",
                obx.where(5),
                "Le document joint n’est pas lisible : base64 incomplet ou abîmé. Faire réémettre le résultat.",
            )
            continue
        declared = [composite.first(place) for place in (3, 2, 1)]
        kind = media_type(content, *declared)
        if fault := damage(content, kind):
            notes.error(
                "damaged-document", obx.where(5), f"Document joint abîmé : {fault}. Faire réémettre le résultat."
            )
        name = composite.whole(1)
        found.append(Attachment(media_type=kind, content=content, name=name if _FILE_NAME.fullmatch(name) else ""))
    return found


def _whole_documents(obx: Segment) -> list[str]:
    """Raw repetitions; one without component separator only continues the one before it."""
    separators = obx.separators
    whole: list[str] = []
    for raw in separators.repetitions(obx.raw(5)):
        if whole and raw and separators.component not in raw and not raw.startswith(_PDF_START):
            whole[-1] += raw
        elif raw:
            whole.append(raw)
    return whole


def _content(composite: Composite) -> bytes | None:
    parts = [part.strip() for part in composite.parts]
    for place, part in enumerate(parts):
        encoding = part.casefold()
        if encoding in ("base64", "b64", "base-64"):
            return from_base64(_rest(composite, place + 1))
        if encoding in ("hex", "hexadecimal"):
            return from_hex(_rest(composite, place + 1))
        if encoding == "a" and place >= 2:
            return _plain(_rest(composite, place + 1))
    longest = max(parts, key=len, default="")
    if _PDF_START in longest[:8] or (len(parts) > 4 and parts[4] and len(parts[4]) > 80):
        decoded = from_base64(composite.separators.unescape(longest))
        if decoded is not None:
            return decoded
    return _plain(_rest(composite, 4)) or None


def _rest(composite: Composite, start: int) -> str:
    """Everything from component ``start`` (0-based) on, as text: data that holds a separator was not escaped."""
    separators = composite.separators
    return separators.unescape(separators.component.join(composite.parts[start:]))


def _plain(text: str) -> bytes:
    return text.encode("utf-8")


def referenced(obx: Segment, sibling: Sibling, notes: Notes) -> list[Attachment]:
    """Documents an RP field points at, when they lie beside the file; a missing one is told."""
    found = []
    for composite in obx.composites(5):
        name = re.split(r"[\\/]", composite.whole(1))[-1]
        content = sibling(name) if _FILE_NAME.fullmatch(name) else None
        if content is None:
            notes.warning(
                "missing-document",
                obx.where(5),
                "Le résultat renvoie à un document qui n’est pas à côté du fichier : il ne sera pas transmis.",
            )
            continue
        kind = media_type(content, name.rpartition(".")[2], composite.first(4), composite.first(3))
        if fault := damage(content, kind):
            notes.error("damaged-document", obx.where(5), f"Document joint abîmé : {fault}. Le faire réexporter.")
        found.append(Attachment(media_type=kind, content=content, name=name))
    return found
