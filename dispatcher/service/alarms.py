"""Use case: an alarm, told once when it starts and once when it ends (promise 7), over restarts and on every node.

The journal remembers: the last line about a subject says whether its alarm stands.
"""

from __future__ import annotations

from dispatcher.outbox.dispatch import JournalLine
from dispatcher.ports import Store

STARTED, ENDED = "alarm.started", "alarm.ended"


def mailbox(channel: str) -> str:
    """Subject of alarms about the mailbox of a channel."""
    return f"mailbox:{channel}"


def mailbox_fill(channel: str) -> str:
    """Subject of alarms about how full the mailbox of a channel is, and how old what stands in it."""
    return f"mailbox-fill:{channel}"


def doubt(channel: str) -> str:
    """Subject of alarms about dispatches of a channel whose outcome is unknown for too long."""
    return f"unknown:{channel}"


def sent_folder(channel: str) -> str:
    """Subject of alarms about the Sent folder of a channel's account."""
    return f"sent-folder:{channel}"


def standing(store: Store, subject: str) -> str:
    """What the alarm about ``subject`` says, or empty when none stands."""
    line = standing_line(store, subject)
    return "" if line is None else reason(line)


def standing_line(store: Store, subject: str) -> JournalLine | None:
    """The line by which the alarm about ``subject`` began, or None when none stands."""
    with store.reading() as uow:
        lines = [line for line in uow.journal.of_subject(subject) if line.event in {STARTED, ENDED}]
    return lines[-1] if lines and lines[-1].event == STARTED else None


def reason(line: JournalLine) -> str:
    """What it says."""
    return str(line.detail.get("reason", ""))


def tell(store: Store, subject: str, reason: str) -> str:
    """Write down that ``subject`` is in trouble for ``reason`` (French, no identity), or, when empty, that it is over.

    Gives the event written, :data:`STARTED` or :data:`ENDED`; empty when nothing is new.
    """
    known = standing(store, subject)
    if bool(known) == bool(reason):
        return ""
    event = STARTED if reason else ENDED
    with store.transaction() as uow:
        uow.journal.write(subject, event, reason=reason or known)
    return event
