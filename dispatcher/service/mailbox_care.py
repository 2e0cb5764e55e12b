"""Use case: keep our own mailbox light, and alarm before the operator closes it.

APICRYPT's terms of use (5.2): 50 MB; mail unread for 30 days brings a warning, for 60 days the box is closed and its
senders get failures. Notices that were understood and are stored here are removed day by day; nothing unknown is.
"""

from __future__ import annotations

import hashlib
import logging
from datetime import timedelta
from functools import partial

from dispatcher.clock import Clock
from dispatcher.french import counted
from dispatcher.ports import Fill, Mailbox, Store
from dispatcher.service import alarms
from dispatcher.settings import MailboxSettings

log = logging.getLogger(__name__)

FULL = "Boîte pleine à {percent} % ({used} Mo sur {limit} Mo) : au-delà, les avis sont refusés."
OLD = "{count} à examiner dans la boîte, le plus ancien depuis {days} jours : un opérateur ferme une boîte non relevée."
NEXT = "« dispatcher receipts list --unmatched » les montre ; les classer ou les supprimer dans la boîte."


def mail_digest(content: bytes) -> str:
    """What a notice is known by in the store, without the number of the recipient in it."""
    return hashlib.sha256(content).hexdigest()


def care(channel: str, settings: MailboxSettings, mailbox: Mailbox, store: Store, clock: Clock) -> Fill:
    """Remove what is old and kept here, then look how full it is. Raises :class:`TransportError`, StoreError."""
    if settings.keep_days:
        gone = mailbox.relieve(clock.now() - timedelta(days=settings.keep_days), partial(_is_kept, store))
        if gone:
            log.info("channel %s: %d old notices removed from its mailbox; the store keeps them", channel, gone)
    fill = mailbox.fill()
    event = alarms.tell(store, alarms.mailbox_fill(channel), judged(settings, fill, clock))
    if event == alarms.STARTED:
        log.error("mailbox of channel %s: ALARM begins: too full, or too old", channel)
    elif event:
        log.error("mailbox of channel %s: ALARM over: light again", channel)
    return fill


def judged(settings: MailboxSettings, fill: Fill, clock: Clock) -> str:
    """Why an alarm is due, in French; empty when all is well."""
    limit = fill.limit or settings.max_bytes
    percent = 100 * fill.used // limit
    reasons = []
    if percent >= settings.alarm_percent:
        reasons.append(FULL.format(percent=percent, used=_megabytes(fill.used), limit=_megabytes(limit)))
    if fill.oldest is not None and clock.now() - fill.oldest >= timedelta(days=settings.alarm_days):
        days = (clock.now() - fill.oldest).days
        reasons.append(OLD.format(count=counted(fill.waiting, "courrier"), days=days))
    return " ".join([*reasons, NEXT]) if reasons else ""


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.1f}".replace(".", ",")


def _is_kept(store: Store, content: bytes) -> bool:
    """Its bytes are in the store, with the dispatch they tell of."""
    with store.reading() as uow:
        return uow.receipts.holds(f"{mail_digest(content)}:0")
