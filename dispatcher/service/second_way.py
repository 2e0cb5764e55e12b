"""The same version by a second way, where nobody reads the first: another box of the recipient, or his stand-in.

Only the rules of routing choose, with the directories of today: the boxes that nobody reads are left, and whatever
would hold a mail (doubt about the person, an opposition, the trust space, no protection) means that there is no second
way. A stand-in is one the laboratory named, for that recipient and that source. The trace stands in the new dispatch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from dispatcher.ports import DispatchFilter
from dispatcher.report.model import IdType, Report
from dispatcher.routing.addresses import as_compared, is_patient
from dispatcher.routing.route import Decision, RecipientRole, Wanted
from dispatcher.routing.trace import from_json
from dispatcher.service import oppositions
from dispatcher.service.desk import Desk
from dispatcher.service.make import Made, make_one, route_one
from dispatcher.service.release import report_of
from dispatcher.service.render import Sheets

LADDER = "ladder"
"""Name, in the stored decision of a second copy, of the dispatch it follows: it has no ladder of its own."""
ALL = 1000
NOT_FOR_PATIENTS = "Un patient n'a que sa propre boîte."
GONE = "Le compte rendu n'est plus là pour être envoyé de nouveau."
SAME = "Les annuaires ne donnent aucune autre boîte à ce destinataire."
HAS_IT = "Le remplaçant désigné a déjà ce compte rendu."


def second_way(desk: Desk, old: Dispatch, seconds: Mapping[str, Mapping[str, str]]) -> Made | str:
    """The second dispatch, sealed and not yet written down; or why there is none (French). Raises StoreError,
    DirectoryError.

    ``seconds``: by source, code or number of a recipient to the code of his stand-in.
    """
    if old.role == RecipientRole.PATIENT or is_patient(old.address):
        return NOT_FOR_PATIENTS
    with desk.store.reading() as uow:
        version = uow.reports.get(old.report_id)
        file = uow.files.get(version.file_id) if version is not None else None
        others = uow.dispatches.list(DispatchFilter(report_id=old.report_id, limit=ALL))
    if version is None or file is None:
        return GONE
    report = report_of(desk, version, file)
    if isinstance(report, str):
        return report
    known = seconds.get(file.source, {})
    wanted = from_json(old.decision).wanted
    named = known.get(wanted.id) or known.get(old.recipient_id)
    decision = (
        _stand_in(desk, report, file.source, named) if named else _other_box(desk, report, file.source, wanted, others)
    )
    if decision.route is None:
        return decision.hold.reason if decision.hold is not None else decision.trace[-1].text
    if any(as_compared(one.address) == as_compared(decision.route.address) for one in others if one.address):
        return HAS_IT if named else SAME
    made = make_one(desk, Sheets(desk, version, report, file.source), decision, None)
    if made.dispatch.state is not State.READY:
        return made.dispatch.reason
    if named and any(one.recipient_key == made.dispatch.recipient_key for one in others):
        return HAS_IT
    kept = {**made.dispatch.decision, LADDER: old.id}
    return replace(made, dispatch=replace(made.dispatch, resend_of=old.id, lane=old.lane, decision=kept))


def is_second(dispatch: Dispatch) -> bool:
    """A copy the ladder made: the first one's ladder goes on for both."""
    return LADDER in dispatch.decision


def _stand_in(desk: Desk, report: Report, source: str, code: str) -> Decision:
    wanted = Wanted(role=RecipientRole.ADDED, id=code, id_type=IdType.LOCAL)
    return route_one(desk, source, wanted, about=oppositions.about(desk, report, source))


def _other_box(desk: Desk, report: Report, source: str, wanted: Wanted, others: tuple[Dispatch, ...]) -> Decision:
    unread = frozenset(as_compared(one.address) for one in others if one.address)
    return route_one(
        desk, source, replace(wanted, address=""), about=oppositions.about(desk, report, source), unread=unread
    )
