"""The end of the demo: a week later by its own clock, what nobody read is reminded of, and the letters are printed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from dispatcher.clock import FrozenClock
from dispatcher.service.climb import climb
from dispatcher.service.print_run import keep_run, make_run
from dispatcher.wiring import Office

WEEK = timedelta(days=7)
WHO = "operator:demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """What came of it."""

    unread: int
    """Mails reminded of, in one digest."""
    digest: str
    letters: int
    printed: str
    """Path of the letters, under the demo's folder; empty without any."""


def a_week_later(office: Office, folder: Path) -> After:
    """Remind of unread mail and print what is on paper. Raises DispatcherError."""
    clock = FrozenClock(at=office.clock.now() + WEEK)
    desk = replace(office.desk, clock=clock)
    with office.store.transaction() as uow:
        for channel in office.channels:
            uow.ladder.hear(channel, clock.now())
    climb(desk, office.ladder)
    with office.store.reading() as uow:
        digest, unread = uow.ladder.last_digest(), uow.ladder.count_unread()
    made = make_run(desk, office.letters(), office.paper, [], actor=WHO)
    name = ""
    if made.run is not None:
        name = f"papier/tirage-{made.run.id}.pdf"
        (folder / "papier").mkdir(exist_ok=True)
        (folder / name).write_bytes(made.pdf)
        (folder / name).with_suffix(".csv").write_bytes(made.listing)
        keep_run(office.store, made)
    return After(unread=unread, digest=digest.id if digest is not None else "", letters=made.letters, printed=name)
