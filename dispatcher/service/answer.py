"""Use case: give the LIS of a source its answers: write them into its return folder, or hand them over by MLLP.

What is to be told stands in the store since the move it tells. It is given in the order of events, and marked after it
was given: a stop in between gives it once more, in the same file or under the same control id. A line that fails rests
for a while, longer each time; it holds up neither the other line of its source nor anybody else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from dispatcher.errors import DispatcherError, OutcomeUnknown, StoreError
from dispatcher.feedback import hl7, hprim, lines, statements
from dispatcher.feedback.events import LINES, STATEMENTS, Event, Format
from dispatcher.feedback.statements import Listed
from dispatcher.feedback.told import Told, Unsayable
from dispatcher.formats.answered import Headers, headers_of
from dispatcher.formats.hl7.answers import acknowledgement
from dispatcher.formats.text import decode
from dispatcher.outbox.dispatch import Dispatch, ReportVersion, SourceFile
from dispatcher.ports import AnswerLine, AnswerRow, AnswerState, UnitOfWork
from dispatcher.receipts.ladder import UNREAD
from dispatcher.service.answer_notes import bounds
from dispatcher.service.desk import Desk
from dispatcher.service.internal import place
from dispatcher.service.originals import context_of
from dispatcher.service.restored import in_doubt
from dispatcher.settings import AnswersSettings

log = logging.getLogger(__name__)

MOST = 200
"""Answers of one look, lines of one file, dispatches of one question."""
FIRST_WAIT = 5.0
"""Seconds after the first failure of a line; twice as long each time."""
MOST_TRIES = 20
"""Times an answer is offered that the LIS refuses for now."""
GONE = "L'original du fichier n'est plus gardé : plus rien ne dit quel message acquitter."
REFUSED = "Le SIL refuse cette réponse (acquittement {code})."
FAULT = "Réponse impossible à écrire, défaut interne du programme. Le signaler au support du logiciel."
_ENDINGS = {Format.CSV: "csv", Format.JSON: "jsonl"}
_ACCEPTED, _LATER = frozenset({"AA", "CA"}), frozenset({"AR", "CR"})


@dataclass(slots=True)
class Way:
    """One line to one source, and what it remembers between two passes."""

    source: str
    kind: str
    """``folder`` or ``mllp``."""
    line: AnswerLine
    formats: tuple[Format, ...]
    """What goes this way."""
    file_names: bool = False
    longest_wait: timedelta = timedelta(minutes=10)
    failures: int = 0
    rests_until: float = 0.0
    """By the clock that never steps back."""

    @property
    def name(self) -> str:
        return f"answers:{self.source}:{self.kind}"


@dataclass(slots=True)
class Answered:
    """What one pass did."""

    given: int = 0
    ended: int = 0
    """Refused by the LIS, or impossible to say."""
    fault: str = ""
    """French: why the line rests now."""
    rested: bool = False
    """It was not tried: it rests."""


@dataclass(slots=True)
class _Pass:
    desk: Desk
    way: Way
    result: Answered = field(default_factory=Answered)
    headers: dict[str, Headers | None] = field(default_factory=dict)
    """By file: events of one file come in a row."""


def ways_of(source: str, settings: AnswersSettings, lines: Mapping[str, AnswerLine]) -> list[Way]:
    """HL7 goes by MLLP where there is such a line, everything else into the folder."""
    by_folder = tuple(one for one in Format if one is not Format.HL7 or "mllp" not in lines)
    wait = timedelta(minutes=settings.retry_minutes)
    return [
        Way(
            source=source,
            kind=kind,
            line=line,
            formats=(Format.HL7,) if kind == "mllp" else by_folder,
            file_names=settings.file_names,
            longest_wait=wait,
        )
        for kind, line in lines.items()
    ]


def anything_due(desk: Desk, way: Way) -> bool:
    """Whether a pass would find something."""
    if desk.clock.monotonic() < way.rests_until or in_doubt(desk.store) is not None:
        return False
    with desk.store.reading() as uow:
        return bool(uow.answers.due(way.source, way.formats, desk.clock.now(), 1))


def answer(desk: Desk, way: Way, go_on: Callable[[], bool] = lambda: True) -> Answered:
    """Give what is due, until nothing is, ``go_on`` says no, or the line fails. Raises :class:`StoreError`.

    Nothing from a database that was restored and is not yet resumed: what was told since its backup is not known.
    """
    this = _Pass(desk, way)
    if desk.clock.monotonic() < way.rests_until or in_doubt(desk.store) is not None:
        this.result.rested = True
        return this.result
    try:
        while go_on() and _some(this, go_on):
            pass
        way.failures = 0
    except StoreError:
        raise
    except DispatcherError as error:
        _rest(this, str(error))
    finally:
        way.line.close()
    return this.result


def _rest(this: _Pass, fault: str) -> None:
    way = this.way
    wait = min(FIRST_WAIT * 2 ** min(way.failures, 20), way.longest_wait.total_seconds())
    way.failures += 1
    way.rests_until = this.desk.clock.monotonic() + wait
    this.result.fault = fault
    log.warning("%s rests for %.0f s", way.name, wait)


def _some(this: _Pass, go_on: Callable[[], bool]) -> bool:
    """One look; False when nothing was due."""
    desk, way = this.desk, this.way
    with desk.store.reading() as uow:
        rows = uow.answers.due(way.source, way.formats, desk.clock.now(), MOST)
    for group in _groups(desk, rows):
        if not go_on():
            return False
        _give_or_end(this, group)
    return bool(rows)


def _give_or_end(this: _Pass, group: tuple[AnswerRow, ...]) -> None:
    """What cannot be said is set aside, alone: the others are given. Raises what the line and the store raise."""
    try:
        _give(this, group)
    except Unsayable as error:
        _end(this, group[0], AnswerState.VOID, str(error))
    except DispatcherError:
        raise
    except Exception as error:  # nobody foresaw it
        if len(group) > 1:
            for row in group:
                _give_or_end(this, (_alone(this.desk, row),))
            return
        log.error("answer %s is set aside: %s", group[0].id, place(error))
        _end(this, group[0], AnswerState.VOID, FAULT)


def _alone(desk: Desk, row: AnswerRow) -> AnswerRow:
    name = f"evenements-{row.id}.{_ENDINGS[Format(row.format)]}"
    with desk.store.transaction() as uow:
        uow.answers.fix_bundle([row.id], name)
    return replace(row, bundle=name)


def _groups(desk: Desk, rows: Sequence[AnswerRow]) -> Iterable[tuple[AnswerRow, ...]]:
    """What leaves together: lines in one file a format, everything else alone. Which lines share a file is written down
    before the file is: after a stop the same file is written again, with the same lines.
    """
    seen: set[str] = set()
    for row in rows:
        if row.id in seen:
            continue
        if Format(row.format) not in LINES or Event(row.event) in STATEMENTS:
            yield (row,)
            continue
        group = _bundle(desk, row, rows)
        seen |= {one.id for one in group}
        yield group


def _bundle(desk: Desk, first: AnswerRow, rows: Sequence[AnswerRow]) -> tuple[AnswerRow, ...]:
    if first.bundle:
        with desk.store.reading() as uow:
            return uow.answers.in_bundle(first.bundle)
    mine = tuple(row for row in rows if row.format == first.format and not row.bundle and _is_line(row))
    name = f"evenements-{first.id}.{_ENDINGS[Format(first.format)]}"
    with desk.store.transaction() as uow:
        uow.answers.fix_bundle([row.id for row in mine], name)
        return uow.answers.in_bundle(name)


def _is_line(row: AnswerRow) -> bool:
    return Event(row.event) not in STATEMENTS


# ------------------------------------------------------------------------------------------------ giving


def _give(this: _Pass, group: tuple[AnswerRow, ...]) -> None:
    row, now = group[0], this.desk.clock.now()
    if Event(row.event) in STATEMENTS:
        listed = _listed(this.desk, row)
        _put(this, group, f"{listed.name}.{row.format}", statements.file(listed, Format(row.format)))
    elif Format(row.format) in LINES:
        told = [_told(this, one) for one in group]
        _put(this, group, row.bundle, lines.file(told, Format(row.format)))
    elif Format(row.format) is Format.HPRIM:
        _put(this, group, f"{row.id[-8:]}.HPR", hprim.file(_told(this, row, needed=True), now))
    else:
        told_once = _told(this, row, needed=True)
        texts = hl7.messages(told_once, now)
        if this.way.kind == "mllp":
            _exchange(this, row, texts)
        else:
            kind = hl7.NAMES.get(told_once.event, "ack")
            _put(this, group, f"{kind}-{row.id}.hl7", "".join(texts).encode())


def _put(this: _Pass, group: Sequence[AnswerRow], name: str, content: bytes) -> None:
    this.way.line.give(name, content)
    _given(this, group)


def _given(this: _Pass, group: Sequence[AnswerRow]) -> None:
    with this.desk.store.transaction() as uow:
        uow.answers.given([row.id for row in group], this.desk.clock.now())
    this.result.given += len(group)


def _exchange(this: _Pass, row: AnswerRow, texts: Sequence[str]) -> None:
    """Each message and its acknowledgement. Raises TransportError: the line rests, the answer stays due."""
    for text in texts:
        code = _acknowledged(this.way.line, row, text)
        if code in _LATER and row.attempts + 1 < MOST_TRIES:
            wait = min(FIRST_WAIT * 2 ** min(row.attempts, 20), this.way.longest_wait.total_seconds())
            with this.desk.store.transaction() as uow:
                later = this.desk.clock.now() + timedelta(seconds=wait)
                uow.answers.put_off(row.id, later, REFUSED.format(code=code))
            return
        if code not in _ACCEPTED:
            _end(this, row, AnswerState.REFUSED, REFUSED.format(code=code))
            return
    _given(this, [row])


def _acknowledged(line: AnswerLine, row: AnswerRow, text: str) -> str:
    back = line.give(row.id, text.encode())
    said = acknowledgement(decode(back).text)
    mine = text.split("\r", 1)[0].split("|")[9]
    if said is None or said.control_id != mine:
        raise OutcomeUnknown(
            "Le SIL répond par MLLP autre chose que l'acquittement du message.",
            hint="Vérifier que ce port est celui qui attend nos réponses.",
        )
    return said.code


def _end(this: _Pass, row: AnswerRow, state: AnswerState, reason: str) -> None:
    with this.desk.store.transaction() as uow:
        uow.answers.end(row.id, state, reason)
    this.result.ended += 1
    log.warning("answer %s to source %s is %s", row.id, row.source, state)


# ------------------------------------------------------------------------------------------------ what is told


def _listed(desk: Desk, row: AnswerRow) -> Listed:
    with desk.store.reading() as uow:
        if Event(row.event) is Event.BATCH:
            about = {"batch": row.subject}
            found = uow.answers.of_batch(row.subject, row.source)
        else:
            about = {"day": row.subject}
            found = uow.answers.of_period(row.source, *bounds(date.fromisoformat(row.subject)))
        missed = _missed(uow, found)
    return Listed(source=row.source, **about, written_at=desk.clock.now(), dispatches=found, unread=missed)


def _missed(uow: UnitOfWork, found: Sequence[tuple[Dispatch, ReportVersion]]) -> frozenset[str]:
    """Of these, those that climbed the ladder and that nobody has read."""
    left = [one.id for one, version in found if one.rung > 1 and one.state in UNREAD and not version.superseded]
    some = (left[first : first + MOST] for first in range(0, len(left), MOST))
    return frozenset(known for ids in some for known in set(uow.ladder.taken(ids)) - uow.ladder.over(ids))


def _told(this: _Pass, row: AnswerRow, *, needed: bool = False) -> Told:
    """``needed``: without the headers of the original there is nothing to say (raises :class:`Unsayable`)."""
    with this.desk.store.reading() as uow:
        file = uow.files.get(row.file_id)
        version = uow.reports.get(row.report_id) if row.report_id else _only(uow, row.file_id)
        found = _headers(this, uow, file)
    if needed and found is None:
        raise Unsayable(GONE)
    detail = {key: str(value) for key, value in row.detail.items()}
    return Told(
        id=row.id,
        event=Event(row.event),
        at=row.at,
        source=row.source,
        subject=row.subject,
        file_id=row.file_id,
        file_name=file.name if file is not None and this.way.file_names else "",
        sha256=file.sha256 if file is not None else "",
        received_at=file.received_at if file is not None else row.at,
        headers=found or Headers(),
        position=version.position if version is not None else None,
        placer=version.order_placer if version is not None else "",
        filler=version.order_filler if version is not None else "",
        version=version.version if version is not None else 0,
        address=detail.get("address", ""),
        recipient_id=detail.get("recipient_id", ""),
        recipient_id_type=detail.get("recipient_id_type", ""),
        channel=detail.get("channel", ""),
        code=detail.get("code", ""),
        reason=detail.get("reason", ""),
        by=detail.get("by", ""),
    )


def _only(uow: UnitOfWork, file_id: str) -> ReportVersion | None:
    """The report of a file that holds just one."""
    found = uow.reports.of_file(file_id)
    return found[0] if len(found) == 1 else None


def _headers(this: _Pass, uow: UnitOfWork, file: SourceFile | None) -> Headers | None:
    if file is None:
        return None
    if file.id not in this.headers:
        original = uow.payloads.get(file.id, "original")
        found = headers_of(original, context_of(this.desk, file)) if original is not None else None
        this.headers = {file.id: found}
    return this.headers[file.id]
