"""The ``dispatcher`` command: one sub-command a file, each registered here by name."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from dispatcher import __version__
from dispatcher.cli import (
    cmd_batches,
    cmd_check,
    cmd_convert,
    cmd_demo,
    cmd_directory,
    cmd_init,
    cmd_journal,
    cmd_keys,
    cmd_mappings,
    cmd_operate,
    cmd_overview,
    cmd_read,
    cmd_receipts,
    cmd_run,
    cmd_sandbox,
    cmd_send,
    cmd_trust,
    cmd_validate,
)
from dispatcher.cli.context import CONFIG
from dispatcher.cli.output import fail
from dispatcher.errors import DispatcherError

app = typer.Typer(
    name="dispatcher",
    help="Envoie les comptes rendus d'un laboratoire à leurs destinataires, chiffrés, avec accusés.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dispatcher {__version__}")
        raise typer.Exit


@app.callback()
def options(
    config: Annotated[
        Path | None,
        typer.Option("--config", help="Configuration ; sinon DISPATCHER_CONFIG, sinon ./dispatcher.toml."),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Journal technique sur la sortie d'erreur.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Affiche la version.")
    ] = False,
) -> None:
    """Options communes."""
    del version
    CONFIG.path = config
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
        force=True,
    )


for module in (
    cmd_demo,
    cmd_init,
    cmd_check,
    cmd_run,
    cmd_read,
    cmd_convert,
    cmd_validate,
    cmd_send,
    cmd_overview,
    cmd_operate,
    cmd_batches,
    cmd_directory,
    cmd_trust,
    cmd_keys,
    cmd_mappings,
    cmd_receipts,
    cmd_journal,
    cmd_sandbox,
):
    module.register(app)


def main() -> None:
    """Entry point: our own errors become a French sentence and an exit code, never a traceback."""
    try:
        app()
    except DispatcherError as error:
        try:
            fail(error)
        except typer.Exit as end:
            sys.exit(end.exit_code)
