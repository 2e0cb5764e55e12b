"""One result: ``observation`` or ``observationMedia`` to :class:`~dispatcher.report.model.Observation`.

CR-BIO templates 1.2.250.1.213.1.1.3.80 and .103 over IHE PaLM XD-LAB 1.3.6.1.4.1.19376.1.3.1.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dispatcher.formats.cda.times import moment
from dispatcher.formats.cda_reading import datatypes, media, people, printed, values
from dispatcher.formats.cda_reading.narrative import Narrative, text_of
from dispatcher.formats.cda_reading.nodes import (
    PREFIX,
    Element,
    attribute,
    child,
    children,
    code_of,
    one_line,
    templates,
)
from dispatcher.formats.cda_reading.values import Value
from dispatcher.formats.er7.notes import Notes
from dispatcher.report.identifiers import loinc_ok
from dispatcher.report.model import AltValue, Code, Observation, Practitioner, PreviousResult, Severity, ValueType

COMMENT = "48767-8"
_COMMENT_TEMPLATES = frozenset(
    {"1.2.250.1.213.1.1.3.32", "1.3.6.1.4.1.19376.1.5.3.1.4.2", "2.16.840.1.113883.10.20.1.40"}
)
_STATUSES = {
    "": "F",
    "completed": "F",
    "active": "P",
    "aborted": "X",
    "cancelled": "X",
    "obsolete": "D",
    "nullified": "W",
    **dict.fromkeys(("new", "held", "suspended"), "I"),
}
"""ActStatus to HL7 table 0085."""
LOINC = "LN"


@dataclass(frozen=True, slots=True)
class Around:
    """What an observation takes from the act and the battery it stands in."""

    narrative: Narrative
    notes: Notes
    performer: Practitioner | None = None
    validated_by: str = ""


def observation(element: Element, around: Around, *, second: bool = False) -> Observation:
    """One coded result. ``second``: the result before it stands in the same row of the narrative."""
    narrative = around.narrative
    coded = child(element, "code")
    key = narrative.key(coded)
    code, alternate = names(coded, narrative)
    value = _value(element, around)
    unit = narrative.unit_cell(key, int(second)) if value.unit and value.unit == value.ucum else ""
    unit = unit or value.unit
    span = values.reference_range(element, narrative)
    state = attribute(child(element, "statusCode"), "code")
    status = _STATUSES.get(state, "F")
    found = Observation(
        code=code,
        alternate=alternate,
        loinc=next((c.code for c in (code, alternate) if c and c.system == LOINC and loinc_ok(c.code)), None),
        type=value.type,
        value=value.value,
        raw=value.raw,
        comparator=value.comparator,
        value_code=value.code,
        unit=unit,
        ucum=value.ucum,
        low=span.low,
        high=span.high,
        range_text=span.text,
        flags=_flags(element),
        status="I" if status == "P" and not (value.value or value.code or value.document) else status,
        comments=_comments(element, narrative),
        observed_at=datatypes.when_in(child(element, "effectiveTime")),
        method=_method(element, narrative),
        method_code=datatypes.code(child(element, "methodCode")),
        kit=_kit(element, narrative),
        performer=performer(element, around.performer),
        previous=_previous(element, narrative, {value.ucum: unit}),
        validated_by=validator(element) or around.validated_by,
        document=value.document,
    )
    _compare(element, around, key, found)
    return found


def _compare(element: Element, around: Around, key: str, found: Observation) -> None:
    if printed.disagrees(element, around.narrative, key, found):
        around.notes.tally(
            "cda-text-disagrees",
            Severity.ERROR,
            "observation/value",
            "Le texte affiché au médecin et la valeur codée d'un même résultat ne portent pas le même nombre. Faire "
            "vérifier ce compte rendu par le laboratoire, et le redemander corrigé.",
        )


def names(coded: Element | None, narrative: Narrative) -> tuple[Code, Code | None]:
    """The code of a test (LOINC first) under the laboratory's own words, and its second coding."""
    said = narrative.line(coded)
    found = datatypes.codes(coded, said)
    if not found:
        return Code(text=said or one_line(attribute(coded, "displayName"))), None
    return found[0], found[1] if len(found) > 1 else None


def _value(element: Element, around: Around) -> Value:
    elements = children(element, "value")
    if not elements:
        said = around.narrative.said(child(element, "text")) if child(element, "text") is not None else ""
        return Value(value=said, raw=said)
    found = [values.read_value(each, around.narrative) for each in elements]
    for each, read in zip(elements, found, strict=True):
        if read.known:
            continue
        around.notes.tally(
            "value-type-unknown",
            Severity.WARNING,
            "observation/value",
            f"Valeur de type {values.shape(each)[:40]} sans règle de lecture : gardée en texte. Vérifier ce résultat.",
        )
    if len(found) == 1:
        return found[0]
    told = "\n".join(" ".join(filter(None, (each.comparator, each.value, each.unit))) for each in found)
    return replace(found[0], type=ValueType.TEXT, value=told, raw=told, comparator="", unit="", ucum=None)


def _flags(element: Element) -> tuple[str, ...]:
    found = (attribute(each, "code") for each in children(element, "interpretationCode"))
    return tuple(dict.fromkeys(filter(None, found)))


