"""METADATA.XML: one submission set, one entry per CDA, in ebRIM 3.0.

CDA facts and a context in, the XML tree out. Required attributes: French XDS mapping of the ANS; order inside an
object: ebRIM 3.0 schema (slots, name, description, classifications, identifiers). What the mapping requires and a CDA
does not hold is a :class:`~dispatcher.errors.RenderError` that lists all of it at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from dispatcher.errors import RenderError
from dispatcher.formats.markup import Element, document, leaf, sub
from dispatcher.formats.xdm import codes
from dispatcher.formats.xdm.cda_facts import Author, CdaFacts
from dispatcher.formats.xdm.codes import Coded


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One document of the archive: its name beside METADATA.XML, its exact bytes, what they say, how it is sent."""

    uri: str
    content: bytes = field(repr=False)
    facts: CdaFacts
    action: str = ""
    """``C`` replaces the parent named in the CDA, ``D`` drops the document of that id, empty for a first sending."""
    visibility: tuple[str, ...] = ()
    """Masking asked for by the order: keys of :data:`codes.VISIBILITY`."""
    comments: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionSet:
    """The one submission set of an archive."""

    submitted_at: datetime
    source_id: str
    unique_id: str
    title: str = ""
    comments: str = ""
    content_type: Coded | None = None
    """None: deduced from the encounter of the first document."""


def build_metadata(entries: Sequence[Entry], submission: SubmissionSet) -> bytes:
    """UTF-8 bytes of METADATA.XML. All entries must be about one patient, by the same identifier."""
    _require(entries)
    ids = _Ids()
    request = Element("lcm:SubmitObjectsRequest", {"xmlns:lcm": codes.LCM, "xmlns:rim": codes.RIM})
    objects = _sub(request, "RegistryObjectList")
    _submission_set(objects, entries, submission, ids)
    names = [f"Document{number:02d}" for number in range(1, len(entries) + 1)]
    for name, entry in zip(names, entries, strict=True):
        _document(objects, name, entry, ids)
    for number, name in enumerate(names, 1):
        member = _sub(
            objects,
            "Association",
            id=f"as{number:02d}",
            associationType=codes.HAS_MEMBER,
            sourceObject=_SET,
            targetObject=name,
        )
        _slot(member, "SubmissionSetStatus", "Original")
    return document(request, indented=True)


_SET = "SubmissionSet01"


# --- what must be there -----------------------------------------------------------------------------------------------


def missing(facts: CdaFacts) -> list[str]:
    """French names of the required attributes this CDA cannot give."""
    signer = facts.legal_authenticator
    needed: tuple[tuple[str, object], ...] = (
        ("identifiant du document (id)", facts.unique_id),
        ("code du document (code)", facts.type),
        ("titre (title)", facts.title),
        ("date de création (effectiveTime)", facts.creation_time),
        ("langue (languageCode)", facts.language),
        ("confidentialité (confidentialityCode)", facts.confidentiality),
        ("identifiant du patient (recordTarget/patientRole/id)", facts.patient_id),
        ("auteur (author)", any(author.person for author in facts.authors)),
        ("responsable du document (legalAuthenticator)", signer is not None and signer.person),
        ("début de l’acte (documentationOf/serviceEvent/effectiveTime/low)", facts.service_start),
        ("modalité d’exercice (componentOf/…/healthCareFacility/code)", facts.facility),
        ("cadre d’exercice (serviceEvent/performer/…/standardIndustryClassCode)", facts.practice),
    )
    return [name for name, there in needed if not there]


def _require(entries: Sequence[Entry]) -> None:
    if not entries:
        raise RenderError("Archive XDM sans document.", code="xdm-empty")
    for number, entry in enumerate(entries, 1):
        if gaps := missing(entry.facts):
            raise RenderError(
                f"Métadonnées XDM du document {number} incomplètes : {' ; '.join(gaps)}.",
                hint="Compléter l’identité du laboratoire ou l’export, puis réémettre le CDA.",
                code="xdm-incomplete",
            )
    if len({entry.facts.patient_id for entry in entries}) > 1:
        raise RenderError(
            "Archive XDM : les documents ne portent pas le même identifiant de patient.",
            hint="Une archive ne contient que les documents d’un seul patient : faire un envoi par patient.",
            code="xdm-several-patients",
        )
    if len({entry.facts.unique_id for entry in entries}) < len(entries):
        raise RenderError("Archive XDM : deux documents ont le même identifiant.", code="xdm-same-document")


# --- objects ----------------------------------------------------------------------------------------------------------


class _Ids:
    """Identifiers of classifications and external identifiers, unique in the file."""

    def __init__(self) -> None:
        self.classifications = 0
        self.identifiers = 0

    def classification(self) -> str:
        self.classifications += 1
        return f"cla{self.classifications:02d}"

    def identifier(self) -> str:
        self.identifiers += 1
        return f"ei{self.identifiers:02d}"


