"""Dispatches that were claimed and do not leave: overtaken or objected to since then, or simply given back."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from contextlib import suppress

from dispatcher.errors import IllegalMove, LeaseLost
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from dispatcher.ports import UnitOfWork
from dispatcher.routing.route import Hold
from dispatcher.service import oppositions

log = logging.getLogger(__name__)

UNSEALED = Hold(
    code="payload-missing",
    reason="Le courrier scellé de cet envoi manque dans la base, ou n'y est plus lisible. "
    "Restaurer la sauvegarde ; sinon libérer l'envoi, qui sera scellé de nouveau.",
)
SUPERSEDED = "Remplacé par une version plus récente du compte rendu avant d'être parti."


def superseded(uow: UnitOfWork, dispatch: Dispatch) -> bool:
    """A newer version came after the claim: this one, not begun, is withdrawn."""
    version = uow.reports.get(dispatch.report_id)
    if version is None or not version.superseded:
        return False
    try:
        uow.dispatches.release_claim(dispatch.id, dispatch.fence)
    except LeaseLost:  # its new owner will see the same
        return True
    uow.dispatches.move(dispatch.id, State.WITHDRAWN, event="dispatch.withdrawn", reason=SUPERSEDED)
    return True


def opposed(uow: UnitOfWork, dispatch: Dispatch, sources: Collection[str]) -> bool:
    """Somebody objected since it was prepared: it waits for a person."""
    refused = oppositions.refuses(uow, dispatch, sources)
    if refused is None:
        return False
    log.error("dispatch %s held before it left (%s)", dispatch.id, refused.code)
    held = {"event": "dispatch.held", "hold_code": refused.code, "reason": refused.reason}
    with suppress(LeaseLost):  # its new owner will see the same
        uow.dispatches.move(dispatch.id, State.HELD, fence=dispatch.fence, **held)
    return True


def give_back(uow: UnitOfWork, claimed: Iterable[Dispatch]) -> None:
    """Those of them that are still ours and were not begun stand in the queue again."""
    for dispatch in claimed:
        with suppress(LeaseLost, IllegalMove):
            uow.dispatches.release_claim(dispatch.id, dispatch.fence)
