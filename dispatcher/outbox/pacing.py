"""How many hand-overs are allowed: the limits of a channel, a recipient domain, a mailbox or an SMTP session.

A limit is a few sliding windows; all of them must have room (promise 4). The count is kept by
:mod:`dispatcher.outbox.ledger`; here stands only what is allowed. Pure.

A window is kept a little longer than it says, :data:`DRIFT` and :data:`SLACK`: between the grant and the first byte
lies a commit, and a machine's seconds are not quite a second.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

DRIFT = 0.001
"""Share by which a machine's clock may run fast: NTP turns one by 0.0005 at most, a quartz is off by 0.0001."""
SLACK = timedelta(milliseconds=250)
"""By how much two hand-overs may come closer to each other than their grants were."""
HASTE = 0.95
"""Share of the mean time that a burst takes before the next may leave. Below 1, so that what a late line did not use is
made up within the window."""
HEAD_START = 50
"""Milliseconds that who leaves a place to somebody else looks later than he."""
DAY = timedelta(days=1)
LEAST_SHARED = 20
"""A window with room for fewer is too small to keep a place of it free all the time."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Places of every window that somebody else is to find free."""

    reserve: bool = False
    """Those kept for urgent mail (:attr:`PaceLimit.reserve`)."""
    places: int = 0
    """So many besides."""


ALL = Leave()
"""Nothing is left to anybody."""


