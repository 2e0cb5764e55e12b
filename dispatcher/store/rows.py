"""Rows to values and back: the columns of a table that make up a frozen value, by name (decision D11)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Row, Select, Table, select

from dispatcher.alarms.incident import Incident
from dispatcher.outbox.dispatch import Batch, Dispatch, ReportVersion
from dispatcher.ports import (
    AccountRow,
    AlarmNote,
    AnchorRow,
    AnswerRow,
    BulkSend,
    DigestRow,
    DomainRow,
    FigureRow,
    GapRow,
    LeaseRow,
    MarkRow,
    NodeRow,
    OppositionRow,
    PrintRun,
    ReceiptRow,
    SessionRow,
    SignRow,
    StepRow,
    SupportRow,
)
from dispatcher.store import (
    account_tables,
    alarm_tables,
    answer_tables,
    bulk_tables,
    engine_tables,
    ladder_tables,
    receipt_tables,
    tables,
)

T = TypeVar("T")


class Kind(Generic[T]):
    """One kind of value and its table."""

    def __init__(self, value: type[T], table: Table) -> None:
        self.type = value
        self.table = table
        self.names: tuple[str, ...] = tuple(field.name for field in fields(value))  # type: ignore[arg-type]
        self.columns: Sequence[ColumnElement[Any]] = [table.c[name] for name in self.names]

    @property
    def select(self) -> Select[Any]:
        """SELECT of just these columns, in the order of :meth:`value`."""
        return select(*self.columns)

    def value(self, row: Sequence[Any]) -> T:
        """The value a row of :attr:`select` holds."""
        return self.type(**dict(zip(self.names, row, strict=True)))

    def values(self, rows: Iterable[Row[Any]]) -> tuple[T, ...]:
        """All of them."""
        return tuple(self.value(row) for row in rows)

    def row(self, value: T) -> dict[str, Any]:
        """The columns of ``value``."""
        return {name: getattr(value, name) for name in self.names}


DISPATCH = Kind(Dispatch, tables.dispatches)
REPORT = Kind(ReportVersion, tables.reports)
BATCH = Kind(Batch, tables.batches)
RECEIPT = Kind(ReceiptRow, tables.receipts)
GAP = Kind(GapRow, tables.gaps)
OPPOSITION = Kind(OppositionRow, tables.oppositions)
NODE = Kind(NodeRow, engine_tables.nodes)
INCIDENT = Kind(Incident, alarm_tables.incidents)
ALARM_NOTE = Kind(AlarmNote, alarm_tables.alarm_notes)
SIGN = Kind(SignRow, alarm_tables.signs)
FIGURE = Kind(FigureRow, answer_tables.figures)
DOMAIN = Kind(DomainRow, answer_tables.figures_domains)
ANSWER = Kind(AnswerRow, answer_tables.answers)
LEASE = Kind(LeaseRow, engine_tables.named_leases)
SUPPORT = Kind(SupportRow, receipt_tables.receipt_support)
ANCHOR = Kind(AnchorRow, engine_tables.anchors)
STEP = Kind(StepRow, ladder_tables.ladder_steps)
DIGEST = Kind(DigestRow, ladder_tables.digests)
BULK_SEND = Kind(BulkSend, bulk_tables.bulk_sends)
PRINT_RUN = Kind(PrintRun, ladder_tables.print_runs)
ACCOUNT = Kind(AccountRow, account_tables.accounts)
SESSION = Kind(SessionRow, account_tables.console_sessions)
MARK = Kind(MarkRow, account_tables.sign_ins)
