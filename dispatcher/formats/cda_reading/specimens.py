"""Samples: what a procedure says of one, and which battery it belongs to (FR-Prelevement, 1.2.250.1.213.1.1.3.77)."""

from __future__ import annotations

from dispatcher.formats.cda.elements import SPECIMEN_TYPE
from dispatcher.formats.cda_reading import datatypes
from dispatcher.formats.cda_reading.content import Content
from dispatcher.formats.cda_reading.narrative import Narrative
from dispatcher.formats.cda_reading.nodes import Element, attribute, child, children, code_of, one_line
from dispatcher.formats.er7.notes import Notes
from dispatcher.report.model import Severity, Specimen

_RECEIVED = "SPRECEIVE"


def read_sample(procedure: Element, narrative: Narrative) -> tuple[frozenset[str], Specimen]:
    """Specimen collection: kind, number, when it was taken and received."""
    roles = [
        each
        for participant in children(procedure, "participant")
        if attribute(participant, "typeCode") == "PRD" and (each := child(participant, "participantRole")) is not None
    ]
    role = roles[0] if roles else child(procedure, "specimen", "specimenRole")
    entity = child(role, "playingEntity")
    entity = entity if entity is not None else child(role, "specimenPlayingEntity")
    coded = child(entity, "code")
    narrative.key(child(procedure, "code"))
    said = "" if attribute(coded, "nullFlavor") == "UNK" else narrative.line(coded)
    site = one_line(attribute(child(procedure, "targetSiteCode"), "displayName"))
    text = said or one_line(attribute(coded, "displayName"))
    received = next(
        (
            datatypes.when_in(child(act, "effectiveTime"))
            for act in children(procedure, "entryRelationship", "act")
            if code_of(act, "code") == _RECEIVED
        ),
        None,
    )
    specimen = Specimen(
        id=datatypes.extension(children(role, "id")),
        text=" — ".join(part for part in (text, site) if part),
        code=attribute(coded, "code") if attribute(coded, "codeSystem") == SPECIMEN_TYPE else "",
        collected_at=datatypes.when_in(child(procedure, "effectiveTime")),
        received_at=received,
    )
    return frozenset(datatypes.unique_id(each) for each in children(role, "id")), specimen


def named_samples(organizer: Element) -> frozenset[str]:
    """Unique ids of the samples an organizer says it was made of."""
    return frozenset(datatypes.unique_id(each) for each in children(organizer, "specimen", "specimenRole", "id")) - {""}


def give_samples(content: Content, notes: Notes) -> None:
    """The act's samples to its batteries: the only one to all, else by the number a battery names; never a guess."""
    for group in content.groups:
        if group.specimen is not None:
            continue
        if len(content.samples) == 1:
            group.specimen = content.samples[0][1]
            continue
        named = [specimen for ids, specimen in content.samples if ids & group.specimen_ids]
        if len(named) == 1:
            group.specimen = named[0]
    given = {id(group.specimen) for group in content.groups}
    left = [specimen for _, specimen in content.samples if id(specimen) not in given]
    if left and content.groups:
        for specimen in left:
            told = " ".join(part for part in (specimen.text, f"n° {specimen.id}" if specimen.id else "") if part)
            if told:
                content.groups[0].comments.append(f"Prélèvement : {told}")
        notes.tally(
            "specimen-not-linked",
            Severity.INFO,
            "procedure",
            "Plusieurs prélèvements pour un même chapitre sans dire quelle analyse vient duquel : ils sont donnés en "
            "commentaire, aucun n'est attribué.",
        )
