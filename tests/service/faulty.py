"""One waiting mail meets one fault of the table: what came of it, and what comes of it when the fault is over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from dispatcher.settings import ChannelSettings
from dispatcher.transport.open import open_transport
from tests.service.bench import Bench, local
from tests.service.samples import oru
from tests.tools.fault_table import Fault

CHANNEL = "pro"


def towards(bench: Bench, settings: ChannelSettings) -> None:
    """From here on the channel hands over to a real server."""
    bench.transport = open_transport(settings)  # type: ignore[assignment]
    bench.set_channel(CHANNEL, settings)
    bench.restart()


def waiting(bench: Bench, address: str = "", count: int = 1) -> tuple[Dispatch, ...]:
    """So many mails to one box in the queue, oldest first."""
    to = "D001^DURAND^Pierre"
    if address:
        bench.directory.lines.append(local("BOX", address, channel=CHANNEL))
        to = "BOX^BOX"
    bench.bring(*(oru(f"R{number:03}", control=f"M{number}", to=to) for number in range(count)))
    bench.batch(CHANNEL)
    found = bench.dispatches(states=(State.QUEUED,))
    assert len(found) == count, [(d.state, d.hold_code, d.reason) for d in bench.dispatches()]
    return tuple(sorted(found, key=lambda d: (str(d.created_at), d.id)))


def told(bench: Bench, dispatch: Dispatch) -> dict[str, Any]:
    """What the first pass came to, in the words of the table."""
    now = bench.get(dispatch.id)
    return {"state": now.state, "hold_code": now.hold_code, "attempts": now.attempts, "paused": bool(pause(bench))}


def expected(fault: Fault) -> dict[str, Any]:
    return {
        "state": fault.state,
        "hold_code": fault.hold_code,
        "attempts": fault.attempts,
        "paused": fault.paused,
    }


def pause(bench: Bench, later: float = 0.0) -> str | None:
    """Why the channel waits, now or so many seconds later."""
    with bench.real.reading() as uow:
        at = bench.clock.now() + timedelta(seconds=later)
        return uow.pace.paused(bench.channels[CHANNEL].scope, at)


def check_wait(bench: Bench, dispatch: Dispatch, fault: Fault) -> None:
    """The next try is when the table says, within a tenth."""
    if fault.wait is None:
        assert bench.get(dispatch.id).due_at is None
        return
    seconds = fault.wait.total_seconds()
    if fault.paused:
        assert pause(bench, seconds * 0.89) and not pause(bench, seconds * 1.11 + 1)
        return
    due = bench.get(dispatch.id).due_at
    assert due is not None
    assert abs((due - bench.clock.now()).total_seconds() - seconds) <= seconds * 0.11 + 1


def go_on(bench: Bench, fault: Fault) -> None:
    """The fault is over, and the wait."""
    bench.clock.advance((fault.wait or timedelta(hours=1)).total_seconds() * 1.12 + 2)
    bench.recover()
    bench.send(CHANNEL)
