"""One transaction, and the database that hands it out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from dispatcher.store_ports.accounts import Accounts, ConsoleSessions, SignIns
from dispatcher.store_ports.alarms import AlarmBook
from dispatcher.store_ports.anchors import Anchors
from dispatcher.store_ports.answers import Answers
from dispatcher.store_ports.bulk import BulkSends
from dispatcher.store_ports.destinations import Destinations
from dispatcher.store_ports.dispatches import Batches, Dispatches
from dispatcher.store_ports.figures import FiguresBook
from dispatcher.store_ports.files import Files, Reports
from dispatcher.store_ports.installation import Installation
from dispatcher.store_ports.ladder import Ladders, PrintRuns
from dispatcher.store_ports.moments import Moments
from dispatcher.store_ports.nodes import Leases, Nodes
from dispatcher.store_ports.pace import PaceBook
from dispatcher.store_ports.purging import Purging
from dispatcher.store_ports.records import Gaps, Journal, Oppositions, Payloads, Receipts, Reference
from dispatcher.store_ports.support import MailsAside, Support
from dispatcher.store_ports.tallies import Tallies


class UnitOfWork(Protocol):
    """One transaction; everything written inside is committed together or not at all."""

    @property
    def files(self) -> Files: ...
    @property
    def reports(self) -> Reports: ...
    @property
    def dispatches(self) -> Dispatches: ...
    @property
    def batches(self) -> Batches: ...
    @property
    def bulk(self) -> BulkSends: ...
    @property
    def destinations(self) -> Destinations: ...
    @property
    def receipts(self) -> Receipts: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def alarms(self) -> AlarmBook: ...
    @property
    def anchors(self) -> Anchors: ...
    @property
    def payloads(self) -> Payloads: ...
    @property
    def pace(self) -> PaceBook: ...
    @property
    def reference(self) -> Reference: ...
    @property
    def oppositions(self) -> Oppositions: ...
    @property
    def gaps(self) -> Gaps: ...
    @property
    def nodes(self) -> Nodes: ...
    @property
    def leases(self) -> Leases: ...
    @property
    def ladder(self) -> Ladders: ...
    @property
    def prints(self) -> PrintRuns: ...
    @property
    def installation(self) -> Installation: ...
    @property
    def tallies(self) -> Tallies: ...
    @property
    def moments(self) -> Moments: ...
    @property
    def support(self) -> Support: ...
    @property
    def mails_aside(self) -> MailsAside: ...
    @property
    def answers(self) -> Answers: ...
    @property
    def figures(self) -> FiguresBook: ...
    @property
    def accounts(self) -> Accounts: ...
    @property
    def console_sessions(self) -> ConsoleSessions: ...
    @property
    def sign_ins(self) -> SignIns: ...
    @property
    def purging(self) -> Purging: ...


class Store(Protocol):
    """The database."""

    def transaction(self) -> AbstractContextManager[UnitOfWork]:
        """Begin; commit at the end, roll back on an exception. Raises :class:`dispatcher.errors.StoreError`."""

    def reading(self) -> AbstractContextManager[UnitOfWork]:
        """A read-only view that takes no write lock."""

    def hint(self) -> None:
        """Wake the threads of this process that wait for work."""

    def hints(self) -> int:
        """A number that grows with every hint, for :meth:`wait_hint`."""

    def wait_hint(self, seen: int, seconds: float) -> None:
        """Until there was a hint since ``seen``, at most so long. Hints come from this process only, and may be about
        nothing."""

    def on_commit(self, tell: Callable[[float], object]) -> None:
        """``tell`` is given the seconds each commit of this process takes from now on: on SQLite, those of the disk."""

    def new_id(self, prefix: str) -> str:
        """A short identifier people can read out: ``prefix`` + 9 characters (no I, L, O, U)."""

    def tidy(self, *, compact: bool = False) -> bool:
        """After a purge: nothing of what went stays in the log of the database; ``compact``: the file gets smaller too.
        False: others kept it open, the next one does it. Raises :class:`dispatcher.errors.StoreError`."""

    def close(self) -> None: ...
