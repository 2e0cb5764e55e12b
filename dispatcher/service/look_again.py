"""A server refused an address as no mailbox of its: the directories are asked once more before the dispatch fails.

Where they know the recipient elsewhere by now, the dispatch waits for a person with what they know as candidates. A
result is never redirected in silence: the box that was refused was the right one once, and why it changed nobody knows.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.report.model import IdType
from dispatcher.routing.addresses import as_compared
from dispatcher.routing.candidates import Entry
from dispatcher.routing.route import Decision, Hold, RecipientRole, Route
from dispatcher.routing.sources import LOCAL
from dispatcher.routing.trace import from_json
from dispatcher.service.desk import Desk
from dispatcher.service.elsewhere import Found
from dispatcher.service.internal import place
from dispatcher.service.make import on_paper, route_one

log = logging.getLogger(__name__)

CHANGED = "address-changed"
"""Hold code: the address was refused, and the directories name another by now."""
SAME = "L'annuaire et la table, interrogés de nouveau, donnent toujours cette adresse."
NONE = "L'annuaire et la table, interrogés de nouveau, n'en donnent pas d'autre ({why})."
PAPER = "Interrogés de nouveau, l'annuaire et la table disent : {why}"
ELSEWHERE = "L'annuaire ou la table donne maintenant {address} : vérifier, puis « release », ou clore."
SEVERAL = "L'annuaire, interrogé de nouveau, connaît d'autres boîtes : en choisir une (« release --to »), ou clore."


def look_again(desk: Desk, dispatch: Dispatch) -> Found | None:
    """Ask the same question as at preparation, of today's data. None when it cannot be asked. Raises StoreError.

    In no transaction: a server of certificates may take half a minute, and nobody could write meanwhile.
    """
    with desk.store.reading() as uow:
        version = uow.reports.get(dispatch.report_id)
        file = uow.files.get(version.file_id) if version is not None else None
    try:
        wanted = from_json(dispatch.decision).wanted
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    if file is None or wanted.role is RecipientRole.PATIENT:  # a patient's box is his number, in no directory
        return None
    try:
        decision = route_one(desk, file.source, wanted)
    except Exception as error:  # nobody foresaw it: what the server said is written down all the same
        log.error("dispatch %s: the directories could not be asked again: %s", dispatch.id, place(error))
        return None
    return _found(decision, dispatch.address)


def _found(decision: Decision, refused: str) -> Found:
    if decision.paper:
        return Found(text=PAPER.format(why=on_paper(decision)))
    if decision.route is not None:
        if as_compared(decision.route.address) == as_compared(refused):
            return Found(text=SAME)
        text = ELSEWHERE.format(address=decision.route.address)
        return Found(text=text, hold=Hold(code=CHANGED, reason=text, candidates=_behind(decision, decision.route)))
    hold = decision.hold
    known = hold.candidates if hold is not None else ()
    others = [entry for entry in known if entry.address and as_compared(entry.address) != as_compared(refused)]
    if not others:
        why = hold.reason.partition(". ")[0].rstrip(".") if hold is not None else "aucun itinéraire"
        return Found(text=NONE.format(why=why))
    return Found(text=SEVERAL, hold=Hold(code=CHANGED, reason=SEVERAL, candidates=tuple(others)))


def _behind(decision: Decision, route: Route) -> tuple[Entry, ...]:
    """The directory's entries of the new address; of a line of the table, which may have none, the line itself."""
    found = tuple(entry for entry in decision.used if as_compared(entry.address) == as_compared(route.address))
    if found:
        return found
    line = Entry(address=route.address, family=route.label, source=LOCAL)
    national = route.id_type is not IdType.LOCAL
    return (replace(line, id_type=route.id_type, identifier=route.id) if national else line,)
