"""The text of a section: what the doctor reads, with the IDs the coded entries point at.

CDA R2 narrative block (``NarrativeBlock.xsd``); CR-BIO: the text holds everything that is coded.
"""

from __future__ import annotations

from collections.abc import Sequence

from dispatcher.formats.cda import tables, wording
from dispatcher.formats.cda.draft import Draft
from dispatcher.formats.cda.elements import Element, flat, sub
from dispatcher.formats.cda.layout import Chapter, Fate, Group, Isolate, Row, Sample
from dispatcher.formats.cda.times import shown
from dispatcher.report.model import Status, ValueType

_COLUMNS = ("Analyse", "Résultat", "Unité", "Valeurs de référence", "Interprétation")
_ISOLATE_COLUMNS = ("Antibiotique ou dénombrement", "Résultat", "Unité", "Valeurs critiques", "Interprétation")
_BOLD = {"styleCode": "Bold"}
_WIDE_TEXT = 60
"""Characters beyond which a text result takes the whole width of the table."""
_FATE_TEXT = {Fate.ABORTED: "Non réalisé", Fate.CANCELLED: "Annulé", Fate.WAITING: "Résultat à suivre"}


def lines(parent: Element, text: str) -> None:
    """Text with its line ends as ``br``."""
    first, *rest = text.strip("\r\n").splitlines() or [""]
    parent.text = first
    for line in rest:
        sub(parent, "br").tail = line


def named(parent: Element, key: str, text: str, *, bold: bool = False) -> Element:
    """``content`` with an ID: what an entry points at."""
    content = sub(parent, "content", {"ID": key, "styleCode": "Bold"} if bold else {"ID": key})
    lines(content, text)
    return content


def notice(parent: Element, text: str) -> None:
    """A paragraph nobody should miss."""
    paragraph = sub(parent, "paragraph")
    lines(sub(paragraph, "content", _BOLD), text)


def chapter_text(draft: Draft, section: Element, chapter: Chapter) -> None:
    """``text`` of a chapter: specimens, then each battery with its isolates and comments."""
    text = sub(section, "text")
    if chapter.samples:
        _samples(text, chapter.samples)
    for group in chapter.groups:
        _group(draft, text, group)
    validators = dict.fromkeys(flat(row.observation.validated_by) for row in _rows(chapter))
    if any(validators):
        sub(text, "paragraph", text="Résultats validés par " + ", ".join(filter(None, validators)))


def _rows(chapter: Chapter) -> list[Row]:
    rows = []
    for group in chapter.groups:
        rows += group.rows
        for isolate in group.isolates:
            rows += [isolate.organism, *isolate.counts, *isolate.lines]
    return rows


def _table(text: Element, columns: Sequence[str]) -> Element:
    table = sub(text, "table", {"border": "1"})
    head = sub(sub(table, "thead"), "tr")
    for column in columns:
        sub(head, "th", text=column)
    return sub(table, "tbody")


def _samples(text: Element, samples: Sequence[Sample]) -> None:
    body = _table(text, ("Prélèvement", "Nature", "Prélevé le", "Reçu le"))
    for sample in samples:
        row = sub(body, "tr")
        named(sub(row, "td"), sample.key, f"Échantillon {flat(sample.specimen.id)}".strip())
        named(sub(row, "td"), sample.key + "n", sample_kind(sample))
        sub(row, "td", text=shown(sample.collected_at) if sample.collected_at else "")
        sub(row, "td", text=shown(sample.received_at) if sample.received_at else "")


def sample_kind(sample: Sample) -> str:
    """The laboratory's own words, else the official name of the code."""
    specimen = sample.specimen
    concept = tables.specimens().get(specimen.code)
    return flat(specimen.text) or (concept.display if concept else flat(specimen.code)) or "Non précisée"


def _group(draft: Draft, text: Element, group: Group) -> None:
    if group.title:
        named(sub(text, "paragraph"), group.key, group.title, bold=True)
    if group.rows:
        body = _table(text, _COLUMNS)
        for row in group.rows:
            _row(draft, body, row)
    for isolate in group.isolates:
        _isolate(draft, text, isolate)
    for number, comment in enumerate(group.battery.comments, 1):
        if comment.strip():
            named(sub(text, "paragraph"), f"{group.key}c{number}", comment)


def _isolate(draft: Draft, text: Element, isolate: Isolate) -> None:
    organism = isolate.organism
    paragraph = sub(text, "paragraph")
    label = wording.label(organism.observation.code, organism.observation.alternate)
    named(paragraph, organism.key, label).tail = " : "
    germ = named(paragraph, organism.key + "v", _value_text(organism), bold=True)
    remarks = _remarks(organism)
    germ.tail = f" ; {remarks}" if remarks else ""
    _comments(text, organism)
    rows = isolate.counts + isolate.lines
    if not rows:
        return
    if isolate.lines:
        named(sub(text, "paragraph"), organism.key + "a", isolate.title or "Antibiogramme")
    body = _table(text, _ISOLATE_COLUMNS)
    for row in rows:
        _row(draft, body, row)


