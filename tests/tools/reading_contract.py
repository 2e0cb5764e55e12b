"""The contract of ``dispatcher read --json`` (design §9), as code: what outside checks read must have these shapes.

Further keys are allowed; a missing one, another type or another word is a breach.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

Check = Callable[[Any], bool]


def text(value: Any) -> bool:
    return isinstance(value, str)


def text_or_null(value: Any) -> bool:
    return value is None or text(value)


def truth(value: Any) -> bool:
    return isinstance(value, bool)


def count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def digest(value: Any) -> bool:
    return text(value) and bool(re.fullmatch(r"[0-9a-f]{64}", value))


def one_of(*words: str | None) -> Check:
    return lambda value: value in words


def list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def moment_or_null(value: Any) -> bool:
    """ISO 8601: a day, or a moment with its offset."""
    if value is None:
        return True
    if not text(value):
        return False
    try:
        return bool(date.fromisoformat(value)) if len(value) == 10 else datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def day_or_null(value: Any) -> bool:
    return value is None or (text(value) and len(value) == 10 and moment_or_null(value))


def shape(keys: dict[str, Check], *, nullable: bool = False) -> Check:
    def holds(value: Any) -> bool:
        return (nullable and value is None) or (isinstance(value, dict) and not list(_breaches(value, keys, "")))

    return holds


PROBLEM: dict[str, Check] = {
    "code": text,
    "severity": one_of("error", "warning", "info"),
    "where": text,
    "message": text,
}
PERSON: dict[str, Check] = {
    "id": text,
    "id_type": one_of("RPPS", "ADELI", "FINESS", "SIRET", "local"),
    "family": text,
    "given": text,
    "organisation": text,
}
PATIENT: dict[str, Check] = {
    "birth_name": text,
    "used_name": text,
    "first_given": text,
    "given_names": list_of(text),
    "birth_date": day_or_null,
    "sex": one_of("F", "M", "U"),
    "ins": shape({"matricule": text, "oid": text, "qualified": truth}, nullable=True),
    "local_ids": list_of(shape({"value": text, "authority": text, "type": text})),
}
ALT: dict[str, Check] = {"value": text, "unit": text, "ucum": text_or_null, "low": text, "high": text}
OBSERVATION: dict[str, Check] = {
    **dict.fromkeys(("code", "system", "text", "value", "raw", "unit", "low", "high", "range_text", "status"), text),
    **dict.fromkeys(("group", "specimen", "sub_id"), text),
    "loinc": text_or_null,
    "ucum": text_or_null,
    "type": one_of("numeric", "text", "coded", "document"),
    "comparator": one_of("<", ">", "<=", ">=", None),
    "flags": list_of(text),
    "comments": list_of(text),
    "parent": lambda value: value is None or count(value),
    "alt": shape(ALT, nullable=True),
}
REPORT: dict[str, Check] = {
    "status": one_of("final", "partial", "corrected", "cancelled"),
    "kind": one_of("structured", "document"),
    "order": shape({"placer": text, "filler": text}),
    "reported_at": moment_or_null,
    "collected_at": moment_or_null,
    "patient": shape(PATIENT),
    "prescriber": shape(PERSON, nullable=True),
    "copies": list_of(shape(PERSON)),
    "recipients": list_of(text),
    "addressee": shape({"id": text, "label": text}, nullable=True),
    "observations": list_of(shape(OBSERVATION)),
    "comments": list_of(text),
    "documents": list_of(shape({"media_type": text, "bytes": count, "sha256": digest})),
    "problems": list_of(shape(PROBLEM)),
}
FILE: dict[str, Check] = {
    "path": text,
    "sha256": lambda value: value == "" or digest(value),
    "format": one_of("hl7v2-oru", "hl7v2-mdm", "hprim-sante", "hprim-medecins", "cda", "pdf", "unknown"),
    "encoding": text,
    "problems": list_of(shape(PROBLEM)),
    "reports": list_of(lambda value: isinstance(value, dict)),
}


def breaches(answer: dict[str, Any]) -> list[str]:
    """What one entry of ``files`` does against the contract, with its place; empty when it holds."""
    found = list(_breaches(answer, FILE, ""))
    for rank, report in enumerate(answer.get("reports", [])):
        found += _breaches(report, REPORT, f"reports.{rank}.")
        results = report.get("observations", [])
        for place, result in enumerate(results):
            found += _breaches(result, OBSERVATION, f"reports.{rank}.observations.{place}.")
            parent = result.get("parent")
            if parent is not None and (parent == place or not 0 <= parent < len(results)):
                found.append(f"reports.{rank}.observations.{place}.parent: {parent}")
            number = re.fullmatch(r"[-+]?[0-9]+(\.[0-9]+)?", result.get("value", ""))
            if result.get("type") == "numeric" and result.get("value") and number is None:
                found.append(f"reports.{rank}.observations.{place}.value: not a number with a point")
    return found


def _breaches(value: dict[str, Any], keys: dict[str, Check], where: str) -> Iterator[str]:
    for key, check in keys.items():
        if key not in value:
            yield f"{where}{key}: missing"
        elif not check(value[key]):
            yield f"{where}{key}: {type(value[key]).__name__} {str(value[key])[:60]}"
