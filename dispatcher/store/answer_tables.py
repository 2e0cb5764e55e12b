"""Tables of what leaves towards the laboratory itself: answers to the LIS, figures of each day."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, SmallInteger, Table, Text, UniqueConstraint

from dispatcher.store.columns import metadata, partial, word
from dispatcher.store.types import FreeText, JsonText, Moment, Word
from dispatcher.store_ports.answers import AnswerState

answers = Table(
    "answers",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    word("id"),
    word("source"),
    word("format"),
    word("event"),
    word("subject"),
    word("file_id"),
    word("report_id"),
    Column("at", Moment, nullable=False),
    Column("detail", JsonText, nullable=False),
    word("state", Word(AnswerState)),
    Column("due_at", Moment, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("sent_at", Moment),
    word("bundle"),
    word("reason", FreeText),
    word("token"),
    UniqueConstraint("id"),
    Index("ix_answers_subject", "subject"),
    Index("ix_answers_source", "source", "event", "subject"),
    partial("ix_answers_due", "source", "number", where="state = 'due'"),
    partial("ix_answers_bundle", "bundle", where="state = 'due' AND bundle <> ''"),
    partial("ix_answers_ended", "state", "number", where="state IN ('refused', 'void')"),
    partial("uq_answers_token", "token", where="token <> ''", unique=True),
)

figures = Table(
    "figures",
    metadata,
    Column("day", Text, primary_key=True),  # in Paris, of the making of the dispatches
    Column("channel", Text, primary_key=True),
    Column("address", FreeText, primary_key=True),
    word("domain", FreeText),
    word("label", FreeText),
    Column("made", Integer, nullable=False),
    Column("sent", Integer, nullable=False),
    Column("read", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("detail", JsonText, nullable=False),  # outbox/figures.py
)

figures_domains = Table(
    "figures_domains",
    metadata,
    Column("day", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("domain", FreeText, primary_key=True),
    Column("detail", JsonText, nullable=False),
)

figures_head = Table(
    "figures_head",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),  # of the last line of the journal that ``figures`` know of
    CheckConstraint("id = 1", name="one_row"),
)
