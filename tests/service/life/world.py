"""One installation and the world around it, as the random life sees them: what was written, what may go twice."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from dispatcher.outbox.states import State
from dispatcher.ports import Mail
from tests.fakes import OK, FaultyStore, Killed, ReplyLost
from tests.service.bench import DURAND, PETIT, Bench, Tools
from tests.service.samples import AMA, LEO, OTHER_VALUE, THIRD_VALUE, VALUE, ZOE, oru
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


@dataclass(frozen=True)
class Dropped:
    """A file as the LIS wrote it."""

    name: str
    content: bytes
    addresses: frozenset[str]


SAME = -1
"""Dated as the last report was, to the second."""
Written = tuple[str, str, str, int, bool, bool]
"""Order, value, status, minutes after the last report (0 or less: dated before it), a copy to Dr Petit, urgent."""
FILES = st.lists(
    st.tuples(
        st.sampled_from(sorted(ORDERS)),
        st.sampled_from([VALUE, OTHER_VALUE, THIRD_VALUE]),
        st.sampled_from("FFFCPX"),
        st.sampled_from([10, 10, 10, 0, SAME, -15]),
        st.booleans(),
        st.sampled_from([False, False, True]),
    ),
    min_size=1,
    max_size=3,
)
ENDS = st.lists(st.sampled_from(sorted(ENDINGS)), max_size=3)


class World(RuleBasedStateMachine):
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
        self.at = self.minute
        """When the last report says it was made."""
        self.kill_in = 0
        self.whole: set[str] = set()
        """Files whose kept bytes were compared."""
        self.seen: list[str] = []
        """What the operator should never have seen; an error raised to him would only look like a broken line."""
        self.born: dict[str, State] = {}
        """State each dispatch began in: a cancellation follows a version by mail, and on paper if it was printed."""
        self.moves: dict[str, State] = {}
        """State of each dispatch when the journal was looked at last."""
        self.line = 0
        """Number of its last line then."""
        self._with_faults()
        self.bench.transport.during = self._look_at

    def _with_faults(self) -> None:
        self.bench.use(FaultyStore(self.bench.real, self._fault))  # type: ignore[arg-type]

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

    def _drop(self, files: list[Written]) -> None:
        for order, value, status, later, copy, urgent in files:
            if later != SAME:
                self.minute += timedelta(minutes=max(later, 1))
                self.at = self.minute + timedelta(minutes=min(later, 0))
            content = oru(
                order,
                value,
                who=ORDERS[order],
                status=status,
                at=self.at.strftime("%Y%m%d%H%M%S"),
                urgent=urgent,
                control=f"M{len(self.dropped)}",
                copies="D002^PETIT^Sophie" if copy else "",
            )
            name = f"{len(self.dropped)}.hl7"
            self.bench.drop(name, content)
            self.dropped.append(Dropped(name, content, frozenset({DURAND, PETIT} if copy else {DURAND})))

    def _work(self, step: str, endings: list[str], kill: int) -> None:
        """Hypothesis leaves whole rules out of a run: so work is done by several of them."""
        self.bench.transport.endings = [ENDINGS[name] for name in endings]
        self.kill_in = kill
        self._do(getattr(self.bench, step))
        self.bench.transport.endings = []

    def _pick(self, which: int, *states: State) -> list[str]:
        """Never by id, which is drawn: a life that is played again must choose the same."""
        ordered = sorted(self.bench.dispatches(states=states), key=lambda one: (one.created_at, one.chain, one.address))
        found = [dispatch.id for dispatch in ordered]
        return [found[which % len(found)]] if found else []

    def _may_go_again(self, ids: list[str]) -> None:
        for dispatch_id in ids:
            self.allowed[self.bench.get(dispatch_id).message_id] += 1
