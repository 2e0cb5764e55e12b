"""What the end of a hand-over, or a notice, says about its destination and its channel (``outbox/breaker.py``).

A fault of ours pauses the whole channel (decision D9). When the pause is over one mail tries, on one line; while it
fails the pauses grow. A mail that pauses its channel twice in a row lets another go first: if that one is accepted and
the first pauses the channel a third time, it is the mail, and it waits for a person.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from dispatcher.errors import OutcomeUnknown, TransportError, TryLater
from dispatcher.outbox.batching import OPEN
from dispatcher.outbox.breaker import CHANNEL, Breaker, BreakerRule, notice_says_destination, says_destination
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.error_rate import too_many
from dispatcher.outbox.retry import RetryDecision, RetryKind
from dispatcher.outbox.states import State
from dispatcher.ports import UnitOfWork
from dispatcher.receipts.notice import Kind, Notice
from dispatcher.service.channel import Channel

log = logging.getLogger(__name__)

SUSPECT = 2
"""Pauses in a row by one mail, after which another goes first."""
DOUBTS = 3
"""Hand-overs in a row whose end is unknown, after which the channel waits: the operator may be taking every mail."""
UNREACHED = timedelta(minutes=5)
"""Longest pause of a channel whose operator cannot be reached: knocking costs nothing, and nothing leaves meanwhile."""
ALONE = (
    "Cet envoi a arrêté tout le canal {count} fois de suite, alors que d'autres sont acceptés : {reason} "
    "Voir la cause avec l'opérateur, puis libérer l'envoi."
)
TOO_MANY = (
    "Trop d'échecs dans ce lot ({failed}) : la suite attend. Voir les raisons (« dispatcher batches show »), "
    'corriger, puis reprendre le lot (« dispatcher batches resume L… --reason "…" »).'
)
DOUBTFUL = (
    "La fin de {count} remises de suite est inconnue ; canal en pause, pour que d'autres envois n'aient pas ce sort. "
    "Voir avec l'opérateur ; un seul envoi essaiera."
)
RESTS = "Le domaine « {domain} » ne répond pas : {count} refus ou avis d'échec de suite. Un seul envoi essaiera."


def pause(
    uow: UnitOfWork, channel: Channel, error: TransportError, reason: str, now: datetime, *, by: str = ""
) -> datetime | None:
    """The channel waits, longer each time in a row; until when. None: a pause is in force, maybe set by a person.

    ``by`` a dispatch: nobody else paused it in a row. Dispatches are locked before destinations, as by a claim.
    """
    if uow.pace.paused(channel.scope, now) is not None:
        return None
    if by:
        uow.dispatches.clear_pauses(channel.name, but=by)
    retry = channel.retry
    maximum = min(UNREACHED, retry.pause_maximum) if isinstance(error, TryLater) else retry.pause_maximum
    rule = BreakerRule(first=retry.pause, maximum=maximum)
    old = uow.destinations.breaker(channel.name, CHANNEL)
    if uow.pace.paused(channel.scope, now) is not None:  # by another line, while this one waited for the lock
        return None
    until = now + rule.wait(old.openings + 1)
    uow.destinations.keep(channel.name, CHANNEL, old, old.paused(now), reason)
    log.error("channel %s paused for %s: %s at %s", channel.name, until - now, error.code, error.stage)
    uow.pace.pause(channel.scope, until, reason)
    uow.journal.write(f"channel:{channel.name}", "channel.paused", code=error.code, stage=error.stage)
    return until


def in_doubt(uow: UnitOfWork, channel: Channel, error: TransportError, now: datetime) -> str:
    """One more hand-over ended unknown. Gives why the channel waits from now on; empty: it does not, or did before.

    Each such mail costs somebody a look: :data:`DOUBTS` in a row, or the one that tried after a pause, are enough.
    """
    old = uow.destinations.breaker(channel.name, CHANNEL)
    counted = replace(old, failures=old.failures + 1)
    uow.destinations.keep(channel.name, CHANNEL, old, counted)
    if not old.state and counted.failures < DOUBTS:
        return ""
    reason = DOUBTFUL.format(count=counted.failures)
    return reason if pause(uow, channel, error, reason, now) is not None else ""


def is_alone(uow: UnitOfWork, dispatch: Dispatch) -> bool:
    """It paused its channel time and again, and since the last time another mail was accepted."""
    if dispatch.pauses < SUSPECT:
        return False
    return not uow.destinations.breaker(dispatch.channel, CHANNEL).state


def accepted(uow: UnitOfWork, dispatch: Dispatch) -> None:
    """The way is open, for its domain and its channel."""
    for row in uow.destinations.troubled(dispatch.channel, dispatch.domain):
        uow.destinations.keep(dispatch.channel, row.domain, row.breaker, row.breaker.passed())


def refused(
    uow: UnitOfWork, channel: Channel, dispatch: Dispatch, error: TransportError, decision: RetryDecision, now: datetime
) -> None:
    """Any answer about a mail says that the channel works; some say that its destination does not."""
    if decision.kind in {RetryKind.PAUSE, RetryKind.UNKNOWN} or isinstance(error, OutcomeUnknown) or not error.reply:
        return
    if decision.kind is not RetryKind.DEFER or not says_destination(error.reply, error.status):
        accepted(uow, dispatch)
        return
    for row in uow.destinations.troubled(dispatch.channel, CHANNEL):
        uow.destinations.keep(dispatch.channel, CHANNEL, row.breaker, row.breaker.passed())
    old = uow.destinations.breaker(channel.name, dispatch.domain)
    if old.state or dispatch.attempts == dispatch.replayed_attempts:  # one mail that tries again says nothing new
        _keep(uow, dispatch, old, old.failed(channel.breaker, now))


def look_at_batch(uow: UnitOfWork, dispatch: Dispatch) -> None:
    """After a failure: a batch of which too much fails is paused, once. Who resumes it has seen the failures."""
    batch = uow.batches.get(dispatch.batch_id) if dispatch.batch_id else None
    if batch is None or batch.state != OPEN:
        return
    counts = uow.dispatches.counts(batch_id=batch.id)
    if too_many(counts) and all(line.event != "batch.resumed" for line in uow.journal.of_subject(batch.id)):
        uow.batches.pause(batch.id, reason=TOO_MANY.format(failed=counts[State.FAILED]))
        log.error("batch %s paused: %d of its mails failed", batch.id, counts[State.FAILED])


def noticed(uow: UnitOfWork, dispatch: Dispatch, notice: Notice, now: datetime) -> None:
    """A notice says that a mail reached its destination, or that it could not."""
    if notice.kind not in {Kind.DSN, Kind.MDN}:
        return
    if notice.kind is Kind.MDN or notice.action in {"delivered", "relayed", "expanded"}:
        for row in uow.destinations.troubled(dispatch.channel, dispatch.domain):
            if row.domain == dispatch.domain:
                uow.destinations.keep(dispatch.channel, row.domain, row.breaker, row.breaker.reached())
    elif notice.action in {"failed", "delayed"} and notice_says_destination(notice.status or ""):
        old = uow.destinations.breaker(dispatch.channel, dispatch.domain)
        _keep(uow, dispatch, old, old.noticed(BreakerRule(), now))


def _keep(uow: UnitOfWork, dispatch: Dispatch, old: Breaker, new: Breaker) -> None:
    reason = RESTS.format(domain=dispatch.domain, count=max(new.failures, new.notices)) if new.state else ""
    if new.openings > old.openings:
        log.warning("channel %s: a destination rests until %s", dispatch.channel, new.probe_at)
    uow.destinations.keep(dispatch.channel, dispatch.domain, old, new, reason)
