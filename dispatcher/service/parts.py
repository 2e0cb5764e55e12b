"""One order number, several messages: is this report a new version of one we have, or another part of the same order?

Some systems send one message per battery, all under one order number. Such a part replaces nothing: taking it for a
version would withdraw results that nobody repeats. So a report belongs to the first chain of its order that shares an
analysis with it; a report that shares none opens a chain of its own. A version that no longer carries an analysis of
the one in force is never put in its place without a person. A bare cancellation, which carries no analysis at all, is
about the part with the same battery, or the only one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dispatcher.errors import DispatcherError
from dispatcher.outbox.dispatch import ReportVersion
from dispatcher.report import versions
from dispatcher.report.model import Report
from dispatcher.report.versions import analyses, results
from dispatcher.service.desk import Desk
from dispatcher.service.originals import read_file

MOST = 100
"""Parts of one order looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a report belongs."""

    chain: str
    history: tuple[ReportVersion, ...]
    """Its versions so far, oldest first."""
    lacking: frozenset[str] = frozenset()
    """Analyses of the version in force that the report lacks."""
    extra: frozenset[str] = frozenset()
    """Analyses of the report that the version in force lacks."""
    unreadable: bool = False
    """The version in force cannot be read any more (purged): nobody knows what it carried."""


def in_force(history: Sequence[ReportVersion]) -> ReportVersion | None:
    """The version that holds today: the first that none has put aside. Late and incomplete ones put nothing aside, and
    stand behind it until a person releases them.
    """
    return next((version for version in history if not version.superseded), None)


def batteries(report: Report) -> frozenset[str]:
    """The groups of analyses it is about, by code, else by title."""
    return frozenset(versions.plain(b.code.code or b.title) for b in report.batteries) - {""}


def chain_of(desk: Desk, report: Report) -> Place:
    """The chain a report belongs to, its versions so far, and how its analyses differ from those in force."""
    text, first = versions.chain_text(report), None
    for number in range(MOST):
        chain = desk.cipher.hash(f"{text}#{number}" if number else text)
        with desk.store.reading() as uow:
            history = uow.reports.versions(chain)
        place = _place(desk, chain, history, report)
        if not history:
            return first if first is not None and number == 1 and not analyses(report) else place
        known = _last_with_content(desk, history)
        if known is None or _same_part(report, known):
            return place
        first = first or place
    return place


def _same_part(report: Report, known: Report) -> bool:
    mine = analyses(report)
    if not mine:
        return bool(batteries(report) & batteries(known))
    if results(report) and results(known):  # the document beside the results is called the same in every part
        return bool(results(report) & results(known))
    return bool(mine & analyses(known))


def _place(desk: Desk, chain: str, history: tuple[ReportVersion, ...], report: Report) -> Place:
    current = in_force(history)
    known = again(desk, current) if current is not None else None
    if known is None:
        return Place(chain=chain, history=history, unreadable=current is not None)
    mine, theirs = analyses(report), analyses(known)
    return Place(chain=chain, history=history, lacking=theirs - mine, extra=mine - theirs)


def _last_with_content(desk: Desk, history: Sequence[ReportVersion]) -> Report | None:
    """The newest version that carries an analysis; None when none can be read any more (purged)."""
    for version in reversed(history):
        known = again(desk, version)
        if known is not None and analyses(known):
            return known
    return None


def again(desk: Desk, version: ReportVersion) -> Report | None:
    """The report of a version, read again from its original; None when it cannot be read any more."""
    with desk.store.reading() as uow:
        file = uow.files.get(version.file_id)
    if file is None:
        return None
    try:
        reports = read_file(desk, file).reports
    except DispatcherError:
        return None
    return reports[version.position] if version.position < len(reports) else None
