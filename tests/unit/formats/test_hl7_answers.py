"""Answers to a LIS, field by field, read back by our own splitter."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hl7apy.parser import parse_message
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.formats.er7.messages import Message, cut
from dispatcher.formats.er7.segments import Segment
from dispatcher.formats.er7.separators import HL7_USUAL
from dispatcher.formats.hl7.answers import Failure, Fault, Notice, Origin, Outcome, acknowledge, origin_of, trade_notice

AT = datetime(2026, 3, 11, 9, 30, 5, tzinfo=UTC)
HAPPENED = datetime(2026, 7, 11, 9, 30, 5, tzinfo=UTC)
MSH = (
    "MSH|^~\\&|SIL-Y|labo|PFI-X|Organisation-X|202106060931||ORU^R01^ORU_R01|015|T|2.5|||||FRA|8859/15"
    "|||2.1^CISIS_CDA_HL7_V2"
)


def origin(msh: str = MSH) -> Origin:
    (message,) = cut(msh + "\r").messages
    return origin_of(message.header)


def back(text: str) -> Message:
    parts = cut(text)
    assert parts.problems == ()
    assert parts.terminated
    (message,) = parts.messages
    return message


def fields(segment: Segment) -> dict[int, str]:
    return {number: segment.raw(number) for number in range(1, len(segment.fields)) if segment.raw(number)}


def test_an_acknowledgement_field_by_field() -> None:
    told = back(acknowledge(origin(), control_id="ACK-7", at=AT))
    assert [segment.name for segment in told.segments] == ["MSH", "MSA"]
    assert fields(told.header) == {
        1: "|",
        2: "^~\\&",
        3: "PFI-X",
        4: "Organisation-X",
        5: "SIL-Y",
        6: "labo",
        7: "20260311103005+0100",
        9: "ACK^R01^ACK",
        10: "ACK-7",
        11: "T",
        12: "2.5",
        17: "FRA",
        18: "UNICODE UTF-8",
    }
    assert fields(told.segments[1]) == {1: "AA", 2: "015"}


def test_hl7apy_finds_nothing_to_say_about_an_acknowledgement() -> None:
    parse_message(acknowledge(origin(), control_id="ACK-7", at=AT)).validate()


def test_a_refusal_says_where_and_why() -> None:
    faults = (
        Fault(condition="203", location="MSH^1^12", text="Version 9.9 | inconnue"),
        Fault(condition="101", severity="W"),
    )
    told = back(acknowledge(origin(), control_id="A", at=AT, outcome=Outcome.ERROR, faults=faults))
    assert [segment.name for segment in told.segments] == ["MSH", "MSA", "ERR", "ERR"]
    assert told.segments[1].raw(1) == "AE"
    assert fields(told.segments[2]) == {
        2: "MSH^1^12",
        3: "203^Unsupported version^messageErrorCondition",
        4: "E",
        8: "Version 9.9 \\F\\ inconnue",
    }
    assert told.segments[2].text(8) == "Version 9.9 | inconnue"
    assert fields(told.segments[3]) == {3: "101^Required field missing^messageErrorCondition", 4: "W"}


@pytest.mark.parametrize(
    ("event", "kind"), [("MDM^T10^MDM_T02", "ACK^T10^ACK"), ("ZAM^Z02^ZAM_Z01", "ACK^Z02^ACK"), ("ORU", "ACK")]
)
def test_the_event_is_that_of_the_message(event: str, kind: str) -> None:
    msh = MSH.replace("ORU^R01^ORU_R01", event)
    assert back(acknowledge(origin(msh), control_id="A", at=AT)).header.raw(9) == kind


@pytest.mark.parametrize(
    ("written", "answered"), [("2.6", "2.6"), ("2.3.1", "2.5"), ("2.5^FRA^2.11", "2.5"), ("", "2.5"), ("9", "2.5")]
)
def test_the_version_of_the_answer(written: str, answered: str) -> None:
    msh = MSH.replace("|2.5|", f"|{written}|")
    assert back(acknowledge(origin(msh), control_id="A", at=AT)).header.raw(12) == answered


def test_other_separators_are_translated() -> None:
    told = back(
        acknowledge(origin("MSH$%~\\&$S^IL%1.2&x%ISO$LABO$DISP$$2021$$ORU%R01$C|1$P$2.5"), control_id="A", at=AT)
    )
    assert told.header.component(5) == "S^IL"
    assert (told.header.component(5, 2), told.header.composite(5).sub(2, 2)) == ("1.2", "x")
    assert told.segments[1].text(2) == "C|1"


def test_a_delivery_notice_field_by_field() -> None:
    told = back(
        trade_notice(
            origin(),
            Notice.DELIVERY,
            control_id="ZAM-1",
            at=AT,
            happened_at=HAPPENED,
            address="adam.hoda@medecin.mssante.test",
            person_id="801234567897",
        )
    )
    assert [segment.name for segment in told.segments] == ["MSH", "EVN", "OBX", "OBX"]
    head = fields(told.header)
    assert (head[3], head[5], head[9], head[10], head[11], head[12]) == (
        "PFI-X",
        "SIL-Y",
        "ZAM^Z02^ZAM_Z01",
        "ZAM-1",
        "T",
        "2.6",
    )
    assert head[21] == "2.1^CISIS_CDA_HL7_V2"
    assert fields(told.segments[1]) == {2: "20260711113005+0200"}
    assert fields(told.segments[2]) == {
        1: "1",
        2: "CWE",
        3: "ACK_RECEPTION_MSS^Accusé de réception MSSanté^AckMetierZAM",
        4: "015",
        5: "Y^^expandedYes-NoIndicator",
        11: "F",
    }
    assert fields(told.segments[3]) == {
        1: "2",
        2: "XTN",
        3: "DESTINATAIRE_MSS^Destinataire MSSanté^AckMetierZAM",
        4: "801234567897",
        5: "^^X.400^adam.hoda@medecin.mssante.test",
        11: "F",
    }


@pytest.mark.parametrize(
    ("notice", "names", "error"),
    [
        (Notice.DMP, ["ACK_RECEPTION_DMP"], "550^Libellé^DMP_ERROR_CODE"),
        (Notice.DELIVERY, ["ACK_RECEPTION_MSS", "DESTINATAIRE_MSS"], "550^Libellé^SMTPERRORCODE"),
        (Notice.READING, ["ACK_LECTURE_MSS", "LECTEUR_MSS"], "550^Libellé^applicationErrorCondition"),
    ],
)
def test_a_failure_says_no_and_why(notice: Notice, names: list[str], error: str) -> None:
    failure = Failure(code="550", label="Libellé")
    text = trade_notice(origin(), notice, control_id="Z", at=AT, happened_at=AT, address="a@b.test", failure=failure)
    told = back(text)
    results = [segment for segment in told.segments if segment.name == "OBX"]
    assert [segment.component(3) for segment in results] == names
    assert results[0].raw(5) == "N^^expandedYes-NoIndicator"
    assert told.segments[-1].name == "ERR"
    assert fields(told.segments[-1]) == {3: "207^Application error^messageErrorCondition", 4: "E", 5: error}
    assert "Y^^" not in text


def test_a_notice_about_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="no address"):
        trade_notice(origin(), Notice.READING, control_id="Z", at=AT, happened_at=AT)


TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=20).filter(
    lambda text: text.strip() not in ("", '""')
)


@given(TEXTS, TEXTS, TEXTS)
def test_any_text_comes_back_as_it_was(control: str, code: str, label: str) -> None:
    asked = replace(origin(), control_id=HL7_USUAL.escaped(control))
    told = back(
        trade_notice(
            asked,
            Notice.READING,
            control_id=control,
            at=AT,
            happened_at=AT,
            address="a@b.test",
            failure=Failure(code=code, label=label),
        )
    )
    error = told.segments[-1].composite(5)
    assert (told.header.text(10), told.segments[2].text(4)) == (control.strip(), control.strip())
    assert (error.whole(1), error.whole(2)) == (code.strip(), label.strip())
