"""Fakes of the windows, for tests of the use cases: each keeps the promises of its ``Protocol`` and can be scripted.

The store is never faked here: the use cases are proved on the real one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message

from dispatcher.clock import Clock
from dispatcher.errors import DirectoryError, IntakeError, KeyringError, NotBegun, OutcomeUnknown
from dispatcher.outbox.dispatch import Accepted
from dispatcher.ports import (
    CertificateAnswer,
    Fetched,
    Fill,
    Found,
    Mail,
    RecipientCertificate,
    Signer,
    Store,
    Taken,
    UnitOfWork,
)
from dispatcher.report.model import IdType
from dispatcher.routing.candidates import Entry, LocalEntry

OK = Accepted(reply=250, status="2.0.0", text="2.0.0 Ok: queued", dsn_requested=True)


class Killed(BaseException):
    """The process dies here: nothing catches it, nothing after it happens."""


# ------------------------------------------------------------------------------------------------ transport


@dataclass(frozen=True)
class ReplyLost:
    """The operator takes the mail, and its answer never reaches us: the line breaks, or we die."""

    error: BaseException = field(
        default_factory=lambda: OutcomeUnknown("Connexion perdue après le point final.", stage="final-dot")
    )


Ending = Accepted | BaseException | ReplyLost
Script = Callable[[Mail], Ending]


@dataclass(frozen=True)
class Handed:
    """One hand-over as the operator sees it."""

    at: datetime
    mail: Mail
    accepted: bool

    @property
    def message_id(self) -> str:
        return self.mail.message_id

    @property
    def message(self) -> Message:
        return message_from_bytes(self.mail.content)


class RecordingTransport:
    """An operator that notes every hand-over. ``endings`` are used up in order, then ``otherwise`` decides."""

    def __init__(self, clock: Clock, *endings: Ending, otherwise: Script = lambda mail: OK) -> None:
        self.clock = clock
        self.endings: list[Ending] = list(endings)
        self.otherwise = otherwise
        self.at_open: list[BaseException] = []
        """Raised by the next openings, in order."""
        self.during: Callable[[Mail], None] = lambda mail: None
        """Runs while a mail is being handed over."""
        self.reconnects: Callable[[], None] = lambda: None
        """Runs before its first command: a dead line may have to be replaced."""
        self.handed: list[Handed] = []
        self.opened = 0
        self.closed = 0
        self.aborted = 0
        self._lock = threading.Lock()

    @property
    def accepted(self) -> list[Handed]:
        """What the operator has taken, in its order."""
        return [one for one in self.handed if one.accepted]

    def open(self) -> RecordingSession:
        with self._lock:
            self.opened += 1
            error = self.at_open.pop(0) if self.at_open else None
        if error is not None:
            raise error
        return RecordingSession(self)

    def abort(self) -> None:
        """Lines of a fake wait for nobody; ``aborted`` tells that a stop asked."""
        self.aborted += 1

    def take(self, mail: Mail) -> Accepted:
        self.during(mail)
        with self._lock:
            ending = self.endings.pop(0) if self.endings else self.otherwise(mail)
            accepted = isinstance(ending, Accepted | ReplyLost)
            self.handed.append(Handed(at=self.clock.now(), mail=mail, accepted=accepted))
        if isinstance(ending, Accepted):
            return ending
        raise ending.error if isinstance(ending, ReplyLost) else ending


class RecordingSession:
    """One connection."""

    def __init__(self, transport: RecordingTransport) -> None:
        self._transport = transport
        self._open = True

    def send(self, mail: Mail, in_time: Callable[[], bool] | None = None) -> Accepted:
        assert self._open, "a closed connection was used"
        self._transport.reconnects()
        if in_time is not None and not in_time():
            raise NotBegun("Trop tard.", stage="mail")
        return self._transport.take(mail)

    def close(self) -> None:
        self._open = False
        self._transport.closed += 1


# ------------------------------------------------------------------------------------------------ mailbox


class MemoryMailbox:
    """Our own mailbox. What is settled is not fetched again; what is not settled comes back."""

    def __init__(self, *contents: bytes) -> None:
        self._mails: dict[str, bytes] = {}
        self._count = 0
        self.understood: list[str] = []
        self.aside: list[str] = []
        self.fails: BaseException | None = None
        """Raised by :meth:`settle`."""
        self.unread: BaseException | None = None
        """Raised by :meth:`fetch` and :meth:`sent`."""
        self.copies: set[str] = set()
        """Message-IDs in the Sent folder."""
        self.filled = Fill(used=0)
        self.relieved_before: datetime | None = None
        for content in contents:
            self.arrive(content)

    def arrive(self, content: bytes) -> str:
        self._count += 1
        uid = str(self._count)
        self._mails[uid] = content
        return uid

    @property
    def new(self) -> tuple[str, ...]:
        return tuple(uid for uid in self._mails if uid not in {*self.understood, *self.aside})

    def fetch(self, limit: int = 200) -> Iterator[Fetched]:
        if self.unread is not None:
            raise self.unread
        for uid in self.new[:limit]:
            yield Fetched(uid=uid, content=self._mails[uid])

    def settle(self, uids: Iterable[str], *, understood: bool) -> None:
        if self.fails is not None:
            raise self.fails
        (self.understood if understood else self.aside).extend(uids)

    def bring_back(self, since: datetime) -> int | None:
        if self.unread is not None:
            raise self.unread
        count = len(self.understood) + len(self.aside)
        self.understood.clear()
        self.aside.clear()
        return count

    def sent(self, message_ids: Iterable[str], *, since: datetime) -> frozenset[str]:
        if self.unread is not None:
            raise self.unread
        return frozenset(message_ids) & self.copies

    def fill(self) -> Fill:
        if self.unread is not None:
            raise self.unread
        return self.filled

    def relieve(self, before: datetime, kept: Callable[[bytes], bool], limit: int = 200) -> int:
        old = [uid for uid in self.understood if uid in self._mails and kept(self._mails[uid])][:limit]
        self.relieved_before = before
        for uid in old:
            del self._mails[uid]
        return len(old)

    def close(self) -> None:
        pass


# ------------------------------------------------------------------------------------------------ reference data


@dataclass
class ScriptedDirectory:
    """Directory and local table with the entries it is given. ``fault`` is raised by every look-up."""

    entries: list[Entry] = field(default_factory=list)
    lines: list[LocalEntry] = field(default_factory=list)
    fault: DirectoryError | None = None
    pairs: list[tuple[str, str]] = field(default_factory=list)
    """ADELI and RPPS of one person."""

    def versions(self) -> dict[str, str]:
        return {"mssante": "2026-03-11", "local": "essai"}

    def by_identifier(self, id_type: IdType, identifier: str) -> tuple[Entry, ...]:
        self._raise()
        return tuple(
            one
            for one in self.entries
            if (one.id_type, one.identifier) == (id_type, identifier) or one.structure_id == identifier
        )

    def people(self, id_type: IdType, identifier: str) -> tuple[Entry, ...]:
        return self.by_identifier(id_type, identifier)

    def equivalents(self, id_type: IdType, identifier: str) -> tuple[tuple[IdType, str], ...]:
        if id_type is IdType.ADELI:
            return tuple((IdType.RPPS, rpps) for adeli, rpps in self.pairs if adeli == identifier)
        return tuple((IdType.ADELI, adeli) for adeli, rpps in self.pairs if rpps == identifier)

    def by_address(self, address: str) -> tuple[Entry, ...]:
        self._raise()
        return tuple(one for one in self.entries if one.address == address)

    def local(self, source: str, code: str) -> tuple[LocalEntry, ...]:
        self._raise()
        mine = [one for one in self.lines if one.source in {"", source}]
        return tuple(one for one in mine if one.code == code) or tuple(one for one in mine if one.identifier == code)

    def search(self, text: str, limit: int = 20) -> tuple[Entry, ...]:
        self._raise()
        words = set(text.casefold().split())
        return tuple(one for one in self.entries if words & set(one.label.casefold().split()))[:limit]

    def _raise(self) -> None:
        if self.fault is not None:
            raise self.fault


@dataclass
class EverybodyAllowed:
    """A list of allowed domains that lets every domain in, except some."""

    generated: datetime | None = datetime(2026, 3, 11, 5, tzinfo=UTC)
    version: str = "2026-03-11T05:00:00Z essai"
    refused: frozenset[str] = frozenset()

    def allows(self, domain: str) -> bool:
        return domain.lower() not in self.refused


@dataclass
class KnownCertificates:
    """Recipients' certificates by address."""

    certificates: dict[str, RecipientCertificate] = field(default_factory=dict)

    def answer(self, address: str, at: datetime) -> CertificateAnswer:
        return CertificateAnswer(chosen=self.certificates.get(address.lower()))


