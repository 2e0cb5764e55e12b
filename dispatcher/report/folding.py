"""Text without accents, for comparing and searching. What is shown or sent never goes through here."""

from __future__ import annotations

import unicodedata
from typing import Literal

_LIGATURES = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L"})


def unaccented(text: str, form: Literal["NFD", "NFKD"] = "NFKD") -> str:
    """``text`` without combining marks; ``NFKD`` also undoes compatibility forms (``²`` becomes ``2``)."""
    if text.isascii():
        return text
    return "".join(char for char in unicodedata.normalize(form, text) if not unicodedata.combining(char))


def fold(text: str) -> str:
    """Lower case, no accents, ligatures opened: ``Œ`` is ``oe``, ``É`` is ``e``."""
    return unaccented(text.translate(_LIGATURES)).casefold()
