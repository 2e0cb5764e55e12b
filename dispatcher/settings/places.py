"""Which files and folders of the settings the service writes: everything else may be closed to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from dispatcher.settings.file import Settings

FOLDERS = frozenset(
    {
        "sources.folder",  # what is taken in is removed
        "sources.archive",
        "sources.answers.folder",
        "channels.folder",
        "channels.mailbox.path",
        "directory.folder",
        "directory.certificate_state",
        "journal.anchor_folder",
    }
)
"""Folders that are written into."""
FILES = frozenset({"directory.local", "bulk.lists", "log.file", "metrics.totals"})
"""Files that are replaced: their folder is written into."""
ONLY_READ = frozenset(
    {
        *("keys.master", "keys.folder", "trust.roots", "trust.crl", "directory.certificates", "directory.issuers"),
        *("terminology.folder", "pdf.layout", "journal.timestamp_roots", "paper.addresses"),
        *("console.certificate", "console.key"),
        "alarms.syslog.path",  # a socket: connecting writes no file
        *("ca_file", "client_cert", "client_key", "password_file", "key_file", "secret_file"),
    }
)
"""By their place, or by the last word of it. A test finds a path that is in none of the three."""


def written(settings: Settings) -> tuple[Path, ...]:
    """Folders of the configuration the service writes into, each once, none below another."""
    found = {path if name in FOLDERS else path.parent for name, path in paths(settings) if name in FOLDERS | FILES}
    return tuple(sorted(one for one in found if not any(other in one.parents for other in found)))


def paths(model: BaseModel, place: str = "") -> Iterator[tuple[str, Path]]:
    """Every path that is set, with its place: names of sources, channels and servers left out."""
    for name in type(model).model_fields:
        yield from _paths(getattr(model, name), f"{place}.{name}" if place else name)


def _paths(value: Any, place: str) -> Iterator[tuple[str, Path]]:
    if isinstance(value, BaseModel):
        yield from paths(value, place)
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _paths(one, place)
    elif isinstance(value, Path):
        yield place, value
