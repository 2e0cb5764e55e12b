"""The count of one pace: what was granted, and by when, as far as somebody can prove it.

A ledger holds no list of hand-overs but *facts*: "by moment *t*, at least *c* had been granted in all". How many were
granted within the last *span* is then at most *count − c* of the newest fact that is a span old. A fact may be late,
never early; so whoever comes by facts (a node that looks at the row now and then, a process that just started and knows
nothing but what the last writer wrote) may be too careful, never too generous. Facts of several sources are joined by
taking, for each moment, the highest count: nothing needs a clock that two machines share.

Moments are milliseconds of one machine's monotonic clock. A fact is left out where the two beside it stand no more than
a slot apart, :data:`SLOTS` to a window: a hundredth of the rate is what the short form costs, however often it is made.

Pure; ``store/pace.py`` keeps it, ``outbox/pacing.py`` says what is allowed.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dispatcher.outbox.pacing import ALL, Leave, PaceLimit, Rule

SLOTS = 100
YIELD = 500
"""Milliseconds until one who leaves every place to somebody else looks again."""

Fact = tuple[int, int]
"""(moment, count): by then at least so many had been granted."""


@dataclass(frozen=True, slots=True)
class Track:
    """The facts for one span. ``base``: so many were granted longer ago than the span."""

    base: int = 0
    facts: tuple[Fact, ...] = ()
    """Moment and count rise from one to the next."""

    def noted(self, at: int, count: int, kept: int) -> Track:
        """With one more fact; what is a span old becomes the base."""
        old = bisect_right(self.facts, at - kept, key=_moment)
        base = self.facts[old - 1][1] if old else self.base
        facts = list(self.facts[old:])
        if count > (facts[-1][1] if facts else base):
            _add(facts, max(at, facts[-1][0]) if facts else at, count, kept // SLOTS)
        return Track(base, tuple(facts))

    def joined(self, other: Track, kept: int) -> Track:
        """What both know."""
        if self == other:
            return self
        base = max(self.base, other.base)
        facts: list[Fact] = []
        highest, slot = base, kept // SLOTS
        for at, count in sorted((*self.facts, *other.facts)):
            if count > highest:
                _add(facts, at, count, slot)
                highest = count
        return Track(base, tuple(facts))

    def moved(self, by: int) -> Track:
        """In the time of another clock that shows ``by`` more."""
        return Track(self.base, tuple((at + by, count) for at, count in self.facts))

    def by(self, at: int) -> int:
        """How many were granted by then, at least."""
        place = bisect_right(self.facts, at, key=_moment)
        return self.facts[place - 1][1] if place else self.base

    def free_at(self, count: int, most: int, span: int) -> int | None:
        """From when one more makes no more than ``most`` in any span; None: always so."""
        needed = count + 1 - most
        if needed <= self.base:
            return None
        return self.facts[bisect_left(self.facts, needed, key=_count)][0] + span


def _add(facts: list[Fact], at: int, count: int, slot: int) -> None:
    """The newest fact; the one before goes where the gap it leaves is no longer than a slot."""
    if (facts and facts[-1][0] == at) or (len(facts) > 1 and at - facts[-2][0] <= slot):
        facts.pop()
    facts.append((at, count))


def _moment(fact: Fact) -> int:
    return fact[0]


def _count(fact: Fact) -> int:
    return fact[1]


@dataclass(frozen=True, slots=True)
class Ledger:
    """``count`` grants in all; a :class:`Track` for each span (milliseconds) that is asked about.

    ``name`` tells a ledger from one that began anew under the same scope: facts of the one say nothing of the other.
    """

    name: str
    count: int = 0
    tracks: Mapping[int, Track] = field(default_factory=dict)

    def wait(self, limit: PaceLimit, now: int, age: float = 0.0, leave: Leave = ALL) -> int:
        """Milliseconds until one more may be granted; 0: now. ``age``: seconds since the first grant."""
        due = now
        for rule in limit.rules(age, _chance(self.name, self.count), leave):
            if not rule.most:
                due = max(due, now + YIELD)
                continue
            free_at = self._track(rule.kept).free_at(self.count, rule.most, rule.span)
            due = max(due, free_at if free_at is not None else due)
        return due - now

    def room(self, limit: PaceLimit, now: int, within: int, age: float = 0.0, leave: Leave = ALL) -> int:
        """How many at most may be granted from ``now`` to ``within`` milliseconds on."""

        def of(rule: Rule) -> int:
            again, rest = divmod(within, rule.span)
            used = self.count - self._track(rule.kept).by(now + rest - rule.span)
            return max(0, rule.most - used) + again * rule.most

        return min(of(rule) for rule in limit.rules(age, 0.0, leave) if rule.span)

    def granted(self, limit: PaceLimit, now: int, age: float = 0.0) -> Ledger:
        """With one more grant at ``now`` or a little later; there must have been room (:meth:`wait`)."""
        spans = {rule.kept for rule in limit.rules(age, 0.0)}
        tracks = {span: self._track(span).noted(now + 1, self.count + 1, span) for span in {*spans, *self.tracks}}
        kept = {span: track for span, track in tracks.items() if span in spans or len(track.facts) > 1}
        return Ledger(self.name, self.count + 1, kept)

    def charged(self, limit: PaceLimit, now: int) -> Ledger:
        """As if the first window had just been used up: for a past that nobody wrote down."""
        window = limit.windows[0]
        count = self.count + window.most
        return Ledger(self.name, count, {window.span: Track(self.count, ((now + 1, count),))})

    def joined(self, other: Ledger) -> Ledger:
        """What both know, of this one's count; nothing from another ledger, or one that is further."""
        if other.name != self.name or other.count > self.count:
            return self
        both = self.tracks.keys() & other.tracks.keys()
        shared = {span: self.tracks[span].joined(other.tracks[span], span) for span in both}
        return Ledger(self.name, self.count, {**self.tracks, **shared})

    def moved(self, by: int) -> Ledger:
        """In the time of another clock that shows ``by`` more."""
        return Ledger(self.name, self.count, {span: track.moved(by) for span, track in self.tracks.items()})

    def idle(self, now: int) -> bool:
        """Nothing of it counts any more."""
        return all(not track.facts or track.facts[-1][0] + span <= now for span, track in self.tracks.items())

    def _track(self, span: int) -> Track:
        """A span nobody asked about before takes over what the longest one knows; older grants are not known to it."""
        if span in self.tracks:
            return self.tracks[span]
        return self.tracks[max(self.tracks)] if self.tracks else Track(self.count)

    def as_json(self) -> dict[str, object]:
        """Short: each fact as what it adds to the one before."""
        return {"id": self.name, "n": self.count, "spans": {str(s): list(_short(t)) for s, t in self.tracks.items()}}


def from_json(found: Mapping[str, object]) -> Ledger:
    """Raises ValueError, KeyError or TypeError when it is none of ours."""
    spans = found["spans"]
    count = found["n"]
    if not isinstance(spans, Mapping) or not isinstance(count, int):
        raise ValueError("not a ledger")
    return Ledger(str(found["id"]), count, {int(span): _long(numbers) for span, numbers in spans.items()})


def _short(track: Track) -> Iterable[int]:
    at, count = 0, track.base
    yield track.base
    for moment, total in track.facts:
        yield moment - at
        yield total - count
        at, count = moment, total


def _long(numbers: list[int]) -> Track:
    at, count = 0, numbers[0]
    facts: list[Fact] = []
    for place in range(1, len(numbers), 2):
        at += numbers[place]
        count += numbers[place + 1]
        facts.append((at, count))
    return Track(numbers[0], tuple(facts))


def _chance(name: str, count: int) -> float:
    """The same for all who look at the same ledger, so that asking again does not change the answer."""
    return zlib.crc32(f"{name}/{count}".encode()) / 2**32
