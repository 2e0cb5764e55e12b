"""One unit of work: a transaction with its parts, each made when first asked for."""

from __future__ import annotations

from functools import cached_property

from dispatcher.store.accounts import SqlAccounts, SqlConsoleSessions, SqlSignIns
from dispatcher.store.alarms import SqlAlarmBook
from dispatcher.store.anchors import SqlAnchors
from dispatcher.store.answers import SqlAnswers
from dispatcher.store.batches import SqlBatches
from dispatcher.store.bulk_sends import SqlBulkSends
from dispatcher.store.destinations import SqlDestinations
from dispatcher.store.dispatches import SqlDispatches
from dispatcher.store.figures import SqlFigures
from dispatcher.store.files import SqlFiles
from dispatcher.store.gaps import SqlGaps
from dispatcher.store.installation import SqlInstallation
from dispatcher.store.journal import Head, SqlJournal
from dispatcher.store.ladders import SqlLadders
from dispatcher.store.mails_aside import SqlMailsAside
from dispatcher.store.named_leases import SqlLeases
from dispatcher.store.nodes import SqlNodes
from dispatcher.store.oppositions import SqlOppositions
from dispatcher.store.pace import SqlPaceBook
from dispatcher.store.pace_memory import PaceMemory
from dispatcher.store.payloads import SqlPayloads
from dispatcher.store.prints import SqlPrintRuns
from dispatcher.store.purging import SqlPurging
from dispatcher.store.receipts import SqlReceipts
from dispatcher.store.reference import SqlReference
from dispatcher.store.reports import SqlReports
from dispatcher.store.session import Session
from dispatcher.store.set_back import SqlMoments
from dispatcher.store.support import SqlSupport
from dispatcher.store.tallies import SqlTallies


class SqlUnit:
    """See :class:`dispatcher.ports.UnitOfWork`. Belongs to the thread that opened it."""

    def __init__(self, session: Session, head: Head | None = None, memory: PaceMemory | None = None) -> None:
        self._session = session
        self._memory = memory
        self.journal = session.journal = SqlJournal(session, head)
        self.tallies = session.tallies = SqlTallies(session)
        self.answers = session.answers = SqlAnswers(session)

    def finish(self) -> None:
        """Write what was kept back to the end: last the journal, whose head every writer needs."""
        self.tallies.flush()
        self.journal.flush()

    @property
    def work_made(self) -> bool:
        """Files were taken in or mails queued: somebody may be waiting for them."""
        return self._session.work_made

    @cached_property
    def files(self) -> SqlFiles:
        return SqlFiles(self._session)

    @cached_property
    def reports(self) -> SqlReports:
        return SqlReports(self._session)

    @cached_property
    def dispatches(self) -> SqlDispatches:
        return SqlDispatches(self._session)

    @cached_property
    def batches(self) -> SqlBatches:
        return SqlBatches(self._session)

    @cached_property
    def bulk(self) -> SqlBulkSends:
        return SqlBulkSends(self._session)

    @cached_property
    def destinations(self) -> SqlDestinations:
        return SqlDestinations(self._session)

    @cached_property
    def figures(self) -> SqlFigures:
        return SqlFigures(self._session)

    @cached_property
    def receipts(self) -> SqlReceipts:
        return SqlReceipts(self._session, self.payloads)

    @cached_property
    def alarms(self) -> SqlAlarmBook:
        return SqlAlarmBook(self._session)

    @cached_property
    def anchors(self) -> SqlAnchors:
        return SqlAnchors(self._session, self.payloads)

    @cached_property
    def payloads(self) -> SqlPayloads:
        return SqlPayloads(self._session)

    @cached_property
    def pace(self) -> SqlPaceBook:
        return SqlPaceBook(self._session, self._memory)

    @cached_property
    def reference(self) -> SqlReference:
        return SqlReference(self._session)

    @cached_property
    def oppositions(self) -> SqlOppositions:
        return SqlOppositions(self._session)

    @cached_property
    def gaps(self) -> SqlGaps:
        return SqlGaps(self._session)

    @cached_property
    def installation(self) -> SqlInstallation:
        return SqlInstallation(self._session)

    @cached_property
    def nodes(self) -> SqlNodes:
        return SqlNodes(self._session)

    @cached_property
    def leases(self) -> SqlLeases:
        return SqlLeases(self._session)

    @cached_property
    def moments(self) -> SqlMoments:
        return SqlMoments(self._session)

    @cached_property
    def support(self) -> SqlSupport:
        return SqlSupport(self._session)

    @cached_property
    def mails_aside(self) -> SqlMailsAside:
        return SqlMailsAside(self._session)

    @cached_property
    def ladder(self) -> SqlLadders:
        return SqlLadders(self._session)

    @cached_property
    def purging(self) -> SqlPurging:
        return SqlPurging(self._session, self.payloads)

    @cached_property
    def prints(self) -> SqlPrintRuns:
        return SqlPrintRuns(self._session)

    @cached_property
    def accounts(self) -> SqlAccounts:
        return SqlAccounts(self._session)

    @cached_property
    def console_sessions(self) -> SqlConsoleSessions:
        return SqlConsoleSessions(self._session)

    @cached_property
    def sign_ins(self) -> SqlSignIns:
        return SqlSignIns(self._session)
