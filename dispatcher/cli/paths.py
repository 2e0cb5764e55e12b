"""Files as people name them on the command line: files, whole folders, and patterns a shell did not expand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from dispatcher.formats.registry import is_message, referenced_files


def expanded(paths: Iterable[Path]) -> list[Path]:
    """The files meant, each once: a folder stands for its visible files, a pattern for what it fits. Documents that a
    message or an index among them announces are read with it, not on their own, unless they are named themselves.

    A name behind which no file is stays as it is: whoever opens it says so.
    """
    found: list[Path] = []
    for path in paths:
        found += _without_announced(_meant(path)) or [path]
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


def _without_announced(files: list[Path]) -> list[Path]:
    contents = {file: _content(file) for file in files}
    announced = {
        file.parent / Path(name.replace("\\", "/")).name.casefold()
        for file, content in contents.items()
        for name in referenced_files(content, file.name)
    }
    return [file for file in files if file.parent / file.name.casefold() not in announced or is_message(contents[file])]


def _content(file: Path) -> bytes:
    """Nothing for a file that cannot be read: whoever opens it says so."""
    try:
        return file.read_bytes()
    except OSError:
        return b""


def sibling_of(path: Path) -> Callable[[str], bytes | None]:
    """Content of a file that stands beside ``path``, by its bare name, or None."""

    def sibling(name: str) -> bytes | None:
        beside = path.parent / Path(name.replace("\\", "/")).name
        return beside.read_bytes() if beside.is_file() else None

    return sibling
