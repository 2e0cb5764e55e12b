"""The ladder of unread mail as it stands in the file: rungs per urgency, and what a channel does otherwise."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from dispatcher.settings.schedule import Day, Region, hours
from dispatcher.settings.sections import Name, Section


class StepSettings(Section):
    """One rung."""

    do: Literal["remind", "second", "paper", "person"]
    working_hours: float | None = Field(default=None, gt=0)
    """After the rung before, in hours of the laboratory…"""
    minutes: float | None = Field(default=None, gt=0)
    """…or in minutes of the clock."""
    whom: str = ""
    """Who is named (``person``); empty: ``[ladder] person``."""
    always: bool = False
    """Also where no read receipt can be hoped for."""

    @model_validator(mode="after")
    def _one_wait(self) -> StepSettings:
        if (self.working_hours is None) == (self.minutes is None):
            raise ValueError("un échelon demande « working_hours » ou « minutes », et un seul des deux")
        if self.whom and self.do != "person":
            raise ValueError("« whom » ne va qu'avec « person »")
        return self


class ChannelLadderSettings(Section):
    """What one channel does otherwise; absent: as everywhere."""

    routine: list[StepSettings] | None = None
    urgent: list[StepSettings] | None = None
    read_receipts: bool | None = None
    """Whether its recipients send read receipts; absent: as learned of each, and those of an ``mssante`` channel that
    asks for them do until then."""
    read_domains: dict[str, bool] = Field(default_factory=dict)
    """By domain of the recipient, where it is otherwise."""

    @field_validator("read_domains")
    @classmethod
    def _lower(cls, value: dict[str, bool]) -> dict[str, bool]:
        return {name.strip().lower(): reads for name, reads in value.items()}


def _routine() -> list[StepSettings]:
    return [StepSettings(do="remind", working_hours=16)]


def _urgent() -> list[StepSettings]:
    return [StepSettings(do="person", minutes=30), StepSettings(do="person", minutes=30)]


class LadderSettings(Section):
    """The ladder: what happens to mail that nobody reads."""

    hours: str = "08:00-18:00"
    """Working hours of the laboratory."""
    days: list[Day] = Field(default_factory=lambda: list[Day](("lun", "mar", "mer", "jeu", "ven")), min_length=1)
    holidays: Region | Literal[""] = "metropole"
    routine: list[StepSettings] = Field(default_factory=_routine)
    urgent: list[StepSettings] = Field(default_factory=_urgent)
    person: str = ""
    """Who is named when a rung names nobody."""
    digest_hours: float = Field(default=4, gt=0)
    """Reminders are gathered: one digest in so many hours, at most."""
    seconds: dict[Name, dict[str, str]] = Field(default_factory=dict)
    """By source: code or number of a recipient to the code, in the laboratory's table, of who gets it in his place."""

    @field_validator("hours")
    @classmethod
    def _hours(cls, value: str) -> str:
        hours(value)
        return value
