"""One order number, several messages: is this report a new version of one we have, or another part of the same order?

Some systems send one message per battery, all under one order number. Such a part replaces nothing: taking it for a
version would withdraw results that nobody repeats. So a report belongs to the first chain of its order that shares an
analysis with it; a report that shares none opens a chain of its own. A version that no longer carries an analysis of
the one before is never put in its place without a person.
"""

from __future__ import annotations

from collections.abc import Sequence

from dispatcher.errors import DispatcherError
from dispatcher.outbox.dispatch import ReportVersion
from dispatcher.report import versions
from dispatcher.report.model import Report, ValueType
from dispatcher.service.desk import Desk
from dispatcher.service.originals import read_file

MOST = 100
"""Parts of one order looked at."""


def analyses(report: Report) -> frozenset[str]:
    """What a report is about: codes, else labels, of its results; one word for documents and for free text."""
    found = {
        "DOCUMENT" if o.type is ValueType.DOCUMENT else versions.plain(o.code.code or o.code.text)
        for o in report.observations
    }
    return frozenset(found) or frozenset({"DOCUMENT" if report.documents else "TEXT"})


def chain_of(desk: Desk, report: Report) -> tuple[str, tuple[ReportVersion, ...], frozenset[str]]:
    """The chain a report belongs to, its versions so far, and the analyses of the last one this report lacks."""
    text, mine = versions.chain_text(report), analyses(report)
    for number in range(MOST):
        chain = desk.cipher.hash(f"{text}#{number}" if number else text)
        with desk.store.reading() as uow:
            history = uow.reports.versions(chain)
        known = _of_last(desk, history)
        if not history or not known or known & mine:
            return chain, history, known - mine
    return chain, history, frozenset()


def _of_last(desk: Desk, history: Sequence[ReportVersion]) -> frozenset[str]:
    """Analyses of the newest version, read again from its original; empty when that was purged."""
    last = max(history, key=lambda v: v.version, default=None)
    if last is None:
        return frozenset()
    with desk.store.reading() as uow:
        file = uow.files.get(last.file_id)
    if file is None:
        return frozenset()
    try:
        reports = read_file(desk, file).reports
    except DispatcherError:
        return frozenset()
    return analyses(reports[last.position]) if last.position < len(reports) else frozenset()
