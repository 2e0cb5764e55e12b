"""Any accepted dialect over any sample: values change by its declared rule only, what is withdrawn stays so."""

from __future__ import annotations

import random
import re
from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.dialects.model import Dialect, Numbers
from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.report.model import Observation
from dispatcher.report.values import parse_number
from tests.unit.dialects.test_dialect_robustness import SAMPLES, accepted, dialects

_STATE = re.compile(rb"\|F(?=[\r\n|])")
_VALUE = re.compile(rb"(OBX\|[0-9]+\|NM\|[^|\r\n]*\|[^|\r\n]*\||RES\|[^|\r\n]*\|[^|\r\n]*\|N\|)[0-9.,<> ]+(?=\|)")
_NUMBERS = (b"0.100", b"1.005", b"245.000", b"1.284,5", b"12,5", b"0,100", b"< 1,234", b"1.234.567", b"100")
_NUMERIC = re.compile(r"[<>=≤≥+\- ]*[0-9][0-9.,' ]*")
_WITHDRAWN = ("D", "W", "X")


_LETTERS = st.sampled_from(["", "V", "F", "D", "W", "X", "I", "P"])
_MASKS = st.lists(st.sampled_from(["G*", "H*", "*A*", "*1", "C*", "P*", "*E*"]), max_size=2)
TELLING = {
    "numbers": st.sampled_from([(",", "."), (".", ","), (".", "'"), (",", "")]).map(
        lambda signs: {"decimal": signs[0], "thousands": signs[1]}
    ),
    "status": st.dictionaries(_LETTERS, st.sampled_from("FCPDX"), max_size=1).map(lambda known: {"result": known}),
    "results": st.fixed_dictionaries(dict.fromkeys(("comments", "conclusions", "titles"), _MASKS)),
}
"""What touches values and states, in every dialect tried; the rest is any dialect."""


def varied(data: bytes, seed: int) -> bytes:
    """The sample with results of every state, and numbers of every habit."""
    chance = random.Random(seed)
    data = _STATE.sub(lambda _: b"|" + chance.choice((b"F", b"F", b"D", b"W", b"X", b"P", b"I")), data)
    return _VALUE.sub(lambda found: found[1] + chance.choice(_NUMBERS), data)


def format_of(data: bytes) -> str:
    """What dialects call the format of a sample."""
    return "hl7v2" if b"MSH|" in data[:200] else "hprim-sante" if data.startswith(b"H|") else "hprim-medecins"


def observations(result: ReadResult) -> list[Observation]:
    return [one for report in result.reports for one in report.observations]


def written(one: Observation) -> str:
    """The same for a result as written and as a dialect of HPRIM Médecins rewrites it: its digits, else its text."""
    return re.sub("[^0-9]", "", one.raw) if _NUMERIC.fullmatch(one.raw) else one.raw


def by_rule(raw: str, rules: Numbers) -> str | None:
    """The number by the declared signs, cut in another way than the program does it."""
    number = raw.strip(" <>=≤≥+-")
    whole, _, fraction = number.partition(rules.decimal)
    first, *groups = re.split(f"[{re.escape(rules.thousands)} ]", whole)
    if groups and (not 1 <= len(first) <= 3 or first.startswith("0") or any(len(one) != 3 for one in groups)):
        return None
    found = parse_number("".join((first, *groups)) + (f".{fraction}" if fraction else ""))
    return found.value.lstrip("-") if found else None


def read(data: bytes, spoken: Dialect | None) -> ReadResult:
    return registry.read(data, ReadContext(dialect=spoken))


@settings(max_examples=400, deadline=None)
@given(
    data=dialects,
    telling=st.fixed_dictionaries(TELLING),
    chosen=st.sampled_from(SAMPLES),
    seed=st.integers(0, 2**32),
)
def test_a_dialect_changes_values_by_its_rule_only_and_revives_nothing(
    data: dict[str, Any], telling: dict[str, Any], chosen: bytes, seed: int
) -> None:
    data.pop("charset", None)  # another reading of every letter
    data.update(telling, format=format_of(chosen))  # without [results] drop: what it leaves out is its whole sense
    spoken = accepted(data)
    assert spoken is not None
    file = varied(chosen, seed)
    plain, found = observations(read(file, None)), observations(read(file, spoken))
    values: dict[str, set[str | None]] = {}
    for one in plain:
        values.setdefault(written(one), set()).update((one.value.lstrip("-"), by_rule(one.raw, spoken.numbers)))
        if one.alt is not None:  # a dialect that leaves labels out takes a line « soit » for a result of its own
            values.setdefault(re.sub("[^0-9]", "", one.alt.value), set()).add(one.alt.value)
    for one in found:
        if _NUMERIC.fullmatch(one.raw):
            assert one.value.lstrip("-") in values.get(written(one), ()), one.raw
    for letter in _WITHDRAWN:
        before, after = (Counter(written(one) for one in many if one.status == letter) for many in (plain, found))
        assert not before - after, letter