def _value_text(row: Row) -> str:
    said, fate = wording.value(row.observation), _FATE_TEXT.get(row.fate, "")
    if row.fate is Fate.CANCELLED or not said:
        return fate or said
    return f"{fate} : {said}" if fate else said


def _row(draft: Draft, body: Element, row: Row) -> None:
    observation = row.observation
    element = sub(body, "tr")
    first = sub(element, "td")
    named(first, row.key, wording.label(observation.code, observation.alternate), bold=row.fate is Fate.SILENT)
    _method_and_maker(draft, first, row)
    if row.fate is Fate.SILENT:
        first.set("colspan", str(len(_COLUMNS)))
    elif observation.type is ValueType.DOCUMENT:
        _document_cell(element, row)
    else:
        _value_cells(element, row)
    _comment_rows(body, row)


def _method_and_maker(draft: Draft, cell: Element, row: Row) -> None:
    observation = row.observation
    if observation.method.strip():
        sub(cell, "br")
        named(cell, row.key + "m", f"({flat(observation.method)})")
    maker = flat(observation.performer.label) if observation.performer else ""
    if maker and maker.casefold() != flat(draft.laboratory.name).casefold():
        sub(cell, "br").tail = f"Réalisé par {maker}"


def _value_cells(element: Element, row: Row) -> None:
    observation = row.observation
    text, span, flags = _value_text(row), wording.reference_range(observation), _remarks(row)
    unit = flat(observation.unit) if row.fate is Fate.RESULT else ""
    cell = sub(element, "td")
    named(cell, row.key + "v", text, bold=wording.remarkable(observation))
    if not (unit or span or flags or observation.alt) and ("\n" in text or len(text) > _WIDE_TEXT):
        cell.set("colspan", str(len(_COLUMNS) - 1))
        return
    cells = [cell]
    for words in (unit, span, flags):
        cells.append(sub(element, "td"))
        lines(cells[-1], words)
    alt = observation.alt
    if alt is not None and alt.value.strip() and row.fate is Fate.RESULT:
        value = wording.with_comparator(observation.comparator, alt.value.strip())
        for target, second in zip(cells, (value, flat(alt.unit), wording.span(alt.low, alt.high)), strict=False):
            sub(target, "br").tail = second


_STATUS_TEXT = {**dict.fromkeys(("P", "S", "R"), "Résultat provisoire"), "C": "Résultat corrigé"}
"""HL7 table 0085 letters a reader must know of; ``F`` is the ordinary case."""


def _remarks(row: Row) -> str:
    if row.fate is not Fate.RESULT:
        return ""
    status = _STATUS_TEXT.get(row.observation.status.upper(), "")
    return " ; ".join(filter(None, (status, wording.interpretation(row.observation))))


def _document_cell(element: Element, row: Row) -> None:
    cell = sub(element, "td", {"colspan": str(len(_COLUMNS) - 1)})
    document = row.observation.document
    if document is not None and document.media_type in IMAGES:
        sub(cell, "renderMultiMedia", {"referencedObject": row.key + "i"})
    else:
        cell.text = "Document joint au compte rendu"


def _comments(text: Element, row: Row) -> None:
    for number, comment in enumerate(row.observation.comments, 1):
        if comment.strip():
            named(sub(text, "paragraph"), f"{row.key}c{number}", comment)


def _comment_rows(body: Element, row: Row) -> None:
    for number, comment in enumerate(row.observation.comments, 1):
        if comment.strip():
            cell = sub(sub(body, "tr"), "td", {"colspan": str(len(_COLUMNS))})
            named(cell, f"{row.key}c{number}", comment)


IMAGES = frozenset({"image/png", "image/jpeg", "image/gif"})
"""Media types an ``observationMedia`` may hold as a picture (CR-BIO 2024.01)."""


def notices(draft: Draft) -> list[str]:
    """What a reader must know before reading on: state of the report, identity of who wrote it."""
    report, ids = draft.report, draft.context.ids
    found = []
    if draft.laboratory.neutral:
        found.append("DOCUMENT D'ESSAI : identité de laboratoire neutre. Ne pas utiliser pour les soins.")
    if report.status is Status.CANCELLED:
        found.append("COMPTE RENDU ANNULÉ PAR LE LABORATOIRE : ne pas tenir compte des résultats déjà reçus.")
    elif report.status is Status.CORRECTED or ids.replaces:
        found.append(f"Annule et remplace la version précédente de ce compte rendu (version {max(ids.version, 1)}).")
    if report.status is Status.PARTIAL:
        found.append("Compte rendu partiel : d'autres résultats suivront.")
    if report.urgent:
        found.append("Demande urgente.")
    return found
