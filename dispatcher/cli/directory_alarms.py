"""What ``status`` and ``check`` say of the directories that are fetched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dispatcher.cli.output import complain, moment
from dispatcher.clock import Clock
from dispatcher.directory.fhir.key import read_key
from dispatcher.directory.syncing.configured import syncs
from dispatcher.directory.syncing.runner import Watched, look
from dispatcher.errors import DirectoryError
from dispatcher.report.model import Severity
from dispatcher.service.check import Finding, bad, good, warning
from dispatcher.settings import Settings


def watched(settings: Settings, clock: Clock) -> tuple[Watched, ...]:
    """How every fetched source stands."""
    now = clock.now()
    return tuple(look(sync, now) for sync in syncs(settings, clock))


def as_json(found: Watched) -> dict[str, Any]:
    """A source for programs."""
    state = found.state
    return {
        "name": found.name,
        "as_of": found.as_of,
        "age_days": round(found.age_days, 2) if found.age_days is not None else None,
        "max_age_days": found.max_age_days,
        "running": found.running,
        "tried_at": state.tried_at,
        "succeeded_at": state.succeeded_at,
        "full_at": state.full_at,
        "failing_since": state.failing_since,
        "failures": state.failures,
        "rows": state.rows,
        "alarm": found.alarm,
        "hint": found.hint,
    }


def tell(settings: Settings, clock: Clock) -> None:
    """Alarms on standard error; nothing when all is well."""
    for found in watched(settings, clock):
        if found.alarm:
            complain(f"ALARME, {found.title} : {found.alarm}")
            if found.hint:
                complain(f"  → {found.hint}")


def findings(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """One finding per source, and one for a key that cannot be used."""
    if settings.directory.fhir is not None:
        try:
            read_key(settings.directory.fhir.key_file)
        except DirectoryError as error:
            yield bad("annuaire fhir, clé", error)
    for found in watched(settings, clock):
        subject = f"annuaire {found.name}"
        if found.alarm:
            yield Finding(subject=subject, severity=Severity.ERROR, text=found.alarm, hint=found.hint)
        elif found.as_of is None:
            yield warning(subject, "pas encore de données", f"« dispatcher directory sync {found.name} »")
        else:
            yield good(subject, f"données du {moment(found.as_of)}, limite {found.max_age_days:g} jours")
