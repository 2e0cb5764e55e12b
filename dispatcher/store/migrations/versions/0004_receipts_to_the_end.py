"""Receipts to the end: what is known of receipts, proof, the ladder with paper, answers to the LIS; who may sign in.

Mail that left before this revision is not put on the ladder: nobody reminds of the years past.

Revision: 0004.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

MOMENT = sa.Text().with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    """Forward only: a database is taken back by restoring its backup."""
    _mailbox()
    _support()
    op.add_column("dispatches", sa.Column("renditions", sa.Text(), nullable=False, server_default=""))
    _anchors()
    _climb()
    _ladder()
    _print_runs()
    _answers()
    _figures()
    _accounts()
    _retention()
    _alarms()
    _bulk()


def _partial(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def _mailbox() -> None:
    op.create_table(
        "mails_aside",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("channel", "uid", name=op.f("pk_mails_aside")),
    )
    _partial("ix_receipts_latest", "receipts", ["at", "id"], "kind NOT IN ('smtp', 'sent-copy')")
    _partial("ix_receipts_mail", "receipts", ["digest"], "kind <> 'smtp'")
    op.add_column("receipts", sa.Column("to_read", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("receipts", sa.Column("dealt_at", MOMENT, nullable=True))
    op.add_column("receipts", sa.Column("dealt_by", sa.Text(), nullable=False, server_default=""))
    op.add_column("receipts", sa.Column("dealt_why", sa.Text(), nullable=False, server_default=""))
    receipts = sa.table("receipts", sa.column("dispatch_id"), sa.column("kind"), sa.column("to_read", sa.Boolean()))
    alone = sa.and_(receipts.c.dispatch_id == "", receipts.c.kind != "smtp")
    op.execute(receipts.update().where(alone).values(to_read=True))
    _partial("ix_receipts_to_read", "receipts", ["at"], "to_read")


def _support() -> None:
    op.create_table(
        "receipt_support",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("delivered_at", MOMENT, nullable=True),
        sa.Column("relayed_at", MOMENT, nullable=True),
        sa.Column("read_at", MOMENT, nullable=True),
        sa.Column("silent", sa.Integer(), nullable=False),
        sa.Column("unread", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "scope", "name", name=op.f("pk_receipt_support")),
    )
    op.create_table(
        "receipt_sweeps",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_receipt_sweeps")),
    )


def _anchors() -> None:
    op.create_table(
        "anchors",
        sa.Column("last", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("signer", sa.Text(), nullable=False),
        sa.Column("stamp", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("last", name=op.f("pk_anchors")),
    )


def _climb() -> None:
    op.add_column("dispatches", sa.Column("climb_at", MOMENT, nullable=True))
    op.add_column("dispatches", sa.Column("rung", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("dispatches", sa.Column("acknowledged_at", MOMENT, nullable=True))
    _partial("ix_dispatches_climb", "dispatches", ["climb_at", "id"], "climb_at IS NOT NULL")
    _partial("ix_dispatches_unread", "dispatches", ["state", "sent_at", "id"], "rung > 1")


def _ladder() -> None:
    op.create_table(
        "ladder_steps",
        sa.Column("dispatch_id", sa.Text(), nullable=False),
        sa.Column("step", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rung", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("dispatch_id", "step", name=op.f("pk_ladder_steps")),
    )
    op.create_index("ix_ladder_steps_digest", "ladder_steps", ["digest"])
    op.create_table(
        "digests",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("told_at", MOMENT, nullable=True),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_digests")),
        sa.UniqueConstraint("id", name=op.f("uq_digests_id")),
    )
    op.create_index(
        "uq_digests_open",
        "digests",
        ["told"],
        unique=True,
        sqlite_where=sa.text("told = 0"),
        postgresql_where=sa.text("NOT told"),
    )
    op.create_table(
        "heard",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_heard")),
    )


def _print_runs() -> None:
    op.create_table(
        "print_runs",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("printed_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_print_runs")),
    )
    op.create_index("ix_print_runs_made", "print_runs", ["made_at"])
    op.create_table(
        "print_members",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("dispatch_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "dispatch_id", name=op.f("pk_print_members")),
    )
    op.create_index("ix_print_members_dispatch", "print_members", ["dispatch_id"])


def _answers() -> None:
    op.create_table(
        "answers",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("report_id", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.Column("bundle", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_answers")),
        sa.UniqueConstraint("id", name=op.f("uq_answers_id")),
    )
    op.create_index("ix_answers_subject", "answers", ["subject"])
    op.create_index("ix_answers_source", "answers", ["source", "event", "subject"])
    _partial("ix_answers_due", "answers", ["source", "number"], "state = 'due'")
    _partial("ix_answers_bundle", "answers", ["bundle"], "state = 'due' AND bundle <> ''")
    _partial("ix_answers_ended", "answers", ["state", "number"], "state IN ('refused', 'void')")
    _partial("uq_answers_token", "answers", ["token"], "token <> ''", unique=True)


def _bulk() -> None:
    op.create_table(
        "bulk_sends",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_sends")),
        sa.UniqueConstraint("digest", name=op.f("uq_bulk_sends_digest")),
    )
    op.create_index("ix_bulk_sends_place", "bulk_sends", ["place", "made_at"])
    op.create_index("ix_bulk_sends_made", "bulk_sends", ["made_at"])
    op.create_table(
        "bulk_items",
        sa.Column("send_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("send_id", "position", name=op.f("pk_bulk_items")),
    )
    op.create_index("ix_bulk_items_file", "bulk_items", ["file_id"])


def _figures() -> None:
    op.create_table(
        "figures",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("made", sa.Integer(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("read", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("day", "channel", "address", name=op.f("pk_figures")),
    )
    op.create_table(
        "figures_domains",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("day", "channel", "domain", name=op.f("pk_figures_domains")),
    )
    op.create_table(
        "figures_head",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_figures_head_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_figures_head")),
    )


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("totp", sa.LargeBinary(), nullable=True),
        sa.Column("totp_key", sa.Text(), nullable=False),
        sa.Column("totp_step", sa.BigInteger(), nullable=False),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("signed_in_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_accounts")),
    )
    op.create_table(
        "account_codes",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", "code", name=op.f("pk_account_codes")),
    )
    op.create_table(
        "console_sessions",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("idle_until", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_console_sessions")),
    )
    op.create_index("ix_console_sessions_account", "console_sessions", ["account"])
    op.create_table(
        "sign_ins",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("until", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_ins")),
    )


def _retention() -> None:
    op.add_column("files", sa.Column("purged_at", MOMENT, nullable=True))
    _partial("ix_files_contents", "files", ["received_at", "id"], "purged_at IS NULL")
    _partial("ix_files_proofs", "files", ["received_at", "id"], "purged_at IS NOT NULL")
    _partial("ix_reports_patient", "reports", ["patient_hash"], "patient_hash <> ''")


def _alarms() -> None:
    _partial("ix_files_arrived", "files", ["source", "received_at"], "size >= 0")
    op.create_table(
        "incidents",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("told_at", MOMENT, nullable=True),
        sa.Column("said_at", MOMENT, nullable=True),
        sa.Column("told_count", sa.Integer(), nullable=False),
        sa.Column("told_stage", sa.Integer(), nullable=False),
        sa.Column("reminders", sa.Integer(), nullable=False),
        sa.Column("gone_at", MOMENT, nullable=True),
        sa.Column("over_at", MOMENT, nullable=True),
        sa.Column("flaps", sa.Integer(), nullable=False),
        sa.Column("acked_at", MOMENT, nullable=True),
        sa.Column("acked_by", sa.Text(), nullable=False),
        sa.Column("ack_why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_incidents")),
    )
    op.create_table(
        "alarm_notes",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_alarm_notes")),
        sa.UniqueConstraint("id", name=op.f("uq_alarm_notes_id")),
    )
    op.create_index("ix_alarm_notes_way", "alarm_notes", ["way", "number"])
    op.create_table(
        "signs",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_signs")),
    )
