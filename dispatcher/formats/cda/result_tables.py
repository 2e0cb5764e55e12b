"""Results as tables people read: one line a result, its method, sub-contractor, earlier values and comments with it.

Columns always stand in the same order; a table shows those that some line of it uses.
"""

from __future__ import annotations

from collections.abc import Sequence

from dispatcher.formats.cda import wording
from dispatcher.formats.cda.blocks import broken, content, next_line, table
from dispatcher.formats.cda.elements import flat
from dispatcher.formats.cda.participants import validator_text
from dispatcher.formats.cda.plan import IMAGES, Fate, Isolate, Row, is_pdf
from dispatcher.formats.cda.times import shown
from dispatcher.formats.markup import Element, escaped, finished, leaf, sub
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
        text.inside.append(f"<paragraph>{_heading(of)}</paragraph>")
        text.inside += [f"<paragraph>{comment}</paragraph>" for comment in _comments(organism)]
        return
    element = sub(text, "table", {"border": "1"})
    head = sub(element, "thead")
    head.inside.append(f'<tr><th colspan="{len(used)}">{_heading(of)}</th></tr>')
    titles = sub(head, "tr")
    for column in used:
        leaf(titles, "th", text="Recherche" if column == NAME and not of.lines else ISOLATE_COLUMNS[column])
    body = sub(element, "tbody")
    _comment_rows(body, organism, len(used))
    for row in of.counts:
        _row(body, row, used)
    if of.lines:
        title = content(organism.key + "a", of.title or "Antibiogramme", bold=True)
        body.inside.append(f'<tr><td colspan="{len(used)}" styleCode="Bold">{title}</td></tr>')
    for row in of.lines:
        _row(body, row, used)


def _heading(of: Isolate) -> str:
    organism = of.organism
    name, found = content(organism.key, organism.label), content(organism.key + "v", _value_text(organism), bold=True)
    remarks = _remarks(organism)
    said = escaped(f" ; {remarks}") if remarks else ""
    return f"Isolat n° {of.number} – {name} : {found}{said}{_beside(organism)}"


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
    said = wording.value(row.observation)
    fate = "" if row.fate is Fate.RESULT else _FATE_TEXT.get(row.fate, "")
    if row.fate is Fate.CANCELLED or not said:
        return fate or said
    return f"{fate} : {said}" if fate else said


def _row(body: Element, row: Row, columns: Sequence[int]) -> None:
    silent = row.fate is Fate.SILENT
    name = content(row.key, row.label, bold=silent) + _beside(row)
    if silent:
        cells = f'<td colspan="{len(columns)}">{name}</td>'
    elif row.observation.type is ValueType.DOCUMENT:
        cells = f"<td>{name}</td>{_document_cell(row, len(columns) - 1)}"
    else:
        cells = f"<td>{name}</td>{_value_cells(row, columns)}"
    body.inside.append(f"<tr>{cells}</tr>")
    _comment_rows(body, row, len(columns))


def _beside(row: Row) -> str:
    """Under the name: method, kit, who carried it out, who validated it."""
    observation, said = row.observation, ""
    method = wording.method(observation)
    if method:
        said = f"<br/>{content(row.key + 'm', f'({method})')}"
    kit = wording.kit(observation)
    if kit:
        said += next_line(f"Réactif : {kit}")
    if row.performer:
        said += next_line(f"Sous-traité : {flat(row.performer.organisation or row.performer.label)}")
    if row.validator:
        said += next_line(f"Validé par {validator_text(row.validator)}")
    return said


def _value_cells(row: Row, columns: Sequence[int]) -> str:
    """All cells behind the name."""
    observation = row.observation
    text, span, flags = _value_text(row), wording.reference_range(observation), _remarks(row)
    unit = flat(observation.unit) if row.fate is Fate.RESULT else ""
    said = content(row.key + "v", text, bold=wording.remarkable(wording.flags(observation, tested=row.tested)))
    alone = not (unit or span or flags or observation.alt or _has_earlier(row))
    if alone and ("\n" in text or len(text) > _WIDE_TEXT):
        return f'<td colspan="{len(columns) - 1}">{said}</td>'
    cells = ["", said, broken(unit), broken(span), broken(flags)]
    _second_line(cells, row)
    cells_said = "".join([f"<td>{cells[column]}</td>" for column in columns[VALUE:] if column < BEFORE])
    return f"{cells_said}{_earlier_cell(row)}" if BEFORE in columns else cells_said


def _second_line(cells: list[str], row: Row) -> None:
    """The value in another unit, on the same line of the table."""
    alt = row.observation.alt
    if alt is None or not alt.value.strip() or row.fate is not Fate.RESULT:
        return
    cells[VALUE] += "<br/>" + content(row.key + "w", wording.with_comparator(alt.comparator, alt.value.strip()))
    cells[UNIT] += next_line(flat(alt.unit))
    cells[RANGE] += next_line(wording.span(alt.low, alt.high))


def _earlier_cell(row: Row) -> str:
    """Newest first: value, unit, date."""
    if not _has_earlier(row):
        return "<td/>"
    said = "<br/>".join(
        content(f"{row.key}p{rank}", wording.earlier(earlier)) + (f" ({shown(earlier.at)})" if earlier.at else "")
        for rank, earlier in enumerate(row.observation.previous, 1)
        if earlier.value.strip()
    )
    return f"<td>{said}</td>"


def _remarks(row: Row) -> str:
    if row.fate is not Fate.RESULT:
        return ""
    status = _STATUS_TEXT.get(row.observation.status.upper(), "")
    meaning = wording.interpretation(wording.flags(row.observation, tested=row.tested))
    return f"{status} ; {meaning}" if status and meaning else status or meaning


def _document_cell(row: Row, width: int) -> str:
    document = row.observation.document
    if row.fate is not Fate.RESULT:
        said = _FATE_TEXT.get(row.fate, "")
    elif document is not None and document.media_type in IMAGES:
        said = finished("renderMultiMedia", {"referencedObject": row.key + "i"})
    else:
        said = "Document joint au compte rendu" if is_pdf(document) else "Document non transmis (format non admis)"
    return f'<td colspan="{width}">{said}</td>' if width > 1 else f"<td>{said}</td>"


def _comments(row: Row) -> list[str]:
    comments = row.observation.comments
    return [content(f"{row.key}c{number}", comment) for number, comment in enumerate(comments, 1) if comment.strip()]


def _comment_rows(body: Element, row: Row, width: int) -> None:
    if row.observation.comments:
        body.inside += [f'<tr><td colspan="{width}">{comment}</td></tr>' for comment in _comments(row)]
