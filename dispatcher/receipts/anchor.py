"""What an anchor of the journal says: a few lines of text, made to be signed and to be read without this program.

In: the last line's number and digest, the root over the lines since the anchor before (:mod:`.tree`), that anchor's
digest. Out: text; and back. Pure.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime

TITLE = "Ancre du journal de dispatcher, forme 1"
NONE = "0" * 64
"""Stands for the anchor before the first."""
_FORM = re.compile(
    rf"{TITLE}\nbase : (?P<store>[A-Z0-9]+)\nlignes : (?P<first>[1-9]\d*) - (?P<last>[1-9]\d*)\n"
    r"empreinte de la derniere ligne : (?P<head>[0-9a-f]{64})\nracine des lignes : (?P<root>[0-9a-f]{64})\n"
    r"ancre precedente : (?P<before>[0-9a-f]{64})\ndate : (?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What the laboratory signs."""

    store: str
    """Which database."""
    first: int
    last: int
    head: str
    """Digest of line ``last``: with it the whole chain up to there."""
    root: str
    """Over the digests of the lines ``first`` to ``last``."""
    before: str
    """:attr:`digest` of the anchor before, or :data:`NONE`."""
    at: datetime

    @property
    def text(self) -> str:
        """ASCII, line feeds."""
        return (
            f"{TITLE}\nbase : {self.store}\nlignes : {self.first} - {self.last}\n"
            f"empreinte de la derniere ligne : {self.head}\nracine des lignes : {self.root}\n"
            f"ancre precedente : {self.before}\ndate : {self.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}\n"
        )

    @property
    def digest(self) -> str:
        """SHA-256 of the text, hex."""
        return digest(self.text)


def digest(text: str) -> str:
    """SHA-256 of a statement's text, hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def parse(text: str) -> Statement | None:
    """The statement a text makes, or None when it is none, to the byte."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    try:
        at = datetime.strptime(match["at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    found = Statement(
        store=match["store"],
        first=int(match["first"]),
        last=int(match["last"]),
        head=match["head"],
        root=match["root"],
        before=match["before"],
        at=at,
    )
    return found if found.first <= found.last else None
