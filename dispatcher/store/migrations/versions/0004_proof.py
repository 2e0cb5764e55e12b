"""Proof: anchors of the journal, and the digests of renditions, which outlive them.

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
    op.add_column("dispatches", sa.Column("renditions", sa.Text(), nullable=False, server_default=""))
    _anchors()


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
