"""What a printed report says, as plain data for a layout. Report in, JSON-ready values out.

The shape is a contract with the layouts of laboratories (``docs/mappings.md``, "Données de la mise en page"): keys are
added, never renamed or removed. The layout only places what it is given. Every text is drawable: see ``glyphs.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from itertools import groupby
from typing import Any

from dispatcher.formats.base import WriteContext
from dispatcher.formats.pdf import wording
from dispatcher.formats.pdf.glyphs import Glyphs
from dispatcher.report.model import Battery, Observation, Practitioner, Report, Status, ValueType
from dispatcher.report.moments import aware, day_of
from dispatcher.report.versions import plain

SCHEMA = 1
TITLE = "Compte rendu d'examens biologiques"
SHORT = 4
"""Longest word (characters) that is set under the numbers: ``S``, ``++``; longer ones are set from the left."""
LINE = 46
"""Longest text that fits on one line across result, alert and unit."""
NEUTRAL = "Rendu d'essai : aucun laboratoire n'est configuré. Ce document n'a pas de valeur médicale."

Data = dict[str, Any]


def build(report: Report, context: WriteContext, glyphs: Glyphs) -> Data:
    """The data of one report. Raises :class:`dispatcher.errors.RenderError` when a character cannot be drawn."""
    created = aware(context.created_at).astimezone(UTC)
    data: Data = {
        "schema": SCHEMA,
        "title": TITLE,
        "author": context.laboratory.name,
        "created": {part: getattr(created, part) for part in ("year", "month", "day", "hour", "minute", "second")},
        "created_text": wording.moment(context.created_at),
        "banners": banners(report, context),
        "laboratory": _laboratory(context),
        "patient": _patient(report),
        "facts": _facts(report, context),
        "recipient": wording.person(context.recipient) if context.recipient else "",
        "foot": _foot(report),
        "chapters": _chapters(report, context),
        "comments": _paragraphs(report.comments),
        "text": report.text.expandtabs(8).split("\n") if report.text.strip() else [],
        "documents": _documents(report),
        "validation": _validation(report, context),
    }
    cleaned: Data = _clean(data, glyphs)
    return cleaned


def _clean(value: Any, glyphs: Glyphs) -> Any:
    if isinstance(value, str):
        return glyphs.clean(value)
    if isinstance(value, list):
        return [_clean(item, glyphs) for item in value]
    if isinstance(value, dict):
        return {key: _clean(item, glyphs) for key, item in value.items()}
    return value


def banners(report: Report, context: WriteContext) -> list[str]:
    """Framed lines under the title: what kind of version this is, said before any result."""
    lines = [NEUTRAL] if context.laboratory.neutral else []
    version = f"version {context.ids.version}"
    if report.status is Status.CANCELLED:
        lines.append("Compte rendu ANNULÉ : ne pas tenir compte des résultats déjà transmis.")
    elif report.status is Status.CORRECTED:
        lines.append(f"Compte rendu CORRIGÉ ({version}) : annule et remplace la version précédente.")
    elif report.status is Status.PARTIAL:
        lines.append("Compte rendu PARTIEL : des résultats sont en attente et feront l'objet d'un nouvel envoi.")
    elif context.ids.replaces:
        lines.append(f"Annule et remplace la version précédente de ce compte rendu ({version}).")
    return lines


def _laboratory(context: WriteContext) -> Data:
    lab = context.laboratory
    biologist = "" if lab.neutral else wording.person(lab.biologist)
    return {"name": lab.name, "lines": wording.laboratory_lines(lab), "biologist": biologist}


def _patient(report: Report) -> Data:
    patient = report.patient
    on = report.collected_at or report.reported_at
    local = next((i.value for i in patient.local_ids if i.type in {"PI", ""}), "")
    return {
        "birth_name": patient.birth_name.upper(),
        "given": patient.first_given,
        "given_names": " ".join(patient.given_names),
        "used_name": patient.used_name.upper(),
        "used_given": patient.used_given,
        "born": wording.born(patient, day_of(on) if on else None),
        "sex": wording.sex(patient),
        "ins": wording.ins(patient),
        "birth_place": patient.birth_place,
        "local_id": local,
    }


def _facts(report: Report, context: WriteContext) -> list[Data]:
    """Label and value pairs of the line under the heading, the empty ones left out."""
    copies = " ; ".join(filter(None, map(wording.person, report.copies)))
    pairs = (
        ("Dossier n°", report.order.filler or report.order.placer),
        ("Prélevé le", wording.moment(report.collected_at)),
        ("Reçu le", wording.moment(report.received_at)),
        ("Édité le", wording.moment(report.reported_at or context.created_at)),
        ("Prescripteur", wording.person(report.prescriber) if report.prescriber else ""),
        ("Copie à", copies),
    )
    return [{"label": label, "value": value} for label, value in pairs if value]


def _foot(report: Report) -> Data:
    patient = report.patient
    name = " ".join(part for part in (patient.birth_name.upper(), patient.first_given) if part)
    birth = f"{patient.birth_date:%d/%m/%Y}" if patient.birth_date else patient.birth_date_raw
    number = report.order.filler or report.order.placer
    return {"patient": name, "birth": birth, "number": number}


def _paragraphs(texts: tuple[str, ...]) -> list[str]:
    return [text.strip("\n") for text in texts if text.strip()]


def _chapters(report: Report, context: WriteContext) -> list[Data]:
    """Batteries in file order, neighbours of one chapter together."""
    titled = [(_chapter_title(battery, context), battery) for battery in report.batteries]
    chapters = []
    for title, group in groupby(titled, key=lambda entry: entry[0]):
        batteries = [_battery(battery, title, report) for _, battery in group]
        chapters.append({"title": title, "batteries": [b for b in batteries if b["rows"] or b["comments"]]})
    return [chapter for chapter in chapters if chapter["batteries"]]


def _chapter_title(battery: Battery, context: WriteContext) -> str:
    if context.terminology is not None:
        return context.terminology.chapter_for(battery).title
    return battery.chapter.strip() or "Résultats"


def _battery(battery: Battery, chapter: str, report: Report) -> Data:
    specimen = battery.specimen
    rows = list(_rows(battery, report))
    sample = [specimen.text or specimen.code] if specimen and (specimen.text or specimen.code) else []
    collected = battery.collected_at or (specimen.collected_at if specimen else None)
    if collected and collected != report.collected_at:
        sample.append(f"prélevé le {wording.moment(collected)}")
    return {
        "title": "" if plain(battery.title) == plain(chapter) else battery.title.strip(),
        "sample": ", ".join(sample),
        "rows": rows,
        "comments": _paragraphs(battery.comments),
    }


def _rows(battery: Battery, report: Report) -> Iterator[Data]:
    """The results; those of an antibiogram under the name of their organism, wherever that one stands in the report."""
    opened = False
    for parent, group in groupby(battery.observations, key=lambda o: o.parent):
        rows = [row for o in group for row in _row(o, report)]
        organism = _organism(parent, report)
        if organism and rows:
            yield {"kind": "group", "name": f"Antibiogramme : {organism}"}
        elif opened and rows:
            yield {"kind": "group-end"}
        opened = bool(organism and rows) or (opened and not rows)
        yield from rows


def _organism(parent: int | None, report: Report) -> str:
    """What the lines of an antibiogram hang on, as printed; empty when they hang on nothing."""
    observations = report.observations
    if parent is None or not 0 <= parent < len(observations):
        return ""
    germ = observations[parent]
    return wording.result(germ) or germ.code.text or germ.code.code


def _row(o: Observation, report: Report) -> Iterator[Data]:
    """One result: none for a document that is there, which is listed at the end; one announced but missing is said."""
    if o.type is ValueType.DOCUMENT and o.document is not None:
        return
    text = "Document annoncé, non joint" if o.type is ValueType.DOCUMENT else wording.result(o)
    if o.status == "X":
        text = f"{text} – examen non réalisé" if text else "Examen non réalisé"
    kind = "value"
    if o.type is not ValueType.NUMERIC and len(text) > SHORT:
        kind = "line" if len(text) <= LINE and "\n" not in text else "block"
    row: Data = {
        "name": o.code.text.strip() or (o.alternate.text if o.alternate else "") or o.code.code,
        "indent": o.parent is not None,
        "kind": kind,
        "result": text,
        "flag": wording.flags(o.flags) if text != o.value or o.value not in o.flags else "",
        "bold": wording.alarming(o.flags),
        "corrected": o.status == "C" and report.status is not Status.CORRECTED,
        "preliminary": o.status in {"P", "R", "S"},
        "unit": o.unit.strip(),
        "range": wording.bounds(o.low, o.high, o.range_text, o.unit),
        "second": _second(o),
        "method": o.method.strip(),
        "comments": _paragraphs(o.comments),
    }
    if row["name"] or row["result"] or row["comments"]:
        yield row


def _second(o: Observation) -> Data | None:
    """The same test in its second unit."""
    if o.alt is None or not o.alt.value.strip():
        return None
    spread = wording.bounds(o.alt.low, o.alt.high, "", o.alt.unit)
    return {"result": wording.number(o.alt.value), "unit": o.alt.unit.strip(), "range": spread}


def _documents(report: Report) -> list[str]:
    """What is joined, by kind and size: names of files may hold an identity and stay out."""
    carried = [*report.documents, *(o.document for o in report.observations if o.document)]
    kinds = {"application/pdf": "document PDF", "text/xml": "document CDA", "application/xml": "document CDA"}
    return [f"{kinds.get(d.media_type, 'document joint')} ({max(1, len(d.content) // 1024)} ko)" for d in carried]


def _validation(report: Report, context: WriteContext) -> str:
    """Who validated, as the file says; else who answers for the laboratory. Never a validation nobody stated."""
    names = list(dict.fromkeys(filter(None, map(wording.person, report.validators))))
    if not names:
        names = list(dict.fromkeys(o.validated_by.strip() for o in report.observations if o.validated_by.strip()))
    if names:
        return f"Validé par {', '.join(names)}"
    if context.laboratory.neutral:
        return ""
    return f"Biologiste responsable : {_with_id(context.laboratory.biologist)}"


def _with_id(who: Practitioner) -> str:
    return f"{wording.person(who)}" + (f" (RPPS {who.id})" if who.id else "")
