"""Tables of the people who sign in to the console."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table, Text

from dispatcher.store.columns import metadata, word
from dispatcher.store.types import Moment

accounts = Table(
    "accounts",
    metadata,
    Column("name", Text, primary_key=True),
    word("password"),  # argon2id
    word("roles"),
    Column("totp", LargeBinary),  # encrypted
    word("totp_key"),
    Column("totp_step", BigInteger, nullable=False),
    Column("must_change", Boolean, nullable=False),
    Column("disabled", Boolean, nullable=False),
    word("origin"),
    Column("created_at", Moment, nullable=False),
    word("created_by"),
    Column("signed_in_at", Moment),
)

account_codes = Table(
    "account_codes",
    metadata,
    Column("account", Text, primary_key=True),
    Column("code", Text, primary_key=True),  # keyed hash of a recovery code
)

console_sessions = Table(
    "console_sessions",
    metadata,
    Column("digest", Text, primary_key=True),  # SHA-256 of the token
    word("account"),
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("idle_until", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    word("address"),
    Index("ix_console_sessions_account", "account"),
)

sign_ins = Table(
    "sign_ins",
    metadata,
    Column("key", Text, primary_key=True),  # keyed hash
    Column("count", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("until", Moment),
)
