"""The loop: an installation, its operator and its feeder; services that are killed; the truth looked at every time."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dispatcher import wiring
from dispatcher.cli.installation import lay_out
from dispatcher.outbox.states import State
from dispatcher.sandbox.operator import SandboxOperator
from dispatcher.service.operate import close
from dispatcher.service.replay import plan_replay, replay
from dispatcher.service.settle_by_hand import settle_by_hand
from dispatcher.settings import load
from dispatcher.wiring import Office
from tests.crash.feed import Feeder
from tests.crash.kit import CONFIG
from tests.crash.lives import Life, Moments, Mother
from tests.crash.truth import Operator, Row, Truth

EVERY = 50
"""Kills between two lines of the output."""
PATIENCE = 300.0
"""Seconds the last service may take to end everything."""
PERSON = "operator:essai"


@dataclass
class Count:
    """The closing table."""

    kills: int = 0
    restarts: int = 0
    stops: int = 0
    unknown: int = 0
    held: int = 0


class Town:
    """One run. Use as a context manager; then :meth:`run`."""

    def __init__(self, folder: Path, url: str, seed: int, say: Callable[[str], None]) -> None:
        self._folder, self._url, self._say = folder, url, say
        self._chance, self._seed = random.Random(seed), seed
        self._closing = ExitStack()
        self.count, self.kinds = Count(), Counter[str]()

    def __enter__(self) -> Town:
        folder, closing = self._folder, self._closing
        self._mother = Mother(folder / "mother.log")
        closing.callback(self._mother.close)
        operator = closing.enter_context(SandboxOperator(folder / "bac-a-sable", notice_delay=0.05))
        self._sandbox = operator
        config = CONFIG.format(url=self._url, port=operator.port, workers=1)
        lay_out(folder, operator, config=config, now=datetime.now(UTC))
        self.truth = Truth(Operator(operator.folder))
        self._inbox = folder / "entree"
        self.feeder = Feeder(self._inbox, self._seed + 1, lambda: self.truth.backlog + len(names(self._inbox)))
        self._logs = folder / "services"
        self._logs.mkdir()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    # ------------------------------------------------------------------------------------------ the loop

    def run(self, kills: int) -> bool:
        """Kill that often, let everything come to its end; gives whether all promises held."""
        moments = Moments(self._chance)
        self.feeder.start()
        told = 0
        while self.count.kills < kills and not self.truth.faults:
            kind = moments.kind()
            life = self._start(2 if kind == "workers" else 1)
            done, itself = moments.kill(life, kind, self.look)
            self.count.kills += done
            self.count.stops += itself
            self.kinds[kind] += 1
            self.look()
            if self.count.kills // EVERY > told:
                told = self.count.kills // EVERY
                self._progress()
        self.feeder.stop()
        if self.feeder.fault is not None:
            self.truth.fault("other", f"the feeder died of {self.feeder.fault!r}")
        if not self.truth.faults:
            self._to_the_end()
        return not self.truth.faults

    def _start(self, workers: int) -> Life:
        self.count.restarts += 1
        return Life(self._mother, self._folder, self._logs / f"{self.count.restarts:05}.log", workers)

    def look(self) -> None:
        """In the order in which a file or mail can only get further: folder, operator, store."""
        landed = self.feeder.landed
        here = names(self._inbox)
        mails = self.truth.operator.look()
        url = self._url
        if url.startswith("sqlite:///") and not url.startswith("sqlite:////"):
            url = f"sqlite:///{self._folder / url.removeprefix('sqlite:///')}"
        found = self._mother.ask("look", url=url)
        self.truth.compare(self.feeder.written, landed, here, mails, found)

    def _progress(self) -> None:
        truth = self.truth
        self._say(
            f"{time.strftime('%H:%M:%S')} {self.count.kills} kills, {self.count.restarts} restarts, "
            f"{len(self.feeder.written)} files, {len(truth.operator.mails)} mails, {len(truth.unknown)} unknown, "
            f"{truth.doubled} doubled, {truth.lost} lost, {truth.disordered} out of order"
        )

    # ------------------------------------------------------------------------------------------ the end

    def _to_the_end(self) -> None:
        """The service works in peace; then a person settles what the operator never took, and sends it again."""
        life = self._start(1)
        self._until_quiet(life)
        never = self._never_taken()
        self.count.unknown = len(never)
        office = wiring.build(load(self._folder / "dispatcher.toml"))
        try:
            self._person(office, never)
            self._until_quiet(life)
            life.ask_to_stop()
            code = life.wait()
            if code != 0:
                self.truth.fault("other", f"the last service ended with {code}")
            self.look()
            self.truth.at_the_end(self.feeder.written, self.truth.operator.mails)
            self._own_checks(office)
        finally:
            office.close()

    def _never_taken(self) -> list[Row]:
        """What is unknown must be so: the operator never saw it, else its notices would have settled it."""
        taken = {mail.message_id for mail in self.truth.operator.mails}
        for row in self.truth.unknown:
            if row.message_id in taken:
                self.truth.fault("other", f"{row.id} was delivered, notices came back, and it is still unknown")
        return [row for row in self.truth.unknown if row.message_id not in taken]

    def _person(self, office: Office, never: list[Row]) -> None:
        """Held are cancellations only, prepared before what they cancel since that one's worker was killed."""
        ids = [row.id for row in never]
        settle_by_hand(office.store, ids, arrived=False, reason="vu chez l'opérateur", actor=PERSON)
        held = [row.id for row in self.truth.rows if row.state is State.HELD]
        close(office.store, held, reason="rien n'était parti", actor=PERSON)
        self.count.held, self.truth.closed = len(held), frozenset(held)
        with office.store.reading() as uow:
            found = [uow.dispatches.get(one) for one in ids]
        failed = [one.id for one in found if one is not None and one.state is State.FAILED]
        if failed:
            plan = plan_replay(office.store, ids=failed)
            replay(office.store, office.clock, plan, reason="jamais parti", actor=PERSON)

    def _until_quiet(self, life: Life) -> None:
        """Until nothing is left to do, two looks in a row."""
        deadline, quiet = time.monotonic() + PATIENCE, 0
        while quiet < 2 and not self.truth.faults:
            time.sleep(1.0)
            self.look()
            busy = self.truth.backlog or self._sandbox.pending_notices or names(self._inbox)
            quiet = 0 if busy or names(self._sandbox.mailbox / "new") else quiet + 1
            assert life.ended() is None, life.told()
            if time.monotonic() > deadline:
                states = Counter(str(row.state) for row in self.truth.rows)
                self.truth.fault("other", f"not at an end after {PATIENCE:.0f} s: {states}")

    def _own_checks(self, office: Office) -> None:
        with office.store.reading() as uow:
            fault = uow.journal.verify()[1]
            drift = uow.tallies.drift()
        if fault or drift:
            self.truth.fault("other", f"journal {fault!r}, tallies {drift}")


