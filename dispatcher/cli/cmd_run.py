"""``dispatcher run``: the service."""

from __future__ import annotations

import logging
import signal
import threading
from dataclasses import asdict
from typing import Annotated

import typer

from dispatcher.cli.context import CONFIG, office
from dispatcher.cli.output import DONE, FAILURES, complain, print_json, say
from dispatcher.daemon.once import Drained, drain
from dispatcher.daemon.run import Daemon
from dispatcher.french import counted
from dispatcher.outbox.states import STATES


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("run")(run)


def run(
    once: Annotated[bool, typer.Option("--once", help="Traite ce qui est là, puis s'arrête.")] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, max=16, help="Processus qui préparent ; dès 2, un autre envoie.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Sortie JSON (avec --once).")] = False,
) -> None:
    """Le service : surveille les dossiers, prépare, envoie, relève les accusés. Ctrl-C l'arrête proprement."""
    parts = office(upgrade=True)
    if not once:
        count = workers or parts.settings.service.workers
        logging.getLogger().setLevel(parts.settings.log.level)
        sources, channels = counted(len(parts.settings.sources), "source"), counted(len(parts.channels), "canal|canaux")
        daemon = Daemon(parts, CONFIG.resolve().resolve(), count)
        daemon.run(lambda: say(f"Service démarré : {sources}, {channels}."))
        return
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    result = drain(parts, stop.is_set)
    parts.close()
    if json:
        print_json({**asdict(result), "sent": {str(state): count for state, count in result.sent.items()}})
    else:
        _tell(result)
    raise typer.Exit(FAILURES if result.faults or result.paused else DONE)


def _tell(result: Drained) -> None:
    taken, doubles = counted(result.taken, "fichier pris"), counted(result.duplicates, "doublon")
    say(f"{taken}, {doubles}, {result.waiting} encore en écriture.")
    for state, count in result.sent.items():
        say(f"  {counted(count, 'envoi')} : {STATES[state]}")
    say(f"{counted(result.notices, 'avis relevé')}.")
    if result.held or result.quarantined:
        say(
            f"Attendent une personne : {counted(result.held, 'envoi')}, "
            f"{counted(result.quarantined, 'fichier')} en quarantaine. "
            "Voir « dispatcher list --unfinished »."
        )
    for fault in result.faults:
        complain(fault)
    if result.paused:
        complain(f"Canal en pause : {result.paused}")
