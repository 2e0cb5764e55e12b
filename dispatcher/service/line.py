"""One connection of a channel: a *line*.

It claims a few dispatches under a lease, then, mail by mail, writes in **one** commit the outcome of the mail before
and the start of the next. So a stop at any moment leaves at most one mail per connection whose outcome is unknown
(promise 2), for the price of one commit a mail. Whether the domain is still in the trust space is asked before each.

The pace is asked in the same commit, right before the first byte leaves (promise 4, ``service/line_pace.py``); when it
is used up the line waits.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import partial
from typing import Any

from dispatcher.clock import Clock
from dispatcher.errors import KeyringError, LeaseLost, NotBegun, OurFault, OutcomeUnknown, StoreError, TransportError
from dispatcher.outbox.dispatch import Accepted, Dispatch, Lane
from dispatcher.outbox.states import State
from dispatcher.ports import Mail, Store, TransportSession, UnitOfWork
from dispatcher.routing.route import Hold
from dispatcher.service.channel import Channel
from dispatcher.service.circuits import pause
from dispatcher.service.internal import place, sentence
from dispatcher.service.keeper import Keeper
from dispatcher.service.last_look import UNSEALED, give_back, opposed, superseded
from dispatcher.service.line_pace import LinePace, Room
from dispatcher.service.outcome import Outcome, Settled, asked_again, line_in_doubt, settle
from dispatcher.service.patients import envelope_address
from dispatcher.service.saving import Saving, again
from dispatcher.service.staying import Stay, Watch

log = logging.getLogger(__name__)

CLAIM = 20
"""Dispatches leased at a time by one line."""
NAP = 0.5
"""Longest sleep in one piece while a line waits for its pace: a stop is heard in between."""


class _Step(Enum):
    """What may follow for one claimed dispatch."""

    BEGUN = "begun"
    PASSED_OVER = "passed over"
    """It does not leave; the next one may."""
    LATER = "later"
    """Its domain or mailbox has no room yet; the next one may go first."""
    STOP = "stop"
    """Neither it nor the next ones now."""


@dataclass(slots=True)
class Sent:
    """What one pass did, by state."""

    counts: dict[State, int] = field(default_factory=dict)
    paused: str = ""

    def add(self, state: State) -> None:
        self.counts[state] = self.counts.get(state, 0) + 1

    @property
    def total(self) -> int:
        return sum(self.counts.values())


class Line:
    """One connection and the dispatches it has claimed."""

    def __init__(
        self,
        channel: Channel,
        store: Store,
        clock: Clock,
        owner: str,
        stop: Callable[[], bool],
        wait: float,
        keeper: Keeper,
        lane: Lane | None = None,
        stay: Stay | None = None,
    ) -> None:
        self._channel = channel
        self._store = store
        self._clock = clock
        self.owner = f"{owner}#{store.new_id('')}"
        """Of this pass alone: what an earlier one left behind is kept alive by nobody, and expires."""
        self._stop = stop
        self._wait = wait
        self._keeper = keeper
        self._lane = lane
        self._watch = Watch(store, clock, channel.name, lane, stay)
        self._pace = LinePace(channel, clock, owner, lane)
        self._later: list[float] = []
        """Seconds until there is room for each of those asked in vain, one after the other."""
        self._session: TransportSession | None = None
        self._mails = 0
        self._done: Outcome | None = None
        self._claimed: tuple[Dispatch, ...] = ()
        self._extended = clock.monotonic()
        self._result = Sent()
        self._saving = Saving(store, clock, channel.lease, stop)

    def run(self) -> Sent:
        try:
            while not (self._stop() or self._result.paused or self._watch.over):
                self._watch.begin()
                self._claimed = again(self._claim)
                if not (self._claimed and self._send_all(self._claimed)) and not self._stays():
                    break
            self._commit_outcome()
        except Exception:
            try:
                if self._done is not None or self._saving.waiting:
                    self._saving.insist(self._write_down)
            finally:
                self._abandon()
            raise
        finally:
            self._watch.end()
            self._keeper.let_go(self.owner)
            self._hang_up()
        return self._result

    def _write_down(self) -> None:
        """It broke off with an outcome in hand: what the operator said must not be forgotten (promise 2)."""
        self._commit_outcome()
        self._saving.take_back()

    def _claim(self) -> tuple[Dispatch, ...]:
        """No more than the pace may let through: what is claimed in vain is two lines of journal each.

        In the commit that writes the outcome of the last mail of the claim before.
        """
        self._extended = self._clock.monotonic()
        self._keeper.hold(self.owner)
        with self._transaction() as uow:
            now = self._clock.now()
            if (pause := uow.pace.paused(self._channel.scope, now)) is not None:
                self._result.paused = pause
                return ()
            most = min(CLAIM, self._share(self._pace.room(uow, self._wait)))
            return uow.dispatches.claim(self._channel.name, self.owner, most, self._channel.lease, now, lane=self._lane)

    def _share(self, room: int) -> int:
        """Its part of the channel's room: if each line claimed all of it, most would be given back."""
        lines = 1 if self._lane is Lane.URGENT else self._channel.settings.connections
        return math.ceil(room / lines)

    def _stays(self) -> bool:
        """Wait until there may be something to claim; False: this pass is over."""
        self._keeper.let_go(self.owner)
        return not self._result.paused and self._watch.something_comes(self._stop, self._hang_up)

    def _send_all(self, claimed: Sequence[Dispatch]) -> bool:
        """False when the line must end: stop, pause, or no pace left."""
        waiting = deque(claimed)
        while waiting:
            dispatch = waiting.popleft()
            step = self._one(dispatch)
            if step is _Step.LATER:
                waiting.append(dispatch)
            else:
                self._later.clear()
            if step is _Step.STOP or not self._somebody_has_room(len(waiting)):
                rest = [dispatch, *waiting] if step is _Step.STOP else waiting
                again(partial(self._give_back, rest))
                return False
        return not self._result.paused

    def _somebody_has_room(self, waiting: int) -> bool:
        """When all that are left were asked in vain: waits for the first. False when a stop was asked for."""
        if not self._later or len(self._later) < waiting:
            return True
        soonest = min(self._later)
        self._later.clear()
        return self._rest(soonest)

    def _one(self, dispatch: Dispatch) -> _Step:
        if dispatch.returns:
            again(partial(self._survive, dispatch))
        if self._stop() or not self._ready():
            return _Step.STOP
        fault = self._channel.gate.fault(dispatch.address, self._clock.now())
        if fault:
            self._commit_outcome()
            self._pause(OurFault(fault, stage="trust"))
            return _Step.STOP
        refused = self._channel.gate.refuses(dispatch.address, dispatch.label, self._clock.now())
        if refused is not None:
            return self._set_aside(dispatch, refused)
        mail = self._mail(dispatch)
        if mail is None:
            return self._set_aside(dispatch, UNSEALED)
        step = again(partial(self._begin, dispatch))
        if step is _Step.BEGUN and (self._saving.too_late() or not self._pace.in_time(self._saving.elapsed)):
            self._saving.take_back()
            return _Step.PASSED_OVER
        return self._hand_over(dispatch, mail) if step is _Step.BEGUN else step

    def _survive(self, dispatch: Dispatch) -> None:
        """It came back from a dead worker: opened before anything slow, it is cleared if we live."""
        self._mail(dispatch)
        with self._transaction() as uow:
            uow.dispatches.opened(dispatch.id, dispatch.fence)

    # ------------------------------------------------------------------------------------------ steps

    def _ready(self) -> bool:
        """An open connection, or False with the channel paused."""
        if self._session is not None and self._mails < self._channel.settings.mails_per_connection:
            return True
        self._commit_outcome()  # connecting may take a minute
        self._hang_up()
        if self._result.paused:
            return False
        try:
            self._session = self._channel.transport.open()
        except TransportError as error:
            if not self._stop():  # the stop itself may have broken the line
                self._pause(error)
            return False
        except Exception as error:  # nobody foresaw it: the channel waits, the mails with it
            log.error("channel %s: unexpected %s", self._channel.name, place(error))
            self._pause(OurFault(sentence(error, "à la connexion", "puis relancer le service"), stage="connect"))
            return False
        self._mails = 0
        return True

    def _begin(self, dispatch: Dispatch) -> _Step:
        """Commit the outcome before and the start of this one; waits for the pace."""
        waited_until = self._clock.monotonic() + self._wait
        while True:
            now = self._clock.now()
            with self._transaction() as uow:
                if uow.pace.paused(self._channel.scope, now) is not None:
                    return _Step.STOP
                if superseded(uow, dispatch) or opposed(uow, dispatch, self._channel.sources):
                    return _Step.PASSED_OVER
                room = self._pace.take(uow, dispatch)
                if room.granted:
                    return self._started(uow, dispatch, now)
                self._heartbeat(uow, now)
            if room.own > self._wait:
                again(partial(self._give_way, dispatch, room))
                return _Step.PASSED_OVER
            if room.own > room.line:
                self._later.append(room.own)
                return _Step.LATER
            if self._clock.monotonic() + room.line > waited_until or not self._rest(room.line):
                return _Step.STOP

    def _started(self, uow: UnitOfWork, dispatch: Dispatch, now: datetime) -> _Step:
        """In the transaction that granted its place. What is not used of a grant is lost, never given to another."""
        try:
            uow.dispatches.begin_submission(dispatch.id, dispatch.fence, now)
            self._saving.begun(dispatch)
        except LeaseLost:
            return _Step.STOP
        self._heartbeat(uow, now)
        return _Step.BEGUN

    def _give_way(self, dispatch: Dispatch, room: Room) -> None:
        """In a transaction of its own: the pace is locked after the destinations, or lines wait in a circle."""
        with suppress(LeaseLost), self._store.transaction() as uow:  # its new owner will see the same
            self._pace.give_way(uow, dispatch, room, self._clock.now())

    def _rest(self, seconds: float) -> bool:
        """Sleep; False when a stop was asked for."""
        while seconds > 0 and not self._stop():
            self._clock.sleep(min(seconds, NAP))
            seconds -= NAP
        return not self._stop()

    def _hand_over(self, dispatch: Dispatch, mail: Mail) -> _Step:
        self._mails += 1
        self._watch.worked()
        self._saving.handed_over()
        result: Accepted | TransportError
        try:
            result = self._require_session().send(mail, lambda: self._pace.still_in_time(self._saving.elapsed))
        except NotBegun:
            log.info("dispatch %s: its place in the pace passed while the line was opened again", dispatch.id)
            self._saving.never_left(dispatch)
            self._saving.take_back()
            return _Step.PASSED_OVER
        except TransportError as error:
            result = error
        except Exception as error:  # nobody foresaw it, so nobody can say whether the mail has left
            log.error("dispatch %s: unexpected %s", dispatch.id, place(error))
            result = OutcomeUnknown(sentence(error, "pendant la remise", "et trancher à la main"), stage="internal")
        if line_in_doubt(result):
            self._hang_up()
        self._done = Outcome(dispatch=dispatch, result=result)
        self._done = asked_again(self._channel, self._done)
        return _Step.BEGUN

    def _mail(self, dispatch: Dispatch) -> Mail | None:
        """None when its sealed bytes cannot be had."""
        try:
            with self._store.reading() as uow:
                content = uow.payloads.get(dispatch.id, "sealed")
                recipient = envelope_address(uow, dispatch)
        except KeyringError as error:
            log.error("dispatch %s: sealed mail cannot be decrypted (%s)", dispatch.id, error.code)
            return None
        if content is None or not recipient:
            return None
        return Mail(
            sender=self._channel.settings.sender,
            recipient=recipient,
            message_id=dispatch.message_id,
            envid=dispatch.envid,
            content=content,
        )

    def _require_session(self) -> TransportSession:
        if self._session is None:
            raise OurFault("Connexion fermée.", stage="connect")
        return self._session

    # ------------------------------------------------------------------------------------------ writing down

    @contextmanager
    def _transaction(self) -> Iterator[UnitOfWork]:
        """A transaction that also writes down the outcome of the mail before; it is forgotten only once committed."""
        done = self._done
        settled: Settled | None = None
        with self._store.transaction() as uow:
            if done is not None:
                settled = settle(uow, self._store, self._channel, done, self._clock.now())
            yield uow
        if settled is not None:
            self._result.add(settled.state)
            self._result.paused = self._result.paused or settled.paused
            self._done = None

    def _commit_outcome(self) -> None:
        if self._done is not None:
            again(partial(self._give_back, ()))

    def _set_aside(self, dispatch: Dispatch, hold: Hold) -> _Step:
        """Hold a dispatch that cannot leave, or may not any more: it must not stop the others."""
        log.error("dispatch %s held before it left (%s)", dispatch.id, hold.code)
        told: dict[str, Any] = {"event": "dispatch.held", "hold_code": hold.code, "reason": hold.reason}

        def hold_it() -> _Step:
            with self._transaction() as uow:
                try:
                    uow.dispatches.move(dispatch.id, State.HELD, fence=dispatch.fence, **told)
                except LeaseLost:
                    return _Step.STOP
            return _Step.PASSED_OVER

        step = again(hold_it)
        if step is _Step.PASSED_OVER:
            self._result.add(State.HELD)
        return step

    def _give_back(self, rest: Sequence[Dispatch]) -> None:
        with self._transaction() as uow:
            give_back(uow, rest)

    def _abandon(self) -> None:
        """The pass broke off: what it claimed and did not begin goes back, if the store can; else with its lease."""
        with suppress(StoreError), self._store.transaction() as uow:
            give_back(uow, self._claimed)

    def _heartbeat(self, uow: UnitOfWork, now: datetime) -> None:
        moment = self._clock.monotonic()
        if moment - self._extended > self._channel.lease.total_seconds() / 3:
            uow.dispatches.extend_lease(self.owner, now + self._channel.lease)
            self._extended = moment

    def _pause(self, error: TransportError) -> None:
        """Not even a connection: the channel waits."""
        self._result.paused = str(error)

        def pause_it() -> None:
            with self._store.transaction() as uow:
                pause(uow, self._channel, error, str(error), self._clock.now())

        again(pause_it)

    def _hang_up(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
