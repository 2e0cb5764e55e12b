"""Every list of the corpus gets the exact answer of ``dispatcher trust verify --json``, and lets in whom it should."""

from __future__ import annotations

import pytest

from dispatcher.directory.trust.allowed_domains import verify
from tests.unit.directory.list_builder import DOMAINS, NOW, trust
from tests.unit.directory.list_corpus import CASES, Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_answer_is_exact(case: Case) -> None:
    verdict = verify(case.content(), trust(), now=NOW)
    assert verdict.as_json() == case.json
    assert verdict.accepted == (not case.reasons)
    if not verdict.accepted:
        assert verdict.names == frozenset()


@pytest.mark.parametrize("name", ["true", "true-carriage-returns", "true-comment-in-name", "true-signature-first"])
def test_a_true_list_lets_in_its_own_domains_and_nobody_else(name: str) -> None:
    content = next(case for case in CASES if case.name == name).content()
    assert verify(content, trust(), now=NOW).names == frozenset(DOMAINS)


def test_a_name_with_an_instruction_inside_lets_nobody_in() -> None:
    """Signed as it is, « evil.test » before an instruction and « .mssante.test » behind it: two readers, two names."""
    content = next(case for case in CASES if case.name == "signed-instruction-in-name").content()
    verdict = verify(content, trust(), now=NOW)
    assert verdict.names == frozenset(DOMAINS[1:])
    assert verdict.notes[-1] == "1 ligne(s) sans nom de domaine lisible : elles ne permettent rien."


def test_names_are_told_apart() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert all(case.differs for case in CASES if case.xmlsec is not None), "a difference says why"
