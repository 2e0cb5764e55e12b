"""What client and server said, line by line with its time: kept as evidence of a hand-over.

``2026-03-11T09:00:00.123Z C: MAIL FROM:<…> SIZE=1234``; ``S:`` for the server; ``*`` for a remark of ours. No address
(a patient's is his national number), no password, none of the message: nothing here names anybody but the servers.
"""

from __future__ import annotations

import hashlib
import re
import ssl
from collections.abc import Callable
from datetime import UTC, datetime

from dispatcher.transport.replies import without_addresses

_ORIGINAL = re.compile(r"ORCPT=\S+")
_PLAIN = frozenset({"EHLO", "HELO", "STARTTLS", "MAIL", "RCPT", "DATA", "RSET", "QUIT"})


def now() -> datetime:
    """The machine's time."""
    return datetime.now(UTC)


class Transcript:
    """Grows with a connection; each mail takes its own part."""

    def __init__(self, clock: Callable[[], datetime] = now) -> None:
        self._now = clock
        self._opening: list[str] = []
        self._lines: list[str] = []

    def client(self, command: str) -> None:
        """A command, without what must not be kept."""
        verb = command.partition(" ")[0].upper()
        if verb not in _PLAIN:
            command = "AUTH …" if verb == "AUTH" else "…"
        self._add("C:", _ORIGINAL.sub("ORCPT=…", without_addresses(command)))

    def server(self, code: int, text: str) -> None:
        """A reply."""
        self._add("S:", f"{code} {without_addresses(text)}".rstrip())

    def remark(self, text: str) -> None:
        """What was neither: the message itself, the lock of the line."""
        self._add("*", text)

    def tls(self, line: ssl.SSLSocket) -> None:
        """How the line is secured, and the certificate the server showed."""
        cipher = line.cipher()
        shown = line.getpeercert(binary_form=True) or b""
        self.remark(f"{line.version()} {cipher[0] if cipher else ''} certificat {hashlib.sha256(shown).hexdigest()}")

    def opened(self) -> None:
        """What was said so far belongs to every mail of this connection."""
        self._opening, self._lines = self._opening + self._lines, []

    def begin(self) -> None:
        """The next mail."""
        self._lines = []

    def text(self) -> str:
        """The opening, and the present mail."""
        return "".join(f"{line}\n" for line in (*self._opening, *self._lines))

    def _add(self, who: str, what: str) -> None:
        at = self._now().astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
        self._lines.append(f"{at}Z {who} {what}")
