"""What must hold after every step, and how everything comes to rest in the end."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from itertools import pairwise
from typing import ClassVar

from hypothesis.stateful import invariant

from dispatcher.outbox.dispatch import Dispatch, Lane
from dispatcher.outbox.statement import Statement
from dispatcher.outbox.states import MOVES, NOT_SENT, NOT_YET_LEFT, FileState, State
from dispatcher.service import operate
from dispatcher.service.escalate import escalate
from tests.service.conftest import index_leaks
from tests.service.life.world import EVE, World

PATIENT = {
    State.SENT,
    State.DELIVERED,
    State.READ,
    State.WITHDRAWN,
    State.CLOSED,
    State.HELD,
    State.PAPER,
    State.FAILED,
}
"""Where a dispatch may rest when nothing is left to do for the program."""


MEMBERS = (
    "SELECT b.id, b.count, d.state FROM batches b JOIN batch_members m ON m.batch_id = b.id"
    " LEFT JOIN dispatches d ON d.id = m.dispatch_id"
)


class Promises(World):
    """Invariants."""

    steps = 0
    """Of all lives together."""
    seen_moves: ClassVar[Counter[tuple[State, State]]] = Counter()

    @invariant()
    def the_promises_hold(self) -> None:
        Promises.steps += 1
        dispatches = self.bench.dispatches()
        self._every_move_stands_in_the_table(dispatches)
        self._nothing_is_lost(dispatches)
        self._sums_add_up(dispatches)
        self._nothing_is_taken_twice_but_what_a_person_sent_again()
        self._versions_reach_each_recipient_in_their_order(dispatches)
        self._no_older_version_waits_beside_the_one_that_replaced_it(dispatches)
        assert self.seen == []

    def _nothing_is_lost(self, dispatches: Sequence[Dispatch]) -> None:
        """Every file is in the folder or, byte for byte, in the store; every report read has all its dispatches."""
        here = {path.name for path in self.bench.inbox.iterdir()}
        known = {file.name: file for file in self.bench.files() if file.state is not FileState.WAITING}
        with self.bench.real.reading() as uow:
            by_file = {file.id: uow.reports.of_file(file.id) for file in known.values()}
        by_report: dict[str, list[Dispatch]] = {}
        for dispatch in dispatches:
            by_report.setdefault(dispatch.report_id, []).append(dispatch)
        for one in self.dropped:
            file = known.get(one.name)
            assert file is not None or one.name in here, "a file is gone"
            if file is None:
                continue
            if file.id not in self.whole:
                assert self.bench.payload(file.id, "original") == one.content
                self.whole.add(file.id)
            reports = by_file[file.id]
            assert file.state in {FileState.RECEIVED, FileState.DONE, FileState.DUPLICATE}
            if file.state is FileState.DONE:
                assert len(reports) == 1
            for report in reports:
                found = by_report.get(report.id, [])
                ours = [one for one in found if one.state is not State.WITHDRAWN and not one.resend_of]
                live = Counter((one.address, self.born[one.id] is State.PAPER) for one in ours)
                assert one.addresses <= {dispatch.address for dispatch in found}, "each recipient has a dispatch"
                told = [(one.address, str(one.state), one.reason, one.printed_at) for one in ours]
                assert all(count == 1 for count in live.values()), f"and one only: {told}"

    def _nothing_is_taken_twice_but_what_a_person_sent_again(self) -> None:
        taken = Counter(handed.message_id for handed in self.bench.transport.accepted)
        for message_id, count in taken.items():
            assert count <= 1 + self.allowed[message_id], "handed over twice, and nobody asked"

    def _versions_reach_each_recipient_in_their_order(self, dispatches: Sequence[Dispatch]) -> None:
        by_id = {dispatch.message_id: dispatch for dispatch in dispatches if dispatch.message_id}
        newest: dict[tuple[str, str], int] = {}
        for handed in self.bench.transport.accepted:
            dispatch = by_id[handed.message_id]
            key = (dispatch.chain, dispatch.recipient_key)
            assert dispatch.version >= newest.get(key, 0), "an older version followed a newer one"
            newest[key] = dispatch.version

    def _no_older_version_waits_beside_the_one_that_replaced_it(self, dispatches: Sequence[Dispatch]) -> None:
        waiting = {d.report_id for d in dispatches if d.state in NOT_YET_LEFT - {State.HELD, State.QUEUED}}
        with self.bench.real.reading() as uow:
            reports = [uow.reports.get(report_id) for report_id in waiting]
        assert not any(report is None or report.superseded for report in reports)

    def _every_move_stands_in_the_table(self, dispatches: Sequence[Dispatch]) -> None:
        """The journal tells every move by where it begins; the way from one to the next is one the table knows."""
        with closing(sqlite3.connect(self.bench.database)) as store:
            query = "SELECT number, subject, detail FROM journal WHERE number > ? AND event LIKE 'dispatch.%'"
            lines = store.execute(f"{query} ORDER BY number", (self.line,)).fetchall()
        begun: dict[str, list[State]] = {}
        for number, subject, detail in lines:
            told, self.line = json.loads(detail), number
            if subject not in self.moves:
                self.moves[subject] = self.born[subject] = State(told["state"])
            elif "from" in told:
                begun.setdefault(subject, []).append(State(told["from"]))
        for dispatch in dispatches:
            way = [*begun.get(dispatch.id, ()), dispatch.state]
            assert way[0] == self.moves[dispatch.id], f"{way} does not begin at {self.moves[dispatch.id]}"
            for old, new in pairwise(way):
                assert new in MOVES[old], f"{old} to {new}"
                self.seen_moves[old, new] += 1
        self.moves = {dispatch.id: dispatch.state for dispatch in dispatches}

    def _sums_add_up(self, dispatches: Sequence[Dispatch]) -> None:
        """The statement of each batch, and the tallies."""
        with closing(sqlite3.connect(self.bench.database)) as store:
            rows = store.execute(MEMBERS).fetchall()
        counts = dict(row[:2] for row in rows)
        for batch, count in counts.items():
            states = [State(row[2]) for row in rows if row[0] == batch and row[2]]
            assert Statement.of_states(states, count).reconciles, f"{count} went in, {len(states)} are found"
        with self.bench.real.reading() as uow:
            assert uow.tallies.drift() == ()
            assert sum(uow.dispatches.counts().values()) == len(dispatches)

    def teardown(self) -> None:
        """The faults end, a person settles what is unknown: everything comes to rest."""
        try:
            self._rest()
        finally:
            self.bench.close()
            leaks = index_leaks(self.bench.database)
            shutil.rmtree(self.bench.folder)
        assert leaks == []

    def _rest(self) -> None:
        bench = self.bench
        for _ in range(6):
            bench.recover()
            bench.run()
            unknown = [dispatch.id for dispatch in bench.dispatches(states=(State.UNKNOWN,))]
            operate.close(bench.store, unknown, reason="réglé au téléphone", actor=EVE)
            bench.clock.advance(3 * 86_400)
        bench.collect()
        escalate(bench.store, bench.clock)
        with bench.real.reading() as uow:
            assert uow.dispatches.late(bench.clock.now()) == () == uow.dispatches.alarmed(left=True)
            told = {one.id for one in uow.dispatches.alarmed(left=False)}
        here = {one.id: one for one in bench.dispatches() if one.lane is Lane.URGENT and one.state in NOT_SENT}
        silent = [(one.state, one.hold_code, one.reason) for one in here.values() if one.id not in told]
        assert silent == [] and told <= here.keys(), "whoever has to hear of urgent mail does"
        self.the_promises_hold()
        assert set(bench.states()) <= PATIENT, Counter(bench.states())
        assert set(bench.file_states()) <= {FileState.DONE, FileState.DUPLICATE}
        assert list(bench.inbox.iterdir()) == []
        with bench.real.reading() as uow:
            assert uow.journal.verify()[1] == ""
