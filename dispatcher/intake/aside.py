"""Taking a file aside before it leaves its folder, so that no writer can come between the last look and the removal.

A rename in the same folder is atomic: what stands aside can be compared at leisure with what was committed. What has
other bytes goes back, never over a newer file. What a crash leaves aside is put back by the next scan.

Several nodes may watch one folder, one at a time (a lease by name). The name of what stands aside carries the fence of
that lease: who was frozen while he held a file, and was replaced, touches nothing of his successor's; and nobody puts
back what a successor holds.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

PREFIX = ".dispatcher-aside"
"""Hidden, so that no pattern takes it for a file of the LIS."""
_NAME = re.compile(re.escape(PREFIX) + r"(?:-(\d+))?\.(.+)", re.DOTALL)
LONGEST_NAME = 255
"""Bytes (most file systems)."""


@contextlib.contextmanager
def holding(file: Path, digest: str = "", fence: int = 0) -> Iterator[Path | None]:
    """Take ``file`` aside; gives where it stands, or None when its bytes are not those of ``digest`` (SHA-256, hex).

    ``fence``: of the lease on the folder; 0 without one.

    At the end, what still stands aside goes back. A missing file is no fault: the path given then holds nothing.
    Raises OSError when the folder does not allow it.
    """
    aside = file.with_name(f"{PREFIX}-{fence}.{file.name}" if fence else f"{PREFIX}.{file.name}")
    if len(os.fsencode(aside.name)) > LONGEST_NAME:
        yield file if _same(file, digest) else None
        return
    if os.path.lexists(aside):
        raise FileExistsError("something stands aside already")
    with contextlib.suppress(FileNotFoundError):
        file.rename(aside)
    try:
        yield aside if _same(aside, digest) else None
    finally:
        if os.path.lexists(aside):
            put_back(aside)


def is_aside(name: str) -> bool:
    """A name :func:`holding` gives."""
    return _NAME.fullmatch(name) is not None


def fence_of(name: str) -> int:
    """Of a name :func:`holding` gives: whose it is; 0 when it was made without a lease."""
    match = _NAME.fullmatch(name)
    return int(match[1] or 0) if match else 0


def put_back(aside: Path) -> None:
    """Give a file its name again, or one like it when a newer file has taken it. Raises OSError."""
    match = _NAME.fullmatch(aside.name)
    target = aside.with_name(match[2] if match else aside.name)
    while not _moved(aside, target):
        target = target.with_name(f"{target.stem[:200]}.{secrets.token_hex(4)}{target.suffix}")


def _moved(aside: Path, target: Path) -> bool:
    """Rename without ever overwriting; False when the name is taken."""
    try:
        os.link(aside, target, follow_symlinks=False)
    except FileExistsError:
        if not aside.samefile(target):
            return False
    except OSError:  # a share without hard links: the next best
        if os.path.lexists(target):
            return False
        aside.rename(target)
        return True
    aside.unlink()
    return True


def _same(file: Path, digest: str) -> bool:
    if not digest:
        return True
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == digest
    except FileNotFoundError:
        return True
