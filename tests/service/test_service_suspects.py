"""A mail whose bytes end the process: found among the others, set aside, shown; it leaves once that is mended."""

from __future__ import annotations

from typing import Any

import pytest

from dispatcher.outbox.states import State
from dispatcher.service.held import held_groups
from dispatcher.service.release import release
from dispatcher.store.payloads import SqlPayloads
from dispatcher.store.suspects import MOST
from tests.fakes import Killed
from tests.service.bench import Bench
from tests.service.samples import oru


def deadly(monkeypatch: pytest.MonkeyPatch, dispatch_id: str) -> None:
    """Whoever opens that mail is gone."""
    get = SqlPayloads.get

    def opened(self: Any, owner: str, kind: str) -> bytes | None:
        if (owner, kind) == (dispatch_id, "sealed"):
            raise Killed
        return get(self, owner, kind)

    monkeypatch.setattr(SqlPayloads, "get", opened)


@pytest.mark.parametrize("place", [0, 2])
def test_bytes_that_kill_the_process_are_set_aside_and_all_others_leave(
    on_both: Bench, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    bench = on_both
    bench.bring(*(oru(f"R{number:03}", control=f"M{number}") for number in range(4)))
    bench.batch()
    mails = sorted(bench.dispatches(), key=lambda d: (str(d.created_at), d.id))
    culprit = mails.pop(place)
    deadly(monkeypatch, culprit.id)
    deaths = 0
    while any(dispatch.state is State.QUEUED for dispatch in bench.dispatches()):
        try:
            bench.send()
        except Killed:
            deaths += 1
            assert deaths <= MOST
            bench.restart()
            bench.recover()
    assert deaths == MOST
    ends = [bench.get(one.id).state for one in mails]
    assert ends.count(State.UNKNOWN) == min(place, 1)  # its answer was in hand when the next one killed the process
    assert ends.count(State.SENT) == len(mails) - min(place, 1)
    assert len(bench.transport.accepted) == len(mails)
    held = bench.get(culprit.id)
    assert (held.state, held.hold_code, held.attempts) == (State.HELD, "stopped-program", 0)
    (group,) = held_groups(bench.desk)
    assert group.ids == (culprit.id,) and "dispatcher release" in group.todo
    monkeypatch.undo()
    assert release(bench.desk, culprit.id, reason="corrigé", actor="operator:eve").released
    bench.batch()
    bench.send()
    assert bench.get(culprit.id).state is State.SENT


def test_who_waits_for_the_pace_is_cleared_though_the_process_dies_then(on_both: Bench) -> None:
    """Its mail was opened: three power cuts while it waits for its place say nothing against it."""
    bench = on_both
    bench.bring(oru())
    bench.batch()
    bench.transport.at_open = [Killed() for _ in range(MOST + 1)]
    for _ in range(MOST + 1):
        with pytest.raises(Killed):
            bench.send()
        bench.restart()
        bench.recover()
        assert bench.one().returns <= 1
    bench.send()
    assert bench.one().state is State.SENT
