"""Compares what was written into the folder, what the operator took and what the store says. Every fault is a sentence.

Nothing lost: a file is in the folder or in the store, what was in the store stays there, a file that is done has a
dispatch for each of its recipients. Nothing doubled: no Message-ID and no version of a report twice at one recipient.
In order: no recipient gets an older version after a newer one. Sums: each batch's statement and the tallies add up.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from dispatcher.outbox.statement import Statement
from dispatcher.outbox.states import FileState, State
from dispatcher.sealing.opening import open_mail
from tests.crash.feed import Version

_SERIAL = re.compile(rb"serie (\d+)\.")
LEFT = frozenset({State.SENDING, State.SENT, State.DELIVERED, State.READ, State.UNKNOWN})
MOVING = frozenset({State.READY, State.QUEUED, State.SENDING, State.DEFERRED, State.SENT})
TAKEN_IN = frozenset({FileState.RECEIVED, FileState.READ})
Found = Mapping[str, list[list[Any]]]
"""What :func:`tests.crash.looking.look` gives."""


@dataclass(frozen=True)
class Row:
    """A dispatch."""

    id: str
    report: str
    chain: str
    version: int
    state: State
    address: str
    message_id: str


@dataclass(frozen=True)
class Mail:
    """What the operator took."""

    number: int
    message_id: str
    recipient: str
    serial: int


class Operator:
    """The mails of the sandbox, opened with their recipients' keys."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._read = folder, 0
        self.mails: list[Mail] = []
        self._opened = cache(self._keys)

    def look(self) -> list[Mail]:
        """All mails so far; those that came since the last look are opened."""
        path = self._folder / "accepted.jsonl"
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        for line in lines[len(self.mails) :]:
            told = json.loads(line)
            content = (self._folder / "mails" / f"{told['number']}.eml").read_bytes()
            serial = serial_of(content, *self._opened(told["recipient"]))
            self.mails.append(Mail(told["number"], told["message_id"], told["recipient"], serial))
        return list(self.mails)

    def _keys(self, address: str) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
        pki = self._folder / "pki"
        key = load_pem_private_key((pki / "recipient-keys" / f"{address}.key").read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return key, x509.load_pem_x509_certificate((pki / "certificates" / f"{address}.pem").read_bytes())


def serial_of(content: bytes, key: rsa.RSAPrivateKey, certificate: x509.Certificate) -> int:
    """Which file a mail carries."""
    mail: Any = message_from_bytes(open_mail(content, key, certificate).entity, policy=policy.default)
    texts = []
    for part in mail.walk():
        if part.get_content_type() == "application/zip":
            with zipfile.ZipFile(io.BytesIO(part.get_content())) as archive:
                texts += [archive.read(name) for name in archive.namelist()]
        elif part.get_content_type() == "text/plain":
            texts.append(part.get_payload(decode=True))
    found = {int(number) for text in texts for number in _SERIAL.findall(text)}
    assert len(found) == 1, f"a mail of the versions {sorted(found)}"
    return found.pop()


@dataclass
class Truth:
    """Remembers what was there, so that what vanishes is seen."""

    operator: Operator
    faults: list[str] = field(default_factory=list)
    backlog: int = 0
    """Files and dispatches that the service has work with."""
    unknown: list[Row] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    files_done: int = 0
    closed: frozenset[str] = frozenset()
    """Dispatches a person closed."""
    lost = doubled = disordered = other = 0
    _files: set[str] = field(default_factory=set)
    _dispatches: set[str] = field(default_factory=set)
    _told: set[str] = field(default_factory=set)

    def fault(self, kind: str, text: str) -> None:
        """Count and keep it, once."""
        if text not in self._told:
            self._told.add(text)
            self.faults.append(f"{kind}: {text}")
            setattr(self, kind, getattr(self, kind) + 1)

    def compare(
        self, written: Sequence[Version], landed: int, here: set[str], mails: Sequence[Mail], found: Found
    ) -> None:
        """Everything that must hold at every moment.

        ``landed``, ``here``, ``mails`` and ``found`` were looked at in this order: what is missing in an earlier one
        stands in a later one. ``written`` may have grown meanwhile; the first ``landed`` were whole in the folder.
        """
        self.rows = [Row(*one[:4], State(one[4]), *one[5:]) for one in found["dispatches"]]
        self.unknown = [row for row in self.rows if row.state is State.UNKNOWN]
        self._nothing_is_lost(written[:landed], here, found)
        self._every_recipient_has_one(written, found)
        self._sums_add_up(found)
        self._nothing_is_doubled(mails)
        self._in_order(written, mails)
        self._what_left_is_known(mails)
        self.backlog = self._work(found)

    def _nothing_is_lost(self, written: Sequence[Version], here: set[str], found: Found) -> None:
        known = {digest for _id, digest, state in found["files"] if state != FileState.WAITING}
        for version in written:
            if version.sha256 not in known and version.name not in here:
                self.fault("lost", f"file {version.name} is neither in the folder nor in the store")
        ids = {row[0] for row in found["files"] if row[2] != FileState.WAITING}
        rows = {row.id for row in self.rows}
        for gone in (self._files - ids) | (self._dispatches - rows):
            self.fault("lost", f"{gone} was in the store, and is no more")
        self._files, self._dispatches = ids, rows
        for row in found["files"]:
            if row[2] == FileState.QUARANTINED:
                self.fault("other", f"file {row[0]} is in quarantine")

    def _every_recipient_has_one(self, written: Sequence[Version], found: Found) -> None:
        wanted = {version.sha256: version for version in written if not version.double_of}
        reports: dict[str, list[str]] = defaultdict(list)
        for report in found["reports"]:
            reports[report[1]].append(report[0])
        by_report: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows:
            by_report[row.report].append(row)
        done = [(one[0], wanted[one[1]]) for one in found["files"] if one[2] == FileState.DONE]
        self.files_done = len(done)
        for file_id, version in done:
            if len(reports[file_id]) != 1:
                self.fault("lost", f"{version.name} is done with {len(reports[file_id])} reports")
                continue
            mine = by_report[reports[file_id][0]]
            for address in set(version.recipients) - {row.address for row in mine}:
                self.fault("lost", f"{version.name} has no dispatch for {address}")
            for address, count in Counter(row.address for row in mine).items():
                if count > 1:
                    self.fault("doubled", f"{version.name} has {count} dispatches for {address}")

    def _sums_add_up(self, found: Found) -> None:
        batches: dict[str, tuple[int, dict[State, int]]] = {}
        for batch, incoming, state, count in found["members"]:
            states = batches.setdefault(batch, (incoming, {}))[1]
            if state is not None:
                states[State(state)] = count
        for batch, (incoming, states) in batches.items():
            if not Statement.of(states, incoming).reconciles:
                self.fault("lost", f"batch {batch}: {incoming} went in, {sum(states.values())} are found")
        counted = Counter(("dispatch", str(row.state)) for row in self.rows)
        counted.update(("file", str(row[2])) for row in found["files"])
        kept = {(kind, state): count for kind, state, count in found["tallies"]}
        if kept != dict(counted):
            self.fault("other", f"tallies {sorted(set(kept.items()) ^ set(counted.items()))}")

    def _nothing_is_doubled(self, mails: Sequence[Mail]) -> None:
        for what, count in Counter(mail.message_id for mail in mails).items():
            if count > 1:
                self.fault("doubled", f"the operator took {what} {count} times")
        for (serial, recipient), count in Counter((mail.serial, mail.recipient) for mail in mails).items():
            if count > 1:
                self.fault("doubled", f"{recipient} got the version of file {serial} {count} times")

    def _in_order(self, written: Sequence[Version], mails: Sequence[Mail]) -> None:
        newest: dict[tuple[str, str], int] = {}
        for mail in mails:
            key = (written[mail.serial - 1].order, mail.recipient)
            if mail.serial < newest.get(key, 0):
                self.fault("disordered", f"{mail.recipient} got file {mail.serial} after {newest[key]}")
            newest[key] = max(mail.serial, newest.get(key, 0))

    def _what_left_is_known(self, mails: Sequence[Mail]) -> None:
        by_message = {row.message_id: row for row in self.rows if row.message_id}
        for mail in mails:
            row = by_message.get(mail.message_id)
            if row is None:
                self.fault("lost", f"no dispatch bears {mail.message_id}, which the operator took")
            elif row.state not in LEFT:
                self.fault("other", f"{row.id} was taken by the operator and is {row.state}")

    def _work(self, found: Found) -> int:
        """What is queued behind a doubt waits for a person, not for the service."""
        doubts = {(row.chain, row.address) for row in self.unknown}
        moving = [row for row in self.rows if row.state in MOVING and (row.chain, row.address) not in doubts]
        return len(moving) + sum(row[2] in TAKEN_IN for row in found["files"])

    # ------------------------------------------------------------------------------------------ the end

    def at_the_end(self, written: Sequence[Version], mails: Sequence[Mail]) -> None:
        """Everybody has the last word on every report that concerns him, and nobody a word too much."""
        got: dict[tuple[str, str], list[int]] = defaultdict(list)
        for mail in mails:
            got[written[mail.serial - 1].order, mail.recipient].append(mail.serial)
        last: dict[tuple[str, str], Version] = {}
        for version in written:
            if not version.double_of:
                last |= {(version.order, address): version for address in version.recipients}
        for (order, address), version in last.items():
            serials = got.pop((order, address), [])
            if version.status == "X" and not serials:
                continue  # cancelled before anything left: there is nothing to tell
            if not serials or serials[-1] != version.serial:
                self.fault("lost", f"{address} has {serials} of {order}, whose last version is {version.serial}")
        for (order, address), serials in got.items():
            self.fault("other", f"{address} got {serials} of {order}, which is not for him")
        for row in self.rows:
            if row.state not in {State.READ, State.DELIVERED, State.WITHDRAWN} and row.id not in self.closed:
                self.fault("other", f"{row.id} is {row.state} at the end")
