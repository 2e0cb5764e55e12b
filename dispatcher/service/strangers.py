"""One order number under two identities: the patient of a report was corrected, or a number was used twice by mistake.

Patient traits are in the chain key, so that no report ever replaces another patient's; a corrected identity therefore
opens a chain of its own. Nothing of either may leave before a person has looked: one of the two patients is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from dispatcher.outbox.dispatch import ReportVersion
from dispatcher.outbox.states import State
from dispatcher.ports import DispatchFilter, UnitOfWork
from dispatcher.report.model import Report, Status
from dispatcher.report.moments import day_of
from dispatcher.service.desk import Desk
from dispatcher.service.force import left
from dispatcher.service.parts import again

CHANGED = "patient-changed"
"""Hold code."""
WITHIN = timedelta(days=60)
"""How far back one order number is looked for; laboratories start their numbers again."""
ASK = "vérifier dans le SIL à quel patient sont ces résultats, puis libérer l'envoi juste et clore l'autre."
MANY = 10**9
"""More versions than any report has."""
_HELD_BACK = (State.READY, State.QUEUED, State.DEFERRED)


def namesakes(uow: UnitOfWork, desk: Desk, version: ReportVersion) -> tuple[ReportVersion, ...]:
    """Versions in force of the same laboratory and order number under another identity, newest last."""
    if not version.order_filler:
        return ()
    found = uow.reports.of_order(version.laboratory, version.order_filler, since=desk.clock.now() - WITHIN)
    return tuple(
        other
        for other in found
        if other.patient_hash != version.patient_hash and not other.superseded and other.status != Status.CANCELLED
    )


def of_same_collection(desk: Desk, report: Report, others: Sequence[ReportVersion]) -> tuple[ReportVersion, ...]:
    """Those of ``others`` that were collected on the same day, as far as both say it: not a number that began again."""
    return tuple(other for other in others if _same_day(report, again(desk, other)))


def _same_day(report: Report, other: Report | None) -> bool:
    if other is None or report.collected_at is None or other.collected_at is None:
        return True
    return day_of(report.collected_at) == day_of(other.collected_at)


def in_question(uow: UnitOfWork, chain: str) -> bool:
    """This chain waits for somebody to say which identity is right."""
    known = uow.dispatches.list(DispatchFilter(chain=chain, states=(State.HELD,), limit=MANY))
    return any(dispatch.hold_code == CHANGED for dispatch in known)


def to_compare(uow: UnitOfWork, chain: str, history: Sequence[ReportVersion]) -> bool:
    """This chain is new, or :func:`in_question`: look for its order number under other identities."""
    return not history or in_question(uow, chain)


def reason_for(uow: UnitOfWork, others: Sequence[ReportVersion]) -> str:
    """Why the new one waits."""
    known = (uow.dispatches.list(DispatchFilter(chain=other.chain, limit=MANY)) for other in others)
    gone = any(left(dispatch) for dispatches in known for dispatch in dispatches)
    told = "déjà transmis : s'il est faux, prévenir son destinataire" if gone else "retenu lui aussi"
    return (
        f"Le compte rendu {others[-1].id} porte le même numéro de dossier sous une autre identité de patient "
        f"({told}) : {ASK}"
    )


def hold_back(uow: UnitOfWork, version: ReportVersion, others: Sequence[ReportVersion]) -> None:
    """What has not left of ``others`` waits for a person; what waited already says this too."""
    reason = (
        f"Le compte rendu {version.id}, arrivé ensuite, porte le même numéro de dossier sous une autre identité de "
        f"patient : {ASK}"
    )
    for other in others:
        for dispatch in uow.dispatches.unsettled_of_chain(other.chain, below_version=MANY):
            if dispatch.state in _HELD_BACK:
                uow.dispatches.move(
                    dispatch.id, State.HELD, event="dispatch.held", hold_code=CHANGED, reason=reason, due_at=None
                )
            elif dispatch.state is State.HELD and dispatch.hold_code != CHANGED:
                both = f"{reason} En attente déjà : {dispatch.reason}"
                uow.dispatches.update(dispatch.id, event="dispatch.held", hold_code=CHANGED, reason=both)
