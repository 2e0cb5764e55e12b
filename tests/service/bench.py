"""The whole engine on one bench: real store, readers, rules, writers and sealing; fakes for the other windows.

A bench can be *restarted*: parts with a memory (spools, connections) are made anew, the store and the world stay.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from dispatcher import wiring
from dispatcher.clock import FrozenClock
from dispatcher.formats.base import Writer
from dispatcher.intake.spool import FolderSpool
from dispatcher.outbox.batching import BatchRule
from dispatcher.outbox.dispatch import Dispatch, Lane, SourceFile
from dispatcher.outbox.retry import RetryPolicy
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import DispatchFilter, RecipientCertificate, Signer, Store
from dispatcher.report.model import IdType
from dispatcher.routing.candidates import LocalEntry
from dispatcher.routing.facts import ChannelPolicy, Policy
from dispatcher.routing.trust import Gate
from dispatcher.service.batch import form_batches
from dispatcher.service.channel import Channel, limit_of, shares_of
from dispatcher.service.collect import Collected, collect
from dispatcher.service.desk import Desk
from dispatcher.service.line import Sent
from dispatcher.service.look_again import look_again
from dispatcher.service.prepare import Prepared, prepare_file
from dispatcher.service.receive import Received, receive
from dispatcher.service.recover import recover
from dispatcher.service.send import send_due
from dispatcher.settings import BiologistSettings, ChannelSettings, LaboratorySettings, PaceSettings, SourceSettings
from dispatcher.store.engine import SqlStore, open_store
from tests.backlog import queue
from tests.contract.store_kit import make_cipher
from tests.fakes import (
    EverybodyAllowed,
    KnownCertificates,
    MemoryMailbox,
    OneSigner,
    RecordingTransport,
    ScriptedDirectory,
)
from tests.pki import ALICE, BOB, pki

SENDER = "resultats@labo.test"
DURAND = "pierre.durand@dest.test"
PETIT = "sophie.petit@dest.test"
PAPER = "D900"
LEASE = timedelta(minutes=2)
LABORATORY = LaboratorySettings(
    name="Laboratoire d'essai",
    finess="990000010",
    oid="1.2.250.1.999.1",
    address=["1 rue de l'Essai"],
    postcode="29000",
    town="Quimper",
    phone="+33200000000",
    biologist=BiologistSettings(rpps="10000000009", family="ESSAI", given="Camille"),
)
LINES = (
    LocalEntry(code="D001", address=DURAND, label="Dr DURAND Pierre", line=2),
    LocalEntry(code="D002", address=PETIT, label="Dr PETIT Sophie", line=3),
    LocalEntry(code="S001", address=BOB, label="Dr BOB (S/MIME)", channel="smime", line=4),
    LocalEntry(code="M001", address="cabinet@dest.test", label="Cabinet MSS", channel="mss", line=5),
    LocalEntry(code="N001", address="sans.cle@dest.test", label="Dr SANS CLE", channel="smime", line=6),
    LocalEntry(code="X001", address="ailleurs@dehors.test", label="Dr AILLEURS", channel="mss", line=7),
    LocalEntry(code=PAPER, label="Dr PAPIER", delivery="paper", line=8),
)


class Tools:
    """What is costly to make and never changes: writers, tables, an empty database to copy."""

    def __init__(self, folder: Path) -> None:
        self._closing = ExitStack()
        self.writers: Mapping[str, Writer] = wiring.writers(self._closing)
        self.terminology = wiring.terminology()
        self.laboratory = wiring.laboratory(LABORATORY)
        self.database = folder / "empty.sqlite3"
        self.first = open_store(f"sqlite:///{self.database}", make_cipher(), FrozenClock())
        self.first.close()
        self.signer = Signer(
            key=pki().alice.key,
            certificate=pki().alice.certificate,
            chain=(pki().authority.intermediate.certificate,),
            fingerprint="alice",
        )
        self.certificate = RecipientCertificate(address=BOB, certificate=pki().bob.certificate, fingerprint="bob" * 8)

    def on(self, database: Path) -> Tools:
        """The same, but that a bench begins with a copy of this database."""
        other = copy(self)
        other.database = database
        return other

    def share_statements(self, store: SqlStore) -> None:
        """SQLAlchemy compiles every statement once per engine, which is half the time of a short test."""
        for mine, theirs in ((self.first._engine, store._engine), (self.first._reader, store._reader)):
            theirs.dialect, theirs._compiled_cache = mine.dialect, mine._compiled_cache

    def close(self) -> None:
        self._closing.close()


def channel_settings(family: str = "apicrypt", **changes: Any) -> ChannelSettings:
    values: dict[str, Any] = {
        "family": family,
        "sender": SENDER if family != "smime" else ALICE,
        "host": "127.0.0.1",
        "tls": "none",
        "connections": 1,
        "conformance": "enforce",
        "pace": PaceSettings(per_minute=6000, jitter=0),
    }
    if family == "apicrypt":
        values["domains"] = ["dest.test"]
    if family == "mssante":
        values |= {"tls": "starttls", "client_cert": Path("labo.pem"), "client_key": Path("labo.key")}
    return ChannelSettings(**values | changes)


@dataclass
class Bench:
    """One installation and the world around it."""

    tools: Tools
    folder: Path
    clock: FrozenClock = field(default_factory=FrozenClock)
    directory: ScriptedDirectory = field(default_factory=lambda: ScriptedDirectory(lines=list(LINES)))
    domains: EverybodyAllowed = field(default_factory=lambda: EverybodyAllowed(refused=frozenset({"dehors.test"})))
    mailbox: MemoryMailbox = field(default_factory=MemoryMailbox)
    store: Store = field(init=False)
    """What the use cases get; a test may put a faulty one before the real one."""
    desk: Desk = field(init=False)
    owner: str = "worker-1"

    def __post_init__(self) -> None:
        self.inbox.mkdir()
        shutil.copy(self.tools.database, self.database)
        self.real: SqlStore = open_store(f"sqlite:///{self.database}", make_cipher(), self.clock)
        self.tools.share_statements(self.real)
        self.store = self.real
        self.certificates = KnownCertificates({BOB: self.tools.certificate})
        self.keyring = OneSigner(self.tools.signer)
        self.transport = RecordingTransport(self.clock)
        self.sources = {"sil": SourceSettings(folder=self.inbox, stable_seconds=1, patience_seconds=60)}
        self.channels: dict[str, Channel] = {}
        for name, family in (("pro", "apicrypt"), ("mss", "mssante"), ("smime", "smime")):
            self.set_channel(name, channel_settings(family))
        self.restart()

    @property
    def inbox(self) -> Path:
        return self.folder / "entree"

    @property
    def database(self) -> Path:
        return self.folder / "store.sqlite3"

    @property
    def channel(self) -> Channel:
        return self.channels["pro"]

    def set_channel(self, name: str, settings: ChannelSettings, retry: RetryPolicy | None = None) -> None:
        self.channels[name] = Channel(
            name=name,
            settings=settings,
            transport=self.transport,
            limit=limit_of(settings.pace),
            shares=shares_of(settings.pace),
            retry=retry or RetryPolicy(),
            batch=BatchRule(every=timedelta(minutes=5), max_count=500, max_bytes=100_000_000),
            lease=LEASE,
            gate=Gate(channel=ChannelPolicy.of(name, settings), domains=lambda: self.domains, max_age_days=30),
        )

    def set_source(self, **changes: Any) -> None:
        self.sources = {"sil": self.sources["sil"].model_copy(update=changes)}
        self.restart()

    def restart(self) -> None:
        """As after a stop: nothing is remembered but what the store and the folder hold."""
        self.channels = {
            name: replace(channel, sources=frozenset(self.sources)) for name, channel in self.channels.items()
        }
        settings = {name: channel.settings for name, channel in self.channels.items()}
        self.spools = {name: FolderSpool(name, source, self.clock) for name, source in self.sources.items()}
        self.desk = Desk(
            store=self.store,
            clock=self.clock,
            cipher=make_cipher(),
            keyring=self.keyring,
            terminology=self.tools.terminology,
            directory=self.directory,
            domains=lambda: self.domains,
            certificates=self.certificates,
            laboratory=self.tools.laboratory,
            channels=self.channels,
            sources=self.sources,
            policy=Policy(
                channels={name: ChannelPolicy.of(name, one) for name, one in settings.items()}, default_channel="pro"
            ),
            writers=dict(self.tools.writers),
            allow_test_ins=True,
        )
        for name, channel in self.channels.items():
            self.channels[name] = replace(channel, look_again=partial(look_again, self.desk))

    def reopen(self) -> None:
        """As after a stop of the process: another connection to the store, which remembers nothing either."""
        self.real.close()
        self.real = open_store(f"sqlite:///{self.database}", make_cipher(), self.clock)
        self.tools.share_statements(self.real)
        self.use(self.real)

    def use(self, store: Store) -> None:
        """Put another store in front."""
        self.store = store
        self.restart()

    def with_writer(self, name: str, writer: Writer) -> None:
        self.desk = replace(self.desk, writers={**self.desk.writers, name: writer})

    def close(self) -> None:
        self.real.close()

    # ------------------------------------------------------------------------------------------ the steps

    def drop(self, name: str, content: bytes) -> Path:
        """The LIS writes a file, in one go. Each is a little younger than the one before."""
        path = self.inbox / name
        path.write_bytes(content)
        self.clock.advance(0.001)
        moment = int(self.clock.now().timestamp() * 1e9)
        os.utime(path, ns=(moment, moment))
        return path

    def scan(self) -> Received:
        """One pass over the source folder."""
        return receive(self.spools["sil"], self.store, self.clock)

    def take(self) -> Received:
        """Two looks, far enough apart for a quiet file to be taken. Counts of the second."""
        self.scan()
        self.clock.advance(1.5)
        return self.scan()

    def claim(self, limit: int = 100, owner: str = "") -> tuple[SourceFile, ...]:
        with self.store.transaction() as uow:
            return uow.files.claim(owner or self.owner, limit, LEASE, self.clock.now())

    def prepare(self, go_on: Callable[[], bool] = lambda: True) -> list[Prepared]:
        """Prepare every received file, oldest first."""
        prepared: list[Prepared] = []
        while files := self.claim(1):
            prepared += [prepare_file(self.desk, file, go_on) for file in files]
        return prepared

    def batch(self, channel: str = "pro", why: str = "once") -> int:
        return len(form_batches(self.channels[channel], self.store, self.clock, now_whatever=why).batches)

    def send(
        self,
        channel: str = "pro",
        *,
        wait: float = 5.0,
        stop: Callable[[], bool] = lambda: False,
        lane: Lane | None = None,
    ) -> Sent:
        return send_due(self.channels[channel], self.store, self.clock, self.owner, stop, wait=wait, lane=lane)

    def collect(self) -> Collected:
        self.clock.advance(1)
        return collect("pro", self.mailbox, self.store, self.clock, self.channel.look_again)

    def recover(self) -> tuple[Dispatch, ...]:
        """Long after the leases of the dead ran out."""
        self.clock.advance(LEASE.total_seconds() + 1)
        return recover(self.store, self.clock)

    def bring(self, *contents: bytes) -> list[Prepared]:
        """Files come in, one after the other, and are prepared."""
        for content in contents:
            self.drop(f"{self._next_name()}.hl7", content)
            self.take()
        return self.prepare()

    def run(self) -> None:
        """Everything that is there, to where it waits for somebody else."""
        self.take()
        self.prepare()
        for name in self.channels:
            self.batch(name)
            self.send(name)

    def _next_name(self) -> str:
        self._names = getattr(self, "_names", 0) + 1
        return f"resultat{self._names}"

    # ------------------------------------------------------------------------------------------ looking

    def dispatches(self, **wanted: Any) -> tuple[Dispatch, ...]:
        """By version, then recipient."""
        with self.real.reading() as uow:
            found = uow.dispatches.list(DispatchFilter(limit=10_000, **wanted))
        return tuple(sorted(found, key=lambda d: (d.chain, d.version, d.recipient_id, d.address)))

    def one(self, **wanted: Any) -> Dispatch:
        (dispatch,) = self.dispatches(**wanted)
        return dispatch

    def get(self, dispatch_id: str) -> Dispatch:
        with self.real.reading() as uow:
            found = uow.dispatches.get(dispatch_id)
        assert found is not None
        return found

    def states(self, **wanted: Any) -> list[State]:
        return [dispatch.state for dispatch in self.dispatches(**wanted)]

    def files(self, *states: FileState) -> tuple[SourceFile, ...]:
        """Oldest first."""
        with self.real.reading() as uow:
            return tuple(reversed(uow.files.list(states=states, limit=10_000)))

    def file_states(self) -> list[FileState]:
        return [file.state for file in self.files()]

    def events(self, subject: str) -> list[str]:
        with self.real.reading() as uow:
            return [line.event for line in uow.journal.of_subject(subject)]

    def payload(self, owner: str, kind: str) -> bytes | None:
        with self.real.reading() as uow:
            return uow.payloads.get(owner, kind)


def local(code: str, address: str, **more: Any) -> LocalEntry:
    """A line of the laboratory's table."""
    return LocalEntry(**{"code": code, "address": address, "label": code, "line": 99, **more})


__all__ = ["DURAND", "LEASE", "PAPER", "PETIT", "SENDER", "Bench", "IdType", "Tools", "channel_settings", "local"]


@contextmanager
def backlog_of(tools: Tools, folder: Path, count: int) -> Iterator[Path]:
    """A database in a new folder under ``folder``, with so many mails queued on channel « pro »."""
    place = Path(tempfile.mkdtemp(dir=folder))
    bench = Bench(tools, place)
    queue(bench.real, count, address=DURAND, channel="pro", now=bench.clock.now())
    bench.close()
    yield bench.database
    shutil.rmtree(place)
