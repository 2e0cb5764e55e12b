"""Yes and no as the directories write them."""

from __future__ import annotations

_YES = frozenset({"o", "oui", "true", "vrai", "1", "y", "yes"})
_NO = frozenset({"n", "non", "false", "faux", "0", "no"})


def flag(text: str) -> bool | None:
    """Yes or no; None when ``text`` says neither."""
    word = text.strip().casefold()
    return True if word in _YES else False if word in _NO else None


def accepts(text: str) -> bool | None:
    """« Dématérialisation »: None when nothing is said. What cannot be read is taken for a refusal: rather paper than
    electronic mail somebody declined.
    """
    return (flag(text) or False) if text.strip() else None
