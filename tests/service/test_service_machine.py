"""The whole engine under random life: files, versions, faults, kills, notices and people, in any order.

The promises of design §2 are looked at from outside: at the operator's side and in the folder, not in our own tables.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import NOT_YET_LEFT, FileState, State
from dispatcher.ports import Mail
from dispatcher.service import operate
from dispatcher.service.release import release
from dispatcher.service.replay import undo
from tests.fakes import OK, FaultyStore, Killed, ReplyLost
from tests.service.bench import DURAND, PETIT, Bench, Tools
from tests.service.conftest import index_leaks
from tests.service.samples import AMA, LEO, OTHER_VALUE, THIRD_VALUE, VALUE, ZOE, dsn, mdn, oru
from tests.service.test_service_send import BUSY, CUT, GONE, LOGIN, LOST

EVE = "operator:eve"
ORDERS = {"R1": ZOE, "R2": LEO, "R3": AMA}
ENDINGS = {
    "ok": OK,
    "refused": GONE,
    "busy": BUSY,
    "cut": CUT,
    "login": LOGIN,
    "reply lost": ReplyLost(),
    "mail lost": LOST,
    "killed before": Killed(),
    "killed after": ReplyLost(Killed()),
}
KILLS = st.sampled_from([0] * 24 + list(range(1, 17)))
"""After how many points of the store we die; 0: not at all."""
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


@dataclass(frozen=True)
class Dropped:
    """A file as the LIS wrote it."""

    name: str
    content: bytes
    addresses: frozenset[str]


Written = tuple[str, str, str, int, bool]
"""Order, value, status, minutes after the last report (0 or less: dated before it), a copy to Dr Petit."""
FILES = st.lists(
    st.tuples(
        st.sampled_from(sorted(ORDERS)),
        st.sampled_from([VALUE, OTHER_VALUE, THIRD_VALUE]),
        st.sampled_from("FFFCPX"),
        st.sampled_from([10, 10, 10, 0, -15]),
        st.booleans(),
    ),
    min_size=1,
    max_size=3,
)
ENDS = st.lists(st.sampled_from(sorted(ENDINGS)), max_size=3)


class Life(RuleBasedStateMachine):
    tools: Tools
    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(self.tools, Path(tempfile.mkdtemp(dir=self.folder)))
        for name in ("mss", "smime"):
            del self.bench.channels[name]
        self.dropped: list[Dropped] = []
        self.allowed: Counter[str] = Counter()
        """Hand-overs a person asked for, by Message-ID, of mails that may have arrived before."""
        self.minute = datetime(2026, 3, 11, 6, 0, tzinfo=UTC)
        self.kill_in = 0
        self.whole: set[str] = set()
        """Files whose kept bytes were compared."""
        self.seen: list[str] = []
        """What the operator should never have seen; an error raised to him would only look like a broken line."""
        self.bench.use(FaultyStore(self.bench.real, self._fault))  # type: ignore[arg-type]
        self.bench.transport.during = self._look_at

    def _fault(self, number: int, when: str) -> BaseException | None:
        self.kill_in -= 1
        return Killed(f"{when} a commit") if self.kill_in == 0 else None

    def _look_at(self, mail: Mail) -> None:
        """The operator never sees a mail of a version that was replaced before its hand-over began."""
        with self.bench.real.reading() as uow:
            dispatch = uow.dispatches.find_message(message_id=mail.message_id)
            assert dispatch is not None
            report = uow.reports.get(dispatch.report_id)
        if report is None or report.superseded:
            self.seen.append("a superseded version")
        if dispatch.state is not State.SENDING or dispatch.submitting_since is None:
            self.seen.append("a mail whose start was not committed")
        if mail.content != self.bench.payload(dispatch.id, "sealed"):
            self.seen.append("other bytes than the sealed ones")

    def _do(self, act: Callable[[], Any]) -> None:
        """Do it; when it kills us, a new process starts."""
        try:
            act()
        except Killed:
            self.bench.restart()
        finally:
            self.kill_in = 0

    # ------------------------------------------------------------------------------------------ the laboratory

    @initialize(first=FILES)
    def begin(self, first: list[Written]) -> None:
        self._drop(first)

    @rule(files=FILES, endings=ENDS, kill=KILLS, at_once=st.booleans())
    def the_lis_writes(self, files: list[Written], endings: list[str], kill: int, at_once: bool) -> None:
        self._drop(files)
        if at_once:
            self._work("run", endings, kill)

    def _drop(self, files: list[Written]) -> None:
        for order, value, status, later, copy in files:
            self.minute += timedelta(minutes=max(later, 1))
            at = self.minute + timedelta(minutes=min(later, 0))
            content = oru(
                order,
                value,
                who=ORDERS[order],
                status=status,
                at=at.strftime("%Y%m%d%H%M%S"),
                control=f"M{len(self.dropped)}",
                copies="D002^PETIT^Sophie" if copy else "",
            )
            name = f"{len(self.dropped)}.hl7"
            self.bench.drop(name, content)
            self.dropped.append(Dropped(name, content, frozenset({DURAND, PETIT} if copy else {DURAND})))

    # ------------------------------------------------------------------------------------------ the engine

    @rule(step=st.sampled_from(["take", "prepare", "batch", "send", "run", "run", "run"]), endings=ENDS, kill=KILLS)
    def the_engine_works(self, step: str, endings: list[str], kill: int) -> None:
        self._work(step, endings, kill)

    def _work(self, step: str, endings: list[str], kill: int) -> None:
        """Hypothesis leaves whole rules out of a run: so work is done by several of them."""
        self.bench.transport.endings = [ENDINGS[name] for name in endings]
        self.kill_in = kill
        self._do(getattr(self.bench, step))
        self.bench.transport.endings = []

    @rule(minutes=st.sampled_from([3, 10, 120]), endings=ENDS, kill=KILLS)
    def time_passes(self, minutes: int, endings: list[str], kill: int) -> None:
        self.bench.clock.advance(minutes * 60)
        self._work("recover", [], 0)
        self._work("run", endings, kill)

    # ------------------------------------------------------------------------------------------ what comes back

    @rule(
        which=st.integers(0, 30),
        what=st.sampled_from(["delivered", "failed", "failed", "delayed", "read"]),
        kill=KILLS,
        number=st.integers(0, 2),
    )
    def a_notice_comes(self, which: int, what: str, kill: int, number: int) -> None:
        taken = self.bench.transport.accepted
        if not taken:
            return
        mail = taken[which % len(taken)].mail
        make = mdn if what == "read" else dsn
        words = () if what == "read" else (what,)
        self.bench.mailbox.arrive(make(mail.message_id, mail.recipient, *words, number=number))
        self.kill_in = kill
        self._do(self.bench.collect)

    # ------------------------------------------------------------------------------------------ people

    def _pick(self, which: int, *states: State) -> list[str]:
        found = sorted(dispatch.id for dispatch in self.bench.dispatches(states=states))
        return [found[which % len(found)]] if found else []

    def _may_go_again(self, ids: list[str]) -> None:
        for dispatch_id in ids:
            self.allowed[self.bench.get(dispatch_id).message_id] += 1

    @rule(
        which=st.integers(0, 30),
        what=st.sampled_from(["replay", "undo", "release", "hold", "hold", "withdraw", "close", "to_paper", "printed"]),
        work=st.booleans(),
    )
    def a_person_decides(self, which: int, what: str, work: bool) -> None:
        if what == "replay":
            self._replay(self._pick(which, State.FAILED, State.UNKNOWN))
        elif what == "release":
            self._release(self._pick(which, State.HELD))
        elif what == "undo":
            self._undo(self._pick(which, State.QUEUED, State.SENT))
        elif what == "printed":
            operate.printed(self.bench.store, self.bench.clock, self._pick(which, State.PAPER), actor=EVE)
        else:
            decision: Callable[..., operate.Changed] = getattr(operate, what)
            busy = self._pick(which, State.SENDING) if what == "hold" else []
            ids = busy or self._pick(which, *State)
            decision(self.bench.store, ids, reason="décidé", actor=EVE)
        if work:
            self._work("run", [], 0)

    def _replay(self, ids: list[str]) -> None:
        plan = operate.plan_replay(self.bench.store, ids=ids, states=(State.FAILED, State.UNKNOWN))
        shown = [dispatch.id for dispatch in plan.dispatches]
        done = operate.replay(self.bench.store, self.bench.clock, plan, reason="rejoué", actor=EVE).done
        assert list(done) == shown
        self._may_go_again(shown)

    def _undo(self, ids: list[str]) -> None:
        """Until it leaves a replay is undone, and then it never leaves by it."""
        for dispatch_id in ids:
            before = self.bench.get(dispatch_id)
            if not before.replayed_from:
                continue
            done = undo(self.bench.store, self.bench.clock, before.batch_id, reason="trop tôt", actor=EVE).done
            if dispatch_id in done:
                assert before.state is State.QUEUED
                assert self.bench.get(dispatch_id).state == before.replayed_from
            for one in done:
                self.allowed[self.bench.get(one).message_id] -= 1

    def _release(self, ids: list[str]) -> None:
        for dispatch_id in ids:
            warned = self._warned(dispatch_id)
            if release(self.bench.desk, dispatch_id, reason="libéré", actor=EVE).released and warned:
                self._may_go_again([dispatch_id])

    def _warned(self, dispatch_id: str) -> bool:
        """The person who releases it was told that it may have arrived, or had failed after it left."""
        held = self.bench.get(dispatch_id)
        with self.bench.real.reading() as uow:
            before = [line.detail.get("from") for line in uow.journal.of_subject(dispatch_id) if "held" in line.event]
        return held.hold_code == "accepted-late" or "noté comme non parti" in held.reason or "failed" in before[-1:]

    # ------------------------------------------------------------------------------------------ the promises

    @invariant()
    def the_promises_hold(self) -> None:
        dispatches = self.bench.dispatches()
        self._nothing_is_lost(dispatches)
        self._nothing_is_taken_twice_but_what_a_person_sent_again()
        self._versions_reach_each_recipient_in_their_order(dispatches)
        self._no_older_version_waits_beside_the_one_that_replaced_it(dispatches)
        assert self.seen == []

    def _nothing_is_lost(self, dispatches: Sequence[Dispatch]) -> None:
        """Every file is in the folder or, byte for byte, in the store; every report read has all its dispatches."""
        here = {path.name for path in self.bench.inbox.iterdir()}
        known = {file.name: file for file in self.bench.files() if file.state is not FileState.WAITING}
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
            with self.bench.real.reading() as uow:
                reports = uow.reports.of_file(file.id)
            assert file.state in {FileState.RECEIVED, FileState.DONE, FileState.DUPLICATE}
            if file.state is FileState.DONE:
                assert len(reports) == 1
            for report in reports:
                found = by_report.get(report.id, [])
                live = Counter(dispatch.address for dispatch in found if dispatch.state is not State.WITHDRAWN)
                assert one.addresses <= {dispatch.address for dispatch in found}, "each recipient has a dispatch"
                assert all(count == 1 for count in live.values()), "and one only"

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
        self.the_promises_hold()
        assert set(bench.states()) <= PATIENT, Counter(bench.states())
        assert set(bench.file_states()) <= {FileState.DONE, FileState.DUPLICATE}
        assert list(bench.inbox.iterdir()) == []
        with bench.real.reading() as uow:
            assert uow.journal.verify()[1] == ""


def test_the_promises_hold_whatever_happens(tools: Tools, fast_folder: Path) -> None:
    Life.tools, Life.folder = tools, fast_folder
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Life,
        settings=settings(
            max_examples=20, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
