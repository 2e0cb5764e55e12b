"""Print runs (tirages): letters printed together, and who is in which."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, insert, select, update

from dispatcher.errors import StoreError
from dispatcher.outbox.states import State
from dispatcher.ports import PrintRun
from dispatcher.store.ladder_tables import print_members as members
from dispatcher.store.ladder_tables import print_runs as table
from dispatcher.store.rows import PRINT_RUN
from dispatcher.store.session import Session
from dispatcher.store.tables import dispatches, in_state

SEE = "« dispatcher paper list » les montre."
_WAITING = (
    select(members.c.dispatch_id, members.c.run_id)
    .join(table, table.c.id == members.c.run_id)
    .join(dispatches, dispatches.c.id == members.c.dispatch_id)
    .where(in_state(dispatches, State.PAPER), dispatches.c.printed_at.is_(None), table.c.printed_at.is_(None))
    .order_by(table.c.made_at, table.c.id)
)

_TO_PRINT = (
    select(func.count())
    .select_from(dispatches)
    .where(dispatches.c.state == State.PAPER, dispatches.c.printed_at.is_(None))
)


class SqlPrintRuns:
    """See :class:`dispatcher.ports.PrintRuns`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, run: PrintRun, ids: Sequence[str]) -> None:
        """Insert, with its journal line and one of each dispatch."""
        self._session.write(insert(table), PRINT_RUN.row(run))
        rows = [{"run_id": run.id, "dispatch_id": one} for one in ids]
        if rows:
            self._session.write(insert(members), rows)
        self._session.journal.write(
            run.id, "print.made", actor=run.actor, count=run.count, sha256=run.sha256, reason=run.why
        )
        for one in ids:
            self._session.journal.write(one, "dispatch.in-print-run", actor=run.actor, run=run.id)

    def get(self, run_id: str) -> PrintRun | None:
        """The run, or None."""
        row = self._session.read(PRINT_RUN.select.where(table.c.id == run_id)).first()
        return None if row is None else PRINT_RUN.value(row)

    def list(self, limit: int = 20) -> tuple[PrintRun, ...]:
        """Newest first."""
        wanted = PRINT_RUN.select.order_by(table.c.made_at.desc(), table.c.id.desc()).limit(limit)
        return PRINT_RUN.values(self._session.read(wanted))

    def members(self, run_id: str) -> tuple[str, ...]:
        """Ids of its dispatches."""
        wanted = select(members.c.dispatch_id).where(members.c.run_id == run_id).order_by(members.c.dispatch_id)
        return tuple(self._session.read(wanted).scalars())

    def waiting(self) -> dict[str, str]:
        """By dispatch not printed yet: the newest run it is in that nobody said was printed."""
        return {row.dispatch_id: row.run_id for row in self._session.read(_WAITING)}

    def count_waiting(self) -> int:
        """On paper, and nobody has printed it."""
        return int(self._session.read(_TO_PRINT).scalar_one())

    def printed(self, run_id: str, now: datetime, *, actor: str) -> None:
        """A person said so. Raises StoreError ``not-found``; said again it changes nothing."""
        run = self.get(run_id)
        if run is None:
            raise StoreError(f"Tirage inconnu : {run_id}.", hint=SEE, code="not-found")
        if run.printed_at is None:
            self._session.write(update(table).where(table.c.id == run_id).values(printed_at=now))
            self._session.journal.write(run_id, "print.printed", actor=actor)
