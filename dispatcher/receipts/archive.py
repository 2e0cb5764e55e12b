"""A ZIP whose every byte follows from what is in it: stored, one date, one set of rights, names in order.

Whoever makes it again from its files gets the same bytes; so a changed byte is found also where no file is.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping

DATE = (1980, 1, 1, 0, 0, 0)
BROKEN = (
    *(zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError, KeyError),
    *(OverflowError, OSError, IndexError, zlib.error),
)
"""What :mod:`zipfile` raises over a damaged archive."""


def pack(files: Mapping[str, bytes]) -> bytes:
    """The archive of ``files``, by path (ASCII)."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, DATE)
            info.create_system = 3
            info.external_attr = 0o644 << 16
            archive.writestr(info, files[name])
    return target.getvalue()


def unpack(content: bytes) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """Files that can be read, and French faults, each naming what it is about."""
    files: dict[str, bytes] = {}
    faults: list[str] = []
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for info in archive.infolist():
                try:
                    files[info.filename] = archive.read(info)
                except BROKEN:
                    faults.append(f"« {info.filename} » : abîmé ou changé dans l'archive.")
    except BROKEN as error:
        return {}, (f"L'archive ZIP elle-même est abîmée ({type(error).__name__}).",)
    if not faults and (place := _difference(content, files)) is not None:
        faults.append(f"L'archive ZIP a été changée ou refaite : octet {place}, hors du contenu des fichiers.")
    return files, tuple(faults)


def _difference(content: bytes, files: Mapping[str, bytes]) -> int | None:
    try:
        again = pack(files)
    except (*BROKEN, UnicodeError):
        return 0
    if again == content:
        return None
    pairs = enumerate(zip(content, again, strict=False))
    return next((place for place, (one, other) in pairs if one != other), min(len(content), len(again)))
