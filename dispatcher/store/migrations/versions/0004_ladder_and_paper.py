"""Mail that nobody reads: the ladder, its digests, and print runs.

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
    op.add_column("dispatches", sa.Column("climb_at", MOMENT, nullable=True))
    op.add_column("dispatches", sa.Column("rung", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("dispatches", sa.Column("acknowledged_at", MOMENT, nullable=True))
    _partial("ix_dispatches_climb", "dispatches", ["climb_at", "id"], "climb_at IS NOT NULL")
    _partial("ix_dispatches_unread", "dispatches", ["state", "sent_at", "id"], "rung > 1")
    _ladder()
    _print_runs()


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


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
