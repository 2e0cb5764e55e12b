"""What may be expected of a recipient: never, no longer and not yet known are three different things."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.ports import Scope, SupportRow
from dispatcher.receipts.support import DELIVERY, READING, UNREAD_MAILS, Gives, expected

NOW = datetime(2026, 3, 11, 12, tzinfo=UTC)
BEFORE = NOW - timedelta(days=1)


def row(scope: Scope = Scope.DOMAIN, **known: Any) -> SupportRow:
    return SupportRow(channel="mss", scope=scope, name="dest.test", **known)


def address(**known: Any) -> SupportRow:
    return row(Scope.ADDRESS, **known)


@pytest.mark.parametrize(
    ("known", "verdict"),
    [
        ({}, Gives.UNKNOWN),
        ({"silent": 4}, Gives.UNKNOWN),
        ({"silent": 5}, Gives.NEVER),
        ({"delivered_at": NOW}, Gives.YES),
        ({"delivered_at": NOW, "silent": 4}, Gives.YES),
        ({"delivered_at": NOW, "silent": 5}, Gives.NO_MORE),
        ({"relayed_at": NOW}, Gives.RELAYED),
        ({"relayed_at": NOW, "delivered_at": BEFORE}, Gives.RELAYED),
        ({"relayed_at": BEFORE, "delivered_at": NOW}, Gives.YES),
        ({"relayed_at": NOW, "silent": 9}, Gives.NO_MORE),
    ],
)
def test_delivery_is_judged_by_the_domain(known: dict[str, Any], verdict: Gives) -> None:
    found = expected(row(**known), address(delivered_at=NOW))
    assert found.delivery is verdict
    assert found.silence_is_normal is (verdict is Gives.NEVER)


@pytest.mark.parametrize(
    ("domain", "person", "verdict"),
    [
        ({}, {}, Gives.UNKNOWN),
        ({}, {"unread": 9}, Gives.UNKNOWN),
        ({}, {"unread": 10}, Gives.NEVER),
        ({"read_at": NOW}, {"unread": 10}, Gives.NEVER),
        ({}, {"read_at": NOW, "unread": 9}, Gives.YES),
        ({}, {"read_at": BEFORE, "unread": 10}, Gives.NO_MORE),
        ({"read_at": NOW}, {}, Gives.UNKNOWN),
        ({"unread": 29}, {}, Gives.UNKNOWN),
        ({"unread": 30}, {}, Gives.NEVER),
        ({"unread": 30}, {"read_at": NOW}, Gives.YES),
        ({"read_at": NOW, "unread": 99}, {}, Gives.UNKNOWN),
    ],
)
def test_reading_is_judged_by_the_person_then_by_the_domain(
    domain: dict[str, Any], person: dict[str, Any], verdict: Gives
) -> None:
    assert expected(row(**domain), address(**person)).reading is verdict


def test_nothing_known_is_unknown_and_every_verdict_has_its_words() -> None:
    found = expected(None, None)
    assert (found.delivery, found.reading) == (Gives.UNKNOWN, Gives.UNKNOWN)
    assert set(DELIVERY) == set(Gives)
    assert set(READING) == set(Gives) - {Gives.RELAYED}


@given(st.integers(0, 1000), st.booleans())
def test_who_answered_once_is_never_said_to_answer_never(unread: int, of_domain: bool) -> None:
    known = address(read_at=BEFORE, unread=unread)
    found = expected(row(unread=99) if of_domain else None, known)
    assert found.reading is (Gives.NO_MORE if unread >= UNREAD_MAILS else Gives.YES)
