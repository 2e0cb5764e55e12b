"""Use case: a person deals with a notice that asked for one. She closes it, or ties it to the dispatch it speaks of.

It stays in the list, with who, when and why; nobody is asked about it any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dispatcher.clock import Clock
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from dispatcher.ports import ReceiptRow, Store, UnitOfWork
from dispatcher.receipts.matching import asks_a_person
from dispatcher.receipts.notice import Notice
from dispatcher.receipts.notices import Opener, read
from dispatcher.report.model import Severity
from dispatcher.service.bounced import ask_again, names_no_box
from dispatcher.service.changed import Changed
from dispatcher.service.collect import take_effect
from dispatcher.service.elsewhere import LookAgain
from dispatcher.service.notice_effect import meant
from dispatcher.service.patients import as_sent

AT_ONCE = 200
"""Notices closed in one transaction."""
UNKNOWN_NOTICE = "Aucun avis ne porte ce numéro."
NOBODY_ASKED = "Cet avis n'attend personne : il a été compris, ou quelqu'un s'en est occupé."
UNKNOWN_DISPATCH = "L'envoi {id} n'existe pas."
HAS_ONE = "Cet avis est déjà rattaché à l'envoi {id}."
HELD_ALREADY = "L'envoi {id} a déjà cet avis."
NO_CONTENT = "Le contenu de cet avis n'est plus dans la base : on ne sait plus ce qu'il dit. Le régler par « close »."
NO_OUTCOME = (
    "Cet avis ne dit pas ce qu'est devenu un envoi : il n'y a rien à reporter. Agir, puis le régler par « close »."
)
PURGED = "Le contenu de l'envoi {id} a été purgé : il est fini depuis longtemps. Régler l'avis par « close »."
NOT_LEFT = "L'envoi {id} n'est jamais parti : un avis ne peut pas parler de lui."
BEING_SENT = "L'envoi {id} est en cours de remise : recommencer dans un instant."


def old_ones(store: Store, before: datetime, most: int) -> tuple[str, ...]:
    """The notices that wait for a person and came before that, newest first."""
    with store.reading() as uow:
        return tuple(row.id for row in uow.receipts.unmatched(most, before=before))


def close(store: Store, clock: Clock, ids: Sequence[str], *, reason: str, actor: str) -> Changed:
    """These are dealt with."""
    done: list[str] = []
    refused: list[tuple[str, str]] = []
    wanted = sorted(set(ids))  # in one order everywhere: two commands do not wait for each other
    for start in range(0, len(wanted), AT_ONCE):
        with store.transaction() as uow:
            for one in wanted[start : start + AT_ONCE]:
                if uow.receipts.close(one, clock.now(), by=actor, why=reason):
                    done.append(one)
                else:
                    refused.append((one, NOBODY_ASKED if uow.receipts.get(one) is not None else UNKNOWN_NOTICE))
    return Changed(done=tuple(done), refused=tuple(refused))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tied:
    """What tying did: what it changed, in French; or why it was refused."""

    note: str = ""
    state: State | None = None
    """The dispatch moved there."""
    refused: str = ""


def tie(
    store: Store,
    clock: Clock,
    receipt_id: str,
    dispatch_id: str,
    *,
    reason: str,
    actor: str,
    opener: Opener | None = None,
    look_again: LookAgain | None = None,
) -> Tied:
    """The notice speaks of that dispatch, says a person: the same follows as if it had been matched."""
    with store.transaction() as uow:
        locked = next(iter(uow.dispatches.locked([dispatch_id])), None)
        dispatch = as_sent(uow, locked)
        row = uow.receipts.get(receipt_id)
        if row is None or dispatch is None:
            return Tied(refused=UNKNOWN_NOTICE if row is None else UNKNOWN_DISPATCH.format(id=dispatch_id))
        content = uow.payloads.get(row.id, "notice")
        refused = _against(uow, row, dispatch)
        notice = _told(row, content, opener) if content is not None else None
        if refused or content is None or notice is None:
            return Tied(refused=refused or (NO_CONTENT if content is None else NO_OUTCOME))
        change = meant(uow, dispatch, notice)
        if change.again:
            return Tied(refused=BEING_SENT.format(id=dispatch.id))
        tied = replace(
            row, dispatch_id=dispatch.id, note=change.why, dealt_at=clock.now(), dealt_by=actor, dealt_why=reason
        )
        if not uow.receipts.tie(tied):  # somebody else was quicker
            return Tied(refused=NOBODY_ASKED)
        take_effect(uow, dispatch, change, notice, content, clock, actor=actor)
    if look_again is not None and change.state is State.FAILED and names_no_box(notice):
        ask_again(store, look_again, [dispatch.id])
    return Tied(note=change.why, state=change.state)


def _against(uow: UnitOfWork, row: ReceiptRow, dispatch: Dispatch) -> str:
    if row.dispatch_id:
        return HAS_ONE.format(id=row.dispatch_id)
    if any(one.digest == row.digest for one in uow.receipts.of_dispatch(dispatch.id)):
        return HELD_ALREADY.format(id=dispatch.id)
    version = uow.reports.get(dispatch.report_id)
    file = uow.files.get(version.file_id) if version is not None else None
    if file is None or file.purged_at is not None:
        return PURGED.format(id=dispatch.id)
    return "" if dispatch.message_id else NOT_LEFT.format(id=dispatch.id)


def _told(row: ReceiptRow, content: bytes, opener: Opener | None) -> Notice | None:
    """What it says of an outcome; None when it says nothing of one. A mail may hold several: its digest says which."""
    notices, problems = read(content, opener)
    number = int(row.digest.rpartition(":")[2])
    if any(one.severity is Severity.ERROR for one in problems) or number >= len(notices):
        return None
    return None if asks_a_person(notices[number]) else notices[number]
