"""Text made drawable: normalised, and refused when a sign would be lost.

Text in, text out. A character the fonts lack is first looked up in a short table of equals (``−`` is ``-``, ``℃`` is
``°C``, ``10⁻³`` is ``10^-3``); what is left raises :class:`dispatcher.errors.RenderError` with code ``pdf-character``,
naming code points and never the text: a lost sign changes a result, so there is no ``?`` and no empty box.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from dispatcher.errors import RenderError

_EQUALS: dict[int, str] = {
    0x00AD: "",
    0x2000: " ",
    0x2001: " ",
    0x2002: " ",
    0x2003: " ",
    0x2004: " ",
    0x2005: " ",
    0x2006: " ",
    0x2007: "\u00a0",
    0x2008: " ",
    0x2009: " ",
    0x200A: " ",
    0x2010: "-",
    0x2011: "-",
    0x2028: "\n",
    0x2029: "\n",
    0x202F: "\u00a0",
    0x205F: " ",
    0x2212: "-",
    0x2215: "/",
    0x2216: "\\",
    0x2217: "*",
    0x2223: "|",
    0x2236: ":",
    0x223C: "~",
    0x2A7D: "≤",
    0x2A7E: "≥",
    0x3000: " ",
    0x03BC: "µ",
    0x212A: "K",
    0x212B: "Å",
    0x2126: "Ω",
    0x25B4: "▲",
    0x25BE: "▼",
    0x2B06: "↑",
    0x2B07: "↓",
    0x2610: "[ ]",
    0x2611: "[x]",
    0x2612: "[x]",
}
"""Equals that change no meaning."""

_DROPPED = re.compile("[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_EXPONENT = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹]*[⁰⁺⁻][⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]*")
_PLAIN = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")


def _cp1252(char: str) -> str:
    """A C1 control that is a Windows sign read as Latin-1 (``\\x92`` for ’); nothing for the five undefined ones."""
    return bytes([ord(char)]).decode("cp1252", errors="ignore")


def normalise(text: str) -> str:
    """One spelling of the same text: NFC, ``\\n`` line ends, plain blanks and dashes, no invisible character."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = re.sub("[\u0080-\u009f]", lambda match: _cp1252(match[0]), text)
    text = unicodedata.normalize("NFC", _DROPPED.sub("", text))
    text = _EXPONENT.sub(lambda match: "^" + match[0].translate(_PLAIN), text)
    return text.translate(_EQUALS)


class Glyphs:
    """The characters a set of fonts can draw."""

    def __init__(self, coverage: frozenset[int]) -> None:
        self._coverage = coverage | {0x0A, 0x09}
        self._plain = frozenset(char for code in coverage if (char := chr(code)) < "\u0180" and normalise(char) == char)
        """Of these letters and signs a text may be made that needs no second look: none of them is a combining mark."""

    @staticmethod
    def parse(text: str) -> Glyphs:
        """From ``mappings/fonts/coverage.txt``: ``LOW-HIGH`` lines in hexadecimal."""
        codes: set[int] = set()
        for line in text.split():
            low, _, high = line.partition("-")
            codes.update(range(int(low, 16), int(high or low, 16) + 1))
        return Glyphs(frozenset(codes))

    def missing(self, text: str) -> tuple[int, ...]:
        """Code points of a normalised text that cannot be drawn, each once, in order."""
        return tuple(dict.fromkeys(ord(char) for char in text if ord(char) not in self._coverage))

    def clean(self, text: str) -> str:
        """The text as it is drawn. Raises :class:`RenderError` (``pdf-character``) when a sign would be lost."""
        if (text.isascii() and text.isprintable()) or self._plain.issuperset(text):
            return text
        text = normalise(text)
        missing = self.missing(text)
        if missing:
            text = "".join(self._compatible(char) if ord(char) in missing else char for char in text)
            missing = self.missing(text)
        if missing:
            names = ", ".join(f"U+{code:04X}" for code in missing)
            raise RenderError(
                f"PDF : caractère absent des polices ({names}).",
                hint="Corriger le texte dans le SIL, ou employer une mise en page dont les polices ont ce caractère.",
                code="pdf-character",
            )
        return text

    def clean_all(self, value: Any) -> Any:
        """Every text of a JSON value, as it is drawn. Raises as :meth:`clean`."""
        if isinstance(value, str):
            return self.clean(value)
        if isinstance(value, list):
            return [self.clean_all(item) for item in value]
        if isinstance(value, dict):
            return {key: self.clean_all(item) for key, item in value.items()}
        return value

    def _compatible(self, char: str) -> str:
        """The compatibility spelling (``℃`` is ``°C``), when it draws; raised digits never lose their height."""
        if "<super>" in unicodedata.decomposition(char) or "<sub>" in unicodedata.decomposition(char):
            return char
        spelled = unicodedata.normalize("NFKC", char)
        return char if spelled == char or self.missing(spelled) else spelled
