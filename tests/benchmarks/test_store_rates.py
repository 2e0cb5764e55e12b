"""Rates of the store (run with ``pytest tests/benchmarks/test_store_rates.py -v``). Nothing here asserts a time.

One round is the whole way of ``MAILS`` mails from ``queued`` to ``sent``: claim 50, then mail by mail **one** commit
that writes the outcome of the mail before and the start of the next (ADR 0005). Beside it, in the same run and with the
same durable SQLite (WAL, ``synchronous=FULL``), the ordinary alternative: SQLAlchemy's ORM, one transaction a step.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from dispatcher.clock import SystemClock
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from dispatcher.ports import Store
from dispatcher.store.engine import SqlStore, open_store
from tests.contract.store_kit import LEASE, Seed, make_cipher
from tests.servers.postgresql import postgresql

MAILS = 400
CLAIM = 50


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="disp-"))
    yield path
    shutil.rmtree(path)


def fill(store: SqlStore) -> None:
    """``MAILS`` dispatches of one report, with a routing decision of ordinary size."""
    clock = SystemClock()
    seed = Seed(store, clock)  # type: ignore[arg-type]
    report = seed.report(store.new_id(""), 1, id=store.new_id("C"), file_id=seed.file(id=store.new_id("F")).id)
    decision = {"trace": [{"rule": "rpps", "outcome": "chosen", "text": "Trouvé dans l'annuaire national."}] * 6}
    with store.transaction() as uow:
        for number in range(MAILS):
            key = store.new_id("D")
            uow.dispatches.add(
                Dispatch(
                    id=key,
                    report_id=report.id,
                    chain=report.chain,
                    version=1,
                    state=State.QUEUED,
                    recipient_key=f"RPPS:{number}",
                    role="prescriber",
                    label="Dr Hélène Œillet",
                    address="helene.oeillet@dest.test",
                    channel="mss",
                    message_id=f"<{key}@labo.test>",
                    envid=key,
                    sealed_bytes=60_000,
                    decision=decision,
                )
            )


def send_all(store: Store) -> int:
    """As ``service/line.py`` does, without the mail server."""
    sent = 0
    while True:
        with store.transaction() as uow:
            claimed = uow.dispatches.claim("mss", "w1", CLAIM, LEASE, datetime.now(UTC))
        if not claimed:
            return sent
        before: Dispatch | None = None
        for dispatch in claimed:
            with store.transaction() as uow:
                if before is not None:
                    settle(uow, before)
                uow.dispatches.begin_submission(dispatch.id, dispatch.fence, datetime.now(UTC))
            before = dispatch
            sent += 1
        with store.transaction() as uow:
            assert before is not None
            settle(uow, before)


def settle(uow: Any, dispatch: Dispatch) -> None:
    uow.dispatches.move(
        dispatch.id,
        State.SENT,
        fence=dispatch.fence,
        attempts=dispatch.attempts + 1,
        sent_at=datetime.now(UTC),
        reply="250 2.0.0 Ok: queued as 4XyZ",
        reason="",
        due_at=None,
    )


def tell(benchmark: Any) -> None:
    """The rate, beside pytest-benchmark's seconds a round."""
    if benchmark.stats is not None:  # None with --benchmark-disable
        benchmark.extra_info["mails_per_second"] = round(MAILS / benchmark.stats.stats.median)


def measure(benchmark: Any, store: SqlStore) -> None:
    def setup() -> None:
        fill(store)

    sent = benchmark.pedantic(send_all, args=(store,), setup=setup, rounds=3, warmup_rounds=1)
    tell(benchmark)
    assert sent == MAILS
    with store.reading() as uow:
        assert uow.dispatches.counts()[State.SENT] % MAILS == 0
        assert uow.journal.verify()[1] == ""
    store.close()


@pytest.mark.benchmark(group="queued to sent")
def test_our_outbox_on_sqlite_full(benchmark: Any, folder: Path) -> None:
    measure(benchmark, open_store(f"sqlite:///{folder}/s.sqlite3", make_cipher(), SystemClock()))


@pytest.mark.benchmark(group="queued to sent")
def test_our_outbox_on_postgresql(benchmark: Any) -> None:
    with postgresql(fsync=True) as server:
        measure(benchmark, open_store(server.url(server.create()), make_cipher(), SystemClock()))


# ------------------------------------------------------------------------------------------------ the alternative


class Base(DeclarativeBase):
    pass


class Job(Base):
    __tablename__ = "job"
    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(index=True)
    owner: Mapped[str] = mapped_column(default="")
    reply: Mapped[str] = mapped_column(default="")
    begun: Mapped[datetime | None]
    sent: Mapped[datetime | None]
    payload: Mapped[str]


class Event(Base):
    __tablename__ = "event"
    id: Mapped[int] = mapped_column(primary_key=True)
    job: Mapped[int] = mapped_column(index=True)
    state: Mapped[str]


def durable(engine: Engine) -> Engine:
    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    return engine


def step(engine: Engine, state: str, wanted: Any, **changes: Any) -> int | None:
    """One step of one job in its own transaction, with its event."""
    with Session(engine) as session, session.begin():
        job = session.scalars(wanted).first()
        if job is None:
            return None
        job.state = state
        for name, value in changes.items():
            setattr(job, name, value)
        session.add(Event(job=job.id, state=state))
        return job.id


def send_all_by_orm(engine: Engine) -> int:
    sent = 0
    while True:
        oldest = select(Job).where(Job.state == "queued").order_by(Job.id).limit(1)
        job_id = step(engine, "sending", oldest, owner="w1")
        if job_id is None:
            return sent
        mine = select(Job).where(Job.id == job_id)
        step(engine, "begun", mine, begun=datetime.now(UTC))
        step(engine, "sent", mine, sent=datetime.now(UTC), reply="250 2.0.0 Ok: queued as 4XyZ")
        sent += 1


@pytest.mark.benchmark(group="queued to sent")
def test_the_orm_with_a_transaction_a_step_on_sqlite_full(benchmark: Any, folder: Path) -> None:
    engine = durable(create_engine(f"sqlite:///{folder}/orm.sqlite3"))
    Base.metadata.create_all(engine)

    def setup() -> None:
        with Session(engine) as session, session.begin():
            session.add_all(Job(state="queued", payload="x" * 500) for _ in range(MAILS))

    sent = benchmark.pedantic(send_all_by_orm, args=(engine,), setup=setup, rounds=3, warmup_rounds=1)
    tell(benchmark)
    assert sent == MAILS
    engine.dispose()
