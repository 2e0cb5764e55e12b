"""Tables about what comes back: receipts learned of each recipient, mails that stay in a mailbox without folders."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table, Text

from dispatcher.store.columns import metadata
from dispatcher.store.types import Moment

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
