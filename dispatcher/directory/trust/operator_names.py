"""Names of operator certificates as the list of allowed domains writes them (``DNCertificatOperateur``).

The list's own spelling varies (blanks after commas, commas inside an organisation's name), so that neither comparing
texts nor a strict RFC 4514 parser would do. Matching follows RFC 4518 §2 as far as it matters here: letter case and
runs of blanks do not count. Order of the parts does.
"""

from __future__ import annotations

import re

_PART = re.compile(r"(?:^|,)\s*([A-Za-z][A-Za-z0-9.-]*)\s*=")
_ESCAPED = re.compile(r"\\([ ,+\"\\<>;=#])")


def operator_key(text: str) -> str:
    """``"CN = a.fr,  O=Clinique, SA"`` to ``"cn=a.fr,o=clinique\\, sa"``; text without parts comes back folded."""
    starts = list(_PART.finditer(text))
    if not starts:
        return _fold(text)
    ends = [start.start() for start in starts[1:]] + [len(text)]
    return ",".join(
        f"{start[1].lower()}={_value(text[start.end() : end])}" for start, end in zip(starts, ends, strict=True)
    )


def _value(text: str) -> str:
    return _fold(_ESCAPED.sub(r"\1", text)).replace(",", "\\,")


def _fold(text: str) -> str:
    return " ".join(text.split()).casefold()
