"""``dispatcher init``: a commented configuration, folders and keys; works at once with the sandbox."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Annotated

import typer

from dispatcher.cli import finding_out, system_layout
from dispatcher.cli.installation import SANDBOX, lay_out, now, sample_config
from dispatcher.cli.output import print_json, say
from dispatcher.errors import ConfigError
from dispatcher.sandbox.operator import SandboxOperator

PREFERRED_PORT = 2525


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("init")(init)


def init(
    folder: Annotated[Path | None, typer.Argument(help="Dossier de la nouvelle installation.")] = None,
    system: Annotated[
        bool, typer.Option("--system", help="Pour toute la machine : /etc, /var/lib et /var/log/dispatcher.")
    ] = False,
    account: Annotated[str, typer.Option(help="Compte du service, avec --system.")] = "dispatcher",
    root: Annotated[Path, typer.Option("--root", hidden=True)] = Path("/"),
    json: Annotated[bool, typer.Option("--json", help="Sortie JSON.")] = False,
) -> None:
    """Prépare une installation : configuration commentée, dossiers, clés, opérateur bac à sable."""
    if system is (folder is not None):
        raise ConfigError("Donner un dossier, ou « --system ».", hint="« dispatcher init labo », par exemple.")
    port = _port()
    if folder is None:
        _whole_machine(system_layout.Machine(root=root.absolute()), account, port, json=json)
        return
    found = finding_out.look(folder, now())
    operator = SandboxOperator(folder / SANDBOX, port=port)
    config = finding_out.filled_in(sample_config(port=port), found)
    layout = lay_out(folder, operator, config=config, now=now())
    place = layout.folder
    if json:
        told = {"folder": str(place.resolve()), "config": str(layout.config.resolve()), "sandbox_port": port}
        print_json({**told, "found": found.as_json()})
        return
    _tell_found(found)
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


def _tell_found(found: finding_out.FoundOut) -> None:
    say(f"Trouvé : machine {found.host}, heure {found.zone}, {found.free_gigabytes} Go libres.")
    for one in found.certificates:
        facts = (one.address, f"FINESS {one.finess}" if one.finess else "", f"jusqu'au {one.until}")
        say(f"Trouvé : {one.file}, « {one.subject} » ({', '.join(fact for fact in facts if fact)})")
    if found.finess:
        say(f"  → finess = {found.finess} est dans la configuration : le vérifier.")
    if found.address:
        say(f"  → sender = {found.address} y est en commentaire, pour la mise en service.")


def _whole_machine(machine: system_layout.Machine, account: str, port: int, *, json: bool) -> None:
    system_layout.make(machine, account=account, port=port, now=now())
    if json:
        print_json({"folder": str(machine.data), "config": str(machine.config), "sandbox_port": port})
        return
    with_config = f"dispatcher --config {machine.config}"
    say("Installation prête :")
    say(f"  {machine.config}   configuration commentée, à adapter")
    say(f"  {machine.etc}/keys/master.key   clé maîtresse : à sauvegarder à part, sans elle la base est illisible")
    say(f"  {machine.data}/entree   dossier surveillé : le SIL y dépose ses fichiers")
    say(f"  {machine.data}/tables   destinataires.csv et codes.csv, à remplir au tableur")
    say(f"Ensuite, toujours sous le compte du service : « sudo -u {account} {with_config} check »,")
    say(f"puis « sudo {with_config} service install ».")


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
