"""What the pretend operator keeps of every mail it accepted: the mail itself and one line of ``accepted.jsonl``.

The reply to the final dot waits until the line is on disk, so a test that counts lines counts acceptances. Lines of
mails that arrive together are forced out together (one fsync for all).
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedMail:
    """One line of ``accepted.jsonl``; ``number`` names ``mails/<number>.eml``."""

    number: int
    message_id: str
    sender: str
    recipient: str
    envid: str
    sha256: str
    size: int
    at: str
    """ISO 8601, UTC."""


@dataclass(frozen=True, slots=True)
class _Entry:
    content: bytes
    message_id: str
    sender: str
    recipient: str
    envid: str
    at: datetime
    done: Callable[[], None]


class Ledger:
    """Writes on a thread of its own. ``folder`` holds ``accepted.jsonl`` and ``mails/``."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "accepted.jsonl"
        self.mails = folder / "mails"
        self.mails.mkdir(parents=True, exist_ok=True)
        _cut_half_line(self.file)
        self._count = len(read_accepted(self.file))
        self._queue: SimpleQueue[_Entry | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="sandbox-ledger", daemon=True)
        self._thread.start()

    def add(
        self,
        content: bytes,
        *,
        message_id: str,
        sender: str,
        recipient: str,
        envid: str,
        at: datetime,
        done: Callable[[], None],
    ) -> None:
        """Keep a mail; ``done`` is called from the ledger's thread once its line is on disk."""
        self._queue.put(_Entry(content, message_id, sender, recipient, envid, at, done))

    def close(self) -> None:
        """Write what is waiting and stop."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        with self.file.open("ab") as file:
            while True:
                entries = [self._queue.get()]
                while not self._queue.empty() and len(entries) < 200:
                    entries.append(self._queue.get_nowait())
                kept = [entry for entry in entries if entry is not None]
                for entry in kept:
                    file.write(self._line(entry))
                file.flush()
                os.fsync(file.fileno())
                for entry in kept:
                    entry.done()
                if len(kept) != len(entries):
                    return

    def _line(self, entry: _Entry) -> bytes:
        self._count += 1
        (self.mails / f"{self._count}.eml").write_bytes(entry.content)
        mail = AcceptedMail(
            number=self._count,
            message_id=entry.message_id,
            sender=entry.sender,
            recipient=entry.recipient,
            envid=entry.envid,
            sha256=hashlib.sha256(entry.content).hexdigest(),
            size=len(entry.content),
            at=entry.at.isoformat(),
        )
        return json.dumps(asdict(mail), ensure_ascii=False).encode() + b"\n"


def _cut_half_line(file: Path) -> None:
    """Take away a last line a crash cut short: its mail was never answered."""
    if file.is_file():
        whole = file.read_bytes().rpartition(b"\n")
        with file.open("r+b") as opened:
            opened.truncate(len(whole[0]) + len(whole[1]))


def read_accepted(file: Path) -> tuple[AcceptedMail, ...]:
    """All lines of an ``accepted.jsonl``; a last line cut by a crash is left out."""
    if not file.is_file():
        return ()
    lines = file.read_bytes().split(b"\n")[:-1]
    return tuple(AcceptedMail(**json.loads(line)) for line in lines if line.strip())
