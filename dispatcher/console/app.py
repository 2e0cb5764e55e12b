"""The application: every page found and put together with the office it shows."""

from __future__ import annotations

import hashlib
import importlib.resources
import pkgutil
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from dispatcher.alarms.alarm import Alarm
from dispatcher.console import pages
from dispatcher.console.kept import Kept
from dispatcher.console.page import PageRoute, get, render
from dispatcher.console.parts import CONSOLE, Console, Nav
from dispatcher.console.people import Accounts
from dispatcher.console.shield import Shield
from dispatcher.console.shown import FILTERS
from dispatcher.console.texts import _, gettext, ngettext
from dispatcher.errors import ConfigError
from dispatcher.wiring import Office

if TYPE_CHECKING:
    from dispatcher.console.oidc import House


class PageModule(Protocol):
    """A module of ``pages``; it may have ``NAV``, entries of the menu."""

    def routes(self) -> list[PageRoute]: ...


def build(
    office: Office,
    accounts: Accounts,
    alarms: Callable[[Office], Sequence[Alarm]],
    *,
    hosts: Iterable[str] = (),
) -> Starlette:
    """``hosts``: names people may call it by, besides those of this machine itself."""
    found = page_modules()
    routes: list[BaseRoute] = [route for module in found for route in module.routes()]
    nav: list[Nav] = sorted((one for module in found for one in getattr(module, "NAV", ())), key=lambda one: one.order)
    static = Mount("/static", StaticFiles(packages=[("dispatcher.console", "static")]), name="static")
    application = Starlette(
        routes=[*routes, static, nowhere],
        middleware=[Middleware(Shield, hosts=list(hosts))],
    )
    made = Console(
        office=office,
        accounts=accounts,
        alarms=Kept(lambda: tuple(alarms(office))),
        templates=templates(),
        nav=nav,
        routes=routes,
        house=_house(office),
    )
    setattr(application.state, CONSOLE, made)
    return application


def _house(office: Office) -> House | None:
    """Who else says who people are. Raises :class:`ConfigError`: its library is not installed."""
    settings = office.settings.console.oidc
    if settings is None:
        return None
    try:
        from dispatcher.console.oidc import House
    except ImportError as error:
        raise ConfigError(
            "« [console.oidc] » demande une bibliothèque absente.", hint="pip install 'dispatcher-labo[oidc]'"
        ) from error
    return House(settings, office.clock, office.desk.cipher)


def page_modules() -> list[PageModule]:
    """Every module of ``pages``, by name."""
    names = [f"{pages.__name__}.{one.name}" for one in pkgutil.iter_modules(pages.__path__)]
    return [cast(PageModule, import_module(name)) for name in names]


def templates() -> Environment:
    """Where the pages' templates are; a name they use and nobody gave is an error."""
    made = Environment(
        loader=PackageLoader("dispatcher.console"),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.filters.update(FILTERS)
    made.globals["version"] = _version()
    return made


def _version() -> str:
    """Changes with the style and the script: a browser asks for them anew after an upgrade."""
    folder = importlib.resources.files("dispatcher.console") / "static"
    together = b"".join(item.read_bytes() for item in sorted(folder.iterdir(), key=lambda one: one.name))
    return hashlib.sha256(together).hexdigest()[:12]


@get("/{anything:path}", right="see")
def nowhere(request: Request) -> Response:
    """No page stands there."""
    text = _("Aucune page ne porte cette adresse.")
    return render(request, "error.html", status=404, title=_("Page introuvable"), text=text, hint="")
