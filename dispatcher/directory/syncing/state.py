"""What is remembered of the runs of one source: a small JSON file beside its snapshot.

It holds no data of the directory and may be deleted: the next run is then due at once. It is written in one step, so a
killed process leaves the one before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dispatcher.directory.syncing.base import SyncReport
from dispatcher.errors import DirectoryError, in_french
from dispatcher.whole_file import put


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncState:
    """Moments are aware UTC; None or empty: never."""

    known_since: datetime | None = None
    """First time the source was seen in the settings."""
    tried_at: datetime | None = None
    """Start of the last run, whatever became of it."""
    succeeded_at: datetime | None = None
    full_at: datetime | None = None
    """Last time everything was fetched."""
    as_of: datetime | None = None
    """The moment the data in service stands for."""
    version: str = ""
    rows: int = 0
    tag: str = ""
    """What the server calls the version that was fetched."""
    failing_since: datetime | None = None
    """First failure since the last success."""
    failures: int = 0
    """In a row."""
    failure: str = ""
    """The sentence of the last one (French), empty after a success."""
    hint: str = ""
    alarm_since: datetime | None = None
    """An alarm was told and not yet taken back."""
    warned_since: datetime | None = None
    """The same for the word before it: data that grows old."""

    def began(self, at: datetime) -> SyncState:
        """A run starts."""
        return replace(self, tried_at=at)

    def succeeded(self, report: SyncReport, at: datetime) -> SyncState:
        """A run ended well."""
        return replace(
            self,
            succeeded_at=at,
            full_at=at if report.full else self.full_at,
            as_of=report.as_of.astimezone(UTC),
            version=report.version,
            rows=report.rows,
            tag=report.tag,
        ).brought()

    def brought(self) -> SyncState:
        """Good data came, by a run or by hand: what failed before is over."""
        return replace(self, failing_since=None, failures=0, failure="", hint="")

    def failed(self, error: DirectoryError, at: datetime) -> SyncState:
        """A run ended badly; what is in service stays."""
        return replace(
            self,
            failing_since=self.failing_since or at,
            failures=self.failures + 1,
            failure=error.message,
            hint=error.hint,
        )


def path_of(target: Path) -> Path:
    """The state of the source whose snapshot is ``target``."""
    return target.with_name(f"{target.stem}.sync.json")


def load(target: Path) -> SyncState:
    """The state as kept; the empty one when there is none or it cannot be read (then the source is simply due)."""
    try:
        found = json.loads(path_of(target).read_text(encoding="utf-8"))
        return SyncState(**_values(found)) if isinstance(found, dict) else SyncState()
    except (OSError, ValueError, TypeError):
        return SyncState()


def _values(found: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for one in fields(SyncState):
        value = found.get(one.name)
        if value is None:
            continue
        if "datetime" in str(one.type):
            value = datetime.fromisoformat(value)
            if value.tzinfo is None:
                raise ValueError(one.name)
        elif type(value) is not type(one.default):
            raise ValueError(one.name)
        values[one.name] = value
    return values


def save(target: Path, state: SyncState) -> None:
    """Keep it. Raises :class:`DirectoryError` when the disk does not play along."""
    path = path_of(target)
    values = {
        one.name: value.isoformat() if isinstance(value := getattr(state, one.name), datetime) else value
        for one in fields(SyncState)
    }
    try:
        put(path, json.dumps(values, ensure_ascii=False, indent=1).encode())
    except OSError as error:
        raise DirectoryError(
            f"{path} : {in_french(error)}.", hint="Vérifier la place libre et les droits du dossier des annuaires."
        ) from error
