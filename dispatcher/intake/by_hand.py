"""Files a sender names: taken as they stand. The sender vouches that they are whole, and they stay where they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dispatcher.errors import in_french
from dispatcher.formats.registry import is_message, referenced_files
from dispatcher.ports import Found, Taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What a sender named."""

    taken: tuple[Taken, ...]
    left_out: tuple[str, ...]
    """French, one sentence for each thing that is not sent."""


def gather(paths: Iterable[Path]) -> Gathered:
    """The files at ``paths``, and those standing right in the folders among them.

    A document that one of the messages announces (HPRIM Santé FIC) goes with it, not on its own; a message always goes
    on its own, whoever names it.
    """
    left_out: list[str] = []
    contents: dict[Path, bytes] = {}
    for path in (one for given in paths for one in _within(given)):
        if path.is_dir():
            left_out.append(f"{path} : sous-dossier, non parcouru. Le donner lui-même pour envoyer ce qu'il contient.")
            continue
        try:
            contents[path.resolve()] = path.read_bytes()
        except OSError as error:
            left_out.append(f"{path} : fichier illisible, {in_french(error)}. Vérifier le chemin et les droits.")
    siblings = {path: _siblings(path, content) for path, content in contents.items()}
    beside = {document for found in siblings.values() for document in found.values()}
    return Gathered(
        taken=tuple(_taken(path, contents[path], found) for path, found in siblings.items() if path not in beside),
        left_out=tuple(left_out),
    )


def _within(path: Path) -> Sequence[Path]:
    if not path.is_dir():
        return (path,)
    return sorted(one for one in path.iterdir() if not one.name.startswith("."))


def _siblings(path: Path, content: bytes) -> dict[str, Path]:
    """By the name the message uses: the document beside it, of that very name, else the only one but for case."""
    names = referenced_files(content)
    if not names:
        return {}
    there = [one for one in path.parent.iterdir() if one.is_file() and one != path]
    found: dict[str, Path] = {}
    for name in names:
        bare = Path(name.replace("\\", "/")).name
        alike = [one for one in there if one.name.casefold() == bare.casefold()]
        exact = [one for one in alike if one.name == bare]
        for one in exact or (alike if len(alike) == 1 else ()):
            if not is_message(one.read_bytes()):
                found[name] = one.resolve()
    return found


def _taken(path: Path, content: bytes, siblings: Mapping[str, Path]) -> Taken:
    found = Found(path=str(path), name=path.name, size=len(content), mtime_ns=path.stat().st_mtime_ns, whole=True)
    return Taken(
        found=found, content=content, siblings={name: beside.read_bytes() for name, beside in siblings.items()}
    )
