"""Files a sender names: taken as they stand. The sender vouches that they are whole, and they stay where they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dispatcher.errors import IntakeError, in_french
from dispatcher.formats.pdf_index.reader import sidecars
from dispatcher.formats.registry import is_index, is_message, referenced_files
from dispatcher.ports import Found, Taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What a sender named."""

    taken: tuple[Taken, ...]
    left_out: tuple[str, ...]
    """French, one sentence for each thing that is not sent."""
    beside: Mapping[str, Mapping[str, Path]] = field(default_factory=dict)
    """By path of the file: what goes with it, by the name it uses."""


def gather(paths: Iterable[Path]) -> Gathered:
    """The files at ``paths``, and those standing right in the folders among them.

    A document that one of the messages announces (HPRIM Santé FIC, index of PDFs) goes with it, not on its own; a
    message always goes on its own, whoever names it. A PDF named alone brings the index beside it along.
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
    disputed = _disputed(contents, siblings)
    siblings = {
        path: {
            name: document
            for name, document in found.items()
            if document not in disputed or not is_index(contents[path])
        }
        for path, found in siblings.items()
    }
    siblings |= {path: _index_beside(path) for path in contents if path not in beside and not siblings[path]}
    return Gathered(
        taken=tuple(_taken(path, contents[path], found) for path, found in siblings.items() if path not in beside),
        left_out=tuple(left_out),
        beside={str(path): found for path, found in siblings.items()},
    )


def beside(path: Path, content: bytes, but: Path) -> dict[str, Path]:
    """What goes with one file that is named alone, ``but`` the manifest that names it."""
    found = _siblings(path, content) or _index_beside(path)
    return {name: one for name, one in found.items() if one.resolve() != but.resolve()}


def take(path: Path, beside: Iterable[tuple[str, str]], made: Mapping[str, bytes]) -> Taken:
    """One file again, with what goes with it: on the disk, or ``made`` of what the sender said. Raises IntakeError."""
    try:
        taken = _taken(path, path.read_bytes(), {name: Path(one) for name, one in beside})
    except OSError as error:
        raise IntakeError(
            f"fichier illisible ou disparu, {in_french(error)}.", hint="Le remettre à sa place, ou vérifier les droits."
        ) from error
    return replace(taken, siblings={**taken.siblings, **made})


def _within(path: Path) -> Sequence[Path]:
    if not path.is_dir():
        return (path,)
    return sorted(one for one in path.iterdir() if not one.name.startswith("."))


def _siblings(path: Path, content: bytes) -> dict[str, Path]:
    """By the name the message uses: the document beside it, of that very name, else the only one but for case."""
    names = referenced_files(content, path.name)
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


def _disputed(contents: Mapping[Path, bytes], siblings: Mapping[Path, Mapping[str, Path]]) -> set[Path]:
    """PDFs that an index and somebody else claim: whose they are cannot be known, so no index gets them."""
    claims = Counter(document for found in siblings.values() for document in set(found.values()))
    indexed = {document for path, found in siblings.items() if is_index(contents[path]) for document in found.values()}
    return {document for document in indexed if claims[document] > 1}


def _index_beside(path: Path) -> dict[str, Path]:
    """The index of a PDF that was named alone."""
    if path.suffix.lower() != ".pdf":
        return {}
    there = (path.with_name(name) for name in sidecars(path.name))
    return {one.name: one for one in there if one.is_file()}


def _taken(path: Path, content: bytes, siblings: Mapping[str, Path]) -> Taken:
    found = Found(path=str(path), name=path.name, size=len(content), mtime_ns=path.stat().st_mtime_ns, whole=True)
    return Taken(
        found=found, content=content, siblings={name: beside.read_bytes() for name, beside in siblings.items()}
    )