def _method(element: Element, narrative: Narrative) -> str:
    """As printed, without the brackets laboratories put around it."""
    said = []
    for each in children(element, "methodCode"):
        text = narrative.line(each)
        if text.startswith("(") and text.endswith(")") and text.count("(") == 1:
            text = text[1:-1].strip()
        said.append(text or one_line(attribute(each, "displayName")))
    return ", ".join(dict.fromkeys(filter(None, said)))


def _kit(element: Element, narrative: Narrative) -> Code | None:
    """``participant`` DEV: reagent kit."""
    device = _device(element, "DEV")
    if device is None:
        return None
    coded = child(device, "code")
    text = narrative.line(coded) or one_line(attribute(coded, "displayName"))
    text = text or one_line("".join(map(str, device.itertext())))
    found = datatypes.code(coded, text)
    return found or (Code(text=text) if text else None)


def _device(element: Element, kind: str) -> Element | None:
    for each in children(element, "participant"):
        if attribute(each, "typeCode") == kind:
            role = child(each, "participantRole")
            found = child(role, "playingDevice")
            return found if found is not None else child(role, "playingEntity")
    return None


def performer(element: Element, inherited: Practitioner | None) -> Practitioner | None:
    """Who carried the test out, when the element itself names somebody."""
    found = (people.professional(child(each, "assignedEntity")) for each in children(element, "performer"))
    return next((each for each in found if each is not None), inherited)


def validator(element: Element) -> str:
    """Names of the biologists who validated (``participant`` AUTHEN)."""
    found = (
        people.participant(child(each, "participantRole"))
        for each in children(element, "participant")
        if attribute(each, "typeCode") == "AUTHEN"
    )
    return ", ".join(dict.fromkeys(each.label for each in found if each is not None))


def is_comment(act: Element) -> bool:
    """A comment act, by code or template."""
    return code_of(act, "code") == COMMENT or not _COMMENT_TEMPLATES.isdisjoint(templates(act))


def comment(act: Element, narrative: Narrative) -> str:
    """Words of a comment act: what its ``text`` points at, else what it holds."""
    text = child(act, "text")
    return narrative.said(text) or text_of(text)


def _comments(element: Element, narrative: Narrative) -> tuple[str, ...]:
    found = [comment(act, narrative) for act in children(element, "entryRelationship", "act") if is_comment(act)]
    medium = _device(element, "CSM")
    if medium is not None:
        coded = child(medium, "code")
        said = narrative.line(coded) or one_line(attribute(coded, "displayName"))
        found += [f"Milieu utilisé : {said}"] if said else []
    return tuple(each for each in found if each)


def _previous(element: Element, narrative: Narrative, printed: Mapping[str | None, str]) -> tuple[PreviousResult, ...]:
    """Earlier results (``entryRelationship`` REFR), newest first. ``printed``: how today's unit is printed."""
    found = []
    for link in children(element, "entryRelationship"):
        earlier = child(link, "observation")
        value = child(earlier, "value")
        if attribute(link, "typeCode") != "REFR" or earlier is None or value is None:
            continue
        narrative.key(child(earlier, "code"))
        read = values.read_value(value, narrative)
        if read.value:
            found.append(
                PreviousResult(
                    value=read.value,
                    at=datatypes.when_in(child(earlier, "effectiveTime")),
                    type=read.type,
                    comparator=read.comparator,
                    unit=printed.get(read.ucum, read.unit) if read.unit == read.ucum else read.unit,
                    ucum=read.ucum,
                )
            )
    return tuple(sorted(found, key=lambda each: moment(each.at).timestamp() if each.at else 0.0, reverse=True))


def picture(element: Element, narrative: Narrative, shown: dict[str, Element]) -> tuple[Observation, str]:
    """An ``observationMedia``, and why it cannot be opened if so. ``shown``: as :func:`shown_media` gives it."""
    document = media.attachment(child(element, "value"))
    place = shown.get(element.get("ID") or "")
    label = narrative.row_label(place) if place is not None else ""
    found = Observation(
        code=Code(text=label or "Image"), type=ValueType.DOCUMENT, document=document, status="F" if document else "X"
    )
    return found, media.why_damaged(document)


def shown_media(root: Element) -> dict[str, Element]:
    """``renderMultiMedia`` of the narrative by each ID they show."""
    return {
        key: element
        for element in root.iter(PREFIX + "renderMultiMedia")
        for key in (element.get("referencedObject") or "").split()
    }


def second_value(first: Observation, second: Observation) -> AltValue | None:
    """``second`` as the same test in another unit, when it adds nothing but that; None when it is a result of its own.

    The caller knows that both point at the same words of the narrative.
    """
    numbers = first.type is second.type is ValueType.NUMERIC and first.alt is None
    plainly = first.unit != second.unit and first.status == second.status
    same_time = first.observed_at == second.observed_at
    alike = (second.kit, second.method_code, second.performer) == (first.kit, first.method_code, first.performer)
    if not (numbers and plainly and same_time and first.value and second.value and alike):
        return None
    if set(second.flags) - set(first.flags) or second.comments or second.previous:
        return None
    return AltValue(
        comparator=second.comparator,
        value=second.value,
        unit=second.unit,
        ucum=second.ucum,
        low=second.low,
        high=second.high,
        loinc=second.loinc if second.loinc != first.loinc else None,
    )
