"""Receipts to the end: what is known of receipts, proof, the ladder with paper, and answers to the LIS.

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


def _mailbox() -> None:
    op.create_table(
        "mails_aside",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("channel", "uid", name=op.f("pk_mails_aside")),
    )
    op.create_index(
        "ix_receipts_mail",
        "receipts",
        ["digest"],
        sqlite_where=sa.text("kind <> 'smtp'"),
        postgresql_where=sa.text("kind <> 'smtp'"),
    )


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
