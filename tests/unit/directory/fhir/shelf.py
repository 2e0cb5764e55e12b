"""The samples, and records as rows: what the API says in, what the directory answers out."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from dispatcher.directory.fhir.holding import Holding
from dispatcher.directory.fhir.records import in_force, record_of
from dispatcher.directory.snapshots.tables import FIELDS

SAMPLES = Path(__file__).parent / "samples"
Json = dict[str, Any]
Shown = dict[str, str | int | None]


def sample(name: str) -> Json:
    found: Json = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return found


def rows_of(resources: Iterable[Json], odd: Counter[str] | None = None) -> list[Shown]:
    """What the snapshot would hold of them, by column name, empty ones left out."""
    counted = Counter[str]() if odd is None else odd
    found = [record_of(one, counted) for one in resources if in_force(one)]
    with closing(sqlite3.connect(":memory:")) as database:
        holding = Holding(database)
        holding.put([record for record in found if record is not None])
        return [
            {name: value for name, value in zip(FIELDS, row, strict=True) if value not in {"", None}}
            for row in holding.rows()
        ]


def boxes_of(resources: Iterable[Json], odd: Counter[str] | None = None) -> list[Shown]:
    """Only rows with an address."""
    return [row for row in rows_of(resources, odd) if "address" in row]
