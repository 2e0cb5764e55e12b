"""``dispatcher run``: the service."""

from __future__ import annotations

import logging
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from typing import Annotated

import typer

from dispatcher.cli.console_serving import beside, tell_first_account
from dispatcher.cli.context import CONFIG, office
from dispatcher.cli.output import DONE, FAILURES, complain, print_json, say
from dispatcher.daemon import logs
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
        logs.configure(parts.settings.log, verbose=CONFIG.verbose)
        sources, channels = counted(len(parts.settings.sources), "source"), counted(len(parts.channels), "canal|canaux")
        daemon = Daemon(parts, CONFIG.resolve().resolve(), count)
        with ExitStack() as closing:

            def started() -> None:
                say(f"Service démarré : {sources}, {channels}.")
                if (console := beside(parts)) is not None:
                    closing.callback(console.stop)
                    say(f"Console : {console.url}")
                    tell_first_account(parts)

            daemon.run(started)
        return
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with _noted() as errors:
        result = drain(parts, stop.is_set)
        parts.close()
    result.faults += errors.lines()
    if json:
        print_json({**asdict(result), "sent": {str(state): count for state, count in result.sent.items()}})
    else:
        _tell(result)
    raise typer.Exit(FAILURES if result.faults or result.paused else DONE)


NOTED = (
    "{count} au journal technique (« dispatcher status » dit les alarmes, « dispatcher -v run --once » écrit le "
    "journal entier) :"
)


class _Errors(logging.Handler):
    """Keeps what goes wrong: nothing else writes it down."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.told: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
        except Exception:  # a wrong call: whoever made it goes on
            text = str(record.msg)
        if "ALARM over" not in text:
            self.told[text] += 1

    def lines(self) -> list[str]:
        """For the person."""
        told = dict(self.told)
        count = counted(sum(told.values()), "erreur")
        return [NOTED.format(count=count), *(f"  {times} × {text}" for text, times in told.items())] if told else []


@contextmanager
def _noted() -> Iterator[_Errors]:
    """One voice to the person: the log is written with ``-v`` only, its errors are told at the end."""
    root, errors = logging.getLogger(), _Errors()
    before = [(handler, handler.level) for handler in root.handlers]
    for handler, level in before:
        handler.setLevel(level if CONFIG.verbose else logging.CRITICAL + 1)
    root.addHandler(errors)
    try:
        yield errors
    except BaseException:
        for line in errors.lines():
            complain(line)
        raise
    finally:
        root.removeHandler(errors)
        for handler, level in before:
            handler.setLevel(level)


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
