"""Use case: send what is due on one channel.

Each connection is a *line*: it claims a few dispatches under a lease, then, mail by mail, writes in **one** commit the
outcome of the mail before and the start of the next. So a stop at any moment leaves at most one mail per connection
whose outcome is unknown (promise 2), for the price of one commit a mail.

The pace is asked in the same commit, right before the first byte leaves (promise 4); when it is used up the line waits.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dispatcher.clock import Clock
from dispatcher.errors import LeaseLost, OurFault, OutcomeUnknown, TransportError, TryLater
from dispatcher.outbox.dispatch import Accepted, Dispatch
from dispatcher.outbox.states import State
from dispatcher.ports import Mail, Store, TransportSession, UnitOfWork
from dispatcher.service.channel import Channel
from dispatcher.service.outcome import Outcome, settle

log = logging.getLogger(__name__)

CLAIM = 20
"""Dispatches leased at a time by one line."""
MAX_WAIT = 5.0
"""Seconds a line waits for its pace before it gives its claims back."""
RECONNECT = timedelta(minutes=1)
"""Pause of a channel whose operator cannot be reached."""


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


def send_due(
    channel: Channel, store: Store, clock: Clock, owner: str, stop: Callable[[], bool], *, wait: float = MAX_WAIT
) -> Sent:
    """Send until nothing is due, the pace is used up for more than ``wait`` seconds, or ``stop()``.

    Never raises for a mail that was not accepted: that is an outcome, written down. Raises
    :class:`dispatcher.errors.StoreError` when the database is gone.
    """
    result = Sent()
    with store.reading() as uow:
        pause = uow.pace.paused(channel.scope, clock.now())
    if pause is not None:
        result.paused = pause
        return result
    lines = [_Line(channel, store, clock, f"{owner}/{n}", stop, wait) for n in range(channel.settings.connections)]
    if len(lines) == 1:
        parts = [lines[0].run()]
    else:
        with ThreadPoolExecutor(max_workers=len(lines), thread_name_prefix=f"line-{channel.name}") as pool:
            parts = list(pool.map(_Line.run, lines))
    for part in parts:
        for state, count in part.counts.items():
            result.counts[state] = result.counts.get(state, 0) + count
        result.paused = result.paused or part.paused
    return result


class _Line:
    """One connection and the dispatches it has claimed."""

    def __init__(
        self, channel: Channel, store: Store, clock: Clock, owner: str, stop: Callable[[], bool], wait: float
    ) -> None:
        self._channel = channel
        self._store = store
        self._clock = clock
        self._owner = owner
        self._stop = stop
        self._wait = wait
        self._session: TransportSession | None = None
        self._mails = 0
        self._done: Outcome | None = None
        self._extended = clock.monotonic()
        self._result = Sent()

    def run(self) -> Sent:
        try:
            while not self._stop() and not self._result.paused:
                claimed = self._claim()
                if not claimed or not self._send_all(claimed):
                    break
        finally:
            self._hang_up()
        return self._result

    def _claim(self) -> tuple[Dispatch, ...]:
        self._extended = self._clock.monotonic()
        with self._store.transaction() as uow:
            return uow.dispatches.claim(self._channel.name, self._owner, CLAIM, self._channel.lease, self._clock.now())

    def _send_all(self, claimed: Sequence[Dispatch]) -> bool:
        """False when the line must end: stop, pause, or no pace left."""
        for position, dispatch in enumerate(claimed):
            if self._stop() or not self._ready() or not self._begin(dispatch):
                self._give_back(claimed[position:])
                return False
            self._hand_over(dispatch)
        self._commit_outcome()
        return not self._result.paused

    # ------------------------------------------------------------------------------------------ steps

    def _ready(self) -> bool:
        """An open connection, or False with the channel paused."""
        if self._session is not None and self._mails < self._channel.settings.mails_per_connection:
            return True
        self._hang_up()
        try:
            self._session = self._channel.transport.open()
        except (OurFault, TryLater) as error:
            self._pause(error)
            return False
        self._mails = 0
        return True

    def _begin(self, dispatch: Dispatch) -> bool:
        """Commit the outcome before and the start of this one; waits for the pace. False when it cannot begin."""
        waited_until = self._clock.monotonic() + self._wait
        while True:
            now = self._clock.now()
            with self._transaction() as uow:
                if uow.pace.paused(self._channel.scope, now) is not None:
                    return False
                if uow.pace.take(self._channel.scope, 1, self._channel.limit, now):
                    try:
                        uow.dispatches.begin_submission(dispatch.id, dispatch.fence, now)
                    except LeaseLost:
                        uow.pace.give_back(self._channel.scope, 1)
                        return False
                    self._heartbeat(uow, now)
                    return True
                due = uow.pace.next_at(self._channel.scope, self._channel.limit, now)
                self._heartbeat(uow, now)
            pause = max((due - now).total_seconds(), 0.01)
            if self._clock.monotonic() + pause > waited_until or self._stop():
                return False
            self._clock.sleep(pause)

    def _hand_over(self, dispatch: Dispatch) -> None:
        self._mails += 1
        result: Accepted | TransportError
        try:
            result = self._require_session().send(self._mail(dispatch))
        except TransportError as error:
            result = error
        if isinstance(result, (OurFault, TryLater, OutcomeUnknown)):
            self._hang_up()
        if isinstance(result, OurFault):
            self._pause(result)
        self._done = Outcome(dispatch=dispatch, result=result)

    def _mail(self, dispatch: Dispatch) -> Mail:
        with self._store.reading() as uow:
            content = uow.payloads.get(dispatch.id, "sealed")
        if content is None:
            raise OurFault("Le courrier scellé manque dans la base.", stage="store", hint="Restaurer la sauvegarde.")
        return Mail(
            sender=self._channel.settings.sender,
            recipient=dispatch.address,
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
        done, state = self._done, None
        with self._store.transaction() as uow:
            if done is not None:
                state = settle(uow, self._store, self._channel, done, self._clock.now())
            yield uow
        if state is not None:
            self._result.add(state)
            self._done = None

    def _commit_outcome(self) -> None:
        if self._done is not None:
            with self._transaction():
                pass

    def _give_back(self, rest: Sequence[Dispatch]) -> None:
        with self._transaction() as uow:
            for dispatch in rest:
                try:
                    uow.dispatches.release_claim(dispatch.id, dispatch.fence)
                except LeaseLost:
                    log.info("dispatch %s was taken over by another worker", dispatch.id)

    def _heartbeat(self, uow: UnitOfWork, now: datetime) -> None:
        moment = self._clock.monotonic()
        if moment - self._extended > self._channel.lease.total_seconds() / 3:
            uow.dispatches.extend_lease(self._owner, now + self._channel.lease)
            self._extended = moment

    def _pause(self, error: TransportError) -> None:
        """Our own fault or an operator out of reach: the channel waits, no attempt is used up (decision D9)."""
        now = self._clock.now()
        until = now + RECONNECT
        log.error("channel %s paused until %s: %s at %s", self._channel.name, until, error.code, error.stage)
        self._result.paused = str(error)
        with self._store.transaction() as uow:
            uow.pace.pause(self._channel.scope, until, str(error))
            uow.journal.write(f"channel:{self._channel.name}", "channel.paused", code=error.code, stage=error.stage)

    def _hang_up(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
