"""Use case: what is over is kept no longer (docs/adr/0027-retention.md). Contents go early, proof late, what is
unfinished never.

In slices, each a transaction with its line of the journal: a stop loses nothing, the next purge goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dispatcher.clock import Clock
from dispatcher.ports import Kept, Page, Place, Store, UnitOfWork, Weight, Weights
from dispatcher.service.bulk_send import forget_names

SUBJECT = "purge"
"""In the journal."""
SLICE = 50
"""Files looked at in one transaction: some fifteen megabytes, a fraction of a second."""
ROWS = 500
"""Answers, or notices of nobody, in one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long what is kept, from the last thing that happened to it."""

    contents: timedelta
    unmatched: timedelta
    answers: timedelta
    proof: timedelta


@dataclass(slots=True, kw_only=True)
class Purged:
    """What went; or, of a dry run, what would."""

    weights: Weights = field(default_factory=dict)
    first: datetime | None = None
    last: datetime | None = None
    """When the first and the last of these files were received."""
    complete: bool = True
    """False: stopped before the end; the next purge goes on."""
    tidy: bool = True
    """False: the log of the database could not be emptied, others were reading it."""

    @property
    def anything(self) -> bool:
        return any(weight.count for weight in self.weights.values())

    def add(self, weights: Weights) -> None:
        for kind, weight in weights.items():
            self.weights[kind] = self.weights.get(kind, Weight()) + weight

    def saw(self, page: Page) -> None:
        if page.ids and page.first is not None:
            self.first = page.first if self.first is None else self.first
            self.last = page.until


def _go_on() -> bool:
    return True


def purge(
    store: Store,
    clock: Clock,
    retention: Retention,
    *,
    actor: str = "daemon",
    dry: bool = False,
    compact: bool = False,
    go_on: Callable[[], bool] = _go_on,
) -> Purged:
    """Remove what is over. ``go_on`` is asked, and may rest, between slices. Raises StoreError."""
    run = _Run(store=store, clock=clock, retention=retention, actor=actor, dry=dry, go_on=go_on)
    run.contents()
    run.orders()
    run.unmatched()
    run.answers()
    run.proofs()
    if not dry:
        with store.transaction() as uow:
            uow.console_sessions.sweep(clock.now())
    if not dry and (run.done.anything or compact):
        run.done.tidy = store.tidy(compact=compact)
    return run.done


@dataclass(slots=True, kw_only=True)
class _Run:
    store: Store
    clock: Clock
    retention: Retention
    actor: str
    dry: bool
    go_on: Callable[[], bool]
    done: Purged = field(default_factory=Purged)

    def contents(self) -> None:
        before = self.clock.now() - self.retention.contents

        def look(uow: UnitOfWork, after: Place | None) -> Page:
            return uow.purging.contents(before, after, SLICE)

        for page in self._pages(look):
            if self.dry:
                with self.store.reading() as uow:
                    gone = uow.purging.weigh_contents(page.ids)
            else:
                gone = self._drop_contents(page, before)
            if gone:
                self.done.saw(page)
                self.done.add(gone)

    def _drop_contents(self, page: Page, before: datetime) -> Weights:
        with self.store.transaction() as uow:
            gone = uow.purging.drop_contents(page.ids, before, self.clock.now())
            if gone:
                told = {f"{kind}": weight.count for kind, weight in gone.items()}
                size = sum(weight.size for weight in gone.values())
                self._note(uow, "purge.contents", before, first=page.first, until=page.until, size=size, **told)
        return gone

    def orders(self) -> None:
        """Bulk sends: names of documents after the contents of the last, the sends themselves with the proofs.
        One that still needs names to go on keeps them.
        """
        before = self.clock.now() - self.retention.contents
        while not self.dry and self._more():
            with self.store.transaction() as uow:
                ids = uow.bulk.named(before, SLICE)
                for send_id in ids:
                    forget_names(uow, send_id)
                dropped = uow.bulk.drop(self.clock.now() - self.retention.proof, SLICE)
                if ids or dropped:
                    self._note(uow, "purge.bulk", before, names=len(ids), sends=dropped)
            if len(ids) < SLICE and dropped < SLICE:
                return

    def unmatched(self) -> None:
        before = self.clock.now() - self.retention.unmatched
        if self.dry:
            with self.store.reading() as uow:
                self.done.add({Kept.NOTICES: uow.purging.weigh_unmatched(before)})
            return
        while self._more():
            with self.store.transaction() as uow:
                ids = uow.purging.unmatched(before, ROWS)
                gone = uow.purging.drop_unmatched(ids)
                if ids:
                    self._note(uow, "purge.unmatched", before, count=gone.count, size=gone.size)
            self.done.add({Kept.NOTICES: gone})
            if len(ids) < ROWS:
                return

    def answers(self) -> None:
        before = self.clock.now() - self.retention.answers
        if self.dry:
            with self.store.reading() as uow:
                self.done.add({Kept.ANSWERS: Weight(uow.purging.count_answers(before))})
            return
        while self._more():
            with self.store.transaction() as uow:
                count = uow.purging.drop_answers(before, ROWS)
                if count:
                    self._note(uow, "purge.answers", before, count=count)
            self.done.add({Kept.ANSWERS: Weight(count)})
            if count < ROWS:
                return

    def proofs(self) -> None:
        before = self.clock.now() - self.retention.proof

        def look(uow: UnitOfWork, after: Place | None) -> Page:
            return uow.purging.proofs(before, after, SLICE)

        for page in self._pages(look):
            if self.dry:
                with self.store.reading() as uow:
                    self.done.add({Kept.PROOFS: Weight(uow.purging.count_proofs(page.ids))})
                continue
            with self.store.transaction() as uow:
                count = uow.purging.drop_proofs(page.ids, before)
                uow.purging.drop_rests(before)
                self._note(uow, "purge.proofs", before, count=count, first=page.first, until=page.until)
            self.done.add({Kept.PROOFS: Weight(count)})

    def _pages(self, look: Callable[[UnitOfWork, Place | None], Page]) -> Iterator[Page]:
        """Every page with something that may go, as long as it may go on."""
        after: Place | None = None
        while self._more():
            with self.store.reading() as uow:
                page = look(uow, after)
            if page.ids:
                yield page
            if page.last is None:
                return
            after = page.last

    def _more(self) -> bool:
        """Asked before every slice."""
        self.done.complete = self.done.complete and self.go_on()
        return self.done.complete

    def _note(self, uow: UnitOfWork, event: str, before: datetime, **told: object) -> None:
        uow.journal.write(SUBJECT, event, actor=self.actor, before=before, **told)
