"""When a person is told of an alarm: once at its start, once at its end, a digest between; never a flood.

The memory is a row a key (:class:`Incident`), so that a restart neither repeats nor forgets, and several nodes tell
once. What comes and goes is one incident: it ends when it has been gone for a while, longer each time it came back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from enum import StrEnum

from dispatcher.alarms.alarm import CODES, SINGLY, Alarm, Level
from dispatcher.clock import paris

SETTLES = timedelta(minutes=2)
"""How long an alarm must stand before it is told; an urgent one is told at once."""
GONE = timedelta(minutes=10)
"""How long it must be gone before its end is told; twice as long each time it came back."""
MOST_FLAPS = 3
CAME_BACK = timedelta(hours=6)
"""An alarm that begins again so soon after its end is flapping."""
REMEMBERED = timedelta(hours=24)
"""After its end."""
WORSE_AGAIN = timedelta(minutes=15)
"""The least between two messages that it got worse."""
MOST_SINGLE = 20
"""Of one code of ``SINGLY`` at once: from then on those not told yet are one incident with their number."""


class Kind(StrEnum):
    """Of a message."""

    START = "start"
    WORSE = "worse"
    """Twice as many as last told (of urgent ones: any more), or a further step passed."""
    REMINDER = "reminder"
    """A digest of all that stands."""
    END = "end"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One alarm from its beginning to its end; a row of the store."""

    key: str
    code: str
    level: Level
    text: str
    """What may leave the house."""
    hint: str
    count: int
    stage: int
    began_at: datetime
    """Seen first, or since when it is known to be so."""
    seen_at: datetime
    """First look that saw it: what must settle is counted from here."""
    told_at: datetime | None = None
    """Its start was told."""
    said_at: datetime | None = None
    """Anything was last said of it."""
    told_count: int = 0
    told_stage: int = 0
    reminders: int = 0
    gone_at: datetime | None = None
    """Not seen since."""
    over_at: datetime | None = None
    """Its end; kept for a while to know what flaps."""
    flaps: int = 0
    acked_at: datetime | None = None
    acked_by: str = ""
    ack_why: str = ""

    @property
    def stands(self) -> bool:
        """Not at its end."""
        return self.over_at is None

    @property
    def title(self) -> str:
        """Short, in French."""
        return CODES[self.code].title

    @property
    def subject(self) -> str:
        """Which channel, source, node or dispatch; may be empty."""
        return self.key.partition(":")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """How patient, when quiet."""

    reminders: tuple[timedelta, ...]
    """Waits before each reminder; the last one again and again."""
    is_quiet: Callable[[datetime], bool] = lambda now: False
    """Only urgent alarms are told now."""


def quiet_hours(begins: time, ends: time) -> Callable[[datetime], bool]:
    """By the clock on the wall in Paris; an end at or before the beginning is on the next day."""

    def is_quiet(now: datetime) -> bool:
        at = paris(now).time()
        return begins <= at < ends if begins < ends else at >= begins or at < ends

    return is_quiet


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something to be told by every way."""

    kind: Kind
    at: datetime
    key: str
    """Of the incident; of a reminder empty."""
    incidents: tuple[Incident, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What is to be written down and told."""

    changed: tuple[Incident, ...]
    forgotten: tuple[str, ...]
    messages: tuple[Message, ...]


def judge(known: Mapping[str, Incident], standing: Sequence[Alarm], rules: Telling, now: datetime) -> Judged:
    """One look: ``standing`` is every alarm there is now."""
    seen = _by_key(standing, known, now)
    quiet = rules.is_quiet(now)
    after: dict[str, Incident] = {}
    messages: list[Message] = []
    forgotten: list[str] = []
    for key in sorted({*known, *seen}):
        here, before = seen.get(key), known.get(key)
        if here is not None:
            one, kind = _told(_seen(before, here, now), now, quiet=quiet)
        elif before is not None and (kept := _unseen(before, seen, now, quiet=quiet)) is not None:
            one, kind = kept
        else:
            forgotten.append(key)
            continue
        after[key] = one
        if kind is not None:
            messages.append(Message(kind=kind, at=now, key=key, incidents=(one,)))
    messages += _digest(after, rules, now, quiet=quiet)
    changed = tuple(one for key, one in after.items() if one != known.get(key))
    return Judged(changed=changed, forgotten=tuple(forgotten), messages=tuple(messages))


def _by_key(standing: Iterable[Alarm], known: Mapping[str, Incident], now: datetime) -> dict[str, Incident]:
    """Several alarms of one key are one incident with their number."""
    grouped: dict[str, list[Alarm]] = {}
    for one in standing:
        grouped.setdefault(one.key, []).append(one)
    for code in SINGLY:
        _fold(code, grouped, known)
    return {key: _one_of(key, together, now) for key, together in grouped.items()}


