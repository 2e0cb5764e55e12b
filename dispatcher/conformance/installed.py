"""The kit as installed: a verified copy with a manifest (where it came from, when, SHA-256 of every file).

A folder holds ``manifest.json`` and ``kit/``. It is written beside its place and put there by one rename, so that a
service that runs sees the old kit or the new one, never a mixture. Before use every file is compared with the manifest.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from lxml import etree

from dispatcher.conformance.kit import PROFILES, Kit, find_kit
from dispatcher.conformance.schematron import stylesheet
from dispatcher.conformance.sources import opened
from dispatcher.errors import ConfigError
from dispatcher.french import counted

MANIFEST = "manifest.json"
KIT = "kit"
_VALUE_SET = re.compile(r"'((?:\.\./)*[\w./\- ]+\.xml)'")
"""A value set as a rule names it, relative to the folder of the main schematron."""
_AGAIN = "Installez-le à nouveau : « dispatcher conformance install DOSSIER »."


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What was installed."""

    origin: str
    """Folder or archive it was copied from."""
    installed_at: str
    """ISO 8601, UTC."""
    volumes: tuple[str, ...]
    """Versions of the CR-BIO model, oldest first."""
    bytes: int
    sha256: str
    """Over the sorted list of files and their digests: two installations of one kit have the same."""
    left_out: tuple[str, ...] = ()
    """Terminologies of the kit not taken, for their size: the existence of their codes is not checked."""
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Path below the kit to SHA-256."""


def user_folder(environ: Mapping[str, str]) -> Path:
    """Where a kit stands that belongs to no configuration: the data folder of the user."""
    if sys.platform == "win32":
        base = Path(environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "dispatcher" / "conformance"


def install(source: Path, place: Path, now: datetime) -> Manifest:
    """Copy the kit of ``source`` to ``place``, verify it, and put it in the place of an older one.

    Raises :class:`ConfigError`: no kit in ``source``, incomplete, a rule or schema that does not read.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".conformance-", dir=place.parent) as folder:
        fresh = Path(folder) / "new"
        with opened(source) as files:
            left_out = tuple(file.path for file in files if file.left_out)
            digests = {}
            for file in files:
                if not file.left_out:
                    content = file.read()
                    digests[file.path] = hashlib.sha256(content).hexdigest()
                    _write(fresh / KIT / file.path, content)
        kit = find_kit(fresh / KIT)
        verify(kit)
        manifest = Manifest(
            origin=str(source.resolve()),
            installed_at=now.isoformat(timespec="seconds"),
            volumes=tuple(kit.volumes),
            bytes=sum((fresh / KIT / path).stat().st_size for path in digests),
            sha256=_digest(digests),
            left_out=left_out,
            files=digests,
        )
        _write(fresh / MANIFEST, json.dumps(asdict(manifest), ensure_ascii=False, indent=1).encode())
        if place.exists():
            place.rename(Path(folder) / "old")
        fresh.rename(place)
    return manifest


def verify(kit: Kit) -> None:
    """Rules with all they include, the value sets they name and the schema are there. Raises :class:`ConfigError`."""
    missing = []
    for path in (*(kit.profile(layer) for layer in PROFILES), *kit.volumes.values()):
        folders = (path.parent, path.parent.parent / "terminologie")
        for named in sorted(set(_VALUE_SET.findall(stylesheet(path)))):
            if not any((folder / named).is_file() for folder in folders):
                missing.append(f"{named}, demandé par {path.name}, absent")
    if missing:
        raise ConfigError(
            f"Le kit de conformité est incomplet : {len(missing)} jeu(x) de valeurs manquent.",
            faults=tuple(missing[:10]),
            hint="Téléchargez à nouveau le kit de test CDA de l'ANS et gardez ses dossiers tels quels.",
        )
    schema(kit)


def schema(kit: Kit) -> etree.XMLSchema:
    """The CDA schema of a kit. Raises :class:`ConfigError`."""
    try:
        return etree.XMLSchema(etree.parse(str(kit.xsd)))
    except (OSError, etree.LxmlError) as error:
        raise ConfigError("Le schéma CDA du kit de conformité ne se lit pas.", hint=_AGAIN) from error


def installed(place: Path) -> Manifest | None:
    """What is installed at ``place``, or None. Raises :class:`ConfigError` when its manifest does not read."""
    path = place / MANIFEST
    if not path.is_file():
        return None
    try:
        held: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Manifest(**{**held, "volumes": tuple(held["volumes"]), "left_out": tuple(held["left_out"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ConfigError(f"Le manifeste du kit installé ne se lit pas : {path}.", hint=_AGAIN) from error


def checked(place: Path) -> Kit:
    """The installed kit, after comparing every file with the manifest.

    Raises :class:`ConfigError`: nothing installed, a file changed, missing or added.
    """
    manifest = installed(place)
    if manifest is None:
        raise ConfigError(
            f"Aucun kit de conformité n'est installé dans « {place} ».",
            hint="« dispatcher conformance install DOSSIER » installe celui de l'ANS.",
        )
    root = place / KIT
    found = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}
    changed = [path for path, digest in manifest.files.items() if path in found and _sha256(root / path) != digest]
    faults = [f"{path} : modifié depuis l'installation" for path in changed]
    faults += [f"{path} : absent" for path in sorted(set(manifest.files) - found)]
    faults += [f"{path} : ajouté depuis l'installation" for path in sorted(found - set(manifest.files))]
    if faults:
        more = (f"… et {counted(len(faults) - 10, 'autre')}",) if len(faults) > 10 else ()
        raise ConfigError(
            "Le kit de conformité installé n'est plus celui de son manifeste.",
            faults=(*faults[:10], *more),
            hint=_AGAIN,
        )
    return find_kit(root)


def remove(place: Path) -> bool:
    """Take the installed kit away; False when there was none."""
    if not (place / MANIFEST).is_file():
        return False
    shutil.rmtree(place)
    return True


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _digest(files: Mapping[str, str]) -> str:
    lines = "".join(f"{digest}  {path}\n" for path, digest in sorted(files.items()))
    return hashlib.sha256(lines.encode()).hexdigest()
