"""The delivery engine: members and life of batches, exact pace windows, destinations, tallies, nodes, replay.

Revision: 0003.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"

MOMENT = sa.Text().with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    """Forward only: a database is taken back by restoring its backup."""
    for table, columns in _columns().items():
        for column in columns:
            op.add_column(table, column)
    op.create_index(
        "uq_batches_token",
        "batches",
        ["token"],
        unique=True,
        sqlite_where=sa.text("token <> ''"),
        postgresql_where=sa.text("token <> ''"),
    )
    op.create_index(
        "ix_batches_alive",
        "batches",
        ["state", "id"],
        sqlite_where=sa.text("state <> 'done'"),
        postgresql_where=sa.text("state <> 'done'"),
    )
    op.drop_index("ix_dispatches_leased", "dispatches")
    op.create_index(
        "ix_dispatches_leased",
        "dispatches",
        ["lease_owner", "lease_until"],
        sqlite_where=sa.text("state = 'sending'"),
        postgresql_where=sa.text("state = 'sending'"),
    )
    _claims()
    _urgent()
    _batch_members()
    _destinations()
    _tallies()
    _nodes()
    _named_leases()
    _installation()
    _past_batches()
    _pace()


def _word(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=False, server_default="")


def _number(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default="0")


def _columns() -> dict[str, tuple[sa.Column[Any], ...]]:
    return {
        "files": (sa.Column("lane", sa.SmallInteger(), nullable=False, server_default="1"),),
        "dispatches": (
            sa.Column("unknown_since", MOMENT, nullable=True),
            _word("resend_of"),
            _word("replayed_from"),
            sa.Column("replayed_fence", sa.BigInteger(), nullable=False, server_default="0"),
            _number("replayed_attempts"),
            sa.Column("printed_at", MOMENT, nullable=True),
            _word("fault"),
            sa.Column("escalate_at", MOMENT, nullable=True),
            _number("escalation"),
            _number("pauses"),
            sa.Column("doubted_at", MOMENT, nullable=True),
            _number("returns"),
        ),
        "batches": (
            sa.Column("state", sa.Text(), nullable=False, server_default="open"),
            sa.Column("ended_at", MOMENT, nullable=True),
            _word("pause_reason"),
            _word("actor"),
            _word("why"),
            _word("token"),
        ),
    }


def _claims() -> None:
    """Deferred rows leave the index of claims, and have one of their own by the moment they are due."""
    op.drop_index("ix_dispatches_due", "dispatches")
    op.execute("UPDATE dispatches SET due_at = created_at WHERE state = 'deferred' AND due_at IS NULL")
    op.create_index(
        "ix_dispatches_queued",
        "dispatches",
        ["channel", "lane", "domain", "address", "created_at", "id"],
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        "ix_dispatches_suspects",
        "dispatches",
        ["channel", "lane", "created_at", "id"],
        sqlite_where=sa.text("state = 'queued' AND returns >= 2"),
        postgresql_where=sa.text("state = 'queued' AND returns >= 2"),
    )
    op.create_index(
        "ix_dispatches_deferred",
        "dispatches",
        ["channel", "due_at", "id"],
        sqlite_where=sa.text("state = 'deferred'"),
        postgresql_where=sa.text("state = 'deferred'"),
    )


def _urgent() -> None:
    """Few rows at any time: urgent files to prepare, urgent mail that nobody has yet."""
    op.create_index(
        "ix_files_urgent",
        "files",
        ["state", "received_at", "id"],
        sqlite_where=sa.text("lane = 0"),
        postgresql_where=sa.text("lane = 0"),
    )
    op.create_index(
        "ix_dispatches_escalate",
        "dispatches",
        ["escalate_at", "id"],
        sqlite_where=sa.text("escalate_at IS NOT NULL"),
        postgresql_where=sa.text("escalate_at IS NOT NULL"),
    )
    op.execute(  # nobody watched over it: its time began when it was made
        "UPDATE dispatches SET escalate_at = created_at WHERE lane = 0 "
        "AND state IN ('held', 'ready', 'queued', 'sending', 'deferred', 'unknown', 'failed')"
    )


def _batch_members() -> None:
    op.create_table(
        "batch_members",
        sa.Column("batch_id", sa.Text(), nullable=False),
        sa.Column("dispatch_id", sa.Text(), nullable=False),
        sa.Column("joined_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("batch_id", "dispatch_id", name=op.f("pk_batch_members")),
    )
    op.create_index("ix_batch_members_dispatch", "batch_members", ["dispatch_id"])


def _destinations() -> None:
    op.create_table(
        "destinations",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("free_at", MOMENT, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("notices", sa.Integer(), nullable=False),
        sa.Column("openings", sa.Integer(), nullable=False),
        sa.Column("probe_at", MOMENT, nullable=True),
        _word("probe"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "domain", name=op.f("pk_destinations")),
    )


def _tallies() -> None:
    op.create_table(
        "tallies",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "channel", "state", "shard", name=op.f("pk_tallies")),
    )
    op.execute(
        "INSERT INTO tallies (kind, channel, state, shard, count) "
        "SELECT 'dispatch', channel, state, 0, COUNT(*) FROM dispatches GROUP BY channel, state"
    )
    op.execute(
        "INSERT INTO tallies (kind, channel, state, shard, count) "
        "SELECT 'file', '', state, 0, COUNT(*) FROM files GROUP BY state"
    )


def _nodes() -> None:
    op.create_table(
        "nodes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("workers", sa.Integer(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("skew", sa.Double(), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("digests", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nodes")),
    )


def _named_leases() -> None:
    op.create_table(
        "named_leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("until", MOMENT, nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_named_leases")),
    )


def _installation() -> None:
    op.create_table(
        "installation",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.Column("backup_at", MOMENT, nullable=True),
        sa.Column("restored_at", MOMENT, nullable=True),
        sa.Column("journal_number", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_installation_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_installation")),
    )


def _past_batches() -> None:
    """Who was in which batch: the row remembers the last one, the journal all of them. What is over is ``done``."""
    op.execute(
        "INSERT INTO batch_members (batch_id, dispatch_id, joined_at) SELECT b.id, d.id, b.created_at "
        "FROM dispatches d JOIN batches b ON b.id = d.batch_id"
    )
    on_postgresql = op.get_context().dialect.name == "postgresql"
    batch = "(j.detail::jsonb ->> 'batch_id')" if on_postgresql else "json_extract(j.detail, '$.batch_id')"
    op.execute(
        "INSERT INTO batch_members (batch_id, dispatch_id, joined_at) SELECT b.id, j.subject, MIN(j.at) "  # noqa: S608
        f"FROM journal j JOIN batches b ON b.id = {batch} JOIN dispatches d ON d.id = j.subject "
        "WHERE j.event IN ('dispatch.queued', 'dispatch.replayed') AND NOT EXISTS ("
        "SELECT 1 FROM batch_members m WHERE m.batch_id = b.id AND m.dispatch_id = j.subject) GROUP BY b.id, j.subject"
    )
    op.execute(
        "UPDATE batches SET state = 'done' WHERE NOT EXISTS (SELECT 1 FROM batch_members m JOIN dispatches d "
        "ON d.id = m.dispatch_id WHERE m.batch_id = batches.id "
        "AND d.state IN ('held', 'ready', 'queued', 'sending', 'deferred', 'unknown'))"
    )


def _pace() -> None:
    """Windows instead of a bucket, in a table made anew: it has a row a channel.

    A channel that sent before keeps since when, for its warm-up; its last minute is not known mail by mail.
    """
    connection = op.get_bind()
    kept = "scope, tokens, updated, paused, paused_until, pause_reason"
    rows = [dict(row) for row in connection.execute(sa.text(f"SELECT {kept} FROM pace")).mappings()]  # noqa: S608
    op.drop_table("pace")
    table = op.create_table(
        "pace",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("paused_until", MOMENT, nullable=True),
        sa.Column("pause_reason", sa.Text(), nullable=False),
        sa.Column("slots", sa.Text(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("first_at", MOMENT, nullable=True),
        _word("boot"),
        sa.Column("boot_seconds", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_pace")),
    )
    for row in rows:
        tokens, updated = row.pop("tokens"), row.pop("updated")
        first = _first_sent(connection, row["scope"]) or updated if tokens is not None else None
        if first is not None:
            row["first_at"] = first
            row["seconds"] = max((_moment(updated) - _moment(first)).total_seconds(), 0.0)
        connection.execute(sa.insert(table), row | {"paused": bool(row["paused"])})


def _first_sent(connection: sa.Connection, scope: str) -> Any:
    wanted = sa.text("SELECT MIN(sent_at) FROM dispatches WHERE channel = :channel")
    return connection.execute(wanted, {"channel": scope.removeprefix("channel:")}).scalar()


def _moment(found: str | datetime) -> datetime:
    return datetime.fromisoformat(found) if isinstance(found, str) else found
