"""One event as every language needs it: what happened, to which file, report and recipient. Pure.

No identity of a patient: what the LIS gave as identifiers of its own (order numbers, message control id), and the
recipient. The file's name is told only where the source says that its names hold no patient.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dispatcher.feedback.events import Event
from dispatcher.formats.answered import Headers
from dispatcher.outbox.dispatch import Dispatch

BY_HAND = "operator"
"""Hold code of what a person stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event with its identifiers."""

    id: str
    """Control id of the answer."""
    event: Event
    at: datetime
    source: str
    subject: str
    """Our number of the file or dispatch."""
    file_id: str = ""
    file_name: str = ""
    sha256: str = ""
    received_at: datetime
    headers: Headers
    position: int | None = None
    """Of the report among those of its file."""
    placer: str = ""
    filler: str = ""
    version: int = 0
    address: str = ""
    recipient_id: str = ""
    recipient_id_type: str = ""
    channel: str = ""
    code: str = ""
    """Of a failure or hold: RFC 3463 status, SMTP reply, code of the ANS (900 to 906) or of a hold."""
    reason: str = ""
    """French."""
    by: str = ""
    """``operator`` when a person did it; what she typed is not told."""


def snapshot(dispatch: Dispatch, actor: str = "daemon") -> dict[str, object]:
    """What of a dispatch may change after the event. A reason somebody typed stays here: people name patients."""
    ours = actor == "daemon" and dispatch.hold_code != BY_HAND
    return {
        "address": dispatch.address,
        "recipient_id": dispatch.recipient_id,
        "recipient_id_type": dispatch.recipient_id_type,
        "channel": dispatch.channel,
        "code": dispatch.fault or dispatch.hold_code,
        "reason": dispatch.reason if ours else "",
        "by": "" if ours else "operator",
    }


class Unsayable(Exception):
    """The language has no way to say it about this file; the text says why, in French."""