def names(folder: Path) -> set[str]:
    """What stands in a folder."""
    return {path.name for path in folder.iterdir()}


def table(town: Town, seconds: float) -> str:
    """The last lines of a run."""
    count, truth = town.count, town.truth
    versions = Counter(version.status for version in town.feeder.written if not version.double_of)
    doubles = sum(bool(version.double_of) for version in town.feeder.written)
    lines = {
        "kills": f"{count.kills} in {seconds / 60:.0f} min ({', '.join(f'{k} {n}' for k, n in town.kinds.items())})",
        "restarts": f"{count.restarts}, of which {count.stops} stopped by themselves before the kill",
        "files": f"{len(town.feeder.written)}, of which {versions['C']} corrections, {versions['X']} cancellations, "
        f"{doubles} written twice",
        "dispatches": len(truth.rows),
        "mails": f"{len(truth.operator.mails)} taken by the operator",
        "unknown": f"{count.unknown} at the end, none taken by the operator; settled by hand and sent again",
        "held": f"{count.held} cancellations prepared before the report they cancel, of which nothing had left",
        "doubled": truth.doubled,
        "lost": truth.lost,
        "out of order": truth.disordered,
        "other faults": truth.other,
    }
    return "\n".join(f"{name:<13} {value}" for name, value in lines.items())


def stop_quietly(number: int = signal.SIGTERM) -> None:
    """A run that is ended from outside still stops what it started."""
    signal.signal(number, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
