"""Use case: turn one source file into dispatches: read, check, code, version, route, write, seal.

Each report is committed on its own with everything that follows from it: the version, its dispatches with their
sealed mails, the older ones withdrawn. A stop in between leaves the file ``received``; the next worker finds the
reports already committed (by file and position) and goes on with the rest. Nothing is sealed twice to another end.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from dispatcher.errors import DispatcherError, StoreError
from dispatcher.formats.base import ReadResult
from dispatcher.outbox.dispatch import SourceFile
from dispatcher.outbox.states import FileState
from dispatcher.report.model import Severity, sentences
from dispatcher.service.desk import Desk
from dispatcher.service.internal import place, sentence
from dispatcher.service.originals import MISSING, read_file
from dispatcher.service.register import Registered, register

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What became of the file."""

    file: SourceFile
    reports: tuple[Registered, ...] = ()


def prepare_file(desk: Desk, file: SourceFile, go_on: Callable[[], bool] = lambda: True) -> Prepared:
    """Prepare one claimed file to its end: ``done``, ``duplicate`` or ``quarantined``.

    ``go_on`` is asked before each report: the worker renews its lease there, and says False to stop; the file then
    stays ``received`` with what is committed of it. Raises :class:`StoreError` only: the file is then claimed again
    later.
    """
    registered: list[Registered] = []
    try:
        result = read_file(desk, file)
        if not result.readable:
            return Prepared(file=_quarantine(desk, file, result))
        for position, report in enumerate(result.reports):
            if not go_on():
                return Prepared(file=file, reports=tuple(registered))
            registered.append(register(desk, file, position, report))
    except DispatcherError as error:
        if isinstance(error, StoreError) and error.code != MISSING:
            raise
        log.warning("file %s quarantined (%s)", file.id, error.code)
        return Prepared(file=_finish(desk, file, FileState.QUARANTINED, str(error)), reports=tuple(registered))
    except Exception as error:  # nobody foresaw it: one file is set aside, the others go on
        log.error("file %s quarantined: unexpected %s", file.id, place(error))
        reason = sentence(error, f"au compte rendu {len(registered) + 1} de ce fichier", "puis rejouer le fichier")
        return Prepared(file=_finish(desk, file, FileState.QUARANTINED, reason), reports=tuple(registered))
    duplicates = [item for item in registered if item.duplicate_of]
    if duplicates and len(duplicates) == len(registered):
        same = ", ".join(sorted({item.duplicate_of for item in duplicates}))
        reason = f"Même contenu que le compte rendu {same} : rien n'est renvoyé."
        return Prepared(file=_finish(desk, file, FileState.DUPLICATE, reason), reports=tuple(registered))
    notes = [problem for problem in result.problems if problem.severity is Severity.WARNING]
    return Prepared(file=_finish(desk, file, FileState.DONE, sentences(notes)), reports=tuple(registered))


def _quarantine(desk: Desk, file: SourceFile, result: ReadResult) -> SourceFile:
    errors = [problem for problem in result.problems if problem.severity is Severity.ERROR]
    reason = sentences(errors) or "Aucun compte rendu lisible dans ce fichier."
    log.warning("file %s quarantined (%s)", file.id, ", ".join(problem.code for problem in errors) or "no report")
    return _finish(desk, file, FileState.QUARANTINED, reason, format=result.format)


def _finish(desk: Desk, file: SourceFile, state: FileState, reason: str, **changes: str) -> SourceFile:
    with desk.store.transaction() as uow:
        if state is FileState.DONE:
            uow.files.move(file.id, FileState.READ)
        return uow.files.move(file.id, state, reason=reason[:1000], **changes)
