"""The pace as one line asks for it: channel, recipient domain, mailbox and connection, all at once or not at all.

Who must wait depends on what is used up. Channel or connection: the whole line. Domain or mailbox: that dispatch only,
others pass it; when it would take longer than the line stays, it gives way and comes back when there is room.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dispatcher.clock import Clock, paris
from dispatcher.outbox.dispatch import Dispatch, Lane
from dispatcher.outbox.ledger import Ledger
from dispatcher.outbox.longest import IN_LINE
from dispatcher.outbox.pacing import SLACK, Leave, PaceLimit, urgent_turn
from dispatcher.outbox.states import State
from dispatcher.ports import Store, UnitOfWork
from dispatcher.routing.addresses import as_compared
from dispatcher.service.channel import Channel

log = logging.getLogger(__name__)

YIELDS = 0.5
"""Seconds after which a line that leaves the next place to the other lane asks again."""
BUSY_MAILBOX = "Débit réglé vers cette boîte atteint : l'envoi part à partir de {time}, à son tour."


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Whether there is room for one more. Nothing was granted unless both waits are 0."""

    line: float = 0.0
    """Seconds that nothing may leave over this line."""
    own: float = 0.0
    """Seconds that this dispatch may not leave, for its domain or mailbox."""
    domain: bool = False
    """``own`` is the domain's."""

    @property
    def granted(self) -> bool:
        return not self.line and not self.own


def frees_in(channel: Channel, store: Store, clock: Clock) -> float:
    """Seconds until the pace lets one more through for somebody: channel, connections, or the first domain; 0: now."""
    now, limit = clock.now(), channel.shares.session
    with store.reading() as uow:
        wait = uow.pace.wait(channel.scope, channel.limit)
        domain = uow.pace.kept_back(channel.name, now)
    if limit is not None and channel.sessions:
        moment = math.floor(clock.monotonic() * 1000)
        wait = max(wait, min(one.wait(limit, moment) for one in channel.sessions.values()) / 1000)
    return wait or (max((domain - now).total_seconds(), 0.0) if domain is not None else 0.0)


