"""Use case: what an operator decides. Every decision names a person and a reason, and lands in the journal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dispatcher.clock import Clock
from dispatcher.errors import IllegalMove, StoreError
from dispatcher.outbox.dispatch import Batch, Dispatch, SourceFile
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import DispatchFilter, Store, UnitOfWork

REPLAYABLE = (State.FAILED, State.UNKNOWN, State.DEFERRED)
"""What may be sent again by a person. ``failed`` only, unless told otherwise: an ``unknown`` mail may have arrived."""
LEAVING = "Cet envoi est en train d'être remis : attendre son issue."
CHANGED = "a changé d'état entre-temps : le regarder de nouveau"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What a decision did, and what it could not do, with the reason in French."""

    done: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()


def hold(store: Store, ids: Iterable[str], *, reason: str, actor: str) -> Changed:
    """Put dispatches on hold before they leave."""
    return _move_all(store, ids, State.HELD, reason=reason, actor=actor, hold_code="operator")


def close(store: Store, ids: Iterable[str], *, reason: str, actor: str) -> Changed:
    """End dispatches for good: a person has seen to it another way."""
    return _move_all(store, ids, State.CLOSED, reason=reason, actor=actor)


def withdraw(store: Store, ids: Iterable[str], *, reason: str, actor: str) -> Changed:
    """Take dispatches back before they leave."""
    return _move_all(store, ids, State.WITHDRAWN, reason=reason, actor=actor)


def to_paper(store: Store, ids: Iterable[str], *, reason: str, actor: str) -> Changed:
    """Send these on paper instead."""
    return _move_all(store, ids, State.PAPER, reason=reason, actor=actor)


def _move_all(
    store: Store, ids: Iterable[str], state: State, *, reason: str, actor: str, hold_code: str = ""
) -> Changed:
    done: list[str] = []
    refused: list[tuple[str, str]] = []
    for dispatch_id in ids:
        try:
            with store.transaction() as uow:
                dispatch = _as_it_is(uow, dispatch_id)
                if dispatch is None:
                    raise StoreError("Aucun envoi ne porte ce numéro.", hint="« dispatcher list » montre les envois.")
                if dispatch.state is State.SENDING:
                    raise IllegalMove(LEAVING)
                uow.dispatches.move(
                    dispatch_id, state, actor=actor, event=f"dispatch.{state}", reason=reason, hold_code=hold_code
                )
            done.append(dispatch_id)
        except (IllegalMove, StoreError) as error:
            refused.append((dispatch_id, error.message))
    return Changed(done=tuple(done), refused=tuple(refused))


def _as_it_is(uow: UnitOfWork, dispatch_id: str) -> Dispatch | None:
    """The dispatch, its row locked to the end of the transaction while it is unfinished."""
    found = uow.dispatches.get(dispatch_id)
    if found is None:
        return None
    locked = uow.dispatches.unsettled_of_chain(found.chain, below_version=found.version + 1)
    return next((one for one in locked if one.id == dispatch_id), uow.dispatches.get(dispatch_id))


# ---------------------------------------------------------------------------------------------- replay


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPlan:
    """Exactly what a replay would do; shown before anything happens."""

    dispatches: tuple[Dispatch, ...] = ()
    files: tuple[SourceFile, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()


def plan_replay(
    store: Store,
    *,
    ids: Sequence[str] = (),
    wanted: DispatchFilter | None = None,
    states: Sequence[State] = (State.FAILED,),
) -> ReplayPlan:
    """What would be sent again: the dispatches (or quarantined files) named, or all that the filter finds."""
    dispatches: list[Dispatch] = []
    files: list[SourceFile] = []
    left_out: list[tuple[str, str]] = []
    with store.reading() as uow:
        for item in ids:
            dispatch, file = uow.dispatches.get(item), uow.files.get(item)
            if dispatch is not None:
                dispatches.append(dispatch)
            elif file is not None:
                files.append(file)
            else:
                left_out.append((item, "numéro inconnu"))
        if wanted is not None:
            dispatches += [d for d in uow.dispatches.list(wanted) if d.state in states]
        dispatches = list({d.id: d for d in dispatches}.values())
        refusals = {d.id: _refusal(uow, d, states) for d in dispatches}
    ready = [d for d in dispatches if not refusals[d.id]]
    left_out += [(d.id, refusals[d.id]) for d in dispatches if refusals[d.id]]
    readable = [f for f in files if f.state is FileState.QUARANTINED]
    left_out += [(f.id, f"fichier « {f.state} », rien à relire") for f in files if f.state is not FileState.QUARANTINED]
    return ReplayPlan(dispatches=tuple(ready), files=tuple(readable), left_out=tuple(left_out))


def _refusal(uow: UnitOfWork, dispatch: Dispatch, states: Sequence[State]) -> str:
    """Why this one is not replayed (French), or empty."""
    if dispatch.state not in states or dispatch.state not in REPLAYABLE:
        return f"état « {dispatch.state} », non rejouable ainsi"
    version = uow.reports.get(dispatch.report_id)
    if version is not None and version.superseded:
        return "remplacé par une version plus récente : le clore"
    return ""


def replay(store: Store, clock: Clock, plan: ReplayPlan, *, reason: str, actor: str) -> Changed:
    """Send again exactly what the plan shows: the same bytes, the same Message-ID (decision D2).

    What changed since the plan was made is refused, each with its reason.
    """
    done: list[str] = []
    refused: list[tuple[str, str]] = []
    for channel in sorted({d.channel for d in plan.dispatches}):
        planned = [d for d in plan.dispatches if d.channel == channel]
        with store.transaction() as uow:
            mine = [d for d in planned if _unchanged(uow, d)]
            _queue_again(uow, store, clock, mine, reason=reason, actor=actor)
        done += [d.id for d in mine]
        refused += [(d.id, CHANGED) for d in planned if d not in mine]
    for file in plan.files:
        try:
            with store.transaction() as uow:
                uow.files.move(file.id, FileState.RECEIVED, reason=reason, actor=actor)
            done.append(file.id)
        except IllegalMove:
            refused.append((file.id, CHANGED))
    return Changed(done=tuple(done), refused=tuple(refused))


def _unchanged(uow: UnitOfWork, planned: Dispatch) -> bool:
    now = _as_it_is(uow, planned.id)
    return now is not None and not _refusal(uow, now, (planned.state,))


def _queue_again(
    uow: UnitOfWork, store: Store, clock: Clock, dispatches: Sequence[Dispatch], *, reason: str, actor: str
) -> None:
    if not dispatches:
        return
    batch = Batch(
        id=store.new_id("L"),
        channel=dispatches[0].channel,
        created_at=clock.now(),
        reason="replay",
        count=len(dispatches),
        size=sum(d.sealed_bytes for d in dispatches),
    )
    uow.batches.add(batch)
    uow.batches.join(batch.id, [d.id for d in dispatches], batch.created_at)
    for dispatch in dispatches:
        uow.dispatches.move(
            dispatch.id,
            State.QUEUED,
            actor=actor,
            event="dispatch.replayed",
            batch_id=batch.id,
            reason=reason,
            due_at=None,
        )
