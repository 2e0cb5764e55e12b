"""What the tests of the store share: where its database lives, and a way to fill it with few words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from dispatcher.clock import FrozenClock
from dispatcher.keyring.master import AesGcmCipher, NamedKey
from dispatcher.outbox.dispatch import Dispatch, ReportVersion, SourceFile
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import Cipher
from dispatcher.store.engine import SqlStore, open_store
from tests.servers.postgresql import PostgreSql

LEASE = timedelta(minutes=2)


def make_cipher() -> AesGcmCipher:
    """The real cipher with keys that are no secret."""
    return AesGcmCipher((NamedKey(id="k1", secret=bytes(range(32))), NamedKey(id="k2", secret=bytes(range(1, 33)))))


@dataclass
class Database:
    """Where a test's store lives."""

    engine: str
    url: str
    server: PostgreSql | None = None
    name: str = ""

    def open(self, cipher: Cipher, clock: FrozenClock, **options: Any) -> SqlStore:
        return open_store(self.url, cipher, clock, **options)


class Seed:
    """Puts rows into a store with as few words as possible."""

    def __init__(self, store: SqlStore, clock: FrozenClock) -> None:
        self.store, self.clock, self._count = store, clock, 0

    def file(self, **changes: Any) -> SourceFile:
        self._count += 1
        values: dict[str, Any] = {
            "id": f"F{self._count}",
            "source": "sil",
            "path": f"/entree/résultat {self._count}.hl7",
            "name": f"résultat {self._count}.hl7",
            "size": 100,
            "mtime_ns": 1_700_000_000_123_456_789,
            "sha256": f"{self._count:064x}",
            "state": FileState.RECEIVED,
            "received_at": self.clock.now() + timedelta(milliseconds=self._count),
        }
        file = SourceFile(**values | changes)
        with self.store.transaction() as uow:
            uow.files.add(file)
        return file

    def report(self, chain: str = "", version: int = 1, **changes: Any) -> ReportVersion:
        self._count += 1
        values: dict[str, Any] = {
            "id": f"C{self._count}",
            "file_id": changes.pop("file_id", None) or self.file().id,
            "position": 0,
            "chain": chain or f"chain{self._count}",
            "version": version,
            "fingerprint": f"print{self._count}",
            "document_id": f"doc{self._count}",
            "set_id": "set",
            "created_at": self.clock.now(),
        }
        report = ReportVersion(**values | changes)
        with self.store.transaction() as uow:
            uow.reports.add(report)
        return report

    def dispatch(self, state: State = State.QUEUED, **changes: Any) -> Dispatch:
        """A dispatch, with a report of its own unless ``report`` is given; each a millisecond after the last."""
        report: ReportVersion = changes.pop("report", None) or self.report(
            changes.pop("chain", ""), changes.pop("version", 1)
        )
        self._count += 1
        values: dict[str, Any] = {
            "id": f"D{self._count}",
            "report_id": report.id,
            "chain": report.chain,
            "version": report.version,
            "state": state,
            "recipient_key": "RPPS:10001234567",
            "role": "prescriber",
            "label": "Dr Hélène Œillet",
            "recipient_id": "10001234567",
            "recipient_id_type": "RPPS",
            "address": "helene.oeillet@dest.test",
            "domain": "dest.test",
            "channel": "mss",
            "message_id": f"<m{self._count}@labo.test>",
            "envid": f"env{self._count}",
            "sealed_bytes": 1000,
            "created_at": self.clock.now() + timedelta(milliseconds=self._count),
            "due_at": self.clock.now() if state is State.DEFERRED else None,
            "decision": {"trace": [{"rule": "rpps", "text": "Trouvé dans l'annuaire"}], "n": 1},
        }
        dispatch = Dispatch(**values | changes)
        with self.store.transaction() as uow:
            uow.dispatches.add(dispatch)
        return dispatch

    def claim(self, owner: str = "w1", limit: int = 10, **options: Any) -> tuple[Dispatch, ...]:
        with self.store.transaction() as uow:
            return uow.dispatches.claim(
                options.get("channel", "mss"),
                owner,
                limit,
                options.get("lease", LEASE),
                options.get("now", self.clock.now()),
            )

    def get(self, dispatch_id: str) -> Dispatch:
        with self.store.reading() as uow:
            found = uow.dispatches.get(dispatch_id)
        assert found is not None
        return found

    def events(self, subject: str) -> list[str]:
        with self.store.reading() as uow:
            return [line.event for line in uow.journal.of_subject(subject)]
