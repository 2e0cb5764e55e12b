"""One ``value`` of an observation, whatever its data type, as the report model holds it (HL7 V3 data types R1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from dispatcher.formats.cda.times import shown
from dispatcher.formats.cda_reading import datatypes, media
from dispatcher.formats.cda_reading.narrative import Narrative, text_of
from dispatcher.formats.cda_reading.nodes import (
    Element,
    attribute,
    child,
    children,
    inside,
    local,
    one_line,
    plain,
    value_type,
)
from dispatcher.report.model import Attachment, Code, ValueType
from dispatcher.report.values import as_decimal, parse_number

_COMPARATORS = {("high", False): "<", ("high", True): "<=", ("low", False): ">", ("low", True): ">="}
_BOOLEANS = {"true": "Oui", "false": "Non"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What one ``value`` says. ``known`` is False for a data type this reader has no rule for."""

    type: ValueType = ValueType.TEXT
    value: str = ""
    raw: str = ""
    comparator: str = ""
    code: Code | None = None
    unit: str = ""
    """As printed when the value itself says it, else the UCUM string."""
    ucum: str | None = None
    document: Attachment | None = None
    known: bool = True


def read_value(element: Element, narrative: Narrative) -> Value:
    """``element`` is the ``value``; its type is guessed from its shape when ``xsi:type`` is missing."""
    kind = value_type(element) or _guessed(element)
    if kind.startswith("IVL_") and kind != "IVL_TS":
        found = _interval(element)
    elif kind in _READERS:
        found = _READERS[kind](element, narrative)
    else:
        said = narrative.said(element) or text_of(element) or attribute(element, "value")
        found = Value(value=said, raw=said, known=not said)
    if not (found.value or found.code or found.document) and (said := narrative.said(element)):
        return replace(found, type=ValueType.TEXT, value=said, raw=said)
    return found


def _guessed(element: Element) -> str:
    if child(element, "low") is not None or child(element, "high") is not None:
        return "IVL_PQ"
    if child(element, "numerator") is not None:
        return "RTO"
    if attribute(element, "code") or child(element, "originalText") is not None:
        return "CD"
    if attribute(element, "value"):
        return "PQ" if as_decimal(attribute(element, "value")) is not None else "ST"
    return "ED" if attribute(element, "representation") else "ST"


def number(text: str) -> Value:
    """A number as it stands in an attribute: ``5.50``; also what people put there instead: ``< 5``, ``5,5``."""
    bare = text.strip()
    parsed = parse_number(bare)
    if parsed is None:
        return Value(value=bare, raw=bare)
    return Value(type=ValueType.NUMERIC, value=parsed.value, comparator=parsed.comparator, raw=bare)


def _quantity(element: Element, narrative: Narrative) -> Value:
    del narrative
    ucum = attribute(element, "unit")
    return replace(number(attribute(element, "value")), unit=printed_unit(element) or ucum, ucum=ucum or None)


def printed_unit(element: Element) -> str:
    """The unit in the laboratory's words: ``translation/originalText`` of a quantity."""
    said = (one_line(text_of(child(each, "originalText"))) for each in children(element, "translation"))
    return next(filter(None, said), "")


def _interval(element: Element) -> Value:
    """One bound is a comparator, two are a range in words."""
    bounds = {
        name: each
        for name in ("low", "high")
        if (each := child(element, name)) is not None and attribute(each, "value")
    }
    centre = child(element, "center")
    if not bounds:
        return _unit_of(number(attribute(centre, "value") or attribute(element, "value")), centre, element)
    if len(bounds) == 1:
        (name, bound), *_ = bounds.items()
        found = number(attribute(bound, "value"))
        inclusive = attribute(bound, "inclusive") != "false"
        if found.type is ValueType.NUMERIC and not found.comparator:
            found = replace(found, comparator=_COMPARATORS[name, inclusive])
        return _unit_of(found, bound, element)
    low, high = (attribute(bounds[name], "value") for name in ("low", "high"))
    if low == high:
        return _unit_of(number(low), bounds["low"], element)
    return _unit_of(Value(value=f"{low} à {high}", raw=f"{low} - {high}"), bounds["low"], element)


def _unit_of(value: Value, *holders: Element | None) -> Value:
    there = [each for each in holders if each is not None]
    ucum = next((text for each in there if (text := attribute(each, "unit"))), "")
    printed = next((text for each in there if (text := printed_unit(each))), "")
    return replace(value, unit=printed or ucum, ucum=ucum or None)


