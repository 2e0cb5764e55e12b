"""A slow look is kept for a moment, taken anew beside the answer, and never grows old unseen."""

from __future__ import annotations

import threading

import pytest

from dispatcher.console.kept import FRESH, OLDEST, Kept


class Looks:
    """Counts the looks; one may be made to fail, or to wait."""

    def __init__(self) -> None:
        self.now, self.count, self.done = 0.0, 0, threading.Event()
        self.fails = False

    def look(self) -> int:
        self.count += 1
        self.done.set()
        if self.fails:
            raise ValueError("no")
        return self.count

    def kept(self) -> Kept[int]:
        return Kept(self.look, lambda: self.now)


def settle() -> None:
    for thread in threading.enumerate():
        if thread.name == "console-look":
            thread.join(10)


def test_a_fresh_look_is_kept() -> None:
    looks = Looks()
    kept = looks.kept()
    assert [kept.get(), kept.get()] == [1, 1]


def test_an_older_one_is_given_once_more_and_renewed_beside() -> None:
    looks = Looks()
    kept = looks.kept()
    kept.get()
    looks.now = FRESH + 1
    assert kept.get() == 1
    settle()
    assert kept.get() == 2


def test_an_old_one_is_never_given() -> None:
    looks = Looks()
    kept = looks.kept()
    kept.get()
    looks.now = OLDEST + 1
    assert kept.get() == 2


def test_a_look_that_fails_is_told() -> None:
    looks = Looks()
    kept = looks.kept()
    kept.get()
    looks.fails, looks.now = True, FRESH + 1
    kept.get()
    settle()
    with pytest.raises(ValueError, match="no"):
        kept.get()
