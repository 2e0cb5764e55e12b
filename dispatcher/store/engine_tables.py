"""Tables of the delivery engine: who is in which batch, destinations, tallies, nodes and what they own; anchors."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
)

from dispatcher.store.columns import added, metadata, word
from dispatcher.store.types import FreeText, JsonText, Moment

batch_members = Table(
    "batch_members",
    metadata,
    Column("batch_id", Text, primary_key=True),
    Column("dispatch_id", Text, primary_key=True),
    Column("joined_at", Moment, nullable=False),
    Index("ix_batch_members_dispatch", "dispatch_id"),
)

destinations = Table(
    "destinations",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("domain", Text, primary_key=True),
    Column("free_at", Moment),
    word("state"),  # of its circuit: empty, open, half
    Column("failures", Integer, nullable=False),  # said by the server, in a row
    Column("notices", Integer, nullable=False),  # said by notices, in a row
    Column("openings", Integer, nullable=False),  # in a row
    Column("probe_at", Moment),
    added("probe"),  # the dispatch that tries, of ``half``
    word("reason", FreeText),
)

tallies = Table(
    "tallies",
    metadata,
    Column("kind", Text, primary_key=True),  # dispatch, file
    Column("channel", Text, primary_key=True),
    Column("state", Text, primary_key=True),
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("count", BigInteger, nullable=False),
)

nodes = Table(
    "nodes",
    metadata,
    Column("id", Text, primary_key=True),
    word("name"),
    word("host"),
    Column("pid", BigInteger, nullable=False),
    word("version"),
    word("revision"),
    Column("workers", Integer, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("skew", Double, nullable=False),  # seconds its clock is ahead of the database's
    word("wanted"),
    word("process"),  # its run of the machine, table of processes and start
    word("digests", JsonText),  # of what lies on its own disk
)

named_leases = Table(
    "named_leases",
    metadata,
    Column("name", Text, primary_key=True),
    word("owner"),
    word("node"),
    Column("until", Moment),
    Column("fence", BigInteger, nullable=False),
)

installation = Table(
    "installation",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    word("store_id"),
    Column("backup_at", Moment),
    Column("restored_at", Moment),
    Column("journal_number", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

anchors = Table(
    "anchors",
    metadata,
    Column("last", BigInteger, primary_key=True, autoincrement=False),  # line of the journal it ends with
    Column("first", BigInteger, nullable=False),
    Column("at", Moment, nullable=False),
    word("statement"),  # the signed text, byte for byte
    Column("signature", LargeBinary, nullable=False),  # CMS, detached, DER
    word("signer"),  # SHA-256 of the certificate
    Column("stamp", LargeBinary),  # RFC 3161 response over ``signature``, once it was obtained
)
