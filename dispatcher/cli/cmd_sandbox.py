"""``dispatcher sandbox``: the pretend operator."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dispatcher.cli.context import config_exists, settings
from dispatcher.cli.installation import SANDBOX
from dispatcher.cli.output import FAILURES, complain, print_json, say, table
from dispatcher.errors import in_french
from dispatcher.french import counted
from dispatcher.sandbox import people
from dispatcher.sandbox.faults import SWITCHES
from dispatcher.sandbox.operator import SandboxOperator


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("sandbox")(sandbox)


def sandbox(
    folder: Annotated[
        Path | None, typer.Argument(help="Dossier du bac à sable ; sinon celui de la configuration.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port ; sinon celui du canal de la configuration.")] = None,
    delay: Annotated[float, typer.Option(min=0, help="Secondes avant chaque avis.")] = 1.0,
    fault: Annotated[
        list[str] | None,
        typer.Option("--fault", help="Panne à jouer, par exemple « greylist=60 » ; « list » les montre toutes."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Une ligne JSON au démarrage.")] = False,
) -> None:
    """Un opérateur d'essai sur cette machine : il prend les courriers et rend des avis. Ctrl-C l'arrête."""
    if "list" in (fault or ()):
        table("Pannes", ("--fault", "L'opérateur d'essai"), [(one.word, one.says) for one in SWITCHES])
        return
    place, wanted = folder or Path(SANDBOX), port
    if config_exists():
        config = settings()
        place = folder or config.folder / SANDBOX
        local = [c.port for c in config.channels.values() if c.transport == "smtp" and c.host == "127.0.0.1"]
        wanted = port if port is not None else next(iter(local), 0)
    operator = _started(place, wanted or 0, delay, fault or ())
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if json:
        print_json({"host": operator.host, "port": operator.port, "folder": str(place.resolve())})
        sys.stdout.flush()
    else:
        _tell(operator, place, fault or ())
    stop.wait()
    operator.stop()
    if not json:
        say(f"Arrêté : {counted(len(operator.accepted()), 'courrier accepté')} en tout.")


def _started(place: Path, port: int, delay: float, faults: Sequence[str]) -> SandboxOperator:
    operator = SandboxOperator(place, port=port, notice_delay=delay)
    for word in faults:
        operator.faults.turn(word)
    try:
        return operator.start()
    except OSError as error:
        complain(f"Le port {port} ne peut pas être ouvert : {in_french(error)}.")
        complain("  → Arrêter l'autre bac à sable, ou donner --port.")
        raise typer.Exit(FAILURES) from error


def _tell(operator: SandboxOperator, place: Path, faults: Sequence[str]) -> None:
    say(f"Opérateur bac à sable à l'écoute sur 127.0.0.1:{operator.port} (STARTTLS, certificat client demandé).")
    if faults:
        say(f"Pannes jouées : {', '.join(faults)}.")
    say(f"{len(people.addresses())} destinataires. Courriers : {place / 'mails'} ; avis : {operator.mailbox}.")
