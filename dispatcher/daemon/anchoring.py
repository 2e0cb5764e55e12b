"""The journal is signed once a day and when the service stops; what keeps that from happening alarms once."""

from __future__ import annotations

import logging

from dispatcher.errors import DispatcherError, KeyringError, in_french
from dispatcher.service import alarms
from dispatcher.service.anchor import SUBJECT, anchor, due, stamp_missing
from dispatcher.store import anchor_files
from dispatcher.wiring import Office
from dispatcher.wiring.proving import anchoring_of

log = logging.getLogger(__name__)

SECONDS = 600.0
"""How often is asked whether an anchor is due."""


def anchor_due(office: Office, *, stopping: bool = False) -> str:
    """Anchor when it is time, or now when the service stops. Gives what was told: an alarm begun or over, or empty."""
    reason = ""
    try:
        _anchor(office, stopping=stopping)
    except KeyringError as error:
        if error.code == "no-key" and office.settings.journal.signer is None and not _signed_before(office):
            log.info("no channel has a signing key: the journal is chained, not signed")
        else:
            reason = str(error)
    except DispatcherError as error:
        reason = str(error)
    except OSError as error:
        where = office.settings.journal.anchor_folder
        reason = f"Les ancres ne peuvent pas être copiées dans « {where} » ({in_french(error)})."
    event = alarms.tell(office.store, SUBJECT, reason)
    if event == alarms.STARTED:
        log.error("journal: ALARM begins: it is not signed or not copied")
    elif event:
        log.error("journal: ALARM over: it is signed again")
    return event


def _signed_before(office: Office) -> bool:
    """A laboratory that has signed and has no key any more has lost it."""
    with office.store.reading() as uow:
        return uow.anchors.newest() is not None


def _anchor(office: Office, *, stopping: bool) -> None:
    anchoring = anchoring_of(office)
    if stopping or due(anchoring):
        anchor(anchoring)
    if not stopping:
        stamp_missing(anchoring)
    folder = office.settings.journal.anchor_folder
    if folder is not None:
        with office.store.reading() as uow:
            rows = uow.anchors.list()
        anchor_files.write(folder, rows)
