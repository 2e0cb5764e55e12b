"""How the service works: workers, ticks, leases, patience."""

from __future__ import annotations

from pydantic import Field

from dispatcher.settings.sections import Section


class RetrySettings(Section):
    first_minutes: float = Field(default=1, gt=0)
    factor: float = Field(default=2, ge=1)
    max_minutes: float = Field(default=120, gt=0)
    give_up_hours: float = Field(default=48, gt=0)
    critical_give_up_hours: float = Field(default=12, gt=0)
    """For urgent mail: a person hears of it while something else can still be done."""
    full_first_minutes: float = Field(default=30, gt=0)
    """For a full mailbox or server."""
    full_max_minutes: float = Field(default=360, gt=0)
    pause_minutes: float = Field(default=1, gt=0)
    """First pause of a channel after a fault of ours; twice as long each time in a row."""
    pause_max_minutes: float = Field(default=30, gt=0)


class ServiceSettings(Section):
    node: str = Field(default="", pattern=r"^([a-z0-9][a-z0-9._-]{0,62})?$")
    workers: int = Field(default=1, ge=1, le=16)
    scan_seconds: float = Field(default=5, gt=0)
    collect_seconds: float = Field(default=30, gt=0)
    urgent_minutes: float = Field(default=10, gt=0)
    """How long urgent mail may take until the operator has it; then an alarm begins."""
    lease_seconds: float = Field(default=120, gt=1)
    ask_count_above: int = Field(default=50, ge=1)
    """A replay of more than this many asks for their number, typed or by ``--count``."""
