"""What all tables share: the metadata with its naming rule, kinds of columns, partial indexes."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Column,
    Index,
    MetaData,
    Table,
    Text,
    TextClause,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

NOT_DONE = "batches.state <> 'done'"
"""Batches that are not over: a partial index. SQLite uses such an index only for a query in the same words."""

NOT_REMOVED = {"sqlite": "files.removed = 0", "postgresql": "NOT files.removed"}
"""In the same way, for files whose original may still stand in the source folder."""


def in_state(table: Table, state: StrEnum) -> TextClause:
    """``state`` as a literal: with a bound value SQLite would not use the partial indexes."""
    return text(f"{table.name}.state = '{state}'")


def word(name: str, kind: Any = Text) -> Column[Any]:
    return Column(name, kind, nullable=False)


def added(name: str, kind: Any = Text, default: str = "") -> Column[Any]:
    """A column that later revisions added: rows of before hold the default."""
    return Column(name, kind, nullable=False, server_default=default)


def partial(name: str, *columns: str, where: str, unique: bool = False, postgresql: str = "") -> Index:
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(postgresql or where))
