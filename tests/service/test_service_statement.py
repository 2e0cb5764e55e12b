"""One batch driven through every end there is: after each step each statement's sums reconcile (issue 5, item 1)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.statement import WORDS, Statement
from dispatcher.outbox.states import State
from dispatcher.service import operate
from dispatcher.service.batch import end_batches
from dispatcher.service.renewal import Begin, plan_resend, resend
from dispatcher.service.replay import plan_replay, replay, undo
from dispatcher.service.settle_by_hand import settle_by_hand
from tests.service.bench import DURAND, Bench
from tests.service.samples import OTHER_VALUE, dsn, mdn, oru
from tests.service.test_service_send import BUSY, GONE, LOST

EVE = "operator:eve"
COUNT = 9


class Watched:
    """A bench whose batches are added up after every step."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.seen: set[str] = set()

    @contextmanager
    def step(self, name: str) -> Iterator[Bench]:
        yield self.bench
        with self.bench.real.reading() as uow:
            batches, counts = uow.batches.list(), uow.dispatches.counts()
            statements = {one.id: Statement.of(uow.dispatches.counts(batch_id=one.id), one.count) for one in batches}
        for batch, statement in statements.items():
            assert statement.reconciles, (name, batch, statement)
            self.seen |= {word for word, number in statement.words().items() if number}
        assert sum(counts.values()) == len(self.bench.dispatches()), name

    def of(self, batch_id: str) -> dict[str, int]:
        """Its statement, without what is zero."""
        with self.bench.real.reading() as uow:
            batch = uow.batches.get(batch_id)
            assert batch is not None
            told = Statement.of(uow.dispatches.counts(batch_id=batch_id), batch.count).as_json()
        return {word: number for word, number in told.items() if number}


def replayed(bench: Bench, *ids: str) -> str:
    done = replay(bench.store, bench.clock, plan_replay(bench.store, ids=ids), reason="x", actor=EVE)
    assert sorted(done.done) == sorted(ids)
    return done.batches[0]


def left(bench: Bench) -> tuple[str, dict[State, list[Dispatch]]]:
    """One batch of nine: one refused, one of unknown outcome, one put off, six accepted."""
    bench.bring(*(oru(f"R{number}", control=f"M{number}") for number in range(COUNT)))
    bench.batch()
    bench.transport.endings = [GONE, LOST, BUSY]
    bench.send()
    bench.transport.endings = []
    by_state: dict[State, list[Dispatch]] = {}
    for dispatch in bench.dispatches():
        by_state.setdefault(dispatch.state, []).append(dispatch)
    return bench.dispatches()[0].batch_id, by_state


def test_every_end_of_a_batch_adds_up(on_both: Bench) -> None:
    watched = Watched(on_both)
    with watched.step("sent") as bench:
        batch, by_state = left(bench)
    assert watched.of(batch) == {"in": 9, "sent": 6, "pending": 2, "failed": 1}
    (failed,), (unknown,), (put_off,) = (by_state[one] for one in (State.FAILED, State.UNKNOWN, State.DEFERRED))
    delivered, read, paper, closed, again, _quiet = by_state[State.SENT]
    with watched.step("notices") as bench:
        for one in (delivered, read, again):
            bench.mailbox.arrive(dsn(one.message_id, DURAND))
        bench.collect()
        bench.mailbox.arrive(mdn(read.message_id, DURAND))
        bench.collect()
    with watched.step("paper"):
        operate.to_paper(on_both.store, [paper.id], reason="x", actor=EVE)
    with watched.step("printed"):
        operate.printed(on_both.store, on_both.clock, [paper.id], actor=EVE)
    with watched.step("closed"):
        operate.close(on_both.store, [closed.id], reason="x", actor=EVE)
    with watched.step("withdrawn"):
        operate.withdraw(on_both.store, [put_off.id], reason="x", actor=EVE)
    assert watched.of(batch) == {
        "in": 9,
        "read": 1,
        "delivered": 2,
        "sent": 1,
        "pending": 1,
        "failed": 1,
        "paper": 1,
        "withdrawn": 1,
        "closed": 1,
    }
    assert watched.seen == set(WORDS)
    with watched.step("settled"):
        settle_by_hand(on_both.store, [unknown.id], arrived=False, reason="x", actor=EVE)
    with watched.step("over"):
        assert [one.id for one in end_batches(on_both.real, on_both.clock)] == [batch]
    with watched.step("replayed"):
        second = replayed(on_both, failed.id, unknown.id)
    assert (watched.of(second), watched.of(batch)["pending"]) == ({"in": 2, "pending": 2}, 2)
    with watched.step("undone"):
        undo(on_both.store, on_both.clock, second, reason="x", actor=EVE)
    assert watched.of(second) == {"in": 2, "failed": 2}
    with watched.step("replayed again"):
        third = replayed(on_both, failed.id, unknown.id)
    with watched.step("sent again"):
        on_both.transport.endings = [GONE]
        on_both.send()
        on_both.transport.endings = []
    assert watched.of(third) == {"in": 2, "sent": 1, "failed": 1}
    refused = next(one for one in on_both.dispatches() if one.state is State.FAILED)
    with watched.step("resent"):
        plan = plan_resend(on_both.desk, begin=Begin.FORMATS, ids=[again.id, refused.id])
        fourth = resend(on_both.desk, plan, reason="x", actor=EVE).batches[0]
    assert watched.of(fourth) == {"in": 2, "pending": 2}
    assert (watched.of(batch)["in"], watched.of(batch)["delivered"], watched.of(batch)["closed"]) == (9, 2, 2)
    with watched.step("corrected") as bench:
        corrections = (oru(f"R{n}", OTHER_VALUE, status="C", at="20260311100000") for n in range(COUNT))
        bench.bring(*corrections)
    assert watched.of(fourth) == {"in": 2, "withdrawn": 2}, "the newer version overtakes what waits"
    with watched.step("the corrections leave") as bench:
        bench.batch()
        bench.send()
    with watched.step("over again"):
        end_batches(on_both.real, on_both.clock)
    assert_the_journal_adds_up(on_both)


def assert_the_journal_adds_up(bench: Bench) -> None:
    """Every batch is over, and each end was told with a statement that reconciled at that moment."""
    with bench.real.reading() as uow:
        batches = uow.batches.list()
        lines = {batch.id: uow.journal.of_subject(batch.id) for batch in batches}
    assert len(batches) == 5
    assert {batch.state for batch in batches} == {"done"}
    for mine in lines.values():
        done = [line.detail for line in mine if line.event == "batch.done"]
        assert done
        for told in done:
            assert int(str(told["in"])) == sum(int(str(told[word])) for word in WORDS)
