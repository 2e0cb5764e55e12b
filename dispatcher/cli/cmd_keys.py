"""``dispatcher keys list|check|import``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from dispatcher.cli.context import settings
from dispatcher.cli.output import FAILURES, complain, moment, print_json, say, table
from dispatcher.clock import SystemClock
from dispatcher.errors import ConfigError, in_french
from dispatcher.french import counted
from dispatcher.keyring.importing import import_certificate, import_pkcs12
from dispatcher.keyring.inventory import KeyInfo, list_keys, places

Json = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]
group = typer.Typer(help="Clés et certificats : les nôtres et ceux des destinataires.", no_args_is_help=True)

KINDS = {
    "signing": "signature",
    "recipient": "destinataire",
    "tls": "client TLS",
    "authority": "autorité",
    "master": "clé maîtresse",
}


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(group, name="keys")


def _infos() -> tuple[KeyInfo, ...]:
    return list_keys(places(settings()), SystemClock().now())


@group.command("list")
def list_all(json: Json = False) -> None:
    """Toutes les clés et tous les certificats, avec leur validité."""
    infos = _infos()
    if json:
        print_json([asdict(info) for info in infos])
        return
    table(
        "",
        ("Genre", "Pour", "Sujet", "Jusqu'au", "Jours", "Remarque"),
        [
            (
                KINDS.get(info.kind, info.kind),
                info.owner,
                info.address or info.subject,
                moment(info.valid_to)[:10],
                str(info.days_left) if info.days_left is not None else "–",
                info.problem or ("en service" if info.in_use else ""),
            )
            for info in infos
        ],
        empty="Aucune clé.",
    )


@group.command("check")
def check(
    days: Annotated[int, typer.Option(min=0, help="Signale ce qui expire dans moins de N jours.")] = 60,
    json: Json = False,
) -> None:
    """Ce qui ne va pas, ou n'ira bientôt plus."""
    infos = _infos()
    soon = [info for info in infos if not info.problem and info.days_left is not None and info.days_left < days]
    faulty = [info for info in infos if info.problem]
    if json:
        print_json({"problems": [asdict(info) for info in faulty], "expiring": [asdict(info) for info in soon]})
    else:
        for info in faulty:
            complain(f"{KINDS.get(info.kind, info.kind)} « {info.owner} » : {info.problem}")
        for info in soon:
            left = counted(info.days_left or 0, "jour")
            say(f"{KINDS.get(info.kind, info.kind)} « {info.owner} » expire dans {left}.")
        if not faulty and not soon:
            say("Toutes les clés sont en ordre.")
    if faulty:
        raise typer.Exit(FAILURES)


@group.command("import")
def import_key(
    file: Annotated[Path, typer.Argument(help="PKCS#12 (.p12, .pfx) de signature, ou certificat d'un destinataire.")],
    channel: Annotated[str, typer.Option(help="Canal de la clé de signature.")] = "",
    password_file: Annotated[Path | None, typer.Option(help="Fichier du mot de passe ; demandé sinon.")] = None,
    json: Json = False,
) -> None:
    """Installe une clé de signature (avec --channel), ou le certificat d'un destinataire."""
    wanted, now = settings(), SystemClock().now()
    if channel:
        if channel not in wanted.channels:
            complain(f"Aucun canal « {channel} » dans la configuration ; canaux : {', '.join(wanted.channels)}.")
            raise typer.Exit(2)
        password = _password(password_file)
        info = import_pkcs12(file, password, wanted.keys.folder, channel, now)
    else:
        info = import_certificate(file, wanted.directory.certificates, now)
    if json:
        print_json(asdict(info))
    else:
        say(f"Installé : {info.address or info.subject}, valable jusqu'au {moment(info.valid_to)[:10]}.")


def _password(file: Path | None) -> bytes | None:
    if file is not None:
        try:
            return file.read_bytes().rstrip(b"\r\n")
        except OSError as error:
            raise ConfigError(
                f"{file} : mot de passe illisible ({in_french(error)}).", hint="Vérifier le chemin."
            ) from error
    return (
        str(typer.prompt("Mot de passe du fichier", hide_input=True, default="", show_default=False)).encode() or None
    )