def _submission_set(parent: Element, entries: Sequence[Entry], submission: SubmissionSet, ids: _Ids) -> None:
    first = entries[0].facts
    package = _sub(parent, "RegistryPackage", id=_SET)
    _slot(package, "submissionTime", submission.submitted_at.astimezone(UTC).strftime("%Y%m%d%H%M%S"))
    title = submission.title or (first.title if len(entries) == 1 else f"{len(entries)} documents")
    _text(package, "Name", title)
    if submission.comments:
        _text(package, "Description", submission.comments)
    assert first.legal_authenticator is not None
    _author(package, codes.SET_AUTHOR, _SET, first.legal_authenticator, ids)
    content = submission.content_type or codes.CONTENT_TYPES.get(first.encounter, codes.DEFAULT_CONTENT_TYPE)
    _classify(package, codes.SET_CONTENT_TYPE, _SET, content, ids)
    _sub(
        package,
        "Classification",
        id=ids.classification(),
        classifiedObject=_SET,
        classificationNode=codes.SUBMISSION_SET_NODE,
    )
    _identify(package, codes.SET_PATIENT_ID, _SET, first.patient_id, "XDSSubmissionSet.patientId", ids)
    _identify(package, codes.SET_SOURCE_ID, _SET, submission.source_id, "XDSSubmissionSet.sourceId", ids)
    _identify(package, codes.SET_UNIQUE_ID, _SET, submission.unique_id, "XDSSubmissionSet.uniqueId", ids)


def _document(parent: Element, name: str, entry: Entry, ids: _Ids) -> None:
    facts = entry.facts
    described = _sub(parent, "ExtrinsicObject", id=name, mimeType=codes.MIME_TYPE, objectType=codes.STABLE_DOCUMENT)
    for slot, value in _slots(entry):
        _slot(described, slot, *value)
    _text(described, "Name", facts.title)
    if entry.comments:
        _text(described, "Description", entry.comments)
    for author in facts.authors:
        if author.person:
            _author(described, codes.AUTHOR, name, author, ids)
    for scheme, code in _classifications(entry):
        _classify(described, scheme, name, code, ids)
    _identify(described, codes.PATIENT_ID, name, facts.patient_id, "XDSDocumentEntry.patientId", ids)
    _identify(described, codes.UNIQUE_ID, name, facts.unique_id, "XDSDocumentEntry.uniqueId", ids)


def _slots(entry: Entry) -> list[tuple[str, tuple[str, ...]]]:
    facts = entry.facts
    assert facts.legal_authenticator is not None
    rows: list[tuple[str, tuple[str, ...]]] = [
        ("creationTime", (facts.creation_time,)),
        ("languageCode", (facts.language,)),
        ("legalAuthenticator", (facts.legal_authenticator.person,)),
        ("serviceStartTime", (facts.service_start,)),
        ("serviceStopTime", (facts.service_stop,)),
        ("sourcePatientId", (facts.source_patient_id,)),
        ("sourcePatientInfo", facts.source_patient_info),
        # SHA-1 is what XDS defines for this attribute: it names the file, it protects nothing.
        ("hash", (hashlib.sha1(entry.content, usedforsecurity=False).hexdigest(),)),
        ("size", (str(len(entry.content)),)),
        ("URI", (f"{codes.URI_PREFIX}{entry.uri}",)),
        (codes.REFERENCE_LIST_SLOT, facts.orders),
        (codes.ACTION_SLOT, (entry.action,)),
    ]
    return [(name, values) for name, values in rows if values and values[0]]


def _classifications(entry: Entry) -> list[tuple[str, Coded]]:
    facts = entry.facts
    assert facts.type is not None and facts.facility is not None and facts.practice is not None
    assert facts.confidentiality is not None
    masked = [Coded(code, codes.VISIBILITY_SYSTEM, codes.VISIBILITY[code]) for code in entry.visibility]
    return [
        (codes.CLASS, codes.CLASS_REPORT),
        (codes.TYPE, facts.type),
        *((codes.CONFIDENTIALITY, code) for code in (facts.confidentiality, *masked)),
        (codes.FORMAT, facts.format),
        (codes.FACILITY, facts.facility),
        (codes.PRACTICE, facts.practice),
        *((codes.EVENT, code) for code in dict.fromkeys(facts.events)),
    ]


# --- ebRIM ------------------------------------------------------------------------------------------------------------


def _sub(parent: Element, tag: str, **attributes: str) -> Element:
    return sub(parent, "rim:" + tag, attributes)


def _slot(parent: Element, name: str, *values: str) -> None:
    held = _sub(_sub(parent, "Slot", name=name), "ValueList")
    for value in values:
        leaf(held, "rim:Value", text=value)


def _text(parent: Element, tag: str, text: str) -> None:
    said = {"charset": codes.CHARSET, "value": text, "xml:lang": codes.LANGUAGE}
    leaf(_sub(parent, tag), "rim:LocalizedString", said)


def _classify(parent: Element, scheme: str, owner: str, code: Coded, ids: _Ids) -> None:
    classification = _sub(
        parent,
        "Classification",
        id=ids.classification(),
        classificationScheme=scheme,
        classifiedObject=owner,
        nodeRepresentation=code.code,
    )
    _slot(classification, "codingScheme", code.system)
    _text(classification, "Name", code.name)


def _author(parent: Element, scheme: str, owner: str, author: Author, ids: _Ids) -> None:
    classification = _sub(
        parent,
        "Classification",
        id=ids.classification(),
        classificationScheme=scheme,
        classifiedObject=owner,
        nodeRepresentation="",
    )
    rows = (
        ("authorPerson", author.person),
        ("authorInstitution", author.institution),
        ("authorRole", author.role),
        ("authorSpecialty", author.specialty),
    )
    for name, value in rows:
        if value:
            _slot(classification, name, value)


def _identify(parent: Element, scheme: str, owner: str, value: str, name: str, ids: _Ids) -> None:
    identifier = _sub(
        parent,
        "ExternalIdentifier",
        id=ids.identifier(),
        identificationScheme=scheme,
        registryObject=owner,
        value=value,
    )
    _text(identifier, "Name", name)
