"""Passwords and keys of the ways, from their files."""

from __future__ import annotations

from pathlib import Path

from dispatcher.errors import OurFault


def read_secret(path: Path, key: str) -> str:
    """The one line of a file. Raises :class:`OurFault` naming the setting, never the content."""
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise OurFault(f"Fichier illisible : « {key} » ({path.name}).", stage="login") from error
