"""Tables of what follows mail that nobody reads: rungs climbed, digests, mailboxes heard, print runs."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, UniqueConstraint

from dispatcher.store.columns import metadata, partial, word
from dispatcher.store.types import FreeText, Moment

ladder_steps = Table(
    "ladder_steps",
    metadata,
    Column("dispatch_id", Text, primary_key=True),
    Column("step", Integer, primary_key=True, autoincrement=False),  # its place in the ladder: each is climbed once
    word("rung"),
    Column("at", Moment, nullable=False),
    word("digest"),  # the digest that told of it
    word("note", FreeText),
    Index("ix_ladder_steps_digest", "digest"),
)

digests = Table(
    "digests",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    word("id"),
    Column("made_at", Moment, nullable=False),
    Column("count", Integer, nullable=False),
    Column("told_at", Moment),
    Column("told", Boolean, nullable=False),
    partial("uq_digests_open", "told", where="told = 0", postgresql="NOT told", unique=True),
    UniqueConstraint("id"),
)

heard = Table(
    "heard",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("at", Moment, nullable=False),  # its mailbox was read to the end
)

print_runs = Table(
    "print_runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("made_at", Moment, nullable=False),
    word("actor"),
    Column("count", Integer, nullable=False),
    word("sha256"),
    word("why", FreeText),
    Column("printed_at", Moment),
    Index("ix_print_runs_made", "made_at"),
)

print_members = Table(
    "print_members",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("dispatch_id", Text, primary_key=True),
    Index("ix_print_members_dispatch", "dispatch_id"),
)
