"""The whole engine under random life: files, versions, faults, kills, notices and people, in any order.

The promises of design §2 are looked at from outside: at the operator's side and in the folder, not in our own tables;
and every move of a dispatch against the table of moves. ``--steps 20000`` plays that many steps (a quarter of an hour).
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from dispatcher.outbox.states import MOVES
from tests.service.bench import Tools
from tests.service.life.laboratory import Laboratory
from tests.service.life.people import People
from tests.service.life.promises import Promises

LENGTH = 20
"""Steps of one life."""
LONG = 25
"""Of one life of a long run."""


class Life(Laboratory, People, Promises):
    """All of it."""


def play(lives: int, length: int, *, explore: bool) -> None:
    """Any failure is shown as the shortest life that leads to it."""
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Life,
        settings=settings(
            max_examples=lives,
            stateful_step_count=length,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=not explore,  # a test run plays the same lives each time, a long run new ones
        ),
    )


@pytest.mark.timeout(7200)
def test_the_promises_hold_whatever_happens(tools: Tools, fast_folder: Path, request: pytest.FixtureRequest) -> None:
    wanted = request.config.getoption("--steps")
    Life.tools, Life.folder = tools, fast_folder
    Promises.steps = 0
    Promises.seen_moves.clear()
    length = LENGTH if wanted <= 400 else LONG
    while Promises.steps < wanted:
        play(max(1, min(20, (wanted - Promises.steps) // length)), length, explore=wanted > 400)
        if wanted > 400:
            print(Promises.steps, "steps,", len(Promises.seen_moves), "kinds of moves", flush=True)
    known = sum(len(targets) for targets in MOVES.values())
    kinds, moves = len(Promises.seen_moves), sum(Promises.seen_moves.values())
    print(f"{Promises.steps} steps, {moves} moves, {kinds} kinds of moves of {known}")
