"""Alarms to the event log of Windows, by pywin32 (extra ``windows``)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from dispatcher.alarms.alarm import Level
from dispatcher.alarms.incident import Kind
from dispatcher.alarms.wording import line
from dispatcher.errors import OurFault, TryLater
from dispatcher.ports import AlarmNote
from dispatcher.settings.alarm_ways import AlarmEventLogSettings

EVENT_ID = 1
MOST = 30_000
"""Characters of one string; the system takes 31,839."""


class EventLogWay:
    """One event a message."""

    name, joins = "event_log", False

    def __init__(self, settings: AlarmEventLogSettings) -> None:
        self._settings = settings

    def give(self, notes: Sequence[AlarmNote]) -> None:
        """Raises OurFault (not Windows, pywin32 missing), TryLater (the system says no)."""
        log, writer = _library()
        for note in notes:
            kind = log.EVENTLOG_INFORMATION_TYPE if note.kind in {Kind.END, Kind.TEST} else _type(log, note)
            try:
                writer.ReportEvent(self._settings.source, EVENT_ID, eventType=kind, strings=[line(note.body)[:MOST]])
            except Exception as error:  # pywintypes.error exists on Windows only
                reason = type(error).__name__
                raise TryLater(f"Le journal d'évènements refuse l'alarme ({reason}).", stage="data") from error


def _type(log: Any, note: AlarmNote) -> int:
    notices = all(one["level"] == Level.NOTICE for one in note.body["alarms"])  # type: ignore[attr-defined]
    return int(log.EVENTLOG_WARNING_TYPE if notices else log.EVENTLOG_ERROR_TYPE)


def _library() -> tuple[Any, Any]:
    try:
        return import_module("win32evtlog"), import_module("win32evtlogutil")
    except ImportError as error:
        raise OurFault(
            "Le journal d'évènements de Windows demande pywin32.",
            stage="connect",
            hint="Sous Windows : « pip install 'dispatcher-labo[windows]' » ; ailleurs, [alarms.syslog].",
        ) from error
