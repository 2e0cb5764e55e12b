"""Mail domains in the one form they are compared in: IDNA, lower case, no dot at the end."""

from __future__ import annotations

import re
import unicodedata

_LABELS = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_TREACHEROUS = frozenset("ßς\u200c\u200d")
"""Letters IDNA 2003 folds into others and IDNA 2008 does not: two readings, so such a name matches nothing."""


def domain_key(text: str) -> str | None:
    """``" Exemple-Santé.FR. "`` to ``"xn--exemple-sant-lbb.fr"``; ``None`` when it is no mail domain.

    Rules: RFC 3490 (ToASCII, dots of §3.1) by the standard library, RFC 1035 §2.3.1 for the labels (underscores are let
    through), one dot at the end at most (§5.1). Invisible letters, which ToASCII drops, make it no domain.
    """
    name = text.strip()
    if not name.isascii():
        if _TREACHEROUS & set(name.lower()) or any(unicodedata.category(letter) == "Cf" for letter in name):
            return None
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    key = name.lower().removesuffix(".")
    return key if len(key) <= 253 and _LABELS.fullmatch(key) else None
