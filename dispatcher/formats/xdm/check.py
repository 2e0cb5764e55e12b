"""Is this IHE_XDM archive what the French rules ask for? Our own check, since no offline validator exists.

Bytes of a zip in, problems out; never raises. Six tests: layout, shape of METADATA.XML, required attributes, hash and
size, agreement with each CDA, one patient throughout. The seventh, the CDA itself, is made by its own checks
(:mod:`dispatcher.formats.checks`). No patient data is ever quoted.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

from lxml import etree

from dispatcher.errors import FormatError
from dispatcher.formats.xdm import codes
from dispatcher.formats.xdm.cda_facts import CdaFacts, read_facts
from dispatcher.formats.xdm.reader import EntryData, Metadata, XdmArchive, read_archive
from dispatcher.report.identifiers import oid_ok
from dispatcher.report.model import Problem, Severity

_SET_IDENTIFIERS = {
    codes.SET_PATIENT_ID: "patientId",
    codes.SET_SOURCE_ID: "sourceId",
    codes.SET_UNIQUE_ID: "uniqueId",
}
_ENTRY_SLOTS = (
    "creationTime",
    "languageCode",
    "legalAuthenticator",
    "serviceStartTime",
    "sourcePatientId",
    "hash",
    "size",
    "URI",
)
_ENTRY_SCHEMES = {
    codes.CLASS: "classCode",
    codes.TYPE: "typeCode",
    codes.FORMAT: "formatCode",
    codes.FACILITY: "healthcareFacilityTypeCode",
    codes.PRACTICE: "practiceSettingCode",
}
_KNOWN_SCHEMES = {*_ENTRY_SCHEMES, codes.AUTHOR, codes.CONFIDENTIALITY, codes.EVENT}
_TIME = re.compile(r"\d{4}(?:\d{2}){0,5}")


def check(data: bytes) -> list[Problem]:
    """Every departure from the rules, in the order of the tests; an empty list when there is none."""
    try:
        archive = read_archive(data)
    except FormatError as fault:
        return [_error(fault.code, fault.where, fault.message)]
    problems = [*archive.problems, *_layout(archive)]
    metadata = archive.metadata
    if metadata is None:
        return problems
    problems += _shape(archive, metadata)
    for submission in metadata.submission_sets:
        problems += _submission(submission)
    for number, entry in enumerate(metadata.entries, 1):
        problems += _entry(number, entry)
        problems += _document(number, entry, archive)
    problems += _one_patient(metadata)
    return problems


def _error(code: str, where: str, said: str) -> Problem:
    return Problem(code=code, severity=Severity.ERROR, where=where, message=said)


def _warning(code: str, where: str, said: str) -> Problem:
    return Problem(code=code, severity=Severity.WARNING, where=where, message=said)


# --- 1. layout --------------------------------------------------------------------------------------------------------


def _layout(archive: XdmArchive) -> list[Problem]:
    problems: list[Problem] = []
    tops = {member.name.split("/", 1)[0] for member in archive.members}
    for name in (codes.INDEX, codes.README):
        if archive.find(name) is None:
            problems.append(_error("xdm-missing-file", "archive", f"{name} absent à la racine de l’archive."))
    if not any(m.name.upper().startswith(f"{codes.ROOT}/") for m in archive.members):
        problems.append(_error("xdm-missing-file", "archive", f"Dossier {codes.ROOT} absent."))
    elif archive.metadata_name and len(archive.metadata_name.split("/")) != 3:
        said = f"{codes.METADATA} doit se trouver dans un dossier placé sous {codes.ROOT}."
        problems.append(_error("xdm-misplaced-metadata", "archive", said))
    strangers = sum(top.upper() not in (codes.INDEX, codes.README, codes.ROOT) for top in tops)
    if strangers:
        said = f"{strangers} élément(s) de trop à la racine : seuls {codes.INDEX}, {codes.README} et {codes.ROOT}."
        problems.append(_warning("xdm-stranger", "archive", said))
    odd = sum(not all(map(codes.SEGMENT.fullmatch, member.name.split("/"))) for member in archive.members)
    if odd:
        said = f"{odd} nom(s) de fichier hors ISO 9660 niveau 1 (capitales, chiffres, souligné, 8.3)."
        problems.append(_warning("xdm-file-name", "archive", said))
    return problems


# --- 2. shape of the metadata -----------------------------------------------------------------------------------------


def _shape(archive: XdmArchive, metadata: Metadata) -> list[Problem]:
    problems: list[Problem] = []
    where = codes.METADATA
    root = metadata.root
    if metadata.well_formed and root is not None:
        if root.tag != f"{{{codes.LCM}}}SubmitObjectsRequest":
            problems.append(_error("xdm-root", where, "Racine lcm:SubmitObjectsRequest (ebRIM 3.0) attendue."))
        elif root.find(f"{{{codes.RIM}}}RegistryObjectList") is None:
            problems.append(_error("xdm-root", where, "rim:RegistryObjectList absent."))
        problems += _order(root)
    elif not metadata.well_formed:
        problems.append(_error("xdm-not-well-formed", where, "XML mal formé ou préfixe non déclaré."))
    if len(metadata.submission_sets) != 1:
        said = f"{len(metadata.submission_sets)} lot(s) de soumission ; un seul attendu."
        problems.append(_error("xdm-submission-sets", where, said))
    # All of them, not only those an entry speaks of: a document without entry is filed by nobody.
    inside = [m.name.upper() for m in archive.members if m.name.upper().startswith(f"{codes.ROOT}/")]
    documents = [name for name in inside if name.endswith(".XML") and not name.endswith(f"/{codes.METADATA}")]
    linked = Counter(target for _, target in metadata.members)
    if not metadata.entries:
        problems.append(_error("xdm-no-entry", where, "Aucune fiche de document."))
    if len(metadata.entries) != len(documents):
        said = f"{len(metadata.entries)} fiche(s) pour {len(documents)} document(s)."
        problems.append(_error("xdm-entry-count", where, said))
    sets = {submission.id for submission in metadata.submission_sets}
    if linked != Counter(entry.id for entry in metadata.entries) or not {s for s, _ in metadata.members} <= sets:
        said = "Chaque fiche doit être rattachée une fois au lot de soumission (association HasMember)."
        problems.append(_error("xdm-has-member", where, said))
    if len(set(metadata.ids)) < len(metadata.ids):
        problems.append(_error("xdm-double-id", where, "Deux éléments portent le même attribut id."))
    return problems


_RANK = {"Slot": 0, "Name": 1, "Description": 2, "VersionInfo": 3, "Classification": 4, "ExternalIdentifier": 5}


def _order(root: etree._Element) -> list[Problem]:
    """ebRIM order of the children of each object (the official example breaks it: a warning)."""
    for tag in ("RegistryPackage", "ExtrinsicObject"):
        for element in root.iter(f"{{{codes.RIM}}}{tag}"):
            ranks = [_RANK.get(etree.QName(child).localname, 9) for child in element.iterchildren(etree.Element)]
            if ranks != sorted(ranks):
                said = f"Enfants de {tag} hors de l’ordre du schéma ebRIM (Slot, Name, Description, Classification…)."
                return [_warning("xdm-order", codes.METADATA, said)]
    return []


# --- 3. required attributes -------------------------------------------------------------------------------------------


def _submission(submission: EntryData) -> list[Problem]:
    where = "lot de soumission"
    problems = _slots(submission, ("submissionTime",), where)
    problems += _schemes(submission, {codes.SET_CONTENT_TYPE: "contentTypeCode"}, where)
    problems += _identifiers(submission, _SET_IDENTIFIERS, where)
    for scheme in (codes.SET_SOURCE_ID, codes.SET_UNIQUE_ID):
        value = submission.identifier(scheme)
        if value and not oid_ok(value):
            problems.append(_error("xdm-oid", where, f"{_SET_IDENTIFIERS[scheme]} : un OID est attendu."))
    if not any(submission.authors):
        problems.append(_error("xdm-missing-attribute", where, "authorPerson absent."))
    return problems + _coded(submission, where)


def _entry(number: int, entry: EntryData) -> list[Problem]:
    where = f"fiche {number}"
    problems = _slots(entry, _ENTRY_SLOTS, where)
    problems += _schemes(entry, _ENTRY_SCHEMES, where)
    problems += _identifiers(entry, {codes.PATIENT_ID: "patientId", codes.UNIQUE_ID: "uniqueId"}, where)
    if not entry.codes(codes.CONFIDENTIALITY):
        problems.append(_error("xdm-missing-attribute", where, "confidentialityCode absent."))
    if not any(entry.authors):
        problems.append(_error("xdm-missing-attribute", where, "authorPerson absent."))
    if not entry.title:
        problems.append(_error("xdm-missing-attribute", where, "title absent."))
    if not entry.mime_type:
        problems.append(_error("xdm-missing-attribute", where, "mimeType absent."))
    strangers = {scheme for scheme, _, _, _ in entry.classifications} - _KNOWN_SCHEMES
    if strangers:
        said = f"{len(strangers)} schéma(s) de classification inconnu(s) pour une fiche."
        problems.append(_warning("xdm-unknown-scheme", where, said))
    if not set(entry.slot(codes.ACTION_SLOT)) <= {"C", "D"}:
        problems.append(_error("xdm-action", where, "action : C (remplacer) ou D (supprimer) attendu."))
    return problems + _coded(entry, where)


def _slots(entry: EntryData, names: Iterable[str], where: str) -> list[Problem]:
    problems: list[Problem] = []
    held = Counter(name for name, _ in entry.slots)
    for name in names:
        if held[name] > 1:
            problems.append(_error("xdm-double-attribute", where, f"{name} présent {held[name]} fois."))
        elif not any(entry.slot(name)):
            problems.append(_error("xdm-missing-attribute", where, f"{name} absent."))
    for name in ("submissionTime", "creationTime", "serviceStartTime", "serviceStopTime"):
        if not all(map(_TIME.fullmatch, entry.slot(name))):
            problems.append(_error("xdm-time", where, f"{name} : AAAAMMJJHHMMSS en UTC, sans fuseau, attendu."))
    return problems


def _schemes(entry: EntryData, schemes: dict[str, str], where: str) -> list[Problem]:
    problems: list[Problem] = []
    for scheme, name in schemes.items():
        count = len([code for code in entry.codes(scheme) if code])
        if count != 1:
            problems.append(_error("xdm-missing-attribute", where, f"{name} : un code attendu, {count} trouvé(s)."))
    return problems


def _identifiers(entry: EntryData, schemes: dict[str, str], where: str) -> list[Problem]:
    held = Counter(scheme for scheme, value in entry.identifiers if value)
    return [
        _error("xdm-missing-attribute", where, f"{name} : un identifiant attendu, {held[scheme]} trouvé(s).")
        for scheme, name in schemes.items()
        if held[scheme] != 1
    ]


def _coded(entry: EntryData, where: str) -> list[Problem]:
    """Every coded classification has a code, its coding scheme and a name."""
    plain = (codes.AUTHOR, codes.SET_AUTHOR)
    rows = [row for row in entry.classifications if row[0] not in plain and not row[0].startswith("node:")]
    incomplete = sum(not (code and system and name) for _, code, system, name in rows)
    if not incomplete:
        return []
    return [
        _error("xdm-incomplete-code", where, f"{incomplete} code(s) sans valeur, sans codingScheme ou sans libellé.")
    ]


# --- 4 and 5. the document itself -------------------------------------------------------------------------------------


def _document(number: int, entry: EntryData, archive: XdmArchive) -> list[Problem]:
    where = f"fiche {number}"
    member = archive.document_of(entry)
    if member is None:
        return [_error("xdm-uri", where, "URI : aucun fichier de ce nom dans l’archive.")]
    problems: list[Problem] = []
    digest = hashlib.sha1(member.content, usedforsecurity=False).hexdigest()
    if "".join(entry.slot("hash")).lower() != digest:
        problems.append(_error("xdm-hash", where, "hash : ne correspond pas au SHA-1 du document."))
    if "".join(entry.slot("size")) != str(len(member.content)):
        problems.append(_error("xdm-size", where, "size : ne correspond pas à la taille du document."))
    if entry.mime_type not in ("text/xml", "application/xml"):
        return problems
    try:
        facts = read_facts(member.content)
    except FormatError as fault:
        return [*problems, _error(fault.code, where, fault.message)]
    return problems + _agreement(entry, facts, where)


def _agreement(entry: EntryData, facts: CdaFacts, where: str) -> list[Problem]:
    """The entry says of the CDA what the CDA says of itself."""
    rows = (
        ("uniqueId", entry.identifier(codes.UNIQUE_ID), facts.unique_id),
        ("patientId", entry.identifier(codes.PATIENT_ID), facts.patient_id),
        ("title", entry.title, facts.title),
        ("creationTime", "".join(entry.slot("creationTime")), facts.creation_time),
        ("languageCode", "".join(entry.slot("languageCode")), facts.language),
        ("serviceStartTime", "".join(entry.slot("serviceStartTime")), facts.service_start),
        ("serviceStopTime", "".join(entry.slot("serviceStopTime")), facts.service_stop),
        ("typeCode", "".join(entry.codes(codes.TYPE)), facts.type.code if facts.type else ""),
        ("formatCode", "".join(entry.codes(codes.FORMAT)), facts.format.code),
        (
            "healthcareFacilityTypeCode",
            "".join(entry.codes(codes.FACILITY)),
            facts.facility.code if facts.facility else "",
        ),
        ("practiceSettingCode", "".join(entry.codes(codes.PRACTICE)), facts.practice.code if facts.practice else ""),
    )
    problems = [
        _error("xdm-disagrees", where, f"{name} : différent de ce que dit le CDA.")
        for name, said, meant in rows
        if said != meant
    ]
    if _traits(entry.slot("sourcePatientInfo")) - _traits(facts.source_patient_info):
        problems.append(_error("xdm-disagrees", where, "sourcePatientInfo : traits différents de ceux du CDA."))
    if "C" in entry.slot(codes.ACTION_SLOT) and not facts.replaces:
        said = "action C, mais le CDA ne nomme pas le document remplacé (relatedDocument)."
        problems.append(_error("xdm-action", where, said))
    return problems


def _traits(told: Iterable[str]) -> set[tuple[str, str]]:
    """Family names, birth date and sex as they are compared: accents, case and the other parts of a name left aside."""
    found = set()
    for trait in told:
        name, _, value = trait.partition("|")
        if name == "PID-5":
            flat = unicodedata.normalize("NFKD", value.partition("^")[0]).casefold()
            found.add((name, "".join(char for char in flat if char.isalnum())))
        elif name in ("PID-7", "PID-8"):
            found.add((name, value[:8]))
    return found


# --- 6. one patient ---------------------------------------------------------------------------------------------------


def _one_patient(metadata: Metadata) -> list[Problem]:
    held = {s.identifier(codes.SET_PATIENT_ID) for s in metadata.submission_sets}
    held |= {e.identifier(codes.PATIENT_ID) for e in metadata.entries}
    if len(held - {""}) <= 1:
        return []
    said = "patientId diffère entre le lot de soumission et les fiches : une archive ne concerne qu’un patient."
    return [_error("xdm-several-patients", codes.METADATA, said)]
