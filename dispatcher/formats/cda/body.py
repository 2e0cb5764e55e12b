"""The structured body: chapters, comments on the whole report, copy of the document as PDF.

CR-BIO 2024.01: one section per chapter with its text and exactly one entry, or with sub-chapters that have one each
(S_laboratorySpecialty.sch, S_laboratoryReportItem.sch); comments without code in 1.2.250.1.213.1.1.2.73; the PDF copy
is obligatory.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dispatcher.formats.cda import narrative, participants, results
from dispatcher.formats.cda.blocks import lines
from dispatcher.formats.cda.draft import Draft
from dispatcher.formats.cda.elements import COMP, SPECIMEN_TYPE, coded, event, loinc, points_at, templates
from dispatcher.formats.cda.pdf_copy import pdf_section, scanned_section
from dispatcher.formats.cda.plan import Chapter, Part, Sample
from dispatcher.formats.cda.tables import specimens
from dispatcher.formats.cda.times import stamp
from dispatcher.formats.markup import Element, leaf, sub


def structured_body(draft: Draft, root: Element, chapters: Sequence[Chapter]) -> None:
    """``component/structuredBody``. Raises :class:`dispatcher.errors.RenderError` without a PDF."""
    body = sub(sub(root, "component"), "structuredBody")
    told = narrative.notices(draft)
    if told:
        text = _comment_section(body, "Information sur ce compte rendu")
        for notice in told:
            narrative.notice(text, notice)
    for chapter in chapters:
        _chapter(draft, body, chapter)
    said = [c for c in draft.report.comments if c.strip()]
    if said:
        text = _comment_section(body, "Commentaire")
        for comment in said:
            lines(sub(text, "paragraph"), comment)
    if draft.report.text.strip():
        text = _comment_section(body, "Texte du laboratoire")
        lines(sub(text, "paragraph"), _columns_kept(draft.report.text))
    scanned_section(draft, body, (row for c in chapters for part in c.parts for row in part.rows()))
    pdf_section(draft, body)


def _columns_kept(text: str) -> str:
    """Runs of blanks as no-break spaces, or a viewer would close up the columns of a printed report."""
    return re.sub(r" {2,}", lambda run: "\u00a0" * len(run[0]), text.expandtabs(8))


def _comment_section(body: Element, title: str) -> Element:
    section = sub(sub(body, "component"), "section")
    templates(section, "2.16.840.1.113883.10.12.201", "1.3.6.1.4.1.19376.1.4.1.2.16", "1.2.250.1.213.1.1.2.73")
    loinc(section, "code", "55112-7", "Commentaire")
    leaf(section, "title", text=title)
    return sub(section, "text")


def _chapter(draft: Draft, body: Element, chapter: Chapter) -> None:
    section = _section(body, chapter.loinc, chapter.display, chapter.title, *_CHAPTER)
    for part in chapter.parts:
        _part(
            draft, _section(section, part.loinc, part.display, part.title, *_SUB) if chapter.divided else section, part
        )


_CHAPTER = ("1.3.6.1.4.1.19376.1.3.3.2.1", "1.2.250.1.213.1.1.2.70")
_SUB = ("1.3.6.1.4.1.19376.1.3.3.2.2", "1.2.250.1.213.1.1.2.71")


def _section(parent: Element, code: str, display: str, title: str, *roots: str) -> Element:
    section = sub(sub(parent, "component"), "section")
    templates(section, *roots)
    loinc(section, "code", code, display)
    leaf(section, "title", text=title)
    return section


def _part(draft: Draft, section: Element, part: Part) -> None:
    """Text and the one entry of a chapter or sub-chapter."""
    narrative.part_text(draft, section, part)
    entry = sub(section, "entry", {"typeCode": "DRIV"})
    templates(entry, "1.3.6.1.4.1.19376.1.3.1", "1.2.250.1.213.1.1.3.21")
    act = event(entry, "act", "ACT")
    loinc(act, "code", part.loinc, part.display)
    leaf(act, "statusCode", {"code": results.state(draft)})
    if part.performer:
        participants.performer(draft, act, part.performer, None)
    if part.validator:
        participants.validator(draft, act, part.validator, draft.released_at)
    for sample in part.samples:
        _sample(draft, act, sample)
    for group in part.groups:
        results.group(draft, act, group)
    for group in part.groups:
        results.loose_comments(act, group)


def _sample(draft: Draft, act: Element, sample: Sample) -> None:
    """Specimen collection (1.3.6.1.4.1.19376.1.3.1.2): exactly one participant with exactly one id."""
    specimen = sample.specimen
    holder = sub(act, "entryRelationship", COMP)
    procedure = event(holder, "procedure", "PROC", "1.3.6.1.4.1.19376.1.3.1.2", "1.2.250.1.213.1.1.3.77")
    points_at(sub(procedure, "code"), sample.key)
    if sample.collected_at:
        leaf(sub(procedure, "effectiveTime"), "high", {"value": stamp(sample.collected_at)})
    else:
        leaf(procedure, "effectiveTime", {"nullFlavor": "UNK"})
    role = sub(sub(procedure, "participant", {"typeCode": "PRD"}), "participantRole", {"classCode": "SPEC"})
    if specimen.id.strip():
        draft.own_number(role, specimen.id, "numéro d'échantillon")
    else:
        leaf(role, "id", {"root": draft.derived_id("specimen:" + sample.key)})
    entity = sub(role, "playingEntity")
    concept = specimens().get(specimen.code)
    if concept:
        code = coded(entity, "code", concept.code, SPECIMEN_TYPE, concept.display)
    else:
        # Words without a code of the value set: the rule wants it said (JDV_specimenType.sch, nullFlavor allowed).
        code = sub(entity, "code", {"nullFlavor": "OTH" if specimen.text.strip() else "UNK"})
    points_at(code, sample.key + "n")
    if sample.received_at:
        holder = sub(procedure, "entryRelationship", COMP)
        received = event(holder, "act", "ACT", "1.3.6.1.4.1.19376.1.3.1.3", "1.2.250.1.213.1.1.3.107")
        # The code system is spelled so in the official rule (E_FR-Prelevement.sch).
        coded(received, "code", "SPRECEIVE", "1.3.5.1.4.1.19376.1.5.3.2", "Échantillon reçu")
        leaf(received, "effectiveTime", {"value": stamp(sample.received_at)})
