"""When a source is due: a grid of moments from the time of day in its settings, judged against the held state.

The tick that asks is coarse (decision D7); what is due stands in the state file. So a machine that was off at the hour
catches up, and two ticks never make two runs.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from dispatcher.clock import PARIS
from dispatcher.directory.syncing.base import Schedule
from dispatcher.directory.syncing.state import SyncState


def last_slot(schedule: Schedule, now: datetime) -> datetime:
    """The latest planned moment that is not after ``now``."""
    hour, _, minute = schedule.at.partition(":")
    local = now.astimezone(PARIS)
    start = local.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0, fold=0)
    while start.astimezone(now.tzinfo) > now:
        start = start - timedelta(days=1)  # wall-clock arithmetic: same time of day, whatever the season
    step = timedelta(hours=min(schedule.every_hours, 24))
    return start.astimezone(now.tzinfo) + step * int((now - start.astimezone(now.tzinfo)) / step)


def due(schedule: Schedule, state: SyncState, now: datetime) -> bool:
    """Whether a run should start now."""
    if schedule.manual:
        return False
    if state.tried_at is None or state.tried_at > now + timedelta(hours=1):  # never, or by a clock set wrong
        return True
    if state.failures or state.succeeded_at is None or state.succeeded_at < state.tried_at:  # failed, stopped or killed
        return now - state.tried_at >= timedelta(minutes=schedule.retry_minutes)
    if schedule.every_hours > 24:
        return now - state.tried_at >= timedelta(hours=schedule.every_hours) - timedelta(minutes=schedule.retry_minutes)
    return state.tried_at < last_slot(schedule, now)
