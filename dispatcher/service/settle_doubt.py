"""Use case: what can be found out about ``unknown`` dispatches of a channel, and what its policy then does.

In this order: the Sent folder of the sending account, where there is one, is asked for their Message-IDs (a copy proves
that the operator took the mail; none proves nothing); then, only when the channel's policy would send one again, the
mailbox of notices is read to its end; then what is still in doubt goes back to the queue, the same bytes under the same
Message-ID. A mailbox that cannot be read, or is not read to its end, means that nothing is sent again.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatcher.clock import Clock
from dispatcher.errors import TransportError
from dispatcher.french import counted
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.doubt import RESENT
from dispatcher.outbox.states import State
from dispatcher.ports import DispatchFilter, Mailbox, ReceiptRow, Store
from dispatcher.service import alarms
from dispatcher.service.channel import Channel
from dispatcher.service.collect import FULL, collect
from dispatcher.service.replay import every

log = logging.getLogger(__name__)

ENDED = "dispatch.doubt-ended"
FOUND = "Une copie est dans le dossier des courriers envoyés : l'opérateur l'avait accepté."
AGAIN = "Issue inconnue depuis {age} et aucun avis reçu : mêmes octets, même Message-ID, renvoyés selon le réglage."
OLD = "Issue inconnue depuis {age} ; remplacé par une version plus récente du compte rendu, qui part à sa place."
ALARM = "{count} à l'issue inconnue sur le canal « {channel} », le plus ancien {since}."
SINCE = "depuis {age}"
AHEAD = "daté de l'avenir (l'horloge a été reculée) : il n'est pas renvoyé de lui-même, une personne doit trancher"


@dataclass(slots=True)
class Doubts:
    """What one pass did."""

    found: int = 0
    """Settled by a copy in the Sent folder."""
    resent: int = 0
    withdrawn: int = 0
    """Superseded meanwhile."""
    fault: str = ""
    """French: why nothing could be found out, or nothing was sent again."""


def settle_doubt(channel: Channel, store: Store, clock: Clock, open_mailbox: Callable[[], Mailbox | None]) -> Doubts:
    """One pass over a channel. Raises :class:`StoreError`; a mailbox out of reach is told in the result."""
    done = Doubts()
    with store.reading() as uow:
        count, since = uow.dispatches.in_doubt(channel.name)
    _alarm(channel, store, clock.now(), count, since)
    if not count:
        return done
    in_doubt = _in_doubt(channel, store)
    mailbox = open_mailbox()
    if mailbox is None:
        return done
    with closing(mailbox):
        try:
            in_doubt = _ask_sent(channel, store, clock, mailbox, in_doubt, done)
            due = [one for one in in_doubt if channel.doubt.due(one, clock.now())]
            if not due:
                return done
            if collect(channel.name, mailbox, store, clock, channel.look_again, channel.opener).mails >= FULL:
                done.fault = "La boîte des avis n'est pas lue jusqu'au bout : rien n'est renvoyé pour l'instant."
                return done
        except TransportError as error:
            log.warning("channel %s: doubts cannot be looked into (%s)", channel.name, error.code)
            done.fault = str(error)
            return done
    for dispatch in due:
        _resend(channel, store, clock.now(), dispatch, done)
    return done


def _in_doubt(channel: Channel, store: Store) -> list[Dispatch]:
    wanted = DispatchFilter(states=(State.UNKNOWN,), channel=channel.name)
    with store.reading() as uow:
        return [dispatch for page in every(uow, wanted) for dispatch in page]


def _alarm(channel: Channel, store: Store, now: datetime, count: int, since: datetime | None) -> None:
    """Told once when the oldest doubt has lasted too long, once when none is that old any more (promise 7)."""
    reason = ""
    if since is not None and channel.doubt.alarms(since, now):
        told = counted(count, "envoi")
        begun = SINCE.format(age=_age(now - since)) if since <= now else AHEAD
        reason = ALARM.format(count=told, channel=channel.name, since=begun)
    event = alarms.tell(store, alarms.doubt(channel.name), reason)
    if event == alarms.STARTED:
        log.error("channel %s: ALARM begins: %d dispatches of unknown outcome", channel.name, count)
    elif event:
        log.error("channel %s: ALARM over: no old doubt is left", channel.name)


def _ask_sent(
    channel: Channel, store: Store, clock: Clock, mailbox: Mailbox, in_doubt: Sequence[Dispatch], done: Doubts
) -> list[Dispatch]:
    """Settle those whose copy is in the Sent folder; gives the others."""
    if channel.settings.mailbox is None or not channel.settings.mailbox.sent:
        return list(in_doubt)
    since = min(one.unknown_since or one.created_at or clock.now() for one in in_doubt)
    try:
        copies = mailbox.sent([one.message_id for one in in_doubt], since=since)
    except TransportError as error:
        alarms.tell(store, alarms.sent_folder(channel.name), str(error))
        raise
    alarms.tell(store, alarms.sent_folder(channel.name), "")
    for dispatch in in_doubt:
        if dispatch.message_id in copies and _arrived(store, clock.now(), dispatch):
            done.found += 1
    return [one for one in in_doubt if one.message_id not in copies]


def _arrived(store: Store, now: datetime, seen: Dispatch) -> bool:
    with store.transaction() as uow:
        (found,) = uow.dispatches.locked([seen.id])
        if found.state is not State.UNKNOWN:
            return False
        uow.receipts.add(
            ReceiptRow(
                id=store.new_id("A"),
                dispatch_id=seen.id,
                kind="sent-copy",
                action="accepted",
                at=now,
                digest=hashlib.sha256(f"{seen.id}/{found.fence}/sent-copy".encode()).hexdigest(),
                channel=seen.channel,
                note=FOUND,
            )
        )
        uow.dispatches.move(seen.id, State.SENT, event="dispatch.sent-late", sent_at=found.unknown_since, reason="")
    log.info("dispatch %s is sent: a copy is in the Sent folder", seen.id)
    return True


def _resend(channel: Channel, store: Store, now: datetime, seen: Dispatch, done: Doubts) -> None:
    """Back to the queue, if it is still the doubt that was looked into."""
    with store.transaction() as uow:
        (found,) = uow.dispatches.locked([seen.id])
        if found.unknown_since != seen.unknown_since or not channel.doubt.due(found, now):
            return
        age = _age(now - (found.unknown_since or now))
        version = uow.reports.get(found.report_id)
        if version is not None and version.superseded:
            uow.dispatches.move(seen.id, State.QUEUED, event=ENDED, due_at=None)
            uow.dispatches.move(
                seen.id, State.WITHDRAWN, event="dispatch.withdrawn", reason=OLD.format(age=age), due_at=None
            )
            done.withdrawn += 1
            return
        events = [line.event for line in uow.journal.of_subject(seen.id)]
        if channel.doubt.may_resend(found, events, now):
            uow.dispatches.move(seen.id, State.QUEUED, event=RESENT, due_at=None, reason=AGAIN.format(age=age))
            done.resent += 1
            log.warning("dispatch %s: unknown for %s, sent again by policy", seen.id, now - (seen.unknown_since or now))


def _age(span: timedelta) -> str:
    hours, minutes = divmod(max(int(span.total_seconds()), 0) // 60, 60)
    return f"{hours} h {minutes:02d}" if hours else f"{minutes} min"
