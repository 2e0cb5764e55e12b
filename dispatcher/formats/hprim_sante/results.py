"""``OBX`` lines of HPRIM Santé into :class:`Observation`, with files named by ``FIC`` read beside the message.

Shared notes "HPRIM" §2.6 and §2.7: in TX the component and repetition separators are line breaks; FIC is
origin ^ file name ^ type; PDF and TIF as types mean the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from dispatcher.formats.er7.coding import coded, result_codes
from dispatcher.formats.er7.documents import damage, media_type
from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.results import ReadValue, ResultLine
from dispatcher.formats.er7.segments import Segment
from dispatcher.formats.er7.timestamps import Fault, parse_when
from dispatcher.formats.er7.values import bounds, number
from dispatcher.formats.hprim_sante.people import practitioner
from dispatcher.report.model import AltValue, Attachment, Observation, Severity, ValueType, When
from dispatcher.report.values import Number

Sibling = Callable[[str], bytes | None]
FILE_TYPES = frozenset({"FIC", "PDF", "TIF"})
_LITERAL = frozenset({"NM", "ST", ""})
"""Types without components: a separator in them is text the sender did not escape (``10^6``)."""
_NUMBERS = frozenset({"NM", "ST", ""})
"""Types whose text may be a number: NM says so, in the others a unit or a comparator beside it does."""
_PAIRS = frozenset({"GC", "GN", "GB"})
SECOND_UNIT = "soit"
"""Label of the line that gives a result again in another unit."""
_DATES = frozenset({"DT", "TS"})


class Line(ResultLine):
    """One OBX with the OBX that go on with its text, and the comments under it."""

    __slots__ = ()

    def continued_by(self, obx: Segment) -> bool:
        """Same text: TX after TX with the same code, sub-id and status, nothing in between."""
        return self.obx.raw(2) == obx.raw(2) == "TX" and self.same_result(obx)


def observation(line: Line, notes: Notes, sibling: Sibling) -> Observation:
    """One result."""
    obx = line.obx
    kind = obx.raw(2).upper()
    code, alternate, loinc_code = result_codes(obx, notes)
    unit = obx.text(6)
    document = _file(obx, kind, notes, sibling) if kind in FILE_TYPES else None
    read = ReadValue(ValueType.DOCUMENT) if kind in FILE_TYPES else _value(line, kind, unit, notes)
    range_text = " ; ".join(obx.separators.unescape(one).strip() for one in obx.separators.repetitions(obx.raw(7)))
    low, high = bounds(range_text, unit) if range_text else ("", "")
    return Observation(
        code=code,
        alternate=alternate,
        loinc=loinc_code,
        type=read.type,
        value=read.value,
        raw="" if kind in FILE_TYPES else _raw(line),
        comparator=read.comparator,
        value_code=read.code,
        unit=unit,
        low=low,
        high=high,
        range_text=range_text,
        flags=tuple(flag for one in obx.composites(8) if (flag := one.whole(1).upper()) and flag != "NULL"),
        status=obx.component(11).upper(),
        comments=tuple(line.comments),
        sub_id=obx.text(4),
        observed_at=moment(obx, 14, notes),
        validated_by=_validator(obx, notes),
        document=document,
    )


def observations(lines: Sequence[Line], notes: Notes, sibling: Sibling) -> tuple[Observation, ...]:
    """The results of one request; a line « soit » is the second unit of the result above it."""
    found: list[Observation] = []
    for line in lines:
        one = observation(line, notes, sibling)
        if found and _is_second_unit(found[-1], one):
            found[-1] = replace(found[-1], alt=_as_alt(one), comments=(*found[-1].comments, *one.comments))
        else:
            found.append(one)
    return tuple(found)


def _is_second_unit(above: Observation, one: Observation) -> bool:
    """Same code, called « soit », a number: as laboratories print a result in a second unit."""
    said = one.code.text.strip(" -:.").casefold() == SECOND_UNIT
    return said and one.type is ValueType.NUMERIC and above.alt is None and one.code.code == above.code.code


def _as_alt(one: Observation) -> AltValue:
    value = f"{one.comparator} {one.value}".strip()
    return AltValue(value=value, unit=one.unit, low=one.low, high=one.high, loinc=one.loinc)


def documents_of(results: Sequence[Observation]) -> tuple[Attachment, ...]:
    """Each document once, the laboratory's PDF first."""
    once = {one.document.sha256: one.document for one in results if one.document is not None}
    return tuple(sorted(once.values(), key=lambda document: document.media_type != "application/pdf"))


def moment(segment: Segment, place: int, notes: Notes) -> When | None:
    """First repetition of a TS field; an unreadable one is told."""
    text = segment.component(place) if place < len(segment.fields) else ""
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
    person = practitioner(obx.composite(16), obx.where(16), notes) if obx.raw(16) else None
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
        found = number(obx.separators.clean(raw))
        if found is not None and (kind == "NM" or unit or found.comparator):
            found = _off_scale(found, obx, notes)
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


def _off_scale(found: Number, obx: Segment, notes: Notes) -> Number:
    """OBX.8 ``<`` or ``>``: the measure left the scale of the instrument, the number given is its end."""
    if found.comparator or not obx.raw(8):
        return found
    sign = next((flag for one in obx.composites(8) if (flag := one.whole(1)) in ("<", ">")), "")
    if not sign:
        return found
    notes.tally(
        "off-scale",
        Severity.INFO,
        obx.where(8),
        f"Indicateur {sign} (hors de l’échelle de mesure) porté devant le résultat.",
    )
    return Number(sign, found.value)


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
