"""Every text of the console has its English, and none stands in a template outside a translation mark."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from dispatcher.console.app import templates
from dispatcher.console.texts import ENGLISH, LANGUAGE, english, n_
from tests.tools.console_texts import CONSOLE, missing, said, unused

LETTER = re.compile(r"[^\W\d_]{2,}")
READ_OUT = {"alt", "aria-label", "title", "placeholder", "label", "data-label", "data-confirm", "data-key-label"}
TEMPLATES = sorted((CONSOLE / "templates").rglob("*.html"))


class Raw(HTMLParser):
    """What a person would read of a template without its expressions."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        self.found += [data.strip()] if LETTER.search(data) else []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name for name, value in attrs if name == "type" and value in {"submit", "button"}}
        read = READ_OUT | ({"value"} if named else set())
        self.found += [value for name, value in attrs if name in read and value and LETTER.search(value)]


def raw(source: str) -> list[str]:
    """Text outside of ``{{ }}`` and ``{% %}``; what those give is a mark of its own."""
    out, inside = [], ""
    for _, kind, value in templates().lex(source):
        if kind == "data" and not inside:
            out.append(value)
        elif kind in {"variable_begin", "block_begin"}:
            inside = kind
            out.append("\0" if kind == "variable_begin" else "")
        elif kind in {"variable_end", "block_end"}:
            inside = ""
    reader = Raw()
    reader.feed("".join(out))
    reader.close()
    return reader.found


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_raw_text_in_a_template(path: Path) -> None:
    assert raw(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source", ["<p>Bonjour</p>", '<img alt="photo">', '<p>{{ _("a") }} deux</p>', '<input type="submit" value="Aller">']
)
def test_raw_text_is_seen(source: str) -> None:
    assert raw(source)


def test_marked_text_is_no_raw_text() -> None:
    assert raw('<p title="{{ _(\'Bonjour\') }}">{{ _("Bonjour") }} : {% if a %}·{% endif %}</p>{# mot #}') == []


def test_every_text_has_its_english() -> None:
    """A failure here: ``python -m tests.tools.console_texts``, then write the English."""
    assert [f"{one.where} {one.text}" for one in missing()] == []


def test_no_english_without_its_text() -> None:
    assert unused() == []


def test_the_english_keeps_the_values() -> None:
    """A name of a value misspelt in the English would be an error on the page."""
    values = re.compile(r"%\((\w+)\)")
    told = {one.text if isinstance(one.text, str) else one.text[0]: one.text for one in said()}
    faults = [
        text
        for text, whole in told.items()
        for translated in english()[text]
        if not set(values.findall(translated)) <= set(values.findall(whole if isinstance(whole, str) else whole[-1]))
    ]
    assert faults == []


def test_numbers_agree_in_both_languages() -> None:
    pair = ("Non : %(num)d alarme.", "Non : %(num)d alarmes.")
    assert [n_(*pair, number)[-8:] for number in (0, 1, 2)] == [" alarme.", " alarme.", "alarmes."]
    token = LANGUAGE.set(ENGLISH)
    assert [n_(*pair, number)[-7:] for number in (0, 1, 2)] == ["alarms.", " alarm.", "alarms."]
    LANGUAGE.reset(token)
