"""Any dialect the model accepts, over any sample, whole or damaged: a reading, never a fault of ours."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from dispatcher.dialects.model import Dialect
from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext
from dispatcher.resources import sample

FOLDERS = ("hl7", "hprim_sante", "hprim_medecins", "dialects")
SAMPLES = [
    item.read_bytes()
    for folder in FOLDERS
    for item in sorted(sample(folder).iterdir(), key=lambda one: one.name)
    if item.name.lower().endswith((".hl7", ".hpr"))
]
PLACES = [
    *(
        "MSH-7",
        "MSH-4.1",
        "PID-2",
        "PID-3(2).1",
        "PID-3",
        "PID-5.1",
        "PID-5",
        "PV1-7",
        "PV1-9.2.1",
        "ORC-2.1",
        "OBR-3.2",
    ),
    *(
        "OBR-4",
        "OBR-15.1.2",
        "OBR-16",
        "OBR-18.1",
        "OBR-28(3)",
        "OBX[3.1=GLY]-5",
        "OBX-14",
        "OBX-16.2",
        "NTE-3",
        "ZZZ-9",
    ),
    *(
        "P-5.1",
        "P-6",
        "P-13",
        "H-4.2",
        "C-4",
        "OBX-15.3",
        "SPM-4",
        "TXA-12.1",
        "L-3",
        "L1",
        "L2",
        "L5",
        "L9",
        "L11:1-10",
        "L12:9-99",
    ),
]
TEXTS = ["", "-", "néant", "L", "LN", "D014", "*", "+", "F", "V", "A^B~C&D", "x|y\\F\\", "\u00a0", "é" * 200]
MASKS = ["D*", "#########", "?", "*a*b*", "GLY", "HB", "*1", "CONC"]
place, text, mask = st.sampled_from(PLACES), st.sampled_from(TEXTS), st.sampled_from(MASKS)
names = st.sampled_from(["family-given", "given-family", "joined", "joined-given-first"])
role = st.sampled_from(["loinc", "local", "ignore"])
number = st.fixed_dictionaries(
    {"type": st.sampled_from(["RPPS", "ADELI", "FINESS", "local"])},
    optional={"mask": mask, "component": st.integers(1, 30)},
)
FIELDS = [
    *("filler", "placer", "prescriber", "validator", "patient_id", "visit_id", "birth_name", "used_name", "given"),
    *("chapter", "specimen", "collected", "received", "reported"),
]


def table(**keys: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=keys)


HEAD = {
    "charset": st.sampled_from(["cp1252", "cp850", "mac-roman", "utf-8", "utf-16", "cp037"]),
    "timezone": st.sampled_from(["Indian/Reunion", "Europe/Paris", "Pacific/Tahiti"]),
    "null_words": st.lists(st.sampled_from(["-", "NEANT", "F", "|"]), max_size=3),
    "ignore": st.lists(place, max_size=3),
    "constants": st.dictionaries(place, text, max_size=3),
    "defaults": st.dictionaries(place, text, max_size=3),
    "flags": st.dictionaries(st.sampled_from(["*", "+", "H", "~", ""]), st.sampled_from(["", "H", "AA"]), max_size=3),
    "numbers": table(decimal=st.sampled_from([".", ","]), thousands=st.sampled_from(["", ".", ",", "'"])),
    "codes": table(
        systems=st.dictionaries(text, st.sampled_from(["LOINC", "local", "1.2.3"]), max_size=3), first=role, second=role
    ),
    "fields": table(**dict.fromkeys(FIELDS, place)),
    "copies": table(
        fields=st.lists(place, max_size=3),
        comments=st.lists(st.sampled_from(["CC", "À ", "Pr"]), max_size=2),
        person=st.sampled_from(["{id} {name}", "{name} ({id})", "{family}/{given}"]),
        separator=st.sampled_from([";", " ", "~"]),
    ),
    "status": table(
        result=st.dictionaries(st.sampled_from(["", "V", "F", "P", "D"]), st.sampled_from(list("FCPDX")), max_size=3),
        order=st.dictionaries(st.sampled_from(["", "V", "F", "P", "D"]), st.sampled_from(list("FCPX")), max_size=3),
    ),
    "practitioners": table(name_order=names, numbers=st.lists(number, max_size=3)),
    "patient": table(name_order=names, authorities=st.dictionaries(text, st.just("1.2.250.1.213.1.4.10"), max_size=2)),
    "results": table(**dict.fromkeys(("comments", "conclusions", "titles", "drop"), st.lists(mask, max_size=2))),
    "laboratory": table(name=text, finess=st.sampled_from(["", "990000010"])),
}
dialects = st.fixed_dictionaries(
    {"format": st.sampled_from(["hl7v2", "hprim-sante", "hprim-medecins"]), "title": st.just("essai")}, optional=HEAD
)


def accepted(data: dict[str, Any]) -> Dialect | None:
    """Without the places that are refused, or None when something else is."""
    for _ in range(2):
        try:
            return Dialect.model_validate(data)
        except ValidationError as error:
            for fault in error.errors():
                if fault["loc"][0] in ("constants", "defaults", "ignore", "numbers", "status"):
                    data.pop(str(fault["loc"][0]), None)
    return None


def damaged(data: bytes, seed: int) -> bytes:
    """Some bytes cut out, doubled or changed."""
    chance = random.Random(seed)
    content = bytearray(data)
    for _ in range(chance.randrange(6)):
        at = chance.randrange(len(content) or 1)
        choice = chance.randrange(3)
        if choice == 0:
            del content[at : at + chance.randrange(30)]
        elif choice == 1:
            content[at:at] = chance.choice([b"|", b"^", b"~", b"\r", b"OBX|", b"\\", b"&", b'""'])
        else:
            content[at : at + 1] = bytes((chance.randrange(256),))
    return bytes(content)


@settings(max_examples=400, deadline=None)
@given(data=dialects, chosen=st.sampled_from(SAMPLES), seed=st.integers(0, 2**32))
def test_any_dialect_over_any_file_never_raises(data: dict[str, Any], chosen: bytes, seed: int) -> None:
    spoken = accepted(data)
    assert spoken is not None
    result = registry.read(damaged(chosen, seed) if seed % 2 else chosen, ReadContext(dialect=spoken))
    codes = {problem.code for problem in result.problems}
    assert "reader-fault" not in codes


@pytest.mark.parametrize("format_", ["hl7v2", "hprim-sante", "hprim-medecins"])
def test_a_dialect_that_says_nothing_changes_no_sample(format_: str) -> None:
    spoken = Dialect.model_validate({"format": format_, "title": "essai"})
    for data in SAMPLES:
        with_it, without = (registry.read(data, ReadContext(dialect=one)) for one in (spoken, None))
        assert with_it.reports == without.reports
