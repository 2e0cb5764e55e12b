"""The header of a CDA: identity of the document, people, numbers, times, status.

CI-SIS "Structuration minimale" and CR-BIO; what another kind of CDA lacks is simply left empty.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from dispatcher.formats.cda.elements import LOINC
from dispatcher.formats.cda.people import PROFESSIONAL_ROOT, STRUCTURE_ROOT
from dispatcher.formats.cda_reading import datatypes, people
from dispatcher.formats.cda_reading.nodes import Element, attribute, child, children, code_of, lab_child, plain
from dispatcher.formats.er7.notes import Notes
from dispatcher.report.handling import stricter
from dispatcher.report.model import (
    ExplicitRecipient,
    Handling,
    IdType,
    Laboratory,
    LocalId,
    Order,
    Patient,
    Practitioner,
    SourceDocument,
    Status,
    When,
)
from dispatcher.report.moments import compare

LABORATORY_REPORT = "11502-2"
_AMBULATORY = "AMB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Everything above the body."""

    code: str
    """LOINC code of the document, or the code as it stands."""
    title: str
    patient: Patient
    laboratory: Laboratory
    order: Order
    prescriber: Practitioner | None
    copies: tuple[Practitioner, ...]
    recipients: tuple[ExplicitRecipient, ...]
    validators: tuple[Practitioner, ...]
    ordered_at: When | None
    collected_at: When | None
    received_at: When | None
    reported_at: When | None
    status: Status
    source: SourceDocument | None
    handling: Handling


def read_header(root: Element, notes: Notes) -> Header:
    """The header of one ``ClinicalDocument``; what is missing or doubtful goes to ``notes``."""
    service = child(root, "documentationOf", "serviceEvent")
    requests = [each for each in children(root, "participant") if attribute(each, "typeCode") == "REF"]
    received = datatypes.when(child(service, "effectiveTime", "low"))
    intended = children(root, "informationRecipient", "intendedRecipient")
    return Header(
        code=code_of(root, "code"),
        title=plain(child(root, "title")),
        patient=_with_stay(root, people.patient(root, notes)),
        laboratory=_laboratory(root),
        order=Order(
            placer=datatypes.extension(children(root, "inFulfillmentOf", "order", "id")),
            filler=datatypes.extension(children(root, "documentationOf", "serviceEvent", "id")),
        ),
        prescriber=_prescriber(requests),
        copies=tuple(found for each in intended if (found := _addressee(each))),
        recipients=tuple(
            ExplicitRecipient(address=address, practitioner=_addressee(each))
            for each in intended
            if (address := datatypes.mail(each) or datatypes.mail(child(each, "receivedOrganization")))
        ),
        validators=_validators(root),
        ordered_at=datatypes.when_in(child(requests[0], "time")) if requests else None,
        collected_at=_collected(root, received),
        received_at=received,
        reported_at=_reported(root, service),
        status=_status(root, service),
        source=source_document(root),
        handling=Handling(confidentiality=_confidentiality(root, notes)),
    )


def is_laboratory_report(root: Element) -> bool:
    """By its code: "CR d'examens biologiques" of LOINC."""
    code = child(root, "code")
    return attribute(code, "code") == LABORATORY_REPORT and attribute(code, "codeSystem") in ("", LOINC)


def restriction(root: Element) -> str:
    """``R`` or ``V`` when the document says more than normal, else empty (structuration minimale: N, R or V)."""
    return stricter(code_of(root, "confidentialityCode"))


def _confidentiality(root: Element, notes: Notes) -> str:
    found = restriction(root)
    if found:
        notes.warning(
            "restricted-document",
            "confidentialityCode",
            "Document à confidentialité restreinte (code R ou V) : ses envois attendent qu'une personne confirme à qui "
            "il doit aller.",
        )
    return found


def _with_stay(root: Element, patient: Patient) -> Patient:
    """The number of the stay (``encompassingEncounter/id``) stands among the patient's numbers, typed ``VN``."""
    for each in children(root, "componentOf", "encompassingEncounter", "id"):
        number, owner = attribute(each, "extension"), attribute(each, "root")
        if number and owner not in (PROFESSIONAL_ROOT, STRUCTURE_ROOT):
            stay = LocalId(value=number, authority=owner, type="VN")
            return replace(patient, local_ids=(*patient.local_ids, stay))
    return patient


