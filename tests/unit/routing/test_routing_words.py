"""The sentences of the rules are French as it is said aloud."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import dispatcher.routing
from dispatcher.routing.case import chosen, not_applicable, on_paper, passed, stopped


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Le ADELI 990000010 a changé.", "L'ADELI 990000010 a changé."),
        ("donne le ADELI 1, ajoutée au ADELI 1", "donne l'ADELI 1, ajoutée à l'ADELI 1"),
        ("Le RPPS 1 est aussi le ADELI 2.", "Le RPPS 1 est aussi l'ADELI 2."),
    ],
)
def test_the_article_of_adeli(written: str, said: str) -> None:
    for finding in (chosen(written), passed(written), not_applicable(written), on_paper(written)):
        assert finding.text == said
    held = stopped("unknown-recipient", written)
    assert held.hold is not None
    assert (held.text, held.hold.reason) == (said, said)


def test_a_rule_for_others_says_why_it_was_not_asked() -> None:
    text = (Path(dispatcher.routing.__file__).parent / "rules.py").read_text("utf-8")
    assert not re.search(r"Règle des (patients|professionnels)", text)
    assert "Ne vaut que pour la boîte d'un patient" in text
