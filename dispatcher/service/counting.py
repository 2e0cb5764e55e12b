"""Use case: how often did what happen? Counted from the journal, so that nothing is missed or counted twice.

Whoever counts remembers up to which line: every process and node writes into the one journal, and a counter goes on
where it stood after a restart or a crash. Labels are the names of channels and sources, and words of this page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from dispatcher.outbox.states import State
from dispatcher.ports import Happened, Store

MANY = 5000
"""Lines read at a time."""

COUNTED: dict[str, tuple[str, tuple[str, ...]]] = {
    "dispatcher_files_received": ("Source files taken in.", ("source",)),
    "dispatcher_files_ended": ("Source files that came to their end, by how.", ("state",)),
    "dispatcher_reports_read": ("Report versions read from source files.", ("status",)),
    "dispatcher_dispatches_made": ("Dispatches made: one report version to one recipient.", ("channel",)),
    "dispatcher_moves": ("Dispatches that entered a state.", ("channel", "state")),
    "dispatcher_refusals": (
        "Hand-overs that were not accepted: permanent, temporary (put off, for their reasons or ours), unknown, held.",
        ("channel", "class"),
    ),
    "dispatcher_retries": ("Dispatches whose time had come to be tried again.", ("channel",)),
    "dispatcher_replays": ("Dispatches that a person replayed or sent again.", ("channel",)),
    "dispatcher_paced": ("Dispatches put off because their mailbox or domain had its share.", ("channel",)),
    "dispatcher_receipts": ("Receipts matched to a dispatch, by kind.", ("channel", "kind")),
    "dispatcher_ladder_steps": ("Rungs climbed by mail that nobody read.", ("step",)),
    "dispatcher_channel_pauses": ("Pauses of a channel after a fault of ours.", ("channel",)),
    "dispatcher_alarms_begun": ("Alarms that the journal tells to have begun.", ()),
}
"""Name without ``_total``, its help, its labels."""

STATES = frozenset(map(str, State))
STATUSES = frozenset({"final", "partial", "corrected", "cancelled"})
ENDED = frozenset({"done", "quarantined", "duplicate"})
RECEIPTS = frozenset({"smtp", "dsn", "mdn", "error-mail", "auto-reply", "sent-copy"})
LADDER = {
    "dispatch.reminded": "remind",
    "dispatch.second-way": "second",
    "dispatch.person-called": "person",
}
PAPER, UNREAD = "paper", frozenset({"sent", "delivered"})
AGAIN = frozenset({"dispatch.replayed", "dispatch.resent", "dispatch.resent-unknown"})
REFUSED = {
    "dispatch.failed": "permanent",
    "dispatch.deferred": "temporary",
    "dispatch.unknown": "unknown",
    "dispatch.held": "held",
}
"""From ``sending`` to there: what the other side, or nobody, said."""
OTHER = "other"

Key = tuple[str, tuple[str, ...]]
"""A name of :data:`COUNTED` and its labels."""


@dataclass(slots=True)
class Totals:
    """How far was counted, in which database, and what came of it."""

    store_id: str
    number: int
    counts: Counter[Key] = field(default_factory=Counter)


def begin(store: Store) -> Totals:
    """From the end of the journal as it is now: what was before is nobody's rate."""
    with store.transaction() as uow:
        store_id = uow.installation.store_id()
    with store.reading() as uow:
        return Totals(store_id=store_id, number=uow.journal.last()[0])


def go_on(store: Store, before: Totals) -> Totals:
    """``before`` if it was counted in this database, and no later than it is now (a restored backup is behind)."""
    fresh = begin(store)
    return before if before.store_id == fresh.store_id and before.number <= fresh.number else fresh


def advance(store: Store, totals: Totals) -> None:
    """Count what was written since. Raises :class:`dispatcher.errors.StoreError`."""
    while True:
        with store.reading() as uow:
            lines = uow.journal.after(totals.number, MANY)
        for line in lines:
            totals.counts.update(of_line(line))
            totals.number = line.number
        if len(lines) < MANY:
            return


def of_line(line: Happened) -> Iterator[Key]:
    """What one line of the journal counts for."""
    subject, _, event = line.event.partition(".")
    if subject == "file":
        yield from _of_file(event, line)
    elif subject == "dispatch":
        yield from _of_dispatch(line)
    elif subject == "receipt":
        kind = event if event in RECEIPTS else OTHER
        yield "dispatcher_receipts", (line.channel, kind)
    elif line.event == "report.added":
        yield "dispatcher_reports_read", (_word(line.detail.get("status"), STATUSES),)
    elif line.event == "channel.paused":
        yield "dispatcher_channel_pauses", (line.subject.removeprefix("channel:"),)
    elif line.event == "alarm.started":
        yield "dispatcher_alarms_begun", ()


def _of_file(event: str, line: Happened) -> Iterator[Key]:
    if event == "received":
        yield "dispatcher_files_received", (str(line.detail.get("source", "")),)
    if event in ENDED:
        yield "dispatcher_files_ended", (event,)


def _of_dispatch(line: Happened) -> Iterator[Key]:
    detail, channel, event = line.detail, line.channel, line.event
    if event == "dispatch.added":
        yield "dispatcher_dispatches_made", (channel,)
        yield "dispatcher_moves", (channel, _word(detail.get("state"), STATES))
    elif "from" in detail:
        yield from _moves(channel, event)
    if detail.get("from") == "sending" and event in REFUSED:
        yield "dispatcher_refusals", (channel, REFUSED[event])
    if event == "dispatch.due":
        yield "dispatcher_retries", (channel,)
    if event == "dispatch.paced":
        yield "dispatcher_paced", (channel,)
    if event in AGAIN:
        yield "dispatcher_replays", (channel,)
    if event in LADDER:
        yield "dispatcher_ladder_steps", (LADDER[event],)
    elif event == "dispatch.paper" and line.actor == "daemon" and detail.get("from") in UNREAD:
        yield "dispatcher_ladder_steps", (PAPER,)


def _moves(channel: str, event: str) -> Iterator[Key]:
    """Most events are named after the state they lead to; of the others the state is known here."""
    state = event.removeprefix("dispatch.").removesuffix("-late")
    state = {"due": "queued", "paced": "deferred", "released": "ready"}.get(state, state)
    if state in STATES:
        yield "dispatcher_moves", (channel, state)


def _word(value: object, known: frozenset[str]) -> str:
    return str(value) if value in known else OTHER
