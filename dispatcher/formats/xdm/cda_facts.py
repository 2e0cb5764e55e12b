"""What the metadata need from a CDA header, read once.

Bytes of a CDA R2 document in, :class:`CdaFacts` out. Parsing is closed: no document type, no entity, no network. Rules:
French XDS mapping of the ANS ("du CDA vers les métadonnées"), data types as in the official example DRIM-M.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache

from lxml import etree

from dispatcher.clock import PARIS
from dispatcher.errors import FormatError
from dispatcher.formats.cda.last_parsed import remember
from dispatcher.formats.xdm import codes
from dispatcher.formats.xdm.codes import Coded

MAX_CDA_BYTES = 60_000_000
"""Larger documents are refused before parsing."""
_ORDINARY_BYTES = 9_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """One author as XDS wants it: person or system (XCN), structure (XON), specialty and role (CE, text)."""

    person: str = ""
    institution: str = ""
    specialty: str = ""
    role: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CdaFacts:
    """Everything a document entry says, in the words of the XDS attributes. Empty text: the CDA does not say it."""

    unique_id: str
    type: Coded | None
    title: str
    creation_time: str
    """UTC, ``YYYYMMDDHHMMSS`` or as precise as the CDA."""
    language: str
    confidentiality: Coded | None
    patient_id: str
    """CX: the INS, else a local number typed PI."""
    source_patient_id: str
    source_patient_info: tuple[str, ...]
    authors: tuple[Author, ...]
    legal_authenticator: Author | None
    service_start: str
    service_stop: str
    events: tuple[Coded, ...]
    format: Coded
    facility: Coded | None
    practice: Coded | None
    encounter: str
    replaces: str
    """Id of the document this one replaces, or empty."""
    orders: tuple[str, ...]


def parse_cda(content: bytes) -> etree._Element:
    """The root of the document; :class:`~dispatcher.errors.FormatError` when it is not a CDA we accept to open."""
    if len(content) > MAX_CDA_BYTES:
        raise FormatError("Document CDA trop volumineux pour une archive XDM.", where="CDA", code="cda-too-large")
    if b"<!DOCTYPE" in content.replace(b"\0", b""):
        raise FormatError("Document CDA avec DOCTYPE : refusé.", where="CDA", code="cda-doctype")
    # The parser's own limits are lifted only for documents whose embedded PDF needs it.
    huge = len(content) > _ORDINARY_BYTES
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=huge)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as fault:
        raise FormatError("Document CDA illisible : XML mal formé.", where="CDA", code="cda-unreadable") from fault
    if root.tag != f"{{{codes.CDA}}}ClinicalDocument":
        raise FormatError("Le document n’est pas un CDA (ClinicalDocument attendu).", where="CDA", code="not-a-cda")
    remember(content, root)
    return root


@lru_cache(maxsize=2)
def read_facts(content: bytes) -> CdaFacts:
    """Facts of one CDA. Raises like :func:`parse_cda`; what the document does not say stays empty.

    The document just packed is the one our check of the archive reads next: what was read last is remembered.
    """
    root = parse_cda(content)
    role = _first(root, "recordTarget/patientRole")
    ids = list(_all(role, "id")) if role is not None else []
    ins = next((_cx(i, codes.INS_TYPE) for i in ids if i.get("root") in codes.INS_ROOTS), "")
    local = next((_cx(i, codes.LOCAL_TYPE) for i in ids if i.get("root") not in codes.INS_ROOTS), "")
    signer = _first(root, "legalAuthenticator/assignedEntity")
    service = next(_all(root, "documentationOf/serviceEvent"), None)
    encounter = _first(root, "componentOf/encompassingEncounter")
    return CdaFacts(
        unique_id=_oid_text(_first(root, "id")),
        type=_coded(_first(root, "code")),
        title=_text(_first(root, "title")),
        creation_time=utc(_value(root, "effectiveTime", "value")),
        language=_value(root, "languageCode", "code"),
        confidentiality=_coded(_first(root, "confidentialityCode")),
        patient_id=ins or local,
        source_patient_id=local or ins,
        source_patient_info=tuple(_traits(role)) if role is not None else (),
        authors=tuple(_author(author) for author in _all(root, "author")),
        legal_authenticator=_entity(signer) if signer is not None else None,
        service_start=utc(_value(service, "effectiveTime/low", "value") or _value(service, "effectiveTime", "value")),
        service_stop=utc(_value(service, "effectiveTime/high", "value")),
        events=tuple(c for e in _all(root, "documentationOf/serviceEvent/code") if (c := _coded(e)) is not None),
        format=_format(root),
        facility=_coded(_first(encounter, "location/healthCareFacility/code")),
        practice=_coded(next(_all(root, _PRACTICE_PATH), None)),
        encounter=_value(encounter, "code", "code"),
        replaces=_oid_text(_first(root, "relatedDocument[@typeCode='RPLC']/parentDocument/id")),
        orders=tuple(_reference(i) for i in _all(root, "inFulfillmentOf/order/id") if i.get("extension")),
    )


_PRACTICE_PATH = (
    "documentationOf/serviceEvent/performer/assignedEntity/representedOrganization/standardIndustryClassCode"
)


# --- walking ----------------------------------------------------------------------------------------------------------


def _all(element: etree._Element | None, path: str) -> Iterator[etree._Element]:
    return iter(()) if element is None else element.iterfind(_steps(path))


@cache
def _steps(path: str) -> str:
    return "/".join(f"{{{codes.CDA}}}{step}" for step in path.split("/"))


def _first(element: etree._Element | None, path: str) -> etree._Element | None:
    return None if element is None else element.find(_steps(path))


def _value(element: etree._Element | None, path: str, attribute: str) -> str:
    found = _first(element, path)
    return "" if found is None else (found.get(attribute) or "").strip()


def _text(element: etree._Element | None) -> str:
    return "" if element is None else " ".join("".join(map(str, element.itertext())).split())


def _coded(element: etree._Element | None) -> Coded | None:
    """A code with its system; the code stands for a name the CDA left out."""
    if element is None or not element.get("code"):
        return None
    code = element.get("code") or ""
    return Coded(code.strip(), (element.get("codeSystem") or "").strip(), (element.get("displayName") or code).strip())


# --- data types -------------------------------------------------------------------------------------------------------


def escape(text: str) -> str:
    """HL7 v2 escapes for a component: names may hold ``&`` or ``^``."""
    return " ".join(text.split()).translate(_ESCAPES)


_ESCAPES = str.maketrans({"\\": "\\E\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\", "|": "\\F\\"})


def _oid_text(element: etree._Element | None) -> str:
    """``root`` or ``root^extension``."""
    if element is None or not element.get("root"):
        return ""
    extension = element.get("extension")
    return f"{element.get('root')}^{extension}" if extension else element.get("root") or ""


def _cx(element: etree._Element, kind: str) -> str:
    extension, root = element.get("extension") or "", element.get("root") or ""
    return f"{escape(extension)}^^^&{root}&ISO^{kind}" if extension and root else ""


def _reference(element: etree._Element) -> str:
    return f"{escape(element.get('extension') or '')}^^^&{element.get('root') or ''}&ISO^{codes.ORDER_REFERENCE}"


_TS = re.compile(r"(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?(?:\.\d+)?([+-]\d{4})?")


def utc(stamp: str) -> str:
    """A CDA time as UTC without zone, as precise as it was; Paris time without offset; empty when unreadable."""
    found = _TS.fullmatch(stamp.strip())
    if not found:
        return ""
    digits = "".join(part for part in found.groups()[:6] if part)
    if len(digits) <= 8:
        return digits
    try:
        moment = datetime.fromisoformat(f"{digits[:8]}T{digits[8:].ljust(6, '0')}{found[7] or ''}")
    except ValueError:
        return ""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=PARIS)
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%S")[: len(digits)]


def _entity(element: etree._Element) -> Author:
    """An assignedEntity or assignedAuthor."""
    specialty = _coded(_first(element, "code"))
    ce = f"{escape(specialty.code)}^{escape(specialty.name)}^{specialty.system}" if specialty else ""
    return Author(
        person=_xcn(element),
        institution=_xon(_first(element, "representedOrganization")),
        specialty=ce,
    )


def _author(element: etree._Element) -> Author:
    assigned = _first(element, "assignedAuthor")
    found = _entity(assigned) if assigned is not None else Author()
    role = _coded(_first(element, "functionCode"))
    return Author(
        person=found.person,
        institution=found.institution,
        specialty=found.specialty,
        role=escape(role.name) if role else "",
    )


def _preferred(ids: Sequence[etree._Element], root: str) -> etree._Element | None:
    return next((i for i in ids if i.get("root") == root), ids[0] if ids else None)


def _xcn(element: etree._Element) -> str:
    """A person, or a system when an authoring device stands in its place."""
    identifier = _preferred(list(_all(element, "id")), codes.PROFESSIONALS)
    number = (identifier.get("extension") if identifier is not None else "") or ""
    root = (identifier.get("root") if identifier is not None else "") or ""
    authority = f"&{root}&ISO" if number and root else ""
    device = _first(element, "assignedAuthoringDevice")
    if device is not None:
        name, model = _text(_first(device, "softwareName")), _text(_first(device, "manufacturerModelName"))
        kinds = (codes.DEVICE_NAME_TYPE, codes.DEVICE_ID_TYPE)
    else:
        person = _first(element, "assignedPerson/name")
        name, model = _text(_first(person, "family")), _text(_first(person, "given"))
        kinds = (codes.PERSON_NAME_TYPE, codes.INTERNAL_ID_TYPE if "/" in number else codes.PERSON_ID_TYPE)
    if not (name or number):
        return ""
    return f"{escape(number)}^{escape(name)}^{escape(model)}^^^^^^{authority}^{kinds[0]}^^^{kinds[1]}"


def _xon(element: etree._Element | None) -> str:
    if element is None:
        return ""
    name = escape(_text(_first(element, "name")))
    identifier = _preferred(list(_all(element, "id")), codes.STRUCTURES)
    if identifier is None or not identifier.get("extension"):
        return name
    root, number = identifier.get("root") or "", escape(identifier.get("extension") or "")
    return f"{name}^^^^^&{root}&ISO^{codes.STRUCTURE_ID_TYPE}^^^{number}"


def _traits(role: etree._Element) -> Iterator[str]:
    """Values of sourcePatientInfo: names with their kind (L birth, D used), birth date, sex."""
    name = _first(role, "patient/name")
    families = list(_all(name, "family"))
    given = list(_all(name, "given"))
    for qualifier, kind in (("BR", "L"), ("SP", "D"), ("CL", "D")):
        family = next((f for f in families if f.get("qualifier") == qualifier), None)
        if family is not None:
            first = next((g for g in given if g.get("qualifier") == qualifier), given[0] if given else None)
            yield f"PID-5|{escape(_text(family))}^{escape(_text(first))}^^^^^{kind}"
    if families and not any(f.get("qualifier") in ("BR", "SP", "CL") for f in families):
        yield f"PID-5|{escape(_text(families[0]))}^{escape(_text(given[0] if given else None))}^^^^^L"
    if born := _value(role, "patient/birthTime", "value"):
        yield f"PID-7|{born[:8]}"
    sex = _value(role, "patient/administrativeGenderCode", "code")
    yield f"PID-8|{sex if sex in ('F', 'M') else 'U'}"


def _format(root: etree._Element) -> Coded:
    """Level 3 CR-BIO by its templates; level 1 carries a PDF."""
    templates = {t.get("root") for t in _all(root, "templateId")}
    structured = _first(root, "component/structuredBody") is not None
    return codes.FORMAT_STRUCTURED if structured or templates & codes.STRUCTURED_TEMPLATES else codes.FORMAT_PDF
