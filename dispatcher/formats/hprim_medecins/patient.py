"""Header lines to patient, laboratory, order and addressee.

:class:`~dispatcher.formats.hprim_medecins.header.Header` in, values of the report model out, with problems that name
the line and never its content. The social security number is the insured's, for billing: never an INS.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from dispatcher.formats.hprim_medecins import dates, grammar
from dispatcher.formats.hprim_medecins.dates import Form
from dispatcher.formats.hprim_medecins.header import Header
from dispatcher.formats.hprim_medecins.problems import error, info, warning
from dispatcher.report.identifiers import compact, nir_key
from dispatcher.report.model import Address, Addressee, Laboratory, LocalId, Order, Patient, Problem, Sex, When


@dataclass(frozen=True, slots=True)
class Parties:
    """What the twelve lines say."""

    patient: Patient
    laboratory: Laboratory
    addressee: Addressee | None
    order: Order
    reported_at: When | None
    problems: tuple[Problem, ...]


def read_parties(header: Header) -> Parties:
    """All twelve lines."""
    problems: list[Problem] = []
    reported = dates.read_report_date(header.line(10))
    _note_report_date(header, reported, problems)
    born = dates.read_birth_date(header.line(7), reported.day)
    _note_birth_date(header, born, problems)
    sender_id, sender = split_party(header.lines[10])
    addressee_id, addressee = split_party(header.lines[11])
    if not header.line(12):
        problems.append(_note(header, 12, info, "missing-addressee", "destinataire absent."))
    return Parties(
        patient=_patient(header, born, problems),
        laboratory=Laboratory(id=sender_id, name=sender),
        addressee=Addressee(id=addressee_id, label=addressee) if addressee_id or addressee else None,
        order=Order(filler=header.line(9)),
        reported_at=reported.when,
        problems=tuple(problems),
    )


def _patient(header: Header, born: dates.DateRead, problems: list[Problem]) -> Patient:
    birth_name, used_name = _names(header.line(2))
    if used_name:
        problems.append(_note(header, 2, info, "two-names", "deux noms, lus comme nom de naissance et nom utilisé."))
    for number, code in ((2, "missing-birth-name"), (3, "missing-first-given")):
        if not any(c.isalpha() for c in header.line(number)):
            said = f"{grammar.header_line(number).name} absent. À compléter par le laboratoire."
            problems.append(_note(header, number, error, code, said))
    nss, sex = _nss(header, born.day, problems)
    given = re.sub(r"\s+", " ", header.line(3))
    return Patient(
        birth_name=birth_name,
        used_name=used_name,
        given_names=tuple(part for name in given.split(",") if (part := name.strip())),
        birth_date=born.day,
        birth_date_raw="" if born.day else header.line(7),
        sex=sex,
        nss=nss,
        local_ids=(LocalId(value=header.line(1), type="PI"),) if _is_code(header.line(1)) else (),
        address=_address(header),
    )


def _is_code(text: str) -> bool:
    """Line 1 holds a code. Some software writes there, in columns, who sends to whom: no patient bears that."""
    return text not in ("", grammar.NO_CODE) and len(text) <= 40 and "   " not in text


_MAIDEN = re.compile(r"(?P<used>\S.*?)\s+n[ée]+e?\s+(?P<birth>\S.*)", re.IGNORECASE)
_MARRIED = re.compile(r"(?P<birth>\S.*?)\s+(?:[ée]pouse|[ée]pse|[ée]p\.?)\s+(?P<used>\S.*)", re.IGNORECASE)


def _names(text: str) -> tuple[str, str]:
    """Birth name and used name of line 2; ``NÉE`` and ``ÉPOUSE`` are written there by several laboratories."""
    bare = re.sub(r"\s+", " ", text).strip()
    found = _MAIDEN.fullmatch(bare) or _MARRIED.fullmatch(bare)
    return (found["birth"], found["used"]) if found else (bare, "")


def _address(header: Header) -> Address | None:
    lines = tuple(line for n in (4, 5) if (line := re.sub(r"\s+", " ", header.line(n))))
    town = re.sub(r"\s+", " ", header.line(6))
    found = grammar.POSTCODE_TOWN.fullmatch(town)
    if found:
        return Address(lines=lines, postcode=found[1], town=found[2])
    if re.fullmatch(r"\d{5}", town):
        return Address(lines=lines, postcode=town)
    return Address(lines=lines, town=town) if lines or town else None


def _nss(header: Header, born: date | None, problems: list[Problem]) -> tuple[str, Sex]:
    """Line 8: the number without blanks, and the sex when number and patient were born the same month.

    A child or a spouse stands under the number of the insured, so the first digit alone says nothing about the patient.
    """
    bare = compact(header.line(8))
    number = grammar.NIR.match(bare)
    if not bare:
        return "", Sex.UNKNOWN
    key = nir_key(number[0]) if number else None
    if number is None or len(bare) not in (13, 15):
        said = "numéro de sécurité sociale illisible (13 chiffres et clé attendus)."
        problems.append(_note(header, 8, info, "nss-form", said))
        return "", Sex.UNKNOWN
    if len(bare) == 15 and key != bare[13:]:
        problems.append(_note(header, 8, warning, "nss-key", "la clé du numéro de sécurité sociale est fausse."))
    same_person = born is not None and bare[1:5] == f"{born:%y%m}"
    sexes = {"1": Sex.MALE, "3": Sex.MALE, "7": Sex.MALE, "2": Sex.FEMALE, "4": Sex.FEMALE, "8": Sex.FEMALE}
    return bare, sexes.get(bare[0], Sex.UNKNOWN) if same_person else Sex.UNKNOWN


_BIRTH_DATE_NOTES = {
    Form.BLANK: (error, "missing-birth-date", "date de naissance absente. À compléter par le laboratoire."),
    Form.NOT_CALENDAR: (
        error,
        "birth-date-not-calendar",
        "la date de naissance n’est pas une date du calendrier (mois ou jour impossible). "
        "Vérifier l’identité du patient avant tout envoi.",
    ),
    Form.SHORT_YEAR: (warning, "two-digit-year", "année de naissance sur deux chiffres ; le siècle a été déduit."),
    Form.OTHER: (info, "date-form", "date comprise, mais écrite autrement que JJ/MM/AAAA."),
}
_REPORT_DATE_NOTES = {
    Form.BLANK: (warning, "missing-report-date", "date du dossier absente."),
    Form.SHORT_YEAR: (info, "date-form", "année du dossier sur deux chiffres, lue comme 20xx."),
    Form.OTHER: (info, "date-form", "date comprise, mais écrite autrement que JJ/MM/AAAA."),
    Form.EMBEDDED: (info, "date-form", "date trouvée au milieu d’un texte ; JJ/MM/AAAA seul attendu."),
}


def _note_birth_date(header: Header, born: dates.DateRead, problems: list[Problem]) -> None:
    note = _BIRTH_DATE_NOTES.get(born.form)
    if note is not None and (born.day is not None or note[0] is error):
        problems.append(_note(header, 7, *note))
    elif born.day is None:
        said = "date de naissance illisible ; JJ/MM/AAAA attendu."
        problems.append(_note(header, 7, error, "unreadable-birth-date", said))


def _note_report_date(header: Header, read: dates.DateRead, problems: list[Problem]) -> None:
    note = _REPORT_DATE_NOTES.get(read.form)
    if note is not None and (read.when is not None or read.form is Form.BLANK):
        problems.append(_note(header, 10, *note))
    elif read.when is None:
        said = "date du dossier illisible ; JJ/MM/AAAA attendu."
        problems.append(_note(header, 10, warning, "unreadable-report-date", said))


def _note(header: Header, number: int, kind: Callable[[str, str, str], Problem], code: str, said: str) -> Problem:
    """A problem about header line ``number``: its place in the file, and its number in the header."""
    return kind(code, header.where(number), f"En-tête, ligne {number} : {said}")


_TITLES = {"DR", "DOCTEUR", "PR", "PROFESSEUR", "M", "MR", "MME", "MLLE", "MONSIEUR", "MADAME", "MM"}
_EMPTY = {"", ".", "_", "-", "?"}


def split_party(line: str) -> tuple[str, str]:
    """Code and label of lines 11 and 12.

    The code takes columns 1 to 10, the label starts at column 11 or 12; codes are also met right-aligned, one column
    too wide, or followed by a single blank. A first word counts as a code when the columns say so, when it holds a
    digit, or when a title (``DR``) follows it; else the whole line is the label.
    """
    bare = line.strip()
    first, _, rest = bare.partition(" ")
    label = re.sub(r"\s+", " ", rest).strip()
    if first in _EMPTY or not label:
        return ("" if first in _EMPTY else first), ("" if label in _EMPTY else label)
    lead = len(line) - len(line.lstrip())
    label_at = len(line.rstrip()) - len(rest.lstrip())
    width = lead + len(first)
    in_columns = label_at >= grammar.PARTY_CODE_WIDTH and (width <= grammar.PARTY_CODE_WIDTH or 0 < lead <= 6)
    titled = re.sub(r"\W", "", label.split(" ", 1)[0]).upper() in _TITLES
    is_title = re.sub(r"\W", "", first).upper() in _TITLES
    if not is_title and (in_columns or any(c.isdigit() for c in first) or titled):
        return first, "" if label in _EMPTY else label
    return "", re.sub(r"\s+", " ", bare)
