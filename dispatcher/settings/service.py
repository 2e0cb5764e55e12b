"""How the service works: workers, ticks, leases, patience; what it tells of itself: log and metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from dispatcher.settings.sections import PathSection, Section


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


class MetricsSettings(PathSection):
    """Numbers for monitors, and whether the service lives; off until a port is given."""

    port: int = Field(default=0, ge=0, le=65535)
    """0: no server."""
    host: str = "127.0.0.1"
    """Whoever reaches it may read: channels, sources and counts, nobody's name."""
    totals: Path = Path("state/metrics.json")
    """Where the counters stand between two runs, so that none starts again at zero."""


class LogSettings(PathSection):
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: Literal["text", "json"] = "text"
    file: Path | None = None
    """Absent: standard error, which systemd keeps."""
    max_megabytes: float = Field(default=20, gt=0)
    """A file that grows beyond begins anew; the one before is kept beside it."""
    keep_days: float = Field(default=30, gt=0)
    """How long those are kept."""
