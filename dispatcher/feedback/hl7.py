"""Events in HL7: ACK about a file, ZAM^Z02 about a delivery, ZAM^Z03 about a reading. Pure.

Built by :mod:`dispatcher.formats.hl7.answers` with hl7apy. Which failure is whose: codes 900 to 906 come from the
recipient's software (Z03, applicationErrorCondition), all others from the mail (Z02, SMTPERRORCODE).
"""

from __future__ import annotations

import re
from datetime import datetime

from dispatcher.feedback.events import Event
from dispatcher.feedback.told import Told, Unsayable
from dispatcher.formats.hl7.answers import Failure, Fault, Notice, Outcome, acknowledge, trade_notice
from dispatcher.receipts.mdn import CODE_LABELS

NOT_HL7 = "Le fichier n'est pas un message HL7 : rien à acquitter."
NO_MESSAGE = "Le message HL7 de ce compte rendu n'est pas retrouvé dans l'original."
TEXT_LENGTH = 200
_SMTP = re.compile(r"[1-5][0-9]{2}")
_BASIC = {
    "5.1": "550",
    "5.2.2": "552",
    "5.2.3": "552",
    "5.2": "550",
    "5.3.4": "552",
    "5.4": "554",
    "5.5": "554",
    "5.6": "554",
    "5.7": "554",
    "4.2.2": "452",
    "4": "450",
}
"""RFC 3463 to the nearest code of the table SMTPERRORCODE, the longest beginning first (ours: the volet gives none)."""
_UNKNOWN = "554"
NAMES = {Event.DELIVERED: "zam", Event.READ: "zam", Event.FAILED: "zam"}
"""How the file of an event is called; the others are acknowledgements."""


def messages(told: Told, now: datetime) -> tuple[str, ...]:
    """ER7 text of each message. Raises :class:`Unsayable`."""
    if not told.headers.messages:
        raise Unsayable(NOT_HL7)
    if told.event in {Event.TAKEN, Event.DUPLICATE, Event.REFUSED}:
        return _acknowledgements(told, now)
    return (_notice(told, now),)


def control_ids(told: Told, count: int) -> tuple[str, ...]:
    """MSH-10 of each of our messages: the answer's own id, and a rank where there are several."""
    return (told.id,) if count == 1 else tuple(f"{told.id}-{rank}" for rank in range(1, count + 1))


def _acknowledgements(told: Told, now: datetime) -> tuple[str, ...]:
    refused = told.event is Event.REFUSED
    faults = (Fault(condition="207", text=told.reason[:TEXT_LENGTH]),) if refused else ()
    outcome = Outcome.ERROR if refused else Outcome.ACCEPTED
    origins = told.headers.messages
    ids = control_ids(told, len(origins))
    return tuple(
        acknowledge(origin, control_id=control_id, at=now, outcome=outcome, faults=faults)
        for origin, control_id in zip(origins, ids, strict=True)
    )


def _notice(told: Told, now: datetime) -> str:
    if told.position is None or told.position >= len(told.headers.reports):
        raise Unsayable(NO_MESSAGE)
    application = told.code in CODE_LABELS
    reading = told.event is Event.READ or application
    return trade_notice(
        told.headers.reports[told.position],
        Notice.READING if reading else Notice.DELIVERY,
        control_id=told.id,
        at=now,
        happened_at=told.at,
        address=told.address or "inconnue",
        person_id=told.recipient_id,
        failure=_failure(told) if told.event is Event.FAILED else None,
    )


def _failure(told: Told) -> Failure:
    if told.code in CODE_LABELS:
        return Failure(code=told.code, label=CODE_LABELS[told.code])
    return Failure(code=smtp_code(told.code), label=told.reason[:TEXT_LENGTH])


def smtp_code(code: str) -> str:
    """A code of the table SMTPERRORCODE for what we know of a failure."""
    if _SMTP.fullmatch(code):
        return code
    parts = code.split(".")
    for length in range(len(parts), 0, -1):
        if (found := _BASIC.get(".".join(parts[:length]))) is not None:
            return found
    return _UNKNOWN
