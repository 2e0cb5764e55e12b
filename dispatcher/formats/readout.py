"""What was understood of a file, for programs (JSON, design.md §9) and for a person at a terminal (French).

The JSON is a contract that outside checks read: names, order and types stay. The text shows the patient: it is printed
only for whoever asked for that very file, never logged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from dispatcher.clock import paris
from dispatcher.formats.base import ReadResult
from dispatcher.report.model import (
    AltValue,
    Attachment,
    Battery,
    Handling,
    Observation,
    Patient,
    Practitioner,
    Problem,
    Report,
    Severity,
    Sex,
    Status,
    When,
)

Json = dict[str, Any]
Held = Sequence[tuple[Problem, ...]]
"""What the checks before sending say of each report, in the order of the reports; empty when they were not made."""

# ------------------------------------------------------------------------------------------------ for programs


def as_json(result: ReadResult, path: str, sha256: str, held: Held = ()) -> Json:
    """One entry of ``{"files": […]}``. ``sha256`` is that of the whole file, hexadecimal."""
    reports = [_report(report) for report in result.reports]
    for told, found in zip(reports, held, strict=False):
        if found:
            told["checks"] = [_problem(problem) for problem in found]
    answer: Json = {
        "path": path,
        "sha256": sha256,
        "format": result.format,
        "encoding": result.encoding,
        "problems": [_problem(problem) for problem in result.problems],
        "reports": reports,
    }
    return answer | ({"dialect": result.dialect} if result.dialect else {})


def _problem(problem: Problem) -> Json:
    return {
        "code": problem.code,
        "severity": problem.severity.value,
        "where": problem.where,
        "message": problem.message,
    }


def _report(report: Report) -> Json:
    addressee = report.addressee
    answer: Json = {
        "status": report.status.value,
        "kind": report.kind.value,
        "order": {"placer": report.order.placer, "filler": report.order.filler},
        "reported_at": iso(report.reported_at),
        "collected_at": iso(report.collected_at),
        "patient": _patient(report.patient),
        "prescriber": _practitioner(report.prescriber),
        "copies": [_practitioner(person) for person in report.copies],
        "recipients": [recipient.address for recipient in report.recipients],
        "addressee": {"id": addressee.id, "label": addressee.label} if addressee else None,
        "observations": [_observation(one, battery) for battery in report.batteries for one in battery.observations],
        "comments": _comments(report),
        "documents": [_document(document) for document in documents_of(report)],
        "problems": [_problem(problem) for problem in report.problems],
    }
    # Beyond the contract, and only where the file says it.
    if stated := _handling(report.handling):
        answer["handling"] = stated
    if report.source_document is not None:
        answer["source_document"] = asdict(report.source_document)
    return answer


def _comments(report: Report) -> list[str]:
    """Of the report, then of its orders (NTE under OBR, C under OBR), which no other place of the contract holds.

    A report that is nothing but a printed text has that text for its comment: the reading must not look empty.
    """
    found = [*report.comments, *(comment for battery in report.batteries for comment in battery.comments)]
    return found or ([report.text] if _only_text(report) else [])


def _only_text(report: Report) -> bool:
    return bool(report.text.strip()) and not report.observations and not report.documents


def iso(when: When | None) -> str | None:
    """A day as ``YYYY-MM-DD``, a moment with its offset, None as None."""
    return when.isoformat() if when is not None else None


def _patient(patient: Patient) -> Json:
    ins = patient.ins
    return {
        "birth_name": patient.birth_name,
        "used_name": patient.used_name,
        "first_given": patient.first_given,
        "given_names": list(patient.given_names),
        "birth_date": iso(patient.birth_date),
        "sex": patient.sex.value,
        "ins": {"matricule": ins.matricule, "oid": ins.oid, "qualified": ins.qualified} if ins else None,
        "local_ids": [{"value": x.value, "authority": x.authority, "type": x.type} for x in patient.local_ids],
    }


def _practitioner(person: Practitioner | None) -> Json | None:
    if person is None:
        return None
    return {
        "id": person.id,
        "id_type": person.id_type.value,
        "family": person.family,
        "given": person.given,
        "organisation": person.organisation,
    }


def _observation(one: Observation, battery: Battery) -> Json:
    return {
        "code": one.code.code,
        "system": one.code.system,
        "text": one.code.text,
        "loinc": one.loinc,
        "type": one.type.value,
        "value": one.value,
        "raw": one.raw,
        "comparator": one.comparator or None,
        "unit": one.unit,
        "ucum": one.ucum,
        "low": one.low,
        "high": one.high,
        "range_text": one.range_text,
        "flags": list(one.flags),
        "status": one.status,
        "comments": list(one.comments),
        "group": battery.title,
        "specimen": (battery.specimen.text or battery.specimen.code) if battery.specimen else "",
        "sub_id": one.sub_id,
        "parent": one.parent,
        "alt": _alt(one.alt) if one.alt else None,
    }


def _alt(alt: AltValue) -> Json:
    return {"value": alt.text, "unit": alt.unit, "ucum": alt.ucum, "low": alt.low, "high": alt.high}


def documents_of(report: Report) -> tuple[Attachment, ...]:
    """Documents of the report and of its results, each content once."""
    carried = [*report.documents, *(one.document for one in report.observations if one.document is not None)]
    return tuple({document.sha256: document for document in reversed(carried)}.values())[::-1]


def _document(document: Attachment) -> Json:
    return {"media_type": document.media_type, "bytes": len(document.content), "sha256": document.sha256}


def _handling(handling: Handling) -> Json:
    """What the sender asks, as far as stated; texts of mails are told by their length."""
    stated: Json = {name: value for name, value in asdict(handling).items() if value not in (None, "", False)}
    stated |= {name: False for name, value in asdict(handling).items() if value is False and name != "last_message"}
    for name in ("mail_text", "patient_mail_text"):
        if name in stated:
            stated[name] = len(stated[name])
    return stated


# ------------------------------------------------------------------------------------------------ for a person

_STATUS = {
    Status.FINAL: "définitif",
    Status.PARTIAL: "partiel",
    Status.CORRECTED: "corrigé (remplace le précédent)",
    Status.CANCELLED: "annulé",
}
_SEX = {Sex.FEMALE: "F", Sex.MALE: "M", Sex.UNKNOWN: "sexe inconnu"}
_SIGN = {Severity.ERROR: "ERREUR", Severity.WARNING: "attention", Severity.INFO: "note"}
_FORMATS = {
    "hl7v2-oru": "HL7 v2, résultats (ORU)",
    "hl7v2-mdm": "HL7 v2, document (MDM)",
    "hprim-sante": "HPRIM Santé",
    "hprim-medecins": "HPRIM Médecins",
    "cda": "CDA",
    "pdf": "PDF",
    "unknown": "format non reconnu",
}


def as_text(result: ReadResult, path: str, held: Held = ()) -> str:
    """A French summary, lines of about 110 characters, ending with a line break."""
    kind = _FORMATS.get(result.format, result.format)
    encoding = f", {result.encoding}" if result.encoding else ""
    encoding += f", dialecte {result.dialect}" if result.dialect else ""
    count = len(result.reports)
    lines = [f"{path} : {kind}{encoding}, {count} compte{'s' if count > 1 else ''} rendu{'s' if count > 1 else ''}"]
    lines += [f"  {line}" for problem in result.problems for line in _told(problem)]
    for rank, report in enumerate(result.reports, start=1):
        lines += ["", f"  Compte rendu {rank}/{count}", *(f"    {line}" for line in _report_lines(report))]
        lines += [f"    {line}" for found in held[rank - 1 : rank] for line in _held_lines(found)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _told(problem: Problem) -> list[str]:
    where = f" [{problem.where}]" if problem.where else ""
    return [f"{_SIGN[problem.severity]}{where} {problem.message} ({problem.code})"]


def _held_lines(found: tuple[Problem, ...]) -> list[str]:
    """What ``run`` would do of it, errors before warnings."""
    lines: list[str] = []
    blocks = ((Severity.ERROR, "Serait retenu à l'envoi :"), (Severity.WARNING, "À l'envoi, attention :"))
    for severity, title in blocks:
        same = [problem for problem in found if problem.severity is severity]
        lines += [title, *(f"  {problem.sentence} ({problem.code})" for problem in same)] if same else []
    return lines


def _report_lines(report: Report) -> list[str]:
    order = " / ".join(part for part in (report.order.filler, report.order.placer) if part) or "sans numéro"
    lines = [f"Demande       {order}, {_STATUS[report.status]}{', urgent' if report.urgent else ''}"]
    lines.append(f"Patient       {_patient_line(report.patient)}")
    lines.append(f"Prélevé       {_french(report.collected_at)}    Édité  {_french(report.reported_at)}")
    if report.laboratory.name or report.laboratory.id:
        lines.append(f"Laboratoire   {report.laboratory.name or report.laboratory.id}")
    lines.append(f"Prescripteur  {_person_line(report.prescriber) if report.prescriber else 'non indiqué'}")
    lines += [f"Copie         {_person_line(person)}" for person in report.copies]
    lines += [f"Adresse       {one.address} (donnée par le fichier)" for one in report.recipients]
    lines += [f"Consigne      {text}" for text in report.handling.sentences]
    if report.addressee:
        lines.append(f"Destinataire  {report.addressee.id} {report.addressee.label}".rstrip())
    for battery in report.batteries:
        lines += ["", _battery_line(battery)]
        for one in battery.observations:
            lines += [f"  {line}" for line in _observation_lines(one)]
        lines += [f"  » {line}" for comment in battery.comments for line in comment.split("\n")]
    lines += ["", *(f"» {line}" for text in report.comments for line in text.split("\n"))] if report.comments else []
    lines += ["", *(f"  {line}" for line in report.text.strip("\n").split("\n"))] if _only_text(report) else []
    lines += [f"Document      {d.media_type}, {len(d.content)} octets" for d in documents_of(report)]
    return [*lines, *(line for problem in report.problems for line in _told(problem))]


def _patient_line(patient: Patient) -> str:
    names = patient.birth_name or "nom de naissance inconnu"
    if patient.used_name:
        names += f" (utilise {patient.used_name})"
    born = patient.birth_date.strftime("%d/%m/%Y") if patient.birth_date else patient.birth_date_raw
    ins = ""
    if patient.ins:
        ins = f", INS {patient.ins.matricule} {'qualifiée' if patient.ins.qualified else 'non qualifiée'}"
    birth = f"né(e) le {born}" if born else "date de naissance inconnue"
    return f"{' '.join((names, *patient.given_names))}, {_SEX[patient.sex]}, {birth}{ins}"


def _person_line(person: Practitioner) -> str:
    number = f" ({person.id_type.value} {person.id})" if person.id else ""
    structure = f", {person.organisation}" if person.organisation and person.organisation != person.label else ""
    return f"{person.label}{structure}{number}"


def _battery_line(battery: Battery) -> str:
    parts = [battery.chapter, battery.title]
    if battery.specimen and (battery.specimen.text or battery.specimen.code):
        parts.append(battery.specimen.text or battery.specimen.code)
    return " — ".join(dict.fromkeys(part for part in parts if part)) or "Résultats"


def _observation_lines(one: Observation) -> list[str]:
    label = one.code.text or one.code.code or "(sans nom)"
    first, *others = (one.value or ("document" if one.document else "—")).split("\n")
    measured = " ".join(part for part in (one.comparator, first, one.unit) if part)
    usual = f"  [{one.range_text}]" if one.range_text else ""
    flags = f"  {' '.join(one.flags)}" if one.flags and one.flags != ("N",) else ""
    status = f"  ({one.status})" if one.status not in ("", "F") else ""
    mark = "  " if one.parent is not None else ""
    loinc = f"  LOINC {one.loinc}" if one.loinc else ""
    lines = [f"{mark}{label:<36} {measured:>16}{usual}{flags}{status}{loinc}"]
    lines += [f"{mark}  {line}" for line in others]
    if one.alt and one.alt.value:
        lines.append(f"{mark}{'':<36} {one.alt.text + ' ' + one.alt.unit:>16}")
    return lines + [f"{mark}  » {line}" for comment in one.comments for line in comment.split("\n")]


def _french(when: When | None) -> str:
    if when is None:
        return "non indiqué"
    if isinstance(when, datetime):
        return paris(when).strftime("%d/%m/%Y %H:%M")
    assert isinstance(when, date)
    return when.strftime("%d/%m/%Y")
