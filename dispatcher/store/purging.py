"""Purging: which rows and payloads are kept no longer (docs/adr/0027-retention.md).

The unit is a source file with everything made of it: as long as anything of it is unfinished, all of it stays. A file
knows when its contents went (``purged_at``): the replay, the evidence and the screens say so. Ids are handed over by
the few, what belongs to them is found by subqueries: one file may hold thousands of reports.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    text,
    update,
)

from dispatcher.outbox.states import UNFINISHED, FileState
from dispatcher.receipts.redaction import extract
from dispatcher.routing.addresses import is_patient
from dispatcher.store.answer_tables import answers, figures, figures_domains
from dispatcher.store.engine_tables import batch_members
from dispatcher.store.files import names_context
from dispatcher.store.ladder_tables import ladder_steps, print_members, print_runs
from dispatcher.store.ladders import CALLING
from dispatcher.store.payloads import SqlPayloads
from dispatcher.store.receipts import EXTRACT
from dispatcher.store.session import Session
from dispatcher.store.tables import batches, dispatches, files, journal, payloads, receipts, reports
from dispatcher.store_ports.answers import AnswerState
from dispatcher.store_ports.purging import Kept, Page, Place, Weight, Weights

_OVER = (FileState.DONE, FileState.DUPLICATE)
_ENDED = (AnswerState.SENT, AnswerState.REFUSED, AnswerState.VOID)

_report = reports.alias("report_of")
_dispatch = dispatches
_of_file = _report.c.file_id == files.c.id
_its_reports = select(_report.c.id).where(_of_file)
_its_dispatches = select(_dispatch.c.id).join(_report, _report.c.id == _dispatch.c.report_id).where(_of_file)
_UNFINISHED = exists().where(
    _dispatch.c.report_id.in_(_its_reports.correlate(files)),
    or_(_dispatch.c.state.in_(sorted(UNFINISHED)), _dispatch.c.climb_at.is_not(None), and_(*CALLING)),
)
_UNANSWERED = exists().where(answers.c.file_id == files.c.id, answers.c.state == AnswerState.DUE)


def _touched(subject: Any) -> ColumnElement[bool]:
    return exists().where(journal.c.subject.in_(subject), journal.c.at >= bindparam("before"))


_QUIET = ~or_(
    exists().where(journal.c.subject == files.c.id, journal.c.at >= bindparam("before")),
    _touched(_its_reports.correlate(files)),
    _touched(_its_dispatches.correlate(files)),
)
_MAY_GO = (files.c.state.in_(_OVER), files.c.removed.is_(True), ~_UNFINISHED, ~_UNANSWERED, _QUIET)
_sibling, _other = reports.alias("same_chain"), files.alias("other_file")
_CHAIN_STAYS = exists().where(
    _report.c.file_id == files.c.id,
    _sibling.c.chain == _report.c.chain,
    _other.c.id == _sibling.c.file_id,
    or_(_other.c.purged_at.is_(None), _other.c.received_at >= bindparam("before")),
)
_IN = files.c.id.in_(bindparam("ids", expanding=True))

_reports_in = select(_report.c.id).where(_report.c.file_id.in_(bindparam("ids", expanding=True)))
_dispatches_in = select(_dispatch.c.id).where(_dispatch.c.report_id.in_(_reports_in))
_receipts_in = select(receipts.c.id).where(receipts.c.dispatch_id.in_(_dispatches_in))
_PARTS: tuple[tuple[Kept, ColumnElement[bool]], ...] = (
    (
        Kept.ORIGINALS,
        and_(
            payloads.c.owner.in_(bindparam("ids", expanding=True)),
            or_(payloads.c.kind.in_(("original", "recipients")), payloads.c.kind.like("sibling:%")),
        ),
    ),
    (Kept.RENDITIONS, and_(payloads.c.owner.in_(_dispatches_in), payloads.c.kind.like("rendition:%"))),
    (Kept.MAILS, and_(payloads.c.owner.in_(_dispatches_in), payloads.c.kind == "sealed")),
    (Kept.ADDRESSES, and_(payloads.c.owner.in_(_dispatches_in), payloads.c.kind == "recipient")),
)
"""Payloads that go with the contents of a file; notices are treated by hand."""
_NOTICES = (
    select(receipts.c.id, receipts.c.kind, dispatches.c.address, payloads.c.size)
    .select_from(
        receipts.join(dispatches, dispatches.c.id == receipts.c.dispatch_id).join(
            payloads, and_(payloads.c.owner == receipts.c.id, payloads.c.kind == "notice")
        )
    )
    .where(dispatches.c.report_id.in_(_reports_in))
)
_same, _file = reports.alias("same_patient"), files.alias("file_of_it")
_HASHES = select(_report.c.patient_hash).where(
    _report.c.file_id.in_(bindparam("ids", expanding=True)), _report.c.patient_hash != ""
)
_FORGET = (
    update(reports)
    .where(
        reports.c.patient_hash.in_(_HASHES),
        text("reports.patient_hash <> ''"),  # in the words of the partial index
        ~exists().where(
            _same.c.patient_hash == reports.c.patient_hash, _file.c.id == _same.c.file_id, _file.c.purged_at.is_(None)
        ),
    )
    .values(patient_hash="")
)
_EMPTY = (
    update(files)
    .where(files.c.id == bindparam("of_id"))
    .values(purged_at=bindparam("at"), names=bindparam("new_names"), names_key=bindparam("new_key"), path_hash="")
)
_ALONE = (receipts.c.dispatch_id == "", receipts.c.to_read.is_(False), receipts.c.at < bindparam("before"))
"""Notices of nobody; one that waits for a person is unfinished."""
_UNMATCHED = (
    *_ALONE,
    payloads.c.owner == receipts.c.id,
    payloads.c.kind == "notice",
)
_newest_day = answers.alias("newest_day")
_ANSWERS = (
    answers.c.state.in_(_ENDED),
    answers.c.at < bindparam("before"),
    or_(answers.c.file_id == "", exists().where(files.c.id == answers.c.file_id, files.c.purged_at.is_not(None))),
    or_(  # the newest statement of a day says which the next one is
        answers.c.event != "day",
        answers.c.subject
        < select(func.max(_newest_day.c.subject))
        .where(_newest_day.c.source == answers.c.source, _newest_day.c.event == "day")
        .scalar_subquery(),
    ),
)


class SqlPurging:
    """See :class:`dispatcher.ports.Purging`."""

    def __init__(self, session: Session, kept: SqlPayloads) -> None:
        self._session = session
        self._payloads = kept

    # ------------------------------------------------------------------------------------------ contents

    def contents(self, before: datetime, after: Place | None, limit: int) -> Page:
        """A page of files with contents, and those of them that may go."""
        return self._page(files.c.purged_at.is_(None), _MAY_GO, before, after, limit)

    def weigh_contents(self, ids: Sequence[str]) -> Weights:
        """By kind."""
        found: Weights = {Kept.FILES: Weight(len(ids))}
        for kind, which in _PARTS:
            count, size = self._session.read(_weighing(which), {"ids": list(ids)}).one()
            found[kind] = Weight(int(count), int(size))
        going = [row for row in self._notices(ids) if _goes(row)]
        found[Kept.NOTICES] = Weight(len(going), sum(row.size for row in going))
        return found

    def drop_contents(self, ids: Sequence[str], before: datetime, now: datetime) -> Weights:
        """Those that still may go; a row locked by somebody waits for the next purge."""
        going = self._locked(ids, (files.c.purged_at.is_(None), *_MAY_GO), before)
        if not going:
            return {}
        gone = self.weigh_contents(going)
        self._shorten(going)
        for _kind, which in _PARTS:
            self._session.write(delete(payloads).where(which), {"ids": going})
        self._session.write(_EMPTY, [self._emptied(one, now) for one in going])
        gone[Kept.IDENTITIES] = Weight(self._session.write(_FORGET, {"ids": going}).rowcount)
        return gone

    def _notices(self, ids: Sequence[str]) -> Sequence[Any]:
        return self._session.read(_NOTICES, {"ids": list(ids)}).all()

    def _shorten(self, ids: Sequence[str]) -> None:
        """Of a notice who said what stays; of one about a patient's own mail nothing does."""
        for row in self._notices(ids):
            if not _goes(row):
                continue
            whole = self._payloads.get(row.id, "notice")
            if whole is not None and not is_patient(row.address):
                self._payloads.put(row.id, EXTRACT, extract(whole).encode("utf-8", "replace"))
            self._session.write(delete(payloads).where(payloads.c.owner == row.id, payloads.c.kind == "notice"))

    def _emptied(self, file_id: str, now: datetime) -> dict[str, Any]:
        cipher = self._session.cipher
        nothing = cipher.encrypt(json.dumps(["", ""]).encode("ascii"), names_context(file_id))
        return {"of_id": file_id, "at": now, "new_names": nothing, "new_key": cipher.key_id}

    # ------------------------------------------------------------------------------------------ beside them

    def unmatched(self, before: datetime, limit: int) -> tuple[str, ...]:
        """Oldest first."""
        wanted = select(receipts.c.id).where(*_UNMATCHED).order_by(receipts.c.at, receipts.c.id).limit(limit)
        return tuple(self._session.read(wanted, {"before": before}).scalars())

    def weigh_unmatched(self, before: datetime) -> Weight:
        """All of them."""
        wanted = select(func.count(), func.coalesce(func.sum(payloads.c.size), 0)).where(*_UNMATCHED)
        count, size = self._session.read(wanted, {"before": before}).one()
        return Weight(int(count), int(size))

    def drop_unmatched(self, ids: Sequence[str]) -> Weight:
        """Their bytes; the row stays, or the mail that may still lie in the mailbox would come in again."""
        which = and_(payloads.c.owner.in_(bindparam("ids", expanding=True)), payloads.c.kind == "notice")
        count, size = self._session.read(_weighing(which), {"ids": list(ids)}).one()
        self._session.write(delete(payloads).where(which), {"ids": list(ids)})
        return Weight(int(count), int(size))

    def count_answers(self, before: datetime) -> int:
        """Those :meth:`drop_answers` would remove."""
        return int(
            self._session.read(select(func.count()).select_from(answers).where(*_ANSWERS), {"before": before}).scalar()
            or 0
        )

    def drop_answers(self, before: datetime, limit: int) -> int:
        """Oldest first."""
        some = select(answers.c.number).where(*_ANSWERS).order_by(answers.c.number).limit(limit)
        numbers = list(self._session.read(some, {"before": before}).scalars())
        if numbers:
            self._session.write(delete(answers).where(answers.c.number.in_(numbers)))
        return len(numbers)

    # ------------------------------------------------------------------------------------------ proof

    def proofs(self, before: datetime, after: Place | None, limit: int) -> Page:
        """A page of files without contents, and those of them that may go."""
        return self._page(files.c.purged_at.is_not(None), (*_MAY_GO, ~_CHAIN_STAYS), before, after, limit)

    def count_proofs(self, ids: Sequence[str]) -> int:
        """Dispatches."""
        wanted = select(func.count()).select_from(_dispatches_in.subquery())
        return int(self._session.read(wanted, {"ids": list(ids)}).scalar_one())

    def drop_proofs(self, ids: Sequence[str], before: datetime) -> int:
        """From the leaves to the root; the tallies follow."""
        going = self._locked(ids, (files.c.purged_at.is_not(None), *_MAY_GO, ~_CHAIN_STAYS), before)
        if not going:
            return 0
        these = {"ids": going}
        count = self.count_proofs(going)
        self._uncount(going)
        owners = (payloads.c.owner.in_(_receipts_in), payloads.c.owner.in_(_dispatches_in))
        for which in (*owners, payloads.c.owner.in_(bindparam("ids", expanding=True))):
            self._session.write(delete(payloads).where(which), these)
        self._session.write(delete(answers).where(answers.c.file_id.in_(bindparam("ids", expanding=True))), these)
        for table in (ladder_steps, print_members, batch_members, receipts):
            self._session.write(delete(table).where(table.c.dispatch_id.in_(_dispatches_in)), these)
        self._session.write(delete(dispatches).where(dispatches.c.report_id.in_(_reports_in)), these)
        self._session.write(delete(reports).where(reports.c.file_id.in_(bindparam("ids", expanding=True))), these)
        self._session.write(delete(files).where(_IN), these)
        return count

    def _uncount(self, ids: Sequence[str]) -> None:
        of_dispatches = (
            select(dispatches.c.channel, dispatches.c.state, func.count())
            .where(dispatches.c.report_id.in_(_reports_in))
            .group_by(dispatches.c.channel, dispatches.c.state)
        )
        for channel, state, count in self._session.read(of_dispatches, {"ids": list(ids)}).all():
            self._session.tallies.change("dispatch", channel, state, -int(count))
        of_files = select(files.c.state, func.count()).where(_IN).group_by(files.c.state)
        for state, count in self._session.read(of_files, {"ids": list(ids)}).all():
            self._session.tallies.change("file", "", state, -int(count))

    def drop_rests(self, before: datetime) -> None:
        """What no dispatch belongs to any more."""
        day = before.date().isoformat()
        old = {"before": before}
        self._session.write(
            delete(batches).where(
                batches.c.state == "done",
                batches.c.created_at < bindparam("before"),
                ~exists().where(batch_members.c.batch_id == batches.c.id),
            ),
            old,
        )
        self._session.write(
            delete(print_runs).where(
                print_runs.c.made_at < bindparam("before"), ~exists().where(print_members.c.run_id == print_runs.c.id)
            ),
            old,
        )
        of_alone = payloads.c.owner.in_(select(receipts.c.id).where(*_ALONE))
        self._session.write(delete(payloads).where(of_alone), old)
        self._session.write(delete(receipts).where(*_ALONE), old)
        for table in (figures, figures_domains):
            self._session.write(delete(table).where(table.c.day < day))

    # ------------------------------------------------------------------------------------------ files

    def _page(
        self, which: ColumnElement[bool], may_go: Sequence[Any], before: datetime, after: Place | None, limit: int
    ) -> Page:
        """Looks at ``limit`` old files, however few of them may go: no page is long."""
        wanted: Select[Any] = select(files.c.id, files.c.received_at).where(which, files.c.received_at < before)
        if after is not None:
            at, name = after
            later = and_(files.c.received_at == at, files.c.id > name)
            wanted = wanted.where(or_(files.c.received_at > at, later))
        rows = self._session.read(wanted.order_by(files.c.received_at, files.c.id).limit(limit)).all()
        if not rows:
            return Page()
        ids = [row.id for row in rows]
        going = select(files.c.id).where(_IN, *may_go)
        found = set(self._session.read(going, {"ids": ids, "before": before}).scalars())
        return Page(
            ids=tuple(one for one in ids if one in found),
            first=rows[0].received_at,
            until=rows[-1].received_at,
            last=(rows[-1].received_at, rows[-1].id) if len(rows) == limit else None,
        )

    def _locked(self, ids: Sequence[str], may_go: Sequence[Any], before: datetime) -> list[str]:
        if not ids:
            return []
        wanted = select(files.c.id).where(_IN, *may_go).order_by(files.c.id).with_for_update(skip_locked=True)
        return list(self._session.write(wanted, {"ids": list(ids), "before": before}).scalars())


def _weighing(which: ColumnElement[bool]) -> Select[Any]:
    return select(func.count(), func.coalesce(func.sum(payloads.c.size), 0)).where(which)


def _goes(row: Any) -> bool:
    """The reply of our operator's server names nobody, but where the patient himself was written to."""
    return bool(row.kind != "smtp" or is_patient(row.address))
