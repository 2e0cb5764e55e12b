"""What happens by itself: files come in, the engine works and dies, time passes and clocks step, notices come back."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from dispatcher.service.escalate import escalate
from tests.service.life.world import ENDS, FILES, KILLS, World, Written
from tests.service.samples import dsn, mdn


class Laboratory(World):
    """Rules."""

    @initialize(first=FILES)
    def begin(self, first: list[Written]) -> None:
        self._drop(first)

    @rule(files=FILES, endings=ENDS, kill=KILLS, at_once=st.booleans())
    def the_lis_writes(self, files: list[Written], endings: list[str], kill: int, at_once: bool) -> None:
        self._drop(files)
        if at_once:
            self._work("run", endings, kill)

    @rule(step=st.sampled_from(["take", "prepare", "batch", "send", "run", "run", "run"]), endings=ENDS, kill=KILLS)
    def the_engine_works(self, step: str, endings: list[str], kill: int) -> None:
        self._work(step, endings, kill)

    @rule(minutes=st.sampled_from([3, 10, 120]), endings=ENDS, kill=KILLS)
    def time_passes(self, minutes: int, endings: list[str], kill: int) -> None:
        self.bench.clock.advance(minutes * 60)
        self._work("recover", [], 0)
        self._do(lambda: escalate(self.bench.store, self.bench.clock))
        self._work("run", endings, kill)

    @rule(whole=st.booleans())
    def the_service_starts_anew(self, whole: bool) -> None:
        """An orderly stop; ``whole``: of the process, with every connection to the store."""
        if whole:
            self.bench.reopen()
            self._with_faults()
        self.bench.restart()

    @rule(seconds=st.sampled_from([-7200, -3600, -61, -1, 1, 61, 3600, 7200]), endings=ENDS)
    def the_clock_steps(self, seconds: int, endings: list[str]) -> None:
        """Wall time alone, as an NTP correction, a person or summer time would have it."""
        self.bench.clock.step(seconds)
        self._work("run", endings, 0)

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
