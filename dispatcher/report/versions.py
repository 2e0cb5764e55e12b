"""Which reports are versions of one another, which are the same, which is the older.

Report in, text or a digest out. Keys and hashing with a key are the store's: what :func:`chain_text` and
:func:`patient_text` give holds an identity and must never be written down as it is.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from datetime import UTC, date, datetime

from dispatcher.report.folding import unaccented
from dispatcher.report.model import Attachment, Battery, Observation, Report, Status, ValueType, When
from dispatcher.report.moments import aware, compare
from dispatcher.report.walking import field_names

_TRANSPORT = frozenset({"sender_file_id", "problems", "reported_at", "received_at", "source_document", "original_cda"})
"""Of a report: who carried it, in which document, when it was edited or received. The same results edited twice are one
content."""
_LEFT_OUT = frozenset({"loinc", "ucum", "raw", "address", "phone", "phones"})
"""Set by our tables, another spelling of ``value``, or of no medical meaning."""
_RANK = {Status.PARTIAL: 0, Status.FINAL: 1, Status.CORRECTED: 2, Status.CANCELLED: 3}


def plain(text: str) -> str:
    """How names and numbers are compared: capitals, no accents, letters and digits only, single blanks."""
    text = text.replace("œ", "oe").replace("Œ", "OE").replace("æ", "ae").replace("Æ", "AE").replace("ß", "ss")
    bare = unaccented(text, "NFD")
    return " ".join(re.sub(r"[\W_]+", " ", bare).upper().split())


def identity_text(birth_name: str, first_given: str, birth_date: date | None, birth_date_raw: str = "") -> str:
    """The traits a person is searched by, in one spelling; the store hashes it with its key."""
    day = birth_date.isoformat() if birth_date else plain(birth_date_raw)
    return json.dumps(["patient-1", plain(birth_name), plain(first_given), day], ensure_ascii=True)


def patient_text(report: Report) -> str:
    """:func:`identity_text` of the report's patient."""
    patient = report.patient
    return identity_text(patient.birth_name, patient.first_given, patient.birth_date, patient.birth_date_raw)


def chain_text(report: Report) -> str:
    """What all versions of one report share: laboratory, order number, patient traits.

    The laboratory's own order number wins over the requester's, both over the ``setId`` of a document. Traits are in it
    because laboratories start their numbers again: a report must never replace another patient's.

    Without any number a report replaces another one only when it is plainly the same: same moment of collection (to
    the second) or same specimens, same analyses, and for bare documents the same document. When neither moment nor
    specimen is known the whole content stands in: such a report is always a new one.
    """
    laboratory = report.laboratory.id or report.laboratory.finess or report.laboratory.name
    source = report.source_document
    number = report.order.filler.strip() or report.order.placer.strip() or (source.set_id if source else "")
    rest = [] if number else _in_place_of_a_number(report)
    return json.dumps(["chain-1", plain(laboratory), plain(number), *rest, patient_text(report)], ensure_ascii=True)


def _in_place_of_a_number(report: Report) -> list[str]:
    specimens = [battery.specimen for battery in report.batteries if battery.specimen is not None]
    numbers = sorted({plain(specimen.id) for specimen in specimens} - {""})
    times = [report.collected_at, *(b.collected_at for b in report.batteries), *(s.collected_at for s in specimens)]
    moment = next((_moment(when) for when in times if isinstance(when, datetime)), "")
    if not moment and not numbers:
        return [fingerprint(report)]
    return [moment, *numbers, *sorted(analyses(report)), *([] if results(report) else _digests(report))]


def _moment(when: When) -> str:
    return aware(when).astimezone(UTC).isoformat() if isinstance(when, datetime) else when.isoformat()


def _digests(report: Report) -> list[str]:
    inside = [o.document for o in report.observations if o.document is not None]
    return sorted({document.sha256 for document in (*report.documents, *inside)})


def results(report: Report) -> frozenset[str]:
    """The analyses a report gives results of, by code, else by label. Documents are none."""
    return frozenset(plain(o.code.code or o.code.text) for o in report.observations if o.type is not ValueType.DOCUMENT)


def analyses(report: Report) -> frozenset[str]:
    """What a report is about: its :func:`results`, and its documents by what they are called; one word for free text.
    Empty when it says nothing.
    """
    named = (
        _document(battery, observation)
        for battery in report.batteries
        for observation in battery.observations
        if observation.type is ValueType.DOCUMENT
    )
    found = results(report) | frozenset(named)
    if not found and report.documents:
        return frozenset(f"DOCUMENT {plain(d.name) or d.sha256}" for d in report.documents)
    return frozenset(found or ({"TEXT"} if report.text.strip() else ()))


def _document(battery: Battery, observation: Observation) -> str:
    """A document by its group and code, which its correction shares: most laboratories give all documents one code."""
    code = plain(observation.code.code or observation.code.text)
    if code:
        return f"DOCUMENT {plain(battery.code.code or battery.title)} {code}"
    content = observation.document
    return f"DOCUMENT {plain(content.name) or content.sha256}" if content is not None else "DOCUMENT"


def fingerprint(report: Report) -> str:
    """SHA-256 (hex) of the content: equal for the same results exported again, whatever message carried them.

    Left out: control id, problems, edition and reception time, file names of documents, addresses and telephones,
    spelling of numbers (``raw``), codes set by our tables. Documents count by their own SHA-256.
    A document that says it replaces another is a version of its own, even when nothing we read out of it has changed
    (its narrative may have): the document it replaces and its version count, its own id does not.
    """
    content = _canonical(report, skip=_TRANSPORT | _LEFT_OUT)
    source = report.source_document
    replacing = [source.replaces, source.version] if source is not None and source.replaces else []
    text = json.dumps(["report-1", content, *replacing], ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _canonical(value: object, skip: frozenset[str] = _LEFT_OUT) -> object:
    """Plain JSON values, empty ones left out, so that a new field with its default changes nothing."""
    if isinstance(value, str):
        return (str(value) if value.isascii() else unicodedata.normalize("NFC", str(value))).strip()
    if isinstance(value, tuple):
        return [_canonical(item) for item in value]
    if isinstance(value, Attachment):
        return {"media_type": value.media_type, "sha256": value.sha256}
    if names := field_names(value):
        content = {}
        for name in names:
            item = getattr(value, name)
            if name in skip or item is None or item is False or item in ("", ()):
                continue
            if (plain := _canonical(item)) not in ("", [], {}):
                content[name] = plain
        return content
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return value


def is_older(new: Report, current: Report) -> bool:
    """``new`` was edited before ``current``: it arrived late and must not replace it.

    Edition times decide; when they are equal, or one is unknown, so does the status: partial, final, corrected,
    cancelled. ``False`` when nothing tells them apart.
    """
    order = compare(new.reported_at, current.reported_at)
    return order < 0 if order else _RANK[new.status] < _RANK[current.status]
