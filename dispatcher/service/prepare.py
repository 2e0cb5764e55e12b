"""Use case: turn one source file into dispatches: read, check, code, version, route, write, seal.

Each report is committed on its own with everything that follows from it: the version, its dispatches with their
sealed mails, the older ones withdrawn; the last one with the end of the file and the claim of the next. A stop in
between leaves the file ``received``; the next worker finds the reports already committed (by file and position) and
goes on with the rest. Nothing is sealed twice to another end.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dispatcher.errors import DispatcherError, StoreError
from dispatcher.formats.base import ReadResult
from dispatcher.outbox.dispatch import SourceFile
from dispatcher.outbox.states import FileState
from dispatcher.ports import UnitOfWork
from dispatcher.report.model import Severity, sentences
from dispatcher.service.desk import Desk
from dispatcher.service.internal import place, sentence
from dispatcher.service.originals import MISSING, PURGED, read_file
from dispatcher.service.register import Registered, register

log = logging.getLogger(__name__)

MOST = 1000
"""Characters of a reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What became of the file."""

    file: SourceFile
    reports: tuple[Registered, ...] = ()


Then = Callable[[UnitOfWork], None]


def _nothing(_uow: UnitOfWork) -> None: ...


def prepare_file(
    desk: Desk, file: SourceFile, go_on: Callable[[], bool] = lambda: True, then: Then = _nothing
) -> Prepared:
    """Prepare one claimed file to its end: ``done``, ``duplicate`` or ``quarantined``.

    ``go_on`` is asked before each report: the worker renews its lease there, and says False to stop; the file then
    stays ``received`` with what is committed of it. The end is written with the last report, in one commit, and
    ``then`` is called in it: the worker claims its next file there. Raises :class:`StoreError` only: the file is then
    claimed again later.
    """
    registered: list[Registered] = []
    try:
        result = read_file(desk, file)
        if not result.readable:
            return Prepared(file=_quarantine(desk, file, result, then))
        ended = _register_all(desk, file, result, registered, go_on, then)
    except DispatcherError as error:
        if isinstance(error, StoreError) and error.code not in {MISSING, PURGED}:
            raise
        log.warning("file %s quarantined (%s)", file.id, error.code)
        ended = _finish(desk, file, str(error), then)
    except Exception as error:  # nobody foresaw it: one file is set aside, the others go on
        log.error("file %s quarantined: unexpected %s", file.id, place(error))
        reason = sentence(error, f"au compte rendu {len(registered) + 1} de ce fichier", "puis rejouer le fichier")
        ended = _finish(desk, file, reason, then)
    return Prepared(file=ended, reports=tuple(registered))


def _register_all(
    desk: Desk,
    file: SourceFile,
    result: ReadResult,
    registered: list[Registered],
    go_on: Callable[[], bool],
    then: Then,
) -> SourceFile:
    """Each report of the file, added to ``registered``; gives the file, at its end unless ``go_on`` said no."""

    def end(uow: UnitOfWork, last: Registered) -> Registered:
        ended = _end(uow, file, (*registered, last), result)
        then(uow)
        return replace(last, ended=ended)

    for position, report in enumerate(result.reports):
        if not go_on():
            return file
        if position + 1 < len(result.reports):
            registered.append(register(desk, file, position, report))
        else:
            registered.append(register(desk, file, position, report, end))
    if registered and registered[-1].ended is not None:
        return registered[-1].ended
    with desk.store.transaction() as uow:  # the last report was committed before a stop
        ended = _end(uow, file, registered, result)
        then(uow)
    return ended


def _end(uow: UnitOfWork, file: SourceFile, registered: Sequence[Registered], result: ReadResult) -> SourceFile:
    """Every report is registered: ``duplicate`` when none was news, else ``done``."""
    if registered and all(item.duplicate_of for item in registered):
        same = ", ".join(sorted({item.duplicate_of for item in registered}))
        reason = f"Même contenu que le compte rendu {same} : rien n'est renvoyé."
        return uow.files.move(file.id, FileState.DUPLICATE, reason=reason[:MOST])
    notes = [problem for problem in result.problems if problem.severity is Severity.WARNING]
    return uow.files.move(file.id, FileState.DONE, through=FileState.READ, reason=sentences(notes)[:MOST])


def _quarantine(desk: Desk, file: SourceFile, result: ReadResult, then: Then) -> SourceFile:
    errors = [problem for problem in result.problems if problem.severity is Severity.ERROR]
    reason = sentences(errors) or "Aucun compte rendu lisible dans ce fichier."
    log.warning("file %s quarantined (%s)", file.id, ", ".join(problem.code for problem in errors) or "no report")
    return _finish(desk, file, reason, then, format=result.format)


def _finish(desk: Desk, file: SourceFile, reason: str, then: Then, **changes: Any) -> SourceFile:
    """Set aside."""
    with desk.store.transaction() as uow:
        ended = uow.files.move(file.id, FileState.QUARANTINED, reason=reason[:MOST], **changes)
        then(uow)
        return ended
