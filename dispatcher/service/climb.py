"""Use case: what happens to mail that nobody reads. One pass climbs every rung that is due, each once.

The rung and everything that follows from it are one transaction, with the dispatch locked and the rung in a table whose
key is the dispatch and its place: two nodes, a restart or a clock set back climb nothing twice. Reminders are gathered
into one digest. Silence counts only while the mailbox of notices is read: else a rung that others would notice waits.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from dispatcher.clock import paris
from dispatcher.errors import DispatcherError, StoreError
from dispatcher.outbox.dispatch import Dispatch, Lane
from dispatcher.outbox.states import State
from dispatcher.ports import StepRow, UnitOfWork
from dispatcher.receipts.ladder import CLIMBING, Ladder, LadderRules, Next, Rung, next_step
from dispatcher.service.desk import Desk
from dispatcher.service.internal import place
from dispatcher.service.make import Made
from dispatcher.service.restored import in_doubt
from dispatcher.service.second_way import is_second, second_way
from dispatcher.service.support import sends_read

log = logging.getLogger(__name__)

PAGE = 500
"""Dispatches a transaction."""
PAGES = 200
"""Pages a pass: what is left comes with the next."""
AGAIN = timedelta(minutes=5)
"""What could not be done now is looked at again after so long."""
HEARD = timedelta(minutes=15)
"""How long ago a mailbox may have been read to its end for silence to count."""

REMINDED, CALLED, SECOND, NO_SECOND = (
    "dispatch.reminded",
    "dispatch.person-called",
    "dispatch.second-way",
    "dispatch.no-second-way",
)
UNREAD = "Envoyé le {sent}, jamais lu : à envoyer sur papier."


@dataclass(slots=True)
class Climbed:
    """What one pass did."""

    begun: int = 0
    """New on the ladder."""
    reminded: int = 0
    seconds: int = 0
    papers: int = 0
    called: list[str] = field(default_factory=list)
    """Dispatches a person was called for."""
    digest: str = ""


@dataclass(slots=True)
class _Pass:
    desk: Desk
    rules: LadderRules
    now: datetime
    done: Climbed = field(default_factory=Climbed)
    heard: dict[str, bool] = field(default_factory=dict)
    expects: dict[str, bool] = field(default_factory=dict)
    """By dispatch of the page: whether a read receipt can be hoped for."""


def climb(desk: Desk, rules: LadderRules) -> Climbed:
    """One pass. Raises StoreError."""
    state = _Pass(desk, rules, desk.clock.now())
    if in_doubt(desk.store) is not None:
        return state.done  # what was climbed since the backup is not known
    _bring_back(state)
    for _ in range(PAGES):
        with desk.store.reading() as uow:
            found = uow.ladder.due(state.now, PAGE)
        if not found:
            break
        _page(state, found)
    _tell(state)
    return state.done


def _bring_back(state: _Pass) -> None:
    """After a clock that stood far ahead: else its mail would be looked at when that time comes."""
    beyond = state.now + state.rules.longest
    with state.desk.store.transaction() as uow:
        count = uow.ladder.bring_back(beyond)
    if count:
        log.error("the clock was set back: the ladder of %d mails is worked out anew", count)


def _next(state: _Pass, dispatch: Dispatch, taken: int, since: datetime, *, over: bool = False) -> Next | None:
    """The rung after the ``taken`` first ones of a dispatch, as the rules have it today."""
    ladder = state.rules.ladders.get(dispatch.channel, {}).get(dispatch.lane, Ladder())
    return next_step(
        ladder,
        state=dispatch.state,
        since=since,
        taken=taken,
        expects_read=state.expects[dispatch.id],
        acknowledged=dispatch.acknowledged_at is not None,
        superseded=over or is_second(dispatch),
        printed=dispatch.printed_at is not None,
    )


# ------------------------------------------------------------------------------------------------ a page


def _page(state: _Pass, found: Sequence[Dispatch]) -> None:
    _ask(state, found)
    _begin(state, [one for one in found if not one.rung])
    waits: dict[str, tuple[int, datetime | None]] = {}
    reminders: list[tuple[Dispatch, Next]] = []
    on_it = [one for one in found if one.rung]
    over = _over(state, on_it)
    for one in on_it:
        step = _next(state, one, one.rung - 1, state.now, over=one.id in over)
        if step is None:
            waits[one.id] = (one.rung, None)
        elif step.number != one.rung:
            waits[one.id] = (step.number, step.at)
        elif not _silence_counts(state, one, step):
            waits[one.id] = (one.rung, state.now + AGAIN)
        elif step.step.rung is Rung.REMIND:
            reminders.append((one, step))
        else:
            _take(state, one, step)
    _wait(state, waits, found)
    _remind(state, reminders)


def _ask(state: _Pass, found: Sequence[Dispatch]) -> None:
    """Whose reading can be hoped for: what the site says of them, else what was learned."""
    with state.desk.store.reading() as uow:
        state.expects = {one.id: state.rules.expects_read(one, sends_read(uow, one)) for one in found}


def _begin(state: _Pass, fresh: Sequence[Dispatch]) -> None:
    """What left since the last pass gets the time of its first rung."""
    if not fresh:
        return
    with state.desk.store.reading() as uow:
        taken = uow.ladder.taken([one.id for one in fresh])
    waits: dict[str, tuple[int, datetime | None]] = {}
    for one in fresh:
        left = one.sent_at or one.delivered_at or one.climb_at or state.now
        place, last = taken.get(one.id, (0, left))
        step = _next(state, one, place, min(max(left, last), state.now))
        waits[one.id] = (step.number, step.at) if step is not None else (place + 1, None)
    _wait(state, waits, fresh)
    state.done.begun += len(fresh)


def _wait(state: _Pass, waits: Mapping[str, tuple[int, datetime | None]], seen: Sequence[Dispatch]) -> None:
    if waits:
        with state.desk.store.transaction() as uow:
            uow.ladder.wait(waits, seen)


def _over(state: _Pass, some: Sequence[Dispatch]) -> frozenset[str]:
    """Those whose place a newer version took, or whose second copy was read."""
    with state.desk.store.reading() as uow:
        return uow.ladder.over([one.id for one in some])


def _silence_counts(state: _Pass, one: Dispatch, step: Next) -> bool:
    """Its receipt would have been seen. Nobody waits for that to be called, nor does an urgent result."""
    if step.step.rung is Rung.PERSON or one.lane is Lane.URGENT or one.state is State.PAPER:
        return True
    if not state.expects[one.id]:
        return True
    if one.channel not in state.heard:
        with state.desk.store.reading() as uow:
            at = uow.ladder.heard(one.channel)
        state.heard[one.channel] = at is not None and abs(state.now - at) <= HEARD
    return state.heard[one.channel]


# ------------------------------------------------------------------------------------------------ rungs


def _take(state: _Pass, one: Dispatch, step: Next) -> None:
    """One rung of one dispatch; a fault of it stops no other."""
    try:
        if step.step.rung is Rung.SECOND:
            _second(state, one, step)
        elif step.step.rung is Rung.PAPER:
            _paper(state, one, step)
        else:
            _call(state, one, step)
    except StoreError:
        raise
    except DispatcherError as error:
        log.error("dispatch %s: rung %s not climbed (%s)", one.id, step.step.rung, error.code)
        _wait(state, {one.id: (one.rung, state.now + AGAIN)}, [one])
    except Exception as error:  # nobody foresaw it: the others go on
        log.error("dispatch %s: rung %s not climbed, unexpected %s", one.id, step.step.rung, place(error))
        _wait(state, {one.id: (one.rung, state.now + AGAIN)}, [one])


def _climb(state: _Pass, uow: UnitOfWork, seen: Dispatch, step: Next, *, digest: str = "", note: str = "") -> bool:
    """Inside a transaction: the dispatch, locked, is still as it was seen, and this rung is ours."""
    row = uow.ladder.locked(seen.id)
    same = row is not None and (row.rung, row.climb_at, row.acknowledged_at) == (seen.rung, seen.climb_at, None)
    if row is None or not same or row.state not in CLIMBING or row.state is not seen.state:
        return False
    taken = StepRow(dispatch_id=seen.id, step=step.number, rung=step.step.rung, at=state.now, digest=digest, note=note)
    if uow.ladder.take(taken):
        return True
    uow.ladder.wait({seen.id: _after(state, seen, step)}, [seen])
    return False


def _after(state: _Pass, one: Dispatch, step: Next, now_in: State | None = None) -> tuple[int, datetime | None]:
    """The rung to wait for once this one is climbed."""
    there = one if now_in is None else replace(one, state=now_in)
    coming = _next(state, there, step.number, state.now)
    return (coming.number, coming.at) if coming is not None else (step.number + 1, None)


def _call(state: _Pass, one: Dispatch, step: Next) -> None:
    with state.desk.store.transaction() as uow:
        if not _climb(state, uow, one, step, note=step.step.whom):
            return
        rung, at = _after(state, one, step)
        uow.dispatches.update(one.id, event=CALLED, rung=rung, climb_at=at)
    state.done.called.append(one.id)


def _paper(state: _Pass, one: Dispatch, step: Next) -> None:
    left = one.sent_at or one.delivered_at or state.now
    with state.desk.store.transaction() as uow:
        if not _climb(state, uow, one, step):
            return
        rung, at = _after(state, one, step, State.PAPER)
        reason = UNREAD.format(sent=f"{paris(left):%d/%m/%Y à %H:%M}")
        uow.dispatches.move(one.id, State.PAPER, reason=reason, rung=rung, climb_at=at)
    state.done.papers += 1


def _second(state: _Pass, one: Dispatch, step: Next) -> None:
    made = second_way(state.desk, one, state.rules.seconds)
    note = made if isinstance(made, str) else made.dispatch.id
    with state.desk.store.transaction() as uow:
        if not _climb(state, uow, one, step, note=note):
            return
        rung, at = _after(state, one, step)
        if isinstance(made, Made):
            uow.dispatches.add(made.dispatch)
            for kind, content in made.payloads.items():
                uow.payloads.put(made.dispatch.id, kind, content)
            state.done.seconds += 1
        event = SECOND if isinstance(made, Made) else NO_SECOND
        uow.dispatches.update(one.id, event=event, rung=rung, climb_at=at)


# ------------------------------------------------------------------------------------------------ the digest


def _remind(state: _Pass, reminders: Sequence[tuple[Dispatch, Next]]) -> None:
    """Into one digest, however many they are; within a few hours of the last one they wait for the next."""
    if not reminders:
        return
    with state.desk.store.reading() as uow:
        last = uow.ladder.last_digest()
    every = state.rules.digest_every
    if last is not None and last.told and abs(state.now - last.made_at) < every:
        again = state.now + every - max(state.now - last.made_at, timedelta())
        _wait(state, {one.id: (one.rung, again) for one, _ in reminders}, [one for one, _ in reminders])
        return
    with state.desk.store.transaction() as uow:
        digest = uow.ladder.open_digest(state.desk.store.new_id("E"), state.now)
        count = 0
        for one, step in reminders:
            if _climb(state, uow, one, step, digest=digest.id):
                rung, at = _after(state, one, step)
                uow.dispatches.update(one.id, event=REMINDED, rung=rung, climb_at=at)
                count += 1
        uow.ladder.grow_digest(digest.id, count)
    state.done.reminded += count
    state.done.digest = digest.id


def _tell(state: _Pass) -> None:
    """One line a pass, whatever the number."""
    done = state.done
    with state.desk.store.reading() as uow:
        last = uow.ladder.last_digest()
    if last is not None and not last.told:  # of this pass, or of one that was cut off
        with state.desk.store.transaction() as uow:
            told = uow.ladder.end_digest(last.id, state.now)
        log.warning("digest %s: %d mails left and were never read: dispatcher ladder list", told.id, told.count)
    if done.called:
        log.error("ALARM begins: %d unread, a person is called: %s", len(done.called), ", ".join(done.called[:5]))
    if done.papers or done.seconds:
        log.warning("unread: %d go on paper, %d by a second way", done.papers, done.seconds)
