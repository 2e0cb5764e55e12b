"""Our own mailbox, where notices come back, as the use cases need it.

Part of ``ports``, which gives all these names on; import them from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A mail found in our mailbox."""

    uid: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """How full our own mailbox is, and what waits in it."""

    used: int
    """Bytes."""
    limit: int | None = None
    """Bytes, when the server says."""
    waiting: int = 0
    """Mails that are not settled, or that nobody understood."""
    oldest: datetime | None = None
    """When the oldest of these arrived."""


class SetAside(Protocol):
    """For a mailbox without folders: what nobody understood stays there, and is remembered not to be read again."""

    def known(self) -> frozenset[str]: ...
    def add(self, uids: Iterable[str]) -> None: ...
    def keep_only(self, uids: Iterable[str]) -> None:
        """The others are no longer in the mailbox."""


class Listener(Protocol):
    """A line to the mailbox on which the server tells of new mail by itself."""

    def wait(self, seconds: float, stop: Callable[[], bool]) -> bool | None:
        """True: look now. False: nothing new in that time. None: the server cannot tell. Raises TransportError."""

    def close(self) -> None:
        """Log out; never raises."""


class Mailbox(Protocol):
    """Our own mailbox, where notices come back."""

    def fetch(self, limit: int = 200) -> Iterator[Fetched]:
        """New mails, oldest first."""

    def settle(self, uids: Iterable[str], *, understood: bool) -> None:
        """File away, or remove where the settings say so, what was understood; set aside, never delete, what was not.

        The caller has written down what it says, with its bytes, before."""

    def fill(self) -> Fill:
        """How full it is."""

    def relieve(self, before: datetime, kept: Callable[[bytes], bool], limit: int = 200) -> int:
        """Remove what was filed as understood and arrived before then, each mail only when ``kept`` says that its bytes
        are elsewhere; gives how many."""

    def bring_back(self, since: datetime) -> int | None:
        """What was filed or set aside and arrived since then is new again: a database that came back from a backup does
        not know it. Gives how many; None: this mailbox keeps nothing that was settled."""

    def sent(self, message_ids: Iterable[str], *, since: datetime) -> frozenset[str]:
        """Those of which the account's Sent folder holds a copy, kept about ``since`` or later.

        Their presence proves that the operator took them; absence proves nothing. Empty when no such folder is set.
        """

    def close(self) -> None:
        """Log out; never raises."""
