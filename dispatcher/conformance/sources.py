"""Where a kit comes from: a folder (the kit, one above it, or one of its own folders) or the zip as downloaded.

Only what the rules read is taken: XSD, schematrons, value sets and small terminologies. Stylesheets, examples and
programs of the download stay where they are.
"""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from dispatcher.conformance.kit import XSD, find_kit
from dispatcher.errors import ConfigError, in_french

FOLDERS = ("infrastructure", "schematrons", "jeuxDeValeurs")
SUFFIXES = frozenset({".sch", ".xsd", ".xml", ".dtd", ".rdf", ".ent"})
TERMINOLOGIES = "schematrons/profils/terminologies/terminologie/"
MAX_TERMINOLOGY_BYTES = 1_000_000
"""A larger terminology is left out: the rules read it anew for every document, code by code (LOINC: some seconds)."""
MAX_FILES = 20_000
MAX_BYTES = 400_000_000


@dataclass(frozen=True, slots=True)
class KitFile:
    """One file of the kit: path below its root, with slashes, its size, and how to read it."""

    path: str
    size: int
    read: Callable[[], bytes]

    @property
    def left_out(self) -> bool:
        """A terminology too large to be read anew for every document."""
        return self.path.startswith(TERMINOLOGIES) and self.size > MAX_TERMINOLOGY_BYTES


@contextmanager
def opened(source: Path) -> Iterator[list[KitFile]]:
    """The files of the kit in ``source``. Raises :class:`ConfigError`: nothing there, unreadable, or too much."""
    try:
        if zipfile.is_zipfile(source):
            with zipfile.ZipFile(source) as archive:
                yield _within(_in_zip(archive, source))
        else:
            yield _within(_in_folder(_root(source)))
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        why = in_french(error) if isinstance(error, OSError) else "archive zip abîmée ou chiffrée"
        raise ConfigError(
            f"Le kit de conformité de « {source} » ne se lit pas : {why}.",
            hint="Téléchargez le kit à nouveau, ou donnez le dossier décompressé.",
        ) from error


def _root(source: Path) -> Path:
    """The root of the kit, also when one of its own folders was given."""
    if source.is_dir():
        for folder in (source, *list(source.resolve().parents)[:2]):
            if (folder / XSD).is_file():
                return folder
    return find_kit(source).root


def _in_folder(root: Path) -> Iterator[KitFile]:
    for name in FOLDERS:
        for path in sorted((root / name).rglob("*")):
            if path.suffix.lower() in SUFFIXES and path.is_file():
                yield KitFile(path.relative_to(root).as_posix(), path.stat().st_size, path.read_bytes)


def _in_zip(archive: zipfile.ZipFile, source: Path) -> Iterator[KitFile]:
    infos = {info.filename.replace("\\", "/"): info for info in archive.infolist() if not info.is_dir()}
    tops = sorted((name.removesuffix(XSD) for name in infos if f"/{name}".endswith(f"/{XSD}")), key=len)
    if not tops:
        raise ConfigError(
            f"Aucun kit de conformité de l'ANS dans « {source.name} » : le fichier {XSD} est introuvable.",
            hint="L'archive attendue contient « infrastructure », « schematrons » et « jeuxDeValeurs ».",
        )
    for name, info in sorted(infos.items()):
        path = PurePosixPath(name.removeprefix(tops[0]))
        inside = name.startswith(tops[0]) and path.parts and path.parts[0] in FOLDERS
        if not inside or path.suffix.lower() not in SUFFIXES:
            continue
        if ".." in path.parts or ":" in str(path) or stat.S_ISLNK(info.external_attr >> 16):
            raise ConfigError(
                f"L'archive « {source.name} » contient un nom de fichier dangereux : refusée.",
                hint="Téléchargez le kit à nouveau depuis le dépôt de l'ANS.",
            )
        yield KitFile(str(path), info.file_size, partial(archive.read, info))


def _within(files: Iterator[KitFile]) -> list[KitFile]:
    found, weight = [], 0
    for file in files:
        found.append(file)
        weight += 0 if file.left_out else file.size
        if len(found) > MAX_FILES or weight > MAX_BYTES:
            raise ConfigError(
                "Ce dossier est bien plus gros qu'un kit de conformité : rien n'a été copié.",
                hint="Indiquez le dossier ou l'archive du kit seul.",
            )
    return found
