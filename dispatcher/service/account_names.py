"""How accounts are named."""

from __future__ import annotations

import re
import unicodedata

PATTERN = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}")


def folded(name: str) -> str:
    """As it is compared: « Marie.Durand » and « marie.durand » are one person."""
    return unicodedata.normalize("NFKC", name).casefold().strip()[:200]


def name_ok(name: str) -> bool:
    """Two characters at least; letters without accents, figures, full stop, hyphen, underscore, at sign."""
    return PATTERN.fullmatch(name) is not None


def totp_context(name: str) -> str:
    """What binds an enciphered second factor to its account."""
    return f"account/{name}/totp"