def _fold(code: str, grouped: dict[str, list[Alarm]], known: Mapping[str, Incident]) -> None:
    """Too many at once are one. What stands by itself stays so: its end would be told while it lasts."""
    singles = [key for key in grouped if key.startswith(f"{code}:")]
    if len(singles) > MOST_SINGLE:
        for key in singles:
            if key not in known or not known[key].stands:
                grouped.setdefault(code, []).extend(grouped.pop(key))


def _one_of(key: str, together: Sequence[Alarm], now: datetime) -> Incident:
    first = together[0]
    count = sum(one.count for one in together)
    text = first.outside or first.text
    if len(together) > 1:
        text = f"{count} fois : {CODES[first.code].page}. La première : {text}"
    return Incident(
        key=key,
        code=first.code,
        level=max((one.level for one in together), key=list(Level).index),
        text=f"{text[0].upper()}{text[1:]}",
        hint=first.hint,
        count=count,
        stage=max(one.stage for one in together),
        began_at=min((one.since for one in together if one.since is not None), default=now),
        seen_at=now,
    )


def _seen(before: Incident | None, here: Incident, now: datetime) -> Incident:
    if before is None:
        return here
    if before.over_at is not None:
        flaps = min(before.flaps + 1, MOST_FLAPS) if _since(before.over_at, now) < CAME_BACK else 0
        return replace(here, flaps=flaps)
    flaps = before.flaps
    if before.gone_at is not None and before.told_at is not None:
        flaps = min(flaps + 1, MOST_FLAPS)
    told_count = min(before.told_count, here.count) if here.key in SINGLY else before.told_count
    return replace(
        before, level=here.level, text=here.text, hint=here.hint, count=here.count, stage=here.stage,
        gone_at=None, flaps=flaps, told_count=told_count,
    )  # fmt: skip


def _told(one: Incident, now: datetime, *, quiet: bool) -> tuple[Incident, Kind | None]:
    """Its start or that it is worse, when it is time for it."""
    urgent = one.level is Level.URGENT
    if quiet and not urgent:
        return one, None
    if one.told_at is None:
        settles = timedelta() if urgent and not one.flaps else SETTLES
        if _since(one.seen_at, now) < settles:
            return one, None
        return replace(_said(one, now), told_at=now), Kind.START
    waited = one.said_at is None or _since(one.said_at, now) >= WORSE_AGAIN
    grew = one.count > one.told_count if urgent else one.count >= 2 * one.told_count
    if waited and grew:
        return replace(_said(one, now), acked_at=None, acked_by="", ack_why=""), Kind.WORSE
    if waited and one.stage > one.told_stage:
        return _said(one, now), Kind.WORSE
    return one, None


def _said(one: Incident, now: datetime) -> Incident:
    return replace(one, said_at=now, told_count=one.count, told_stage=one.stage)


def _since(moment: datetime, now: datetime) -> timedelta:
    """Also of a moment to come, which a clock that was set back leaves behind: nobody waits for it."""
    return abs(now - moment)


def _unseen(
    one: Incident, seen: Mapping[str, Incident], now: datetime, *, quiet: bool
) -> tuple[Incident, Kind | None] | None:
    """What is gone; None: to be forgotten. What was never told ends without a word."""
    if one.over_at is not None:
        return (one, None) if _since(one.over_at, now) < REMEMBERED else None
    if one.key in SINGLY and (one.gone_at is None or any(key.startswith(f"{one.key}:") for key in seen)):
        return replace(one, gone_at=now, told_count=0), None  # the rest of it may stand one by one: not its end
    if one.gone_at is None:
        return replace(one, gone_at=now), None
    if _since(one.gone_at, now) < GONE * 2**one.flaps:
        return one, None
    if one.told_at is None:
        return None
    if quiet and one.level is not Level.URGENT:
        return one, None
    return replace(one, over_at=now), Kind.END


def _digest(after: dict[str, Incident], rules: Telling, now: datetime, *, quiet: bool) -> list[Message]:
    """One reminder of all that stands when one of them is due; those seen to by a person rest."""
    open_ones = [one for one in after.values() if _to_remind(one) and not (quiet and one.level is not Level.URGENT)]
    if not any(_due(one, rules, now) for one in open_ones):
        return []
    told = tuple(replace(one, said_at=now, reminders=one.reminders + 1) for one in open_ones)
    after.update({one.key: one for one in told})
    return [Message(kind=Kind.REMINDER, at=now, key="", incidents=told)]


def _to_remind(one: Incident) -> bool:
    told = one.stands and one.told_at is not None and one.gone_at is None
    return told and one.acked_at is None and one.level is not Level.NOTICE


def _due(one: Incident, rules: Telling, now: datetime) -> bool:
    if not rules.reminders or one.said_at is None:
        return False
    return _since(one.said_at, now) >= rules.reminders[min(one.reminders, len(rules.reminders) - 1)]


def acknowledged(one: Incident, now: datetime, *, by: str, why: str) -> Incident:
    """A person sees to it as it is now: no reminder any more; its end is told, a further step and growth too."""
    return replace(one, told_count=one.count, acked_at=now, acked_by=by, ack_why=why)
