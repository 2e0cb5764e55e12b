"""Which character set a file is in, and what the operator is told."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.formats.text import charset_name, decode

NAME = "Hélène Lœuillet"


def codes(data: bytes, **asked: str) -> list[str]:
    return [problem.code for problem in decode(data, **asked).problems]


@pytest.mark.parametrize(
    ("data", "asked", "encoding"),
    [
        (NAME.encode(), {}, "utf-8"),
        (NAME.encode("cp1252"), {}, "cp1252"),
        (NAME.encode("cp1252"), {"declared": "8859/1"}, "cp1252"),
        (NAME.encode("iso8859-15"), {"declared": "8859/15"}, "iso8859-15"),
        (codecs.BOM_UTF8 + NAME.encode(), {"declared": "8859/1"}, "utf-8"),
        (NAME.encode("utf-16"), {}, "utf-16"),
        (codecs.BOM_UTF16_BE + NAME.encode("utf-16-be"), {}, "utf-16"),
        (("MSH|" + NAME).encode("utf-16-le"), {}, "utf-16"),
        (NAME.replace("œ", "oe").encode("cp850"), {"override": "cp850"}, "cp850"),
    ],
)
def test_accents_survive(data: bytes, asked: dict[str, str], encoding: str) -> None:
    decoded = decode(data, **asked)
    assert decoded.encoding == encoding
    assert decoded.text.endswith(NAME) or decoded.text.endswith(NAME.replace("œ", "oe"))
    assert decoded.problems == ()


def test_a_false_declaration_is_told_and_the_content_followed() -> None:
    decoded = decode(NAME.encode(), declared="8859/1")
    assert (decoded.text, decoded.encoding) == (NAME, "utf-8")
    assert codes(NAME.encode(), declared="8859/1") == ["charset-mismatch"]
    assert codes(b"H\xe9l\xe8ne", declared="UNICODE UTF-8") == ["charset-mismatch"]
    assert decode(b"H\xe9l\xe8ne", declared="UNICODE UTF-8").text == "Hélène"


def test_an_override_that_cannot_be_is_dropped_and_told() -> None:
    assert codes(b"H\xe9l\xe8ne", override="utf-8") == ["encoding-override-failed"]
    assert codes(b"abc", override="martien") == ["encoding-override-failed"]
    assert decode(b"H\xe9l\xe8ne", override="utf-8").text == "Hélène"


def test_utf8_written_twice_is_repaired() -> None:
    twice = NAME.encode().decode("cp1252").encode()
    assert decode(twice).text == NAME
    assert codes(twice) == ["double-utf8"]
    assert codes("Hélène, 5 µg/L, « bien »".encode()) == []


def test_names_of_codecs_that_are_no_file_character_sets_are_unknown() -> None:
    assert [charset_name(name) for name in ("hex", "unicode_escape", "idna", "", "8859/99")] == [None] * 5
    assert charset_name("ISO IR 8859-15") == "iso8859-15"
    assert codes(b"abc", declared="KLINGON") == ["unknown-charset"]


@given(st.binary(max_size=300), st.sampled_from([None, "8859/1", "UNICODE UTF-8", "UTF-16", "x"]))
def test_any_bytes_give_text(data: bytes, declared: str | None) -> None:
    decoded = decode(data, declared=declared)
    assert codecs.lookup(decoded.encoding)
    assert all("\n" not in problem.message for problem in decoded.problems)


@given(st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_plain_text_is_never_touched(text: str) -> None:
    assert decode(text.encode()).text == text


@pytest.mark.parametrize("codec", ["cp850", "mac-roman"])
def test_accents_of_old_systems_are_doubted_not_guessed(codec: str) -> None:
    data = "Prélèvement de Hélène".encode(codec)
    assert codes(data) == ["doubtful-accents"]
    assert decode(data, override=codec).text == "Prélèvement de Hélène"
    assert codes("Hélène, prélèvement…".encode("cp1252")) == []
