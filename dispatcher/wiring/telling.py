"""Settings of alarms: how patient, when quiet."""

from __future__ import annotations

from datetime import timedelta

from dispatcher.alarms.incident import Telling, quiet_hours
from dispatcher.settings import AlarmSettings
from dispatcher.settings.schedule import hours


def telling(settings: AlarmSettings) -> Telling:
    """When a person is told."""
    waits = tuple(timedelta(hours=one) for one in settings.reminder_hours)
    if not settings.quiet:
        return Telling(reminders=waits)
    return Telling(reminders=waits, is_quiet=quiet_hours(*hours(settings.quiet)))
