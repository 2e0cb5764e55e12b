"""The shapes of notices that many programs write: each is read as it says, and finds its own dispatch or none."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from dispatcher.receipts.matching import effect, match
from dispatcher.receipts.notices import read
from dispatcher.receipts.readout import as_json
from tests.notice_shapes.building import ENVID, MID, NADEGE, Said, Shape
from tests.notice_shapes.corpus import SHAPES

GOOD = {State.DELIVERED, State.READ}
OURS = Dispatch(
    id=ENVID,
    report_id="r-1",
    chain="c",
    version=1,
    state=State.SENT,
    recipient_key="k",
    role="prescriber",
    address=NADEGE,
    message_id=MID,
    envid=ENVID,
)


def told_about(shape: Shape) -> tuple[Said, ...]:
    """What the reader says of a shape, in the shape of the expectation; ``words`` is the whole diagnostic."""
    return tuple(
        Said(
            kind=said["kind"],
            action=said["action"],
            status=said["status"],
            class_=said["class"],
            recipient=said["recipient"],
            original=said["original_recipient"],
            message_id=said["message_id"],
            envid=said["envid"],
            code=said["code"],
            words=said["diagnostic"] or "",
        )
        for said in as_json(shape.name, shape.mail)["notices"]
    )


def test_there_are_more_than_three_hundred_shapes_each_with_its_own_name_and_bytes() -> None:
    assert len({shape.name for shape in SHAPES}) == len(SHAPES) > 300
    assert len({shape.mail for shape in SHAPES}) == len(SHAPES)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_a_shape_is_read_as_it_says(shape: Shape) -> None:
    got = told_about(shape)
    assert [replace(said, words="") for said in got] == [replace(said, words="") for said in shape.says]
    for said, expected in zip(got, shape.says, strict=True):
        assert expected.words in said.words


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_a_shape_finds_the_dispatch_of_its_recipient_and_no_other(shape: Shape) -> None:
    """One dispatch a time carries the keys: first to the recipient told about, then to somebody else."""
    for notice, said in zip(read(shape.mail)[0], shape.says, strict=True):
        keyed = said.message_id or said.envid
        address = said.original or said.recipient or NADEGE
        to_it, to_another = replace(OURS, address=address), replace(OURS, address="paul.petit@autre.test")
        named = bool(said.recipient)
        found = match(notice, lambda *, message_id="", envid="", row=to_it: _row(row, message_id, envid))
        assert (found.dispatch is to_it) == bool(keyed and named)
        found = match(notice, lambda *, message_id="", envid="", row=to_another: _row(row, message_id, envid))
        assert found.dispatch is None or not named


def _row(row: Dispatch, message_id: str, envid: str) -> Dispatch | None:
    return row if message_id == row.message_id or (envid and envid == row.envid) else None


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(SHAPES),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), st.binary(max_size=12)), min_size=1, max_size=6),
)
def test_a_damaged_shape_marks_no_other_dispatch_and_says_no_more_success(
    shape: Shape, edits: list[tuple[float, int, bytes]]
) -> None:
    damaged = bytearray(shape.mail)
    for place, length, junk in edits:
        start = int(place * len(damaged))
        damaged[start : start + length] = junk
    rows = (
        OURS,
        replace(OURS, id="d-8", address="paul.petit@autre.test", message_id="<d-8.1@labo-rivage.test>", envid="d-8"),
    )
    # A read notice whose error words were destroyed is a sound read notice; nothing can tell.
    may_be_good = any(said.class_ == "success" or said.kind == "mdn" for said in shape.says)
    for notice in read(bytes(damaged))[0]:
        found = match(notice, lambda *, message_id="", envid="": _first(rows, message_id, envid))
        assert found.dispatch is not rows[1]
        assert may_be_good or not found.dispatch or effect(State.SENT, notice).state not in GOOD


def _first(rows: tuple[Dispatch, ...], message_id: str, envid: str) -> Dispatch | None:
    return next((row for row in rows if _row(row, message_id, envid)), None)
