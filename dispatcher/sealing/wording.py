"""The words of a mail: subjects, file names, body. Pure functions of a report; none of them shows a result.

Rules: formats/mssante.md §4 — ECO.2.1.6 (name of the PDF), subject of an XDM mail (XDM marker, label of at most 40
characters, birth name in capitals without accents, first name without accents, birth date DD/MM/YYYY), free syntax for
« annule et remplace » behind the marker. Which of them may hold an identity: docs/adr/0007-subjects.md.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime

from dispatcher.clock import paris
from dispatcher.report.model import Patient, Report, Sex, Status, When

XDM_MARKER = "XDM/1.0/DDM+"
NEUTRAL_SUBJECT = "Résultats d'examens biologiques"
REPLACES = "[Annule et remplace]"
CANCELS = "[Annulation]"
MAX_LABEL = 40

_LIGATURES = str.maketrans(
    {"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D"}
    | dict.fromkeys("’‘ʼ´`", "'")
    | dict.fromkeys("‐‑‒–—", "-")
)
_NOT_IN_NAMES = re.compile(r"""[\x00-\x1f\x7f-\x9f\\/:*?"<>|_]""")
"""Characters that some file system refuses, and the separator of the convention itself."""


def without_accents(text: str) -> str:
    """ASCII form of a name: accents and ligatures undone, blanks single, what has no ASCII form left out."""
    flat = unicodedata.normalize("NFKD", text.translate(_LIGATURES))
    return " ".join("".join(char for char in flat if " " <= char <= "~" or char.isspace()).split())


def one_line(text: str) -> str:
    """``text`` without control characters and double blanks: fit for a header field."""
    clean = "".join(" " if char.isspace() else char for char in text if char.isspace() or char.isprintable())
    return " ".join(clean.split())


def identity(patient: Patient) -> str:
    """``NOM Prenom JJ/MM/AAAA`` as the convention writes it; the date is left out when it is no calendar date."""
    born = f"{patient.birth_date:%d/%m/%Y}" if patient.birth_date else ""
    return " ".join(part for part in (_surname(patient), without_accents(patient.first_given), born) if part)


def _surname(patient: Patient) -> str:
    return without_accents(patient.birth_name or patient.used_name).upper()


def mark(report: Report, replaces: bool) -> str:
    """What stands before the label of a later version, with a blank behind it; else empty."""
    if report.status is Status.CANCELLED:
        return f"{CANCELS} "
    return f"{REPLACES} " if replaces or report.status is Status.CORRECTED else ""


def xdm_subject(report: Report, label: str, replaces: bool, *, with_identity: bool) -> str:
    """``XDM/1.0/DDM+<label> <NOM> <Prenom> <JJ/MM/AAAA>``, or the same without the identity."""
    start = f"{XDM_MARKER}{mark(report, replaces)}{one_line(label)[:MAX_LABEL].strip()}"
    return f"{start} {identity(report.patient)}" if with_identity else start


def neutral_subject(report: Report, replaces: bool, *, with_identity: bool) -> str:
    """For mails under no subject convention. The identity only ever goes inside an envelope."""
    start = f"{mark(report, replaces)}{NEUTRAL_SUBJECT}"
    return f"{start} - {identity(report.patient)}" if with_identity else start


def pdf_name(report: Report, label: str, sent_at: datetime) -> str:
    """``<date of act>_<document type>_<NOM>_<prenom>_<file number>.pdf``; the number is left out when unknown.

    The date of act is the day of collection, else of the report, else of sending, in France.
    """
    when = report.collected_at or report.reported_at or report.ordered_at or sent_at
    parts = [
        f"{_day(when):%Y%m%d}",
        one_line(label)[:MAX_LABEL],
        _surname(report.patient)[:40],
        without_accents(report.patient.first_given)[:40],
        without_accents(report.order.filler)[:30],
    ]
    cleaned = (" ".join(_NOT_IN_NAMES.sub(" ", part).split()).strip(". ") for part in parts)
    return "_".join(part for part in cleaned if part) + ".pdf"


def _day(when: When) -> date:
    return paris(when).date() if isinstance(when, datetime) else when


def _person(patient: Patient) -> str:
    """The patient as a letter names them."""
    name = (patient.birth_name or patient.used_name).upper()
    if patient.used_name and patient.birth_name and patient.used_name.upper() != name:
        name += f" (nom utilisé : {patient.used_name.upper()})"
    born = {Sex.FEMALE: "née le", Sex.MALE: "né le"}.get(patient.sex, "né(e) le")
    day = f"{patient.birth_date:%d/%m/%Y}" if patient.birth_date else patient.birth_date_raw
    return one_line(f"{name} {patient.first_given}" + (f", {born} {day}" if day else ""))


def body(
    report: Report,
    replaces: bool,
    attachments: tuple[tuple[str, str], ...],
    signature: tuple[str, ...],
    *,
    patient: bool = False,
) -> str:
    """The text a person reads: whose report, what is attached (name, purpose), who sends it, the laboratory's own words
    (CORPSMAIL_PS, for a patient CORPSMAIL_PATIENT). No result of ours in it.
    """
    words = report.handling.patient_mail_text if patient else report.handling.mail_text
    paragraphs = [
        "Bonjour,",
        f"Veuillez trouver ci-joint le compte rendu d'examens biologiques de :\n  {_person(report.patient)}",
        *_remarks(report, replaces),
        *([words] if words else []),
    ]
    if attachments:
        paragraphs.append("Pièces jointes :\n" + "\n".join(f"- {name} : {purpose}" for name, purpose in attachments))
    closing = [one_line(line) for line in signature if one_line(line)]
    paragraphs.append("\n".join(["Cordialement,", *closing]))
    paragraphs.append("Message envoyé automatiquement. Pour toute question, contactez le laboratoire.")
    return "\n\n".join(paragraphs) + "\n"


def _remarks(report: Report, replaces: bool) -> list[str]:
    if report.status is Status.CANCELLED:
        return ["Ce compte rendu est annulé par le laboratoire : ne plus tenir compte de la version déjà transmise."]
    found = []
    if replaces or report.status is Status.CORRECTED:
        found.append("Ce compte rendu annule et remplace celui qui vous a été transmis précédemment.")
    if report.status is Status.PARTIAL:
        found.append("Ce compte rendu est partiel : un compte rendu complet vous sera transmis.")
    return found
