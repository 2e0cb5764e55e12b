"""What is learned of each recipient's receipts, and what stays in a mailbox without folders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Heard(StrEnum):
    """What came back from a recipient."""

    DELIVERED = "delivered"
    RELAYED = "relayed"
    """The way ended at a server that sends no delivery notices."""
    READ = "read"
    """A reader's answer, whatever it said."""


class Scope(StrEnum):
    """Of whom."""

    DOMAIN = "domain"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportRow:
    """What came back, by a channel, from one domain or address."""

    channel: str
    scope: Scope
    name: str
    """Lower case."""
    delivered_at: datetime | None = None
    """The last of each kind."""
    relayed_at: datetime | None = None
    read_at: datetime | None = None
    silent: int = 0
    """Mails in a row that the operator took and no delivery notice came for, in the time notices take."""
    unread: int = 0
    """Delivered mails in a row that no reader answered."""


class Support(Protocol):
    """Learned, never set by hand. Judged by :mod:`dispatcher.receipts.support`."""

    def heard(self, channel: str, address: str, what: Heard, at: datetime) -> None:
        """Something came back: it ends a silence."""

    def of(self, channel: str, address: str) -> tuple[SupportRow | None, SupportRow | None]:
        """What is known of its domain, and of the address."""

    def list(self, channel: str = "", scope: Scope | None = None) -> tuple[SupportRow, ...]:
        """Longest silences first."""

    def sweep(self, channel: str, until: datetime, *, dsn: bool, mdn: bool) -> int:
        """Count the silence of mails that left up to then and were not counted before; gives how many were looked at.
        The first one of a channel counts nothing.

        ``dsn``, ``mdn``: whether notices of that kind were asked for.
        """


class MailsAside(Protocol):
    """UIDs of mails nobody understood, which stay in a mailbox without folders."""

    def known(self, channel: str) -> frozenset[str]: ...
    def add(self, channel: str, uids: Iterable[str], at: datetime) -> None: ...
    def drop(self, channel: str, uids: Iterable[str]) -> None: ...
