"""When the backlog will be through: pace, batches to come, next tries, what was measured, what stands still."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dispatcher.cli.forecast_show import sentence
from dispatcher.outbox.forecast import Backlog, Flow, Forecast, forecast
from dispatcher.outbox.pacing import per_minute

NOW = datetime(2026, 3, 11, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LIMIT = per_minute(60, 1)
"""One at once, then one a second."""


def look(
    *, measured: float | None = None, paused: bool = False, tries_at: datetime | None = None, **waits: Any
) -> Forecast:
    flow = Flow(seconds_for=LIMIT.seconds_for, measured=measured, paused=paused, tries_at=tries_at)
    return forecast(Backlog(**waits), flow, NOW)


@pytest.mark.parametrize(
    ("waits", "minutes", "reason"),
    [
        ({"queued": 61}, 1, ""),
        ({"queued": 61, "ready": 60, "forms_at": NOW}, 2, ""),
        ({"queued": 61, "ready": 60, "forms_at": NOW + MINUTE / 2}, 2, ""),
        ({"ready": 61, "forms_at": NOW + 5 * MINUTE}, 6, "hours"),
        ({"queued": 61, "ready": 61, "forms_at": NOW + 5 * MINUTE}, 6, "hours"),
        ({"queued": 1, "deferred": 1, "due_at": NOW + 30 * MINUTE}, 30, "due"),
        ({"deferred": 61, "due_at": NOW - MINUTE}, 1, ""),
        ({"queued": 301, "deferred": 60, "due_at": NOW + MINUTE}, 6, ""),
    ],
)
def test_when_the_last_one_leaves(waits: dict[str, Any], minutes: int, reason: str) -> None:
    told = look(**waits)
    assert (told.through_at, told.reason) == (NOW + minutes * MINUTE, reason)
    assert told.takes == minutes * MINUTE


def test_a_slower_measure_wins_and_a_faster_one_does_not() -> None:
    assert look(queued=60, measured=0.5) == Forecast(through_at=NOW + 2 * MINUTE, takes=2 * MINUTE, reason="slow")
    assert look(queued=61, measured=5.0).through_at == look(queued=61).through_at
    assert look(queued=61, measured=5.0).reason == ""


def test_what_stands_still_is_said() -> None:
    assert look() == Forecast()
    assert look(queued=61, paused=True) == Forecast(takes=MINUTE, reason="paused")
    assert look(ready=3, forms_at=None).reason == "closed"
    assert look(stopped=3) == Forecast(reason="stopped", stopped=3)
    assert look(queued=61, stopped=3) == Forecast(through_at=NOW + MINUTE, takes=MINUTE, stopped=3)


@pytest.mark.parametrize(
    ("waits", "told"),
    [
        ({"queued": 61}, "61 envois en attente ; tout sera parti 11/03/2026 10:01"),
        ({"queued": 61}, "(dans 1 min), au débit réglé."),
        ({"queued": 60, "measured": 0.5}, "rythme mesuré"),
        ({"ready": 1, "forms_at": NOW + MINUTE}, "après la formation du prochain lot."),
        ({"deferred": 1, "due_at": NOW + MINUTE}, "après les nouveaux essais prévus."),
        (
            {"queued": 61, "paused": True},
            'le canal est en pause : rien ne part avant « dispatcher resume pro --reason "…" », puis il faudra 1 min.',
        ),
        ({"queued": 1, "paused": True}, '« dispatcher resume pro --reason "…" », puis tout partira aussitôt.'),
        (
            {"queued": 61, "paused": True, "tries_at": NOW + MINUTE},
            "attend après une panne : nouvel essai, de lui-même, 11/03/2026 10:01:00, puis il faudra 1 min.",
        ),
        ({"ready": 1}, "revoir « batch »"),
        ({"stopped": 2}, "tous dans des lots suspendus"),
        ({"queued": 1, "stopped": 2}, "2 sont dans un lot suspendu et n'y sont pas comptés."),
    ],
)
def test_the_french_sentence(waits: dict[str, Any], told: str) -> None:
    total = sum(count for count in waits.values() if isinstance(count, int) and not isinstance(count, bool))
    assert told in sentence("pro", total, look(**waits))


def test_nothing_waits_nothing_is_said() -> None:
    assert sentence("pro", 0, look()) == ""
