"""Bulk sends (envois groupés): what a sender may do in one go."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from dispatcher.settings.sections import PathSection


class BulkSettings(PathSection):
    """``dispatcher send``."""

    file_names: list[str] = Field(default_factory=list)
    """``{rpps}_{reste}.pdf``: the name of a file says to whom it goes, and whose it is."""
    lists: Path = Path("tables/listes.csv")
    """Saved lists of recipients; the file need not exist."""
    most_recipients: int = Field(default=10, ge=1, le=100)
    """Recipients of one document: more looks like mass mail, which the networks' charters forbid."""
