"""Mail domains in the one form they are compared in: IDNA, lower case, no dot at the end.

Routing, sealing, the directories, the settings and the list of allowed domains all use this form: two writings of one
name must not be two names for one guard and one for another.
"""

from __future__ import annotations

import re
import stringprep
import unicodedata

LABELS = r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
"""A domain of two labels or more, lower case (RFC 1035 §2.3.1; underscores are let through)."""
_LABELS = re.compile(LABELS)
_TREACHEROUS = frozenset("ßς\u200c\u200d")
"""Letters IDNA 2003 folds into others and IDNA 2008 does not: two readings, so such a name matches nothing."""


def domain_key(text: str) -> str | None:
    """``" Exemple-Santé.FR. "`` to ``"xn--exemple-sant-lbb.fr"``; ``None`` when it is no mail domain.

    Rules: RFC 3490 (ToASCII, dots of §3.1) by the standard library, RFC 1035 §2.3.1 for the labels (underscores are let
    through), one dot at the end at most (§5.1). Invisible letters, which ToASCII drops, make it no domain.
    """
    name = text.strip()
    if not name.isascii():
        if _TREACHEROUS & set(name.lower()) or any(map(_unseen, name)):
            return None
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    key = name.lower().removesuffix(".")
    return key if len(key) <= 253 and _LABELS.fullmatch(key) else None


def pattern_key(text: str) -> str:
    """A domain of the settings in that form, ``*.`` in front kept; what is no domain stays, and matches none."""
    star, name = ("*.", text[2:]) if text.startswith("*.") else ("", text)
    return star + (domain_key(name) or name.lower())


def looks_like(text: str, domain: str) -> bool:
    """``text`` is ``domain`` or below it, or a person would read it so. For guards: rather too often than too rarely.

    Told apart from :func:`domain_key`, which says what a name *is*: this one also sees through names that are none.
    """
    bare = text if text.isascii() else _seen(text)
    read = unicodedata.normalize("NFKC", bare.casefold()).replace("\u3002", ".").strip().strip(".")
    return any(name == domain or name.endswith(f".{domain}") for name in (read, domain_key(text) or ""))


def _seen(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKC", text) if not _unseen(letter))


def _unseen(letter: str) -> bool:
    """Dropped by ToASCII (RFC 3454, table B.1), or of no width."""
    return stringprep.in_table_b1(letter) or unicodedata.category(letter) == "Cf"