def _coded(element: Element, narrative: Narrative) -> Value:
    """The laboratory's words first, then the name of the code, then the code."""
    said = narrative.said(element)
    own = datatypes.code(element)
    code = own or next((found for each in children(element, "translation") if (found := datatypes.code(each))), None)
    words = said or (code.text or code.code if code else one_line(attribute(element, "displayName")))
    return Value(type=ValueType.CODED if code else ValueType.TEXT, value=words, raw=words, code=code)


def _words(element: Element, narrative: Narrative) -> Value:
    said = text_of(element) or narrative.said(element) or attribute(element, "value")
    return Value(value=said, raw=said)


def _data(element: Element, narrative: Narrative) -> Value:
    """ED: a document in base64, a reference into the narrative, or plain words."""
    if media.in_base64(element):
        document = media.attachment(element)
        return Value(type=ValueType.DOCUMENT, document=document, known=document is not None)
    return _words(element, narrative)


def _moment(element: Element, narrative: Narrative) -> Value:
    del narrative
    raw = attribute(element, "value")
    moment = datatypes.when_in(element)
    told = shown(moment) if moment else raw
    return Value(value=told, raw=raw or told)


def _ratio(element: Element, narrative: Narrative) -> Value:
    del narrative
    parts = [_part(child(element, name)) for name in ("numerator", "denominator")]
    said = "/".join(part for part in parts if part)
    return Value(value=said, raw=said)


def _part(element: Element | None) -> str:
    text, unit = attribute(element, "value"), attribute(element, "unit")
    return f"{text} {unit}" if unit and unit != "1" else text


def _truth(element: Element, narrative: Narrative) -> Value:
    raw = attribute(element, "value")
    return Value(value=narrative.said(element) or _BOOLEANS.get(raw, raw), raw=raw)


_READERS: dict[str, Callable[[Element, Narrative], Value]] = {
    "PQ": _quantity,
    "PPD_PQ": _quantity,
    "MO": _quantity,
    "REAL": _quantity,
    "INT": _quantity,
    **dict.fromkeys(("CD", "CE", "CV", "CS", "CO", "CR"), _coded),
    **dict.fromkeys(("ST", "SC"), _words),
    "ED": _data,
    **dict.fromkeys(("TS", "IVL_TS", "EIVL_TS"), _moment),
    **dict.fromkeys(("RTO", "RTO_PQ_PQ", "RTO_QTY_QTY"), _ratio),
    "BL": _truth,
}

# ------------------------------------------------------------------------------------------------ reference ranges


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A reference range: bounds as numbers, or the printed text."""

    low: str = ""
    high: str = ""
    text: str = ""


def reference_range(observation: Element, narrative: Narrative) -> Span:
    """All ranges of an observation as one: the first with bounds gives them, every text is kept."""
    found = [_span(each, narrative) for each in children(observation, "referenceRange", "observationRange")]
    bounded = next((each for each in found if each.low or each.high), Span())
    texts = [each.text for each in found if each.text]
    if len(found) > 1 and not texts:
        return Span(low=bounded.low, high=bounded.high, text=" ; ".join(_printed(each) for each in found))
    return replace(bounded, text=" ; ".join(dict.fromkeys(texts)))


def _printed(span: Span) -> str:
    return (
        f"{span.low} - {span.high}" if span.low and span.high else f">= {span.low}" if span.low else f"<= {span.high}"
    )


def _span(element: Element, narrative: Narrative) -> Span:
    """``value`` as an interval; met as well: bounds right under ``observationRange``, words in ``text``."""
    text = child(element, "text")
    said = one_line(narrative.said(text) or text_of(text)) if text is not None else ""
    value = child(element, "value")
    holder = element if value is None else value
    low, high = (_bound(child(holder, name)) for name in ("low", "high"))
    if value is not None and not (low or high) and not said:
        said = one_line(read_value(value, narrative).raw) or plain(value)
    return Span(low=low, high=high, text=said)


def _bound(element: Element | None) -> str:
    text = attribute(element, "value")
    return text if as_decimal(text) is not None else ""


def shape(element: Element) -> str:
    """For a problem: the data type as the file names it, or the elements it holds."""
    return value_type(element) or ", ".join(sorted({local(each) for each in inside(element)})) or "sans type"
