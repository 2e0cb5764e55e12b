"""``dispatcher console``: the pages for those who look after the results."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import typer

from dispatcher.cli.console_serving import serving, tell_first_account
from dispatcher.cli.context import office
from dispatcher.cli.output import say


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("console")(console)


def console(
    host: Annotated[str | None, typer.Option(help="Adresse où répondre ; sinon [console] host.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port ; sinon [console] port.")] = None,
) -> None:
    """La console : des pages web pour suivre les envois, trancher et rejouer. Ctrl-C l'arrête."""
    parts = office()
    try:
        found = serving(parts, parts.settings.console.moved(host, port))
        say(f"Console : {found.url} (Ctrl-C pour arrêter)")
        tell_first_account(parts)
        with suppress(KeyboardInterrupt):
            found.run()
    finally:
        parts.close()
