"""Source files. Path and name are encrypted (a LIS may put a patient's name there) and found again by keyed hash."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, Select, Update, and_, bindparam, case, delete, func, insert, or_, select, text, update

from dispatcher.errors import KeyringError, StoreError
from dispatcher.outbox.dispatch import SourceFile
from dispatcher.outbox.states import OPEN_FILES, FileState, check_file_move
from dispatcher.store.ids import new_id
from dispatcher.store.session import Session
from dispatcher.store.tables import NOT_REMOVED, URGENT_FILES, in_state
from dispatcher.store.tables import files as table

if TYPE_CHECKING:
    from dispatcher.ports import Found

_URGENT, _FRESH, _CAME_BACK = "urgent", "fresh", "came back"
"""Whose turn it is at a claim, in this order."""

MAX_RETURNS = 10
"""Times a file may come back from a dead worker before it is set aside.

Mailman sets aside after three; three power cuts in a row would then quarantine an innocent file (seen under fifty kills
in a minute). A file that does kill workers is claimed last and alone, so more patience costs the others nothing.
"""

_PLAIN = tuple(field.name for field in fields(SourceFile) if field.name not in {"path", "name"})
_SELECT = select(*(table.c[name] for name in _PLAIN), table.c.names, table.c.names_key)
_ONE = _SELECT.where(table.c.id == bindparam("id"))
_LOCKED = _ONE.with_for_update()
_COUNTS_SINCE = (
    select(table.c.state, func.count())
    .where(table.c.state.in_(list(FileState)), table.c.received_at >= bindparam("since"))
    .group_by(table.c.state)
)
_SEEN = (
    _SELECT.where(
        table.c.source == bindparam("source"),
        table.c.path_hash == bindparam("path_hash"),
        table.c.size == bindparam("size"),
        table.c.mtime_ns == bindparam("mtime_ns"),
        table.c.state != FileState.WAITING,
    )
    .order_by(table.c.received_at.desc(), table.c.id)
    .limit(1)
)
_SAME_BYTES = (
    _SELECT.where(
        table.c.source == bindparam("source"),
        table.c.sha256 == bindparam("sha256"),
        table.c.state != FileState.WAITING,
    )
    .order_by(case((table.c.state == FileState.QUARANTINED, 1), else_=0), table.c.received_at, table.c.id)
    .limit(1)
)
_WAITING_THERE = (
    table.c.source == bindparam("of_source"),
    table.c.path_hash == bindparam("of_path"),
    in_state(table, FileState.WAITING),
)
_WAITING = _SELECT.where(*_WAITING_THERE)
_NO_LONGER_WAITING = delete(table).where(*_WAITING_THERE)
_ADD = insert(table)
_REMOVED = update(table).where(table.c.id == bindparam("of_id")).values(removed=True)
_POISON = (
    select(table.c.id, table.c.returns)
    .where(
        in_state(table, FileState.RECEIVED),
        table.c.lease_owner != "",
        table.c.lease_until <= bindparam("now"),
        table.c.returns >= bindparam("most"),
    )
    .with_for_update(skip_locked=True)
)
_OLDEST = _SELECT.where(table.c.state == bindparam("of_state")).order_by(table.c.received_at, table.c.id).limit(1)
_FIXED = frozenset({"id", "state", "path", "name"})
"""Fields :meth:`SqlFiles.move` does not change by name."""

POISON = (
    f"Le programme s'est arrêté {MAX_RETURNS} fois en traitant ce fichier. "
    "Voir le journal technique, puis rejouer le fichier une fois la cause trouvée."
)


UNREADABLE = (
    "Le nom de ce fichier, gardé chiffré, est illisible : clé absente de « master.key », ou base altérée. "
    "Remettre la clé ou la sauvegarde, puis rejouer le fichier."
)

log = logging.getLogger(__name__)


class SqlFiles:
    """See :class:`dispatcher.ports.Files`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, file: SourceFile) -> None:
        """Insert, with its journal line."""
        self._session.write(_ADD, self._row(file) | {"lease_owner": "", "lease_until": None})
        self._session.work_made = self._session.work_made or file.state is FileState.RECEIVED
        self._session.tallies.change("file", "", file.state, 1)
        self._session.journal.write(
            file.id,
            f"file.{file.state}",
            source=file.source,
            size=file.size,
            sha256=file.sha256,
            reason=file.reason,
            duplicate_of=file.duplicate_of,
        )
        self._session.answers.file_moved(file, "daemon")

    def get(self, file_id: str) -> SourceFile | None:
        """The file, or None."""
        return self._first(_ONE, id=file_id)

    def seen(self, source: str, path: str, size: int, mtime_ns: int) -> SourceFile | None:
        """The very file at that path with that size and time, if already known; the newest if there are several."""
        path_hash = self._session.hash_path(path)
        return self._first(_SEEN, source=source, path_hash=path_hash, size=size, mtime_ns=mtime_ns)

    def same_bytes(self, source: str, sha256: str) -> SourceFile | None:
        """The first file of this source with the same content; one that could be read before a quarantined one.

        In a transaction the content stays locked until its end, so that two nodes cannot both take it as new.
        """
        self._session.lock(f"bytes:{source}:{sha256}")
        return self._first(_SAME_BYTES, source=source, sha256=sha256)

    def note_waiting(self, source: str, found: Found, now: datetime) -> None:
        """Show a growing file as ``waiting``: one row per path, written only when something changed."""
        path_hash = self._session.hash_path(found.path)
        self._session.lock(f"waiting:{source}:{path_hash}")
        known = self._first(_WAITING, of_source=source, of_path=path_hash)
        if known is None:
            self.add(
                SourceFile(
                    id=new_id("F"),
                    source=source,
                    path=found.path,
                    name=found.name,
                    size=found.size,
                    mtime_ns=found.mtime_ns,
                    sha256="",
                    state=FileState.WAITING,
                    received_at=now,
                    reason=found.why,
                )
            )
        elif (known.size, known.mtime_ns, known.reason) != (found.size, found.mtime_ns, found.why):
            changes = {"size": found.size, "mtime_ns": found.mtime_ns, "reason": found.why}
            self._session.write(_update(tuple(changes)), changes | {"of_id": known.id})

    def forget_waiting(self, source: str, path: str) -> None:
        """It is whole or gone: drop the waiting row."""
        params = {"of_source": source, "of_path": self._session.hash_path(path)}
        gone = self._session.write(_NO_LONGER_WAITING, params).rowcount
        self._session.tallies.change("file", "", FileState.WAITING, -gone)

    def move(
        self,
        file_id: str,
        state: FileState,
        *,
        through: FileState | None = None,
        reason: str = "",
        actor: str = "daemon",
        **changes: Any,
    ) -> SourceFile:
        """Change state with its journal line; the reason is that of the new state.

        ``through``: by way of that state, with a line of its own; nobody else ever sees the file in it.
        Leaving ``received`` ends the lease; back to ``received`` starts the count of returns again. Raises
        :class:`dispatcher.errors.IllegalMove`, StoreError ``not-found``, TypeError for an unknown field.
        """
        row = self._session.read_locked(_LOCKED, {"id": file_id}).first()
        if row is None:
            raise StoreError(f"Fichier inconnu : {file_id}.", hint="Vérifier le numéro.", code="not-found")
        old = self._value(row)
        steps = [old.state, *([through] if through is not None else []), state]
        for before, after in pairwise(steps):
            check_file_move(before, after)
        wrong = sorted(name for name in changes if name in _FIXED or name not in _PLAIN)
        if wrong:
            raise TypeError(f"fields of a file that cannot be changed: {', '.join(wrong)}")
        values: dict[str, Any] = {"state": state, "reason": reason, "lease_owner": "", "lease_until": None, **changes}
        if state is FileState.RECEIVED:
            values.setdefault("returns", 0)
        self._session.write(_update(tuple(values)), values | {"of_id": file_id})
        self._session.tallies.moved("file", ("", old.state), ("", state))
        for before, after in pairwise(steps):
            told = {"from": before, "reason": reason if after is state else ""}
            self._session.journal.write(file_id, f"file.{after}", actor=actor, **told)
        shown = {name: value for name, value in values.items() if name in _PLAIN}
        moved = replace(old, **shown)
        self._session.answers.file_moved(moved, actor, old.state)
        return moved

    # ------------------------------------------------------------------------------------------ leases

    def claim(self, owner: str, limit: int, lease: timedelta, now: datetime) -> tuple[SourceFile, ...]:
        """Lease ``received`` files: urgent ones, then the oldest; last those back from a dead worker, each alone.

        An expired lease counts one return; the tenth sets the file aside (quarantined). A file that kills workers
        thus delays nobody, and takes no other with it.
        """
        now = self._session.shared_time(now)
        self._quarantine_poison(now)
        rows = (
            self._claimed(_URGENT, limit, owner, now, lease)
            or self._claimed(_FRESH, limit, owner, now, lease)
            or self._claimed(_CAME_BACK, 1, owner, now, lease)
        )
        found = sorted((self._value(row) for row in rows), key=lambda file: (file.received_at, file.id))
        for file in found:
            if not file.name:
                self.move(file.id, FileState.QUARANTINED, reason=UNREADABLE)
        return tuple(file for file in found if file.name)

    def _claimed(self, which: str, limit: int, owner: str, now: datetime, lease: timedelta) -> Sequence[Row[Any]]:
        params = {"now": now, "most": max(limit, 0), "owner": owner, "until": now + lease}
        return self._session.write(_claim(which), params).all()

    def extend_lease(self, owner: str, until: datetime) -> None:
        """Heartbeat: all files this owner holds."""
        self._session.write(update(table).where(*_held_by(owner)).values(lease_until=self._session.shared_time(until)))

    def release(self, owner: str) -> int:
        """Give back every file this owner holds, without counting a return. Gives their number."""
        statement = update(table).where(*_held_by(owner)).values(lease_owner="", lease_until=None)
        return int(self._session.write(statement).rowcount)

    def _quarantine_poison(self, now: datetime) -> None:
        expired = self._session.read_locked(_POISON, {"now": now, "most": MAX_RETURNS - 1}).all()
        for file_id, returns in expired:
            self.move(file_id, FileState.QUARANTINED, reason=POISON, returns=returns + 1)

    # ------------------------------------------------------------------------------------------ clearing the folder

    def not_removed(self, source: str) -> tuple[SourceFile, ...]:
        """Files safe in the store whose original may still stand in the source folder, oldest first."""
        still_there = text(NOT_REMOVED["postgresql" if self._session.postgresql else "sqlite"])
        wanted = _SELECT.where(table.c.source == source, still_there, table.c.state != FileState.WAITING).order_by(
            table.c.received_at, table.c.id
        )
        return self._all(wanted)

    def mark_removed(self, file_id: str) -> None:
        """The source folder no longer holds it."""
        self._session.write(_REMOVED, {"of_id": file_id})

    # ------------------------------------------------------------------------------------------ looking

    def list(self, *, states: tuple[FileState, ...] = (), source: str = "", limit: int = 100) -> tuple[SourceFile, ...]:
        """Files, newest first."""
        wanted = _SELECT.order_by(table.c.received_at.desc(), table.c.id).limit(max(limit, 0))
        if states:
            wanted = wanted.where(table.c.state.in_(states))
        if source:
            wanted = wanted.where(table.c.source == source)
        return self._all(wanted)

    def oldest_open(self) -> SourceFile | None:
        """The oldest file nobody is done with, quarantined ones too: one look into the index a state."""
        found = [self._first(_OLDEST, of_state=state) for state in OPEN_FILES]
        return min((file for file in found if file is not None), key=lambda f: (f.received_at, f.id), default=None)

    def counts(self) -> dict[FileState, int]:
        """Number of files in each state; every state is there."""
        kept = self._session.tallies.counts("file")
        return {state: kept.get(state, 0) for state in FileState}

    def counts_since(self, since: datetime) -> dict[FileState, int]:
        """Of those that came since then: a look into the index by state and time."""
        return {FileState(state): number for state, number in self._session.read(_COUNTS_SINCE, {"since": since})}

    # ------------------------------------------------------------------------------------------ rows

    def _first(self, statement: Select[Any], **params: Any) -> SourceFile | None:
        row = self._session.read(statement, params).first()
        return None if row is None else self._value(row)

    def _all(self, statement: Select[Any]) -> tuple[SourceFile, ...]:
        return tuple(self._value(row) for row in self._session.read(statement))

    def _value(self, row: Any) -> SourceFile:
        *plain, sealed, key_id = row
        values = dict(zip(_PLAIN, plain, strict=True))
        try:
            path, name = json.loads(self._session.cipher.decrypt(bytes(sealed), names_context(values["id"]), key_id))
        except (KeyringError, ValueError) as error:  # one such file must not hide the others
            log.error("file %s: its name cannot be read (%s)", values["id"], getattr(error, "code", "no JSON"))
            path = name = ""
        return SourceFile(path=path, name=name, **values)

    def _row(self, file: SourceFile) -> dict[str, Any]:
        cipher = self._session.cipher
        names = json.dumps([file.path, file.name]).encode("ascii")  # escapes keep surrogates of odd file names
        return {name: getattr(file, name) for name in _PLAIN} | {
            "names": cipher.encrypt(names, names_context(file.id)),
            "names_key": cipher.key_id,
            "path_hash": self._session.hash_path(file.path),
        }