@dataclass(frozen=True, slots=True)
class Window:
    """At most ``most`` hand-overs in any time of ``length``."""

    most: int
    length: timedelta

    def __post_init__(self) -> None:
        if self.most < 1 or self.length <= timedelta(0):
            raise ValueError("a window lets at least one through and lasts")

    @property
    def span(self) -> int:
        """Milliseconds it is kept for: its length with :data:`DRIFT` and :data:`SLACK`."""
        return math.ceil((self.length * (1 + DRIFT) + SLACK).total_seconds() * 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceLimit:
    """At most ``per_window`` hand-overs in any ``window``, what ``longer`` windows say, ``burst`` at one instant."""

    per_window: int
    window: timedelta
    burst: int
    """Also the most in the time that so many take at the mean rate (times :data:`HASTE`): a window's worth is spread
    over the window instead of leaving in its first second."""
    longer: tuple[Window, ...] = ()
    jitter: float = 0.0
    """0 to 0.5. Each hand-over leaves a gap behind it: a chance share of the mean time between two (times
    :data:`HASTE`), this much on average. So mails are spread instead of marching in step, and none of the rate is lost.
    """
    warm_up: tuple[tuple[int, int], ...] = ()
    """``(day, most)`` in rising days: up to and with that day of 24 hours since the first hand-over, at most so many in
    any 24 hours. Empty, or past the last day: no further limit."""

    reserve: float = 0.0
    """Share of each window that routine mail leaves to urgent mail to come (:class:`Leave`)."""

    def __post_init__(self) -> None:
        if not 1 <= self.burst <= self.per_window:
            raise ValueError("burst must be between 1 and per_window")
        if not 0 <= self.jitter <= 0.5:
            raise ValueError("jitter must be between 0 and 0.5")
        days = [day for day, _ in self.warm_up]
        if any(least < 1 for row in self.warm_up for least in row) or days != sorted(set(days)):
            raise ValueError("warm_up must be rows of (day, most) in rising days")

    @property
    def windows(self) -> tuple[Window, ...]:
        """All that are promised, but for the warm-up."""
        return (Window(self.per_window, self.window), *self.longer)

    @property
    def per_second(self) -> float:
        """Mean rate that all windows together allow for ever."""
        return min(one.most / one.length.total_seconds() for one in self.windows)

    @property
    def longest(self) -> timedelta:
        """After so long without a hand-over nothing of the past counts any more."""
        return max([one.length for one in self.windows] + ([DAY] if self.warm_up else []))

    def seconds_for(self, count: int) -> float:
        """How long ``count`` hand-overs take, none having left lately: the burst at once, the rest at the mean rate."""
        if count <= self.burst:
            return 0.0
        waits = [(count - self.burst) * self.window.total_seconds() / self.per_window]
        waits += [(count - one.most) * one.length.total_seconds() / one.most for one in self.longer]
        return max(waits)

    def rules(self, age: float, chance: float, leave: Leave = ALL) -> tuple[Rule, ...]:
        """What must have room for one more. ``age``: seconds since the first hand-over; ``chance`` in [0, 1)."""

        def mine(most: int, kept: int) -> int:
            return max(0, most - (kept if leave.reserve else 0) - leave.places)

        found = [Rule(mine(one.most, self.kept_of(one.most)), one.span, one.span) for one in self.windows]
        warm = self.warming(age)
        if warm is not None:
            span = Window(warm, DAY).span
            found.append(Rule(mine(warm, self.kept_of(warm)), span, span))
        interval = math.floor(self.window.total_seconds() * 1000 / self.per_window * HASTE)
        if self.burst < self.per_window and interval:
            kept = min(self.kept_of(self.per_window), self.burst - 1)  # its time is the others', or some rate were lost
            found.append(Rule(mine(self.burst, kept), interval * self.burst, interval * (self.burst - kept)))
        if self.jitter and interval:
            gap = math.floor(interval * 2 * self.jitter * chance)
            found.append(Rule(1, interval, min(interval, gap + HEAD_START) if leave.places else gap))
        return tuple(found)

    def kept_of(self, most: int) -> int:
        """How many of a window's ``most`` are kept for urgent mail: one at least, none of a small window."""
        return max(1, int(most * self.reserve)) if self.reserve and most >= LEAST_SHARED else 0

    @property
    def urgent(self) -> PaceLimit | None:
        """What is kept for urgent mail, as a limit of its own; None when nothing is."""
        count = self.kept_of(self.per_window)
        longer = tuple(Window(max(1, self.kept_of(one.most)), one.length) for one in self.longer)
        return PaceLimit(per_window=count, window=self.window, burst=count, longer=longer) if count else None

    def warming(self, age: float) -> int | None:
        """The most in any 24 hours at that age of the account; None once it is warm."""
        day = int(age // DAY.total_seconds()) + 1
        return next((most for until, most in self.warm_up if day <= until), None)


def urgent_turn(count: int, share: float) -> bool:
    """Whether the hand-over after ``count`` is urgent mail's when routine mail wants it too."""
    return int((count + 1) * share) > int(count * share)


@dataclass(frozen=True, slots=True)
class Rule:
    """At most ``most`` (0: none now) in ``span`` milliseconds, counted over facts kept for ``kept`` milliseconds."""

    most: int
    kept: int
    span: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """What one domain, one mailbox, one SMTP session may get of a channel's pace. None: as much as there is."""

    domain: PaceLimit | None = None
    domains: Mapping[str, PaceLimit] = field(default_factory=dict)
    """Domains (lower case) with a limit of their own instead."""
    mailbox: PaceLimit | None = None
    session: PaceLimit | None = None
    urgent: float = 0.7
    """Of the places that urgent and routine mail both wait for."""

    def of_domain(self, domain: str) -> PaceLimit | None:
        """The limit of that domain."""
        return self.domains.get(domain, self.domain)


def per_minute(
    count: int,
    burst: int | None = None,
    *,
    longer: tuple[Window, ...] = (),
    jitter: float = 0.0,
    warm_up: tuple[tuple[int, int], ...] = (),
    reserve: float = 0.0,
) -> PaceLimit:
    """``count`` in any 60 seconds; the default burst is a quarter of it."""
    return PaceLimit(
        per_window=count,
        window=timedelta(minutes=1),
        burst=min(count, burst or max(1, count // 4)),
        longer=longer,
        jitter=jitter,
        warm_up=warm_up,
        reserve=reserve,
    )
