"""The climb of unread mail: when the ladder looks at what, the rungs climbed, the digests, the mailboxes heard.

``dispatches.climb_at`` is when somebody has to look; every move keeps it (``store/moves.py``). What was climbed stands
in ``ladder_steps``, whose key lets each rung of a dispatch be climbed once, whoever tries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, exists, func, insert, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from dispatcher.ports import DigestRow, StepRow
from dispatcher.receipts.ladder import CLIMBING, UNREAD, Rung
from dispatcher.store.ladder_tables import digests, heard, ladder_steps
from dispatcher.store.rows import DIGEST, DISPATCH, STEP
from dispatcher.store.session import Session
from dispatcher.store.tables import batch_members, reports
from dispatcher.store.tables import dispatches as table

_DUE = (
    DISPATCH.select.where(table.c.climb_at <= bindparam("now"))
    .order_by(table.c.climb_at, table.c.id)
    .limit(bindparam("most"))
)
_WAIT = (
    update(table)
    .where(
        table.c.id == bindparam("of_id"),
        table.c.rung == bindparam("of_rung"),
        table.c.climb_at == bindparam("of_climb_at"),
    )
    .values(rung=bindparam("new_rung"), climb_at=bindparam("new_climb_at"))
)
_FAR = select(table.c.id).where(table.c.climb_at > bindparam("beyond")).limit(1)
_BRING_BACK = update(table).where(table.c.climb_at > bindparam("beyond")).values(climb_at=bindparam("now"), rung=0)
_TAKEN = (
    select(ladder_steps.c.dispatch_id, ladder_steps.c.step, ladder_steps.c.at)
    .where(ladder_steps.c.dispatch_id.in_(bindparam("ids", expanding=True)))
    .order_by(ladder_steps.c.dispatch_id, ladder_steps.c.step)
)
_LOCKED = DISPATCH.select.where(table.c.id == bindparam("of_id")).with_for_update()
_COPY = table.alias("copy")
_DONE_WITH = or_(
    exists().where(reports.c.id == table.c.report_id, reports.c.superseded.is_(True)),
    exists().where(
        _COPY.c.report_id == table.c.report_id, _COPY.c.resend_of == table.c.id, _COPY.c.state == State.READ
    ),
)
"""A newer version replaced it, or a copy of it was read: no ladder, no reminder, no alarm any more."""
_OVER = select(table.c.id).where(table.c.id.in_(bindparam("ids", expanding=True)), _DONE_WITH)
_BEGUN = text("dispatches.rung > 1")
"""In the words of the partial index."""
_CLIMBED = exists().where(ladder_steps.c.dispatch_id == table.c.id)
_UNREAD = (_BEGUN, table.c.state.in_(sorted(UNREAD)), _CLIMBED, ~_DONE_WITH)
_CALLED = exists().where(ladder_steps.c.dispatch_id == table.c.id, ladder_steps.c.rung == Rung.PERSON.value)
CALLING = (
    _BEGUN,
    table.c.state.in_(sorted(CLIMBING)),
    table.c.printed_at.is_(None),
    table.c.acknowledged_at.is_(None),
    _CALLED,
    ~_DONE_WITH,
)
"""A person was called for it, and nobody said that he takes it over."""
_CALLING = DISPATCH.select.where(*CALLING).order_by(table.c.lane, table.c.sent_at, table.c.id).limit(bindparam("most"))


class SqlLadders:
    """See :class:`dispatcher.ports.Ladders`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    # ------------------------------------------------------------------------------------------ the climb

    def due(self, now: datetime, limit: int) -> tuple[Dispatch, ...]:
        """Those to look at, the longest due first."""
        return DISPATCH.values(self._session.read(_DUE, {"now": now, "most": limit}))

    def wait(self, rows: Mapping[str, tuple[int, datetime | None]], seen: Sequence[Dispatch]) -> None:
        """The rung each waits for from now on, and until when; one that moved since it was seen is left."""
        params = [
            {"of_id": one.id, "of_rung": one.rung, "of_climb_at": one.climb_at}
            | dict(zip(("new_rung", "new_climb_at"), rows[one.id], strict=True))
            for one in sorted(seen, key=lambda one: one.id)
            if one.id in rows
        ]
        if params:
            self._session.write(_WAIT, params)

    def over(self, ids: Sequence[str]) -> frozenset[str]:
        """Those that a newer version replaced, or of which a copy was read."""
        return frozenset(self._session.read(_OVER, {"ids": list(ids)}).scalars()) if ids else frozenset()

    def locked(self, dispatch_id: str) -> Dispatch | None:
        """As it is now."""
        row = self._session.read_locked(_LOCKED, {"of_id": dispatch_id}).first()
        return None if row is None else DISPATCH.value(row)

    def bring_back(self, beyond: datetime) -> int:
        """Waits that a clock set far ahead wrote down are worked out anew."""
        if self._session.read(_FAR, {"beyond": beyond}).first() is None:
            return 0
        now = self._session.now()
        return int(self._session.write(_BRING_BACK, {"beyond": beyond, "now": now}).rowcount)

    def resume(self, channel: str, since: datetime, *, address: str = "", domain: str = "") -> int:
        """Unread mail whose climb is over is worked out anew; not what left before there was a ladder (rung 0)."""
        whose = func.lower(table.c.address) == address.lower() if address else func.lower(table.c.domain) == domain
        wanted = (
            table.c.state.in_(sorted(UNREAD)),
            table.c.channel == channel,
            whose,
            table.c.created_at > since,
            table.c.rung > 0,
            table.c.climb_at.is_(None),
            table.c.acknowledged_at.is_(None),
        )
        anew = update(table).where(*wanted).values(climb_at=self._session.now(), rung=0)
        return int(self._session.write(anew).rowcount)

    def taken(self, ids: Sequence[str]) -> dict[str, tuple[int, datetime]]:
        """The highest rung climbed of each that climbed any, and when."""
        rows = self._session.read(_TAKEN, {"ids": list(ids)}) if ids else ()
        return {row.dispatch_id: (int(row.step), row.at) for row in rows}

    def take(self, row: StepRow) -> bool:
        """False: somebody has climbed it."""
        return self._session.write(_insert_new(self._session.postgresql), STEP.row(row)).first() is not None

    def steps(self, dispatch_id: str) -> tuple[StepRow, ...]:
        """In order."""
        wanted = STEP.select.where(ladder_steps.c.dispatch_id == dispatch_id).order_by(ladder_steps.c.step)
        return STEP.values(self._session.read(wanted))

    # ------------------------------------------------------------------------------------------ digests

    def open_digest(self, digest_id: str, now: datetime) -> DigestRow:
        """The one being gathered, else a new one."""
        self._session.lock("digest")
        row = self._session.read(DIGEST.select.where(digests.c.told.is_(False))).first()
        if row is not None:
            return DIGEST.value(row)
        made = DigestRow(id=digest_id, made_at=now)
        self._session.write(insert(digests), DIGEST.row(made))
        return made

    def grow_digest(self, digest_id: str, count: int) -> None:
        """So many more."""
        self._session.write(update(digests).where(digests.c.id == digest_id).values(count=digests.c.count + count))

    def end_digest(self, digest_id: str, now: datetime) -> DigestRow:
        """Complete, with its journal line."""
        done = update(digests).where(digests.c.id == digest_id).values(told=True, told_at=now)
        self._session.write(done)
        row = DIGEST.value(self._session.read(DIGEST.select.where(digests.c.id == digest_id)).one())
        self._session.journal.write(digest_id, "ladder.digest", count=row.count)
        return row

    def last_digest(self) -> DigestRow | None:
        """The one made last, whatever the clock said."""
        row = self._session.read(DIGEST.select.order_by(digests.c.number.desc()).limit(1)).first()
        return None if row is None else DIGEST.value(row)

    def members(self, digest_id: str, limit: int) -> tuple[Dispatch, ...]:
        """Still unread, the oldest first."""
        told = select(ladder_steps.c.dispatch_id).where(ladder_steps.c.digest == digest_id)
        wanted = DISPATCH.select.where(*_UNREAD, table.c.id.in_(told)).order_by(table.c.sent_at, table.c.id)
        return DISPATCH.values(self._session.read(wanted.limit(limit)))

    # ------------------------------------------------------------------------------------------ looking

    def unread(self, *, recipient: str = "", limit: int = 100) -> tuple[Dispatch, ...]:
        """The longest unread first; ``recipient``: part of the folded label, address or number."""
        wanted: Select[Any] = DISPATCH.select.where(*_UNREAD).order_by(table.c.sent_at, table.c.id).limit(limit)
        for word in recipient.split():
            wanted = wanted.where(table.c.search.contains(word, autoescape=True))
        return DISPATCH.values(self._session.read(wanted))

    def count_unread(self, *, channel: str = "", batch_id: str = "") -> int:
        """Sent or delivered, in force, and reminded of."""
        wanted = select(func.count()).select_from(table).where(*_UNREAD)
        if channel:
            wanted = wanted.where(table.c.channel == channel)
        if batch_id:
            inside = select(batch_members.c.dispatch_id).where(batch_members.c.batch_id == batch_id)
            wanted = wanted.where(table.c.id.in_(inside))
        return int(self._session.read(wanted).scalar_one())

    def calling(self, limit: int = 100) -> tuple[Dispatch, ...]:
        """Those for which a person was called, and nobody said that he takes them over."""
        return DISPATCH.values(self._session.read(_CALLING, {"most": limit}))

    def acknowledge(self, dispatch_id: str, now: datetime, *, reason: str, actor: str) -> None:
        """Its ladder and its alarm end."""
        over = {"acknowledged_at": now, "climb_at": None, "escalate_at": None}
        self._session.write(update(table).where(table.c.id == dispatch_id).values(over))
        self._session.journal.write(dispatch_id, "dispatch.acknowledged", actor=actor, reason=reason)

    # ------------------------------------------------------------------------------------------ mailboxes

    def hear(self, channel: str, now: datetime) -> None:
        """Its mailbox was read to the end."""
        self._session.write(_hear(self._session.postgresql), {"channel": channel, "at": now})

    def heard(self, channel: str) -> datetime | None:
        """When it was read to the end last, as far as it was noted."""
        at: datetime | None = self._session.read(select(heard.c.at).where(heard.c.channel == channel)).scalar()
        return at


@cache
def _insert_new(on_postgresql: bool) -> Any:
    statement: Any = (postgresql if on_postgresql else sqlite).insert(ladder_steps)
    return statement.on_conflict_do_nothing().returning(ladder_steps.c.step)


@cache
def _hear(on_postgresql: bool) -> Any:
    statement: Any = (postgresql if on_postgresql else sqlite).insert(heard)
    return statement.on_conflict_do_update(index_elements=["channel"], set_={"at": statement.excluded.at})
