"""How long an ``unknown`` dispatch waits, and whether its channel may then send the same bytes again. Pure.

Nothing here settles a doubt: only a notice, a copy in the Sent folder, a late answer or a person does. A resend is a
risk of doubling that the laboratory takes by a setting, never a default (promise 2, decision record 0020).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State

RESENT = "dispatch.resent-unknown"
"""Event of a resend by the channel's policy."""
REPLAYED = "dispatch.replayed"
"""A person sent it again: the count of resends begins anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtPolicy:
    """What a channel does about doubt."""

    resend_after: timedelta | None = None
    """Time in doubt after which the same bytes are sent again; None: never."""
    max_resends: int = 1
    alarm_after: timedelta = timedelta(hours=4)
    """Time in doubt after which it is an alarm."""

    def due(self, dispatch: Dispatch, now: datetime) -> bool:
        """It is in doubt, and has been for long enough to be sent again."""
        since = dispatch.unknown_since
        if dispatch.state is not State.UNKNOWN or since is None or self.resend_after is None:
            return False
        return now - since >= self.resend_after

    def may_resend(self, dispatch: Dispatch, events: Iterable[str], now: datetime) -> bool:
        """Due, and not sent again too often yet. ``events``: names of its journal lines, oldest first."""
        return self.due(dispatch, now) and resends(events) < self.max_resends

    def alarms(self, since: datetime | None, now: datetime) -> bool:
        """The oldest doubt of the channel began at ``since`` and has lasted too long.

        Or begins as far ahead: a clock was set back, nobody knows its age, and it is never sent again by itself.
        """
        return since is not None and abs(now - since) >= self.alarm_after


def resends(events: Iterable[str]) -> int:
    """How often the policy has sent it again since a person last did."""
    count = 0
    for event in events:
        if event == REPLAYED:
            count = 0
        count += event == RESENT
    return count
