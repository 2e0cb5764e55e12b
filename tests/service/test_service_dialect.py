"""A source with a dialect through the whole preparation: its habits are understood, its files are taken as it says."""

from __future__ import annotations

from dataclasses import replace

from dispatcher.dialects import shelf
from dispatcher.outbox.states import FileState, State
from tests.service.bench import DURAND, PETIT, Bench
from tests.service.samples import oru

HABITS = """
format = "hl7v2"
title = "essai"
[status]
result = { V = "F" }
order = { V = "F" }
[copies]
comments = ["CC:"]
"""


def speak(bench: Bench, toml: str = HABITS) -> None:
    bench.desk = replace(bench.desk, dialects={"sil": shelf.parse(toml, "essai")})


def written_by_this_lis(copies: str = "D002 DR PETIT Sophie") -> bytes:
    text = oru().decode().replace("||||F\r", "||||V\r").replace("|F\r", "|V\r")
    return f"{text}NTE|1|L|CC: {copies}\r".encode()


def test_without_its_dialect_the_copy_is_lost_in_a_comment(bench: Bench) -> None:
    bench.bring(written_by_this_lis())
    assert [one.address for one in bench.dispatches()] == [DURAND]


def test_with_its_dialect_everybody_gets_it(bench: Bench) -> None:
    speak(bench)
    bench.bring(written_by_this_lis())
    assert sorted(one.address for one in bench.dispatches()) == sorted([DURAND, PETIT])
    assert set(bench.states()) == {State.READY}
    assert bench.file_states() == [FileState.DONE]


def test_copies_that_cannot_be_read_wait_for_a_person(bench: Bench) -> None:
    speak(bench)
    bench.bring(written_by_this_lis("PETIT"))
    assert set(bench.states()) == {State.HELD}
    assert "modèle « person »" in bench.dispatches()[0].reason
