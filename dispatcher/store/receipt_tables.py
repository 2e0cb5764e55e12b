"""Tables about what comes back: receipts, what is learned of each recipient, mails that stay in a mailbox without
folders."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, Table, Text, false

from dispatcher.store.columns import metadata, partial, word
from dispatcher.store.types import FreeText, Moment

NOTICES = "kind NOT IN ('smtp', 'sent-copy')"
"""Receipts that were mails to us: a partial index, used only for a query in the same words."""
receipts = Table(
    "receipts",
    metadata,
    Column("id", Text, primary_key=True),
    word("dispatch_id"),  # empty while it matches nothing
    word("kind"),
    word("action", FreeText),
    word("status", FreeText),
    word("code", FreeText),
    Column("at", Moment, nullable=False),
    word("digest"),
    word("channel"),
    word("note", FreeText),
    Column("to_read", Boolean, nullable=False, server_default=false()),  # a person has to look at it
    Column("dealt_at", Moment),  # a person did
    Column("dealt_by", Text, nullable=False, server_default=""),
    Column("dealt_why", FreeText, nullable=False, server_default=""),
    Index("ix_receipts_dispatch", "dispatch_id", "at"),
    partial("ix_receipts_to_read", "at", where="to_read"),
    partial("ix_receipts_latest", "at", "id", where=NOTICES),
    partial("ix_receipts_mail", "digest", where="kind <> 'smtp'"),
    partial("uq_receipts_digest", "dispatch_id", "digest", where="digest <> ''", unique=True),
)
mails_aside = Table(
    "mails_aside",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("uid", Text, primary_key=True),
    Column("at", Moment, nullable=False),
)

receipt_support = Table(
    "receipt_support",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("scope", Text, primary_key=True),  # domain, address
    Column("name", Text, primary_key=True),
    Column("delivered_at", Moment),  # the last notice that the mail is in the mailbox
    Column("relayed_at", Moment),  # the last notice that the way ended at a server that sends none
    Column("read_at", Moment),  # the last answer of a reader, whatever it said
    Column("silent", Integer, nullable=False),  # mails in a row that no delivery notice came for
    Column("unread", Integer, nullable=False),  # delivered ones in a row that no reader answered
)

receipt_sweeps = Table(
    "receipt_sweeps",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("until", Moment, nullable=False),  # mails made before have been judged
)
