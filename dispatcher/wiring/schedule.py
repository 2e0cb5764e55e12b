"""Wiring of hours and holidays: a channel's settings become its rule of batches, and its ladders of unread mail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import cache
from typing import Literal

from dispatcher.outbox.batching import BatchRule
from dispatcher.outbox.calendar import EVERY_DAY, Calendar, no_holidays
from dispatcher.outbox.dispatch import Dispatch, Lane
from dispatcher.receipts.ladder import Ladder, LadderRules, Rung, Step
from dispatcher.settings import Settings
from dispatcher.settings.channels import BatchSettings
from dispatcher.settings.ladder import ChannelLadderSettings, LadderSettings, StepSettings
from dispatcher.settings.schedule import DAYS, Day, Region, cron, hours

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
    return BatchRule(
        every=timedelta(minutes=settings.every_minutes) if not settings.cron else None,
        fires=cron(settings.cron) if settings.cron else None,
        max_count=settings.max_count,
        max_bytes=settings.max_bytes,
        calendar=_calendar(settings.hours, settings.days, settings.holidays),
    )


def _calendar(opening: str, days: Sequence[Day], region: Region | Literal[""]) -> Calendar:
    opens, closes = hours(opening) if opening else (None, None)
    return Calendar(
        opens=opens,
        closes=closes,
        days=frozenset(DAYS.index(day) for day in days) or EVERY_DAY,
        holidays=public_holidays(region) if region else no_holidays,
    )


def laboratory_hours(settings: LadderSettings) -> Calendar:
    """Working hours of the laboratory."""
    return _calendar(settings.hours, settings.days, settings.holidays)


def ladders(settings: LadderSettings, channel: ChannelLadderSettings) -> dict[Lane, Ladder]:
    """What a channel does about mail that nobody reads, by urgency."""
    calendar = laboratory_hours(settings)
    chosen = {
        Lane.ROUTINE: settings.routine if channel.routine is None else channel.routine,
        Lane.URGENT: settings.urgent if channel.urgent is None else channel.urgent,
    }
    return {
        lane: Ladder(steps=tuple(_step(one, settings.person) for one in steps), calendar=calendar)
        for lane, steps in chosen.items()
    }


def ladder_rules(settings: Settings) -> LadderRules:
    """What happens to mail that nobody reads."""

    def expects_read(dispatch: Dispatch, learned: bool | None) -> bool:
        channel = settings.channels.get(dispatch.channel)
        return channel is not None and channel.sends_receipts(dispatch.domain, learned)

    return LadderRules(
        ladders={name: ladders(settings.ladder, one.ladder) for name, one in settings.channels.items()},
        expects_read=expects_read,
        digest_every=timedelta(hours=settings.ladder.digest_hours),
        seconds=settings.ladder.seconds,
    )


def _step(settings: StepSettings, person: str) -> Step:
    working = settings.working_hours is not None
    wait = timedelta(hours=settings.working_hours or 0) if working else timedelta(minutes=settings.minutes or 0)
    whom = (settings.whom or person) if settings.do == "person" else ""
    return Step(rung=Rung(settings.do), wait=wait, working=working, whom=whom, always=settings.always)


@cache
def public_holidays(region: Region) -> Callable[[int], frozenset[date]]:
    """Public holidays of a French region, by year (Code du travail, article L3133-1, and local ones)."""
    import holidays  # used by few, and slow to load

    @cache
    def of_year(year: int) -> frozenset[date]:
        return frozenset(holidays.country_holidays("FR", subdiv=REGIONS[region] or None, years=year))

    return of_year
