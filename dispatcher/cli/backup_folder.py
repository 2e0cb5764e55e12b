"""A backup on disk: a folder with database, settings, tables and ``manifest.json``; whole, or not there."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dispatcher import __version__, whole_file
from dispatcher.cli import backup_parts
from dispatcher.daemon.dump import dump
from dispatcher.errors import StoreError
from dispatcher.keyring.master import MasterKey
from dispatcher.settings import Settings
from dispatcher.store import copies

FORMAT = 1
NAME = "sauvegarde-"
MANIFEST = "manifest.json"
DATABASE = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """One backup."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def made_at(self) -> datetime:
        return datetime.fromisoformat(self.manifest["made_at"])

    @property
    def database(self) -> Path:
        return self.folder / DATABASE[self.manifest["engine"]]


def make(where: Path, settings: Settings, store_id: str, config: Path, at: datetime) -> Saved:
    """Save into a new folder of ``where``. Raises :class:`StoreError` or ``OSError``; then nothing is left behind."""
    final = where / f"{NAME}{stamp(at)}"
    folder = where / f".{final.name}.tmp"
    where.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700)
    try:
        engine, facts = _copy(settings, folder)
        tables = backup_parts.files_of(settings)
        for name, part in {**tables, config.name: config}.items():
            whole_file.put(folder / name, part.read_bytes())
        identity = MasterKey.load(settings.keys.master).keys[0].id  # its hashes recognise versions
        manifest = {
            "format": FORMAT,
            "program": __version__,
            "made_at": at.isoformat(),
            "store_id": store_id,
            "engine": engine,
            "revision": facts.revision,
            "journal": {"number": facts.number, "digest": facts.digest},
            "master_keys": sorted({identity, *facts.keys}),
            "dispatches": facts.dispatches,
            "files": facts.files,
            "tables": backup_parts.places_of(tables, settings.folder),
            "parts": {part.name: digest(part) for part in sorted(folder.iterdir())},
        }
        whole_file.put(folder / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=2).encode())
        copies.flush(folder)
        folder.rename(final)
        copies.flush(where)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Saved(folder=final, manifest=manifest)


def _copy(settings: Settings, folder: Path) -> tuple[str, copies.Facts]:
    file = copies.sqlite_file(settings.store.url, settings.folder)
    if file is not None:
        return "sqlite", copies.copy_sqlite(file, folder / DATABASE["sqlite"])
    target = folder / DATABASE["postgresql"]
    with copies.snapshot(settings.store.url) as (name, facts):
        dump(settings.store.url, target, name)
    copies.flush(target)
    return "postgresql", facts


def prune(where: Path, keep: int) -> list[Path]:
    """Remove all but the newest ``keep`` backups of ``where``; gives what went."""
    gone = [one for one in sorted(where.glob(f"{NAME}*")) if (one / MANIFEST).is_file()][:-keep]
    for one in gone:
        shutil.rmtree(one)
    return gone


def read(folder: Path) -> Saved:
    """The backup in ``folder``, or the newest of those in it, every part compared with its digest.

    Raises :class:`StoreError` with code ``backup``: none there, of a newer program, a part missing or changed.
    """
    if not (folder / MANIFEST).is_file():
        known = sorted(one for one in folder.glob(f"{NAME}*") if (one / MANIFEST).is_file())
        if not known:
            raise _refused(f"Aucune sauvegarde dans {folder}.", "Donner le dossier qui contient « manifest.json ».")
        folder = known[-1]
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        version, parts = manifest["format"], dict(manifest["parts"])
        saved = Saved(folder=folder, manifest=manifest)
        known_parts = saved.made_at is not None and saved.database.name in parts
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _refused(f"{folder / MANIFEST} est illisible.", "Prendre une autre sauvegarde.") from error
    if version != FORMAT:
        text = f"Sauvegarde de format {version} ; ce programme connaît le format {FORMAT}."
        raise _refused(text, "Installer la version du programme qui l'a faite.")
    changed = [name for name, wanted in parts.items() if digest(folder / Path(name).name) != wanted]
    if changed or not known_parts:
        text = f"Sauvegarde abîmée, empreinte différente : {', '.join(sorted(changed)) or saved.database.name}."
        raise _refused(text, "Prendre une autre sauvegarde, ou une autre copie de celle-ci.")
    return saved


def digest(path: Path) -> str:
    """SHA-256 in hex; empty when the file is not there."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stamp(at: datetime) -> str:
    """``20261122T113000123Z``, to the millisecond: names sort as time goes."""
    return at.strftime("%Y%m%dT%H%M%S%f")[:-3] + "Z"


def _refused(text: str, hint: str) -> StoreError:
    return StoreError(text, hint=hint, code="backup")
