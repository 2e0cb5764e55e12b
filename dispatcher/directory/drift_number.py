"""How many recipients drift, as counted last: comparing takes seconds, ``status`` must not.

A small JSON file beside the snapshots, with the versions it was counted on. It holds numbers only and may be deleted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from dispatcher.errors import DirectoryError, in_french
from dispatcher.whole_file import put

FILE = "drift.json"
STALE = timedelta(hours=12)
"""Counted again after this long even when no source changed: dates pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftNumber:
    """As counted at ``at`` (aware) on ``versions``."""

    at: datetime
    recipients: int
    drifting: int
    not_comparable: int
    versions: Mapping[str, str]


def load(folder: Path) -> DriftNumber | None:
    """As kept; None when there is none or it cannot be read."""
    try:
        found = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return DriftNumber(
            at=datetime.fromisoformat(found["at"]),
            recipients=int(found["recipients"]),
            drifting=int(found["drifting"]),
            not_comparable=int(found["not_comparable"]),
            versions={str(name): str(version) for name, version in found["versions"].items()},
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def save(folder: Path, number: DriftNumber) -> None:
    """Keep it. Raises :class:`DirectoryError` when the disk does not play along."""
    try:
        put(folder / FILE, json.dumps({**asdict(number), "at": number.at.isoformat()}, ensure_ascii=False).encode())
    except OSError as error:
        raise DirectoryError(
            f"{folder / FILE} : {in_french(error)}.", hint="Vérifier la place libre et les droits du dossier."
        ) from error


def outdated(number: DriftNumber | None, versions: Mapping[str, str], now: datetime) -> bool:
    """To be counted again: never counted, other data, half a day old, or by a clock set wrong."""
    return number is None or dict(number.versions) != dict(versions) or not timedelta(0) <= now - number.at < STALE
