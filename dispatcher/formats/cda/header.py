"""The header, in the order of the schema: ``realmCode`` to ``componentOf``.

Rules: CI-SIS structuration minimale (schematron 1.2.250.1.213.1.1.1.1) and ``Entete_CR-BIO.sch`` 2024.01. The title and
the document code are fixed texts; what a reader must be told (partial, corrected, cancelled) stands in the body.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dispatcher.errors import RenderError
from dispatcher.formats.cda import people
from dispatcher.formats.cda.draft import Draft
from dispatcher.formats.cda.elements import KIND, coded, flat, is_root, loinc, templates
from dispatcher.formats.cda.plan import Chapter
from dispatcher.formats.cda.times import moment, stamp
from dispatcher.formats.markup import Element, leaf, sub
from dispatcher.report.model import IdType, Practitioner, Status, When

LEVEL_3 = ("2.16.840.1.113883.2.8.2.1", "1.2.250.1.213.1.1.1.1", "1.3.6.1.4.1.19376.1.3.3")
"""HL7 France, CI-SIS, XD-LAB; the CR-BIO model itself follows with its version."""
LEVEL_1 = ("2.16.840.1.113883.2.8.2.1", "1.2.250.1.213.1.1.1.1", "1.3.6.1.4.1.19376.1.2.20")
"""HL7 France, CI-SIS, XDS-SD: exactly these three (structuration minimale)."""
CR_BIO = "1.2.250.1.213.1.1.1.55"
CR_BIO_VERSION = "2024.01"
TITLE = "Compte rendu d'examens biologiques"
_CONFIDENTIALITY = {"N": "Normal", "R": "Restreint", "V": "Très restreint"}
"""x_BasicConfidentialityKind: the three codes the structuration minimale admits."""
CODE = ("11502-2", "CR d'examens biologiques")


def header(draft: Draft, root: Element, chapters: Sequence[Chapter], *, level: int) -> None:
    """Everything above ``component``. Raises :class:`RenderError` when an obligatory part is missing."""
    if not is_root(draft.laboratory.oid):
        raise RenderError(
            "L'OID du laboratoire est absent ou mal formé : le CDA ne peut pas être écrit.",
            hint="Corrigez « oid » dans la section [laboratory] de la configuration.",
        )
    _identity(draft, root, level)
    people.record_target(draft, root)
    _author(draft, root)
    custodian = sub(sub(root, "custodian"), "assignedCustodian")
    people.organisation(custodian, "representedCustodianOrganization", draft.laboratory)
    _information_recipient(draft, root)
    _legal_authenticator(draft, root)
    _authenticators(draft, root)
    _prescriber(draft, root)
    if draft.report.order.placer.strip():
        draft.own_number(sub(sub(root, "inFulfillmentOf"), "order"), draft.report.order.placer, "numéro de demande")
    _documentation(draft, root, chapters)
    if draft.context.ids.replaces:
        related = sub(root, "relatedDocument", {"typeCode": "RPLC"})
        draft.identifier(sub(related, "parentDocument"), "id", draft.context.ids.replaces)
    _component_of(draft, root)


def _identity(draft: Draft, root: Element, level: int) -> None:
    leaf(root, "realmCode", {"code": "FR"})
    leaf(root, "typeId", {"root": "2.16.840.1.113883.1.3", "extension": "POCD_HD000040"})
    templates(root, *(LEVEL_3 if level == 3 else LEVEL_1))
    if level == 3:
        leaf(root, "templateId", {"root": CR_BIO, "extension": CR_BIO_VERSION})
    ids = draft.context.ids
    draft.identifier(root, "id", ids.document)
    loinc(root, "code", *CODE)
    leaf(root, "title", text=TITLE)
    leaf(root, "effectiveTime", {"value": stamp(draft.context.created_at)})
    restricted = draft.report.handling.confidentiality or "N"
    coded(root, "confidentialityCode", restricted, "2.16.840.1.113883.5.25", _CONFIDENTIALITY[restricted])
    leaf(root, "languageCode", {"code": "fr-FR"})
    draft.identifier(root, "setId", ids.set_id)
    leaf(root, "versionNumber", {"value": str(max(ids.version, 1))})


def _author(draft: Draft, root: Element) -> None:
    laboratory = draft.laboratory
    author = sub(root, "author")
    leaf(author, "time", {"value": stamp(draft.context.created_at)})
    assigned = sub(author, "assignedAuthor")
    leaf(assigned, "id", {"root": people.PROFESSIONAL_ROOT, "extension": people.biologist_id(laboratory)})
    people.biologist_profession(assigned, laboratory)
    people.address(assigned, laboratory.address)
    people.telecoms(assigned, (laboratory.biologist.phone or laboratory.phone,))
    people.person_name(sub(assigned, "assignedPerson"), laboratory.biologist)
    people.organisation(assigned, "representedOrganization", laboratory)


def _information_recipient(draft: Draft, root: Element) -> None:
    """Who this copy is for; the national id only (rule: no other root), the MSSanté box as ``mailto:``."""
    who, mail = draft.context.recipient, draft.context.recipient_address
    if who is None and "@" not in mail:
        return
    intended = sub(sub(root, "informationRecipient"), "intendedRecipient")
    templates(intended, "1.3.6.1.4.1.19376.1.3.3.1.4")
    person = who or Practitioner()
    extension = people.professional_id(person)
    if extension:
        leaf(intended, "id", {"root": people.PROFESSIONAL_ROOT, "extension": extension})
    people.address(intended, person.address)
    people.telecoms(intended, (person.phone,), mail=mail)
    if person.family.strip():
        people.person_name(sub(intended, "informationRecipient"), person)
    _practice(intended, "receivedOrganization", person)


def _practice(parent: Element, name: str, person: Practitioner) -> None:
    """The organisation a professional works for, or that is itself the addressee (FINESS, SIRET)."""
    number = person.organisation_id
    if person.id_type in (IdType.FINESS, IdType.SIRET):
        number = number or person.id
    extension = people.structure_id(number)
    if not extension and not person.organisation.strip():
        return
    element = sub(parent, name)
    if extension:
        leaf(element, "id", {"root": people.STRUCTURE_ROOT, "extension": extension})
    if person.organisation.strip():
        leaf(element, "name", text=flat(person.organisation))


def _legal_authenticator(draft: Draft, root: Element) -> None:
    signer = sub(root, "legalAuthenticator")
    leaf(signer, "time", {"value": stamp(draft.released_at)})
    leaf(signer, "signatureCode", {"code": "S"})
    people.biologist(signer, draft.laboratory, industry=True)


def _authenticators(draft: Draft, root: Element) -> None:
    """Biologists the file names as validators; without a national number the rule leaves no room for them here."""
    seen = {people.biologist_id(draft.laboratory)}
    for validator in draft.report.validators:
        extension = people.professional_id(validator)
        if not extension or extension in seen or not validator.family.strip():
            continue
        seen.add(extension)
        element = sub(root, "authenticator")
        templates(element, "1.3.6.1.4.1.19376.1.3.3.1.5")
        leaf(element, "time", {"value": stamp(draft.released_at)})
        leaf(element, "signatureCode", {"code": "S"})
        entity = sub(element, "assignedEntity")
        leaf(entity, "id", {"root": people.PROFESSIONAL_ROOT, "extension": extension})
        people.address(entity, draft.laboratory.address)
        people.telecoms(entity, (validator.phone or draft.laboratory.phone,))
        people.person_name(sub(entity, "assignedPerson"), validator)
        people.organisation(entity, "representedOrganization", draft.laboratory)


def _prescriber(draft: Draft, root: Element) -> None:
    """``participant`` REF with the prescription date; left out when the file names nobody."""
    who = draft.report.prescriber
    if who is None or not (who.id.strip() or who.family.strip() or who.organisation.strip()):
        return
    participant = sub(root, "participant", {"typeCode": "REF"})
    templates(participant, "1.3.6.1.4.1.19376.1.3.3.1.6")
    if draft.report.ordered_at is not None:
        time = sub(participant, "time", {KIND: "IVL_TS"})
        leaf(time, "high", {"value": stamp(draft.report.ordered_at)})
    else:
        leaf(participant, "time", {"nullFlavor": "UNK"})
    entity = sub(participant, "associatedEntity", {"classCode": "PROV"})
    national = people.professional_id(who)
    if national:
        leaf(entity, "id", {"root": people.PROFESSIONAL_ROOT, "extension": national})
    elif who.id_type in (IdType.FINESS, IdType.SIRET) and people.structure_id(who.id):
        leaf(entity, "id", {"root": people.STRUCTURE_ROOT, "extension": people.structure_id(who.id)})
    elif who.id.strip():
        draft.own_number(entity, who.id, "code du prescripteur")
    people.address(entity, who.address)
    people.telecoms(entity, (who.phone,))
    if who.family.strip():
        people.person_name(sub(entity, "associatedPerson"), who)
    _practice(entity, "scopingOrganization", who)


def _documentation(draft: Draft, root: Element, chapters: Sequence[Chapter]) -> None:
    """First the order: first chapter's code, executing laboratory, times. Then one code per further chapter."""
    report, laboratory = draft.report, draft.laboratory
    event = sub(sub(root, "documentationOf"), "serviceEvent")
    number = report.order.filler or report.order.placer
    if number.strip():
        draft.own_number(event, number, "numéro de dossier")
    loinc(event, "code", chapters[0].loinc, chapters[0].display)
    active = report.status is Status.PARTIAL
    leaf(event, "lab:statusCode", {"code": "active" if active else "completed"})
    low, high = _service_times(draft)
    times = sub(event, "effectiveTime")
    leaf(times, "low", {"value": stamp(low)})
    if not active and moment(high) > moment(low):
        leaf(times, "high", {"value": stamp(high)})
    performer = sub(event, "performer", {"typeCode": "PRF"})
    templates(performer, "1.3.6.1.4.1.19376.1.3.3.1.7", "1.2.250.1.213.1.1.3.23")
    leaf(sub(performer, "time"), "high", {"value": stamp(high)})
    people.biologist(performer, laboratory, industry=True)
    written = {chapters[0].loinc}
    for chapter in chapters[1:]:
        if chapter.loinc not in written:
            written.add(chapter.loinc)
            loinc(sub(sub(root, "documentationOf"), "serviceEvent"), "code", chapter.loinc, chapter.display)


