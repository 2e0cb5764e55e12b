"""hl7apy's second opinion: never in the way, never a value told."""

from __future__ import annotations

import pytest

from dispatcher.formats.hl7.opinion import AT_MOST, second_opinion
from dispatcher.report.model import Severity
from dispatcher.resources import sample

MSH = "MSH|^~\\&|A|B|||20260311||ORU^R01^ORU_R01|1|P|2.5"
BODY = ["PID|1||2||X^Y", "OBR|1||F|C^C", "OBX|1|NM|C^C||1|||||F|F"]


def codes(*segments: str) -> list[str]:
    return [problem.code for problem in second_opinion("\r".join(segments).encode())]


def test_a_good_message_earns_no_word() -> None:
    assert codes(MSH, *BODY) == []


def test_foreign_segments_are_named() -> None:
    told = second_opinion("\r".join([MSH, *BODY, "PRT||UC", "ZZZ|1"]).encode())
    assert [problem.code for problem in told] == ["opinion-foreign-segments"]
    assert "PRT (1), ZZZ (1)" in told[0].message


def test_a_version_it_does_not_know() -> None:
    assert codes(MSH.replace("|2.5", "|2.9"), *BODY) == ["opinion-version"]
    assert codes(MSH.replace("|2.5", "|"), *BODY) == ["opinion-version"]


def test_a_missing_field_is_named_without_its_neighbours() -> None:
    told = second_opinion("\r".join([MSH, "PID|1||2||SECRET^Y", "OBR|1||F", "OBX|1|NM|||1|||||F|F"]).encode())
    text = " ".join(problem.message for problem in told)
    assert "OBX-3" in text
    assert "OBR-4" in text
    assert "SECRET" not in text


def test_only_the_first_messages_of_a_large_file_are_judged() -> None:
    text = "\r".join(["MSH|^~\\&|A|B|||2026||ORU^R01|1|P|9.9"] * (AT_MOST + 2))
    told = second_opinion(text.encode())
    assert len(told) == AT_MOST + 1
    assert told[-1].code == "opinion-sampled"


@pytest.mark.parametrize("data", [b"", b"PID|1", b"MSH", b"MSH|^~\\&|A\rOBX|" + b"|" * 300, b"MSH|||||||||||2.5\rPID"])
def test_nothing_makes_it_raise_or_hold(data: bytes) -> None:
    assert all(problem.severity is not Severity.ERROR for problem in second_opinion(data))


def test_the_sample_of_a_french_laboratory() -> None:
    told = second_opinion(sample("hl7", "bilan_utf8.hl7").read_bytes())
    assert all(problem.severity is Severity.INFO for problem in told), [problem.message for problem in told]
