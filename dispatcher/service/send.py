"""Use case: send what is due on one channel, over as many connections as it is allowed (see ``service/line.py``)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextvars import copy_context

from dispatcher.clock import Clock
from dispatcher.outbox.dispatch import Lane
from dispatcher.ports import Store
from dispatcher.service.channel import Channel
from dispatcher.service.keeper import Keeper
from dispatcher.service.line import Line, Sent
from dispatcher.service.staying import Stay, anything

MAX_WAIT = 5.0
"""Seconds a line waits for its pace before it gives its claims back."""


def send_due(
    channel: Channel,
    store: Store,
    clock: Clock,
    owner: str,
    stop: Callable[[], bool],
    *,
    wait: float = MAX_WAIT,
    lane: Lane | None = None,
    hurry: Callable[[], bool] | None = None,
    stay: Stay | None = None,
) -> Sent:
    """Send until nothing is due, the pace is used up for more than ``wait`` seconds, or ``stop()``.

    With ``stay``: once there is something, until a pause or ``stop()``.

    With a ``lane``: only that; urgent mail over one connection of its own. ``hurry()`` says that lines which still wait
    may be broken (``stop`` if not given): a mail in hand becomes ``unknown`` then, so not where nobody hurries.

    Never raises for a mail that was not accepted: that is an outcome, written down. Raises
    :class:`dispatcher.errors.StoreError` when the database is gone.
    """
    result = Sent()
    with store.reading() as uow:
        pause = uow.pace.paused(channel.scope, clock.now())
    if pause is not None:
        result.paused = pause
        return result
    if not anything(store, clock, channel.name, lane):
        return result
    with Keeper(channel, store, clock, hurry or stop) as keeper:
        connections = 1 if lane is Lane.URGENT else channel.settings.connections
        owners = [f"{owner}/{n}" for n in range(connections)]
        parts = _run_all([Line(channel, store, clock, one, stop, wait, keeper, lane, stay) for one in owners])
    for part in parts:
        for state, count in part.counts.items():
            result.counts[state] = result.counts.get(state, 0) + count
        result.paused = result.paused or part.paused
    return result


def _run_all(lines: Sequence[Line]) -> list[Sent]:
    """Each line in a thread of its own; raises what the first of them raised, once all have ended.

    Daemon threads, no pool: the interpreter joins the threads of a pool at its exit, however long they hang. What they
    log counts as said by the caller (its context): a fault that lasts is told once.
    """
    if len(lines) == 1:
        return [lines[0].run()]
    ended: dict[int, Sent | BaseException] = {}

    def run(number: int, line: Line) -> None:
        try:
            ended[number] = line.run()
        except BaseException as error:  # told to the caller below
            ended[number] = error

    threads = [
        threading.Thread(target=copy_context().run, args=(run, number, line), name=f"line-{line.owner}", daemon=True)
        for number, line in enumerate(lines)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    parts: list[Sent] = []
    for _, end in sorted(ended.items()):
        if isinstance(end, BaseException):
            raise end
        parts.append(end)
    return parts
