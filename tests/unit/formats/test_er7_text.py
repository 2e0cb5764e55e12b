"""Separators, escapes, lines, dates: the words of ER7."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.clock import PARIS
from dispatcher.formats.er7.segments import Composite, Segment, lines, terminated
from dispatcher.formats.er7.separators import Separators, from_header
from dispatcher.formats.er7.timestamps import Fault, parse_when

HL7 = Separators()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("MSH|^~\\&|LAB", Separators()),
        ("MSH|^~\\&#|LAB", Separators(truncation="#")),
        ("MSH#@/$%#LAB", Separators("#", "@", "/", "$", "%")),
        ("MSH|^~|LAB", Separators(escape="", subcomponent="")),
        ("MSH||LAB", Separators()),
        ("MSH", Separators()),
        ("MSH|LAB|x", Separators()),
    ],
)
def test_separators_come_from_the_message(header: str, expected: Separators) -> None:
    assert from_header(header) == expected


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f", "a|b^c&d~e\\f"),
        ("ligne\\.br\\suite", "ligne\nsuite"),
        ("ligne\\.BR\\suite", "ligne\nsuite"),
        ("a\\.sp2\\b", "a\n\nb"),
        ("a\\.sp\\b\\.ce\\c", "a\nb\nc"),
        ("a\\.sk3\\b", "a   b"),
        ("a\\X0D\\b\\X0D0A\\c", "a\nb\nc"),
        ("\\XC3A9\\t\\XE9\\", "été"),
        ("\\H\\gras\\N\\ fin", "gras fin"),
        ("\\C2842\\x\\M2842AB\\y", "xy"),
        ("\\.in+4\\\\.fi\\texte\\.nf\\", "texte"),
        ("C:\\dir\\fichier \\Zxx\\ \\", "C:\\dir\\fichier \\Zxx\\ \\"),
        ("\\E\\F\\E\\", "\\F\\"),
        ("\\X0\\", "\\X0\\"),
    ],
)
def test_escapes_are_resolved_and_unknown_ones_kept(raw: str, text: str) -> None:
    assert HL7.unescape(raw) == text


@given(st.text(alphabet=st.characters(blacklist_characters="\r", blacklist_categories=("Cs",))))
def test_what_is_escaped_comes_back(text: str) -> None:
    separators = Separators(truncation="#")
    escaped = separators.escaped(text)
    assert separators.unescape(escaped) == text
    assert not set(escaped) & set("|^~&\n\r#")


def test_the_explicit_null_is_no_text() -> None:
    segment = Segment('OBX|1|NM|A||""|g', 3, HL7)
    assert segment.raw(5) == '""'
    assert segment.text(5) == "" == segment.component(5)
    assert segment.raw(4) == ""


def test_fields_components_subcomponents() -> None:
    segment = Segment("PID|1||12^^^LAB&1.2.3&ISO^PI~34^^^^NI||A\\T\\B^C", 7, HL7)
    assert [one.first(1) for one in segment.composites(3)] == ["12", "34"]
    assert segment.composite(3).sub(4, 2) == "1.2.3"
    assert segment.component(5) == "A&B"
    assert segment.component(3, 5) == "PI"
    assert segment.raw(40) == segment.component(40) == ""
    assert segment.where(3) == "ligne 7, PID-3"


def test_an_ampersand_nobody_escaped_stays_in_a_label() -> None:
    composite = Composite("C1^Col & utérus^L", HL7)
    assert composite.whole(2) == "Col & utérus"


def test_every_line_end_and_frame_is_read_and_lines_keep_their_number() -> None:
    text = "\x0bMSH|1\rPID|2\r\n\nOBX|3\n\x1c\r\x0bMSH|4\r\x1c\r"
    assert list(lines(text)) == [(1, "MSH|1"), (2, "PID|2"), (4, "OBX|3"), (6, "MSH|4")]
    assert terminated(text)
    assert not terminated("MSH|1\rPID")
    assert terminated("MSH|1\r\n\x1a")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20240311", date(2024, 3, 11)),
        ("202403110745", datetime(2024, 3, 11, 7, 45, tzinfo=PARIS)),
        ("20240311074530.1234+0200", datetime.fromisoformat("2024-03-11T07:45:30+02:00")),
        ("2024031107Z", datetime(2024, 3, 11, 7, tzinfo=UTC)),
        ("2024-03-11T07:45:00+01:00", datetime.fromisoformat("2024-03-11T07:45:00+01:00")),
        ("2024-03-11 07:45", datetime(2024, 3, 11, 7, 45, tzinfo=PARIS)),
        ("11/03/2024 07:45", datetime(2024, 3, 11, 7, 45, tzinfo=PARIS)),
        ("11/03/2024", date(2024, 3, 11)),
        ("202403112400", datetime(2024, 3, 12, tzinfo=PARIS)),
        ("20240229", date(2024, 2, 29)),
    ],
)
def test_days_and_moments(text: str, expected: date) -> None:
    assert parse_when(text) == (expected, Fault.NONE)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", Fault.NONE),
        ("00000000", Fault.INVALID),
        ("19614204", Fault.INVALID),  # pseudo month of a NIR
        ("20230229", Fault.INVALID),
        ("10240311", Fault.INVALID),
        ("1961", Fault.PARTIAL),
        ("196107", Fault.PARTIAL),
        ("19610700", Fault.PARTIAL),
        ("hier", Fault.INVALID),
        ("20240311+9999", Fault.NONE),
    ],
)
def test_what_is_no_moment_is_told(text: str, fault: Fault) -> None:
    assert parse_when(text)[1] is fault


def test_a_bad_time_keeps_the_day() -> None:
    assert parse_when("202403119961") == (date(2024, 3, 11), Fault.TIME)


@given(st.text(max_size=30))
def test_any_text_is_a_date_or_not(text: str) -> None:
    when, _ = parse_when(text)
    assert when is None or when.isoformat()
