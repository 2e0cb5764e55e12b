"""The circuit breaker of a destination, and of a whole channel after a fault of ours. Pure: what was, what happened.

Closed, it lets everything through and counts what goes wrong in a row; open, nothing; half open, exactly one mail, the
probe (who it is, the store decides by one UPDATE). A probe that fails opens it again for twice as long.

A destination is a recipient domain. What the server says of one mailbox or one mail (RFC 3463 subjects 1, 2, 6, 7 of
class 5, a full box) says nothing of its domain. Our operator accepts mail for a domain that is down, so what notices
say (DSN: subject 4, network and routing; 1.2, bad destination system) is counted apart, and no acceptance forgets it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from dispatcher.outbox.retry import FULL_REPLIES, backoff

CLOSING = 421
"""The operator hangs up (RFC 5321 §3.8)."""
CHANNEL = "*"
"""Stands for the channel itself where a domain is named: no domain is written so."""


class Circuit(StrEnum):
    """State of a breaker."""

    CLOSED = ""
    OPEN = "open"
    HALF = "half"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRule:
    """How much a destination may go wrong, and how long it then rests."""

    failures: int = 5
    """In a row, on the line or by notices, until it opens."""
    first: timedelta = timedelta(minutes=1)
    factor: float = 2.0
    maximum: timedelta = timedelta(minutes=30)

    def __post_init__(self) -> None:
        if self.failures < 1 or self.first <= timedelta(0) or self.factor < 1:
            raise ValueError("failures at least 1, first above zero, factor at least 1")

    def wait(self, openings: int) -> timedelta:
        """How long it rests the ``openings``-th time in a row."""
        return backoff(openings, self.first, self.factor, self.maximum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """What is known of one destination."""

    state: Circuit = Circuit.CLOSED
    failures: int = 0
    notices: int = 0
    openings: int = 0
    probe_at: datetime | None = None
    """When one mail may try; of ``half``: when the probe counts as lost."""

    def failed(self, rule: BreakerRule, now: datetime) -> Breaker:
        """A mail was not taken, for a reason that is the destination's.

        While it rests, that is one of those under way before: it makes the rest no longer.
        """
        counted = replace(self, failures=self.failures + 1)
        enough = self.state is Circuit.CLOSED and counted.failures >= rule.failures
        return counted.opened(rule, now) if enough or self.state is Circuit.HALF else counted

    def noticed(self, rule: BreakerRule, now: datetime) -> Breaker:
        """A notice said that a mail did not get through to it."""
        counted = replace(self, notices=self.notices + 1)
        opens = self.state is Circuit.CLOSED and counted.notices >= rule.failures
        return counted.opened(rule, now) if opens else counted

    def opened(self, rule: BreakerRule, now: datetime) -> Breaker:
        """It rests, longer every time in a row."""
        openings = self.openings + 1
        return replace(self, state=Circuit.OPEN, openings=openings, probe_at=now + rule.wait(openings))

    def paused(self, now: datetime) -> Breaker:
        """Of a channel: its pause keeps everything back; when that is over, one mail may try."""
        return replace(self, state=Circuit.OPEN, openings=self.openings + 1, probe_at=now)

    def passed(self) -> Breaker:
        """A mail was taken, or refused for a reason of its own: the way is open. Notices are not forgotten, so that one
        more opens it again after a probe."""
        return Breaker(notices=self.notices, openings=self.openings if self.notices else 0)

    def reached(self) -> Breaker:
        """A notice said that a mail is in a mailbox there."""
        return Breaker()


def says_destination(reply: int | None, status: str) -> bool:
    """Whether a refusal for now speaks of the destination: not of one mailbox, nor of our own line to the operator."""
    if reply is None or reply == CLOSING:
        return False
    subject, _, detail = status.partition(".")[2].partition(".")
    if reply in FULL_REPLIES and f"{subject}.{detail}" != "5.3":
        return False
    return subject not in {"1", "2", "6"}


def notice_says_destination(status: str) -> bool:
    """Whether a DSN's status (RFC 3463) speaks of the destination: its network, its routing, its very name."""
    detail = status.partition(".")[2]
    return detail.partition(".")[0] == "4" or detail == "1.2"
