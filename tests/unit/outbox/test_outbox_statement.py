"""The statement: thirteen states under eight words, and sums that reconcile or say so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.errors import StoreError
from dispatcher.outbox.statement import PENDING, WORDS, Statement
from dispatcher.outbox.states import State


def test_every_state_stands_under_exactly_one_word() -> None:
    named = [state for states in WORDS.values() for state in states]
    assert sorted(named) == sorted(State)


def test_pending_is_what_nobody_can_tell_the_end_of() -> None:
    assert {str(state) for state in PENDING} == {"held", "ready", "queued", "sending", "deferred", "unknown"}


@given(st.dictionaries(st.sampled_from(list(State)), st.integers(0, 10_000)))
def test_the_words_add_up_to_what_went_in(counts: dict[State, int]) -> None:
    statement = Statement.of(counts)
    assert statement.check() is statement
    assert statement.incoming == statement.total == sum(counts.values())
    assert statement.as_json() == {"in": statement.incoming, **statement.words()}
    assert statement.pending == sum(counts.get(state, 0) for state in PENDING)


@pytest.mark.parametrize("incoming", [3, 5])
def test_a_lost_or_a_doubled_item_is_told(incoming: int) -> None:
    statement = Statement.of({State.SENT: 3, State.HELD: 1}, incoming)
    assert not statement.reconciles
    with pytest.raises(StoreError, match=f"lot L1 ne tombe pas juste : {incoming} entré.*4 retrouvé") as raised:
        statement.check("lot L1")
    assert raised.value.code == "statement"


def test_it_counts_states_one_by_one() -> None:
    statement = Statement.of_states([State.READ, State.READ, State.UNKNOWN, State.PAPER])
    assert (statement.read, statement.pending, statement.paper, statement.incoming) == (2, 1, 1, 4)
