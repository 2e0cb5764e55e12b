"""``dispatcher init``: a commented configuration, folders and keys; works at once with the sandbox."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Annotated

import typer

from dispatcher.cli.installation import SANDBOX, lay_out, now, sample_config
from dispatcher.cli.output import print_json, say
from dispatcher.sandbox.operator import SandboxOperator

PREFERRED_PORT = 2525


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("init")(init)


def init(
    folder: Annotated[Path, typer.Argument(help="Dossier de la nouvelle installation.")],
    json: Annotated[bool, typer.Option("--json", help="Sortie JSON.")] = False,
) -> None:
    """Prépare une installation : configuration commentée, dossiers, clés, opérateur bac à sable."""
    port = _port()
    operator = SandboxOperator(folder / SANDBOX, port=port)
    layout = lay_out(folder, operator, config=sample_config(port=port), now=now())
    place = layout.folder
    if json:
        print_json({"folder": str(place.resolve()), "config": str(layout.config.resolve()), "sandbox_port": port})
        return
    say(f"Installation prête dans {place} :")
    say("  dispatcher.toml        configuration commentée, à adapter")
    say("  entree/                dossier surveillé : le SIL y dépose ses fichiers")
    say("  tables/                destinataires.csv et codes.csv, à remplir au tableur")
    say("  keys/master.key        clé maîtresse : à sauvegarder à part, sans elle la base est illisible")
    say("  bac-a-sable/           opérateur d'essai : rien ne sort de cette machine")
    say("Pour essayer, dans deux terminaux :")
    say(f"  cd {place} && dispatcher sandbox")
    say(f"  cd {place} && dispatcher check && dispatcher run")
    say("puis copier un fichier de résultats dans entree/ et regarder « dispatcher list ».")


def _port() -> int:
    """The usual port of the sandbox, or a free one when it is taken."""
    for wanted in (PREFERRED_PORT, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", wanted))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    return PREFERRED_PORT
