"""The longest waits the program sets by itself. Pure.

A moment further ahead was written by a clock that stood in the future and was set right since: nobody means to wait for
it. A pause that a person set has no end, and so is never one of these.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from dispatcher.outbox.breaker import BreakerRule
from dispatcher.outbox.retry import RetryPolicy

MARGIN = timedelta(minutes=1)
"""By which the clocks of nodes may differ, and a wait be longer than it says."""
BEHIND = timedelta(minutes=1)
"""How much later than the others a mail is due that paused its channel twice in a row."""
IN_LINE = timedelta(hours=6)
"""For a place in the line before one mailbox (``service/line_pace.py``)."""
DOMAIN = timedelta(minutes=5)
"""For the pace of a domain, which is counted by the minute."""
ANSWER = timedelta(days=1)
"""Until a LIS is offered an answer again: the most ``retry_minutes`` can say."""
LEASE = timedelta(hours=1)
"""For the end of a lease; a node may be set to longer ones than this one."""
PATIENT = timedelta(hours=48)
"""No wait shorter than this is absurd, whatever this node is set to: another may be set to more patience."""
URGENT = timedelta(hours=1)
"""As :data:`PATIENT`, until somebody hears of urgent mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Longest:
    """Of one installation; the defaults are those of the settings."""

    retry: timedelta = RetryPolicy().longest
    """Until a mail is tried again, or its channel after a fault of ours."""
    rest: timedelta = BreakerRule().maximum
    """Of a destination."""
    urgent: timedelta = timedelta(minutes=10)
    """Until somebody hears of urgent mail."""
    lease: timedelta = timedelta(minutes=2)

    @classmethod
    def of(cls, policies: Iterable[RetryPolicy], urgent: timedelta, lease: timedelta) -> Longest:
        """``policies``: of every channel."""
        return cls(retry=max((one.longest for one in policies), default=cls().retry), urgent=urgent, lease=lease)

    @property
    def due(self) -> timedelta:
        """Until a deferred mail is queued again."""
        return max(self.retry + BEHIND, IN_LINE, PATIENT) + MARGIN

    @property
    def paused(self) -> timedelta:
        """Until a channel is tried again."""
        return max(self.retry, PATIENT) + MARGIN

    @property
    def told(self) -> timedelta:
        """Until somebody hears of urgent mail."""
        return max(self.urgent, URGENT) + MARGIN

    @property
    def probe(self) -> timedelta:
        """Until a destination may be tried, or until its probe counts as lost."""
        return max(self.rest, self.lease, PATIENT) + MARGIN

    @property
    def leased(self) -> timedelta:
        """Until a lease ends."""
        return max(LEASE, 2 * self.lease)
