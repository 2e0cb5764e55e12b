"""Who sits at the keyboard."""

from __future__ import annotations

import getpass


def login() -> str:
    """Name of the session."""
    return getpass.getuser()


def actor() -> str:
    """Who acts, for the journal."""
    return f"operator:{login()}"
