"""The pace as one line asks for it: channel, recipient domain, mailbox and connection, all at once or not at all.

Who must wait depends on what is used up. Channel or connection: the whole line. Domain or mailbox: that dispatch only,
others pass it; when it would take longer than the line stays, it gives way and comes back when there is room.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatcher.clock import Clock, paris
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.ledger import Ledger
from dispatcher.outbox.pacing import PaceLimit
from dispatcher.outbox.states import State
from dispatcher.ports import Store, UnitOfWork
from dispatcher.routing.addresses import as_compared
from dispatcher.service.channel import Channel

log = logging.getLogger(__name__)

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

    def __init__(self, channel: Channel, clock: Clock, owner: str) -> None:
        self._channel = channel
        self._clock = clock
        self._owner = owner
        self._session = channel.sessions.get(owner, Ledger(owner))

    def take(self, uow: UnitOfWork, dispatch: Dispatch) -> Room:
        """Grant one hand-over in every scope, or say how long to wait."""
        limit, now = self._channel.shares.session, self._now
        own = self._session.wait(limit, now) / 1000 if limit is not None else 0.0
        if own:
            return Room(line=own)
        asks = self._asks(uow, dispatch)
        waits = uow.pace.take_all(asks)
        if not waits:
            if limit is not None:
                self._session = self._channel.sessions[self._owner] = self._session.granted(limit, now)
            return Room()
        mine = {scope: wait for scope, wait in waits.items() if not scope.startswith("channel:")}
        return Room(
            line=max((wait for scope, wait in waits.items() if scope not in mine), default=0.0),
            own=max(mine.values(), default=0.0),
            domain=any(scope.startswith("domain:") for scope in mine),
        )

    def room(self, uow: UnitOfWork, within: float) -> int:
        """How many this line may hand over from now to ``within`` seconds on."""
        limit, room = self._channel.shares.session, uow.pace.room(self._channel.scope, self._channel.limit, within)
        return min(room, self._session.room(limit, self._now, math.floor(within * 1000))) if limit else room

    @property
    def _now(self) -> int:
        return math.floor(self._clock.monotonic() * 1000)

    def _asks(self, uow: UnitOfWork, dispatch: Dispatch) -> list[tuple[str, PaceLimit]]:
        channel, shares = self._channel, self._channel.shares
        asks = [(channel.scope, channel.limit)]
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
        the other, so that they do not all come back for the next free place.
        """
        until = now + timedelta(seconds=room.own)
        if room.domain and dispatch.domain:
            uow.dispatches.release_claim(dispatch.id, dispatch.fence)
            uow.pace.keep_back(self._channel.name, dispatch.domain, until)
            return
        limit = self._channel.shares.mailbox
        if limit is not None and not room.domain and dispatch.due_at is None:
            last = uow.pace.kept_back(self._channel.name, now, dispatch.address)
            if last is not None:
                until = max(until, last + timedelta(seconds=1 / limit.per_second))
            uow.pace.keep_back(self._channel.name, dispatch.address, until)
        reason = BUSY_MAILBOX.format(time=paris(until).strftime("%H:%M"))
        uow.dispatches.move(
            dispatch.id, State.DEFERRED, fence=dispatch.fence, event="dispatch.paced", due_at=until, reason=reason
        )
        log.info("dispatch %s waits for the pace of its mailbox", dispatch.id)
