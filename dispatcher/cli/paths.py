"""Files as people name them on the command line: files, whole folders, and patterns a shell did not expand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path


def expanded(paths: Iterable[Path]) -> list[Path]:
    """The files meant, each once: a folder stands for its visible files, a pattern for what it fits.

    A name behind which no file is stays as it is: whoever opens it says so.
    """
    found: list[Path] = []
    for path in paths:
        found += _meant(path) or [path]
    return list(dict.fromkeys(found))


def _meant(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
    if path.exists() or not set("*?[") & set(str(path)):
        return []
    try:
        return sorted(file for file in Path(path.anchor).glob(str(path.relative_to(path.anchor))) if file.is_file())
    except ValueError:  # no pattern after all
        return []


def sibling_of(path: Path) -> Callable[[str], bytes | None]:
    """Content of a file that stands beside ``path``, by its bare name, or None."""

    def sibling(name: str) -> bytes | None:
        beside = path.parent / Path(name.replace("\\", "/")).name
        return beside.read_bytes() if beside.is_file() else None

    return sibling