class LinePace:
    """One line's; what its own connection did is remembered in this process only."""

    def __init__(self, channel: Channel, clock: Clock, owner: str, lane: Lane | None = None) -> None:
        self._channel = channel
        self._clock = clock
        self._owner = owner
        self._lane = lane
        self._limit = channel.limit if lane is not None else replace(channel.limit, reserve=0.0)
        self._session = channel.sessions.get(owner, Ledger(owner))

    def take(self, uow: UnitOfWork, dispatch: Dispatch) -> Room:
        """Grant one hand-over in every scope, or say how long to wait."""
        limit, now = self._channel.shares.session, self._now
        own = self._session.wait(limit, now) / 1000 if limit is not None else 0.0
        if own:
            return Room(line=own)
        waits, yields = self._grant(uow, self._asks(uow, dispatch))
        if not waits:
            if limit is not None:
                self._session = self._channel.sessions[self._owner] = self._session.granted(limit, now)
            return Room()
        mine = {scope: wait for scope, wait in waits.items() if not scope.startswith("channel:")}
        line = max((wait for scope, wait in waits.items() if scope not in mine), default=0.0)
        return Room(
            line=min(line, YIELDS) if yields else line,
            own=max(mine.values(), default=0.0),
            domain=any(scope.startswith("domain:") for scope in mine),
        )

    def _grant(self, uow: UnitOfWork, asks: list[tuple[str, PaceLimit]]) -> tuple[Mapping[str, float], bool]:
        """The scopes without room, and whether a place is left to the other lane. Where there is room in plenty nobody
        looks for who else waits."""
        scope, late = self._channel.scope, self._channel.late.get(self._owner, 0.0)
        if self._lane is None:  # a line that sends both leaves nothing to itself
            return uow.pace.take_all(asks, late=late), False
        waits = uow.pace.take_all(asks, leave={scope: Leave(reserve=True, places=1)}, late=late)
        if scope not in waits:
            return waits, False
        kept = self._channel.limit.urgent if self._lane is Lane.URGENT else None
        if kept is not None and not uow.pace.take_all([*asks, (f"urgent:{self._channel.name}", kept)], late=late):
            return {}, False
        leave = self._leave(uow, self._lane)
        return uow.pace.take_all(asks, leave={scope: leave}, late=late), leave.places > 0

    def _leave(self, uow: UnitOfWork, lane: Lane) -> Leave:
        """Places that both lanes wait for go to each in turn; some are kept for urgent mail to come, whoever's turn."""
        urgent = lane is Lane.URGENT
        if uow.dispatches.any_claimed(self._channel.name, Lane.ROUTINE if urgent else Lane.URGENT):
            its_turn = urgent_turn(uow.pace.granted(self._channel.scope), self._channel.shares.urgent)
            if its_turn is not urgent:
                return Leave(reserve=True, places=1)
        return Leave(reserve=not urgent)

    def in_time(self, elapsed: float) -> bool:
        """Whether a mail may still leave so many seconds after its grant; else the grant is lost.

        Later grants then count from later on, so that on a slow disk the next mail leaves.
        """
        late = self._channel.late.get(self._owner, 0.0)
        if elapsed > SLACK.total_seconds() + late:
            log.warning("channel %s: a start took %.1f s to write down", self._channel.name, elapsed)
            self._channel.late[self._owner] = 2 * elapsed
            return False
        if elapsed < late / 4:
            self._channel.late[self._owner] = late * 0.9
        return True

    def still_in_time(self, elapsed: float) -> bool:
        """The same once more, asked by the transport: the line may have had to be opened again."""
        return elapsed <= SLACK.total_seconds() + self._channel.late.get(self._owner, 0.0)

    def room(self, uow: UnitOfWork, within: float) -> int:
        """How many this line may hand over from now to ``within`` seconds on."""
        channel, limit = self._channel, self._channel.shares.session
        room = uow.pace.room(channel.scope, self._limit, within, Leave(reserve=self._lane is Lane.ROUTINE))
        return min(room, self._session.room(limit, self._now, math.floor(within * 1000))) if limit else room

    @property
    def _now(self) -> int:
        return math.floor(self._clock.monotonic() * 1000)

    def _asks(self, uow: UnitOfWork, dispatch: Dispatch) -> list[tuple[str, PaceLimit]]:
        channel, shares = self._channel, self._channel.shares
        asks = [(channel.scope, self._limit)]
        address = as_compared(dispatch.address)
        domain = address.rpartition("@")[2]
        limit = shares.of_domain(domain)
        if limit is not None:
            asks.append((f"domain:{channel.name}/{domain}", limit))
        if shares.mailbox is not None:
            asks.append((uow.pace.mailbox(channel.name, address), shares.mailbox))
        return asks

    def give_way(self, uow: UnitOfWork, dispatch: Dispatch, room: Room, now: datetime) -> None:
        """Its claim ends. Raises :class:`dispatcher.errors.LeaseLost`.

        A domain is kept back whole: there may be thousands behind this one. A mailbox's few get a time each, one after
        the other, so that they do not all come back for the next free place: but nobody is sent away for longer than
        :data:`IN_LINE`. Urgent mail wants that very place.
        """
        until = now + timedelta(seconds=room.own)
        if room.domain and dispatch.domain:
            uow.dispatches.release_claim(dispatch.id, dispatch.fence)
            uow.pace.keep_back(self._channel.name, dispatch.domain, until)
            return
        limit = self._channel.shares.mailbox
        waits_in_line = dispatch.due_at is None and dispatch.lane is not Lane.URGENT
        if limit is not None and not room.domain and waits_in_line:
            last = uow.pace.kept_back(self._channel.name, now, dispatch.address)
            if last is not None:
                until = max(until, min(last + timedelta(seconds=1 / limit.per_second), now + IN_LINE))
            uow.pace.keep_back(self._channel.name, dispatch.address, until)
        reason = BUSY_MAILBOX.format(time=paris(until).strftime("%H:%M"))
        uow.dispatches.move(
            dispatch.id, State.DEFERRED, fence=dispatch.fence, event="dispatch.paced", due_at=until, reason=reason
        )
        log.info("dispatch %s waits for the pace of its mailbox", dispatch.id)
