"""What the database knows that may be an alarm (``alarms/rules.py`` judges)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from dispatcher.alarms.facts import ChannelFact, Fault, Heap, SourceFact, WorkFacts
from dispatcher.clock import Clock
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import EVERYTHING, Store, UnitOfWork

WATCHED, BACKUP = "watched:", "watched-backup"
"""Signs: since when a source, and the backups, are watched."""
TROUBLE = "trouble:"
"""Signs of a service about itself: ``trouble:CODE:SUBJECT@NODE``."""


def work_facts(store: Store, clock: Clock, sources: Iterable[str], channels: Iterable[str], last: int) -> WorkFacts:
    """``last``: endings of a channel that are looked at."""
    now = clock.now()
    with store.reading() as uow:
        oldest, states = uow.dispatches.oldest_unfinished(), uow.dispatches.counts()
        watched = {sign.name: sign.at for sign in uow.alarms.signs("watched")}
        row = uow.installation.row()
        saved = row.backup_at if row is not None else None
        quarantined = uow.files.counts().get(FileState.QUARANTINED, 0)
        return WorkFacts(
            oldest_id=oldest.id if oldest is not None else "",
            oldest=oldest.created_at if oldest is not None else None,
            held=_heap(uow, State.HELD, states[State.HELD]),
            failed=_heap(uow, State.FAILED, states[State.FAILED]),
            paper=_heap(uow, State.PAPER, uow.prints.count_waiting()),
            quarantine=Heap(quarantined, uow.alarms.oldest_file(FileState.QUARANTINED) if quarantined else None),
            sources=tuple(_source(uow, name, watched.get(f"{WATCHED}{name}", now)) for name in sources),
            channels=tuple(_channel(uow, name, now, last) for name in channels),
            all_paused_since=_paused_since(uow, EVERYTHING, now),
            backup_at=saved or watched.get(BACKUP),
            ever_saved=saved is not None,
        )


def watch(store: Store, clock: Clock, sources: Iterable[str]) -> None:
    """From now on silence of these sources, and the want of a backup, are counted. What is watched stays so."""
    names = [BACKUP, *(f"{WATCHED}{name}" for name in sources)]
    with store.reading() as uow:
        known = {sign.name for sign in uow.alarms.signs("watched")}
    if missing := [name for name in names if name not in known]:
        with store.transaction() as uow:
            for name in missing:
                uow.alarms.sign(name, clock.now())


def _heap(uow: UnitOfWork, state: State, count: int) -> Heap:
    return Heap(count, uow.alarms.oldest_dispatch(state) if count else None)


def _source(uow: UnitOfWork, name: str, watched: datetime) -> SourceFact:
    newest = uow.alarms.newest_file(name)
    return SourceFact(name=name, last=newest or watched, ever=newest is not None)


def _channel(uow: UnitOfWork, name: str, now: datetime, last: int) -> ChannelFact:
    ended, failed = uow.alarms.endings(name, last)
    return ChannelFact(name=name, ended=ended, failed=failed, paused_since=_paused_since(uow, f"channel:{name}", now))


def _paused_since(uow: UnitOfWork, scope: str, now: datetime) -> datetime | None:
    """Since when a person paused this very scope; a fault of ours ends by itself and has an alarm of its own."""
    if uow.pace.paused(scope, now) is None or uow.pace.tries_at(scope, now) is not None:
        return None
    if scope != EVERYTHING and uow.pace.paused(EVERYTHING, now) is not None:
        return None
    subject = "store" if scope == EVERYTHING else scope
    lines = [line.at for line in uow.journal.of_subject(subject) if line.event.endswith(".paused")]
    return lines[-1] if lines else None


def troubles(store: Store) -> Iterator[Fault]:
    """What services say of themselves."""
    with store.reading() as uow:
        found = uow.alarms.signs(TROUBLE)
    for sign in found:
        code, _, subject = sign.name.removeprefix(TROUBLE).partition(":")
        yield Fault(code=code, subject=subject, text=sign.note, since=sign.at, hint=_HINTS.get(code, ""))


_HINTS = {
    "watcher": 'Redémarrer le service ; sur un partage réseau, « watch = "polling" ».',
    "worker": "Une fois : rien à faire. Souvent : envoyer le journal technique au support.",
    "tick": "Redémarrer le service ; un dossier réseau qui ne répond pas en est souvent la cause.",
    "clock": "Vérifier le service de temps (NTP) de la machine.",
    "alarm-way": "« dispatcher alarms test » dit ce qui ne va pas.",
}


def trouble(store: Store, clock: Clock, name: str, note: str) -> None:
    """Say that ``name`` (``CODE:SUBJECT``) is in trouble, or, with an empty note, that it is over."""
    full = f"{TROUBLE}{name}"
    with store.reading() as uow:
        known = {sign.name: sign.note for sign in uow.alarms.signs(full)}.get(full)
    if (known is None and not note) or known == note:
        return
    with store.transaction() as uow:
        if note:
            uow.alarms.sign(full, clock.now(), note)
        else:
            uow.alarms.wipe(full)


def all_well(store: Store, node: str) -> None:
    """A service that starts has none of the troubles it had before."""
    with store.transaction() as uow:
        for sign in uow.alarms.signs(TROUBLE):
            if sign.name.endswith(f"@{node}"):
                uow.alarms.wipe(sign.name)
