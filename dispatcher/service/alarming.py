"""Use case: tell people of alarms, by every way there is. What is to be told is a row, written with the memory of the
incident, so that a restart neither repeats nor forgets and several nodes tell once. A way that fails stops nobody.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from dispatcher.alarms.alarm import Alarm
from dispatcher.alarms.incident import Incident, Judged, Kind, Message, Telling, acknowledged, judge
from dispatcher.alarms.wording import body_of
from dispatcher.clock import Clock
from dispatcher.errors import DispatcherError, StoreError
from dispatcher.ports import AlarmNote, AlarmWay, Store, UnitOfWork
from dispatcher.service.alarm_facts import trouble
from dispatcher.service.internal import place

log = logging.getLogger(__name__)

TOLD, OVER, ACKNOWLEDGED = "alarm.told", "alarm.told-over", "alarm.acknowledged"
"""Journal events; the subject is ``alarm:KEY``."""
CLAIM = timedelta(minutes=10)
"""For so long nobody else tries what one tries; longer than any time limit of a way."""
FIRST_RETRY, LAST_RETRY = timedelta(minutes=1), timedelta(minutes=30)
STALE = timedelta(hours=48)
"""What could not be told for so long is no news."""
MANY = 3
"""More messages than this at a time become one, where a person reads them."""
FAILS = "le moyen d'alerte « {name} » ne marche plus : {reason}"
WAY, HEARTBEAT = "alarm-way", "heartbeat"


def tell(store: Store, clock: Clock, standing: Sequence[Alarm], rules: Telling, ways: Sequence[str]) -> Judged:
    """One look: ``standing`` is every alarm there is; what is news is written down for each way. Raises StoreError."""
    now = clock.now()
    with store.transaction() as uow:
        judged = judge({one.key: one for one in uow.alarms.incidents()}, standing, rules, now)
        for one in judged.changed:
            uow.alarms.put(one)
        for key in judged.forgotten:
            uow.alarms.forget(key)
        for message in judged.messages:
            _post(store, uow, message, ways)
            _journal(uow, message)
    for message in judged.messages:
        keys = ", ".join(one.key for one in message.incidents)
        log.warning("ALARM %s: %s", message.kind, keys)
    return judged


def _post(store: Store, uow: UnitOfWork, message: Message, ways: Sequence[str]) -> None:
    for way in ways:
        if message.key == f"{WAY}:{way}":
            continue  # it cannot tell of itself
        open_ones = [note for note in uow.alarms.notes(way) if note.key == message.key and message.key]
        if message.kind is Kind.END:
            start = next((note for note in open_ones if note.kind == Kind.START), None)
            uow.alarms.drop([note.id for note in open_ones])
            if start is None or not _perhaps_told(start):
                continue  # whoever never heard of its start need not hear of its end
        if message.kind is Kind.REMINDER:
            uow.alarms.drop([note.id for note in uow.alarms.notes(way) if note.kind == Kind.REMINDER])
        uow.alarms.note(_note(store, way, message))


def _perhaps_told(start: AlarmNote) -> bool:
    """Told, or a first try is under way, or was when the service was killed."""
    return start.sent_at is not None or (start.attempts == 0 and start.due_at > start.at)


def _note(store: Store, way: str, message: Message) -> AlarmNote:
    return AlarmNote(
        id=store.new_id("A"),
        way=way,
        kind=str(message.kind),
        key=message.key,
        at=message.at,
        body=body_of(message),
        due_at=message.at,
    )


def _journal(uow: UnitOfWork, message: Message) -> None:
    event = {Kind.START: TOLD, Kind.END: OVER}.get(message.kind)
    if event is not None:
        (one,) = message.incidents
        uow.journal.write(f"alarm:{one.key}", event, count=one.count, level=str(one.level))


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What one way did."""

    way: str
    told: int = 0
    fault: str = ""
    """French; empty: it works."""


def give(store: Store, clock: Clock, ways: Sequence[AlarmWay]) -> tuple[Given, ...]:
    """Carry what is due by every way; a fault of one does not stop the others. Raises StoreError."""
    _forget_ways(store, {way.name for way in ways})
    return tuple(_give(store, clock, way) for way in ways)


