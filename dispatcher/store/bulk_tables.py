"""Tables of bulk sends: what a person sent in one go, and which file each of its documents became."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text, UniqueConstraint

from dispatcher.store.columns import metadata, word
from dispatcher.store.types import Moment

bulk_sends = Table(
    "bulk_sends",
    metadata,
    Column("id", Text, primary_key=True),
    word("digest"),  # keyed hash of all that was ordered: the same order is the same send
    word("place"),  # keyed hash of where the order came from
    Column("made_at", Moment, nullable=False),
    word("actor"),
    Column("files", Integer, nullable=False),
    Column("count", Integer, nullable=False),
    UniqueConstraint("digest"),
    Index("ix_bulk_sends_place", "place", "made_at"),
    Index("ix_bulk_sends_made", "made_at"),
)

bulk_items = Table(
    "bulk_items",
    metadata,
    Column("send_id", Text, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    word("file_id"),
    Index("ix_bulk_items_file", "file_id"),
)
