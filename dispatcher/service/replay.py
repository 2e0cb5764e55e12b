"""Use case: send again what failed, exactly what the preview showed: the same bytes, the same Message-ID (decision D2).

A plan remembers how each row stood. Its token, kept with the batch it makes, tells a second click from a second wish:
what the first click did is not done again, what a stop left undone is. A replay can be undone until it leaves.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import chain, groupby
from typing import Any, TypeVar

from dispatcher.clock import Clock
from dispatcher.errors import IllegalMove, StoreError
from dispatcher.outbox.dispatch import Batch, Dispatch, JournalLine, SourceFile
from dispatcher.outbox.states import FILE_STATES, MOVES, STATES, FileState, State
from dispatcher.ports import DispatchFilter, Store, UnitOfWork
from dispatcher.service.changed import Changed

T = TypeVar("T")

REPLAYABLE = (State.FAILED, State.UNKNOWN, State.DEFERRED)
"""What may be sent again by a person. ``failed`` only, unless told otherwise: an ``unknown`` mail may have arrived."""
CHANGED = "a changé d'état entre-temps : le regarder de nouveau"
SUPERSEDED = "remplacé par une version plus récente : le clore"
AGAIN = "déjà rejoué (lot {batch}) : regarder ce lot avant de rejouer de nouveau"
UNDONE = "dispatch.replay-undone"
REPLAYED = "dispatch.replayed"
TWICE = "déjà annulé"
RESENT = "c'est un nouvel envoi : le retirer (withdraw) ou le mettre en attente (hold)"
CHUNK = 500
"""Rows in one transaction: other workers get their turn in between, and a stop loses nothing."""
TRIES = 5
"""How often a transaction is begun again that the database broke off in favour of another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One dispatch as the preview showed it."""

    id: str
    channel: str
    state: State
    fence: int
    attempts: int
    batch_id: str
    label: str
    address: str
    reason: str
    fault: str
    size: int

    @classmethod
    def of(cls, dispatch: Dispatch) -> Planned:
        """Without what a preview does not need: a plan of a whole backlog must fit in memory."""
        return cls(
            id=dispatch.id,
            channel=dispatch.channel,
            state=dispatch.state,
            fence=dispatch.fence,
            attempts=dispatch.attempts,
            batch_id=dispatch.batch_id,
            label=dispatch.label,
            address=dispatch.address,
            reason=dispatch.reason,
            fault=dispatch.fault,
            size=dispatch.sealed_bytes,
        )

    @property
    def stand(self) -> tuple[str, str, int, int, str]:
        """What must not have moved since."""
        return (self.id, self.state, self.fence, self.attempts, self.batch_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPlan:
    """Exactly what a replay would do; shown before anything happens."""

    dispatches: tuple[Planned, ...] = ()
    files: tuple[SourceFile, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()

    @property
    def token(self) -> str:
        """SHA-256 of what it shows; empty for nothing."""
        shown = token_of(self.dispatches)
        return hash_of("/".join([shown, *sorted(file.id for file in self.files)])) if self.files else shown

    @property
    def count(self) -> int:
        """How many dispatches and files."""
        return len(self.dispatches) + len(self.files)


def token_of(planned: Iterable[Planned]) -> str:
    """SHA-256 over how each of them stood, whatever their order; empty for none."""
    stands = sorted(one.stand for one in planned)
    return hash_of(json.dumps(stands)) if stands else ""


def hash_of(text: str) -> str:
    """SHA-256, hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def plan_replay(
    store: Store,
    *,
    ids: Sequence[str] = (),
    wanted: DispatchFilter | None = None,
    states: Sequence[State] = (State.FAILED,),
) -> ReplayPlan:
    """What would be sent again: the dispatches (or quarantined files) named, or all that the filter finds."""
    found: dict[str, Planned] = {}
    left_out: list[tuple[str, str]] = []
    with store.reading() as uow:
        named, files, missing = _named(uow, ids)
        left_out += missing
        searched = every(uow, replace(wanted, states=tuple(states))) if wanted is not None else iter(())
        for page in chain([named], searched):
            gone = uow.reports.superseded([dispatch.report_id for dispatch in page])
            for dispatch in page:
                why = _refusal(dispatch, states, gone)
                if why:
                    left_out.append((dispatch.id, why))
                else:
                    found.setdefault(dispatch.id, Planned.of(dispatch))
    readable = [f for f in files if f.state is FileState.QUARANTINED]
    left_out += [
        (f.id, f"fichier « {FILE_STATES[f.state]} », rien à relire")
        for f in files
        if f.state is not FileState.QUARANTINED
    ]
    left = tuple(dict.fromkeys(left_out))
    return ReplayPlan(dispatches=tuple(found.values()), files=tuple(readable), left_out=left)


