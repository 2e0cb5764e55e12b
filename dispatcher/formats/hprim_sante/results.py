"""``OBX`` lines of HPRIM Santé into :class:`Observation`, with files named by ``FIC`` read beside the message.

Shared notes "HPRIM" §2.6 and §2.7: in TX the component and repetition separators are line breaks; FIC is
origin ^ file name ^ type; PDF and TIF as types mean the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from dispatcher.formats.er7.coding import coded
from dispatcher.formats.er7.documents import damage, media_type
from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.results import ReadValue, ResultLine, as_alt, in_two_units
from dispatcher.formats.er7.segments import Segment
from dispatcher.formats.er7.timestamps import Fault, parse_when
from dispatcher.formats.er7.values import USUAL, measured, number
from dispatcher.formats.hprim_sante.people import practitioner
from dispatcher.formats.hprim_sante.remembered import Remembered, Shape, remembered
from dispatcher.report.model import AltValue, Attachment, Observation, Severity, ValueType, When

Sibling = Callable[[str], bytes | None]
FILE_TYPES = frozenset({"FIC", "PDF", "TIF"})
_LITERAL = frozenset({"NM", "ST", ""})
"""Types without components: a separator in them is text the sender did not escape (``10^6``)."""
_NUMBERS = frozenset({"NM", "ST", ""})
"""Types whose text may be a number: NM says so, in the others a unit or a comparator beside it does."""
_PAIRS = frozenset({"GC", "GN", "GB"})
SECOND_UNIT = "soit"
"""Label of the line that gives a result again in another unit."""
_LAST = 16
"""The last field of OBX that is read."""
_PADDING = [""] * (_LAST + 1)
"""Behind the last field of a line, so that none has to be asked for."""
_DATES = frozenset({"DT", "TS"})


class Line(ResultLine):
    """One OBX with the OBX that go on with its text, and the comments under it."""

    __slots__ = ()

    def continued_by(self, obx: Segment) -> bool:
        """Same text: TX after TX with the same code, sub-id and status, nothing in between."""
        fields = obx.fields
        return len(fields) > 2 and fields[2].strip() == "TX" == self.obx.raw(2) and self.same_result(obx)


def observation(line: Line, notes: Notes, sibling: Sibling, known: Remembered) -> Observation:
    """One result."""
    obx = line.obx
    fields = obx.fields if len(obx.fields) > _LAST else obx.fields + _PADDING
    if obx.separators.repetition in fields[6] and not line.more and (pair := in_two_units(obx)):
        own_unit = observation(Line(pair[0], comments=line.comments), notes, sibling, known)
        return replace(own_unit, alt=as_alt(observation(Line(pair[1]), Notes(), sibling, known)))
    shape = known.shape(obx, fields, notes)
    written = fields[5].strip()
    if shape.kind == "NM" and not shape.off_scale and USUAL.fullmatch(written):  # nearly every line
        said = _beside(line, fields, notes, known)
        said["type"], said["value"] = ValueType.NUMERIC, written
        said["raw"] = written if obx.written(5) == written else _raw(line)
    else:
        said = _measured(line, shape, notes, sibling) | _beside(line, fields, notes, known)
    return shape.catalogue.having(said)


def _measured(line: Line, shape: Shape, notes: Notes, sibling: Sibling) -> dict[str, Any]:
    """Type, value and what goes with it, by field of :class:`Observation`."""
    if shape.kind in FILE_TYPES:
        return {"type": ValueType.DOCUMENT, "document": _file(line.obx, shape.kind, notes, sibling)}
    read = _value(line, shape.kind, shape.catalogue.unit, notes)
    if shape.off_scale and read.type is ValueType.NUMERIC:
        read = _off_scale(read, shape.off_scale, line.obx, notes)
    starred = read.type is ValueType.NUMERIC and "*" in line.obx.raw(5) and not shape.catalogue.flags
    return ({"flags": ("A",)} if starred else {}) | {
        "type": read.type,
        "value": read.value,
        "raw": _raw(line),
        "comparator": read.comparator,
        "value_code": read.code,
    }


def _beside(line: Line, fields: list[str], notes: Notes, known: Remembered) -> dict[str, Any]:
    """What else a line says; most say none of it."""
    found: dict[str, Any] = {}
    obx = line.obx
    if line.comments:
        found["comments"] = tuple(line.comments)
    if fields[4]:
        found["sub_id"] = obx.text(4)
    if fields[14]:
        found["observed_at"] = known.moment(fields[14]) or moment(obx, 14, notes)
    if fields[16]:
        found["validated_by"] = _validator(obx, notes)
    return found


def observations(lines: Sequence[Line], notes: Notes, sibling: Sibling) -> tuple[Observation, ...]:
    """The results of one request; a line « soit » is the second unit of the result above it."""
    if not lines:
        return ()
    known = remembered(lines[0].obx.separators)
    found: list[Observation] = []
    for line in lines:
        one = observation(line, notes, sibling, known)
        if found and found[-1].code.code == one.code.code and _is_second_unit(found[-1], one):
            found[-1] = replace(found[-1], alt=_as_alt(one), comments=(*found[-1].comments, *one.comments))
        else:
            found.append(one)
    return tuple(found)


def _is_second_unit(above: Observation, one: Observation) -> bool:
    """Of the same code and state, called « soit », a number: as laboratories print a result in a second unit."""
    if above.alt is not None or one.type is not ValueType.NUMERIC or one.status not in ("", above.status):
        return False
    return one.code.text.strip(" -:.").casefold() == SECOND_UNIT


def _as_alt(one: Observation) -> AltValue:
    return AltValue(
        comparator=one.comparator, value=one.value, unit=one.unit, low=one.low, high=one.high, loinc=one.loinc
    )


def documents_of(results: Sequence[Observation]) -> tuple[Attachment, ...]:
    """Each document once, the laboratory's PDF first."""
    once = {one.document.sha256: one.document for one in results if one.document is not None}
    return tuple(sorted(once.values(), key=lambda document: document.media_type != "application/pdf"))


