"""Figures: how many dispatches of a day became what, and how long it took from the file to each step. Pure.

Times are kept as a histogram of buckets 5 % wide, so that days, recipients and domains add up, and a median of a
million dispatches is read from a few rows; it is right to 2.5 %.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dispatcher.outbox.states import State

WIDTH = 1.05
STEPS = ("sent", "delivered", "read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One dispatch as far as figures go."""

    channel: str
    domain: str
    address: str
    label: str
    state: State
    fault: str
    received_at: datetime
    """Of its file."""
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None

    def reached(self, step: str) -> datetime | None:
        """When it was ``sent``, ``delivered`` or ``read``."""
        moment: datetime | None = getattr(self, f"{step}_at")
        return moment


@dataclass(slots=True)
class Figures:
    """Of some set of dispatches."""

    states: Counter[str] = field(default_factory=Counter)
    """Number in each state."""
    times: dict[str, Counter[int]] = field(default_factory=lambda: {step: Counter() for step in STEPS})
    """For each step, from the file to it: number by bucket."""
    faults: Counter[str] = field(default_factory=Counter)
    """What the failed ones failed for."""

    @property
    def count(self) -> int:
        return sum(self.states.values())

    def reached(self, step: str) -> int:
        """How many ever got there."""
        return sum(self.times[step].values())

    def add(self, life: Life) -> None:
        """One more."""
        self.states[life.state.value] += 1
        for step in STEPS:
            moment = life.reached(step)
            if moment is not None:
                self.times[step][bucket((moment - life.received_at).total_seconds())] += 1
        if life.state is State.FAILED:
            self.faults[life.fault or "?"] += 1

    def merge(self, other: Figures) -> None:
        """All of another set, of other dispatches."""
        self.states.update(other.states)
        self.faults.update(other.faults)
        for step in STEPS:
            self.times[step].update(other.times[step])

    def absorb(self, kept: Mapping[str, Any]) -> None:
        """The same of what :meth:`as_json` gave: nothing is built for each of many rows."""
        for mine, theirs in ((self.states, kept["states"]), (self.faults, kept["faults"])):
            for name, count in theirs.items():
                mine[name] += count
        for step, theirs in kept["times"].items():
            times = self.times[step]
            for number, count in theirs.items():
                times[int(number)] += count

    def quantile(self, step: str, share: float) -> float | None:
        """Seconds within which that share of those that got there did; None when none did."""
        return quantile(self.times[step], share)

    def as_json(self) -> dict[str, Any]:
        """To be kept."""
        times = {step: {str(one): count for one, count in times.items()} for step, times in self.times.items() if times}
        return {"states": dict(self.states), "times": times, "faults": dict(self.faults)}


def bucket(seconds: float) -> int:
    """Number of the bucket; a clock that stepped back counts as no time."""
    return math.floor(math.log1p(max(seconds, 0.0)) / math.log(WIDTH))


def middle(number: int) -> float:
    """Seconds in the middle of a bucket."""
    return float(WIDTH ** (number + 0.5) - 1)


def quantile(times: Mapping[int, int], share: float) -> float | None:
    """See :meth:`Figures.quantile`."""
    wanted = share * sum(times.values())
    seen = 0
    for number in sorted(times):
        seen += times[number]
        if seen >= wanted and seen:
            return middle(number)
    return None


def gather(lives: Iterable[Life]) -> dict[tuple[str, str], tuple[Life, Figures]]:
    """By channel and address: one of them (for its label and domain), and the figures of all."""
    found: dict[tuple[str, str], tuple[Life, Figures]] = {}
    for life in lives:
        _, figures = found.setdefault((life.channel, life.address), (life, Figures()))
        figures.add(life)
    return found
