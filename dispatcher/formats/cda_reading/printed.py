"""The number people read against the number machines read: both stand in a CDA, and nothing in the format ties them.

A result and its narrative in, an answer out. Only what is certain is compared: the cell under a heading "Résultat" of
the row that names the test, or words the value itself points at, and only when they are one number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from dispatcher.formats.cda_reading.narrative import Narrative, text_of
from dispatcher.formats.cda_reading.nodes import Element, attribute, child, children, inside, local, one_line
from dispatcher.report.model import Observation, ValueType
from dispatcher.report.values import as_decimal

_RESULT = frozenset({"résultat", "résultats", "resultat", "resultats"})
_ASIDE = ("antér", "anter", "référ", "refer", "réfé", "valeurs", "norm", "interv", "seuil", "date")
"""How headings of columns begin that never hold today's result."""
_NUMBER = re.compile(
    r"(?:<=|>=|[<>≤≥=])?\s*([-+]?)"
    r"((?:\d{1,3}(?:[ \u00a0\u202f]\d{3})+|\d+)(?:[.,]\d+)?|\d{1,3}(?:[.,]\d{3}){2,})\s*[*HBL]?"
)
_THOUSANDS = re.compile(r"\d{1,3}(?:[.,]\d{3})+")


def disagrees(element: Element, narrative: Narrative, key: str, found: Observation) -> bool:
    """The narrative prints another number than ``found``, read from ``element``. ``key``: where its name stands."""
    value = as_decimal(found.value) if found.type is ValueType.NUMERIC else None
    if value is None:
        return False
    told = list(_pointed_at(element, narrative))
    if told:
        return not any(value in each for each in told)
    main, others = _cells(narrative.places.get(key))
    return bool(main) and all(main) and not any(value in each for each in (*main, *others))


def _numbers(text: str) -> frozenset[Decimal]:
    """What a printed number may mean (``1,234`` is two things); nothing when the words are more than one number."""
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        return frozenset()
    bare = re.sub(r"\s", "", match[2])
    spellings = [bare.replace(",", ".")]
    if _THOUSANDS.fullmatch(bare):
        spellings.append(re.sub("[.,]", "", bare))
    return frozenset(number for each in spellings if (number := as_decimal(match[1].strip("+") + each)) is not None)


def _pointed_at(element: Element, narrative: Narrative) -> Iterator[frozenset[Decimal]]:
    """Numbers the value itself, or the text of the observation, points at."""
    holders = [child(each, "originalText") for each in children(element, "value")]
    for holder in (*holders, child(element, "text")):
        name = attribute(child(holder, "reference"), "value").removeprefix("#")
        if name in narrative.places and (told := _numbers(one_line(text_of(narrative.places[name])))):
            yield told


def _cells(place: Element | None) -> tuple[list[frozenset[Decimal]], list[frozenset[Decimal]]]:
    """Lines of the result cell of a test's row, and of the row's other cells that might hold the value too."""
    row = place
    while row is not None and local(row) not in ("tr", "text"):
        row = row.getparent()
    if row is None or place is None or local(row) != "tr":
        return [], []
    cells = list(inside(row))
    headings = _headings(row)
    named = place is row or (bool(cells) and any(each is place for each in cells[0].iter()))
    results = [rank for rank, said in enumerate(headings) if said in _RESULT]
    if not named or len(results) != 1 or results[0] == 0 or len(cells) != len(headings):
        return [], []
    others = [
        line
        for rank, cell in enumerate(cells)
        if rank and rank != results[0] and not headings[rank].startswith(_ASIDE)
        for line in _lines(cell)
    ]
    return _lines(cells[results[0]]), others


def _lines(cell: Element) -> list[frozenset[Decimal]]:
    return [_numbers(line) for line in text_of(cell).split("\n") if line.strip()]


def _headings(row: Element) -> list[str]:
    """Of the table around a row; none when a cell of the table spans several, or a heading several columns."""
    table: Element | None = row.getparent()
    while table is not None and local(table) != "table":
        table = table.getparent()
    rows = children(table, "thead", "tr")
    if table is None or not rows or any(each.get("rowspan", "1") != "1" for each in table.iter()):
        return []
    spanned = any(each.get("colspan", "1") != "1" for part in (row, rows[-1]) for each in inside(part))
    return [] if spanned else [one_line(text_of(each)).casefold() for each in inside(rows[-1])]
