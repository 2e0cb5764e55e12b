"""Switches that make the pretend operator misbehave; they may be turned while mails come in."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass
class Faults:
    """All off by default. Set plain fields directly; :meth:`drop_after_dot` and :meth:`try_later` count down."""

    refuse_connections: bool = False
    """Cut every new connection before the greeting."""
    close_after: int | None = None
    """Answer 421 and hang up once a connection has handed over this many mails."""
    slow_seconds: float = 0.0
    """Wait before each reply to MAIL, RCPT and the final dot."""
    reject_certificate: bool = False
    """Tell every client « 554 5.7.1 Client host rejected » at RCPT, as an operator that does not know it."""
    offer_dsn: bool = True
    offer_pipelining: bool = True
    hold_notices: bool = False
    """Make notices, but do not deliver them yet."""
    _drop: int = 0
    _later: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def drop_after_dot(self, mails: int) -> None:
        """The next ``mails`` are accepted and kept, and the connection dropped instead of the reply."""
        with self._lock:
            self._drop = mails

    def try_later(self, mails: int) -> None:
        """The next ``mails`` are answered 451 at RCPT."""
        with self._lock:
            self._later = mails

    def take_drop(self) -> bool:
        """Whether this mail's reply is to be lost; counts down."""
        with self._lock:
            if self._drop > 0:
                self._drop -= 1
                return True
            return False

    def take_later(self) -> bool:
        """Whether this recipient is to be put off; counts down."""
        with self._lock:
            if self._later > 0:
                self._later -= 1
                return True
            return False
