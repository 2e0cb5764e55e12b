"""The ladder: what is done, and when, about a mail that nobody reads. Pure: time and facts are handed in.

A ladder is data: rungs in order, each with what it does and how long it waits after the one before (the first: after
the mail left). So a service that stood still for a week, or a clock set forward, brings one rung at a time, never all
at once. Each rung of a dispatch is climbed once. Reading, an end, a newer version or a person who takes it over stops
the climb.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from dispatcher.outbox.calendar import ALWAYS, Calendar
from dispatcher.outbox.dispatch import Dispatch, Lane
from dispatcher.outbox.states import State

UNREAD = frozenset({State.SENT, State.DELIVERED})
"""It left, and nobody has read it yet."""
CLIMBING = UNREAD | {State.PAPER}
"""States in which the ladder goes on: on paper it waits for somebody to print it."""


class Rung(StrEnum):
    """What a rung does."""

    REMIND = "remind"
    """The laboratory is told, with all others of the day: a digest."""
    SECOND = "second"
    """The same version to another box of the recipient, or to the one the laboratory named for it."""
    PAPER = "paper"
    """To be printed and posted."""
    PERSON = "person"
    """An alarm that stands until a named person says that he has taken it over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One rung as the laboratory set it."""

    rung: Rung
    wait: timedelta
    """After the rung before; after the mail left, for the first."""
    working: bool = True
    """``wait`` counts working hours only; else the hours of the clock."""
    whom: str = ""
    """Who is named, for :attr:`Rung.PERSON`."""
    always: bool = False
    """Climbed even where no reading can be hoped for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The rungs of one urgency on one channel, lowest first."""

    steps: tuple[Step, ...] = ()
    calendar: Calendar = field(default=ALWAYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """The rung that comes next."""

    number: int
    """Its place in the ladder, from 1."""
    step: Step
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderRules:
    """What the site decided."""

    ladders: Mapping[str, Mapping[Lane, Ladder]]
    """By channel."""
    expects_read: Callable[[Dispatch, bool | None], bool]
    """Whether a read receipt can be hoped for from its recipient, given what was learned of him (None: nothing)."""
    digest_every: timedelta = timedelta(hours=4)
    seconds: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By source: code or number of a recipient to the code of his stand-in (``service/second_way.py``)."""

    @property
    def longest(self) -> timedelta:
        """No rung waits longer, holidays and a week of closed days included: further ahead is a wrong clock's."""
        waits = (step for both in self.ladders.values() for one in both.values() for step in one.steps)
        return max((SLACK + step.wait * (OPEN_SHARE if step.working else 1) for step in waits), default=SLACK)


SLACK = timedelta(days=30)
OPEN_SHARE = 12
"""An hour of work takes less than this by the clock, over weeks, at six hours a day and five days a week."""


def next_step(
    ladder: Ladder,
    *,
    state: State,
    since: datetime,
    taken: int,
    expects_read: bool,
    acknowledged: bool = False,
    superseded: bool = False,
    printed: bool = False,
) -> Next | None:
    """The rung after the ``taken`` first ones, and when; None: the climb is over.

    ``since``: when the last one was taken, or when the mail left. ``expects_read``: the recipient's side is known to
    send read receipts; without, its silence says nothing and only rungs set as ``always`` are climbed. What a rung
    cannot do in ``state`` is passed over.
    """
    if state not in CLIMBING or acknowledged or superseded or (state is State.PAPER and (printed or not taken)):
        return None
    for number, step in enumerate(ladder.steps[taken:], taken + 1):
        if not (expects_read or step.always):
            continue
        at = ladder.calendar.after(since, step.wait) if step.working else since + step.wait
        if at is None:
            return None
        if possible(step.rung, state):
            return Next(number=number, step=step, at=at)
    return None


def possible(rung: Rung, state: State) -> bool:
    """On paper already, all that is left is to find somebody who prints it."""
    return state in UNREAD or (state is State.PAPER and rung is Rung.PERSON)
