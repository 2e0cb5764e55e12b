"""``OBR``, ``OBX`` and ``C`` of a message (shared notes "HPRIM" §2.5 to §2.8).

A report as :func:`dispatcher.formats.hprim_sante.carried.carried` leaves it in, segments out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from dispatcher.formats.hprim_sante.assembly import composed, prose, repeated, segment, words
from dispatcher.formats.hprim_sante.identity_fields import moment_field, person_field
from dispatcher.formats.hprim_sante.results import SECOND_UNIT
from dispatcher.formats.hprim_sante.version import Version
from dispatcher.report.model import AltValue, Battery, Code, Observation, Report, ValueType
from dispatcher.report.values import parse_number

_SECOND_UNIT_ID = "U2"
"""OBX.4 of a second unit: the same code must not replace the result above it."""


def requests(report: Report, version: Version) -> Iterator[str]:
    """Every request with its results and comments."""
    for rank, battery in enumerate(report.batteries, 1):
        yield _request(rank, battery, report, version)
        yield from comments(battery.comments)
        lines = [line for one in battery.observations for line in _with_second_unit(one)]
        for number, (one, own) in enumerate(lines, 1):
            yield _result(number, one, battery.chapter)
            yield from comments(own)


def comments(texts: Sequence[str]) -> Iterator[str]:
    """``C`` segments of the laboratory."""
    for rank, text in enumerate(texts, 1):
        yield segment("C", {1: str(rank), 2: "L", 3: prose(text)})


def _request(rank: int, battery: Battery, report: Report, version: Version) -> str:
    specimen = battery.specimen
    number = words(specimen.id) if specimen else ""
    prescriber = report.prescriber
    return segment(
        "OBR",
        {
            1: str(rank),
            2: composed("", words(report.order.placer)),
            3: composed(number, words(report.order.filler)),
            4: _coded(battery.code),
            5: "S" if report.urgent else "R",
            6: moment_field(report.ordered_at),
            7: moment_field(battery.collected_at),
            14: moment_field(specimen.received_at if specimen else report.received_at),
            15: composed("", words(specimen.text)) if specimen else "",
            16: person_field(prescriber, version),
            17: words(prescriber.phone) if prescriber else "",
            22: moment_field(report.reported_at),
            25: battery.status,
            28: repeated(person_field(one, version) for one in report.copies),
            32: repeated(person_field(one, version) for one in report.validators),
        },
    )


def _coded(code: Code) -> str:
    return composed(words(code.code), words(code.text), words(code.system))


def _with_second_unit(one: Observation) -> list[tuple[Observation, tuple[str, ...]]]:
    """A result, then its value in another unit under the name « soit »; comments come after both."""
    if one.alt is None:
        return [(one, one.comments)]
    return [(one, ()), (_second_unit(one, one.alt), one.comments)]


def _second_unit(one: Observation, alt: AltValue) -> Observation:
    return Observation(
        code=replace(one.code, text=SECOND_UNIT),
        alternate=Code(code=alt.loinc, system="LN") if alt.loinc else None,
        type=ValueType.NUMERIC,
        value=alt.value,
        comparator=alt.comparator,
        unit=alt.unit,
        range_text=f"{alt.low} - {alt.high}" if alt.low and alt.high else _one_bound(alt),
        status=one.status,
        sub_id=_SECOND_UNIT_ID,
        observed_at=one.observed_at,
    )


def _one_bound(alt: AltValue) -> str:
    if alt.high:
        return f"< {alt.high}"
    return f"> {alt.low}" if alt.low else ""


def _result(rank: int, one: Observation, chapter: str) -> str:
    kind, value = _value(one)
    second = one.alternate
    codes = (one.code, second) if second is not None else (one.code,)
    return segment(
        "OBX",
        {
            1: str(rank),
            2: kind,
            3: composed(*(words(text) for code in codes for text in (code.code, code.text, code.system))),
            4: words(one.sub_id),
            5: value,
            6: words(one.unit),
            7: words(one.range_text),
            8: repeated(map(words, one.flags)),
            11: one.status,
            14: moment_field(one.observed_at),
            15: composed(words(chapter), str(10 * rank)) if chapter else "",
            16: composed("", words(one.validated_by)),
        },
    )


_NULL = '""'
"""Alone in a field it means « nothing »; a ``TX`` is read word for word."""


def _value(one: Observation) -> tuple[str, str]:
    """OBX.2 and OBX.5. A number with a comparator is text for the format; text that looks like a number is ``TX``."""
    if one.document is not None:
        name = one.document.name
        return "FIC", composed("", words(name), words(name.rpartition(".")[2]))
    if one.type is ValueType.NUMERIC:
        return ("ST", f"{one.comparator} {one.value}") if one.comparator else ("NM", one.value)
    if one.type is ValueType.CODED:
        return "CE", _answers(one)
    if "\n" in one.value or parse_number(one.value) is not None or one.value == _NULL:
        return "TX", prose(one.value)
    return "ST", prose(one.value)


def _answers(one: Observation) -> str:
    first, *others = one.value.split("\n")
    known = one.value_code
    code, system = (words(known.code), words(known.system)) if known is not None else ("", "")
    return repeated([composed(code, words(first), system), *(composed("", words(text)) for text in others)])
