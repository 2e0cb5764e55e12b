"""Well-formed CDA with anything moved, lost, doubled or misspelled in it gives declared problems, nothing else."""

from __future__ import annotations

import copy
import json
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from dispatcher.formats.base import ReadContext
from dispatcher.formats.cda_reading.reader import CdaReader
from dispatcher.formats.readout import as_json, as_text
from dispatcher.resources import sample
from tests.tools.problem_codes import declared
from tests.tools.reading_contract import breaches

WORDS = ("", "x", "-1", "1e999", "2026", "99999999", "20261301", "é" * 40, "#", "nan", "LN", "1.2.250.1.213.1.4.10")
NAMES = (
    "bilan_n3.xml",
    "ecbu_remplace.xml",
    "partiel.xml",
    "pdf_n1.xml",
    "sans_modele.xml",
    "autopresentable_2021.xml",
)


def mutate(root: etree._Element, chance: random.Random) -> None:
    elements = [each for each in root.iter() if isinstance(each.tag, str)]
    one, other = chance.choice(elements), chance.choice(elements)
    parent = one.getparent()
    match chance.randrange(7):
        case 0 if parent is not None:
            parent.remove(one)
        case 1 if one.attrib:
            del one.attrib[chance.choice(list(one.attrib))]
        case 2 if one.attrib:
            one.attrib[chance.choice(list(one.attrib))] = chance.choice(WORDS)
        case 3:
            one.append(copy.deepcopy(other))
        case 4:
            one.tag = other.tag
        case 5:
            one.text = chance.choice(WORDS)
        case _ if parent is not None and one not in other.iterancestors() and one is not other:
            other.append(one)


def check(data: bytes) -> None:
    result = CdaReader().read(data, ReadContext(file_name="x.xml"))
    assert as_text(result, "x")
    assert not breaches(json.loads(json.dumps(as_json(result, "x", ""))))
    for problem in (*result.problems, *(p for report in result.reports for p in report.problems)):
        assert problem.code in declared()


@pytest.mark.parametrize("name", NAMES)
def test_mutated_trees(name: str) -> None:
    chance = random.Random(name)
    data = sample("cda", name).read_bytes()
    for _ in range(60):
        root = etree.fromstring(data)
        for _ in range(chance.randint(1, 8)):
            mutate(root, chance)
        check(etree.tostring(root))


@given(st.sampled_from(NAMES), st.randoms(use_true_random=False), st.integers(1, 12))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_trees_that_shrink(name: str, chance: random.Random, times: int) -> None:
    root = etree.fromstring(sample("cda", name).read_bytes())
    for _ in range(times):
        mutate(root, chance)
    check(etree.tostring(root))