def names_context(file_id: str) -> str:
    """What the cipher binds the names of a file to."""
    return f"{file_id}/names"


def _held_by(owner: str) -> tuple[Any, ...]:
    return (in_state(table, FileState.RECEIVED), table.c.lease_owner == owner)


@cache
def _update(names: tuple[str, ...]) -> Update:
    """UPDATE of these columns of one file; made once for each set of columns."""
    return update(table).where(table.c.id == bindparam("of_id")).values({name: bindparam(name) for name in names})


@cache
def _claim(which: str) -> Update:
    """One UPDATE: who is first to lock a row has it; locked rows are passed over (PostgreSQL)."""
    returned = (table.c.lease_owner != "") | (table.c.returns > 0)
    wanted = {_URGENT: and_(URGENT_FILES, ~returned), _FRESH: ~returned, _CAME_BACK: returned}[which]
    free = or_(table.c.lease_until.is_(None), table.c.lease_until <= bindparam("now"))
    picked = (
        select(table.c.id)
        .where(in_state(table, FileState.RECEIVED), wanted, free)
        .order_by(table.c.received_at, table.c.id)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
        .cte("picked")
    )
    return (
        update(table)
        .where(table.c.id.in_(select(picked.c.id)))
        .values(
            returns=table.c.returns + case((table.c.lease_owner != "", 1), else_=0),
            lease_owner=bindparam("owner"),
            lease_until=bindparam("until"),
        )
        .returning(*(table.c[name] for name in _PLAIN), table.c.names, table.c.names_key)
    )
