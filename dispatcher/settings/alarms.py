"""Alarms as they stand in the file: when a fact becomes one."""

from __future__ import annotations

from pydantic import Field, field_validator

from dispatcher.settings.sections import Name, Section


class AlarmSettings(Section):
    """Thresholds; 0 switches a rule off. Working hours are those of ``[ladder]``."""

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

    @field_validator("expiry_days")
    @classmethod
    def _falling(cls, value: list[int]) -> list[int]:
        if any(one <= 0 for one in value) or sorted(set(value), reverse=True) != value:
            raise ValueError("des nombres de jours qui décroissent, par exemple [60, 30, 7, 1]")
        return value