def every(uow: UnitOfWork, wanted: DispatchFilter) -> Iterator[tuple[Dispatch, ...]]:
    """All that the filter finds, in pages, oldest first, however many: ``limit`` does not count."""
    after: tuple[datetime, str] | None = None
    while page := uow.dispatches.list(replace(wanted, oldest_first=True, limit=CHUNK, after=after)):
        yield page
        last = page[-1]
        if len(page) < CHUNK or last.created_at is None:
            return
        after = (last.created_at, last.id)


def _named(uow: UnitOfWork, ids: Sequence[str]) -> tuple[tuple[Dispatch, ...], list[SourceFile], list[tuple[str, str]]]:
    dispatches: list[Dispatch] = []
    files: list[SourceFile] = []
    missing: list[tuple[str, str]] = []
    for item in dict.fromkeys(ids):
        dispatch, file = uow.dispatches.get(item), uow.files.get(item)
        if dispatch is not None:
            dispatches.append(dispatch)
        elif file is not None:
            files.append(file)
        else:
            missing.append((item, "numéro inconnu"))
    return tuple(dispatches), files, missing


def _refusal(dispatch: Dispatch, states: Sequence[State], superseded: frozenset[str]) -> str:
    """Why this one is not replayed (French), or empty."""
    if dispatch.state not in states or dispatch.state not in REPLAYABLE:
        return f"état « {STATES[dispatch.state]} », non rejouable ainsi"
    return SUPERSEDED if dispatch.report_id in superseded else ""


def replay(store: Store, clock: Clock, plan: ReplayPlan, *, reason: str, actor: str) -> Changed:
    """Send again exactly what the plan shows, one batch a channel.

    What changed since the plan was made is refused, each with its reason; so is all of it at a second click. After a
    stop, the same plan does the rest.
    """
    done: list[str] = []
    refused: list[tuple[str, str]] = []
    tokens: dict[str, None] = {}
    token = plan.token
    by_channel = sorted(plan.dispatches, key=lambda one: one.channel)
    for channel, planned in groupby(by_channel, key=lambda one: one.channel):
        batch = Batch(
            id=store.new_id("L"),
            channel=channel,
            created_at=clock.now(),
            reason="replay",
            actor=actor,
            why=reason,
            token=f"{token}:{channel}",
        )
        for chunk in chunks(list(planned)):
            mine, others = patiently(partial(_replay_chunk, store, batch, chunk))
            done += mine
            refused += others
            tokens |= {batch.token: None} if mine else {}
    for file in plan.files:
        try:
            with store.transaction() as uow:
                uow.files.move(file.id, FileState.RECEIVED, reason=reason, actor=actor)
            done.append(file.id)
        except IllegalMove:
            refused.append((file.id, CHANGED))
    return Changed(done=tuple(done), refused=tuple(refused), batches=made_by(store, tokens))


def made_by(store: Store, tokens: Iterable[str]) -> tuple[str, ...]:
    """The batches of these tokens, perhaps begun by an earlier call."""
    with store.reading() as uow:
        found = [uow.batches.with_token(token) for token in tokens]
    return tuple(batch.id for batch in found if batch is not None)


def chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Of :data:`CHUNK` at most."""
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))


def patiently(work: Callable[[], T]) -> T:
    """Do it; again when another transaction came first. Raises StoreError."""
    for _ in range(TRIES - 1):
        try:
            return work()
        except StoreError as error:
            if error.code not in {"retry", "conflict"}:
                raise
    return work()


def _replay_chunk(store: Store, batch: Batch, chunk: Sequence[Planned]) -> tuple[list[str], list[tuple[str, str]]]:
    with store.transaction() as uow:
        rows = {row.id: row for row in uow.dispatches.locked([one.id for one in chunk])}  # a second click waits here
        before = uow.batches.with_token(batch.token)
        superseded = uow.reports.superseded([row.report_id for row in rows.values()])
        refused = [(one.id, why) for one in chunk if (why := changed_since(one, rows.get(one.id), before, superseded))]
        kept_back = {item for item, _why in refused}
        mine = [rows[one.id] for one in chunk if one.id not in kept_back]
        if mine:
            fill(uow, before or batch, mine, new=before is None)
        for row in mine:
            changes = _changes(row, before or batch)
            uow.dispatches.move(row.id, State.QUEUED, actor=batch.actor, event=REPLAYED, **changes)
    return [row.id for row in mine], refused


def _changes(row: Dispatch, batch: Batch) -> dict[str, Any]:
    return {
        "batch_id": batch.id,
        "reason": batch.why,
        "due_at": None,
        "unknown_since": None,
        "replayed_from": row.state,
        "replayed_fence": row.fence,
        "replayed_attempts": row.attempts,
    }


def changed_since(one: Planned, row: Dispatch | None, before: Batch | None, superseded: frozenset[str]) -> str:
    """Why what a plan showed is not done (French), or empty. ``before``: the batch an earlier click made."""
    if row is None:
        return CHANGED
    if before is not None and row.batch_id == before.id:
        return AGAIN.format(batch=before.id)
    if Planned.of(row).stand != one.stand:
        return CHANGED
    return SUPERSEDED if row.report_id in superseded else ""


def fill(uow: UnitOfWork, batch: Batch, dispatches: Sequence[Dispatch], *, new: bool) -> None:
    """These belong to it from now on; it is written down when it is ``new``."""
    count, size = len(dispatches), sum(dispatch.sealed_bytes for dispatch in dispatches)
    if new:
        uow.batches.add(replace(batch, count=count, size=size))
    else:
        uow.batches.grow(batch.id, count, size)
    uow.batches.join(batch.id, [dispatch.id for dispatch in dispatches], batch.created_at)


# ---------------------------------------------------------------------------------------------- undo


def undo(store: Store, clock: Clock, batch_id: str, *, reason: str, actor: str) -> Changed:
    """Take a replay back: what has not begun to leave stands again as it stood before; the rest is told as left.

    Raises StoreError ``not-found`` when there is no such batch or it is no replay.
    """
    with store.reading() as uow:
        batch = uow.batches.get(batch_id)
        if batch is None or batch.reason != "replay":
            other = f"Le lot {batch_id} n'est pas un rejeu."
            raise StoreError(
                other if batch is not None else f"Aucun lot ne porte le numéro {batch_id}.",
                hint="« dispatcher batches list » montre les lots ; un rejeu y est nommé.",
                code="not-found",
            )
        ids = [dispatch.id for page in every(uow, DispatchFilter(batch_id=batch_id)) for dispatch in page]
    done: list[str] = []
    refused: list[tuple[str, str]] = []
    for chunk in chunks(ids):
        mine, others = patiently(partial(_undo_chunk, store, clock, batch_id, chunk, reason, actor))
        done += mine
        refused += others
    return Changed(done=tuple(done), refused=tuple(refused))


def _undo_chunk(
    store: Store, clock: Clock, batch_id: str, ids: Sequence[str], reason: str, actor: str
) -> tuple[list[str], list[tuple[str, str]]]:
    done: list[str] = []
    refused: list[tuple[str, str]] = []
    with store.transaction() as uow:
        for row in uow.dispatches.locked(ids):
            why = _not_undone(uow, row, batch_id)
            if why:
                refused.append((row.id, why))
                continue
            stood = _stood(uow.journal.of_subject(row.id), clock.now())
            state = State(row.replayed_from)
            back = {
                "reason": stood["reason"],
                "due_at": stood["due_at"] if state is State.DEFERRED else None,
                "unknown_since": stood["at"] if state is State.UNKNOWN else None,
                "replayed_from": "",
            }
            uow.dispatches.move(row.id, state, actor=actor, event=UNDONE, **back)
            done.append(row.id)
        if done:
            uow.journal.write(batch_id, "batch.undone", actor=actor, reason=reason, count=len(done))
    return done, refused


def _undone(lines: Sequence[JournalLine]) -> bool:
    """Its last replay was taken back, and nothing happened since."""
    return bool(lines) and lines[-1].event == UNDONE


def _not_undone(uow: UnitOfWork, row: Dispatch, batch_id: str) -> str:
    """Why it stays as it is (French), or empty."""
    if row.resend_of:
        return RESENT
    if row.batch_id == batch_id and not row.replayed_from and _undone(uow.journal.of_subject(row.id)):
        return TWICE
    waits = row.state in {State.QUEUED, State.DEFERRED} and row.fence == row.replayed_fence
    if row.batch_id != batch_id or not row.replayed_from or not waits:
        return f"déjà pris en charge ou réglé (état « {STATES[row.state]} ») : laissé tel quel"
    return "" if State(row.replayed_from) in MOVES[row.state] else f"état « {STATES[row.state]} » : laissé tel quel"


def _stood(lines: Sequence[JournalLine], now: datetime) -> dict[str, Any]:
    """What the journal said of it before its last replay: the reason, when it was due, since when it stood so."""
    last = max((number for number, line in enumerate(lines) if line.event == REPLAYED), default=len(lines))
    stood: dict[str, Any] = {"reason": "", "due_at": None, "at": now}
    for line in lines[:last]:
        if "reason" in line.detail:
            stood["reason"] = str(line.detail["reason"])
        if line.detail.get("due_at"):
            stood["due_at"] = datetime.fromisoformat(str(line.detail["due_at"]))
        if "from" in line.detail:
            stood["at"] = line.at
    return stood
