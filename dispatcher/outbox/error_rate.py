"""When a batch is paused because too much of it fails. Pure: how its mails ended so far, in; yes or no, out.

A whole batch refused for good is hardly ever the recipients' doing: a wrong table, a wrong export, a list of dead
addresses. What has not left yet waits for a person.
"""

from __future__ import annotations

from collections.abc import Mapping

from dispatcher.outbox.states import State

ENOUGH = 20
"""Mails of the batch that must have ended before anything is said."""
SHARE = 0.5
"""Of those, so many failed."""
TAKEN = (State.SENT, State.DELIVERED, State.READ)


def too_many(counts: Mapping[State, int]) -> bool:
    """Whether the rest of the batch should wait. ``counts``: its dispatches by state."""
    failed, taken = counts.get(State.FAILED, 0), sum(counts.get(state, 0) for state in TAKEN)
    return failed + taken >= ENOUGH and failed >= SHARE * (failed + taken)
