"""What a format has no field for, said in words: earlier results, method, reagent kit, sub-contractor, moments.

Values of the report in, French lines out; both HPRIM formats print them.
"""

from __future__ import annotations

from datetime import datetime

from dispatcher.clock import paris
from dispatcher.report.model import Observation, PreviousResult, ValueType, When


def moment(when: When) -> str:
    """``11/03/2024 à 09:30``, or the day alone."""
    return f"{paris(when):%d/%m/%Y à %H:%M}" if isinstance(when, datetime) else f"{when:%d/%m/%Y}"


def day(when: When) -> str:
    """``11/03/2024``."""
    return f"{paris(when) if isinstance(when, datetime) else when:%d/%m/%Y}"


def earlier_results(one: Observation) -> list[str]:
    """``Antériorité du 12/01/2024 : 1,18 g/L``, newest first as the file gives them."""
    return [_earlier(previous) for previous in one.previous if previous.value.strip()]


def _earlier(previous: PreviousResult) -> str:
    value = " ".join(previous.value.split())
    if previous.type is ValueType.NUMERIC:
        value = value.replace(".", ",")
    said = " ".join(part for part in (previous.comparator, value, previous.unit) if part)
    return f"Antériorité du {day(previous.at)} : {said}" if previous.at is not None else f"Antériorité : {said}"


def performed(one: Observation) -> list[str]:
    """Method, reagent kit, and who carried the test out when it is not the laboratory itself."""
    method = one.method or (one.method_code.text or one.method_code.code if one.method_code else "")
    kit = one.kit.text or one.kit.code if one.kit else ""
    by = one.performer.organisation or one.performer.label if one.performer else ""
    said = (("Méthode", method), ("Réactif", kit), ("Examen sous-traité, réalisé par", by))
    return [f"{word} : {' '.join(text.split())}" for word, text in said if text.strip()]
