"""What ``status`` and ``check`` say of the directories that are fetched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dispatcher.cli.output import complain, moment
from dispatcher.clock import Clock
from dispatcher.directory.at_hand import watched
from dispatcher.directory.fhir.key import read_key
from dispatcher.directory.syncing.runner import Watched
from dispatcher.directory.trust.fetching import NAME as ALLOWED_DOMAINS
from dispatcher.errors import DirectoryError
from dispatcher.ports import Store
from dispatcher.report.model import Severity
from dispatcher.service.check import Finding, bad, good, warning
from dispatcher.settings import Settings


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
        "warning": found.warning,
    }


def tell(settings: Settings, clock: Clock, store: Store | None = None) -> None:
    """Alarms on standard error; nothing when all is well."""
    warn(settings, clock, store)
    for found in watched(settings, clock, store):
        if found.alarm:
            complain(f"ALARME, {found.title} : {found.alarm}")
            if found.hint:
                complain(f"  → {found.hint}")


def warn(settings: Settings, clock: Clock, store: Store | None = None) -> None:
    """Data that grows old, before it is an alarm."""
    for found in watched(settings, clock, store):
        if found.warning:
            complain(f"{found.title} : {found.warning}")


def findings(settings: Settings, clock: Clock, store: Store | None = None) -> Iterator[Finding]:
    """One finding per source, and one for a key that cannot be used."""
    if settings.directory.fhir is not None:
        try:
            read_key(settings.directory.fhir.key_file)
        except DirectoryError as error:
            yield bad("annuaire fhir, clé", error)
    for found in watched(settings, clock, store):
        is_list = found.name == ALLOWED_DOMAINS
        subject = "liste blanche, mise à jour" if is_list else f"annuaire {found.name}"
        if is_list and not found.state.failures:
            continue  # its age is told with the list itself
        if found.alarm:
            yield Finding(subject=subject, severity=Severity.ERROR, text=found.alarm, hint=found.hint)
        elif found.as_of is None:
            yield warning(subject, "pas encore de données", f"« dispatcher directory sync {found.name} »")
        else:
            yield good(subject, f"données du {moment(found.as_of)}, limite {found.max_age_days:g} jours")
