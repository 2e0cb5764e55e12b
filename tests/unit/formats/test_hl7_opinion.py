"""hl7apy's second opinion: never in the way, never a value told."""

from __future__ import annotations

import pytest

from dispatcher.formats.hl7.opinion import AT_MOST, second_opinion
from dispatcher.formats.side_by_side import opinion_json, opinion_text
from dispatcher.report.model import Severity
from dispatcher.resources import sample

MSH = "MSH|^~\\&|A|B|||20260311||ORU^R01^ORU_R01|1|P|2.5"
BODY = ["PID|1||2||X^Y", "OBR|1||F|C^C", "OBX|1|NM|C^C||1|||||F|F"]


def codes(*segments: str) -> list[str]:
    return [problem.code for problem in second_opinion("\r".join(segments).encode()).problems]


def test_a_good_message_earns_no_word() -> None:
    assert codes(MSH, *BODY) == []


def test_foreign_segments_are_named() -> None:
    told = second_opinion("\r".join([MSH, *BODY, "PRT||UC", "ZZZ|1"]).encode()).problems
    assert [problem.code for problem in told] == ["opinion-foreign-segments"]
    assert "PRT (1), ZZZ (1)" in told[0].message


def test_a_version_it_does_not_know() -> None:
    assert codes(MSH.replace("|2.5", "|2.9"), *BODY) == ["opinion-version"]
    assert codes(MSH.replace("|2.5", "|"), *BODY) == ["opinion-version"]


def test_a_missing_field_is_named_without_its_neighbours() -> None:
    told = second_opinion("\r".join([MSH, "PID|1||2||SECRET^Y", "OBR|1||F", "OBX|1|NM|||1|||||F|F"]).encode()).problems
    text = " ".join(problem.message for problem in told)
    assert "OBX-3" in text
    assert "OBR-4" in text
    assert "SECRET" not in text


def test_only_the_first_messages_of_a_large_file_are_judged() -> None:
    text = "\r".join(["MSH|^~\\&|A|B|||2026||ORU^R01|1|P|9.9"] * (AT_MOST + 2))
    told = second_opinion(text.encode()).problems
    assert len(told) == AT_MOST + 1
    assert told[-1].code == "opinion-sampled"


@pytest.mark.parametrize("data", [b"", b"PID|1", b"MSH", b"MSH|^~\\&|A\rOBX|" + b"|" * 300, b"MSH|||||||||||2.5\rPID"])
def test_nothing_makes_it_raise_or_hold(data: bytes) -> None:
    assert all(problem.severity is not Severity.ERROR for problem in second_opinion(data).problems)


def test_the_sample_of_a_french_laboratory() -> None:
    told = second_opinion(sample("hl7", "bilan_utf8.hl7").read_bytes()).problems
    assert all(problem.severity is Severity.INFO for problem in told), [problem.message for problem in told]


# ------------------------------------------------------------------------------------------------ side by side


def test_both_readings_of_a_good_message_agree() -> None:
    (seen,) = second_opinion("\r".join([MSH, *BODY]).encode()).messages
    assert seen.agrees
    assert (seen.ours, seen.counted, seen.lost) == ({"MSH": 1, "PID": 1, "OBR": 1, "OBX": 1}, (1, 1, 1), {})
    assert seen.groups["ORU_R01_ORDER_OBSERVATION"] == seen.groups["ORU_R01_OBSERVATION"] == 1


def test_what_hl7apy_drops_is_counted_by_name() -> None:
    opinion = second_opinion(sample("hl7", "document_mdm.hl7").read_bytes())
    (seen,) = opinion.messages
    assert seen.lost == {"PRT": 1}
    assert not seen.agrees
    assert "opinion-foreign-segments" in [problem.code for problem in opinion.problems]


def test_a_standard_segment_out_of_its_place_is_a_warning() -> None:
    told = second_opinion("\r".join([MSH, *BODY, "TXA|1|CR|TEXT"]).encode())
    assert ("opinion-lost-segments", Severity.WARNING) in [(p.code, p.severity) for p in told.problems]
    assert told.messages[0].lost == {"TXA": 1}


def test_a_field_hl7apy_writes_otherwise_is_placed() -> None:
    told = second_opinion("\r".join([MSH, *BODY, "NTE|1|L|SECRET\\.br\\ligne"]).encode())
    assert told.messages[0].differing == ("ligne 5, NTE-3",)
    assert "SECRET" not in "".join(problem.message for problem in told.problems)


def test_as_json_and_as_text() -> None:
    opinion = second_opinion("\r".join([MSH, *BODY, "PRT||UC", MSH.replace("2.5", "9")]).encode())
    first, second = opinion_json(opinion)["strict"]["messages"]
    assert first == {
        "where": "ligne 1, MSH",
        "type": "ORU^R01",
        "version": "2.5",
        "ours": {
            "segments": 5,
            "names": {"MSH": 1, "OBR": 1, "OBX": 1, "PID": 1, "PRT": 1},
            "groups": {"patients": 1, "orders": 1, "results": 1},
        },
        "hl7apy": {
            "segments": 4,
            "names": {"MSH": 1, "OBR": 1, "OBX": 1, "PID": 1},
            "groups": first["hl7apy"]["groups"],
        },
        "lost": {"PRT": 1},
        "differing": [],
        "agrees": False,
    }
    assert first["hl7apy"]["groups"]["ORU_R01_PATIENT_RESULT"] == 1
    assert second["hl7apy"] is None
    text = opinion_text(opinion)
    assert "5 segments lus, 4 par hl7apy" in text
    assert "perdus par hl7apy : PRT (1)" in text
    assert "hl7apy ne donne pas de lecture" in text
