"""Results as tables people read: one line a result, its method, sub-contractor, earlier values and comments with it.

Columns always stand in the same order; a table shows those that some line of it uses.
"""

from __future__ import annotations

from collections.abc import Sequence

from dispatcher.formats.cda import wording
from dispatcher.formats.cda.blocks import lines, named, next_line, table, within
from dispatcher.formats.cda.elements import flat
from dispatcher.formats.cda.participants import validator_text
from dispatcher.formats.cda.plan import IMAGES, Fate, Isolate, Row, is_pdf
from dispatcher.formats.cda.times import shown
from dispatcher.formats.markup import Element, leaf, say, sub
from dispatcher.formats.spoken import ANNULLED
from dispatcher.report.model import ValueType

NAME, VALUE, UNIT, RANGE, FLAGS, BEFORE = range(6)
COLUMNS = ("Analyse", "Résultat", "Unité", "Valeurs de référence", "Interprétation", "Résultat antérieur")
ISOLATE_COLUMNS = ("Antibiotique", "Résultat", "Unité", "Valeurs critiques", "Interprétation", "Résultat antérieur")
_WIDE_TEXT = 60
"""Characters beyond which a text result takes the whole width of the table."""
_FATE_TEXT = {
    Fate.ABORTED: "Non réalisé",
    Fate.CANCELLED: "Annulé",
    Fate.WAITING: "Résultat à suivre",
    Fate.WITHDRAWN: ANNULLED.capitalize(),
}
_STATUS_TEXT = {**dict.fromkeys(("P", "S", "R"), "Résultat provisoire"), "C": "Résultat corrigé"}
"""HL7 table 0085 letters a reader must know of; ``F`` is the ordinary case."""


def results(text: Element, rows: Sequence[Row]) -> None:
    """The table of a battery."""
    used = _used(rows)
    body = table(text, [COLUMNS[column] for column in used])
    for row in rows:
        _row(body, row, used)


def isolate(text: Element, of: Isolate) -> None:
    """A germ: its name as the heading, what was counted, then its antibiogram."""
    organism = of.organism
    rows = of.counts + of.lines
    used = _used(rows)
    if not rows:
        _heading(sub(text, "paragraph"), of)
        _comments(text, organism)
        return
    element = sub(text, "table", {"border": "1"})
    head = sub(element, "thead")
    _heading(sub(sub(head, "tr"), "th", {"colspan": str(len(used))}), of)
    titles = sub(head, "tr")
    for column in used:
        leaf(titles, "th", text="Recherche" if column == NAME and not of.lines else ISOLATE_COLUMNS[column])
    body = sub(element, "tbody")
    _comment_rows(body, organism, len(used))
    for row in of.counts:
        _row(body, row, used)
    if of.lines:
        cell = sub(sub(body, "tr"), "td", {"colspan": str(len(used)), "styleCode": "Bold"})
        named(cell, organism.key + "a", of.title or "Antibiogramme", bold=True)
    for row in of.lines:
        _row(body, row, used)


def _heading(parent: Element, of: Isolate) -> None:
    organism = of.organism
    say(parent, f"Isolat n° {of.number} – ")
    label = wording.label(organism.observation.code, organism.observation.alternate)
    named(parent, organism.key, label)
    say(parent, " : ")
    named(parent, organism.key + "v", _value_text(organism), bold=True)
    if remarks := _remarks(organism):
        say(parent, f" ; {remarks}")
    _beside(parent, organism)


def _used(rows: Sequence[Row]) -> list[int]:
    return [column for column in range(BEFORE + 1) if column <= VALUE or any(_uses(row, column) for row in rows)]


def _uses(row: Row, column: int) -> bool:
    observation = row.observation
    alt = observation.alt
    if column == UNIT:
        return bool(observation.unit.strip() or (alt and alt.unit.strip()))
    if column == RANGE:
        return bool(wording.reference_range(observation) or (alt and (alt.low or alt.high)))
    return bool(_remarks(row)) if column == FLAGS else _has_earlier(row)


def _has_earlier(row: Row) -> bool:
    previous = row.observation.previous
    return bool(previous) and any(earlier.value.strip() for earlier in previous)


def _value_text(row: Row) -> str:
    said, fate = wording.value(row.observation), _FATE_TEXT.get(row.fate, "")
    if row.fate is Fate.CANCELLED or not said:
        return fate or said
    return f"{fate} : {said}" if fate else said


