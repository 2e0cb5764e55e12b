"""What a hand-over's end does to its dispatch and channel. The only place that turns transport errors into states."""

from __future__ import annotations

import hashlib
import logging
import zlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from dispatcher.errors import LeaseLost, OurFault, OutcomeUnknown, Refused, TransportError, TryLater
from dispatcher.outbox.dispatch import Accepted, Dispatch
from dispatcher.outbox.longest import BEHIND
from dispatcher.outbox.retry import RetryDecision, RetryKind, decide, names_no_box
from dispatcher.outbox.states import State
from dispatcher.ports import ReceiptRow, Store, UnitOfWork
from dispatcher.routing.trace import hold_json
from dispatcher.service import circuits
from dispatcher.service.channel import Channel
from dispatcher.service.elsewhere import Found
from dispatcher.service.patients import quotable

log = logging.getLogger(__name__)

ACCEPTED_LATE = (
    "L'opérateur avait accepté cet envoi ; sa réponse est arrivée après la demande de rejeu. "
    "Attendre un accusé, ou clore ; ne libérer que pour l'envoyer une seconde fois."
)
REFUSED_LATE = (
    "L'opérateur n'avait pas accepté cet envoi ({reply}) ; sa réponse est arrivée après la fin de la réservation. "
    "L'envoi est remis dans la file."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one hand-over ended."""

    dispatch: Dispatch
    result: Accepted | TransportError
    found: Found | None = None
    """What the directories say, of an address that was refused (:func:`asked_again`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What was written down."""

    state: State
    paused: str = ""
    """French: why the whole channel waits now."""


def settle(uow: UnitOfWork, store: Store, channel: Channel, outcome: Outcome, now: datetime) -> Settled:
    """Write the outcome down; a fault that concerns every mail of the channel pauses it in the same transaction."""
    dispatch, paused = outcome.dispatch, ""
    if isinstance(outcome.result, Accepted):
        state, changes = State.SENT, _accepted(dispatch, outcome.result, now)
        _keep_reply(uow, store, dispatch, outcome.result, now)
        circuits.accepted(uow, dispatch)
    else:
        _keep_dialogue(uow, store, dispatch, outcome.result, now)
        tried, age = dispatch.attempts - dispatch.replayed_attempts + 1, now - _since(uow, dispatch, now)
        policy = channel.retry.of_lane(dispatch.lane)
        decision = decide(outcome.result, tried, age, policy, now=now, jitter=_chance(dispatch))
        decision, more = _paused(uow, channel, dispatch, outcome.result, decision, now)
        decision, asked = _moved(dispatch, decision, outcome.found)
        paused = decision.reason if decision.kind is RetryKind.PAUSE else ""
        if decision.kind is RetryKind.UNKNOWN:
            paused = circuits.in_doubt(uow, channel, outcome.result, now)
        circuits.refused(uow, channel, dispatch, outcome.result, decision, now)
        state, changes = decision.state, _refused(dispatch, outcome.result, decision) | more | asked
    try:
        moved = uow.dispatches.move(dispatch.id, state, fence=dispatch.fence, event=f"dispatch.{state}", **changes)
    except LeaseLost:
        return Settled(state=_late(uow, dispatch, state, changes), paused=paused)
    if state is State.FAILED:
        circuits.look_at_batch(uow, moved)
    log.info("dispatch %s is %s", dispatch.id, state)
    return Settled(state=withdraw_if_superseded(uow, moved), paused=paused)


def _paused(
    uow: UnitOfWork, channel: Channel, dispatch: Dispatch, error: TransportError, decision: RetryDecision, now: datetime
) -> tuple[RetryDecision, dict[str, Any]]:
    """A fault that concerns every mail of the channel pauses it, unless it turns out to be this mail's alone."""
    if decision.kind is not RetryKind.PAUSE:
        return decision, {"pauses": 0} if dispatch.pauses else {}
    if circuits.is_alone(uow, dispatch):
        reason = circuits.ALONE.format(count=dispatch.pauses, reason=decision.reason)
        return RetryDecision(kind=RetryKind.HOLD, reason=reason, hold_code="policy"), {"pauses": 0}
    until = circuits.pause(uow, channel, error, decision.reason, now, by=dispatch.id)
    if until is None:  # another line paused it
        return decision, {}
    pauses = dispatch.pauses + 1
    behind = BEHIND if pauses >= circuits.SUSPECT else timedelta()
    return replace(decision, due_at=until + behind, wait=until - now), {"pauses": pauses}


def line_in_doubt(result: Accepted | TransportError) -> bool:
    """The connection should not be used again. A refusal of one mail says nothing against it."""
    if isinstance(result, TryLater):
        return result.reply in {None, 421}
    return isinstance(result, (OurFault, OutcomeUnknown))


def asked_again(channel: Channel, outcome: Outcome) -> Outcome:
    """There is no such mailbox: where else he is by now is asked once, before anything is locked. Raises StoreError."""
    if channel.look_again is None or isinstance(outcome.result, Accepted) or not names_no_box(outcome.result):
        return outcome
    return replace(outcome, found=channel.look_again(outcome.dispatch))


def _moved(dispatch: Dispatch, decision: RetryDecision, found: Found | None) -> tuple[RetryDecision, dict[str, Any]]:
    """A person decides on what the directories know by now."""
    if decision.kind is not RetryKind.FAIL or found is None:
        return decision, {}
    reason = f"{decision.said}. {found.text}"
    if found.hold is None:
        advice = decision.reason.removeprefix(f"{decision.said}. ")
        return replace(decision, reason=f"{reason} {advice}"), {}
    decision = replace(decision, kind=RetryKind.HOLD, reason=reason, hold_code=found.hold.code)
    return decision, {"decision": {**dispatch.decision, "hold": hold_json(found.hold)}}


def _chance(dispatch: Dispatch) -> float:
    """By which its retry comes earlier or later: another one for each, so that a thousand mails refused in one minute
    do not all come back in one minute.
    """
    return zlib.crc32(f"{dispatch.id}/{dispatch.attempts}".encode()) / 2**32


def _since(uow: UnitOfWork, dispatch: Dispatch, now: datetime) -> datetime:
    """Since when we have tried: its batch. A mail held for days, or replayed, has its whole patience before it."""
    batch = uow.batches.get(dispatch.batch_id) if dispatch.batch_id else None
    return batch.created_at if batch is not None else dispatch.created_at or now


def _accepted(dispatch: Dispatch, accepted: Accepted, now: datetime) -> dict[str, Any]:
    text = accepted.text.removeprefix(accepted.status).strip()
    reply = " ".join(part for part in (str(accepted.reply), accepted.status, text) if part)
    return {
        "attempts": dispatch.attempts + 1,
        "sent_at": now,
        "reply": quotable(dispatch, reply)[:200],
        "reason": "",
        "fault": "",
        "due_at": None,
        "pauses": 0,
    }


def _refused(dispatch: Dispatch, error: TransportError, decision: RetryDecision) -> dict[str, Any]:
    reply = " ".join(str(part) for part in (error.reply, error.status, error.stage) if part)
    return {
        "attempts": dispatch.attempts + (1 if decision.uses_attempt else 0),
        "due_at": decision.due_at,
        "reason": quotable(dispatch, decision.reason),
        "hold_code": decision.hold_code,
        "fault": error.status or str(error.reply or "") or decision.hold_code or error.code,
        "reply": reply[:200],
    }


def _keep_reply(uow: UnitOfWork, store: Store, dispatch: Dispatch, accepted: Accepted, now: datetime) -> None:
    """The reply to the final dot is the first receipt."""
    said = quotable(dispatch, accepted.dialogue).encode()
    about = said or f"{dispatch.id}/{dispatch.attempts}/{accepted.reply}".encode()
    digest = hashlib.sha256(about).hexdigest()
    uow.receipts.add(
        ReceiptRow(
            id=store.new_id("A"),
            dispatch_id=dispatch.id,
            kind="smtp",
            action="accepted",
            status=accepted.status or str(accepted.reply),
            at=now,
            digest=digest,
            channel=dispatch.channel,
            note="Accepté par l'opérateur." + ("" if accepted.dsn_requested else " Avis de remise non proposé."),
        ),
        said or None,
    )


def _keep_dialogue(uow: UnitOfWork, store: Store, dispatch: Dispatch, error: TransportError, now: datetime) -> None:
    """What was said when it was not accepted, or when nobody can tell: the first thing to look at in a dispute.

    A hand-over to try again says nothing yet; its reply stands in the journal.
    """
    if not error.dialogue or not isinstance(error, (Refused, OutcomeUnknown)):
        return
    said = quotable(dispatch, error.dialogue).encode()
    uow.receipts.add(
        ReceiptRow(
            id=store.new_id("A"),
            dispatch_id=dispatch.id,
            kind="smtp",
            action="refused" if isinstance(error, Refused) else "unknown",
            status=error.status or str(error.reply or ""),
            at=now,
            digest=hashlib.sha256(said).hexdigest(),
            channel=dispatch.channel,
            note="Refusé par l'opérateur." if isinstance(error, Refused) else "Réponse de l'opérateur jamais arrivée.",
        ),
        said,
    )


def _late(uow: UnitOfWork, dispatch: Dispatch, state: State, changes: dict[str, Any]) -> State:
    """The lease was lost meanwhile. What the server said still settles an ``unknown``, and stops a second sending
    that has not begun; the rest is the new owner's.
    """
    current = uow.dispatches.get(dispatch.id)
    if current is not None and current.state is State.UNKNOWN and state in {State.SENT, State.FAILED}:
        if current.fence == dispatch.fence:  # as before this hand-over: its own doubt is over
            changes = changes | {"doubted_at": current.doubted_at}
        uow.dispatches.move(dispatch.id, state, event=f"dispatch.{state}-late", **changes)
        return state
    if current is not None and _said_no_to_us(current, dispatch, state):
        return _back_to_the_queue(uow, current, state, changes)
    if current is not None and current.state in {State.QUEUED, State.DEFERRED} and state is State.SENT:
        uow.dispatches.move(
            dispatch.id,
            State.HELD,
            event="dispatch.sent-late",
            hold_code="accepted-late",
            reason=ACCEPTED_LATE,
            doubted_at=changes["sent_at"],
        )
        return State.HELD
    log.warning("dispatch %s: outcome %s came after its lease was lost", dispatch.id, state)
    return current.state if current is not None else state


def _said_no_to_us(current: Dispatch, dispatch: Dispatch, state: State) -> bool:
    """The answer is about the very hand-over that was given up as unknown (nobody claimed since), and was no."""
    mine = current.state is State.UNKNOWN and current.fence == dispatch.fence
    return mine and state in {State.DEFERRED, State.HELD}


def _back_to_the_queue(uow: UnitOfWork, current: Dispatch, state: State, changes: dict[str, Any]) -> State:
    """Not accepted, as we know now: it may leave again without a risk of doubling it, or waits for a person."""
    reason = changes["reason"] if state is State.HELD else REFUSED_LATE.format(reply=changes["reply"] or "sans code")
    known = {"attempts": changes["attempts"], "reply": changes["reply"], "fault": changes["fault"], "reason": reason}
    known["doubted_at"] = current.doubted_at
    moved = uow.dispatches.move(current.id, State.QUEUED, event="dispatch.queued-late", **known)
    if state is State.HELD:
        moved = uow.dispatches.move(
            current.id, State.HELD, event="dispatch.held", hold_code=changes["hold_code"], reason=reason
        )
    return withdraw_if_superseded(uow, moved)


def withdraw_if_superseded(uow: UnitOfWork, dispatch: Dispatch, *, actor: str = "daemon") -> State:
    """A newer version came while this one was being sent, or its outcome unknown, and it reached nobody."""
    if dispatch.state not in {State.DEFERRED, State.QUEUED, State.HELD, State.FAILED}:
        return dispatch.state
    version = uow.reports.get(dispatch.report_id)
    if version is None or not version.superseded:
        return dispatch.state
    uow.dispatches.move(
        dispatch.id,
        State.WITHDRAWN,
        actor=actor,
        event="dispatch.withdrawn",
        reason="Remplacé par une version plus récente du compte rendu.",
    )
    return State.WITHDRAWN
