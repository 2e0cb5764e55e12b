"""The figures of each day, and what they are made from (``outbox/figures.py``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, case, delete, func, insert, select, update

from dispatcher.outbox.figures import Life
from dispatcher.outbox.states import State
from dispatcher.ports import DomainRow, FigureRow, Recipient
from dispatcher.store.answer_tables import figures as table
from dispatcher.store.answer_tables import figures_domains as domain_table
from dispatcher.store.answer_tables import figures_head as head_table
from dispatcher.store.rows import DOMAIN, FIGURE
from dispatcher.store.session import Session
from dispatcher.store.tables import dispatches, files, journal, journal_head, reports

MOST_LINES = 200_000
"""Of the journal, looked through for what changed; with more, every day is made anew."""
_HEAD = select(head_table.c.number).where(head_table.c.id == 1)
_TOUCHED = (
    select(dispatches.c.created_at)
    .distinct()
    .select_from(journal.join(dispatches, dispatches.c.id == journal.c.subject))
    .where(journal.c.number > bindparam("after"), journal.c.number <= bindparam("until"))
)
_FIRST = (
    select(dispatches.c.created_at)
    .where(dispatches.c.state == bindparam("of_state"))
    .order_by(dispatches.c.created_at)
    .limit(1)
)
_LAST = (
    select(dispatches.c.created_at)
    .where(dispatches.c.state == bindparam("of_state"))
    .order_by(dispatches.c.created_at.desc())
    .limit(1)
)
_LIVES = (
    select(
        dispatches.c.channel,
        dispatches.c.domain,
        dispatches.c.address,
        dispatches.c.label,
        dispatches.c.state,
        dispatches.c.fault,
        files.c.received_at,
        dispatches.c.sent_at,
        dispatches.c.delivered_at,
        dispatches.c.read_at,
    )
    .select_from(
        dispatches.join(reports, reports.c.id == dispatches.c.report_id).join(files, files.c.id == reports.c.file_id)
    )
    .where(
        dispatches.c.state.in_(list(State)),  # in the words of the index by state and time
        dispatches.c.created_at >= bindparam("since"),
        dispatches.c.created_at < bindparam("until"),
    )
)


class SqlFigures:
    """See :class:`dispatcher.ports.FiguresBook`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def head(self) -> int | None:
        """Number of the last line of the journal the figures know of; None: none were ever made."""
        return self._session.read(_HEAD).scalar()

    def journal_number(self) -> int:
        """Number of the last line of the journal."""
        return int(self._session.read(select(journal_head.c.number)).scalar_one())

    def touched(self, after: int, until: int) -> frozenset[datetime] | None:
        """When the dispatches were made that those lines are about; None: too many lines to ask."""
        if until - after > MOST_LINES:
            return None
        rows = self._session.read(_TOUCHED, {"after": after, "until": until})
        return frozenset(row.created_at for row in rows)

    def span(self) -> tuple[datetime, datetime] | None:
        """When the first and the last dispatch were made: a look into the index a state."""
        first = [self._session.read(_FIRST, {"of_state": state}).scalar() for state in State]
        last = [self._session.read(_LAST, {"of_state": state}).scalar() for state in State]
        known = [moment for moment in first if moment is not None]
        return (min(known), max(moment for moment in last if moment is not None)) if known else None

    def lives(self, since: datetime, until: datetime) -> Iterator[Life]:
        """The dispatches made in that time."""
        for row in self._session.read(_LIVES, {"since": since, "until": until}):
            yield Life(**row._mapping)

    def put(self, day: str, rows: Iterable[FigureRow], domains: Iterable[DomainRow], *, before: int | None) -> bool:
        """The rows of that day from now on; False when the head is not ``before`` any more."""
        self._session.lock("figures")
        if self.head() != before:
            return False
        by_address: list[dict[str, Any]] = [FIGURE.row(row) for row in rows]
        by_domain: list[dict[str, Any]] = [DOMAIN.row(row) for row in domains]
        for kept, values in ((table, by_address), (domain_table, by_domain)):
            self._session.write(delete(kept).where(kept.c.day == day))
            if values:
                self._session.write(insert(kept), values)
        return True

    def advance(self, before: int | None, number: int) -> bool:
        """All is known up to that line; False when somebody else said so meanwhile."""
        self._session.lock("figures")
        if self.head() != before:
            return False
        if before is None:
            self._session.write(insert(head_table), {"id": 1, "number": number})
        else:
            self._session.write(update(head_table).values(number=number))
        return True

    def of_domains(self, since: str, until: str) -> Iterator[DomainRow]:
        """The rows of the days from ``since`` to ``until``, both included."""
        wanted = DOMAIN.select.where(domain_table.c.day >= since, domain_table.c.day <= until)
        for row in self._session.read(wanted):
            yield DOMAIN.value(row)

    def recipients(self, since: str, until: str, settled: str) -> tuple[Recipient, ...]:
        """The sums by address, made by the database: a laboratory has thousands of recipients, and years."""
        old = table.c.day <= settled
        sums = (
            *(func.sum(table.c[name]) for name in ("made", "sent", "read", "failed")),
            func.sum(case((old, table.c.sent), else_=0)),
            func.sum(case((old, table.c.read), else_=0)),
        )
        wanted = (
            select(table.c.address, table.c.domain, func.max(table.c.label), *sums)
            .where(table.c.day >= since, table.c.day <= until)
            .group_by(table.c.address, table.c.domain)
        )
        return tuple(
            Recipient(
                address=address,
                domain=domain,
                label=label,
                **dict(zip(("made", "sent", "read", "failed", "old", "old_read"), map(int, numbers), strict=True)),
            )
            for address, domain, label, *numbers in self._session.read(wanted)
        )

    def of_addresses(self, addresses: Sequence[str], since: str, until: str) -> Iterator[FigureRow]:
        """The rows of these addresses."""
        wanted = FIGURE.select.where(table.c.day >= since, table.c.day <= until, table.c.address.in_(list(addresses)))
        for row in self._session.read(wanted):
            yield FIGURE.value(row)
