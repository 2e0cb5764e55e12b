"""The ``dispatcher`` command: one sub-command a file, loaded only when it is called.

A listing or a reading must not pay for the mail engine: each command's module is imported on demand.
"""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from dispatcher import __version__
from dispatcher.cli.context import CONFIG
from dispatcher.cli.output import FAILURES, complain, fail
from dispatcher.errors import DispatcherError, in_french

COMMANDS = {
    "demo": "cmd_demo",
    "init": "cmd_init",
    "check": "cmd_check",
    "run": "cmd_run",
    "read": "cmd_read",
    "convert": "cmd_convert",
    "validate": "cmd_validate",
    "conformance": "cmd_conformance",
    "send": "cmd_send",
    "recipients": "cmd_recipients",
    "status": "cmd_overview",
    "list": "cmd_overview",
    "show": "cmd_overview",
    "explain": "cmd_overview",
    "hold": "cmd_operate",
    "release": "cmd_release",
    "close": "cmd_operate",
    "withdraw": "cmd_operate",
    "paper": "cmd_paper",
    "replay": "cmd_replay",
    "pause": "cmd_pause",
    "resume": "cmd_pause",
    "settle": "cmd_settle",
    "ladder": "cmd_ladder",
    "batches": "cmd_batches",
    "stats": "cmd_stats",
    "answers": "cmd_answers",
    "nodes": "cmd_nodes",
    "directory": "cmd_directory",
    "trust": "cmd_trust",
    "keys": "cmd_keys",
    "mappings": "cmd_mappings",
    "dialects": "cmd_dialects",
    "receipts": "cmd_receipts",
    "evidence": "cmd_evidence",
    "journal": "cmd_journal",
    "alarms": "cmd_alarms",
    "console": "cmd_console",
    "users": "cmd_users",
    "support-bundle": "cmd_support",
    "backup": "cmd_backup",
    "restore": "cmd_restore",
    "purge": "cmd_purge",
    "upgrade": "cmd_upgrade",
    "service": "cmd_service",
    "sandbox": "cmd_sandbox",
}
"""Name of each command and the module of this package that registers it, in the order of the help page."""


class _Commands(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        part = typer.Typer(add_completion=False, rich_markup_mode=None)
        import_module(f"dispatcher.cli.{module}").register(part)
        return get_group(part).get_command(ctx, cmd_name)


app = typer.Typer(
    cls=_Commands,
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
    context: typer.Context,
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
    CONFIG.path, CONFIG.verbose = config, verbose
    logging.basicConfig(
        level=logging.INFO if verbose else logging.ERROR,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
        force=True,
    )
    if not verbose and context.invoked_subcommand != SERVICE:
        logging.getLogger().handlers[0].addFilter(lambda record: record.name != TOLD_IN_FRENCH)


SERVICE = "run"
TOLD_IN_FRENCH = "dispatcher.directory.syncing.runner"
"""The service's log is for the machine; other commands say in French how a directory's run ended."""


def main() -> None:
    """Entry point: our own errors become a French sentence and an exit code, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no accents must not stop the program
    try:
        app()
    except OSError as error:
        complain(f"Erreur : {error.filename or 'fichier'} : {in_french(error)}.")
        complain("  → Vérifier le chemin, les droits et la place libre.")
        sys.exit(FAILURES)
    except DispatcherError as error:
        try:
            fail(error)
        except typer.Exit as end:
            sys.exit(end.exit_code)
