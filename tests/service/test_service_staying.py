"""A line that stays: the next mail leaves over the connection that is open, what is known is written at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from dispatcher.outbox.states import State
from dispatcher.service.send import send_due
from dispatcher.service.staying import Stay
from dispatcher.store.dispatches import SqlDispatches
from tests.service.bench import Bench, channel_settings
from tests.service.samples import oru

SOON = 30.0
"""Seconds that nobody waits here when lines wake up."""


def queue(bench: Bench, name: str) -> None:
    bench.bring(oru(name, control=name))
    bench.batch()


def until(true: Callable[[], bool]) -> None:
    for _ in range(int(SOON / 0.01)):
        if true():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it did not happen")


@contextmanager
def staying(bench: Bench) -> Iterator[threading.Thread]:
    """A pass that stays, in a thread of its own, until the end of the block."""
    stop = threading.Event()

    def work() -> None:
        send_due(bench.channels["pro"], bench.real, bench.clock, "w", stop.is_set, stay=Stay(longest=60.0))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        bench.real.hint()
        thread.join(SOON)
    assert not thread.is_alive(), "a stop ends it"


@pytest.mark.parametrize(("seconds", "opened"), [(1.0, 1), (6.0, 2)])
def test_the_next_mail_finds_the_connection_open_for_a_while(bench: Bench, seconds: float, opened: int) -> None:
    queue(bench, "R1")
    with staying(bench):
        until(lambda: bench.states() == [State.SENT])
        bench.clock.advance(seconds)
        if opened > 1:
            bench.real.hint()
            until(lambda: bench.transport.closed == 1)
        queue(bench, "R2")
        until(lambda: bench.states() == [State.SENT, State.SENT])
    assert bench.transport.opened == opened
    assert bench.transport.closed == opened


def test_with_nothing_queued_there_is_no_pass(bench: Bench) -> None:
    with staying(bench) as thread:
        thread.join(SOON)
        assert not thread.is_alive()
    assert not bench.transport.opened


def test_a_claim_that_fails_does_not_take_the_outcome_before_it_along(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(bench, "R1")
    claim: Any = SqlDispatches.claim

    def once(self: SqlDispatches, *given: Any, **named: Any) -> Any:
        if bench.transport.handed:
            raise KeyError("nobody foresaw it")
        return claim(self, *given, **named)

    monkeypatch.setattr(SqlDispatches, "claim", once)
    with pytest.raises(KeyError):
        bench.send()
    assert bench.one().state is State.SENT


def test_when_one_line_ends_the_others_do_not_stay_without_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pass would go on with fewer connections than the channel has, for as long as the service runs."""
    bench.set_channel("pro", channel_settings(connections=2))
    queue(bench, "R1")
    claim: Any = SqlDispatches.claim
    told: list[KeyError] = []

    def one_breaks(self: SqlDispatches, channel: str, owner: str, *given: Any, **named: Any) -> Any:
        if owner.startswith("w/0#"):
            raise KeyError("nobody foresaw it")
        return claim(self, channel, owner, *given, **named)

    def work() -> None:
        try:
            send_due(bench.channels["pro"], bench.real, bench.clock, "w", stop.is_set, stay=Stay(longest=SOON / 300))
        except KeyError as error:
            told.append(error)

    monkeypatch.setattr(SqlDispatches, "claim", one_breaks)
    stop = threading.Event()
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(SOON)
    alive = thread.is_alive()
    stop.set()
    thread.join(SOON)
    assert not alive
    assert told, "whoever started the pass hears of it, and begins anew"
