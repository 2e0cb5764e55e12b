"""The tables (SQLAlchemy Core). Index tables hold no patient identity in clear (decision D4): file paths, which may
carry a name, are encrypted and found again by keyed hash; originals, renditions and sealed mail are encrypted payloads.

The schema is made by ``migrations/``; a test holds the two equal on both engines. A change here is a new migration.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    TextClause,
    UniqueConstraint,
    event,
    text,
)

from dispatcher.outbox.states import FileState, State
from dispatcher.store.types import FreeText, JsonText, Moment, Rank, Word

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

DUE = "state IN ('queued', 'deferred')"
"""What a claim looks at: a partial index. SQLite uses such an index only for a query in the same words."""


NOT_REMOVED = {"sqlite": "files.removed = 0", "postgresql": "NOT files.removed"}
"""In the same way, for files whose original may still stand in the source folder."""


def in_state(table: Table, state: StrEnum) -> TextClause:
    """``state`` as a literal: with a bound value SQLite would not use the partial indexes."""
    return text(f"{table.name}.state = '{state}'")


def _text(name: str, kind: Any = Text) -> Column[Any]:
    return Column(name, kind, nullable=False)


def _partial(name: str, *columns: str, where: str, unique: bool = False, postgresql: str = "") -> Index:
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(postgresql or where))


files = Table(
    "files",
    metadata,
    Column("id", Text, primary_key=True),
    _text("source"),
    Column("names", LargeBinary, nullable=False),  # encrypted JSON [path, name]
    _text("names_key"),
    _text("path_hash"),
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    _text("sha256"),
    _text("state", Word(FileState)),
    Column("received_at", Moment, nullable=False),
    _text("format"),
    _text("reason", FreeText),
    _text("duplicate_of"),
    Column("removed", Boolean, nullable=False),
    Column("returns", Integer, nullable=False),
    _text("lease_owner"),
    Column("lease_until", Moment),
    Index("ix_files_place", "source", "path_hash"),
    Index("ix_files_bytes", "source", "sha256"),
    Index("ix_files_state", "state", "received_at", "id"),
    _partial("ix_files_to_remove", "source", where="removed = 0", postgresql="NOT removed"),
    _partial("uq_files_waiting", "source", "path_hash", where="state = 'waiting'", unique=True),
)

reports = Table(
    "reports",
    metadata,
    Column("id", Text, primary_key=True),
    Column("file_id", Text, ForeignKey("files.id"), nullable=False),
    Column("position", Integer, nullable=False),
    _text("chain"),
    Column("version", Integer, nullable=False),
    _text("fingerprint"),
    _text("document_id", FreeText),
    _text("set_id", FreeText),
    _text("replaces", FreeText),
    _text("status"),
    _text("order_filler", FreeText),
    _text("order_placer", FreeText),
    _text("laboratory", FreeText),
    _text("patient_hash"),
    _text("reported_at"),
    Column("created_at", Moment, nullable=False),
    Column("superseded", Boolean, nullable=False),
    UniqueConstraint("chain", "version"),
    UniqueConstraint("file_id", "position"),
    Index("ix_reports_order_filler", "order_filler"),
    Index("ix_reports_order_placer", "order_placer"),
)

dispatches = Table(
    "dispatches",
    metadata,
    Column("id", Text, primary_key=True),
    Column("report_id", Text, ForeignKey("reports.id"), nullable=False),
    _text("chain"),
    Column("version", Integer, nullable=False),
    _text("state", Word(State)),
    _text("recipient_key", FreeText),
    _text("role"),
    _text("label", FreeText),
    _text("recipient_id", FreeText),
    _text("recipient_id_type"),
    _text("address", FreeText),
    _text("domain", FreeText),
    _text("channel"),
    _text("format"),
    _text("envelope"),
    _text("certificate"),
    _text("signer"),
    _text("message_id"),
    _text("envid"),
    _text("sealed_sha256"),
    Column("sealed_bytes", BigInteger, nullable=False),
    Column("lane", Rank, nullable=False),
    _text("batch_id"),
    Column("attempts", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("due_at", Moment),
    Column("sent_at", Moment),
    Column("delivered_at", Moment),
    Column("read_at", Moment),
    Column("submitting_since", Moment),
    _text("lease_owner"),
    Column("lease_until", Moment),
    Column("fence", BigInteger, nullable=False),
    _text("hold_code"),
    _text("reason", FreeText),
    _text("reply", FreeText),
    Column("decision", JsonText, nullable=False),
    _text("search", FreeText),  # label, address and identifier, lower case, without accents
    _partial("ix_dispatches_due", "channel", "lane", "created_at", "id", where=DUE),
    _partial("ix_dispatches_ready", "channel", "lane", "created_at", "id", where="state = 'ready'"),
    _partial("ix_dispatches_leased", "lease_owner", where="state = 'sending'"),
    _partial("uq_dispatches_message_id", "message_id", where="message_id <> ''", unique=True),
    _partial("ix_dispatches_envid", "envid", where="envid <> ''"),
    Index("ix_dispatches_state", "state", "created_at", "id", "channel"),  # covers the counts, by channel too
    Index("ix_dispatches_chain", "chain", "recipient_key", "version"),
    Index("ix_dispatches_report", "report_id"),
    Index("ix_dispatches_batch", "batch_id"),
)

batches = Table(
    "batches",
    metadata,
    Column("id", Text, primary_key=True),
    _text("channel"),
    Column("created_at", Moment, nullable=False),
    _text("reason"),
    Column("count", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    Index("ix_batches_channel", "channel", "created_at"),
)

receipts = Table(
    "receipts",
    metadata,
    Column("id", Text, primary_key=True),
    _text("dispatch_id"),  # empty while it matches nothing
    _text("kind"),
    _text("action", FreeText),
    _text("status", FreeText),
    _text("code", FreeText),
    Column("at", Moment, nullable=False),
    _text("digest"),
    _text("channel"),
    _text("note", FreeText),
    Index("ix_receipts_dispatch", "dispatch_id", "at"),
    _partial("uq_receipts_digest", "dispatch_id", "digest", where="digest <> ''", unique=True),
)

payloads = Table(
    "payloads",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("name", LargeBinary),  # encrypted rest of a kind that holds a file name; ``kind`` then ends in its hash
    _text("key_id"),
    Column("packed", Boolean, nullable=False),  # deflated before encryption
    Column("size", BigInteger, nullable=False),  # bytes in clear
    Column("content", LargeBinary, nullable=False),
)

pace = Table(
    "pace",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("tokens", Double),  # None: never used
    Column("updated", Moment),
    Column("paused", Boolean, nullable=False),
    Column("paused_until", Moment),
    _text("pause_reason", FreeText),
)

reference = Table(
    "reference",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    _text("kind"),
    _text("version"),
    Column("content", LargeBinary, nullable=False),
    Column("accepted_at", Moment, nullable=False),
    UniqueConstraint("kind", "version"),
)

gaps = Table(
    "gaps",
    metadata,
    Column("id", Text, primary_key=True),  # hash of the fields up to ``text``
    _text("kind"),
    _text("source"),
    _text("code", FreeText),
    _text("label", FreeText),
    _text("unit", FreeText),
    _text("specimen", FreeText),
    _text("text", FreeText),
    _text("reason", FreeText),
    Column("count", BigInteger, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
)

oppositions = Table(
    "oppositions",
    metadata,
    Column("id", Text, primary_key=True),
    _text("key"),  # keyed hash of the number
    _text("scope"),
    _text("kind"),
    Column("added_at", Moment, nullable=False),
    _text("actor"),
    _text("note", FreeText),
    UniqueConstraint("key", "scope"),
)

journal = Table(
    "journal",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    _text("subject"),
    _text("event"),
    _text("actor"),
    _text("detail"),  # canonical JSON, byte for byte what the digest covers
    _text("previous"),
    _text("digest"),
    Index("ix_journal_subject", "subject", "number"),
)

journal_head = Table(
    "journal_head",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    _text("digest"),
    CheckConstraint("id = 1", name="one_row"),
)

GENESIS = "0" * 64
"""``previous`` of the first line."""

GUARDS: dict[str, tuple[str, ...]] = {
    "sqlite": (
        "CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal "
        "BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END",
        "CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal "
        "BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION journal_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the journal only grows'; END $$",
        "CREATE TRIGGER journal_no_change BEFORE UPDATE OR DELETE ON journal "
        "FOR EACH ROW EXECUTE FUNCTION journal_only_grows()",
        "CREATE TRIGGER journal_no_truncate BEFORE TRUNCATE ON journal "
        "FOR EACH STATEMENT EXECUTE FUNCTION journal_only_grows()",
    ),
}
"""Triggers that keep the journal append-only, per engine."""


def _ddl(statement: str) -> DDL:
    return DDL(statement)  # type: ignore[no-untyped-call]


for _dialect, _statements in GUARDS.items():
    for _statement in _statements:
        event.listen(journal, "after_create", _ddl(_statement).execute_if(dialect=_dialect))
event.listen(
    journal_head,
    "after_create",
    _ddl(f"INSERT INTO journal_head (id, number, digest) VALUES (1, 0, '{GENESIS}')"),  # noqa: S608 - constants only
)
