"""The tables (SQLAlchemy Core). Index tables hold no patient identity in clear (decision D4): file paths, which may
carry a name, are encrypted and found again by keyed hash; originals, renditions and sealed mail are encrypted payloads.

The schema is made by ``migrations/``; a test holds the two equal on both engines. A change here is a new migration.
"""

from __future__ import annotations

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
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)

import dispatcher.store.alarm_tables  # noqa: F401 - its tables are part of the metadata
from dispatcher.outbox.states import FileState, State
from dispatcher.store.account_tables import account_codes, accounts, console_sessions, sign_ins
from dispatcher.store.answer_tables import answers, figures, figures_domains, figures_head
from dispatcher.store.bulk_tables import bulk_items, bulk_sends
from dispatcher.store.columns import NOT_REMOVED, added, in_state, metadata, partial, word
from dispatcher.store.engine_tables import (
    anchors,
    batch_members,
    destinations,
    installation,
    named_leases,
    nodes,
    tallies,
)
from dispatcher.store.ladder_tables import digests, heard, ladder_steps, print_members, print_runs
from dispatcher.store.receipt_tables import mails_aside, receipt_support, receipt_sweeps, receipts
from dispatcher.store.types import FreeText, JsonText, Moment, Rank, Word

files = Table(
    "files",
    metadata,
    Column("id", Text, primary_key=True),
    word("source"),
    Column("names", LargeBinary, nullable=False),  # encrypted JSON [path, name]
    word("names_key"),
    word("path_hash"),
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    word("sha256"),
    word("state", Word(FileState)),
    Column("received_at", Moment, nullable=False),
    word("format"),
    word("reason", FreeText),
    word("duplicate_of"),
    Column("removed", Boolean, nullable=False),
    Column("returns", Integer, nullable=False),
    word("lease_owner"),
    Column("lease_until", Moment),
    added("lane", Rank, "1"),
    Column("purged_at", Moment),
    Index("ix_files_place", "source", "path_hash"),
    Index("ix_files_bytes", "source", "sha256"),
    partial("ix_files_arrived", "source", "received_at", where="size >= 0"),
    Index("ix_files_state", "state", "received_at", "id"),
    partial("ix_files_urgent", "state", "received_at", "id", where="lane = 0"),
    partial("ix_files_to_remove", "source", where="removed = 0", postgresql="NOT removed"),
    partial("ix_files_contents", "received_at", "id", where="purged_at IS NULL"),
    partial("ix_files_proofs", "received_at", "id", where="purged_at IS NOT NULL"),
    partial("uq_files_waiting", "source", "path_hash", where="state = 'waiting'", unique=True),
)

reports = Table(
    "reports",
    metadata,
    Column("id", Text, primary_key=True),
    Column("file_id", Text, ForeignKey("files.id"), nullable=False),
    Column("position", Integer, nullable=False),
    word("chain"),
    Column("version", Integer, nullable=False),
    word("fingerprint"),
    word("document_id", FreeText),
    word("set_id", FreeText),
    word("replaces", FreeText),
    word("status"),
    word("order_filler", FreeText),
    word("order_placer", FreeText),
    word("laboratory", FreeText),
    word("patient_hash"),
    word("reported_at"),
    Column("created_at", Moment, nullable=False),
    Column("superseded", Boolean, nullable=False),
    UniqueConstraint("chain", "version"),
    UniqueConstraint("file_id", "position"),
    Index("ix_reports_order_filler", "order_filler"),
    Index("ix_reports_order_placer", "order_placer"),
    partial("ix_reports_patient", "patient_hash", where="patient_hash <> ''"),
)

