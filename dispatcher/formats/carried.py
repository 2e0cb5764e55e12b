"""CDA documents carried by an export of any format: whose they are, and which document each is.

The laboratory's own CDA is the legal document and travels on byte for byte, so it must be whole, and about the patient
of the report: ANS, "Volet de transmission d'un document CDA-R2 en HL7v2" ("PID-3 must equal the recordTarget ids").
A CDA about somebody else holds the report, whatever brought it: inside an HL7 message, beside an HPRIM file (``FIC``),
beside an index.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from lxml import etree

from dispatcher.errors import FormatError, RenderError
from dispatcher.formats.cda_reading.header import restriction, source_document
from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.xdm import codes
from dispatcher.formats.xdm.cda_facts import parse_cda
from dispatcher.report.handling import stricter
from dispatcher.report.identifiers import compact
from dispatcher.report.model import Attachment, Patient, Report, SourceDocument, Status
from dispatcher.report.versions import plain

_MISSING = "le CDA ne nomme pas de patient"
_WHERE = "CDA transporté"


def with_carried(report: Report) -> Report:
    """The same report with the identity of its CDA; what is wrong with the CDA is an error of the report.

    A report that was read from a CDA file is that document: only what it carries besides is compared. Doing it twice
    changes nothing.
    """
    notes, opened = Notes(), []
    for document in _carried(report):
        if (root := _opened(document, notes)) is not None:
            opened.append((document, root))
    for _, root in opened:
        _compare(root, report.patient, notes)
    report = _restricted(report, [root for _, root in opened])
    if opened and report.original_cda is None:
        report = _identified(report, opened, notes)
    fresh = tuple(problem for problem in notes.problems if problem not in report.problems)
    return replace(report, problems=report.problems + fresh) if fresh else report


def refuse_others(report: Report) -> None:
    """Raises :class:`~dispatcher.errors.RenderError` when a CDA the report carries is not surely of its patient: the
    last gate before anything of it is written."""
    for document in _carried(report):
        notes = Notes()
        root = _opened(document, notes)
        why = disagreement(root, report.patient) if root is not None else ""
        if why or notes.problems:
            raise RenderError(
                f"Le CDA transporté n’est pas sûrement celui du patient du compte rendu : {why or 'il est illisible'}.",
                hint="Vérifier les deux identités dans le SIL, puis réémettre.",
                code="carried-cda-patient",
            )


def _carried(report: Report) -> Iterator[Attachment]:
    """Every XML document of the report, once, but the CDA it was read from."""
    inside = (one.document for one in report.observations if one.document is not None)
    once = {document.sha256: document for document in (*report.documents, *inside) if _is_xml(document)}
    if report.original_cda is not None:
        once.pop(report.original_cda.sha256, None)
    yield from once.values()


def _is_xml(document: Attachment) -> bool:
    return "xml" in document.media_type.lower() or b"ClinicalDocument" in document.content[:4096]


def _identified(report: Report, opened: Sequence[tuple[Attachment, etree._Element]], notes: Notes) -> Report:
    """Which document it is: the one that goes on."""
    chosen = report.own_cdas
    if len(chosen) > 1:
        notes.error(
            "several-documents",
            _WHERE,
            "Plusieurs CDA de même niveau dans un seul message ; attendu un document, ou ses niveaux 1 et 3. "
            "Les faire exporter un par message.",
        )
    root = next((root for document, root in opened if chosen and document.sha256 == chosen[0].sha256), opened[0][1])
    source = source_document(root) or SourceDocument(id="")
    if report.status is Status.CORRECTED and not source.replaces:
        notes.warning(
            "carried-without-parent",
            _WHERE,
            "Document de remplacement, mais son CDA ne nomme pas le document remplacé (relatedDocument) : le logiciel "
            "du destinataire le rangera comme un nouveau document.",
        )
    return replace(report, source_document=source)


def _restricted(report: Report, roots: Sequence[etree._Element]) -> Report:
    """What a carried document says of its confidentiality holds for the report that carries it."""
    known = report.handling.confidentiality
    found = stricter(known, *map(restriction, roots))
    return replace(report, handling=replace(report.handling, confidentiality=found)) if found != known else report


def _opened(document: Attachment, notes: Notes) -> etree._Element | None:
    try:
        return parse_cda(document.content)
    except FormatError as fault:
        if fault.code == "not-a-cda" and b"ClinicalDocument" not in document.content[:2000]:
            return None  # XML of another kind
        notes.error(
            "carried-cda-unreadable",
            _WHERE,
            f"Document CDA transporté refusé : {fault.message} Le faire réémettre par le laboratoire.",
        )
        return None


# ------------------------------------------------------------------------------------------------ whose it is


def _compare(root: etree._Element, patient: Patient, notes: Notes) -> None:
    why = disagreement(root, patient)
    if why:
        notes.error(
            "carried-cda-patient",
            _WHERE,
            f"Le CDA transporté n’est pas sûrement celui du patient du compte rendu : {why}. Vérifier les deux "
            "identités dans le SIL, puis réémettre.",
        )


def disagreement(root: etree._Element, patient: Patient) -> str:
    """Why the CDA may be another person's, in French; empty when the two identities agree.

    National numbers that differ, a birth date or a name that differs decide at once; a number in common, or name and
    birth date, must agree.
    """
    role = next(_all(root, "recordTarget/patientRole"), None)
    if role is None:
        return _MISSING
    numbers = {compact(i.get("extension") or "") for i in _all(role, "id") if i.get("root") in codes.INS_ROOTS} - {""}
    same_ins = patient.ins is not None and compact(patient.ins.matricule) in numbers
    if patient.ins is not None and numbers and not same_ins:
        return "les matricules INS diffèrent"
    born = next((e.get("value") or "" for e in _all(role, "patient/birthTime")), "")[:8]
    known = (
        patient.birth_date.strftime("%Y%m%d")
        if patient.birth_date
        else "".join(filter(str.isdigit, patient.birth_date_raw))
    )
    if born and known and born != known:
        return "les dates de naissance diffèrent"
    families = _names(role, "family")
    if families and not families & {plain(patient.birth_name), plain(patient.used_name)}:
        return "les noms diffèrent"
    given = _names(role, "given")
    if given and patient.given_names and not _share(given, (*patient.given_names, patient.used_given)):
        return "les prénoms diffèrent"
    if same_ins or (families and given and born and known):
        return ""
    return "ni matricule INS ni nom et date de naissance communs"


def _share(given: set[str], known: Sequence[str]) -> bool:
    """A first name in common, alone or at the head of the list of all names."""
    mine = {plain(name) for name in known} - {""} | {plain(" ".join(known))}
    return any(one in mine or one.split()[0] in {name.split()[0] for name in mine} for one in given)


def _names(role: etree._Element, part: str) -> set[str]:
    found = (" ".join(map(str, e.itertext())) for e in _all(role, f"patient/name/{part}"))
    return {plain(text) for text in found} - {""}


def _all(element: etree._Element, path: str) -> Iterator[etree._Element]:
    yield from element.iterfind("/".join(f"{{{codes.CDA}}}{step}" for step in path.split("/")))
