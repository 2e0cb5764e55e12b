"""The day a line of the table counts on and data are aged by is the day in Paris, where the laboratory is."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from dispatcher.routing.candidates import LocalEntry
from dispatcher.routing.facts import Facts
from dispatcher.routing.gathering import gather
from dispatcher.routing.rules import decide
from tests.unit.routing.routing_desk import IN, POLICY, Book, Certificates, Domains, wanted

BOX = f"paul.durand@{IN}"
WHO = wanted(id="D001", label="Dr DURAND")


def facts_at(now: datetime, version: str = "2026-11-20 03:00 abc", **days: Any) -> Facts:
    line = LocalEntry(code="D001", address=BOX, label="Dr DURAND", line=1, **days)
    return gather(
        WHO,
        POLICY,
        source="lis",
        directory=Book((), (line,), told={"mssante": version, "local": "abc"}),
        domains=Domains(frozenset({IN}), now, "1"),
        certificates=Certificates({}),
        now=now,
    )


def leaves(now: datetime, **days: Any) -> bool:
    return decide(WHO, facts_at(now, **days), POLICY).route is not None


@pytest.mark.parametrize(
    ("now", "today"),
    [
        (datetime(2026, 11, 20, 22, 30, tzinfo=UTC), date(2026, 11, 20)),
        (datetime(2026, 11, 20, 23, 30, tzinfo=UTC), date(2026, 11, 21)),
        (datetime(2026, 11, 21, 0, 30, tzinfo=UTC), date(2026, 11, 21)),
        (datetime(2026, 7, 20, 21, 30, tzinfo=UTC), date(2026, 7, 20)),
        (datetime(2026, 7, 20, 22, 30, tzinfo=UTC), date(2026, 7, 21)),
    ],
    ids=["23:30", "00:30", "01:30", "23:30 in summer", "00:30 in summer"],
)
def test_the_day_begins_at_midnight_in_paris(now: datetime, today: date) -> None:
    assert facts_at(now).today == today
    yesterday, tomorrow = today.replace(day=today.day - 1), today.replace(day=today.day + 1)
    assert leaves(now, valid_from=today, valid_to=today)
    assert not leaves(now, valid_to=yesterday)
    assert not leaves(now, valid_from=tomorrow)


def test_data_age_by_the_day_in_paris() -> None:
    ages = [facts_at(datetime(2026, 11, 20, hour, 30, tzinfo=UTC)).ages["mssante"] for hour in (22, 23)]
    assert ages == [0.0, 1.0]
