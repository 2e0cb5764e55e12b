"""Several mails in one file, as mail programs export them (RFC 4155, and the dialects that escape ``From ``)."""

from __future__ import annotations

import re

_SEPARATOR = re.compile(rb"^From (?:\S+|-) .{0,10}(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|\d).{5,60}\d{4}", re.I)
"""``From sender Tue Nov 17 09:12:44 2026``: a word, then a date with its year; a sentence that begins so has none."""
_ESCAPED = re.compile(rb"(?m)^>(>*From )")


def mails(data: bytes) -> tuple[bytes, ...]:
    """The mails of a file, in order; a file that is no mbox is one mail.

    A separator stands at the start of the file or after a blank line, and a header field follows it.
    """
    if not data.startswith(b"From "):
        return (data,)
    lines = data.splitlines(keepends=True)
    starts = [number for number, line in enumerate(lines) if line.startswith(b"From ") and _begins(lines, number)]
    if not starts or starts[0] != 0:
        return (data,)
    pieces = zip(starts, [*starts[1:], len(lines)], strict=True)
    found = (b"".join(lines[start + 1 : end]) for start, end in pieces)
    return tuple(_ESCAPED.sub(rb"\1", one) for one in found if one.strip())


def _begins(lines: list[bytes], number: int) -> bool:
    after_blank = number == 0 or not lines[number - 1].strip()
    following = lines[number + 1] if number + 1 < len(lines) else b""
    header = re.match(rb"[!-9;-~]{1,76}[ \t]*:", following) is not None
    return after_blank and header and (number == 0 or _SEPARATOR.match(lines[number]) is not None)
