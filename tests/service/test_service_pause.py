"""A person stops a channel or everything; after a restore that is how it starts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatcher.outbox.states import State
from dispatcher.service.pause import pause, resume
from dispatcher.service.restored import in_doubt
from tests.service.bench import Bench
from tests.service.samples import oru
from tests.service.test_service_send import queue

WHY = {"reason": "essai", "actor": "operator:eve"}


@pytest.mark.parametrize("everything", [True, False])
def test_nothing_leaves_before_a_person_resumes(bench: Bench, everything: bool) -> None:
    dispatch, one = queue(bench, 1)[0], None if everything else bench.channel
    pause(bench.store, one, **WHY)
    assert bench.send().paused == "En pause (eve) : essai"
    bench.clock.advance(86_400)
    assert bench.send().total == 0 and bench.transport.accepted == []
    resume(bench.store, bench.channel if everything else None, **WHY)
    assert bench.send().total == 0, "the other pause is not this one"
    resume(bench.store, one, **WHY)
    assert bench.send().counts == {State.SENT: 1} and bench.get(dispatch.id).state is State.SENT


def test_a_line_at_work_stops_at_a_pause_of_everything(bench: Bench) -> None:
    queue(bench, 3)
    bench.transport.during = lambda _mail: pause(bench.real, None, **WHY)
    assert bench.send().counts == {State.SENT: 1}, "what is being handed over ends first"


def test_what_a_restored_database_cannot_know(bench: Bench) -> None:
    sent, queued = queue(bench, 2)
    with bench.real.transaction() as uow:
        uow.dispatches.move(sent.id, State.WITHDRAWN)
    assert in_doubt(bench.store) is None
    now = bench.clock.now()
    with bench.real.transaction() as uow:
        uow.installation.restored(now, now - timedelta(hours=5), 7, actor="operator:eve")
    bench.clock.advance(60)
    bench.bring(oru("R900", control="M900"))  # of after the restore: nothing is in doubt about it
    assert len(bench.dispatches()) == 3
    found = in_doubt(bench.store)
    assert found is not None and found.count == 1
    assert found.dispatches[State.QUEUED] == (queued.id,)
    assert found.restored_at - found.backup_at == timedelta(hours=5)
    resume(bench.store, bench.channel, **WHY)
    assert in_doubt(bench.store) is not None, "one channel is not everything"
    resume(bench.store, None, **WHY)
    assert in_doubt(bench.store) is None
    assert [line.event for line in _journal(bench)] == ["store.restored", "store.resumed"]


def _journal(bench: Bench) -> tuple[object, ...]:
    with bench.real.reading() as uow:
        return uow.journal.of_subject("store")
