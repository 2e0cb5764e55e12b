"""The memory of alarms, and the few looks at work that only alarms need."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from dispatcher.alarms.incident import Incident
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import AlarmNote, SignRow
from dispatcher.store.alarm_tables import alarm_notes, incidents, signs
from dispatcher.store.rows import ALARM_NOTE, INCIDENT, SIGN
from dispatcher.store.session import Session
from dispatcher.store.tables import dispatches, files, journal, journal_head

LATELY = 20_000
"""Lines of the journal in which the endings of a channel are looked for."""
_ENDED = ("dispatch.sent", "dispatch.failed")
EVERY_FILE = text("files.size >= 0")
"""Always true, in the words of an index that serves this question and, on SQLite, no other."""
_NEWEST_FILE = select(func.max(files.c.received_at)).where(
    files.c.source == bindparam("of_source"), files.c.state != FileState.WAITING, EVERY_FILE
)
_OLDEST_FILE = select(func.min(files.c.received_at)).where(files.c.state == bindparam("of_state"))
_OLDEST = select(func.min(dispatches.c.created_at)).where(dispatches.c.state == bindparam("of_state"))
_OLDEST_PAPER = _OLDEST.where(dispatches.c.printed_at.is_(None))
_LAST = (
    select(journal.c.event)
    .select_from(journal.join(dispatches, dispatches.c.id == journal.c.subject))
    .where(
        journal.c.number > select(journal_head.c.number - LATELY).scalar_subquery(),
        journal.c.event.in_(_ENDED),
        dispatches.c.channel == bindparam("of_channel"),
    )
    .order_by(journal.c.number.desc())
    .limit(bindparam("most"))
)


class SqlAlarmBook:
    """See :class:`dispatcher.ports.AlarmBook`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def incidents(self) -> tuple[Incident, ...]:
        """Those that stand or ended lately; locked in a transaction."""
        self._session.lock("alarms")
        return INCIDENT.values(self._session.read(INCIDENT.select.order_by(incidents.c.began_at, incidents.c.key)))

    def put(self, incident: Incident) -> None:
        """Insert or replace."""
        self._session.write(_put(self._session.postgresql), INCIDENT.row(incident))

    def forget(self, key: str) -> None:
        """It is no more."""
        self._session.write(delete(incidents).where(incidents.c.key == key))

    def note(self, row: AlarmNote) -> None:
        """To be carried."""
        self._session.write(insert(alarm_notes), ALARM_NOTE.row(row))

    def notes(self, way: str = "") -> tuple[AlarmNote, ...]:
        """In the order in which they were made; locked in a transaction."""
        self._session.lock("alarms")
        wanted = ALARM_NOTE.select.order_by(alarm_notes.c.number)
        return ALARM_NOTE.values(self._session.read(wanted.where(alarm_notes.c.way == way) if way else wanted))

    def change(self, row: AlarmNote) -> None:
        """Tried or told."""
        self._session.write(update(alarm_notes).where(alarm_notes.c.id == row.id).values(ALARM_NOTE.row(row)))

    def drop(self, ids: Sequence[str]) -> None:
        """They are not to be told, or are over."""
        if ids:
            self._session.write(delete(alarm_notes).where(alarm_notes.c.id.in_(list(ids))))

    def signs(self, prefix: str = "") -> tuple[SignRow, ...]:
        """By name."""
        found = SIGN.values(self._session.read(SIGN.select.order_by(signs.c.name)))
        return tuple(one for one in found if one.name.startswith(prefix))

    def sign(self, name: str, at: datetime, note: str = "") -> datetime:
        """The first moment stays, the newest note counts; nothing is written when neither changed."""
        row = self._session.read(SIGN.select.where(signs.c.name == name)).first()
        if row is None:
            self._session.write(_first(self._session.postgresql), {"name": name, "at": at, "note": note})
            return at
        known = SIGN.value(row)
        if known.note != note:
            self._session.write(update(signs).where(signs.c.name == name).values(note=note))
        return known.at

    def wipe(self, name: str) -> None:
        """It is so no more."""
        self._session.write(delete(signs).where(signs.c.name == name))

    def newest_file(self, source: str) -> datetime | None:
        """When it came."""
        found: datetime | None = self._session.read(_NEWEST_FILE, {"of_source": source}).scalar_one()
        return found

    def oldest_file(self, state: str) -> datetime | None:
        """When it came."""
        found: datetime | None = self._session.read(_OLDEST_FILE, {"of_state": FileState(state)}).scalar_one()
        return found

    def oldest_dispatch(self, state: str) -> datetime | None:
        """When it was made."""
        wanted = _OLDEST_PAPER if state == State.PAPER else _OLDEST
        found: datetime | None = self._session.read(wanted, {"of_state": State(state)}).scalar_one()
        return found

    def endings(self, channel: str, most: int) -> tuple[int, int]:
        """How many of the last ones there are, and how many failed."""
        events = self._session.read(_LAST, {"of_channel": channel, "most": most}).scalars().all()
        return len(events), sum(event == "dispatch.failed" for event in events)


@cache
def _put(on_postgresql: bool) -> Any:
    statement: Any = (postgresql if on_postgresql else sqlite).insert(incidents)
    columns = {name: statement.excluded[name] for name in INCIDENT.names if name != "key"}
    return statement.on_conflict_do_update(index_elements=[incidents.c.key], set_=columns)


@cache
def _first(on_postgresql: bool) -> Any:
    """INSERT of a sign that another node may note at the same moment."""
    return (postgresql if on_postgresql else sqlite).insert(signs).on_conflict_do_nothing()
