"""The figures of each day as the use cases see them: made from the dispatches, kept to be added up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dispatcher.outbox.figures import Life


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRow:
    """The dispatches of one day to one address by one channel."""

    day: str
    """ISO date, in Paris, of their making."""
    channel: str
    address: str
    domain: str
    label: str
    made: int
    sent: int
    """Of these, how many ever left; in the same way the next two."""
    read: int
    failed: int
    detail: Mapping[str, object]
    """:meth:`dispatcher.outbox.figures.Figures.as_json`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainRow:
    """The same of all addresses of a domain."""

    day: str
    channel: str
    domain: str
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """The sums of one address over some days."""

    address: str
    domain: str
    label: str
    made: int
    sent: int
    read: int
    failed: int
    old: int
    """Left so long ago that they should have been read."""
    old_read: int


class FiguresBook(Protocol):
    """Can be made anew from the dispatches at any time."""

    def head(self) -> int | None:
        """Number of the last line of the journal the figures know of; None: none were ever made."""

    def journal_number(self) -> int:
        """Number of the last line of the journal."""

    def touched(self, after: int, until: int) -> frozenset[datetime] | None:
        """When the dispatches were made that those lines of the journal are about; None: too many lines to ask."""

    def span(self) -> tuple[datetime, datetime] | None:
        """When the first and the last dispatch were made; None without any."""

    def lives(self, since: datetime, until: datetime) -> Iterator[Life]:
        """The dispatches made in that time."""

    def put(self, day: str, rows: Iterable[FigureRow], domains: Iterable[DomainRow], *, before: int | None) -> bool:
        """The rows of that day from now on; False, and nothing written, when the head is not ``before`` any more."""

    def advance(self, before: int | None, number: int) -> bool:
        """All is known up to that line; False when somebody else said so meanwhile."""

    def of_domains(self, since: str, until: str) -> Iterator[DomainRow]:
        """The rows of the days from ``since`` to ``until``, both included."""

    def recipients(self, since: str, until: str, settled: str) -> tuple[Recipient, ...]:
        """The sums by address; ``settled``: the last day whose dispatches should have been read."""

    def of_addresses(self, addresses: Sequence[str], since: str, until: str) -> Iterator[FigureRow]:
        """The rows of these addresses."""
