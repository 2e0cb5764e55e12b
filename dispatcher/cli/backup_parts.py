"""The laboratory's own files that go with a backup: tables, dialects, layout, roots of trust. Keys never do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dispatcher import whole_file
from dispatcher.dialects import shelf
from dispatcher.errors import StoreError
from dispatcher.settings import Settings


def files_of(wanted: Settings) -> dict[str, Path]:
    """Name in the backup, in one folder, to the file; those that are there."""
    found: dict[str, Path] = {}
    for path in dict.fromkeys(one.absolute() for one in _files(wanted) if one.is_file()):
        name = path.name if path.name not in found else f"{len(found)}-{path.name}"
        found[name] = path
    return found


def _files(wanted: Settings) -> Iterator[Path]:
    yield wanted.directory.local
    yield wanted.paper.addresses
    if wanted.terminology.folder is not None and wanted.terminology.folder.is_dir():
        yield from sorted(wanted.terminology.folder.glob("*.csv"))
    for source in wanted.sources.values():
        if source.dialect is not None and source.dialect not in shelf.names():
            yield wanted.folder / source.dialect
    if wanted.pdf.layout is not None:
        yield from sorted(one for one in wanted.pdf.layout.rglob("*") if one.is_file())
    yield wanted.trust.roots


def places_of(found: dict[str, Path], folder: Path) -> dict[str, str]:
    """As the manifest keeps them: relative to the configuration where they stand below it."""
    return {
        name: str(path.relative_to(folder) if path.is_relative_to(folder) else path) for name, path in found.items()
    }


def put_back(manifest: dict[str, Any], saved: Path, folder: Path) -> tuple[list[str], list[str]]:
    """Those that are missing go back to their place; gives them, and those that differ, which are left as they are.

    Raises :class:`StoreError` when the manifest names a place that is none.
    """
    again: list[str] = []
    differ: list[str] = []
    for name, place in dict(manifest.get("tables", {})).items():
        source, target = saved / Path(name).name, folder / str(place)
        if not Path(place).is_absolute() and not target.resolve().is_relative_to(folder.resolve()):
            raise StoreError(f"La sauvegarde nomme un lieu hors du dossier : {place}.", code="backup")
        if not source.is_file():
            continue
        if not target.exists():
            whole_file.put(target, source.read_bytes())
            again.append(str(place))
        elif target.read_bytes() != source.read_bytes():
            differ.append(str(place))
    return again, differ
