"""A line on which the IMAP server tells of new mail by itself (IDLE, RFC 2177).

It is only a hint to look now: what is there is found by looking, and the look at fixed times goes on beside it.
"""

from __future__ import annotations

import imaplib
import time
from collections.abc import Callable

from dispatcher.errors import TryLater
from dispatcher.transport.imap_line import ImapLine, ImapOptions

_TAG = b"idle1"
_SLICE = 0.5
"""Seconds of one read: a stop is heard in between."""
AGAIN = 540.0
"""IDLE is ended and begun anew after so long: a server may hang up after 30 minutes (RFC 2177), a firewall sooner."""


class ImapListener(ImapLine):
    """A :class:`dispatcher.ports.Listener`. Connects when first asked, and again after a fault."""

    def __init__(self, options: ImapOptions) -> None:
        super().__init__(options)
        self._rest = b""

    def wait(self, seconds: float, stop: Callable[[], bool]) -> bool | None:
        """At most ``seconds``; True at once on a new line, which tells nothing of what came before it.

        Raises :class:`OurFault` or :class:`TryLater`; the next call connects again.
        """
        if self._line is None:
            line = self._steady(lambda connected: connected)
            self._rest = b""
            return True if "IDLE" in line.capabilities else None
        try:
            return self._idle(self._line, min(seconds, AGAIN), stop)
        except (imaplib.IMAP4.abort, OSError) as error:
            self._drop()
            raise TryLater("IMAP : connexion perdue pendant l'attente.", stage="connect") from error

    def _idle(self, line: imaplib.IMAP4, seconds: float, stop: Callable[[], bool]) -> bool:
        line.send(_TAG + b" IDLE\r\n")
        told = self._read_until(line, b"+", self._options.timeout_seconds)
        if not told[-1].startswith(b"+"):
            raise imaplib.IMAP4.abort("IDLE refused")
        deadline = time.monotonic() + seconds
        while not any(map(_tells, told)) and not stop() and time.monotonic() < deadline:
            told += self._some_lines(line)
        line.send(b"DONE\r\n")
        told += self._read_until(line, _TAG + b" ", self._options.timeout_seconds)
        return any(map(_tells, told))

    def _read_until(self, line: imaplib.IMAP4, start: bytes, seconds: float) -> list[bytes]:
        """Lines up to the one that begins so, or to the end of the command."""
        deadline, told = time.monotonic() + seconds, list[bytes]()
        while not told or not told[-1].startswith((start, _TAG + b" ")):
            if time.monotonic() > deadline:
                raise TimeoutError
            told += self._some_lines(line, one=True)
        return told

    def _some_lines(self, line: imaplib.IMAP4, *, one: bool = False) -> list[bytes]:
        """What has come, or nothing after a short while; with ``one`` its first line only.

        Read past the library: it has no way to wait for a line that may not come.
        """
        if b"\n" not in self._rest:
            line.sock.settimeout(_SLICE)
            try:
                received = line.sock.recv(4096)
            except TimeoutError:
                return []
            finally:
                line.sock.settimeout(self._options.timeout_seconds)
            if not received:
                raise imaplib.IMAP4.abort("line closed")
            self._rest += received
        *lines, rest = self._rest.split(b"\n")
        if one and lines:
            self._rest = b"\n".join([*lines[1:], rest])
            return lines[:1]
        self._rest = rest
        return lines


def _tells(line: bytes) -> bool:
    """``* 3 EXISTS``: more mails than before; a server that hangs up says ``* BYE``, and the next read fails."""
    words = line.split()
    return len(words) == 3 and words[0] == b"*" and words[2].upper() == b"EXISTS"
