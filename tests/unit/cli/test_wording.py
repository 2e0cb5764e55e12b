"""French words for codes."""

from __future__ import annotations

import pytest

from dispatcher.service.wording import cause


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("5.1.1", "adresse inconnue (5.1.1)"),
        ("902", "patient inconnu chez le destinataire (902)"),
        ("?", "sans code"),
        ("5.9.9", "5.9.9"),
    ],
)
def test_a_cause_is_said_in_words(code: str, said: str) -> None:
    assert cause(code) == said
