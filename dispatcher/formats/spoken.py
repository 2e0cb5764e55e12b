"""How a value reads for people: dates, earlier results, method, reagent kit, sub-contractor, results taken back.

Values of the report in, French text out; every rendition prints them the same way.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime

from dispatcher.clock import paris
from dispatcher.report.model import Observation, PreviousResult, ValueType, When

WITHDRAWN = frozenset({"D", "W"})
"""HL7 table 0085: deleted, wrong. The value that stood there must not be read as a result."""
ANNULLED = "résultat annulé"
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ISO_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?([+-][0-9]{2}:[0-9]{2}|Z)?"
)


def without_result(one: Observation) -> Observation:
    """A result taken back (:data:`WITHDRAWN`) without anything that could be read as one; any other as it is."""
    if one.status.upper() not in WITHDRAWN:
        return one
    return replace(
        one,
        status=one.status.upper(),
        type=ValueType.TEXT,
        value="",
        raw="",
        comparator="",
        value_code=None,
        unit="",
        ucum=None,
        low="",
        high="",
        range_text="",
        flags=(),
        alt=None,
        previous=(),
        document=None,
    )


def words_of(kind: ValueType, value: str) -> str:
    """A value in words: ``2026-10-01`` reads ``01/10/2026``, ``2026-11-03T07:30:00+01:00`` ``03/11/2026 à 07:30``.

    The report model keeps dates in ISO 8601 (HL7 DT, TS). Only a text that is nothing but such a date is turned.
    """
    text = value.strip()
    if kind is not ValueType.TEXT:
        return value
    try:
        if _ISO_DAY.fullmatch(text):
            return f"{date.fromisoformat(text):%d/%m/%Y}"
        if _ISO_MOMENT.fullmatch(text):
            at = datetime.fromisoformat(text)
            at = paris(at) if at.tzinfo else at
            return f"{at:%d/%m/%Y} à {at:%H:%M:%S}" if at.second else f"{at:%d/%m/%Y} à {at:%H:%M}"
    except (ValueError, OverflowError):
        return value
    return value


def comparator_of(one: Observation) -> str:
    """``<`` or ``>`` before a number: as the file gives it, else from the flag of HL7 table 0078 that says that the
    measure left the scale of the instrument. A number without it would read as a measured one."""
    if one.comparator or one.type is not ValueType.NUMERIC:
        return one.comparator
    return next((flag for flag in one.flags if flag in ("<", ">")), "")


def day(when: When) -> str:
    """``11/03/2024``."""
    return f"{paris(when) if isinstance(when, datetime) else when:%d/%m/%Y}"


def earlier_results(one: Observation) -> str:
    """``Antériorités : 1,18 le 12/01/2024 ; 6,4 mmol/L le 03/06/2023``; the unit is said when it is another one."""
    said = [_earlier(previous, one.unit) for previous in one.previous if previous.value.strip()]
    if not said:
        return ""
    return f"{'Antériorités' if len(said) > 1 else 'Antériorité'} : {' ; '.join(said)}"


def _earlier(previous: PreviousResult, unit: str) -> str:
    value = words_of(previous.type, " ".join(previous.value.split()))
    if previous.type is ValueType.NUMERIC:
        value = value.replace(".", ",")
    own = previous.unit if previous.unit != unit else ""
    dated = f"le {day(previous.at)}" if previous.at is not None else ""
    return " ".join(part for part in (previous.comparator, value, own, dated) if part)


def performed(one: Observation) -> list[str]:
    """Method, reagent kit, and who carried the test out when it is not the laboratory itself."""
    method = one.method or (one.method_code.text or one.method_code.code if one.method_code else "")
    kit = one.kit.text or one.kit.code if one.kit else ""
    by = one.performer.organisation or one.performer.label if one.performer else ""
    said = (("Méthode", method), ("Réactif", kit), ("Examen sous-traité, réalisé par", by))
    return [f"{word} : {' '.join(text.split())}" for word, text in said if text.strip()]
