"""French text, and its English on request. French is the key: a text without English would still be French.

The catalogues are plain ``.po`` files, one a page, read at the start by Babel; nothing is compiled.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping
from contextvars import ContextVar
from functools import cache
from io import BytesIO

from babel.messages.pofile import read_po
from starlette.requests import HTTPConnection

FRENCH, ENGLISH = "fr", "en"
LANGUAGES = {FRENCH: "Français", ENGLISH: "English"}
COOKIE = "langue"

LANGUAGE: ContextVar[str] = ContextVar("language", default=FRENCH)
"""Of the request in hand; threads started for it see it too."""


@cache
def english() -> Mapping[str, tuple[str, str]]:
    """French text to English: alone, and of several."""
    found: dict[str, tuple[str, str]] = {}
    folder = importlib.resources.files("dispatcher.console") / "locale" / ENGLISH / "LC_MESSAGES"
    for item in sorted(folder.iterdir(), key=lambda one: one.name):
        if not item.name.endswith(".po"):
            continue
        for message in read_po(BytesIO(item.read_bytes()), locale=ENGLISH):
            if message.id and message.string:
                ids = message.id if isinstance(message.id, (list, tuple)) else (message.id,)
                told = message.string if isinstance(message.string, (list, tuple)) else (message.string,)
                found[ids[0]] = (told[0], told[-1])
    return found


def gettext(text: str) -> str:
    """In the language of the request."""
    if LANGUAGE.get() == ENGLISH and text in english():
        return english()[text][0]
    return text


def ngettext(alone: str, several: str, num: int) -> str:
    """What agrees with the number: zero is singular in French, plural in English."""
    if LANGUAGE.get() == ENGLISH and alone in english():
        return english()[alone][num != 1]
    return several if num > 1 else alone


def _(text: str, **values: object) -> str:
    """For pages: the text with its values in it."""
    told = gettext(text)
    return told % values if values else told


def n_(alone: str, several: str, num: int, **values: object) -> str:
    """For pages: the text that agrees with ``num``, with its values in it."""
    return ngettext(alone, several, num) % {"num": num, **values}


def N_(text: str) -> str:  # noqa: N802 - the name gettext tools know
    """Marks what is translated later."""
    return text


def wanted(connection: HTTPConnection) -> str:
    """``?lang=``, the cookie, what the browser asks for, French."""
    told = connection.query_params.get("lang") or connection.cookies.get(COOKIE, "")
    if told in LANGUAGES:
        return told
    for part in connection.headers.get("accept-language", "").split(","):
        name = part.partition(";")[0].strip().partition("-")[0].lower()
        if name in LANGUAGES:
            return name
    return FRENCH
