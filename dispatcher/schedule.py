"""Wiring of a channel's schedule: its settings, the public holidays of its region and its cron line become one rule."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import cache

from dispatcher.outbox.batching import BatchRule
from dispatcher.outbox.calendar import EVERY_DAY, Calendar, no_holidays
from dispatcher.settings.channels import BatchSettings
from dispatcher.settings.schedule import DAYS, Region, cron, hours

REGIONS: dict[Region, str] = {
    "metropole": "",
    "alsace-moselle": "57",
    "guadeloupe": "971",
    "martinique": "972",
    "guyane": "973",
    "reunion": "974",
    "mayotte": "976",
    "saint-barthelemy": "BL",
    "saint-martin": "MF",
    "saint-pierre-et-miquelon": "PM",
    "nouvelle-caledonie": "NC",
    "polynesie-francaise": "PF",
    "wallis-et-futuna": "WF",
}
"""Name of a region in the settings to its code in the library (ISO 3166-2:FR)."""


def batch_rule(settings: BatchSettings) -> BatchRule:
    """The rule of a channel."""
    opens, closes = hours(settings.hours) if settings.hours else (None, None)
    return BatchRule(
        every=timedelta(minutes=settings.every_minutes) if not settings.cron else None,
        fires=cron(settings.cron) if settings.cron else None,
        max_count=settings.max_count,
        max_bytes=settings.max_bytes,
        calendar=Calendar(
            opens=opens,
            closes=closes,
            days=frozenset(DAYS.index(day) for day in settings.days) or EVERY_DAY,
            holidays=public_holidays(settings.holidays) if settings.holidays else no_holidays,
        ),
    )


@cache
def public_holidays(region: Region) -> Callable[[int], frozenset[date]]:
    """Public holidays of a French region, by year (Code du travail, article L3133-1, and local ones)."""
    import holidays  # used by few, and slow to load

    @cache
    def of_year(year: int) -> frozenset[date]:
        return frozenset(holidays.country_holidays("FR", subdiv=REGIONS[region] or None, years=year))

    return of_year
