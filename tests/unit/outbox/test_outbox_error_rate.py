"""A batch of which too much fails waits; a few failures, or too few mails to tell, stop nothing."""

from __future__ import annotations

import pytest

from dispatcher.outbox.error_rate import too_many
from dispatcher.outbox.states import State


@pytest.mark.parametrize(
    ("failed", "sent", "read", "queued", "stops"),
    [(19, 0, 0, 400, False), (20, 0, 0, 400, True), (10, 5, 5, 0, True), (9, 5, 6, 0, False), (30, 40, 0, 0, False)],
)
def test_half_of_at_least_twenty(failed: int, sent: int, read: int, queued: int, stops: bool) -> None:
    counts = {State.FAILED: failed, State.SENT: sent, State.READ: read, State.QUEUED: queued}
    assert too_many(counts) is stops
