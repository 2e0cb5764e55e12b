"""What the console holds while it runs, and the entries of its menu."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jinja2 import Environment
from starlette.routing import BaseRoute, Match

from dispatcher.alarms.alarm import Alarm
from dispatcher.console.halfway import Halfway
from dispatcher.console.kept import Kept
from dispatcher.console.noted import Noted
from dispatcher.console.people import Accounts
from dispatcher.wiring import Office

if TYPE_CHECKING:
    from dispatcher.console.oidc import House

CONSOLE = "console"
"""Where the application keeps it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nav:
    """An entry of the menu."""

    order: int
    path: str
    label: str
    """French, marked with ``N_``."""
    right: str = "see"
    key: str = ""
    """Its shortcut: « g » and a letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """One running console."""

    office: Office
    accounts: Accounts = field(repr=False)
    alarms: Kept[tuple[Alarm, ...]]
    """Every alarm that stands, as ``dispatcher status`` tells them."""
    templates: Environment
    nav: Sequence[Nav]
    routes: Sequence[BaseRoute]
    house: House | None = None
    """Another house that says who people are."""
    noted: Noted = field(default_factory=Noted, repr=False)
    halfway: Halfway = field(default_factory=Halfway, repr=False)

    def link(self, path: str) -> str:
        """``path`` when a page answers there, else empty."""
        scope = {"type": "http", "method": "GET", "path": path.partition("?")[0], "root_path": ""}
        return path if any(route.matches(scope)[0] is Match.FULL for route in self.routes) else ""

    def visit(self) -> str:
        """A secret for somebody who has not signed in yet: their form is theirs alone."""
        return secrets.token_urlsafe(24)
