"""Answers to the LIS: a row for everything there is to tell, in the transaction of the move it tells.

Which source is told of what is handed in by the settings (``telling``); for all others a move costs nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import bindparam, func, insert, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from dispatcher.feedback.events import OF_DISPATCH, OF_FILE, OF_LADDER, Event, Format
from dispatcher.feedback.told import snapshot
from dispatcher.outbox.dispatch import Dispatch, ReportVersion, SourceFile
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import AnswerRow, AnswerState
from dispatcher.store.answer_tables import answers as table
from dispatcher.store.ids import new_id
from dispatcher.store.rows import ANSWER, DISPATCH, REPORT
from dispatcher.store.session import Session
from dispatcher.store.tables import batch_members, dispatches, files, journal, reports

PREFIX = "R"
UNTOLD = frozenset({"dispatch.replay-undone"})
"""Journal events of moves that are no news: it is again what was told before."""
_PUT_ON_HOLD = ("dispatch.held", "dispatch.added", "dispatch.sent-late")
"""Journal events that may begin a hold."""
_DUE = text("answers.state = 'due'")
_IN_BUNDLE = text("answers.state = 'due' AND answers.bundle <> ''")
_MOMENTS = {Event.SENT: "sent_at", Event.DELIVERED: "delivered_at", Event.READ: "read_at"}
_SOURCE_OF = (
    select(files.c.source, files.c.id)
    .select_from(reports.join(files, files.c.id == reports.c.file_id))
    .where(reports.c.id == bindparam("of_report"))
)
_SOURCES_OF_BATCH = (
    select(files.c.source)
    .distinct()
    .select_from(
        batch_members.join(dispatches, dispatches.c.id == batch_members.c.dispatch_id)
        .join(reports, reports.c.id == dispatches.c.report_id)
        .join(files, files.c.id == reports.c.file_id)
    )
    .where(batch_members.c.batch_id == bindparam("of_batch"))
)
_PAIR = (
    select(*DISPATCH.columns, *REPORT.columns)
    .select_from(
        dispatches.join(reports, reports.c.id == dispatches.c.report_id).join(files, files.c.id == reports.c.file_id)
    )
    .where(files.c.source == bindparam("of_source"))
    .order_by(dispatches.c.created_at, dispatches.c.id)
)
AT_ONCE = ("report-check",)
"""Holds that only the LIS can end: it corrects the report and exports it again. Told without waiting."""
_HELD = (
    DISPATCH.select.join(reports, reports.c.id == dispatches.c.report_id)
    .join(files, files.c.id == reports.c.file_id)
    .where(
        dispatches.c.state == State.HELD,
        or_(dispatches.c.created_at <= bindparam("before"), dispatches.c.hold_code.in_(AT_ONCE)),
        files.c.source == bindparam("of_source"),
        ~select(table.c.id)
        .where(
            table.c.subject == dispatches.c.id,
            table.c.event == Event.HELD_LONG.value,
            table.c.at
            >= select(func.max(journal.c.at))
            .where(journal.c.subject == dispatches.c.id, journal.c.event.in_(_PUT_ON_HOLD))
            .scalar_subquery(),
        )
        .exists(),
    )
    .order_by(dispatches.c.created_at, dispatches.c.id)
    .limit(bindparam("most"))
)
_HELD_SINCE = select(func.max(journal.c.at)).where(
    journal.c.subject == bindparam("of_id"), journal.c.event.in_(_PUT_ON_HOLD)
)


class SqlAnswers:
    """See :class:`dispatcher.ports.Answers`; ``moved``, ``file_moved`` and ``batch_ended`` are the store's own."""

    def __init__(self, session: Session) -> None:
        self._session = session

    # ------------------------------------------------------------------------------------------ with a move

    def moved(self, dispatch: Dispatch, actor: str, event: str) -> None:
        """It is in another state now, or was missed on the ladder: that is told once of each mail that left."""
        if not self._session.telling or event in UNTOLD:
            return
        what = OF_LADDER.get(event) or OF_DISPATCH.get(dispatch.state)
        if what is None:
            return
        found = self._session.read(_SOURCE_OF, {"of_report": dispatch.report_id}).first()
        if found is not None and (formats := self._session.telling.get(found.source, {}).get(what, ())):
            at = getattr(dispatch, _MOMENTS.get(what, ""), None) or self._session.now()
            once = f"unread:{dispatch.id}:{dispatch.sent_at}" if what is Event.UNREAD else ""
            told = snapshot(dispatch, actor)
            self._add(found.source, formats, what, dispatch.id, at, told, found.id, dispatch, once=once)

    def file_moved(self, file: SourceFile, actor: str, before: FileState | None = None) -> None:
        """It is in another state now; what a person puts aside for good is no news."""
        what = OF_FILE.get(file.state) if before is not FileState.QUARANTINED else None
        formats = self._session.telling.get(file.source, {}).get(what, ()) if what is not None else ()
        if what is not None and formats:
            told = {"reason": file.reason if actor == "daemon" else "", "duplicate_of": file.duplicate_of}
            self._add(file.source, formats, what, file.id, self._session.now(), told, file.id)

    def batch_ended(self, batch_id: str, now: datetime) -> None:
        """Its statement goes to every source that has dispatches in it."""
        if not any(Event.BATCH in told for told in self._session.telling.values()):
            return
        for (source,) in self._session.read(_SOURCES_OF_BATCH, {"of_batch": batch_id}).all():
            formats = self._session.telling.get(source, {}).get(Event.BATCH, ())
            self._add(source, formats, Event.BATCH, batch_id, now, {})

    def _add(
        self,
        source: str,
        formats: Sequence[Format],
        event: Event,
        subject: str,
        at: datetime,
        detail: Mapping[str, object],
        file_id: str = "",
        dispatch: Dispatch | None = None,
        *,
        once: str = "",
    ) -> None:
        now = self._session.now()
        for one in formats:
            row = AnswerRow(
                id=new_id(PREFIX),
                source=source,
                format=one,
                event=event,
                subject=subject,
                file_id=file_id,
                report_id=dispatch.report_id if dispatch is not None else "",
                at=at,
                detail=detail,
                due_at=now,
                token=f"{once}:{one}" if once else "",
            )
            if once:
                self.note(row)
            else:
                self._session.write(insert(table), ANSWER.row(row))

    # ------------------------------------------------------------------------------------------ giving them

    def note(self, row: AnswerRow) -> bool:
        """Add one; False when its token is known already."""
        return self._session.write(_note(self._session.postgresql), ANSWER.row(row)).first() is not None

    def due(self, source: str, formats: Sequence[str], now: datetime, limit: int) -> tuple[AnswerRow, ...]:
        """Of one source in these formats, in the order in which it happened."""
        mine = table.c.format.in_(list(formats))
        wanted = ANSWER.select.where(table.c.source == source, _DUE, mine, table.c.due_at <= now)
        return ANSWER.values(self._session.read(wanted.order_by(table.c.number).limit(limit)))

    def in_bundle(self, bundle: str) -> tuple[AnswerRow, ...]:
        """Those of one file that are still due."""
        wanted = ANSWER.select.where(table.c.bundle == bundle, _IN_BUNDLE)
        return ANSWER.values(self._session.read(wanted.order_by(table.c.number)))

    def fix_bundle(self, ids: Sequence[str], bundle: str) -> None:
        """They leave together, in a file of that name."""
        self._session.write(update(table).where(table.c.id.in_(list(ids))).values(bundle=bundle))

    def given(self, ids: Sequence[str], now: datetime) -> None:
        """Written, or acknowledged."""
        values = {"state": AnswerState.SENT, "sent_at": now, "attempts": table.c.attempts + 1, "reason": ""}
        self._session.write(update(table).where(table.c.id.in_(list(ids))).values(values))

    def put_off(self, answer_id: str, until: datetime, reason: str) -> None:
        """Not given; tried again then."""
        values = {"due_at": until, "reason": reason, "attempts": table.c.attempts + 1}
        self._session.write(update(table).where(table.c.id == answer_id).values(values))

    def end(self, answer_id: str, state: AnswerState, reason: str) -> None:
        """``refused`` or ``void``, with a journal line: the LIS does not know of it."""
        values = {"state": state, "reason": reason, "attempts": table.c.attempts + 1}
        self._session.write(update(table).where(table.c.id == answer_id).values(values))
        self._session.journal.write(answer_id, f"answer.{state}", reason=reason)

    def again(self, ids: Sequence[str], *, actor: str) -> tuple[str, ...]:
        """Due again, with a journal line each; gives those that exist."""
        there = select(table.c.id).where(table.c.id.in_(list(ids))).order_by(table.c.id).with_for_update()
        found = [row.id for row in self._session.read_locked(there)]
        values = {"state": AnswerState.DUE, "due_at": self._session.now(), "bundle": "", "reason": "", "attempts": 0}
        self._session.write(update(table).where(table.c.id.in_(found)).values(values))
        for answer_id in found:
            self._session.journal.write(answer_id, "answer.replayed", actor=actor)
        return tuple(found)

    # ------------------------------------------------------------------------------------------ looking

    def list(
        self, *, source: str = "", states: Sequence[AnswerState] = (), subject: str = "", limit: int = 100
    ) -> tuple[AnswerRow, ...]:
        """The newest first."""
        wanted = ANSWER.select.order_by(table.c.number.desc()).limit(max(limit, 0))
        if source:
            wanted = wanted.where(table.c.source == source)
        if states:
            wanted = wanted.where(table.c.state.in_(list(states)))
        if subject:
            wanted = wanted.where(table.c.subject == subject)
        return ANSWER.values(self._session.read(wanted))

    def waiting(self) -> dict[str, tuple[int, datetime]]:
        """By source: how many are due, and since when the oldest."""
        wanted = select(table.c.source, func.count(), func.min(table.c.at)).where(_DUE).group_by(table.c.source)
        return {source: (int(count), oldest) for source, count, oldest in self._session.read(wanted)}

    def last_day(self, source: str, before: str) -> str:
        """The last day before that one whose statement was noted, or empty: a clock may have stood in the future."""
        mine = table.c.source == source, table.c.event == Event.DAY.value, table.c.subject < before
        return self._session.read(select(func.max(table.c.subject)).where(*mine)).scalar_one() or ""

    def long_held(self, source: str, before: datetime, limit: int = 200) -> tuple[tuple[Dispatch, datetime], ...]:
        """Held since before then and not told yet, each with the moment its hold began."""
        self._session.journal.flush()
        rows = self._session.read(_HELD, {"of_source": source, "before": before, "most": limit}).all()
        held = [(one, self._held_since(one)) for one in DISPATCH.values(rows)]
        return tuple((one, since) for one, since in held if since <= before or one.hold_code in AT_ONCE)

    def _held_since(self, dispatch: Dispatch) -> datetime:
        since: datetime | None = self._session.read(_HELD_SINCE, {"of_id": dispatch.id}).scalar_one()
        return since or dispatch.created_at or self._session.now()

    def of_batch(self, batch_id: str, source: str) -> tuple[tuple[Dispatch, ReportVersion], ...]:
        """The dispatches of one source that went into a batch."""
        members = select(batch_members.c.dispatch_id).where(batch_members.c.batch_id == batch_id)
        return self._pairs(_PAIR.where(dispatches.c.id.in_(members)), source)

    def of_period(self, source: str, since: datetime, until: datetime) -> tuple[tuple[Dispatch, ReportVersion], ...]:
        """The dispatches of one source made in that time."""
        made = dispatches.c.created_at
        every = dispatches.c.state.in_(list(State))  # in the words of the index by state and time
        return self._pairs(_PAIR.where(every, made >= since, made < until), source)

    def _pairs(self, wanted: Any, source: str) -> tuple[tuple[Dispatch, ReportVersion], ...]:
        width = len(DISPATCH.names)
        rows = self._session.read(wanted, {"of_source": source})
        return tuple((DISPATCH.value(row[:width]), REPORT.value(row[width:])) for row in rows)


@cache
def _note(on_postgresql: bool) -> Any:
    statement: Any = (postgresql if on_postgresql else sqlite).insert(table)
    return statement.on_conflict_do_nothing().returning(table.c.id)
