"""Index records and the PDFs they name, to document reports. A PDF's own text is never looked at for the patient."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from dispatcher.formats.pdf import received
from dispatcher.formats.pdf_index.dates import read_moment
from dispatcher.formats.pdf_index.people import copies, patient, prescriber
from dispatcher.formats.pdf_index.records import Record, error, files_named, warning
from dispatcher.formats.pdf_index.rules import IndexRules, said_by_name
from dispatcher.formats.pdf_index.words import key, labels, value_of
from dispatcher.report.model import (
    Attachment,
    Battery,
    Code,
    ExplicitRecipient,
    Kind,
    Laboratory,
    Observation,
    Order,
    Patient,
    Problem,
    Report,
    Status,
    ValueType,
    When,
)
from dispatcher.report.moments import day_of

Sibling = Callable[[str], bytes | None]
LETTERS = {Status.FINAL: "F", Status.PARTIAL: "P", Status.CORRECTED: "C", Status.CANCELLED: ""}
PDF = "application/pdf"


def report_of(one: Record, document: Attachment | None, told: Sequence[Problem] = ()) -> Report:
    """The report a record and its PDF make. Everything that keeps it from leaving is an error among its problems."""
    problems = [*one.problems, *told]
    if one.problems and not one.cells:
        return Report(
            patient=Patient(), kind=Kind.DOCUMENT, documents=(document,) if document else (), problems=tuple(problems)
        )
    reported = _when(one, "reported_at", problems, "reported_time")
    collected = _when(one, "collected_at", problems, "collected_time")
    status = _status(one, problems)
    day = reported or collected
    return Report(
        patient=patient(one, day_of(day) if day else None, problems),
        kind=Kind.DOCUMENT,
        status=status,
        laboratory=Laboratory(
            id=one.text("laboratory"), name=one.text("laboratory_name"), finess=one.text("laboratory_finess")
        ),
        order=Order(filler=one.text("filler"), placer=one.text("placer")),
        prescriber=prescriber(one),
        copies=copies(one),
        recipients=_recipients(one, problems),
        ordered_at=_when(one, "ordered_at", problems),
        collected_at=collected,
        received_at=_when(one, "received_at", problems),
        reported_at=reported,
        batteries=_batteries(one, document, status),
        comments=tuple(cell.text for cell in one.all("comment")),
        urgent=_urgent(one, problems),
        problems=tuple(problems),
    )


def _batteries(one: Record, document: Attachment | None, status: Status) -> tuple[Battery, ...]:
    """The PDF as a result of its own. Its title tells documents of one order apart, else its file name does."""
    if document is None:
        return ()
    title = one.text("title")
    result = Observation(code=Code(text=title), type=ValueType.DOCUMENT, status=LETTERS[status], document=document)
    return (Battery(title=title, observations=(result,)),)


def _when(one: Record, name: str, told: list[Problem], time: str = "") -> When | None:
    cell = one.cell(name)
    if cell is None:
        return None
    when = read_moment(cell.text, one.text(time) if time else "")
    if when is None:
        message = (
            f"{labels()[name].capitalize()} illisible ; attendu JJ/MM/AAAA [HH:MM] ou AAAAMMJJHHMM. Elle est omise."
        )
        told.append(warning("unreadable-date", cell.where, message))
    return when


def _status(one: Record, told: list[Problem]) -> Status:
    """Final unless the index says otherwise; a word nobody knows may mean that the report is withdrawn."""
    cell = one.cell("status")
    if cell is None:
        return Status.FINAL
    known = value_of("status", cell.text)
    if known is None:
        told.append(
            error(
                "unknown-status",
                cell.where,
                "État du compte rendu non compris ; attendu définitif, partiel, corrigé ou annulé. Corriger l'export.",
            )
        )
        return Status.FINAL
    return Status(known)


def _urgent(one: Record, told: list[Problem]) -> bool:
    cell = one.cell("urgent")
    known = value_of("urgent", cell.text) if cell else "no"
    if known is None and cell:
        told.append(warning("unknown-urgent", cell.where, "Urgence non comprise ; attendu oui ou non. Lue comme non."))
    return known == "yes"


def _recipients(one: Record, told: list[Problem]) -> tuple[ExplicitRecipient, ...]:
    found = []
    for cell in one.all("recipient_address"):
        for part in re.split(r"[,;|\s]+", cell.text):
            address = part.strip("<>").removeprefix("mailto:")
            if re.fullmatch(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+", address):
                found.append(ExplicitRecipient(address=address))
            elif address:
                told.append(
                    error("recipient-address", cell.where, "Adresse de messagerie mal formée : corriger l'export.")
                )
    return tuple(found)


def reports_of(records: Sequence[Record], index_name: str, sibling: Sibling, rules: IndexRules) -> tuple[Report, ...]:
    """One report a record, in order."""
    files = files_named(records, index_name)
    named = Counter(name.casefold() for name in files if name)
    twins = Counter(_same_report(one) for one in records)
    reports = []
    for one, name in zip(records, files, strict=True):
        told: list[Problem] = []
        if named[name.casefold()] > 1:
            told.append(_twice(one))
        elif one.text("filler") and twins[_same_report(one)] > 1:
            told.append(_same_title(one))
        told += _against_name(one, name, rules)
        document = _document(one, name, sibling, told) if named[name.casefold()] < 2 else None
        reports.append(report_of(one, document, told))
    return tuple(reports)


def _same_report(one: Record) -> tuple[str, ...]:
    title = one.text("title") or one.text("file")
    return tuple(key(text) for text in (one.text("laboratory"), one.text("filler"), title))


def _twice(one: Record) -> Problem:
    return error(
        "index-file-twice",
        one.place("file"),
        "Ce PDF est nommé plusieurs fois dans l'index : à qui il est ne peut pas être su. Aucun de ces comptes "
        "rendus ne part ; ne garder qu'une ligne par PDF et mettre les autres destinataires en copie.",
    )


def _same_title(one: Record) -> Problem:
    return error(
        "index-report-twice",
        one.place("title", "filler"),
        "Deux PDF portent le même numéro de dossier et le même titre : l'un remplacerait l'autre. "
        "Leur donner deux titres.",
    )


def _against_name(one: Record, name: str, rules: IndexRules) -> list[Problem]:
    """Where the file name speaks too, it must say the same as the index."""
    said = said_by_name(rules, name)
    differ = [
        field
        for field, text in (said or {}).items()
        if (cell := one.cell(field)) is not None and _spelt(field, cell.text) != _spelt(field, text)
    ]
    if not differ:
        return []
    told = ", ".join(labels()[field] for field in differ)
    return [
        error(
            "index-name-disagrees",
            one.place(*differ),
            f"L'index et le nom du fichier PDF ne disent pas la même chose ({told}) : vérifier à qui est ce PDF.",
        )
    ]


def _spelt(field: str, text: str) -> str:
    when = read_moment(text) if field.endswith(("_date", "_at")) else None
    return day_of(when).isoformat() if when else value_of(field, text) or key(text)


def _document(one: Record, name: str, sibling: Sibling, told: list[Problem]) -> Attachment | None:
    cancelled = value_of("status", one.text("status")) == "cancelled"
    content = next((found for spelt in _spellings(name) if (found := sibling(spelt)) is not None), None)
    if content is None:
        if not cancelled and one.cells:
            told.append(_missing(one, name))
        return None
    told += received.check(content, one.place("file"))
    return Attachment(media_type=PDF, content=content, name=name)


def _missing(one: Record, name: str) -> Problem:
    if not name:
        return error(
            "index-no-file-name", one.place("file"), "Aucun nom de fichier PDF sur cette ligne : compléter l'export."
        )
    return error(
        "missing-document",
        one.place("file"),
        "Le PDF nommé ici n'est pas à côté de l'index, ou un autre index le réclame aussi. Le déposer dans le même "
        "dossier et faire réexporter l'index.",
    )


def _spellings(name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((name, name.lower(), name.upper()))) if name else ()
