"""Takes out of a value what XML 1.0 §2.2 cannot hold: most control characters, lone surrogates, U+FFFE, U+FFFF."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any

FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def cleaned(value: Any) -> Any:
    """The same value, dataclasses and tuples walked through, forbidden characters removed from every text."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return FORBIDDEN.sub("", value)
    if isinstance(value, tuple):
        return tuple(cleaned(item) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        changes = {}
        for each in fields(value):
            old = getattr(value, each.name)
            new = cleaned(old) if each.init else old
            if new is not old and new != old:
                changes[each.name] = new
        return replace(value, **changes) if changes else value
    return value
