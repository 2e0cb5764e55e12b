"""Who is to get a version, and who lacks it: what the report names, what a sender chose, what an operator added before.

A duplicate is judged for each recipient: content known already goes to those who were not given it yet.
"""

from __future__ import annotations

from collections.abc import Sequence

from dispatcher.outbox.dispatch import Dispatch, SourceFile
from dispatcher.outbox.states import State
from dispatcher.report.model import Report
from dispatcher.routing.route import Decision, RecipientRole, Wanted
from dispatcher.routing.trace import from_json
from dispatcher.routing.wanted import recipients
from dispatcher.service.chosen import chosen_for
from dispatcher.service.desk import Desk
from dispatcher.service.force import DROPPED, standing

CANCELLED = "Annulé par le laboratoire avant d'avoir été transmis."
"""Reason of dispatches withdrawn by a cancellation: not by a person."""


def wanted_by(desk: Desk, file: SourceFile, report: Report, known: Sequence[Dispatch]) -> tuple[Wanted, ...]:
    """The recipients this file asks for. Those a sender chose stand alone: nobody else gets it by that sending. Else
    those the report names, and those an operator added to an earlier version (``known``: dispatches of its chain).
    """
    added = chosen_for(desk.store, file.id)
    if added:
        return added
    settings = desk.sources.get(file.source)
    return recipients(report, copies=settings.copies if settings is not None else True, added=_carried(known))


def _carried(known: Sequence[Dispatch]) -> tuple[Wanted, ...]:
    latest: dict[str, Dispatch] = {}
    for dispatch in sorted(standing(known), key=lambda d: (d.state is not State.WITHDRAWN, d.version, d.id)):
        if dispatch.role == RecipientRole.ADDED:
            latest[dispatch.recipient_key] = dispatch
    found = (_wanted(dispatch) for dispatch in latest.values() if not _ended_by_a_person(dispatch))
    return tuple(wanted for wanted in found if wanted is not None)


def _ended_by_a_person(dispatch: Dispatch) -> bool:
    if dispatch.state is State.CLOSED:
        return dispatch.sent_at is None
    return dispatch.state is State.WITHDRAWN and dispatch.reason != CANCELLED


def _wanted(dispatch: Dispatch) -> Wanted | None:
    try:
        return from_json(dispatch.decision).wanted
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def lacking(desk: Desk, wanted: Sequence[Wanted], known: Sequence[Dispatch]) -> bool:
    """Somebody among ``wanted`` may lack the version whose dispatches are ``known``. Asks no directory."""
    have = {dispatch.recipient_key for dispatch in given(known)}
    return any(one.key != _NOBODY.key and desk.cipher.hash(one.key) not in have for one in wanted)


def has(desk: Desk, decision: Decision, known: Sequence[Dispatch]) -> bool:
    """This recipient, person or box was given the version: by the same rules as doubles within one report."""
    wanted, route = decision.wanted, decision.route
    key = desk.cipher.hash(wanted.key)
    if wanted.key == _NOBODY.key or any(dispatch.recipient_key == key for dispatch in given(known)):
        return True
    if route is None:
        return False
    person = (str(route.id_type), route.id) if route.id and not wanted.address else None
    return any(
        dispatch.address == route.address or (dispatch.recipient_id_type, dispatch.recipient_id) == person
        for dispatch in given(known)
        if dispatch.address
    )


def given(known: Sequence[Dispatch]) -> tuple[Dispatch, ...]:
    """Those that stand for their recipient; not the held question whether one who is not named gets it too."""
    return tuple(dispatch for dispatch in known if not asked(dispatch))


def asked(dispatch: Dispatch) -> bool:
    """Still the open question of :func:`dispatcher.service.force.hold_dropped`."""
    return dispatch.state is State.HELD and dispatch.hold_code == DROPPED


_NOBODY = Wanted(role=RecipientRole.PRESCRIBER)
