"""Tallies: how many dispatches and files stand in each state, kept with every move instead of counted by every look.

Changes are collected in the transaction and added to the table at its end, as late as the journal and in one order for
all, so that two writers cannot wait for each other. On PostgreSQL the numbers are spread over :data:`SHARDS` rows: else
every commit of every node would queue up at one row. ``recount`` compares with the rows themselves.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Select, String, cast, func, literal, select, union_all
from sqlalchemy.dialects import postgresql, sqlite

from dispatcher.ports import Drifted
from dispatcher.store.session import Session
from dispatcher.store.tables import dispatches, files
from dispatcher.store.tables import tallies as table

DISPATCH, FILE = "dispatch", "file"
SHARDS = 16
Key = tuple[str, str, str]
"""Kind, channel, state."""


class SqlTallies:
    """See :class:`dispatcher.ports.Tallies`; ``change`` and ``flush`` are the store's own."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._pending: dict[Key, int] = {}

    def change(self, kind: str, channel: str, state: str, by: int) -> None:
        """So many more (or fewer) in that state, from the end of this transaction on."""
        key = (kind, channel, str(state))
        self._pending[key] = self._pending.get(key, 0) + by

    def moved(self, kind: str, old: tuple[str, str], new: tuple[str, str]) -> None:
        """One left ``old`` (channel, state) for ``new``."""
        if old != new:
            self.change(kind, *old, -1)
            self.change(kind, *new, 1)

    def flush(self) -> None:
        """Add what was collected. Called right before the journal's own lines are written."""
        changed = sorted((key, by) for key, by in self._pending.items() if by)
        self._pending = {}
        if changed:
            shard = _shard() if self._session.postgresql else 0
            rows = [
                {"kind": kind, "channel": channel, "state": state, "shard": shard, "count": by}
                for (kind, channel, state), by in changed
            ]
            self._session.write(_add(self._session.postgresql), rows)

    def counts(self, kind: str, channel: str = "") -> dict[str, int]:
        """Number by state, of one channel or of all; a state nobody was ever in is not there."""
        wanted = select(table.c.state, func.sum(table.c.count)).where(table.c.kind == kind).group_by(table.c.state)
        if channel:
            wanted = wanted.where(table.c.channel == channel)
        found = {state: int(count) for state, count in self._session.read(wanted)}
        for (of_kind, of_channel, state), by in self._pending.items():
            if of_kind == kind and channel in {"", of_channel}:
                found[state] = found.get(state, 0) + by
        return found

    def drift(self) -> tuple[Drifted, ...]:
        """Where the tallies are not what the rows say. One statement, so one moment; reads every row's state."""
        rows = self._session.read(_compare()).all()
        return tuple(
            Drifted(kind=kind, channel=channel, state=state, counted=int(counted), kept=int(kept))
            for kind, channel, state, counted, kept in rows
        )

    def repair(self) -> tuple[Drifted, ...]:
        """Make them what the rows say, each with a journal line; gives what was wrong."""
        self._session.lock("tallies")
        self.flush()
        found = self.drift()
        for one in found:
            self.change(one.kind, one.channel, one.state, one.counted - one.kept)
            told: Mapping[str, Any] = {"counted": one.counted, "kept": one.kept, "channel": one.channel}
            self._session.journal.write(f"tally:{one.kind}", "tally.repaired", state=one.state, **told)
        return found


def _shard() -> int:
    return (os.getpid() * 31 + threading.get_native_id()) % SHARDS


@cache
def _add(on_postgresql: bool) -> Any:
    statement: Any = (postgresql if on_postgresql else sqlite).insert(table)
    return statement.on_conflict_do_update(
        index_elements=[table.c.kind, table.c.channel, table.c.state, table.c.shard],
        set_={"count": table.c.count + statement.excluded.count},
    )


@cache
def _compare() -> Select[Any]:
    """The rows counted (+) and the tallies (-), summed by kind, channel and state: only differences."""
    zero = literal(0)
    real = [
        select(
            literal(DISPATCH).label("kind"),
            dispatches.c.channel.label("channel"),
            cast(dispatches.c.state, String).label("state"),
            func.count().label("counted"),
            zero.label("kept"),
        ).group_by(dispatches.c.channel, dispatches.c.state),
        select(literal(FILE), literal(""), cast(files.c.state, String), func.count(), zero).group_by(files.c.state),
    ]
    kept = select(table.c.kind, table.c.channel, table.c.state, zero, table.c.count)
    both = union_all(*real, kept).subquery()
    counted, told = func.sum(both.c.counted), func.sum(both.c.kept)
    group = (both.c.kind, both.c.channel, both.c.state)
    return select(*group, counted, told).group_by(*group).having(counted != told).order_by(*group)
