"""Running services, one row each, with their heartbeat, how wrong their clock is and what is asked of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Table, delete, select, update

from dispatcher.outbox.states import FileState, State
from dispatcher.ports import NodeRow
from dispatcher.store.engine_tables import nodes as table
from dispatcher.store.named_leases import free_node
from dispatcher.store.rows import NODE
from dispatcher.store.session import Session
from dispatcher.store.tables import dispatches, files, in_state


class SqlNodes:
    """See :class:`dispatcher.ports.Nodes`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def now(self) -> datetime:
        """The clock all nodes share."""
        return self._session.shared_time(self._session.now())

    def bearer(self, name: str) -> NodeRow | None:
        """Who stands under that name, until this transaction ends."""
        self._session.lock(f"node:{name}")
        rows = self._session.read(NODE.select.where(table.c.name == name).order_by(table.c.seen_at.desc()))
        row = rows.first()
        return None if row is None else NODE.value(row)

    def join(self, node: NodeRow) -> None:
        """A service starts; whoever stood under this name is replaced, its named leases are free."""
        self._session.lock(f"node:{node.name}")
        wanted, now = self.wanted(node.name), self.now()
        self._session.write(delete(table).where(table.c.name == node.name))
        free_node(self._session, node.name)
        row = replace(node, started_at=now, seen_at=now, skew=self._skew(), wanted=wanted)
        self._session.write(table.insert(), NODE.row(row))

    def beat(self, node_id: str, digests: Mapping[str, str]) -> NodeRow | None:
        """It lives; its row, or None when it stands there no more."""
        values: dict[str, Any] = {"seen_at": self.now(), "skew": self._skew(), "digests": dict(digests)}
        statement = update(table).where(table.c.id == node_id).values(values).returning(*NODE.columns)
        row = self._session.write(statement).first()
        return None if row is None else NODE.value(row)

    def leave(self, node_id: str) -> None:
        """An orderly end."""
        name = self._session.write(delete(table).where(table.c.id == node_id).returning(table.c.name)).scalar()
        if name is not None:
            free_node(self._session, name)

    def free(self, name: str) -> None:
        """Nothing by name is held by that node any more."""
        free_node(self._session, name)

    def want(self, name: str, wanted: str, *, actor: str) -> bool:
        """Ask for a drain or its end, journalled."""
        if self._session.write(update(table).where(table.c.name == name).values(wanted=wanted)).rowcount == 0:
            return False
        self._session.journal.write(f"node:{name}", "node.drain" if wanted else "node.resume", actor=actor)
        return True

    def wanted(self, name: str) -> str:
        """What is asked of the node of that name."""
        row = self._session.read(select(table.c.wanted).where(table.c.name == name)).first()
        return "" if row is None else str(row.wanted)

    def forget(self, name: str, *, actor: str) -> bool:
        """It will not come back: its row goes, its leases have run out."""
        if self._session.write(delete(table).where(table.c.name == name)).rowcount == 0:
            return False
        free_node(self._session, name)
        now = self.now()
        for kind, state in ((dispatches, State.SENDING), (files, FileState.RECEIVED)):
            self._session.write(_held_by_node(kind, name, state).values(lease_until=now))
        self._session.journal.write(f"node:{name}", "node.forgotten", actor=actor)
        return True

    def list(self) -> tuple[NodeRow, ...]:
        """Every node, by name."""
        return NODE.values(self._session.read(NODE.select.order_by(table.c.name, table.c.started_at)))

    def _skew(self) -> float:
        return -self._session.shift().total_seconds()


def _held_by_node(kind: Table, name: str, state: State | FileState) -> Any:
    """An owner's name begins with that of its node (``daemon/membership.py``)."""
    mine = kind.c.lease_owner.startswith(f"{name}:", autoescape=True)
    return update(kind).where(in_state(kind, state), mine)
