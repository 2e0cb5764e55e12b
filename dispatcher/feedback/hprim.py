"""Events in HPRIM Santé: a report of errors (context ERR) for each message of a file. Pure."""

from __future__ import annotations

from datetime import datetime

from dispatcher.feedback.events import Event
from dispatcher.feedback.told import Told, Unsayable
from dispatcher.formats.hprim_sante.errors import ACCEPTED, REFUSED, error_report

NOT_HPRIM = "Le fichier n'est pas un message HPRIM Santé : rien à répondre dans ce format."
_TEXTS = {Event.TAKEN: "Message accepté.", Event.DUPLICATE: "Message déjà reçu : rien n'est renvoyé."}


def file(told: Told, now: datetime) -> bytes:
    """All messages of the answer, one after the other. Raises :class:`Unsayable`."""
    if not told.headers.hprim:
        raise Unsayable(NOT_HPRIM)
    refused = told.event is Event.REFUSED
    return b"".join(
        error_report(
            answered,
            name=f"{told.id[-8:]}.HPR",
            at=now,
            received_at=told.received_at,
            severity=REFUSED if refused else ACCEPTED,
            text=told.reason if refused else _TEXTS[told.event],
        )
        for answered in told.headers.hprim
    )
