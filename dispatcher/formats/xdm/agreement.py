"""What METADATA.XML says, held against what lies in the archive: every document named, every name found, one patient.

Opened archive and reports in, problems out. A name or a number is never quoted. Attributes: ITI-32 and French XDS
mapping of the ANS (sourcePatientInfo, patientId, uniqueId).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator

from dispatcher.formats.cda_reading.reader import CdaReader
from dispatcher.formats.xdm import codes
from dispatcher.formats.xdm.reader import EntryData, Member, XdmArchive
from dispatcher.report.model import Patient, Problem, Report, Severity
from dispatcher.report.versions import plain

_SEXES = frozenset("MF")
_INS_DIGITS = 13
"""A matricule stands with or without its key."""


def of_archive(archive: XdmArchive, read: Collection[Member]) -> Iterator[Problem]:
    """Documents that are named and missing, and those nobody names. ``read``: members a report was made with."""
    entries = archive.metadata.entries if archive.metadata else ()
    for number, entry in enumerate(entries, 1):
        if entry.slot("URI") and archive.document_of(entry) is None:
            said = (
                f"METADATA.XML annonce un document (n° {number}) qui n'est pas dans l'archive : ce qui s'y trouve "
                "n'est peut-être pas le bon document. Redemander l'archive à l'émetteur."
            )
            yield Problem(code="xdm-missing-document", severity=Severity.ERROR, where="METADATA.XML", message=said)
    for member in archive.members:
        if member.name != archive.metadata_name and not any(member is each for each in read):
            yield from _left_alone(member)


def _left_alone(member: Member) -> Iterator[Problem]:
    head = member.content[:4096]
    if CdaReader().sniff(head) == 1.0:
        said = (
            "CDA que METADATA.XML ne nomme pas : non lu, ses résultats seraient perdus. Faire corriger l'archive, ou "
            "déposer ce document seul."
        )
        yield Problem(code="xdm-unnamed-document", severity=Severity.ERROR, where=member.name, message=said)
    elif member.name.casefold().endswith((".xml", ".pdf")) or head.startswith(b"%PDF-"):
        said = "Fichier que METADATA.XML ne nomme pas : non lu, non transmis. Vérifier qu'aucun résultat n'y manque."
        yield Problem(code="xdm-unnamed-file", severity=Severity.WARNING, where=member.name, message=said)


def of_document(entry: EntryData, member: Member, report: Report) -> Iterator[Problem]:
    """What one entry says otherwise than the document it names."""
    if _altered(entry, member):
        said = "Le document n'a pas l'empreinte que METADATA.XML annonce : modifié ou abîmé en route. Le redemander."
        yield Problem(code="xdm-hash", severity=Severity.ERROR, where=member.name, message=said)
    if any((*_names(entry, report.patient), *_traits(entry, report.patient), *_numbers(entry, report.patient))):
        said = (
            "METADATA.XML et le CDA ne désignent pas le même patient (nom, prénom, date de naissance, sexe ou "
            "identifiant). Vérifier l'identité auprès du laboratoire avant tout envoi."
        )
        yield Problem(code="xdm-other-patient", severity=Severity.ERROR, where=member.name, message=said)
    told = entry.identifier(codes.UNIQUE_ID).strip().casefold()
    source = report.source_document
    if told and source is not None and told != source.id.casefold():
        said = (
            "L'identifiant du document (uniqueId) dans METADATA.XML n'est pas celui du CDA : celui du CDA est retenu. "
            "Le signaler à l'émetteur."
        )
        yield Problem(code="xdm-unique-id", severity=Severity.WARNING, where=member.name, message=said)


def _altered(entry: EntryData, member: Member) -> bool:
    told = "".join(entry.slot("hash")).strip().lower()
    # SHA-1 is what ITI-32 prescribes: it tells an accident, not an attack.
    return bool(told) and told != hashlib.sha1(member.content, usedforsecurity=False).hexdigest()


def _values(entry: EntryData, field: str) -> Iterator[str]:
    """Values of one PID field in sourcePatientInfo; escaped ones (``\\T\\``) are not compared."""
    for told in entry.slot("sourcePatientInfo"):
        name, _, value = told.partition("|")
        if name.strip() == field and value.strip() and "\\" not in value:
            yield value.strip()


def _names(entry: EntryData, patient: Patient) -> Iterator[bool]:
    """Every family name the metadata give is one of the CDA's; the given names have one in common."""
    families = {_letters(patient.birth_name), _letters(patient.used_name)} - {""}
    given = {word for name in (*patient.given_names, patient.used_given) for word in plain(name).split()}
    for value in (name for field in _values(entry, "PID-5") for name in field.split("~")):
        family, _, rest = value.partition("^")
        yield bool(families and _letters(family) and _letters(family) not in families)
        first = set(plain(rest.partition("^")[0]).split())
        yield bool(first and given and not first & given)


def _letters(name: str) -> str:
    return plain(name).replace(" ", "")


def _traits(entry: EntryData, patient: Patient) -> Iterator[bool]:
    """Birth date and sex, when both sides say one."""
    if patient.birth_date is not None:
        born = patient.birth_date.strftime("%Y%m%d")
        yield any(re.match(r"\d{8}", told) and told[:8] != born for told in _values(entry, "PID-7"))
    if patient.sex in _SEXES:
        yield any(told in _SEXES and told != patient.sex for told in _values(entry, "PID-8"))


def _numbers(entry: EntryData, patient: Patient) -> Iterator[bool]:
    """INS against INS; a number of some authority against the CDA's number of the same authority."""
    for told in (entry.identifier(codes.PATIENT_ID), *entry.slot("sourcePatientId")):
        number, _, rest = told.partition("^")
        authority = re.search(r"&([0-9.]+)&ISO", rest)
        root = authority[1] if authority else ""
        if not number.strip() or not root:
            continue
        if root in codes.INS_ROOTS:
            yield patient.ins is not None and patient.ins.matricule[:_INS_DIGITS] != number.strip()[:_INS_DIGITS]
            continue
        ours = {each.value for each in patient.local_ids if each.authority == root}
        yield bool(ours) and "\\" not in number and number.strip() not in ours