@dataclass
class OneSigner:
    """A keyring with one key for every channel, or with a fault."""

    one: Signer | None = None

    def readers(self, channel: str) -> tuple[Signer, ...]:
        return (self.one,) if self.one is not None else ()

    def signer(self, channel: str, at: datetime) -> Signer:
        if self.one is None:
            raise KeyringError(f"Aucune clé de signature pour le canal « {channel} ».", hint="« dispatcher keys »")
        return self.one


# ------------------------------------------------------------------------------------------------ intake


class FakeSpool:
    """A source folder in memory. ``stuck``: it does not let go of files; ``gone``: it cannot be listed."""

    def __init__(self, name: str = "sil") -> None:
        self.name = name
        self.files: dict[str, Found] = {}
        self.contents: dict[str, bytes] = {}
        self.siblings: dict[str, Mapping[str, bytes]] = {}
        self.finished: list[tuple[str, tuple[str, ...]]] = []
        self.stuck: BaseException | None = None
        self.gone: IntakeError | None = None
        self._count = 0

    def drop(
        self,
        name: str,
        content: bytes,
        *,
        whole: bool = True,
        why: str = "",
        siblings: Mapping[str, bytes] | None = None,
    ) -> Found:
        self._count += 1
        path = f"/entree/{name}"
        found = Found(path=path, name=name, size=len(content), mtime_ns=self._count, whole=not why, why=why)
        self.files[path], self.contents[path], self.siblings[path] = found, content, dict(siblings or {})
        return found

    def scan(self) -> tuple[Found, ...]:
        if self.gone is not None:
            raise self.gone
        return tuple(sorted(self.files.values(), key=lambda found: found.mtime_ns))

    def take(self, found: Found) -> Taken | None:
        if self.files.get(found.path) != found:
            return None
        return Taken(found=found, content=self.contents[found.path], siblings=self.siblings[found.path])

    def finish(self, path: str, siblings: Mapping[str, str], digest: str) -> None:
        if self.stuck is not None:
            raise self.stuck
        self.finished.append((path, tuple(siblings)))
        self.files.pop(path, None)


