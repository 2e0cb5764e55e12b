"""The text of a section: what the doctor reads, with the IDs the coded entries point at.

CDA R2 narrative block (``NarrativeBlock.xsd``); CR-BIO: the text holds everything that is coded.
"""

from __future__ import annotations

from collections.abc import Sequence

from dispatcher.formats.cda import result_tables, tables
from dispatcher.formats.cda.blocks import lines, named, table
from dispatcher.formats.cda.draft import Draft
from dispatcher.formats.cda.elements import flat
from dispatcher.formats.cda.participants import performer_text, validator_text
from dispatcher.formats.cda.plan import Group, Part, Sample
from dispatcher.formats.cda.times import shown
from dispatcher.formats.markup import Element, leaf, sub
from dispatcher.report.model import Status

_BOLD = {"styleCode": "Bold"}


def notice(parent: Element, text: str) -> None:
    """A paragraph nobody should miss."""
    paragraph = sub(parent, "paragraph")
    lines(sub(paragraph, "content", _BOLD), text)


def part_text(draft: Draft, section: Element, part: Part) -> None:
    """``text`` of a chapter or sub-chapter: specimens, each battery with its isolates and comments, then people."""
    text = sub(section, "text")
    if part.samples:
        _samples(text, part.samples)
    for group in part.groups:
        _group(text, group)
    for performer in dict.fromkeys([part.performer, *(row.performer for row in part.rows())]):
        if performer:
            leaf(text, "paragraph", text=f"Examens sous-traités, réalisés par : {performer_text(performer)}")
    if part.validator:
        leaf(text, "paragraph", text=f"Résultats validés par {validator_text(part.validator)}")


def _samples(text: Element, samples: Sequence[Sample]) -> None:
    body = table(text, ("Prélèvement", "Nature", "Prélevé le", "Reçu le"))
    for sample in samples:
        row = sub(body, "tr")
        named(sub(row, "td"), sample.key, f"Échantillon {flat(sample.specimen.id)}".strip())
        named(sub(row, "td"), sample.key + "n", sample_kind(sample))
        leaf(row, "td", text=shown(sample.collected_at) if sample.collected_at else "")
        leaf(row, "td", text=shown(sample.received_at) if sample.received_at else "")


def sample_kind(sample: Sample) -> str:
    """The laboratory's own words, else the official name of the code."""
    specimen = sample.specimen
    concept = tables.specimens().get(specimen.code)
    return flat(specimen.text) or (concept.display if concept else flat(specimen.code)) or "Non précisée"


def _group(text: Element, group: Group) -> None:
    if group.heading == group.key:
        named(sub(text, "paragraph"), group.key, group.title, bold=True)
    if group.rows:
        result_tables.results(text, group.rows)
    for isolate in group.isolates:
        result_tables.isolate(text, isolate)
    for number, comment in enumerate(group.battery.comments, 1):
        if comment.strip():
            named(sub(text, "paragraph"), f"{group.key}c{number}", comment)


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
