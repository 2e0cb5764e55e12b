"""``dispatcher directory``: its commands stand in files of their own."""

from __future__ import annotations

import typer

from dispatcher.cli import (
    cmd_directory_certificates,
    cmd_directory_drift,
    cmd_directory_import,
    cmd_directory_status,
    cmd_directory_sync,
    cmd_local,
    cmd_opposition,
    directory_look,
    local_versions,
)

group = typer.Typer(help="Annuaires : import, recherche, résolution, table du laboratoire.", no_args_is_help=True)
local_versions.register(cmd_local.group)
group.add_typer(cmd_local.group, name="local")
group.add_typer(cmd_opposition.group, name="opposition")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    cmd_directory_import.register(group)
    cmd_directory_status.register(group)
    cmd_directory_sync.register(group)
    cmd_directory_certificates.register(group)
    directory_look.register(group)
    cmd_directory_drift.register(group)
    app.add_typer(group, name="directory")
