"""The password of a mailbox, from its file."""

from __future__ import annotations

from pathlib import Path

from dispatcher.errors import OurFault


def read_password(path: Path | None) -> str:
    """The one line of ``mailbox.password_file``. Raises :class:`OurFault`."""
    if path is None:
        raise OurFault("« mailbox.user » est donné sans « password_file ».", stage="login")
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise OurFault(f"Mot de passe illisible : « mailbox.password_file » ({path.name}).", stage="login") from error
