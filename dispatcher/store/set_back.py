"""A clock that was set back: moments further ahead than any wait of ours (``outbox/longest.py``) are brought back.

Else a mail deferred, a channel paused or a lease taken while a clock stood a year ahead would wait out that year in
silence. What was due at such a moment is due now; a lease ends one lease from now, so that a living holder keeps it.
Only what is waited for is moved. Since when something is so (``unknown_since``) stays as it was written: a clock that
stands behind for a moment would make a doubt of today years old, and its mail leave again (promise 2).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select, tuple_, update

from dispatcher.outbox.longest import ANSWER, DOMAIN, IN_LINE, MARGIN, Longest
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import AnswerState
from dispatcher.store.session import Session
from dispatcher.store.tables import answers, destinations, dispatches, files, in_state, pace

BROUGHT_BACK = "store.clock-set-back"
"""Journal event, with how many of each were brought back."""


class _Kind(NamedTuple):
    """Moments of one column."""

    column: Any
    beyond: timedelta
    """Further ahead than this from now it is nobody's wait."""
    to: timedelta
    """Where it is brought, from now."""
    where: Any


class SqlMoments:
    """See :class:`dispatcher.ports.Moments`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def bring_back(self, longest: Longest) -> Mapping[str, int]:
        """Gives how many were brought back, by what they were for; with a line in the journal."""
        now = self._session.shared_time(self._session.now())
        counts = {name: self._bring(kind, now) for name, kind in _kinds(longest).items()}
        found = {name: count for name, count in counts.items() if count}
        if found:
            told: dict[str, Any] = {**found}
            self._session.journal.write("store", BROUGHT_BACK, **told)
        return found

    def _bring(self, kind: _Kind, now: datetime) -> int:
        """Rows that somebody writes to just now are left to the next look: nobody waits in a circle."""
        table = kind.column.table
        keys = list(table.primary_key.columns)
        far = select(*keys).where(kind.column > bindparam("beyond"), kind.where).with_for_update(skip_locked=True)
        statement = update(table).where(tuple_(*keys).in_(far)).values({kind.column.name: bindparam("brought_to")})
        params = {"beyond": now + kind.beyond, "brought_to": now + kind.to}
        return int(self._session.write(statement, params).rowcount)


def _kinds(longest: Longest) -> dict[str, _Kind]:
    at_once = timedelta()
    mailbox = destinations.c.domain.like("%@%")
    not_told = dispatches.c.escalation == 0
    return {
        "due": _Kind(dispatches.c.due_at, longest.due, at_once, in_state(dispatches, State.DEFERRED)),
        "urgent": _Kind(dispatches.c.escalate_at, longest.told, longest.urgent, not_told),
        "sending": _Kind(dispatches.c.lease_until, longest.leased, longest.lease, in_state(dispatches, State.SENDING)),
        "files": _Kind(files.c.lease_until, longest.leased, longest.lease, in_state(files, FileState.RECEIVED)),
        "domains": _Kind(destinations.c.free_at, DOMAIN, at_once, ~mailbox),
        "mailboxes": _Kind(destinations.c.free_at, IN_LINE + MARGIN, at_once, mailbox),
        "probes": _Kind(destinations.c.probe_at, longest.probe, at_once, destinations.c.state != ""),
        "answers": _Kind(answers.c.due_at, ANSWER + MARGIN, at_once, in_state(answers, AnswerState.DUE)),
        "pauses": _Kind(pace.c.paused_until, longest.paused, at_once, pace.c.paused.is_(True)),
    }
