"""Files named on the command line: folders are opened, what stands beside a file can be asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path


def below(paths: Iterable[Path]) -> list[Path]:
    """The files themselves, and those of each folder named (not of its sub-folders), hidden ones left out.

    A path that is not there stays in the list: whoever reads it says so.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(item for item in path.iterdir() if item.is_file() and not item.name.startswith("."))
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def sibling_of(path: Path) -> Callable[[str], bytes | None]:
    """Content of a file that stands beside ``path``, by its bare name, or None."""

    def sibling(name: str) -> bytes | None:
        beside = path.parent / Path(name.replace("\\", "/")).name
        return beside.read_bytes() if beside.is_file() else None

    return sibling
