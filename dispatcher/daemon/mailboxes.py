"""The steps about our own mailboxes: reading to the end, patience after a fault, care, and what silence teaches."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing
from datetime import datetime

from dispatcher.clock import Clock
from dispatcher.daemon.membership import Membership
from dispatcher.errors import DispatcherError
from dispatcher.ports import Mailbox
from dispatcher.service import alarms
from dispatcher.service.climb import HEARD
from dispatcher.service.collect import FULL, Collected, collect
from dispatcher.service.internal import place
from dispatcher.service.mailbox_care import care
from dispatcher.service.support import learn
from dispatcher.wiring import Office

log = logging.getLogger(__name__)

FIRST = 30.0
LONGEST = 900.0
"""Seconds a mailbox is left alone after a fault; twice as long each time in a row."""
CARE_SECONDS = 3600.0
LEARN_SECONDS = 3600.0


PASSES = 10
"""Over one mailbox before the others have their turn."""


class Patience:
    """A wrong password tried every half minute locks an account; a dead server gets no better by asking."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waits: dict[str, float] = {}
        self._until: dict[str, float] = {}

    def rests(self, name: str) -> bool:
        """It failed lately: not now."""
        return self._clock.monotonic() < self._until.get(name, 0.0)

    def failed(self, name: str) -> None:
        """Leave it alone for a while."""
        wait = min(2 * self._waits[name], LONGEST) if name in self._waits else FIRST
        self._waits[name] = wait
        self._until[name] = self._clock.monotonic() + wait

    def worked(self, name: str) -> None:
        """It is read again."""
        self._waits.pop(name, None)
        self._until.pop(name, None)


def to_the_end(office: Office, name: str, mailbox: Mailbox) -> Collected:
    """Pass after pass while each is full: after a busy hour, or a standstill, thousands of notices may wait."""
    total, channel = Collected(), office.channels[name]
    for _ in range(PASSES):
        one = collect(name, mailbox, office.store, office.clock, channel.look_again, channel.opener)
        total.add(one)
        if one.mails < FULL:
            _hear(office, name)
        if one.settled < FULL:
            break
    return total


def reread(office: Office, since: datetime) -> dict[str, int | None]:
    """After a restore: what was settled since then is read again, by channel how many mails; None: it keeps none.

    Raises :class:`TransportError` for the first mailbox that cannot be read.
    """
    found: dict[str, int | None] = {}
    for name in office.channels:
        mailbox = office.open_mailbox(name)
        if mailbox is None:
            continue
        with closing(mailbox):
            keeps = mailbox.bring_back(since) is not None
            total = Collected()
            while (one := to_the_end(office, name, mailbox)).settled >= FULL:
                total.add(one)
            total.add(one)
            found[name] = total.mails if keeps else None
    return found


def _hear(office: Office, name: str) -> None:
    """Note now and then that the mailbox was read to its end: only then does silence say anything."""
    now = office.clock.now()
    with office.store.reading() as uow:
        before = uow.ladder.heard(name)
    if before is None or abs(now - before) > HEARD / 3:
        with office.store.transaction() as uow:
            uow.ladder.hear(name, now)


def care_all(office: Office, member: Membership | None = None) -> int:
    """Keep every mailbox light and look how full it is; gives how many were looked at.

    One that cannot be reached is told by those who read it.
    """
    return sum(care_one(office, name, member) for name in office.channels)


def care_one(office: Office, name: str, member: Membership | None = None) -> int:
    """As :func:`care_all`, the mailbox of one channel."""
    return _guarded(name, "care", lambda: _care_ours(office, name, member))


def _care_ours(office: Office, name: str, member: Membership | None) -> int:
    if member is None:
        return _care(office, name)
    held = member.take(alarms.mailbox(name), office.settings.service.collect_seconds)
    if held is None:
        return 0
    with member.using(held):
        return _care(office, name)


def _care(office: Office, name: str) -> int:
    settings = office.channels[name].settings.mailbox
    mailbox = office.open_mailbox(name) if settings is not None else None
    if settings is None or mailbox is None:
        return 0
    try:
        care(name, settings, mailbox, office.store, office.clock)
    finally:
        mailbox.close()
    return 1


def learn_all(office: Office) -> int:
    """What the silence of recipients teaches, channel by channel; gives how many mails were looked at."""
    return sum(
        _guarded(name, "learning", lambda channel=channel: learn(channel, office.store, office.clock))  # type: ignore[misc]
        for name, channel in office.channels.items()
    )


def _guarded(name: str, what: str, job: Callable[[], int]) -> int:
    """A fault of one mailbox stops no other."""
    try:
        return job()
    except DispatcherError as error:
        log.warning("channel %s: %s left out (%s)", name, what, error.code)
    except Exception as error:  # nobody foresaw it
        log.error("channel %s: %s: unexpected %s", name, what, place(error))
    return 0
