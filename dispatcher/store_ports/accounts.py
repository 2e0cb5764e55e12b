"""People who sign in to the console: accounts, sessions, and what is counted of attempts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


def account_subject(name: str) -> str:
    """Where the journal tells of an account."""
    return f"account:{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """One person. ``repr`` shows neither hash nor secret."""

    name: str
    password: str = field(default="", repr=False)
    """Argon2id, in its own notation; empty: signs in by the house of ``origin`` only."""
    roles: str = ""
    """Names of :class:`dispatcher.service.rights.Role`, with blanks between."""
    totp: bytes | None = field(default=None, repr=False)
    """Secret of the second factor, enciphered; None: there is none."""
    totp_key: str = ""
    """Id of the master key it was enciphered with."""
    totp_step: int = 0
    """Time step of the last code taken: that code and those before it are used up."""
    must_change: bool = False
    disabled: bool = False
    origin: str = ""
    """Issuer and subject (OpenID Connect) with a blank between, when another house says who this is; empty: we do."""
    created_at: datetime
    created_by: str
    signed_in_at: datetime | None = None

    @property
    def issuer(self) -> str:
        """The house that says who this is."""
        return self.origin.partition(" ")[0]


class Accounts(Protocol):
    """Accounts of the console; what changes who may do what is in the journal (subject ``account:NAME``)."""

    def alone(self) -> None:
        """Until the end of the transaction nobody else changes accounts or signs in."""

    def add(self, row: AccountRow, *, actor: str) -> bool:
        """False, and nothing written, when the name is taken."""

    def get(self, name: str) -> AccountRow | None: ...
    def list(self) -> tuple[AccountRow, ...]:
        """By name."""

    def set_password(self, name: str, password: str, *, must_change: bool, actor: str) -> None:
        """A new hash; every session of the account ends."""

    def rehash(self, name: str, password: str) -> None:
        """The same password under present parameters: no line in the journal."""

    def set_roles(self, name: str, roles: str, *, actor: str) -> None: ...
    def set_disabled(self, name: str, disabled: bool, *, actor: str) -> None:
        """A disabled account's sessions end."""

    def set_totp(self, name: str, totp: bytes | None, key_id: str, codes: Sequence[str], *, actor: str) -> None:
        """Another second factor with its recovery codes (keyed hashes), or none."""

    def use_step(self, name: str, step: int) -> bool:
        """Use up the code of that time step; False: it, or a later one, was used before."""

    def use_code(self, name: str, code: str) -> bool:
        """Use up a recovery code (keyed hash); False: no such code, or used before."""

    def codes_left(self, name: str) -> int: ...
    def signed_in(self, name: str, at: datetime) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """Somebody who signed in. The token itself is nowhere."""

    digest: str
    """SHA-256 of the token, hex."""
    account: str
    created_at: datetime
    seen_at: datetime
    idle_until: datetime
    """Without a sign of life the session ends then."""
    ends_at: datetime
    """It ends then whatever happens."""
    address: str = ""


class ConsoleSessions(Protocol):
    """Sessions of the console."""

    def add(self, row: SessionRow) -> None: ...
    def get(self, digest: str) -> SessionRow | None: ...
    def touch(self, digest: str, seen_at: datetime, idle_until: datetime) -> None: ...
    def end(self, digest: str) -> bool:
        """False: it had ended."""

    def end_all(self, account: str) -> int: ...
    def sweep(self, now: datetime) -> int:
        """Those that are over are forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRow:
    """What is counted under one key: failed attempts, or that somebody came in from there."""

    key: str
    """Keyed hash: neither the names that were tried nor the addresses stand in it."""
    count: int
    at: datetime
    """The last one."""
    until: datetime | None = None
    """Nobody tries again before that moment."""


class SignIns(Protocol):
    """What is counted of attempts to sign in."""

    def of(self, keys: Iterable[str]) -> dict[str, MarkRow]:
        """By key, those that there are."""

    def put(self, row: MarkRow) -> None: ...
    def drop(self, keys: Iterable[str]) -> int: ...
    def sweep(self, before: datetime) -> int:
        """Forget what last happened before that moment."""
