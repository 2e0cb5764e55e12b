"""The round of ``dispatcher demo``: files in, mails out, receipts back, in one throw-away folder."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path

from dispatcher import resources, wiring
from dispatcher.cli.demo_after import After, a_week_later
from dispatcher.cli.installation import SANDBOX, Layout, lay_out, now
from dispatcher.daemon import steps
from dispatcher.daemon.once import drain
from dispatcher.intake.spool import FolderSpool
from dispatcher.outbox.dispatch import Dispatch, SourceFile
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import DispatchFilter
from dispatcher.sandbox.operator import SandboxOperator
from dispatcher.settings import load
from dispatcher.wiring import Office

SOURCES = ("labo-a", "labo-b")
LATER = "suite"
"""Files that arrive in a second wave: a correction, the same bytes, the same content exported again."""
PATIENCE = 40.0
"""Seconds to wait for the last notices."""
ON_THE_WAY = (State.READY, State.QUEUED, State.SENDING, State.SENT, State.UNKNOWN, State.DEFERRED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What happened."""

    folder: Path
    seconds: float
    files: tuple[SourceFile, ...]
    reports: int
    dispatches: tuple[Dispatch, ...]
    of_file: dict[str, tuple[Dispatch, ...]]
    mails: dict[str, str]
    """Message-ID to the path of the mail the sandbox accepted."""
    after: After
    """A week later: unread mail, letters."""

    @property
    def settled(self) -> bool:
        """Nothing is still on its way."""
        return not any(dispatch.state in ON_THE_WAY for dispatch in self.dispatches)


Stay = Callable[[Office, Round, Callable[[], None]], None]
"""What to do with the demo while everything still runs; the last argument lets mails leave and notices come back."""


def play(folder: Path, tell: Callable[[str], None], stay: Stay | None = None) -> Round:
    """Run the whole round in ``folder``; ``tell`` is told each step in French."""
    begun = time.monotonic()
    with SandboxOperator(folder / SANDBOX, notice_delay=0.05) as operator:
        tell("Opérateur bac à sable démarré : clés, annuaire et liste blanche signée d'essai.")
        layout = _installation(folder, operator)
        office = wiring.build(load(layout.config))
        try:
            for source in SOURCES:
                _drop(resources.sample("demo", source), folder / "entree" / source)
            tell("Première vague : les fichiers de deux laboratoires sont déposés.")
            spools = office.spools()
            _round(office, operator, spools)
            _drop(resources.sample("demo", LATER), folder / "entree" / SOURCES[0])
            tell("Seconde vague : une correction, et deux fichiers déjà vus.")
            _round(office, operator, spools)
            tell("Une semaine plus tard, à l'horloge de la démonstration : rappel des non lus, tirage du papier.")
            after = a_week_later(office, folder)
            result = _result(folder, office, operator, time.monotonic() - begun, after)
            if stay is not None:
                stay(office, result, lambda: _go_on(office, spools))
            return result
        finally:
            office.close()


def _installation(folder: Path, operator: SandboxOperator) -> Layout:
    text = resources.sample("demo", "dispatcher.toml").read_text(encoding="utf-8")
    layout = lay_out(folder, operator, config=text.replace("port = 2525", f"port = {operator.port}"), now=now())
    codes = resources.sample("demo", "codes.csv").read_bytes()
    (folder / "tables" / "codes.csv").write_bytes(codes)
    return layout


def _drop(samples: Traversable, inbox: Path) -> None:
    """Copy the samples in, and beside the installation, where ``--keep`` leaves them to look at."""
    kept = inbox.parents[1] / "fichiers" / samples.name
    for folder in (inbox, kept):
        folder.mkdir(parents=True, exist_ok=True)
        for item in samples.iterdir():
            if item.is_file() and not item.name.startswith("__"):
                (folder / item.name).write_bytes(item.read_bytes())


def _round(office: Office, operator: SandboxOperator, spools: list[FolderSpool]) -> None:
    """Drain the folders, then read notices until nothing is on its way."""
    drain(office, lambda: False, spools)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        operator.wait_notices(1.0)
        steps.collect_all(office)
        drain(office, lambda: False, spools)
        with office.store.reading() as uow:
            counts = uow.dispatches.counts()
            waiting = uow.files.counts().get(FileState.WAITING, 0)
        if not waiting and not any(counts.get(state, 0) for state in ON_THE_WAY) and not operator.pending_notices:
            return


def _go_on(office: Office, spools: list[FolderSpool]) -> None:
    """One look at everything, as the service does all the time."""
    drain(office, lambda: False, spools)
    steps.collect_all(office)


def _result(folder: Path, office: Office, operator: SandboxOperator, seconds: float, after: After) -> Round:
    with office.store.reading() as uow:
        files = uow.files.list(limit=1000)
        dispatches = uow.dispatches.list(DispatchFilter(limit=1000))
        of_file = {file.id: uow.dispatches.list(DispatchFilter(file_id=file.id, limit=100)) for file in files}
        reports = uow.reports.count()
    mails = {mail.message_id: str(operator.folder / "mails" / f"{mail.number}.eml") for mail in operator.accepted()}
    return Round(
        folder=folder,
        seconds=seconds,
        files=files,
        reports=reports,
        dispatches=dispatches,
        of_file=of_file,
        mails=mails,
        after=after,
    )


def throw_away(folder: Path) -> None:
    """Remove the folder of a demo nobody wants to keep."""
    shutil.rmtree(folder, ignore_errors=True)
