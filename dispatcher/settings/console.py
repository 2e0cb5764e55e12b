"""The web console: how long somebody who signed in stays so."""

from __future__ import annotations

from pydantic import Field

from dispatcher.settings.oidc import OidcSettings
from dispatcher.settings.sections import Section


class ConsoleSettings(Section):
    idle_minutes: float = Field(default=30, gt=0, le=720)
    """A session that nobody uses ends after this time."""
    session_hours: float = Field(default=12, gt=0, le=24)
    """It ends after this time whatever happens."""
    oidc: OidcSettings | None = None
    """Another house that says who somebody is."""
