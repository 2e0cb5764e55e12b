"""Whose turn it is: the dispatches a claim may take, at a cost that follows the work and not the backlog (ADR 0016).

Only ``queued`` rows stand in the index of claims; deferred ones that are due are queued first. Domains take turns, and
in a domain mailboxes do: both are walked by jumps through that index, never by reading past the thousands of mails of
one destination. Where the walk stands is remembered in this process only: it is a courtesy, nothing depends on it.

Left out, whole: a domain whose pace is used up or whose circuit is open (``destinations``), and a channel after a fault
of ours until one probe went through. Row by row: paused batches, versions that must wait (promise 3), and what may
be killing workers, which is claimed alone (``suspects.py``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    SmallInteger,
    Text,
    and_,
    bindparam,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)

from dispatcher.outbox.batching import PAUSED
from dispatcher.outbox.breaker import CHANNEL
from dispatcher.outbox.dispatch import Lane
from dispatcher.outbox.states import BLOCKING, State
from dispatcher.store.session import Session
from dispatcher.store.tables import SUSPECT, batches, destinations, in_state
from dispatcher.store.tables import dispatches as table
from dispatcher.store.turns import Turns

UNDER_WAY = (State.READY, State.QUEUED, *BLOCKING, State.DEFERRED, State.SENT, State.DELIVERED, State.READ)
"""A newer version in one of these makes the older one pointless."""
FLOOR = 0.3
"""Share of a claim that urgent mail leaves to routine mail."""
PAGE = 64
"""Domains looked at in one statement."""
LOOKED = 200
"""Domains looked at in one claim: a paused batch to thousands is walked past in several."""


class Guard(NamedTuple):
    """A circuit that was open: what is taken through it must first win the right to probe."""

    domain: str


_CLOSED = Guard("")


class Chosen(NamedTuple):
    """A row a claim may take."""

    id: str
    guard: Guard | None = None


class Queue:
    """What is queued on one channel, as one claim sees it."""

    def __init__(self, session: Session, channel: str, now: datetime, turns: Turns) -> None:
        self._session = session
        self._channel = channel
        self._now = now
        self._turns = turns
        self._ids: defaultdict[str, list[str]] = defaultdict(list)
        """Chosen already, by domain: mostly none, so that the statement stays the same and is planned once."""

    def of_lanes(self, lane: Lane | None, limit: int) -> list[Chosen]:
        """Of one lane, or of both: urgent mail first, but a part of what is taken together is routine."""
        if lane is not None:
            return self.choose(lane, limit)
        urgent = self.choose(Lane.URGENT, limit)
        routine = self.choose(Lane.ROUTINE, max(limit - len(urgent), int(limit * FLOOR)))
        return urgent[: limit - len(routine)] + routine

    def choose(self, lane: Lane, limit: int) -> list[Chosen]:
        """Up to ``limit`` rows of a lane that were not chosen before; each open domain gets its share of them."""
        chosen: list[Chosen] = []
        seen: set[str] = set()
        while len(chosen) < limit and len(seen) < LOOKED:
            wanted = limit - len(chosen)
            domains = self._domains(lane, wanted, seen)
            chosen += self._of_domains(lane, domains, wanted)
            if len(domains) < wanted:
                break  # one full turn; else some had nothing that may leave, and the next ones are asked
        return chosen

    def _of_domains(self, lane: Lane, domains: list[tuple[str, Guard | None]], limit: int) -> list[Chosen]:
        chosen: list[Chosen] = []
        while domains and len(chosen) < limit:
            share = max(1, (limit - len(chosen)) // len(domains))
            more: list[tuple[str, Guard | None]] = []
            for domain, guard in domains:
                wanted = min(1 if guard else share, limit - len(chosen))
                found = self._of_domain(lane, domain, wanted) if wanted else []
                chosen += [Chosen(one, guard) for one in found]
                if len(found) == wanted and guard is None:
                    more.append((domain, None))
            domains = more
        return chosen

    def _domains(self, lane: Lane, limit: int, seen: set[str]) -> list[tuple[str, Guard | None]]:
        """The next ``limit`` domains with something queued that may be sent to, in turn; none ``seen`` before."""
        walk = (self._channel, lane)
        last = self._turns.last(*walk)
        found: dict[str, Guard | None] = {}
        for first in (last, None) if last is not None else (None,):
            for row in self._walk(lane, first):
                if row.domain in seen or len(found) == limit:
                    break
                seen.add(row.domain)
                if (guard := self._may_pass(row)) is not _CLOSED:
                    found[row.domain] = guard
        if found:
            self._turns.served(*walk, name=next(reversed(found)))
        return list(found.items())

    def _walk(self, lane: Lane, after: str | None) -> Iterator[Any]:
        """Domains with something queued, by name, a page at a time."""
        while True:
            page = self._page(lane, after)
            yield from page
            if len(page) < PAGE:
                return
            after = page[-1].domain

    def _page(self, lane: Lane, after: str | None) -> Sequence[Any]:
        params = {"of_channel": self._channel, "of_lane": lane, "after": after}
        return self._session.read(_domains(after is None), params).all()

    def _may_pass(self, row: Any) -> Guard | None:
        """None: it may. Else what must be won first, :data:`_CLOSED` when nothing passes now."""
        if row.free_at is not None and row.free_at > self._now:
            return _CLOSED
        if not row.state:
            return None
        return Guard(row.domain) if row.probe_at is not None and row.probe_at <= self._now else _CLOSED

    def _of_domain(self, lane: Lane, domain: str, wanted: int) -> list[str]:
        """One of each mailbox in turn; when there are fewer mailboxes than wanted, more of the next ones."""
        walk = (self._channel, lane, domain)
        last = self._turns.last(*walk)
        boxes = self._boxes(lane, domain, wanted, last)
        if last is not None and len(boxes) < wanted:
            seen = {box.address for box in boxes}
            boxes += [box for box in self._boxes(lane, domain, wanted, None) if box.address not in seen]
        boxes = boxes[:wanted]
        if boxes:
            self._turns.served(*walk, name=boxes[-1].address)
        found = [box.id for box in boxes if box.id is not None]
        self._ids[domain] += found
        if boxes and len(found) < wanted:
            found += self._more(lane, domain, wanted - len(found))
        return found

    def _boxes(self, lane: Lane, domain: str, most: int, after: str | None) -> list[Any]:
        params = {"of_channel": self._channel, "of_lane": lane, "of_domain": domain, "after": after}
        return list(self._session.read(_boxes(after is None), params | {"most": most, "but": self._ids[domain]}).all())

    def _more(self, lane: Lane, domain: str, most: int) -> list[str]:
        params = {
            "of_channel": self._channel,
            "of_lane": lane,
            "of_domain": domain,
            "most": most,
            "but": self._ids[domain],
        }
        found = list(self._session.read(_more(), params).scalars())
        self._ids[domain] += found
        return found


def same_recipient(row: FromClause, other: FromClause) -> ColumnElement[bool]:
    """Under the same key, or in the same box: a file may name one person by two codes."""
    return or_(
        other.c.recipient_key == row.c.recipient_key, and_(other.c.address == row.c.address, row.c.address != "")
    )


def older_in_doubt(row: FromClause) -> ColumnElement[bool]:
    """An older version for the same recipient may still arrive."""
    older = table.alias("older")
    return exists().where(
        older.c.chain == row.c.chain,
        same_recipient(row, older),
        older.c.version < row.c.version,
        older.c.state.in_(BLOCKING),
    )


def newer_under_way(row: FromClause) -> ColumnElement[bool]:
    """A newer version for the same recipient is on its way or gone."""
    newer = table.alias("newer")
    return exists().where(
        newer.c.chain == row.c.chain,
        same_recipient(row, newer),
        newer.c.version > row.c.version,
        newer.c.state.in_(UNDER_WAY),
    )


def may_leave(row: Any) -> ColumnElement[bool]:
    """Versions keep their order, and its batch is not paused."""
    paused = exists().where(batches.c.id == row.c.batch_id, batches.c.state == PAUSED)
    return and_(~older_in_doubt(row), ~newer_under_way(row), ~paused)


def in_company(row: Any) -> ColumnElement[bool]:
    """May be claimed with others; else see ``suspects.py``."""
    return row.c.returns < SUSPECT  # type: ignore[no-any-return]


def _queued(row: Any) -> ColumnElement[bool]:
    return and_(
        row.c.channel == bindparam("of_channel"),
        row.c.lane == bindparam("of_lane"),
        in_state(row, State.QUEUED),
    )


def _jumps(column: str, name: str, most: ColumnElement[int], from_the_start: bool, *where: Any) -> Any:
    """The distinct values of one column after ``:after``: one look into the index each."""

    def next_one(bound: Any) -> Any:
        row = table.alias("q")
        values = row.c[column]
        conditions = [_queued(row), *(one(row) for one in where)]
        if bound is not None:
            conditions.append(values > bound)
        return select(func.min(values)).where(*conditions)

    first = next_one(None if from_the_start else bindparam("after", type_=Text))
    one = select(first.scalar_subquery().label(name), literal(1).label("place")).cte(f"{name}s", recursive=True)
    following = next_one(one.c[name]).correlate(one)
    step = select(following.scalar_subquery(), one.c.place + 1).where(one.c[name].is_not(None), one.c.place < most)
    return one.union_all(step)


@cache
def _domains(from_the_start: bool) -> Select[Any]:
    found = _jumps("domain", "domain", literal(PAGE), from_the_start)
    known = destinations.c
    return (
        select(found.c.domain, known.free_at, known.state, known.probe_at)
        .select_from(
            found.outerjoin(
                destinations, and_(known.channel == bindparam("of_channel"), known.domain == found.c.domain)
            )
        )
        .where(found.c.domain.is_not(None))
        .order_by(found.c.place)
    )


def _of_domain(row: Any) -> ColumnElement[bool]:
    return row.c.domain == bindparam("of_domain")  # type: ignore[no-any-return]


def _not_chosen(row: Any) -> ColumnElement[bool]:
    return row.c.id.not_in(bindparam("but", expanding=True))  # type: ignore[no-any-return]


@cache
def _boxes(from_the_start: bool) -> Select[Any]:
    """Each mailbox with its oldest row that may leave, if it has one."""
    found = _jumps("address", "address", bindparam("most", type_=SmallInteger), from_the_start, _of_domain)
    row = table.alias("r")
    oldest = (
        select(row.c.id)
        .where(_queued(row), _of_domain(row), row.c.address == found.c.address, _not_chosen(row))
        .where(in_company(row), may_leave(row))
        .order_by(row.c.created_at, row.c.id)
        .limit(1)
        .correlate(found)
    )
    return (
        select(found.c.address, oldest.scalar_subquery().label("id"))
        .where(found.c.address.is_not(None))
        .order_by(found.c.place)
    )


@cache
def _more() -> Select[Any]:
    return (
        select(table.c.id)
        .where(_queued(table), _of_domain(table), _not_chosen(table), in_company(table), may_leave(table))
        .order_by(table.c.address, table.c.created_at, table.c.id)
        .limit(bindparam("most"))
    )


# ---------------------------------------------------------------------------------------------------- circuits

_CHANNEL_CIRCUIT = select(destinations.c.state, destinations.c.probe_at).where(
    destinations.c.channel == bindparam("of_channel"), destinations.c.domain == CHANNEL
)
_PROBE = (
    update(destinations)
    .where(
        destinations.c.channel == bindparam("of_channel"),
        destinations.c.domain == bindparam("of_domain"),
        destinations.c.state != "",
        destinations.c.probe_at <= bindparam("now"),
    )
    .values(state="half", probe_at=bindparam("until"), probe=bindparam("of_id"))
)


def circuit_of_channel(session: Session, channel: str) -> tuple[str, datetime | None]:
    """State and probe time of the channel's own circuit."""
    row = session.read(_CHANNEL_CIRCUIT, {"of_channel": channel}).first()
    return ("", None) if row is None else (row.state, row.probe_at)


def win_probe(session: Session, channel: str, domain: str, probe: str, now: datetime, until: datetime) -> bool:
    """Whether this dispatch is the one that tries; no other does before ``until``, unless it comes back before."""
    params = {"of_channel": channel, "of_domain": domain, "of_id": probe, "now": now, "until": until}
    return int(session.write(_PROBE, params).rowcount) == 1
