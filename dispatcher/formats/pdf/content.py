"""What a printed report says, as plain data for a layout. Report in, JSON-ready values out.

The shape is a contract with the layouts of laboratories (``docs/mappings.md``, "Données de la mise en page"): keys are
added, never renamed or removed. The layout only places what it is given. Every text is drawable: see ``glyphs.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from itertools import groupby
from typing import Any

from dispatcher.formats.base import WriteContext
from dispatcher.formats.pdf import images, wording
from dispatcher.formats.pdf.glyphs import Glyphs
from dispatcher.formats.spoken import without_result
from dispatcher.report.model import Attachment, Battery, Observation, Practitioner, Report, Status, ValueType
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
    report = _without_withdrawn(report)
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
        "earlier": any(o.previous for o in report.observations),
        "chapters": _chapters(report, context),
        "legend": _legend(report),
        "comments": _paragraphs(report.comments),
        "text": report.text.expandtabs(8).split("\n") if report.text.strip() else [],
        "documents": _documents(report),
        "validation": _validation(report, context),
    }
    cleaned: Data = glyphs.clean_all(data)
    cleaned["images"] = [list(image) for image in _images(report)]
    return cleaned


def _without_withdrawn(report: Report) -> Report:
    """The report without the values its laboratory took back; of a cancelled report, without any."""
    cancelled = report.status is Status.CANCELLED

    def shown(o: Observation) -> Observation:
        taken_back = cancelled and (o.value.strip() or o.value_code or o.document)
        return without_result(replace(o, status="D") if taken_back else o)

    batteries = (replace(b, observations=tuple(map(shown, b.observations))) for b in report.batteries)
    return replace(report, batteries=tuple(batteries))


def banners(report: Report, context: WriteContext) -> list[str]:
    """Framed lines under the title: what kind of version this is, said before any result."""
    lines = [NEUTRAL] if context.laboratory.neutral else []
    version = f"version {context.ids.version}"
    numbered = f" ({version})" if context.ids.version > 1 else ""
    if report.status is Status.CANCELLED:
        lines.append("Compte rendu ANNULÉ : ne pas tenir compte des résultats déjà transmis.")
    elif report.status is Status.CORRECTED:
        lines.append(f"Compte rendu CORRIGÉ{numbered} : annule et remplace la version précédente.")
    elif report.status is Status.PARTIAL:
        lines.append("Compte rendu PARTIEL : des résultats sont en attente et feront l'objet d'un nouvel envoi.")
        if context.ids.replaces:
            lines.append(f"Annule et remplace la version précédente de ce compte rendu ({version}).")
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
    title, under = battery.title.strip(), battery.subchapter.strip()
    return {
        "title": "" if plain(title) == plain(chapter) else title,
        "subchapter": "" if plain(under) in (plain(chapter), plain(title)) else under,
        "sample": ", ".join(sample),
        "performer": _whole_performer(battery),
        "rows": rows,
        "comments": _paragraphs(battery.comments),
    }


def _rows(battery: Battery, report: Report) -> Iterator[Data]:
    """The results; those of an antibiogram under the name of their organism, wherever that one stands in the report."""
    opened = False
    for parent, group in groupby(battery.observations, key=lambda o: o.parent):
        rows = [row for o in group for row in _row(o, battery, report)]
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


def _row(o: Observation, battery: Battery, report: Report) -> Iterator[Data]:
    """One result: none for a document that is there, which is listed at the end; one announced but missing is said."""
    if o.document is not None and o.type is ValueType.DOCUMENT:
        if any(o.document is shown for shown in _shown(report)):
            yield _image_row(o, report)
        return
    text = "Document annoncé, non joint" if o.type is ValueType.DOCUMENT else wording.result(o)
    if o.status == "X":
        told = bool(text) and text != wording.PENDING["X"]
        text = f"{text} – examen non réalisé" if told else "Examen non réalisé"
    kind = "value"
    if o.type is not ValueType.NUMERIC and len(text) > SHORT:
        kind = "line" if len(text) <= LINE and "\n" not in text else "block"
    row = _susceptibility(o, report) or {
        "kind": kind,
        "result": text,
        "flag": wording.flags(o.flags) if text != o.value or o.value not in o.flags else "",
        "unit": o.unit.strip(),
    }
    row |= {
        "name": o.code.text.strip() or (o.alternate.text if o.alternate else "") or o.code.code,
        "indent": o.parent is not None,
        "bold": wording.alarming(o.flags),
        "corrected": o.status == "C" and report.status is not Status.CORRECTED,
        "preliminary": o.status in {"P", "R", "S"},
        "range": wording.bounds(o.low, o.high, o.range_text, o.unit),
        "second": _second(o),
        "method": _method(o),
        "performer": "" if o.performer is None or _whole_performer(battery) else wording.performer(o.performer),
        "previous": _previous(o),
        "comments": _paragraphs(o.comments),
    }
    if row["name"] or row["result"] or row["comments"]:
        yield row


def _susceptibility(o: Observation, report: Report) -> Data | None:
    """A line of an antibiogram: its category under the results, what was measured beside it."""
    category = next((flag for flag in (*o.flags, o.value) if flag in wording.CATEGORIES), "")
    if not category or not _organism(o.parent, report):
        return None
    measured = "" if o.value in wording.CATEGORIES else wording.measured(o)
    others = tuple(flag for flag in o.flags if flag not in wording.CATEGORIES)
    return {"kind": "value", "result": category, "flag": wording.flags(others), "unit": measured}


def _legend(report: Report) -> str:
    """What the letters of an antibiogram mean, when there is one."""
    lines = (o for o in report.observations if _organism(o.parent, report))
    return wording.LEGEND if any({*o.flags, o.value} & wording.CATEGORIES for o in lines) else ""


def _image_row(o: Observation, report: Report) -> Data:
    """A result that is a picture; its place in ``images``."""
    shown = _shown(report)
    place = next(number for number, document in enumerate(shown) if document is o.document)
    texts = dict.fromkeys(("result", "flag", "unit", "range", "method", "performer"), "")
    said = dict.fromkeys(("bold", "indent", "corrected", "preliminary"), False)
    return {
        **texts,
        **said,
        "kind": "image",
        "name": o.code.text.strip(),
        "image": place,
        "format": images.FORMATS[shown[place].media_type],
        "second": None,
        "previous": [],
        "comments": _paragraphs(o.comments),
    }


def _shown(report: Report) -> list[Attachment]:
    """The images that are results and are drawn, in order."""
    found = (o.document for o in report.observations if o.type is ValueType.DOCUMENT and o.document)
    return [d for d in found if d.media_type in images.FORMATS and len(d.content) <= images.LARGEST]


def _images(report: Report) -> Iterator[bytes]:
    for document in _shown(report):
        if (content := images.drawable(document.content, document.media_type)) is not None:
            yield content


def _method(o: Observation) -> str:
    """Method and reagent kit, as an accredited report names them."""
    method = o.method.strip() or (o.method_code.text.strip() if o.method_code else "")
    kit = (o.kit.text or o.kit.code).strip() if o.kit else ""
    return ", ".join(part for part in (method, kit) if part)


def _whole_performer(battery: Battery) -> str:
    """The sub-contractor of a whole battery, told once."""
    told = {wording.performer(o.performer) if o.performer else "" for o in battery.observations}
    return told.pop() if len(battery.observations) > 1 and len(told) == 1 else ""


def _previous(o: Observation) -> list[Data]:
    """Earlier results, newest first; the unit only when it is another one."""
    return [{"result": wording.earlier(one, o), "at": wording.day(one.at)} for one in o.previous if one.value.strip()]


def _second(o: Observation) -> Data | None:
    """The same test in its second unit."""
    if o.alt is None or not o.alt.value.strip():
        return None
    spread = wording.bounds(o.alt.low, o.alt.high, "", o.alt.unit)
    return {"result": wording.value(o.alt.comparator, o.alt.value), "unit": o.alt.unit.strip(), "range": spread}


def _documents(report: Report) -> list[str]:
    """What is joined, by kind and size: names of files may hold an identity and stay out."""
    shown = _shown(report)
    carried = [
        *report.documents,
        *(o.document for o in report.observations if o.document and not any(o.document is s for s in shown)),
    ]
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
