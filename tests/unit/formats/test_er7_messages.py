"""Files cut into messages: envelopes, broken lines, nothing lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.formats.er7.messages import cut
from dispatcher.report.model import Severity

MESSAGE = "MSH|^~\\&|LAB|||2.5\rPID|1\rOBX|1|NM\r"


def errors(text: str) -> list[str]:
    return [problem.code for problem in cut(text).problems if problem.severity is Severity.ERROR]


def test_a_whole_envelope_is_accepted() -> None:
    text = f"FHS|^~\\&|LAB\rBHS|^~\\&|LAB\r{MESSAGE}{MESSAGE}BTS|2\rBHS|^~\\&|LAB\r{MESSAGE}BTS|1\rFTS|2\r"
    found = cut(text)
    assert len(found.messages) == 3
    assert [segment.name for segment in found.envelope] == ["FHS", "BHS", "BTS", "BHS", "BTS", "FTS"]
    assert found.problems == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"BHS|^~\\&|LAB\r{MESSAGE}BTS|2\r", "envelope-count"),
        (f"FHS|^~\\&|LAB\rBHS|^~\\&|LAB\r{MESSAGE}BTS|1\rFTS|3\r", "envelope-count"),
        (f"FHS|^~\\&|LAB\r{MESSAGE}", "envelope-trailer"),
        (f"BHS|^~\\&|LAB\r{MESSAGE}", "envelope-trailer"),
        (f"FHS|^~\\&|LAB\rBHS|^~\\&|LAB\r{MESSAGE}FTS|1\r", "envelope-trailer"),
        (f"{MESSAGE}BTS|1\r", "envelope-order"),
        (f"{MESSAGE}FTS|1\r", "envelope-order"),
    ],
)
def test_a_wrong_envelope_is_an_error_of_the_file(text: str, code: str) -> None:
    assert errors(text) == [code]


@pytest.mark.parametrize("count", ["0", "1", "2", "2 messages", ""])
def test_without_batches_fts_counts_what_it_likes(count: str) -> None:
    assert errors(f"FHS|^~\\&|LAB\r{MESSAGE}{MESSAGE}FTS|{count}\r") == []


def test_each_message_has_its_own_separators() -> None:
    found = cut("MSH|^~\\&|A\rPID|1||2^3\rMSH#@/$%#B\rPID#1##2@3\r")
    assert [message.segments[1].component(3, 2) for message in found.messages] == ["3", "3"]


def test_a_line_without_a_name_goes_on_with_the_one_above() -> None:
    found = cut("MSH|^~\\&|A\rOBX|1|TX|C||première\ndeuxième ligne\nTSH 3,2|g||||||F\r")
    obx = found.messages[0].segments[1]
    assert obx.raw(5) == "première\ndeuxième ligne\nTSH 3,2"
    assert obx.raw(12) == "F" or obx.raw(11) == "F" or "F" in obx.fields
    assert [(problem.code, problem.where) for problem in found.problems] == [("broken-line", "ligne 3")]


@pytest.mark.parametrize("name", ["obx", "Obx", "OBX ", " obx\t"])
def test_a_name_in_lower_case_or_before_a_blank_is_a_segment(name: str) -> None:
    found = cut(f"MSH|^~\\&|A\rOBX|1|NM|A||1\r{name}|2|NM|K||7.9|||||F\r")
    assert [one.name for one in found.messages[0].segments] == ["MSH", "OBX", "OBX"]
    assert found.messages[0].segments[2].raw(5) == "7.9"
    assert [(one.code, one.severity) for one in found.problems] == [("segment-name-form", Severity.INFO)]


@pytest.mark.parametrize("name", ["O", "ob", "msh", "Zab", "XBX "])
def test_a_line_like_a_segment_is_never_glued_in_silence(name: str) -> None:
    assert errors(f"MSH|^~\\&|A\rOBX|1|NM|A||1\r{name}|2|NM|K||7.9\r") == ["glued-segment"]


def test_add_continues_exactly() -> None:
    found = cut("MSH|^~\\&|A\rOBX|1|TX|C||coupé au mi\rADD|lieu|g\r")
    assert found.messages[0].segments[1].fields[5:] == ["coupé au milieu", "g"]


def test_text_before_the_first_message_is_told() -> None:
    found = cut("De: labo\nObjet: résultats\n" + MESSAGE)
    assert len(found.messages) == 1
    assert [problem.code for problem in found.problems] == ["text-outside-message"]


def test_unknown_and_empty_segments_are_kept_with_their_line() -> None:
    found = cut("MSH|^~\\&|A\r\rZBE|1\rPV1\rOBX|1\r")
    assert [(segment.name, segment.line) for segment in found.messages[0].segments] == [
        ("MSH", 1),
        ("ZBE", 3),
        ("PV1", 4),
        ("OBX", 5),
    ]


LINES = ["MSH|^~\\&|A", "PID|1", "OBX|1|NM", "ZZZ|x", "BTS|1", "texte libre", "NTE", "FHS|^~\\&"]


@given(st.lists(st.sampled_from(LINES)))
def test_every_line_ends_in_exactly_one_place(told: list[str]) -> None:
    found = cut("\r".join(told))
    segments = [*found.envelope, *(segment for message in found.messages for segment in message.segments)]
    kept = sum(1 + sum(field.count("\n") for field in segment.fields) for segment in segments)
    stray = next((p.message.split()[0] for p in found.problems if p.code == "text-outside-message"), "0")
    assert kept + int(stray) == len(told)


@given(st.text(max_size=400))
def test_any_text_can_be_cut(text: str) -> None:
    found = cut(text)
    assert all(message.segments[0].name == "MSH" for message in found.messages)
