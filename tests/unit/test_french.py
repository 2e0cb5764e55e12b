"""Words agree with their number."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatcher.french import age, counted, either


@pytest.mark.parametrize(
    ("count", "words", "said"),
    [
        (0, "envoi", "0 envoi"),
        (1, "ligne illisible", "1 ligne illisible"),
        (2, "ligne illisible", "2 lignes illisibles"),
        (3, "avis reçu", "3 avis reçus"),
        (1, "canal|canaux", "1 canal"),
        (2, "canal|canaux", "2 canaux"),
    ],
)
def test_a_number_and_its_noun(count: int, words: str, said: str) -> None:
    assert counted(count, words) == said


@pytest.mark.parametrize(("count", "said"), [(0, "reste"), (1, "reste"), (2, "restent")])
def test_the_verb_agrees_too(count: int, said: str) -> None:
    assert either(count, "reste", "restent") == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(-1, "0 s"), (59, "59 s"), (60, "1 min"), (7500, "2 h 05"), (4 * 86_400, "4 j")]
)
def test_a_duration_as_people_say_it(seconds: int, said: str) -> None:
    assert age(timedelta(seconds=seconds)) == said
