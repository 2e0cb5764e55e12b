"""Use case: take the files of one source folder into the store. Accepted is never lost, the same bytes never twice.

The order is what makes it safe: the bytes are committed first, the file leaves the folder after. A stop in between
leaves a file the store already knows; the next pass recognises it by path, size and time, and only puts it away.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from dispatcher.clock import Clock, paris
from dispatcher.errors import IntakeError, LeaseLost, StoreError
from dispatcher.formats.urgency import looks_urgent
from dispatcher.outbox.dispatch import Lane, SourceFile
from dispatcher.outbox.states import FileState
from dispatcher.ports import Found, Spool, Store, Taken, UnitOfWork
from dispatcher.service.internal import place, sentence
from dispatcher.service.owned import Held

log = logging.getLogger(__name__)

GROUP = 50
"""Files committed together."""


@dataclass(slots=True)
class Received:
    """What one pass over a source did."""

    taken: int = 0
    duplicates: int = 0
    waiting: int = 0
    faults: list[str] = field(default_factory=list)
    """French, for the operator; no file name."""
    elsewhere: list[str] = field(default_factory=list)
    """Sources another node has in its care."""


def receive(spool: Spool, store: Store, clock: Clock, held: Held | None = None) -> Received:
    """Take every whole file of ``spool``. Raises :class:`IntakeError` when the folder itself cannot be read.

    ``held``: the lease on the folder when several nodes may watch it. Once it is lost nothing more is committed nor
    cleared: what is safe in the store and still in the folder is put away by the next owner.
    """
    result = Received()
    try:
        _receive(spool, store, clock, held, result)
    except LeaseLost:
        log.warning("source %s: another node took the folder over; it goes on there", spool.name)
    return result


def _receive(spool: Spool, store: Store, clock: Clock, held: Held | None, result: Received) -> None:
    group: list[Taken] = []
    waiting: list[Found] = []
    listing = spool.scan()
    standing = _forget_gone(spool, store, listing)
    for found in listing:
        try:
            if found.path in standing and _put_away_if_known(spool, store, found, held, result):
                continue
            taken = _take(spool, found, result, waiting)
        except StoreError:
            raise
        except Exception as error:  # nobody foresaw it: one file waits, the others go on
            waiting.append(_left(spool, found, error, result))
            continue
        if taken is not None:
            group.append(taken)
        if len(group) >= GROUP:
            waiting += _commit(group, spool, store, clock, held, result)
            group = []
    waiting += _commit(group, spool, store, clock, held, result)
    _note_waiting(spool, store, waiting, clock)


def _left(spool: Spool, found: Found, error: Exception, result: Received) -> Found:
    """A file that we stumble over stays where it is, shown as waiting with a reason; the next pass tries again."""
    log.error("source %s: a file was not taken: %s", spool.name, place(error))
    reason = sentence(error, "à la prise en charge d'un fichier", "le fichier attend dans son dossier")
    result.waiting += 1
    if reason not in result.faults:
        result.faults.append(reason)
    return replace(found, whole=False, why=reason)


def _note_waiting(spool: Spool, store: Store, waiting: Sequence[Found], clock: Clock) -> None:
    """In one transaction: a burst of files is seen growing before it is taken."""
    if waiting:
        with store.transaction() as uow:
            for found in waiting:
                uow.files.note_waiting(spool.name, found, clock.now())


def _forget_gone(spool: Spool, store: Store, listing: Sequence[Found]) -> frozenset[str]:
    """What stands there no more, or belongs to a message: nothing to wait for, nothing left to put away.

    Gives the paths where a file that is safe in the store may still stand.
    """
    there = {found.path for found in listing}
    with store.reading() as uow:
        waiting = uow.files.list(states=(FileState.WAITING,), source=spool.name, limit=10_000)
        kept = uow.files.not_removed(spool.name)
    gone = [file.path for file in waiting if file.path not in there]
    cleared = [file.id for file in kept if file.path not in there]
    if gone or cleared:
        with store.transaction() as uow:
            for path in gone:
                uow.files.forget_waiting(spool.name, path)
            for file_id in cleared:
                uow.files.mark_removed(file_id)
    return frozenset(file.path for file in kept)


def _put_away_if_known(spool: Spool, store: Store, found: Found, held: Held | None, result: Received) -> bool:
    """A file that was committed before a stop: finish its removal.

    One that was removed already and stands there again is another file, even with the same size and time.
    """
    with store.reading() as uow:
        known = uow.files.seen(spool.name, found.path, found.size, found.mtime_ns)
        siblings = {} if known is None or known.removed else _sibling_digests(uow, known.id)
        ours = held is None or held.stands(uow)
    if known is None or known.removed:
        return False
    if not ours:
        return True
    if _finish(spool, found.path, siblings, known.sha256, result):
        with store.transaction() as uow:
            uow.files.mark_removed(known.id)
    return True


def _finish(spool: Spool, path: str, siblings: Mapping[str, str], digest: str, result: Received) -> bool:
    """Clear the folder of one file. One that cannot be removed is told once a pass, and holds no other back."""
    try:
        spool.finish(path, siblings, digest)
    except Exception as error:
        if not isinstance(error, IntakeError):
            log.error("source %s: a file was not cleared: %s", spool.name, place(error))
            error = IntakeError(
                sentence(error, "au retrait d'un fichier pris en charge", "rien n'est envoyé deux fois d'ici là")
            )
        log.warning("source %s: a file that is safe in the store stays in the folder (%s)", spool.name, error.code)
        if str(error) not in result.faults:
            result.faults.append(str(error))
        return False
    return True


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _sibling_digests(uow: UnitOfWork, file_id: str) -> dict[str, str]:
    contents = {name: uow.payloads.get(file_id, f"sibling:{name}") for name in _sibling_names(uow, file_id)}
    return {name: _digest(content) for name, content in contents.items() if content is not None}


def _sibling_names(uow: UnitOfWork, file_id: str) -> tuple[str, ...]:
    kinds = uow.payloads.kinds(file_id)
    return tuple(kind.removeprefix("sibling:") for kind in kinds if kind.startswith("sibling:"))


def _take(spool: Spool, found: Found, result: Received, waiting: list[Found]) -> Taken | None:
    if not found.whole:
        result.waiting += 1
        waiting.append(found)
        return None
    try:
        return spool.take(found)
    except IntakeError as error:
        log.warning("source %s: a file was not taken (%s)", spool.name, error.code)
        result.waiting += 1
        result.faults.append(str(error))
        waiting.append(replace(found, whole=False, why=str(error)))
        return None


def _commit(
    group: list[Taken], spool: Spool, store: Store, clock: Clock, held: Held | None, result: Received
) -> list[Found]:
    """One transaction for the whole group, then the folder is cleared. Gives those that could not be written down."""
    if not group:
        return []
    try:
        with store.transaction() as uow:
            if held is not None:
                held.confirm(uow)
            ids = [record(uow, store, spool.name, taken, clock) for taken in group]
    except StoreError:
        raise
    except Exception as error:  # one of them: alone, it holds no other back
        if len(group) == 1:
            return [_left(spool, group[0].found, error, result)]
        return [left for taken in group for left in _commit([taken], spool, store, clock, held, result)]
    for file_id, state in ids:
        result.duplicates += state is FileState.DUPLICATE
        result.taken += state is FileState.RECEIVED
        log.info("file %s taken in (%s)", file_id, state)
    _clear(ids, group, spool, store, held, result)
    return []


def _clear(
    ids: Sequence[tuple[str, FileState]],
    group: Sequence[Taken],
    spool: Spool,
    store: Store,
    held: Held | None,
    result: Received,
) -> None:
    """What is safe in the store leaves the folder, while the folder is ours."""
    if held is not None:
        with store.reading() as uow:
            if not held.stands(uow):
                return
    cleared = [
        file_id
        for (file_id, _), taken in zip(ids, group, strict=True)
        if _finish(spool, taken.found.path, _digests(taken), _digest(taken.content), result)
    ]
    with store.transaction() as uow:
        for file_id in cleared:
            uow.files.mark_removed(file_id)


def _digests(taken: Taken) -> dict[str, str]:
    return {name: _digest(content) for name, content in taken.siblings.items()}


def record(
    uow: UnitOfWork, store: Store, source: str, taken: Taken, clock: Clock, *, doubles: bool = False
) -> tuple[str, FileState]:
    """Write one file and its bytes down; ``duplicate`` when this source already brought the same bytes.

    The same message with another document beside it is not the same.

    ``doubles``: take it all the same (a document sent again, to somebody else); the reports are still compared.
    """
    digest = _digest(taken.content)
    first = uow.files.same_bytes(source, digest)
    again = not doubles and first is not None and first.state is not FileState.QUARANTINED
    again = again and first is not None and _same_siblings(uow, first.id, taken)
    file = SourceFile(
        id=store.new_id("F"),
        source=source,
        path=taken.found.path,
        name=taken.found.name,
        size=taken.found.size,
        mtime_ns=taken.found.mtime_ns,
        sha256=digest,
        state=FileState.DUPLICATE if again else FileState.RECEIVED,
        received_at=clock.now(),
        reason=_same_as(first) if again and first else "",
        duplicate_of=first.id if again and first else "",
        lane=Lane.URGENT if looks_urgent(taken.content) else Lane.ROUTINE,
    )
    uow.files.forget_waiting(source, taken.found.path)
    uow.files.add(file)
    siblings = {f"sibling:{name}": content for name, content in taken.siblings.items()}
    uow.payloads.put_all(file.id, {"original": taken.content, **siblings})
    return file.id, file.state


def _same_as(first: SourceFile) -> str:
    purged = f", purgé depuis ({paris(first.purged_at):%d/%m/%Y})" if first.purged_at is not None else ""
    return f"Mêmes octets que le fichier {first.id}{purged} : rien n'est renvoyé."


def _same_siblings(uow: UnitOfWork, file_id: str, taken: Taken) -> bool:
    names = _sibling_names(uow, file_id)
    return set(names) == set(taken.siblings) and all(
        uow.payloads.get(file_id, f"sibling:{name}") == taken.siblings[name] for name in names
    )
