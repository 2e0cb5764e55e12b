"""The whole engine, killed once at every single point where it touches the world, then started again.

Points are: before and after each commit, before and after each file leaves the folder, each hand-over (before the
operator has it, and after) and each filing of a notice. Whatever the point, the end is the same (promises 1 to 3).
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from dispatcher.intake.spool import FolderSpool
from dispatcher.outbox.dispatch import Accepted
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import Mail
from dispatcher.service import operate
from tests.fakes import FaultyStore, Killed, MemoryMailbox, RecordingTransport
from tests.service.bench import Bench, Tools
from tests.service.conftest import index_leaks
from tests.service.samples import LEO, OTHER_VALUE, PDF, dsn, hprim_with_document, oru

Fact = tuple[str, int, str]
"""Order number, version, address."""


class Fate:
    """Counts the points and kills at one of them."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.count = 0
        self.where = ""

    def tick(self, where: str) -> None:
        self.count += 1
        if self.count == self.at:
            self.where = where
            raise Killed(where)


@dataclass
class MortalSpool:
    inner: FolderSpool
    fate: Fate

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def finish(self, path: str, siblings: Mapping[str, str], digest: str) -> None:
        self.fate.tick("before a file leaves the folder")
        self.inner.finish(path, siblings, digest)
        self.fate.tick("after a file left the folder")


class MortalTransport(RecordingTransport):
    fate = Fate(0)

    def take(self, mail: Mail) -> Accepted:
        self.fate.tick("before the operator has the mail")
        accepted = super().take(mail)
        self.fate.tick("after the operator took the mail")
        return accepted


class MortalMailbox(MemoryMailbox):
    fate = Fate(0)

    def settle(self, uids: Iterable[str], *, understood: bool) -> None:
        self.fate.tick("before a notice is filed")
        super().settle(uids, understood=understood)
        self.fate.tick("after a notice was filed")


class World:
    """What happens outside: the LIS writes files, the operator delivers and tells."""

    def __init__(self, bench: Bench, fate: Fate) -> None:
        self.bench, self.fate = bench, fate
        self.transport = MortalTransport(bench.clock)
        self.mailbox = MortalMailbox()
        self.transport.fate = self.mailbox.fate = fate
        bench.transport, bench.mailbox = self.transport, self.mailbox
        settings = bench.channel.settings
        bench.channels.clear()
        bench.set_channel("pro", settings)
        bench.use(FaultyStore(bench.real, lambda number, when: self._at_commit(when)))  # type: ignore[arg-type]
        self.told: set[str] = set()
        self.start()

    def _at_commit(self, when: str) -> None:
        self.fate.tick(f"{when} a commit")

    def start(self) -> None:
        self.bench.restart()
        self.bench.spools = {  # type: ignore[assignment]
            name: MortalSpool(spool, self.fate) for name, spool in self.bench.spools.items()
        }

    def pump(self) -> None:
        """Everything moves until it waits for somebody."""
        self.bench.run()
        for handed in self.transport.accepted:
            if handed.message_id not in self.told:
                self.told.add(handed.message_id)
                self.mailbox.arrive(dsn(handed.message_id, handed.mail.recipient, number=len(self.told)))
        self.bench.collect()

    def survive(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Killed:
            self.start()
            self.bench.recover()
            act()


def first_day(bench: Bench) -> None:
    bench.drop("a.hl7", oru("R1", copies="D002^PETIT^Sophie") + oru("R2", who=LEO))
    bench.drop("TRACE01.PDF", PDF)
    bench.drop("b.hpr", hprim_with_document())


def second_day(bench: Bench) -> None:
    bench.drop("c.hl7", oru("R1", value=OTHER_VALUE, copies="D002^PETIT^Sophie", status="C", at="20260311100000"))
    bench.drop("d.hl7", oru("R2", who=LEO, control="M77"))


def live(tools: Tools, folder: Path, at: int) -> tuple[World, Counter[str], int]:
    """Two days with a kill at point ``at``; gives what the operator took before a person did anything, and how many
    points there were.
    """
    bench = Bench(tools, Path(tempfile.mkdtemp(dir=folder)))
    world = World(bench, Fate(at))
    for day in (first_day, second_day):
        day(bench)
        world.survive(world.pump)
    points = world.fate.count
    world.fate.at = 0
    taken = Counter(handed.message_id for handed in world.transport.accepted)
    unknown = [d.id for d in bench.dispatches(states=(State.UNKNOWN,))]
    plan = operate.plan_replay(bench.store, ids=unknown, states=(State.UNKNOWN,))
    operate.replay(bench.store, bench.clock, plan, reason="rien reçu", actor="operator:eve")
    operate.close(bench.store, [item for item, _ in plan.left_out], reason="remplacé", actor="operator:eve")
    world.pump()
    return world, taken, points


def outcome(world: World) -> tuple[dict[Fact, State], list[tuple[str, FileState]]]:
    bench = world.bench
    facts: dict[Fact, State] = {}
    for dispatch in bench.dispatches():
        with bench.real.reading() as uow:
            report = uow.reports.get(dispatch.report_id)
        assert report is not None
        fact = (report.order_filler, dispatch.version, dispatch.address)
        assert fact not in facts, "one dispatch per report version and recipient"
        facts[fact] = dispatch.state
    return facts, sorted((file.name, file.state) for file in bench.files())


SLICES = 4


@pytest.mark.parametrize("part", range(SLICES))
def test_killed_anywhere_the_end_is_the_same(tools: Tools, fast_folder: Path, part: int) -> None:
    calm, _, points = live(tools, fast_folder, 0)
    expected = outcome(calm)
    assert set(expected[0].values()) == {State.DELIVERED}
    assert [state for _, state in expected[1]] == [FileState.DONE] * 3 + [FileState.DUPLICATE]
    assert points > 60
    for at in range(1 + part, points + 1, SLICES):
        world, taken, _ = live(tools, fast_folder, at)
        where = f"point {at}, {world.fate.where}"
        try:
            assert max(taken.values()) == 1, where
            facts, files = outcome(world)
            superseded = {fact for fact, state in facts.items() if state is State.CLOSED}
            assert {fact: facts[fact] for fact in facts if fact not in superseded} == {
                fact: state for fact, state in expected[0].items() if fact not in superseded
            }, where
            assert set(facts) == set(expected[0]), where
            assert files == expected[1], where
            assert list(world.bench.inbox.iterdir()) == [], where
            with world.bench.real.reading() as uow:
                assert uow.journal.verify()[1] == "", where
        finally:
            world.bench.close()
            assert index_leaks(world.bench.database) == []
            shutil.rmtree(world.bench.folder)
    calm.bench.close()
