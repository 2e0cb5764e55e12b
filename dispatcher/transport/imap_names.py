"""Folder names on the wire: modified UTF-7 (RFC 3501 §5.1.3), quoted."""

from __future__ import annotations

import base64
import re


def encode(name: str) -> str:
    """``Boîte & co`` → ``Bo&AO4-te &- co``."""

    def one(match: re.Match[str]) -> str:
        coded = base64.b64encode(match[0].encode("utf-16-be")).decode("ascii").rstrip("=").replace("/", ",")
        return f"&{coded}-"

    return re.sub(r"[^\x20-\x7e]+", one, name.replace("&", "&-"))


def quote(name: str) -> str:
    """Encoded, in double quotes, ready for a command."""
    escaped = encode(name).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
