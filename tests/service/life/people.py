"""What people decide, and what they are told about it."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import rule

from dispatcher.outbox.states import State
from dispatcher.service import operate, renewal
from dispatcher.service.release import release
from dispatcher.service.replay import undo
from dispatcher.service.settle_by_hand import settle_by_hand
from tests.service.life.world import EVE, World


class People(World):
    """Rules."""

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

    @rule(which=st.integers(0, 30), arrived=st.booleans(), again=st.booleans())
    def a_person_settles(self, which: int, arrived: bool, again: bool) -> None:
        """He may be wrong: what he says was never taken, and has sent again, may be there twice."""
        ids = self._pick(which, State.UNKNOWN)
        settled = settle_by_hand(self.bench.store, ids, arrived=arrived, reason="au téléphone", actor=EVE)
        assert list(settled.done) == ids
        if again and not arrived:
            self._replay([one for one in ids if self.bench.get(one).state is State.FAILED])

    @rule(which=st.integers(0, 30), begin=st.sampled_from(renewal.Begin), twice=st.booleans())
    def a_person_resends(self, which: int, begin: renewal.Begin, twice: bool) -> None:
        """Under a new identity; a second click on the same page does nothing more."""
        ids = self._pick(which, State.FAILED, State.UNKNOWN, State.SENT, State.DELIVERED, State.READ)
        plan = renewal.plan_resend(self.bench.desk, begin=begin, ids=ids)
        done = renewal.resend(self.bench.desk, plan, reason="renvoyé", actor=EVE).done
        assert len(done) <= len(ids)
        if twice:
            assert not renewal.resend(self.bench.desk, plan, reason="renvoyé", actor=EVE).done
