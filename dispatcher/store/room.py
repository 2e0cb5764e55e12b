"""How much room is left on the disks that a full one would stop: of the configuration, and of the SQLite database."""

from __future__ import annotations

import shutil
from pathlib import Path

from dispatcher.store.copies import sqlite_file

LEAST_FREE = 1_000_000_000
"""Bytes; less is told."""


def free_bytes(url: str, folder: Path) -> int:
    """On the one of these disks that has less."""
    database = sqlite_file(url, folder)
    places = [folder] if database is None else [folder, database.parent]
    return min(shutil.disk_usage(place).free for place in places if place.is_dir())


def short_of_room(url: str, folder: Path, least: int = LEAST_FREE) -> str:
    """In French, when less than ``least`` bytes are free; empty: enough."""
    free = free_bytes(url, folder)
    return f"{free // 1_000_000} Mo libres seulement" if free < least else ""
