"""Leases by name: source folders, mailboxes and ticks, of which one node at a time has the care.

As with dispatches a new owner raises the ``fence``. An owner checks its fence in the very transaction it guards
(:meth:`SqlLeases.confirm`), which holds the row: so nobody can take over between the check and the commit. All moments
are those of the clock the nodes share.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from dispatcher.errors import LeaseLost
from dispatcher.outbox.longest import LEASE as LONGEST
from dispatcher.ports import LeaseRow
from dispatcher.store.engine_tables import named_leases as table
from dispatcher.store.rows import LEASE
from dispatcher.store.session import Session

_ONE = LEASE.select.where(table.c.name == bindparam("of_name"))
_LOCKED = _ONE.with_for_update()
_MINE = (table.c.name == bindparam("of_name"), table.c.owner == bindparam("of_owner"))
_TAKE = (
    update(table)
    .where(table.c.name == bindparam("of_name"))
    .values(
        owner=bindparam("new_owner"), node=bindparam("new_node"), until=bindparam("until"), fence=bindparam("new_fence")
    )
)
_CONFIRM = update(table).where(*_MINE, table.c.fence == bindparam("of_fence")).values(until=bindparam("until"))
_BROUGHT_BACK = update(table).where(table.c.name == bindparam("of_name")).values(until=bindparam("until"))
_FREE: dict[str, Any] = {"owner": "", "until": None}


class SqlLeases:
    """See :class:`dispatcher.ports.Leases`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def take(self, name: str, owner: str, node: str, lease: timedelta) -> int | None:
        """Own it from now on; gives the fence. None: it is another's."""
        now = self._now()
        row = self._session.read_locked(_LOCKED, {"of_name": name}).first()
        if row is None:
            fresh = {"name": name, "owner": "", "node": "", "until": None, "fence": 0}
            self._session.write(_insert_new(self._session.postgresql), fresh)
            row = self._session.read_locked(_LOCKED, {"of_name": name}).one()
        held = LEASE.value(row)
        if held.until is not None and held.until - now > max(LONGEST, 2 * lease):  # the clock was set back
            held = replace(held, until=now + lease)
            self._session.write(_BROUGHT_BACK, {"of_name": name, "until": held.until})
        mine = held.owner == owner
        if held.owner and not mine and held.until is not None and held.until > now:
            return None
        if mine and held.until is not None and held.until - now > lease / 2:
            return held.fence  # asked every few seconds: half of them write nothing, and a disk is spared
        fence = held.fence if mine else held.fence + 1
        until = max(held.until, now + lease) if mine and held.until is not None else now + lease
        self._session.write(
            _TAKE, {"of_name": name, "new_owner": owner, "new_node": node, "until": until, "new_fence": fence}
        )
        return fence

    def confirm(self, name: str, owner: str, fence: int, lease: timedelta) -> None:
        """Still ours until this transaction ends; prolonged. Raises LeaseLost."""
        params = {"of_name": name, "of_owner": owner, "of_fence": fence, "until": self._now() + lease}
        if self._session.write(_CONFIRM, params).rowcount != 1:
            raise LeaseLost(
                f"« {name} » n'est plus tenu par ce poste : rien n'a été écrit.",
                hint="Un autre poste l'a repris après la fin du bail ; il s'en occupe.",
            )

    def holds(self, name: str, owner: str, fence: int) -> bool:
        """As far as a look without a lock can tell."""
        row = self._session.read(_ONE, {"of_name": name}).first()
        return row is not None and (row.owner, row.fence) == (owner, fence)

    def let_go(self, owner: str, name: str = "") -> None:
        """Free for the others at once."""
        mine = update(table).where(table.c.owner == owner).values(_FREE)
        self._session.write(mine.where(table.c.name == name) if name else mine)

    def list(self) -> tuple[LeaseRow, ...]:
        """Every name known, in order."""
        return LEASE.values(self._session.read(LEASE.select.order_by(table.c.name)))

    def _now(self) -> datetime:
        return self._session.shared_time(self._session.now())


def free_node(session: Session, node: str) -> None:
    """Nothing by name is held by that node any more."""
    names = session.read_locked(
        select(table.c.name).where(table.c.node == node, table.c.owner != "").order_by(table.c.name).with_for_update()
    ).scalars()
    session.write(update(table).where(table.c.name.in_(names.all())).values(_FREE))


@cache
def _insert_new(on_postgresql: bool) -> Any:
    """INSERT of a row that another node may insert at the same moment."""
    return (postgresql if on_postgresql else sqlite).insert(table).on_conflict_do_nothing()