def _give(store: Store, clock: Clock, way: AlarmWay) -> Given:
    told, fault = 0, ""
    due = _claim(store, clock, way.name)
    together = way.joins and len(due) > MANY
    for notes in [due] if together else [[note] for note in due]:
        if fault:
            _failed(store, clock, notes, fault)
            continue
        try:
            way.give(notes)
        except DispatcherError as error:
            fault = str(error)
        except Exception as error:  # nobody foresaw it: the service and the other ways go on
            log.error("alarm way %s: unexpected %s", way.name, place(error))
            fault = f"erreur inattendue ({type(error).__name__})."
        if fault:
            _failed(store, clock, notes, fault)
        else:
            told += len(notes)
            _carried(store, clock, notes)
    if due:
        trouble(store, clock, f"{WAY}:{way.name}", FAILS.format(name=way.name, reason=fault) if fault else "")
    return Given(way=way.name, told=told, fault=fault)


def _claim(store: Store, clock: Clock, way: str) -> list[AlarmNote]:
    """What is due, put off for everybody else; what is stale is dropped."""
    now = clock.now()
    with store.transaction() as uow:
        open_ones = [note for note in uow.alarms.notes(way) if note.sent_at is None]
        stale = [note.id for note in open_ones if abs(now - note.at) > STALE]
        uow.alarms.drop(stale)
        waits = CLAIM + LAST_RETRY
        due = [n for n in open_ones if n.id not in stale and (n.due_at <= now or n.due_at - now > waits)]
        for note in due:
            uow.alarms.change(replace(note, due_at=now + CLAIM))
    return due


def _carried(store: Store, clock: Clock, notes: Sequence[AlarmNote]) -> None:
    """Of a start it is kept that it was told, until its end: everything else is done with."""
    with store.transaction() as uow:
        known = {note.id for note in uow.alarms.notes()}
        standing = {one.key for one in uow.alarms.incidents() if one.stands}
        for note in notes:
            if note.kind == Kind.START and note.key in standing and note.id in known:
                uow.alarms.change(replace(note, sent_at=clock.now(), attempts=note.attempts + 1, reason=""))
            else:
                uow.alarms.drop([note.id])


def _failed(store: Store, clock: Clock, notes: Sequence[AlarmNote], fault: str) -> None:
    with store.transaction() as uow:
        for note in notes:
            wait = min(FIRST_RETRY * 2 ** min(note.attempts, 10), LAST_RETRY)
            tried = replace(note, attempts=note.attempts + 1, due_at=clock.now() + wait, reason=fault)
            uow.alarms.change(tried)


def _forget_ways(store: Store, names: set[str]) -> None:
    """Ways that left the settings have nothing to carry any more."""
    with store.reading() as uow:
        gone = [note.id for note in uow.alarms.notes() if note.way not in names]
        signs = [sign.name for sign in uow.alarms.signs(f"trouble:{WAY}:")]
    lost = [name for name in signs if name.rpartition(":")[2] not in {*names, HEARTBEAT}]
    if gone or lost:
        with store.transaction() as uow:
            uow.alarms.drop(gone)
            for name in lost:
                uow.alarms.wipe(name)


def listed(store: Store) -> tuple[Incident, ...]:
    """Every incident that stands, those still settling too."""
    with store.reading() as uow:
        return tuple(one for one in uow.alarms.incidents() if one.stands)


def acknowledge(store: Store, clock: Clock, key: str, *, by: str, why: str) -> Incident:
    """A person sees to it. Raises StoreError ``not-found``."""
    with store.transaction() as uow:
        found = next((one for one in uow.alarms.incidents() if one.key == key and one.stands), None)
        if found is None:
            hint = "« dispatcher alarms list » les montre."
            raise StoreError(f"Aucune alarme en cours ne porte la clé « {key} ».", hint=hint, code="not-found")
        seen = acknowledged(found, clock.now(), by=by.removeprefix("operator:"), why=why)
        uow.alarms.put(seen)
        uow.journal.write(f"alarm:{key}", ACKNOWLEDGED, actor=by, reason=why)
    return seen


def trial(ways: Sequence[AlarmWay], now: datetime, new_id: Callable[[], str]) -> tuple[Given, ...]:
    """A test message by each way, at once; nothing is kept of it."""
    found = []
    for way in ways:
        body: Mapping[str, Any] = {"kind": str(Kind.TEST), "alarms": []}
        note = AlarmNote(id=new_id(), way=way.name, kind=str(Kind.TEST), key="", at=now, body=body, due_at=now)
        try:
            way.give([note])
        except DispatcherError as error:
            hint = f" {error.hint}" if error.hint else ""
            found.append(Given(way=way.name, fault=f"{error}{hint}"))
        except Exception as error:
            log.error("alarm way %s: unexpected %s", way.name, place(error))
            found.append(Given(way=way.name, fault=f"erreur inattendue ({type(error).__name__})."))
        else:
            found.append(Given(way=way.name, told=1))
    return tuple(found)
