"""Use case: note what is to be told though nothing moved: a day is over, a dispatch waits for a person for too long."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

from dispatcher.clock import PARIS, paris
from dispatcher.feedback.events import Event, Format, telling_of
from dispatcher.feedback.told import snapshot
from dispatcher.ports import AnswerRow
from dispatcher.service.desk import Desk
from dispatcher.settings import AnswersSettings, SourceSettings

MOST_DAYS = 31
"""Missed days whose statement is still written."""
STATED_IN = (Format.CSV, Format.JSON)


def telling_to(settings: AnswersSettings) -> dict[Event, tuple[Format, ...]]:
    """What a source with these settings is told of, and in which formats."""
    told = telling_of(map(Format, settings.formats), map(Event, settings.events))
    statements = dict.fromkeys((Event.BATCH, Event.DAY), STATED_IN) if settings.statements else {}
    return {**told, **statements}


def told_to(sources: Mapping[str, SourceSettings]) -> dict[str, dict[Event, tuple[Format, ...]]]:
    """The same of every source that is answered."""
    return {name: telling_to(one.answers) for name, one in sources.items() if one.answers is not None}


def note(desk: Desk, source: str, settings: AnswersSettings) -> int:
    """Gives how many answers were added; the same is never noted twice."""
    told = telling_to(settings)
    return _days(desk, source, told.get(Event.DAY, ())) + _held(desk, source, settings, told.get(Event.HELD_LONG, ()))


def day_of(moment: datetime) -> date:
    """In Paris."""
    return paris(moment).date()


def bounds(day: date) -> tuple[datetime, datetime]:
    """Beginning and end of a day in Paris: 23 or 25 hours when the clocks change."""
    first, last = (datetime.combine(one, time(), PARIS) for one in (day, day + timedelta(days=1)))
    return first, last


def _days(desk: Desk, source: str, formats: tuple[Format, ...]) -> int:
    if not formats:
        return 0
    today = day_of(desk.clock.now())
    yesterday = today - timedelta(days=1)
    with desk.store.reading() as uow:
        last = uow.answers.last_day(source, today.isoformat())
    first = date.fromisoformat(last) + timedelta(days=1) if last else yesterday
    first = max(first, yesterday - timedelta(days=MOST_DAYS - 1))
    days = [first + timedelta(days=number) for number in range((yesterday - first).days + 1)]
    rows = [_of_day(desk, source, day, one) for day in days for one in formats]
    return _add(desk, rows)


def _of_day(desk: Desk, source: str, day: date, one: Format) -> AnswerRow:
    return AnswerRow(
        id=desk.store.new_id("R"),
        source=source,
        format=one,
        event=Event.DAY,
        subject=day.isoformat(),
        at=bounds(day)[1],
        due_at=desk.clock.now(),
        token=f"day:{day.isoformat()}:{source}:{one}",
    )


def _held(desk: Desk, source: str, settings: AnswersSettings, formats: tuple[Format, ...]) -> int:
    if not formats:
        return 0
    now = desk.clock.now()
    after = timedelta(hours=settings.held_hours)
    rows = []
    with desk.store.reading() as uow:
        for dispatch, since in uow.answers.long_held(source, now - after):
            version = uow.reports.get(dispatch.report_id)
            rows += [
                AnswerRow(
                    id=desk.store.new_id("R"),
                    source=source,
                    format=one,
                    event=Event.HELD_LONG,
                    subject=dispatch.id,
                    file_id=version.file_id if version is not None else "",
                    report_id=dispatch.report_id,
                    at=min(since + after, now),
                    detail=snapshot(dispatch),
                    due_at=now,
                    token=f"held:{dispatch.id}:{since.isoformat()}:{one}",
                )
                for one in formats
            ]
    return _add(desk, rows)


def _add(desk: Desk, rows: list[AnswerRow]) -> int:
    if not rows:
        return 0
    with desk.store.transaction() as uow:
        return sum(uow.answers.note(row) for row in rows)
