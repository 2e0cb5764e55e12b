"""What a format has no field for, said in words: earlier results, method, reagent kit, sub-contractor.

Values of the report in, French lines out; both HPRIM formats print them.
"""

from __future__ import annotations

from datetime import datetime

from dispatcher.clock import paris
from dispatcher.report.model import Observation, PreviousResult, ValueType, When


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
    value = " ".join(previous.value.split())
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