def _laboratory(root: Element) -> Laboratory:
    """Who carried the analyses out; else who keeps the document, else who wrote it."""
    found = Laboratory()
    for path in (
        ("documentationOf", "serviceEvent", "performer", "assignedEntity", "representedOrganization"),
        ("custodian", "assignedCustodian", "representedCustodianOrganization"),
        ("author", "assignedAuthor", "representedOrganization"),
    ):
        for element in children(root, *path):
            found = _completed(found, _structure(element))
            if found.name and (found.finess or found.id):
                return found
    return found


def _structure(element: Element) -> Laboratory:
    number, kind = people.structure_number(element)
    return Laboratory(
        name=plain(child(element, "name")),
        id="" if kind is IdType.FINESS else number,
        finess=number if kind is IdType.FINESS else "",
        address=datatypes.address(child(element, "addr")),
        phone=next(iter(datatypes.phones(element)), ""),
    )


def _completed(found: Laboratory, other: Laboratory) -> Laboratory:
    """``found``, or ``other`` when it named nobody; never half of one and half of the other."""
    return found if found.name or found.finess or found.id else other


def _prescriber(requests: list[Element]) -> Practitioner | None:
    if not requests:
        return None
    entity = child(requests[0], "associatedEntity")
    return people.professional(entity, person="associatedPerson", organisation="scopingOrganization")


def _addressee(intended: Element) -> Practitioner | None:
    return people.professional(intended, person="informationRecipient", organisation="receivedOrganization")


def _validators(root: Element) -> tuple[Practitioner, ...]:
    """The biologists who validated; when none is named, the one who answers for the document."""
    for name in ("authenticator", "legalAuthenticator"):
        found = [people.professional(child(each, "assignedEntity")) for each in children(root, name)]
        named = tuple(dict.fromkeys(each for each in found if each is not None))
        if named:
            return named
    return ()


def _collected(root: Element, received: When | None) -> When | None:
    """When the sample was taken: the sampler's time, else the start of an ambulatory visit before the reception."""
    for each in children(root, "participant"):
        if code_of(each, "functionCode") == "PRELV" and (moment := datatypes.when_in(child(each, "time"))):
            return moment
    start = visit_start(root)
    return start if start and received and compare(start, received) < 0 else None


def visit_start(root: Element) -> When | None:
    """When an ambulatory visit began (``encompassingEncounter/effectiveTime/low``)."""
    visit = child(root, "componentOf", "encompassingEncounter")
    return datatypes.when(child(visit, "effectiveTime", "low")) if code_of(visit, "code") == _AMBULATORY else None


def _reported(root: Element, service: Element | None) -> When | None:
    """When the laboratory released the report; the making of the document when nothing else says."""
    candidates = (
        child(service, "effectiveTime", "high"),
        child(root, "legalAuthenticator", "time"),
        child(service, "performer", "time", "high"),
        child(root, "effectiveTime"),
    )
    return next((moment for each in candidates if (moment := datatypes.when(each))), None)


def _status(root: Element, service: Element | None) -> Status:
    state = attribute(lab_child(service, "statusCode"), "code")
    if state == "aborted":
        return Status.CANCELLED
    if state == "active":
        return Status.PARTIAL
    replaces = any(attribute(each, "typeCode") == "RPLC" for each in children(root, "relatedDocument"))
    return Status.CORRECTED if replaces else Status.FINAL


def source_document(root: Element) -> SourceDocument | None:
    """Which document it is: ``id``, ``setId``, ``versionNumber``, the one it replaces. None without an id."""
    number = datatypes.unique_id(child(root, "id"))
    if not number:
        return None
    version = attribute(child(root, "versionNumber"), "value")
    replaced = [
        datatypes.unique_id(child(each, "parentDocument", "id"))
        for each in children(root, "relatedDocument")
        if attribute(each, "typeCode") == "RPLC"
    ]
    return SourceDocument(
        id=number,
        set_id=datatypes.unique_id(child(root, "setId")),
        version=int(version) if version.isascii() and version.isdigit() and 0 < len(version) < 7 else 1,
        replaces=replaced[0] if replaced else "",
    )
