"""Records a database as the present version leaves it: ``python -m tests.contract.store_releases.record``.

Run it once when a revision is released, and never again for that revision: ``test_store_schema.py`` upgrades every
recorded database and reads it. Writes ``<revision>.sqlite.sql`` and ``<revision>.postgresql.sql`` beside this file.
"""

from __future__ import annotations

import sqlite3
import subprocess
import tempfile
from pathlib import Path

from dispatcher.clock import FrozenClock
from dispatcher.outbox.dispatch import Batch
from dispatcher.outbox.pacing import per_minute
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import OppositionRow, ReceiptRow
from dispatcher.store import schema
from dispatcher.store.engine import SqlStore, open_store
from dispatcher.terminology.entries import Missing, MissingKind
from tests.contract.store_kit import Seed, make_cipher
from tests.servers.postgresql import postgresql, program

HERE = Path(__file__).parent


def fill(url: str) -> None:
    """A few rows of every kind: one mail sent, one unknown, one waiting."""
    clock = FrozenClock()
    store = open_store(url, make_cipher(), clock)
    objection = OppositionRow(id="P1", key="ab" * 32, scope="patient", kind="ins", added_at=clock.now(), actor="eve")
    with store.transaction() as uow:
        uow.oppositions.add(objection)
    seed = Seed(store, clock)
    seed.file(path="/entree/DUPONT.hl7", name="DUPONT.hl7", state=FileState.READ)
    with store.transaction() as uow:
        uow.payloads.put("F1", "original", b"MSH|^~\\&|" * 50)
        uow.payloads.put("F1", "sibling:DUPONT.pdf", b"%PDF")
        uow.files.move("F1", FileState.DONE)
        uow.files.mark_removed("F1")
    report = seed.report("chaine1", 1, file_id="F1", order_filler="LAB-1")
    seed.dispatch(report=report)
    seed.dispatch(report=report, recipient_key="RPPS:2", label="Dr Paul Durand")
    _send(seed, store)
    clock.advance(300)
    with store.transaction() as uow:
        uow.dispatches.expire_leases(clock.now())
    seed.dispatch()
    _rest(store, clock)
    store.close()


def _send(seed: Seed, store: SqlStore) -> None:
    first, second = seed.claim()
    now = seed.clock.now()
    with store.transaction() as uow:
        uow.dispatches.begin_submission(first.id, first.fence, now)
    with store.transaction() as uow:
        uow.dispatches.move(first.id, State.SENT, fence=first.fence, attempts=1, reply="250 2.0.0 accepté")
        uow.receipts.add(ReceiptRow(id="R1", dispatch_id=first.id, kind="smtp", at=now, digest="aa", status="2.0.0"))
        uow.dispatches.begin_submission(second.id, second.fence, now)


def _rest(store: SqlStore, clock: FrozenClock) -> None:
    now = clock.now()
    with store.transaction() as uow:
        uow.batches.add(Batch(id="L1", channel="mss", created_at=now, reason="tick", count=1, size=1000))
        uow.batches.join("L1", ["D5"], now)
        uow.reference.put("allowed-domains", "2026-03-01", b"<list/>", now)
        uow.pace.pause("channel:autre", None, "Mot de passe refusé")
        uow.pace.take_all([("channel:mss", per_minute(60))])
        uow.gaps.note("sil", [Missing(kind=MissingKind.CODE, code="GLU", label="Glycémie")], now)


def main() -> None:
    """Write both files."""
    revision = schema.REVISIONS[-1]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.sqlite3"
        fill(f"sqlite:///{path}")
        connection = sqlite3.connect(path)
        (HERE / f"{revision}.sqlite.sql").write_text("\n".join(connection.iterdump()) + "\n", encoding="utf-8")
        connection.close()
    with postgresql() as server:
        name = server.create()
        fill(server.url(name))
        where = ("-h", str(server.folder), "-p", str(server.port), "-U", "postgres")
        command = [program("pg_dump"), *where, "--inserts", "--no-owner", "--no-privileges", name]
        dump = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = [line for line in dump.splitlines() if line.strip() and not line.startswith(("--", "\\"))]
    (HERE / f"{revision}.postgresql.sql").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