def moment(segment: Segment, place: int, notes: Notes) -> When | None:
    """First repetition of a TS field; an unreadable one is told."""
    text = segment.fields[place].strip() if place < len(segment.fields) else ""
    if not text.isalnum():
        text = segment.component(place)
    when, fault = parse_when(text) if text else (None, Fault.NONE)
    if fault is not Fault.NONE:
        notes.tally(
            "unreadable-date",
            Severity.WARNING,
            segment.where(place),
            "Date ou heure illisible ; attendu AAAAMMJJ, suivi au besoin de HHMM ou HHMMSS.",
        )
    return when


def _validator(obx: Segment, notes: Notes) -> str:
    person = practitioner(obx.composite(16), obx.where(16), notes)
    return person.label if person else ""


# ------------------------------------------------------------------------------------------------ values


def _raw(line: Line) -> str:
    texts = [obx.separators.unescape(obx.written(5).strip()) for obx in line.segments()]
    return "\n".join(texts).strip("\n")


def _value(line: Line, kind: str, unit: str, notes: Notes) -> ReadValue:
    obx = line.obx
    raw = obx.raw(5)
    if not raw and not line.more:
        return ReadValue()
    if kind == "CE":
        return _coded(obx)
    if kind in _NUMBERS:
        text = obx.separators.clean(raw)
        found = measured(text, unit) if kind == "NM" else number(text)
        if found is not None and (kind == "NM" or unit or found.comparator):
            if "," in raw:
                notes.tally("decimal-comma", Severity.INFO, obx.where(5), "Virgule décimale lue comme un point.")
            return ReadValue(ValueType.NUMERIC, found.value, found.comparator)
        if kind == "NM":
            notes.tally(
                "not-a-number",
                Severity.INFO,
                obx.where(5),
                "Résultat annoncé comme numérique (OBX.2 = NM) mais écrit en texte : transmis comme texte.",
            )
    if kind in _DATES:
        when, _ = parse_when(obx.component(5))
        return ReadValue(value=when.isoformat() if when is not None else obx.component(5))
    if kind in _LITERAL:
        return ReadValue(value=obx.separators.clean(raw))
    return ReadValue(value=_text(line, " / " if kind in _PAIRS else "\n" if kind == "TX" else " "))


def _off_scale(read: ReadValue, sign: str, obx: Segment, notes: Notes) -> ReadValue:
    """OBX.8 ``<`` or ``>``: the measure left the scale of the instrument, the number given is its end."""
    if read.comparator:
        return read
    notes.tally(
        "off-scale",
        Severity.INFO,
        obx.where(8),
        f"Indicateur {sign} (hors de l’échelle de mesure) porté devant le résultat.",
    )
    return read._replace(comparator=sign)


def _text(line: Line, between: str) -> str:
    """Free text: repetitions are lines, components lines too (TX) or words (names, addresses)."""
    texts = []
    for obx in line.segments():
        raw = obx.fields[5] if len(obx.fields) > 5 else ""
        separators = obx.separators
        for one in separators.repetitions(raw) or [""]:
            parts = separators.components(one)
            texts.append(between.join(separators.unescape(part).rstrip() for part in parts if part or between == "\n"))
    text = "\n".join(texts).strip("\n")
    return text if "\n" in text else text.strip()


def _coded(obx: Segment) -> ReadValue:
    found = obx.composites(5)
    texts = [text for one in found if (text := one.whole(2) or one.whole(5) or one.whole(1))]
    first = coded(found[0])
    return ReadValue(ValueType.CODED, "\n".join(texts), "", first if first.code else None)


# ------------------------------------------------------------------------------------------------ files beside


def file_name(obx: Segment) -> str:
    """Bare name of the file a FIC value points at, or the empty string."""
    value = obx.composite(5)
    for place in (2, 1):
        name = re.split(r"[\\/]", value.whole(place))[-1].strip()
        if re.fullmatch(r"[^:*?\"<>|\n]{1,160}\.[A-Za-z0-9]{2,5}", name):
            return name
    return re.split(r"[\\/]", value.whole(2))[-1].strip()


def _spellings(name: str) -> tuple[str, ...]:
    """A name as announced, then in one case: old systems write ``CR42.PDF`` for ``cr42.pdf``."""
    return tuple(dict.fromkeys((name, name.lower(), name.upper()))) if name else ()


def _file(obx: Segment, kind: str, notes: Notes, sibling: Sibling) -> Attachment | None:
    name = file_name(obx)
    content = next((data for spelt in _spellings(name) if (data := sibling(spelt)) is not None), None)
    if content is None:
        notes.error(
            "missing-document",
            obx.where(5),
            "Le résultat renvoie à un fichier (FIC) absent à côté du message. Déposer ce fichier dans le même dossier, "
            "ou faire réexporter le résultat.",
        )
        return None
    found = media_type(content, name.rpartition(".")[2], obx.composite(5).whole(3), kind)
    if fault := damage(content, found):
        notes.error("damaged-document", obx.where(5), f"Fichier joint abîmé : {fault}. Le faire réexporter.")
    return Attachment(media_type=found, content=content, name=name)
