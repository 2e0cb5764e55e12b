"""Tables of alarms: incidents, messages on their way, signs."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, UniqueConstraint

from dispatcher.alarms.alarm import Level
from dispatcher.store.columns import metadata, word
from dispatcher.store.types import FreeText, JsonText, Moment, Word

incidents = Table(
    "incidents",
    metadata,
    Column("key", FreeText, primary_key=True),
    word("code"),
    word("level", Word(Level)),
    word("text", FreeText),
    word("hint", FreeText),
    Column("count", Integer, nullable=False),
    Column("stage", Integer, nullable=False),
    Column("began_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("told_at", Moment),
    Column("said_at", Moment),
    Column("told_count", Integer, nullable=False),
    Column("told_stage", Integer, nullable=False),
    Column("reminders", Integer, nullable=False),
    Column("gone_at", Moment),
    Column("over_at", Moment),
    Column("flaps", Integer, nullable=False),
    Column("acked_at", Moment),
    word("acked_by", FreeText),
    word("ack_why", FreeText),
)

alarm_notes = Table(
    "alarm_notes",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    word("id"),
    word("way"),
    word("kind"),
    word("key", FreeText),
    Column("at", Moment, nullable=False),
    Column("body", JsonText, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("sent_at", Moment),
    word("reason", FreeText),
    UniqueConstraint("id"),
    Index("ix_alarm_notes_way", "way", "number"),
)

signs = Table(
    "signs",
    metadata,
    Column("name", FreeText, primary_key=True),
    Column("at", Moment, nullable=False),
    word("note", FreeText),
)
