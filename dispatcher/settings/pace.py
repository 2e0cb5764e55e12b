"""The pace of a channel: what it may hand over, in all and to one domain, mailbox or connection."""

from __future__ import annotations

from pydantic import Field, PositiveInt, field_validator

from dispatcher.settings.sections import Section


class PaceSettings(Section):
    """Every number is never exceeded in any sliding time of that length (docs/settings.md)."""

    per_minute: int = Field(default=60, gt=0)
    per_hour: int | None = Field(default=None, gt=0)
    per_day: int | None = Field(default=None, gt=0)
    burst: int | None = Field(default=None, gt=0)
    """Most hand-overs at one instant; default a quarter of ``per_minute``."""
    jitter: float = Field(default=0.2, ge=0, le=0.5)
    """Share of the mean time between two mails that each leaves behind it, on average, by chance."""
    per_domain: int | None = Field(default=None, gt=0)
    """To one recipient domain, per minute."""
    domains: dict[str, PositiveInt] = Field(default_factory=dict)
    """The same for domains that want another number than ``per_domain``."""
    per_mailbox: int | None = Field(default=None, gt=0)
    """To one mailbox, per minute."""
    per_session: int | None = Field(default=None, gt=0)
    """Over one SMTP connection, per minute."""
    urgent_share: float = Field(default=0.7, ge=0.1, le=0.9)
    """Of the places that urgent and routine mail both wait for."""
    urgent_reserve: float = Field(default=0.02, ge=0, le=0.5)
    """Of each number above, kept free for urgent mail to come; one place at least where the number is 20 or more."""
    warm_up: list[tuple[PositiveInt, PositiveInt]] = Field(default_factory=list)
    """``[day, per_day]``: up to and with that day since the account's first mail, at most so many in 24 hours."""

    @field_validator("domains")
    @classmethod
    def _lower(cls, value: dict[str, int]) -> dict[str, int]:
        return {name.strip().lower(): count for name, count in value.items()}

    @field_validator("warm_up")
    @classmethod
    def _rising(cls, value: list[tuple[int, int]]) -> list[tuple[int, int]]:
        days = [day for day, _ in value]
        if days != sorted(set(days)):
            raise ValueError("« warm_up » : les jours vont en croissant, chacun une fois ; ex. [[2, 50], [7, 300]]")
        return value