# ------------------------------------------------------------------------------------------------ store


Faults = Callable[[int, str], BaseException | None]


class FaultyStore:
    """The real store, with a fault at chosen moments: ``at(number, "before" | "after" the commit)`` gives it, or None.

    Transactions count from 1. « Before » rolls back; « after » has written, and the caller never hears of it.
    """

    def __init__(
        self, inner: Store, at: Callable[[int, str], BaseException | None] = lambda number, when: None
    ) -> None:
        self.inner = inner
        self.at = at
        self.number = 0
        self._lock = threading.Lock()

    @contextmanager
    def transaction(self) -> Iterator[UnitOfWork]:
        with self._lock:
            self.number += 1
            number = self.number
        with self.inner.transaction() as uow:
            yield uow
            self._fault(number, "before")
        self._fault(number, "after")

    def _fault(self, number: int, when: str) -> None:
        error = self.at(number, when)
        if error is not None:
            raise error

    @contextmanager
    def reading(self) -> Iterator[UnitOfWork]:
        with self.inner.reading() as uow:
            yield uow

    def new_id(self, prefix: str) -> str:
        return self.inner.new_id(prefix)

    def close(self) -> None:
        self.inner.close()


__all__ = [
    "OK",
    "EverybodyAllowed",
    "FakeSpool",
    "FaultyStore",
    "Handed",
    "Killed",
    "KnownCertificates",
    "MemoryMailbox",
    "OneSigner",
    "RecordingTransport",
    "ReplyLost",
    "ScriptedDirectory",
]
