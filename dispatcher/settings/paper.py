"""Letters: what is printed for those who get their results on paper."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from dispatcher.settings.sections import PathSection


class PaperSettings(PathSection):
    """The print run."""

    addresses: Path = Path("tables/adresses.csv")
    """The laboratory's table of postal addresses; it need not exist."""
    duplex: bool = False
    """Printed on both sides: every letter begins on a new sheet."""
    window_left_mm: float = Field(default=110, ge=20, le=150)
    window_top_mm: float = Field(default=57, ge=30, le=90)
    """Where the address begins on the sheet, for the window of the envelope."""