def _row(body: Element, row: Row, columns: Sequence[int]) -> None:
    observation = row.observation
    element = sub(body, "tr")
    first = sub(element, "td")
    named(first, row.key, wording.label(observation.code, observation.alternate), bold=row.fate is Fate.SILENT)
    _beside(first, row)
    if row.fate is Fate.SILENT:
        first.set("colspan", str(len(columns)))
    elif observation.type is ValueType.DOCUMENT:
        _document_cell(element, row, len(columns) - 1)
    else:
        _value_cells(element, row, columns)
    _comment_rows(body, row, len(columns))


def _beside(cell: Element, row: Row) -> None:
    """Under the name: method, kit, who carried it out, who validated it."""
    observation = row.observation
    method = wording.method(observation)
    if method:
        leaf(cell, "br")
        named(cell, row.key + "m", f"({method})")
    kit = wording.kit(observation)
    if kit:
        next_line(cell, f"Réactif : {kit}")
    if row.performer:
        next_line(cell, f"Sous-traité : {flat(row.performer.organisation or row.performer.label)}")
    if row.validator:
        next_line(cell, f"Validé par {validator_text(row.validator)}")


def _value_cells(element: Element, row: Row, columns: Sequence[int]) -> None:
    observation = row.observation
    text, span, flags = _value_text(row), wording.reference_range(observation), _remarks(row)
    unit = flat(observation.unit) if row.fate is Fate.RESULT else ""
    cell = sub(element, "td")
    named(cell, row.key + "v", text, bold=wording.remarkable(observation, tested=row.tested))
    earlier = _has_earlier(row)
    if not (unit or span or flags or observation.alt or earlier) and ("\n" in text or len(text) > _WIDE_TEXT):
        cell.set("colspan", str(len(columns) - 1))
        return
    cells = {VALUE: cell}
    for column, words in ((UNIT, unit), (RANGE, span), (FLAGS, flags)):
        if column not in columns:
            continue
        if observation.alt is None:
            within(element, "td", None, words)
        else:
            cells[column] = sub(element, "td")
            lines(cells[column], words)
    if BEFORE in columns:
        _earlier_cell(sub(element, "td"), row)
    _second_line(cells, row)


def _second_line(cells: dict[int, Element], row: Row) -> None:
    """The value in another unit, on the same line of the table."""
    alt = row.observation.alt
    if alt is None or not alt.value.strip() or row.fate is not Fate.RESULT:
        return
    leaf(cells[VALUE], "br")
    named(cells[VALUE], row.key + "w", wording.with_comparator(alt.comparator, alt.value.strip()))
    for column, second in ((UNIT, flat(alt.unit)), (RANGE, wording.span(alt.low, alt.high))):
        if column in cells:
            next_line(cells[column], second)


def _earlier_cell(cell: Element, row: Row) -> None:
    """Newest first: value, unit, date."""
    for rank, earlier in enumerate(row.observation.previous, 1):
        if not earlier.value.strip():
            continue
        if cell.inside:
            leaf(cell, "br")
        named(cell, f"{row.key}p{rank}", wording.earlier(earlier))
        if earlier.at:
            say(cell, f" ({shown(earlier.at)})")


def _remarks(row: Row) -> str:
    if row.fate is not Fate.RESULT:
        return ""
    status = _STATUS_TEXT.get(row.observation.status.upper(), "")
    return " ; ".join(filter(None, (status, wording.interpretation(row.observation, tested=row.tested))))


def _document_cell(element: Element, row: Row, width: int) -> None:
    cell = sub(element, "td", {"colspan": str(width)} if width > 1 else None)
    document = row.observation.document
    if row.fate is not Fate.RESULT:
        say(cell, _FATE_TEXT.get(row.fate, ""))
    elif document is not None and document.media_type in IMAGES:
        leaf(cell, "renderMultiMedia", {"referencedObject": row.key + "i"})
    else:
        say(cell, "Document joint au compte rendu" if is_pdf(document) else "Document non transmis (format non admis)")


def _comments(text: Element, row: Row) -> None:
    for number, comment in enumerate(row.observation.comments, 1):
        if comment.strip():
            named(sub(text, "paragraph"), f"{row.key}c{number}", comment)


def _comment_rows(body: Element, row: Row, width: int) -> None:
    for number, comment in enumerate(row.observation.comments, 1):
        if comment.strip():
            cell = sub(sub(body, "tr"), "td", {"colspan": str(width)})
            named(cell, f"{row.key}c{number}", comment)
