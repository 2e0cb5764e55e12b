"""Each rung once, whoever else climbs at the same moment; what comes between the look and the rung stops it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from dispatcher.receipts.ladder import LadderRules, Rung, Step
from dispatcher.service import climb as climbing
from dispatcher.service.acknowledge import acknowledge
from dispatcher.service.climb import climb
from dispatcher.store.engine import SqlStore, open_store
from tests.backlog import queue
from tests.contract.store_kit import make_cipher
from tests.service.bench import DURAND, Bench
from tests.service.samples import mdn
from tests.service.test_service_ladder import hear, look, rules, sent, steps
from tests.unit.receipts.test_ladder import STEPS

MAILS = 300
PAPER = Step(rung=Rung.PAPER, wait=timedelta(hours=1))
CALL = Step(rung=Rung.PERSON, wait=timedelta(hours=1), whom="Dr Garde")


@pytest.fixture
def other(on_both: Bench) -> Iterator[SqlStore]:
    """A second node on the same store."""
    url = on_both.real._engine.url.render_as_string(hide_password=False)
    store = open_store(url, make_cipher(), on_both.clock)
    yield store
    store.close()


def both_climb(bench: Bench, other: SqlStore, wanted: LadderRules, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two passes at once, which have looked at the same first page before either climbs."""
    real, meet, met = climbing._ask, threading.Barrier(2, timeout=60), threading.local()
    faults: list[BaseException] = []

    def ask(state: climbing._Pass, found: Sequence[Dispatch]) -> None:
        real(state, found)
        if not getattr(met, "once", False):
            met.once = True
            meet.wait()

    def run(store: SqlStore) -> None:
        try:
            climb(replace(bench.desk, store=store), wanted)
        except BaseException as error:
            faults.append(error)

    bench.clock.advance(3 * 24 * 3600)
    hear(bench)
    with monkeypatch.context() as patch:
        patch.setattr(climbing, "_ask", ask)
        threads = [threading.Thread(target=run, args=(store,)) for store in (bench.real, other)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert faults == []


def test_two_nodes_at_once_climb_each_rung_once(
    on_both: Bench, other: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, wanted = on_both, rules(STEPS[0], PAPER, CALL, every=0.01)
    ids = [f"D{number:05}" for number in range(MAILS)]
    queue(bench.real, MAILS, address=DURAND, channel="pro", now=bench.clock.now())
    with bench.real.transaction() as uow:
        for one in ids:
            uow.dispatches.move(one, State.UNKNOWN)
            uow.dispatches.move(one, State.SENT)
    look(bench, wanted)
    for _ in range(3):
        both_climb(bench, other, wanted, monkeypatch)
    with bench.real.reading() as uow:
        climbed = Counter(tuple(row.rung for row in uow.ladder.steps(one)) for one in ids)
        told = Counter(line.event for one in ids for line in uow.journal.of_subject(one))
        digests = {row.digest for one in ids for row in uow.ladder.steps(one) if row.digest}
        last = uow.ladder.last_digest()
    assert climbed == {("remind", "paper", "person"): MAILS}
    rungs = ("dispatch.reminded", "dispatch.paper", "dispatch.person-called")
    assert [told[event] for event in rungs] == [MAILS] * 3
    assert len(digests) == 1 and last is not None and last.count == MAILS, "told once, and rightly"


@pytest.mark.parametrize("step", [STEPS[0], PAPER, CALL], ids=lambda step: str(step.rung))
def test_a_receipt_between_the_look_and_the_rung_stops_it(
    on_both: Bench, step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, one = on_both, sent(on_both)

    def read() -> None:
        bench.mailbox.arrive(mdn(one.message_id, one.address))
        bench.collect()

    meanwhile(bench, rules(step), read, monkeypatch)
    assert steps(bench, one.id) == () and bench.get(one.id).state is State.READ


def test_a_person_who_takes_it_over_meanwhile_stops_it(on_both: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench, one = on_both, sent(on_both)

    def take_over() -> None:
        acknowledge(bench.real, bench.clock, [one.id], reason="cabinet appelé", actor="operator:eve")

    meanwhile(bench, rules(CALL), take_over, monkeypatch)
    assert steps(bench, one.id) == ()


def meanwhile(bench: Bench, wanted: LadderRules, happens: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """The rung is due and was looked at; then this happens; then the rung."""
    real = climbing._ask

    def ask(state: climbing._Pass, found: Sequence[Dispatch]) -> None:
        real(state, found)
        happens()

    look(bench, wanted)
    bench.clock.advance(3 * 24 * 3600)
    hear(bench)
    monkeypatch.setattr(climbing, "_ask", ask)
    climb(bench.desk, wanted)
