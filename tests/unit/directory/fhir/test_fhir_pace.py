"""The ceiling of calls: in no second more than allowed, however long the calls take, however many threads there are."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest

from dispatcher.clock import FrozenClock
from dispatcher.directory.fhir.key import read_key
from dispatcher.directory.fhir.pace import Pace
from dispatcher.errors import DirectoryError


def most_in_a_second(moments: list[float]) -> int:
    return max(sum(start <= one <= start + 1.0 for one in moments) for start in moments)


@pytest.mark.parametrize("calls", [1, 2, 17])
@pytest.mark.parametrize("seed", range(5))
def test_never_more_in_any_second(calls: int, seed: int) -> None:
    """The server may count a call at any moment between its start and its end."""
    chance = random.Random(seed)
    clock = FrozenClock()
    pace = Pace(calls, clock)
    arrived = []
    for _ in range(calls * 6):
        with pace.call():
            took = chance.choice([0.0, 0.001, 0.05, 0.4, 1.5])
            arrived.append(clock.monotonic() + took * chance.random())
            clock.advance(took)
        if chance.random() < 0.1:
            clock.advance(chance.random() * 3)
    assert most_in_a_second(arrived) <= calls


def test_the_full_pace_is_used() -> None:
    clock = FrozenClock()
    pace = Pace(17, clock)
    for _ in range(17 * 10):
        with pace.call():
            pass
    assert clock.monotonic() < 10.5


def test_a_new_pace_supposes_the_second_before_was_used_up() -> None:
    clock = FrozenClock()
    with Pace(17, clock).call():
        assert clock.monotonic() > 1.0


def test_a_call_that_fails_counts_too() -> None:
    clock = FrozenClock()
    pace = Pace(1, clock)
    moments = []
    for _ in range(3):
        with pytest.raises(OSError), pace.call():
            moments.append(clock.monotonic())
            raise OSError
    assert most_in_a_second(moments) == 1


def test_threads_share_it() -> None:
    clock = FrozenClock()
    guard = threading.Lock()

    def rest(seconds: float) -> None:
        with guard:
            clock.advance(seconds)

    pace = Pace(5, clock, rest)
    arrived: list[float] = []

    def work() -> None:
        for _ in range(10):
            with pace.call():
                arrived.append(clock.monotonic())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(arrived) == 40
    assert most_in_a_second(arrived) <= 5


@pytest.mark.parametrize("content", [b"abc-123", b"abc-123\n", b"\xef\xbb\xbfabc-123\r\n"])
def test_a_key_stands_alone_in_its_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    assert read_key(tmp_path / "key") == "abc-123"


@pytest.mark.parametrize("content", [b"", b" \n", b"abc\nX-Other: 1", b"abc def", "clé".encode(), b"a" * 600])
def test_anything_else_is_no_key_and_is_not_quoted(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(DirectoryError) as error:
        read_key(tmp_path / "key")
    assert str(tmp_path / "key") in str(error.value)
    assert "X-Other" not in str(error.value)
    assert error.value.code == "directory-key"


def test_a_missing_key_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(DirectoryError, match="Clé d'API introuvable") as error:
        read_key(tmp_path / "key")
    assert "portal.api.esante.gouv.fr" in error.value.hint
