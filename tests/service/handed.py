"""Files sent by hand, without the order of a bulk send around them: tried, taken in, looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dispatcher.outbox.dispatch import Dispatch, SourceFile
from dispatcher.ports import Store, Taken
from dispatcher.routing.route import Wanted
from dispatcher.service.bulk import Planned, named, plan_one, take_in
from dispatcher.service.bulk_send import dispatches_of
from dispatcher.service.desk import Desk

__all__ = ["Fate", "named", "plan", "statement", "submit"]


@dataclass(frozen=True)
class Fate:
    """What became of one file."""

    file: SourceFile
    dispatches: tuple[Dispatch, ...]


def plan(desk: Desk, taken: Sequence[Taken], added: tuple[Wanted, ...]) -> tuple[Planned, ...]:
    return tuple(plan_one(desk, one, added) for one in taken)


def submit(desk: Desk, taken: Sequence[Taken], added: tuple[Wanted, ...]) -> tuple[str, ...]:
    with desk.store.transaction() as uow:
        return tuple(take_in(uow, desk, one, added) for one in taken)


def statement(store: Store, file_ids: Sequence[str]) -> tuple[Fate, ...]:
    with store.reading() as uow:
        files = [uow.files.get(one) for one in file_ids]
        return tuple(Fate(file=one, dispatches=dispatches_of(uow, one.id)) for one in files if one is not None)
