"""``docs/states.md`` shows the moves of the program: the diagram is generated, every state is explained."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dispatcher.errors import IllegalMove
from dispatcher.outbox.states import (
    FILE_MOVES,
    MOVES,
    NOT_YET_LEFT,
    UNFINISHED,
    FileState,
    State,
    check_file_move,
    check_move,
    diagram,
    file_diagram,
)

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/states.md").read_text(encoding="utf-8")


def between(name: str) -> str:
    """What stands between the markers of a generated part, without its code fence."""
    begin, end = f"<!-- {name}: généré -->", f"<!-- {name}: fin -->"
    return PAGE.split(begin)[1].split(end)[0].strip().removeprefix("```mermaid\n").removesuffix("\n```")


def test_the_diagrams_are_those_of_the_program() -> None:
    hint = "python -m dispatcher.outbox.states > docs/states.md's marked parts"
    assert between("envois") == diagram(), hint
    assert between("fichiers") == file_diagram(), hint


def test_the_module_prints_both() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "dispatcher.outbox.states"], capture_output=True, text=True, cwd=ROOT, check=True
    ).stdout
    assert diagram() in printed and file_diagram() in printed


@pytest.mark.parametrize("state", [*State, *FileState], ids=lambda s: f"{type(s).__name__}.{s}")
def test_every_state_is_explained(state: State | FileState) -> None:
    part = PAGE.split("## Fichiers sources")[isinstance(state, FileState)]
    assert f"| `{state}` |" in part


def test_every_state_has_its_moves() -> None:
    assert set(MOVES) == set(State) and set(FILE_MOVES) == set(FileState)


def test_no_state_is_a_trap() -> None:
    """From every state but the last one, a person or the program can go on; an unfinished one can be closed."""
    assert {state for state, targets in MOVES.items() if not targets} == {State.READ}
    for state in UNFINISHED - {State.SENDING}:
        assert State.CLOSED in MOVES[state]
    assert NOT_YET_LEFT <= UNFINISHED and all(State.WITHDRAWN in MOVES[state] for state in NOT_YET_LEFT)


def test_only_a_worker_ends_a_sending() -> None:
    assert {state for state, targets in MOVES.items() if State.SENDING in targets} == {State.QUEUED, State.DEFERRED}
    assert State.WITHDRAWN not in MOVES[State.SENDING] and State.CLOSED not in MOVES[State.SENDING]


def test_an_unknown_outcome_is_never_resent_without_the_queue() -> None:
    assert not MOVES[State.UNKNOWN] & {State.SENDING, State.DEFERRED, State.READY, State.WITHDRAWN}


def test_illegal_moves_raise() -> None:
    check_move(State.QUEUED, State.SENDING)
    check_file_move(FileState.RECEIVED, FileState.READ)
    with pytest.raises(IllegalMove, match="« lu » ne peut pas passer à « en file »"):
        check_move(State.READ, State.QUEUED)
    with pytest.raises(IllegalMove, match="« traité » ne peut pas passer à « reçu »"):
        check_file_move(FileState.DONE, FileState.RECEIVED)
