"""A version comes into force: what follows for the dispatches of the older ones, and for those it no longer names.

An older dispatch is withdrawn when its recipient has one in the new version. Nobody is forgotten in silence: a
recipient who had, or was to have, an older version and is not in the new one gets a held dispatch of the new one, so
that a person says whether it goes there too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dispatcher.outbox.dispatch import Dispatch, Lane, ReportVersion
from dispatcher.outbox.states import NOT_YET_LEFT, State
from dispatcher.ports import DispatchFilter, UnitOfWork
from dispatcher.report.model import Status
from dispatcher.routing.route import RecipientRole, Wanted
from dispatcher.service.chosen import ADDED
from dispatcher.service.desk import Desk

DROPPED = "recipient-dropped"
"""Hold code: the version in force does not name somebody an older version named."""
LEFT = frozenset({State.SENDING, State.SENT, State.DELIVERED, State.READ, State.UNKNOWN, State.PAPER, State.CLOSED})
"""Where somebody may have it, on paper or by a person's doing too; ask :func:`left`."""
ALL = 10_000
"""Dispatches of one report looked at."""


def left(dispatch: Dispatch) -> bool:
    """Somebody has it, or may have it. Paper has left once it is printed."""
    return dispatch.doubted_at is not None or (dispatch.state in LEFT and not unprinted(dispatch))


def unprinted(dispatch: Dispatch) -> bool:
    """On paper, and nobody has printed it yet."""
    return dispatch.state is State.PAPER and dispatch.printed_at is None


def put_in_force(
    desk: Desk, uow: UnitOfWork, version: ReportVersion, fresh: Sequence[Dispatch]
) -> tuple[Dispatch, ...]:
    """Older versions are superseded; what has not left of them is withdrawn, unprinted paper too, and who is not among
    ``fresh`` (the dispatches of ``version``) gets a held one. Gives the older dispatches as they stood.
    """
    if version.version == 1:
        return ()
    uow.reports.supersede(version.chain, version.version)
    unsettled = uow.dispatches.unsettled_of_chain(version.chain, below_version=version.version)  # locked from here on
    known = uow.dispatches.list(DispatchFilter(chain=version.chain, limit=ALL))
    older = tuple(dispatch for dispatch in known if dispatch.version < version.version)
    for dispatch in unsettled:
        if _waits(dispatch):
            reason = f"Remplacé par la version {version.version} du compte rendu."
            uow.dispatches.move(dispatch.id, State.WITHDRAWN, event="dispatch.withdrawn", reason=reason)
    hold_dropped(desk, uow, version, older, fresh)
    return older


def _waits(dispatch: Dispatch) -> bool:
    """It has reached nobody, and would still have to."""
    return dispatch.state in NOT_YET_LEFT or dispatch.state is State.FAILED or unprinted(dispatch)


def hold_dropped(
    desk: Desk, uow: UnitOfWork, version: ReportVersion, older: Sequence[Dispatch], fresh: Sequence[Dispatch]
) -> tuple[str, ...]:
    """A held dispatch of ``version`` for every recipient of ``older`` who is not among ``fresh``; gives their ids.

    Not for one whose dispatch a person closed or withdrew before it left, nor for a recipient without any name; of a
    cancelled report only for those who got an older version.
    """
    nameless = desk.cipher.hash(Wanted(role=RecipientRole.PRESCRIBER).key)
    by_hand = uow.payloads.get(version.file_id, ADDED) is not None
    added: list[str] = []
    for mine in by_recipient(standing(older)):
        if any(one.same_recipient(new) for one in mine for new in fresh):
            continue
        live = [one for one in mine if one.state is not State.WITHDRAWN or one.doubted_at is not None]
        if not live:
            continue
        last = live[-1]
        got = [one for one in live if left(one) and not _closed_before(one)]
        waits = any(_waits(one) for one in live)
        if _closed_before(last):
            continue
        if not got and (not waits or last.recipient_key == nameless or version.status == Status.CANCELLED):
            continue
        dispatch = blank(desk, version, last)
        uow.dispatches.add(replace(dispatch, reason=_reason(version, last, got, by_hand=by_hand)))
        added.append(dispatch.id)
    return tuple(added)


def standing(known: Sequence[Dispatch]) -> tuple[Dispatch, ...]:
    """Without those closed only because another dispatch took their place."""
    followed = {one.resend_of for one in known} - {""}
    return tuple(one for one in known if one.id not in followed or not _closed_before(one))


def _closed_before(one: Dispatch) -> bool:
    """Closed before it can have reached anybody, by mail or on paper."""
    return one.state is State.CLOSED and one.sent_at is None and one.doubted_at is None and one.printed_at is None


def by_recipient(dispatches: Sequence[Dispatch]) -> list[list[Dispatch]]:
    """One group for each recipient, oldest version first."""
    groups: list[list[Dispatch]] = []
    for dispatch in sorted(dispatches, key=lambda d: (d.version, d.id)):
        mine = [group for group in groups if any(dispatch.same_recipient(other) for other in group)]
        groups = [group for group in groups if group not in mine]
        groups.append([*(one for group in mine for one in group), dispatch])
    return groups


def _reason(version: ReportVersion, last: Dispatch, got: Sequence[Dispatch], *, by_hand: bool) -> str:
    new = f"la version {version.version}"
    if got:
        head = f"Ce destinataire a reçu, ou a pu recevoir, la version {got[-1].version}"
    else:
        head = f"Ce destinataire figurait dans la version {last.version}, qui n'est pas partie"
    now = f"{new} n'a été demandée que pour d'autres" if by_hand else f"{new} ne le nomme plus"
    return f"{head} ; {now} : la lui envoyer (release), ou clore."


def blank(desk: Desk, version: ReportVersion, old: Dispatch) -> Dispatch:
    """The same recipient, nothing of what was sealed or done; urgent mail with a clock of its own."""
    now = desk.clock.now()
    return Dispatch(
        id=desk.store.new_id("D"),
        report_id=version.id,
        chain=version.chain,
        version=version.version,
        state=State.HELD,
        hold_code=DROPPED,
        recipient_key=old.recipient_key,
        role=old.role,
        label=old.label,
        recipient_id=old.recipient_id,
        recipient_id_type=old.recipient_id_type,
        address=old.address,
        domain=old.domain,
        channel=old.channel,
        format=old.format,
        envelope=old.envelope,
        certificate=old.certificate,
        lane=old.lane,
        created_at=now,
        escalate_at=now + desk.urgent_within if old.lane is Lane.URGENT else None,
        decision=old.decision,
    )
