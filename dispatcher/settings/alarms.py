"""Alarms as they stand in the file: when a fact becomes one, and how people are told."""

from __future__ import annotations

from pydantic import Field, field_validator

from dispatcher.settings.alarm_ways import (
    AlarmCommandSettings,
    AlarmEventLogSettings,
    AlarmMailSettings,
    AlarmSyslogSettings,
    AlarmWebhookSettings,
    HeartbeatSettings,
)
from dispatcher.settings.schedule import hours
from dispatcher.settings.sections import Name, Section


class AlarmSettings(Section):
    """Thresholds (0 switches a rule off), patience, ways. Working hours are those of ``[ladder]``."""

    silence_hours: float = Field(default=8, ge=0)
    """Working hours without a file from a source."""
    silence: dict[Name, float] = Field(default_factory=dict)
    """By source, where it is otherwise."""
    oldest_hours: float = Field(default=96, ge=0)
    held_count: int = Field(default=50, ge=0)
    held_hours: float = Field(default=8, ge=0)
    failed_hours: float = Field(default=4, ge=0)
    failure_percent: float = Field(default=25, ge=0, le=100)
    failure_last: int = Field(default=100, ge=1, le=1000)
    """Endings of a channel that are looked at."""
    failure_least: int = Field(default=20, ge=1)
    quarantine_hours: float = Field(default=2, ge=0)
    paper_hours: float = Field(default=16, ge=0)
    pause_hours: float = Field(default=4, ge=0)
    backup_days: float = Field(default=8, ge=0)
    expiry_days: list[int] = Field(default=[60, 30, 7, 1], min_length=1)
    disk_free_mb: int = Field(default=1000, ge=0)

    reminder_hours: list[float] = Field(default=[4, 24])
    """Waits before each reminder, the last one again and again; empty: none."""
    quiet: str = ""
    """« 20:00-07:00 »: only urgent alarms are told then."""
    mail: AlarmMailSettings | None = None
    webhook: AlarmWebhookSettings | None = None
    command: AlarmCommandSettings | None = None
    syslog: AlarmSyslogSettings | None = None
    event_log: AlarmEventLogSettings | None = None
    heartbeat: HeartbeatSettings | None = None

    @field_validator("expiry_days")
    @classmethod
    def _falling(cls, value: list[int]) -> list[int]:
        if any(one <= 0 for one in value) or sorted(set(value), reverse=True) != value:
            raise ValueError("des nombres de jours qui décroissent, par exemple [60, 30, 7, 1]")
        return value

    @field_validator("quiet")
    @classmethod
    def _quiet(cls, value: str) -> str:
        if value:
            hours(value)
        return value

    @field_validator("reminder_hours")
    @classmethod
    def _waits(cls, value: list[float]) -> list[float]:
        if any(one <= 0 for one in value):
            raise ValueError("des heures plus grandes que 0")
        return value