dispatches = Table(
    "dispatches",
    metadata,
    Column("id", Text, primary_key=True),
    Column("report_id", Text, ForeignKey("reports.id"), nullable=False),
    word("chain"),
    Column("version", Integer, nullable=False),
    word("state", Word(State)),
    word("recipient_key", FreeText),
    word("role"),
    word("label", FreeText),
    word("recipient_id", FreeText),
    word("recipient_id_type"),
    word("address", FreeText),
    word("domain", FreeText),
    word("channel"),
    word("format"),
    word("envelope"),
    word("certificate"),
    word("signer"),
    word("message_id"),
    word("envid"),
    word("sealed_sha256"),
    Column("sealed_bytes", BigInteger, nullable=False),
    Column("lane", Rank, nullable=False),
    word("batch_id"),
    Column("attempts", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("due_at", Moment),
    Column("sent_at", Moment),
    Column("delivered_at", Moment),
    Column("read_at", Moment),
    Column("submitting_since", Moment),
    word("lease_owner"),
    Column("lease_until", Moment),
    Column("fence", BigInteger, nullable=False),
    word("hold_code"),
    word("reason", FreeText),
    word("reply", FreeText),
    Column("decision", JsonText, nullable=False),
    word("search", FreeText),  # label, address and identifier, lower case, without accents
    Column("unknown_since", Moment),
    added("resend_of"),
    added("replayed_from"),
    added("replayed_fence", BigInteger, "0"),
    added("replayed_attempts", Integer, "0"),
    Column("printed_at", Moment),
    added("fault"),
    Column("escalate_at", Moment),
    added("escalation", Integer, "0"),
    added("pauses", Integer, "0"),
    Column("doubted_at", Moment),
    added("returns", Integer, "0"),
    added("renditions"),
    Column("climb_at", Moment),
    added("rung", Integer, "0"),
    Column("acknowledged_at", Moment),
    partial("ix_dispatches_climb", "climb_at", "id", where="climb_at IS NOT NULL"),
    partial("ix_dispatches_unread", "state", "sent_at", "id", where="rung > 1"),
    partial("ix_dispatches_suspects", "channel", "lane", "created_at", "id", where="state = 'queued' AND returns >= 2"),
    partial(
        "ix_dispatches_queued", "channel", "lane", "domain", "address", "created_at", "id", where="state = 'queued'"
    ),
    partial("ix_dispatches_deferred", "channel", "due_at", "id", where="state = 'deferred'"),
    partial("ix_dispatches_ready", "channel", "lane", "created_at", "id", where="state = 'ready'"),
    partial("ix_dispatches_leased", "lease_owner", "lease_until", where="state = 'sending'"),
    partial("ix_dispatches_escalate", "escalate_at", "id", where="escalate_at IS NOT NULL"),
    partial("uq_dispatches_message_id", "message_id", where="message_id <> ''", unique=True),
    partial("ix_dispatches_envid", "envid", where="envid <> ''"),
    Index("ix_dispatches_state", "state", "created_at", "id", "channel"),  # covers the counts, by channel too
    Index("ix_dispatches_chain", "chain", "recipient_key", "version"),
    Index("ix_dispatches_report", "report_id"),
    Index("ix_dispatches_batch", "batch_id"),
)

batches = Table(
    "batches",
    metadata,
    Column("id", Text, primary_key=True),
    word("channel"),
    Column("created_at", Moment, nullable=False),
    word("reason"),
    Column("count", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    added("state", Text, "open"),
    Column("ended_at", Moment),
    added("pause_reason", FreeText),
    added("actor"),
    added("why", FreeText),
    added("token"),
    Index("ix_batches_channel", "channel", "created_at"),
    partial("ix_batches_alive", "state", "id", where="state <> 'done'"),
    partial("uq_batches_token", "token", where="token <> ''", unique=True),
)

payloads = Table(
    "payloads",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("name", LargeBinary),  # encrypted rest of a kind that holds a file name; ``kind`` then ends in its hash
    word("key_id"),
    Column("packed", Boolean, nullable=False),  # deflated before encryption
    Column("size", BigInteger, nullable=False),  # bytes in clear
    Column("content", LargeBinary, nullable=False),
)

pace = Table(
    "pace",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("paused", Boolean, nullable=False),
    Column("paused_until", Moment),
    word("pause_reason", FreeText),
    Column("slots", Text),  # JSON of outbox/ledger.py; None: never used, or only by a version before 0003
    Column("seconds", Double),  # since ``first_at``, at least: time that somebody can prove
    Column("first_at", Moment),
    added("boot"),  # whose time the moments in ``slots`` are
    Column("boot_seconds", Double),  # when it was written, in that time
)

reference = Table(
    "reference",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    word("kind"),
    word("version"),
    Column("content", LargeBinary, nullable=False),
    Column("accepted_at", Moment, nullable=False),
    UniqueConstraint("kind", "version"),
)

gaps = Table(
    "gaps",
    metadata,
    Column("id", Text, primary_key=True),  # hash of the fields up to ``text``
    word("kind"),
    word("source"),
    word("code", FreeText),
    word("label", FreeText),
    word("unit", FreeText),
    word("specimen", FreeText),
    word("text", FreeText),
    word("reason", FreeText),
    Column("count", BigInteger, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
)

oppositions = Table(
    "oppositions",
    metadata,
    Column("id", Text, primary_key=True),
    word("key"),  # keyed hash of the number
    word("scope"),
    word("kind"),
    Column("added_at", Moment, nullable=False),
    word("actor"),
    word("note", FreeText),
    UniqueConstraint("key", "scope"),
)

journal = Table(
    "journal",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    word("subject"),
    word("event"),
    word("actor"),
    word("detail"),  # canonical JSON, byte for byte what the digest covers
    word("previous"),
    word("digest"),
    Index("ix_journal_subject", "subject", "number"),
)

journal_head = Table(
    "journal_head",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    word("digest"),
    CheckConstraint("id = 1", name="one_row"),
)

__all__ = [
    "EVERY_LANE",
    "NOT_REMOVED",
    "SUSPECT",
    "SUSPECTS",
    "URGENT_FILES",
    "account_codes",
    "accounts",
    "anchors",
    "answers",
    "batch_members",
    "batches",
    "console_sessions",
    "bulk_items",
    "bulk_sends",
    "destinations",
    "digests",
    "dispatches",
    "figures",
    "figures_domains",
    "figures_head",
    "files",
    "gaps",
    "heard",
    "in_state",
    "installation",
    "journal",
    "journal_head",
    "ladder_steps",
    "mails_aside",
    "metadata",
    "named_leases",
    "nodes",
    "oppositions",
    "pace",
    "payloads",
    "print_members",
    "print_runs",
    "receipt_support",
    "receipt_sweeps",
    "receipts",
    "reference",
    "reports",
    "sign_ins",
    "tallies",
]

EVERY_LANE = text("dispatches.lane >= 0")
"""Always true. With it SQLite prefers the partial index whose second column this is; else the choice is a draw."""

SUSPECT = 2
"""Returns from dead workers after which a dispatch is claimed alone."""

SUSPECTS = text(f"dispatches.returns >= {SUSPECT}")
"""In the words of their partial index."""

URGENT_FILES = text("files.lane = 0")
"""In the words of their partial index."""

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