def _service_times(draft: Draft) -> tuple[When, When]:
    """Reception of request and samples (or the nearest known moment before release), and release."""
    report = draft.report
    released = draft.released_at
    known = [when for when in (report.received_at, report.collected_at, report.ordered_at) if when is not None]
    low = next((when for when in known if moment(when) <= moment(released)), released)
    return low, released


def _component_of(draft: Draft, root: Element) -> None:
    report = draft.report
    encounter = sub(sub(root, "componentOf"), "encompassingEncounter")
    for local in report.patient.local_ids:
        if local.type.upper() in {"AN", "VN"} and local.value.strip():
            draft.own_number(encounter, local.value, "numéro de venue")
            break
    coded(encounter, "code", "AMB", "2.16.840.1.113883.5.4", "Ambulatoire (hors établissement)")
    start: When | datetime = report.collected_at or report.received_at or report.ordered_at or draft.released_at
    leaf(sub(encounter, "effectiveTime"), "low", {"value": stamp(start)})
    people.biologist(sub(encounter, "responsibleParty"), draft.laboratory, accreditation=True)
    facility = sub(sub(encounter, "location"), "healthCareFacility")
    coded(facility, "code", "SA25", "1.2.250.1.71.4.2.4", "Laboratoire de biologie médicale")
    place = sub(facility, "location")
    leaf(place, "name", text=people.laboratory_name(draft.laboratory))
    people.address(place, draft.laboratory.address)
