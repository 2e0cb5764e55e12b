"""The pace book: one row per scope, locked while it is read and written, so that all nodes share one count.

The rules are those of :mod:`dispatcher.outbox.pacing`, the counting that of :mod:`dispatcher.outbox.ledger`; here they
meet the row. A row written in the same run of this machine is in our own time. Of one written elsewhere, or before the
machine started again, only the ages at its writing are known, and what we saw ourselves (``pace_memory.py``).
"""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import bindparam, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from dispatcher.errors import StoreError
from dispatcher.outbox.ledger import Ledger, from_json
from dispatcher.outbox.pacing import ALL, Leave, PaceLimit
from dispatcher.ports import EVERYTHING
from dispatcher.store.pace_memory import PaceMemory, Seen
from dispatcher.store.session import Session
from dispatcher.store.tables import destinations
from dispatcher.store.tables import pace as table

NOTHING: Mapping[str, Leave] = {}
SWEPT = ("domain:", "mailbox:")
"""Scopes that come and go with the recipients; a channel's row stays, it remembers its first mail and its pause."""
UPGRADED = "upgraded"
"""Name of a ledger whose grants an earlier version made and did not write down one by one."""


@dataclass(frozen=True, slots=True)
class _Row:
    slots: str | None = None
    seconds: float | None = None
    first_at: datetime | None = None
    boot: str = ""
    boot_seconds: float | None = None
    paused: bool = False
    paused_until: datetime | None = None
    pause_reason: str = ""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row in our own time."""

    row: _Row
    ledger: Ledger
    age: float


_COLUMNS = tuple(table.c[name] for name in _Row.__slots__)
_ROWS = (
    select(table.c.scope, *_COLUMNS)
    .where(table.c.scope.in_(bindparam("scopes", expanding=True)))
    .order_by(table.c.scope)
)
_LOCKED = _ROWS.with_for_update()
_SWEEPABLE = (
    select(table.c.scope)
    .where(
        or_(*(table.c.scope.startswith(kind) for kind in SWEPT)),
        table.c.scope > bindparam("after"),
        table.c.paused.is_(False),
    )
    .order_by(table.c.scope)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_SPEND = (
    update(table)
    .where(table.c.scope == bindparam("of_scope"))
    .values(
        slots=bindparam("new_slots"),
        seconds=bindparam("new_seconds"),
        first_at=bindparam("new_first"),
        boot=bindparam("new_boot"),
        boot_seconds=bindparam("new_boot_seconds"),
    )
)


class SqlPaceBook:
    """See :class:`dispatcher.ports.PaceBook`."""

    def __init__(self, session: Session, memory: PaceMemory | None = None) -> None:
        self._session = session
        self._memory = memory or PaceMemory()
        self._held: dict[str, _Row] = {}
        """Rows this transaction has locked: they cannot change under it."""
        self._spent: set[str] = set()
        """Of these, what it has written a grant to: not committed yet."""

    def take_all(
        self, asks: Sequence[tuple[str, PaceLimit]], *, leave: Mapping[str, Leave] = NOTHING, late: float = 0.0
    ) -> Mapping[str, float]:
        """Grant one hand-over in every scope, or in none; gives the seconds to wait where there is no room."""
        limits = dict(sorted(asks))
        self._lock(tuple(limits))
        boot, now = self._boot()  # after the locks: waiting for them took time
        entries = {scope: self._entry(scope, self._held[scope], limit, boot, now) for scope, limit in limits.items()}
        waits = {
            scope: entry.ledger.wait(limits[scope], now, entry.age, leave.get(scope, ALL))
            for scope, entry in entries.items()
        }
        waits = {scope: wait for scope, wait in waits.items() if wait}
        if not waits:
            self._spend(entries, limits, (boot, now), math.ceil(late * 1000))
        return {scope: wait / 1000 for scope, wait in waits.items()}

    def wait(self, scope: str, limit: PaceLimit) -> float:
        """Seconds until one more would be granted; 0: now."""
        entry, now = self._look(scope, limit)
        return entry.ledger.wait(limit, now, entry.age) / 1000

    def room(self, scope: str, limit: PaceLimit, within: float, leave: Leave = ALL) -> int:
        """How many may be granted from now to ``within`` seconds on."""
        entry, now = self._look(scope, limit)
        return entry.ledger.room(limit, now, math.floor(within * 1000), entry.age, leave)

    def granted(self, scope: str) -> int:
        """How many were granted in all."""
        row = self._row(scope)
        return _read(scope, row.slots).count if row.slots is not None else 0

    def mailbox(self, channel: str, address: str) -> str:
        """The scope of one mailbox: a keyed hash, since an address may be a patient's."""
        return f"mailbox:{channel}/{self._session.cipher.hash(f'pace:{address}')[:32]}"

    def sweep(self, most: int = 100) -> int:
        """Forget domains and mailboxes whose windows are empty; the next call goes on where this one ended."""
        wanted = {"after": self._memory.sweep_from(), "most": most}
        scopes = list(self._session.read_locked(_SWEEPABLE, wanted).scalars())
        self._memory.swept_to(scopes[-1] if len(scopes) == most else "")
        self._lock(scopes)
        boot, now = self._boot()
        idle = [scope for scope in scopes if self._entry(scope, self._held[scope], None, boot, now).ledger.idle(now)]
        gone = destinations.c.domain.like("%@%") & (destinations.c.free_at <= self._session.now())
        self._session.write(delete(destinations).where(gone))
        if idle:
            self._session.write(delete(table).where(table.c.scope.in_(idle)))
            for scope in idle:
                del self._held[scope]
        return len(idle)

    def keep_back(self, channel: str, whom: str, until: datetime) -> None:
        """The pace of a domain or mailbox is used up. Nothing is claimed for a domain before ``until``."""
        values = {"channel": channel, "domain": whom, "free_at": until}
        self._session.write(_keep_back(self._session.postgresql), values)

    def kept_back(self, channel: str, now: datetime, whom: str = "") -> datetime | None:
        """Until when a domain or mailbox is kept back; None: it is not. ``whom`` empty: the first domain to be free."""
        column = destinations.c.domain
        wanted = select(func.min(destinations.c.free_at)).where(
            destinations.c.channel == channel,
            destinations.c.free_at > now,
            column == whom if whom else column.not_like("%@%"),
        )
        return self._session.read(wanted).scalar()

    def pause(self, scope: str, until: datetime | None, reason: str) -> None:
        """Pause a channel; ``until`` None: until :meth:`resume`."""
        self._lock((scope,))
        self._set(scope, paused=True, paused_until=until, pause_reason=reason)

    def paused(self, scope: str, now: datetime) -> str | None:
        """Reason of the pause in force, of everything or of this scope, or None."""
        for row in self._rows((EVERYTHING, scope)):
            if row.paused and (row.paused_until is None or now < row.paused_until):
                return row.pause_reason
        return None

    def tries_at(self, scope: str, now: datetime) -> datetime | None:
        """When the pause in force ends by itself; None: there is none, or a person ends it."""
        until = [row.paused_until for row in self._rows((EVERYTHING, scope)) if row.paused]
        own = [moment for moment in until if moment is not None]
        return max((moment for moment in own if now < moment), default=None) if len(own) == len(until) else None

    def resume(self, scope: str) -> None:
        """End the pause, if there is one."""
        if self._row(scope).paused:
            self._lock((scope,))
            self._set(scope, paused=False, paused_until=None, pause_reason="")

    # ------------------------------------------------------------------------------------------ time

    def _boot(self) -> tuple[str, int]:
        boot, seconds = self._session.clock.boot()
        return boot, math.floor(seconds * 1000)

    def _look(self, scope: str, limit: PaceLimit) -> tuple[_Entry, int]:
        row = self._row(scope)
        boot, now = self._boot()
        return self._entry(scope, row, limit, boot, now), now

    def _entry(self, scope: str, row: _Row, limit: PaceLimit | None, boot: str, now: int) -> _Entry:
        """The row in our own time, with what we saw ourselves."""
        seen = self._memory.recall(scope, row.slots, boot, now)
        written = round((row.boot_seconds or 0.0) * 1000)
        ours = row.boot == boot and written <= now
        age = (row.seconds or 0.0) + ((now - written) / 1000 if ours else 0.0)
        if seen is not None:
            age = max(age, seen.age + (now - seen.at) / 1000)
        if seen is not None and row.slots is not None and seen.text == row.slots:
            ledger = seen.ledger
        else:
            ledger = self._ledger(scope, row, limit, now)
            if row.slots is not None and not ours:  # how long ago it was written nobody knows
                ledger = ledger.moved(now - written)
            if seen is not None:
                ledger = ledger.joined(seen.ledger)
        if scope not in self._spent:
            self._memory.keep(scope, Seen(row.slots, boot, now, ledger, age))
        return _Entry(row, ledger, age)

    def _ledger(self, scope: str, row: _Row, limit: PaceLimit | None, now: int) -> Ledger:
        if row.slots is not None:
            return _read(scope, row.slots)
        if row.first_at is None or limit is None:
            return Ledger(secrets.token_hex(4))
        return Ledger(UPGRADED).charged(limit, now)  # of an earlier version: its last minute may have been full

    # ------------------------------------------------------------------------------------------ rows

    def _spend(
        self, entries: Mapping[str, _Entry], limits: Mapping[str, PaceLimit], time: tuple[str, int], late: int
    ) -> None:
        params = []
        boot, now = time
        for scope, entry in entries.items():
            ledger = entry.ledger.granted(limits[scope], now + late, entry.age)
            row = replace(
                entry.row,
                slots=json.dumps(ledger.as_json(), separators=(",", ":")),
                seconds=entry.age,
                first_at=entry.row.first_at or self._session.now(),
                boot=boot,
                boot_seconds=now / 1000,
            )
            self._held[scope] = row
            self._spent.add(scope)
            self._memory.wrote(scope, Seen(row.slots, boot, now, ledger, entry.age))
            params.append(
                {
                    "of_scope": scope,
                    "new_slots": row.slots,
                    "new_seconds": row.seconds,
                    "new_first": row.first_at,
                    "new_boot": row.boot,
                    "new_boot_seconds": row.boot_seconds,
                }
            )
        self._session.write(_SPEND, params)

    def _row(self, scope: str) -> _Row:
        return self._rows((scope,))[0]

    def _rows(self, scopes: Sequence[str]) -> list[_Row]:
        """In that order; what is locked is known, the rest is read in one statement. SQLite locks all to one writer."""
        unknown = [scope for scope in scopes if scope not in self._held]
        found = {scope: _Row(*row) for scope, *row in self._session.read(_ROWS, {"scopes": unknown})} if unknown else {}
        if self._session.writing and not self._session.postgresql:
            self._held |= found
        return [self._held.get(scope) or found.get(scope) or _Row() for scope in scopes]

    def _lock(self, scopes: Sequence[str]) -> None:
        """Rows are made and locked in the order of their names, so that nobody waits in a circle.

        All at once where they are known to be there; else one after the other, since a row that is made is locked too.
        """
        missing = [scope for scope in sorted(scopes) if scope not in self._held]
        if all(self._memory.knows(scope) for scope in missing):
            missing = self._hold(missing)
        for scope in missing:
            if self._hold([scope]):
                self._session.write(_insert_new(self._session.postgresql), [_EMPTY | {"scope": scope}])
                if self._hold([scope]):
                    raise StoreError("Une ligne du débit a disparu pendant sa lecture.", code="busy")

    def _hold(self, scopes: list[str]) -> list[str]:
        """Lock these rows; gives those that are not there."""
        if scopes:
            for scope, *row in self._session.read_locked(_LOCKED, {"scopes": scopes}):
                self._held[scope] = _Row(*row)
        return [scope for scope in scopes if scope not in self._held]

    def _set(self, scope: str, **changes: Any) -> None:
        self._session.write(update(table).where(table.c.scope == scope).values(changes))
        self._held[scope] = replace(self._held[scope], **changes)


_EMPTY: dict[str, Any] = {"paused": False, "paused_until": None, "pause_reason": ""}


def _read(scope: str, text: str) -> Ledger:
    try:
        return from_json(json.loads(text))
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise StoreError(
            f"Le compte du débit « {scope} » est illisible dans la base.",
            hint="Restaurer la sauvegarde de la base, ou écrire au support avec cette ligne de la table « pace ».",
            code="pace",
        ) from error


@cache
def _insert_new(on_postgresql: bool) -> Any:
    """INSERT of a row that another node may insert at the same moment."""
    if on_postgresql:
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


@cache
def _keep_back(on_postgresql: bool) -> Any:
    new: Any = (postgresql if on_postgresql else sqlite).insert(destinations)
    new = new.values(
        channel=bindparam("channel"),
        domain=bindparam("domain"),
        free_at=bindparam("free_at"),
        state="",
        failures=0,
        notices=0,
        openings=0,
        reason="",
    )
    return new.on_conflict_do_update(index_elements=["channel", "domain"], set_={"free_at": new.excluded.free_at})
