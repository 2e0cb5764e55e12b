"""The schedule of a channel as it stands in the file: hours, days, regions, cron lines; and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from dispatcher.outbox.calendar import ALWAYS, PARIS, Calendar
from dispatcher.settings.channels import BatchSettings
from dispatcher.settings.schedule import Region, cron, hours
from dispatcher.wiring.schedule import REGIONS, batch_rule, public_holidays


def paris(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


def test_without_a_word_batches_form_at_any_hour() -> None:
    rule = batch_rule(BatchSettings())
    assert (rule.every, rule.fires, rule.calendar) == (timedelta(minutes=5), None, ALWAYS)


def test_hours_days_and_holidays() -> None:
    settings = BatchSettings(hours="08:00-18:30", days=["lun", "mar", "mer", "jeu", "ven"], holidays="metropole")
    calendar = batch_rule(settings).calendar
    assert calendar.next_open(paris("2026-12-24T18:30")) == paris("2026-12-28T08:00")  # Christmas is a Friday
    assert calendar.is_open(paris("2026-12-28T18:29"))


def test_until_midnight() -> None:
    calendar = batch_rule(BatchSettings(hours="06:00-24:00")).calendar
    assert calendar.is_open(paris("2026-03-11T23:59")) and not calendar.is_open(paris("2026-03-12T00:00"))


@pytest.mark.parametrize("region", get_args(Region))
def test_every_region_keeps_the_national_holidays(region: Region) -> None:
    found = public_holidays(region)(2026)
    assert {date(2026, 1, 1), date(2026, 5, 1), date(2026, 7, 14), date(2026, 12, 25)} <= found


def test_regions_differ() -> None:
    assert set(REGIONS) == set(get_args(Region))
    assert len(public_holidays("metropole")(2026)) == 11  # Code du travail, article L3133-1
    assert public_holidays("alsace-moselle")(2026) - public_holidays("metropole")(2026) == {
        *(date(2026, 4, 3), date(2026, 12, 26)),
    }
    assert date(2026, 12, 20) in public_holidays("reunion")(2026)
    assert date(2026, 4, 27) in public_holidays("mayotte")(2026)


@pytest.mark.parametrize(
    ("line", "after", "expected"),
    [
        ("0 8 * * 1-5", "2026-03-14T12:00", "2026-03-16T08:00"),  # Saturday: 1 is Monday, not Tuesday
        ("0 8 * * 0", "2026-03-11T12:00", "2026-03-15T08:00"),
        ("0 8 * * 7", "2026-03-11T12:00", "2026-03-15T08:00"),
        ("0 7,12,18 * * *", "2026-03-11T12:00", "2026-03-11T18:00"),
        ("30 2 * * *", "2026-03-28T12:00", "2026-03-29T03:00"),  # 2:30 does not exist
        ("30 2 * * *", "2026-03-29T04:00", "2026-03-30T02:30"),
        ("0 8 1 * 1", "2026-03-28T12:00", "2026-03-30T08:00"),  # the first of the month or a Monday
        ("0 8 29 2 *", "2026-03-01T00:00", "2028-02-29T08:00"),
    ],
)
def test_cron_lines_mean_what_crontab_means(line: str, after: str, expected: str) -> None:
    assert cron(line)(paris(after)) == paris(expected)


def test_a_cron_line_asked_in_utc_speaks_of_paris() -> None:
    assert cron("0 8 * * *")(datetime(2026, 7, 1, 5, 30, tzinfo=UTC)) == datetime(2026, 7, 1, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"cron": "0 8 * * *", "every_minutes": 5}, "s'excluent"),
        ({"cron": "61 8 * * *"}, "61 8"),
        ({"cron": "0 8 * *"}, "cinq champs"),
        ({"cron": "0 0 8 * * *"}, "cinq champs"),
        ({"cron": "0 0 30 2 *"}, "aucune heure"),
        ({"hours": "8h-18h"}, "08:00-18:30"),
        ({"hours": "08:00-25:00"}, "08:00-18:30"),
        ({"hours": "08:00-08:00"}, "les mêmes"),
        ({"days": ["monday"]}, "lun"),
        ({"holidays": "bretagne"}, "metropole"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        BatchSettings(**wrong)


def test_a_laboratory_may_be_open_always() -> None:
    opens, closes = hours("00:00-24:00")
    always = Calendar(opens=opens, closes=closes)
    for hour in range(24 * 8):
        assert always.is_open(datetime(2026, 3, 24, tzinfo=UTC) + timedelta(hours=hour, minutes=59, seconds=30))
    with pytest.raises(ValueError, match="les mêmes"):
        hours("08:00-08:00")
