"""The five (or six) characters that cut an ER7 text, and the escapes that let them stand inside a value.

HL7 v2.5 chapter 2 §2.5.4 (delimiters) and §2.7 (escape sequences); ``#`` for truncation is 2.7. HPRIM Santé uses the
same grammar with other characters. Readers are lenient: unknown escapes stay as they are, a lone escape character too.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_LINE_BREAKS = str.maketrans({"\r": "\n"})


class Separators(NamedTuple):
    """One character each; an empty string means that the sender declared none and nothing is cut there."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"
    truncation: str = ""

    def unescape(self, raw: str) -> str:
        """Text as a person reads it; line breaks (``\\.br\\``, ``\\X0D\\``) are ``\\n``. Unknown sequences are kept."""
        escape = self.escape
        if not escape or escape not in raw:
            return raw
        return _pattern(escape).sub(self._resolve, raw)

    def escaped(self, text: str) -> str:
        """The inverse, for writing: ``unescape(escaped(text)) == text`` for text whose line breaks are ``\\n``."""
        escape = self.escape
        if not escape:
            return text
        table = {self.truncation: "P", self.subcomponent: "T", self.repetition: "R", self.component: "S"}
        table |= {self.field: "F", escape: "E"}
        codes = {ord(char): f"{escape}{name}{escape}" for char, name in table.items() if char}
        return text.translate(codes | {10: f"{escape}.br{escape}", 13: f"{escape}X0D{escape}"})

    def clean(self, raw: str) -> str:
        """Unescaped and stripped; an explicit null (``""``) is the empty string."""
        if raw == '""':
            return ""
        if self.escape and self.escape in raw:
            raw = self.unescape(raw)
        return raw.strip()

    def repetitions(self, raw: str) -> list[str]:
        """The raw repetitions of a field; none for an empty field."""
        if not raw:
            return []
        return raw.split(self.repetition) if self.repetition and self.repetition in raw else [raw]

    def components(self, raw: str) -> list[str]:
        """The raw components of one repetition."""
        return raw.split(self.component) if self.component else [raw]

    def _resolve(self, found: re.Match[str]) -> str:
        body = found[1]
        head = body[0]
        if len(body) == 1:
            return self._single(head)
        if head in "Xx":
            return _hexadecimal(body[1:], found[0])
        if head in "CM":
            return ""  # switches of character set: the text was decoded as a whole already
        return _formatting(body[1:].lower())

    def _single(self, letter: str) -> str:
        known = {
            "F": self.field,
            "S": self.component,
            "T": self.subcomponent,
            "R": self.repetition,
            "E": self.escape,
            "P": self.truncation or "#",
        }
        return known.get(letter, "")  # H and N only switch bold on and off


@lru_cache(maxsize=32)
def _pattern(escape: str) -> re.Pattern[str]:
    """Only sequences of the standard match, so that ``C:\\dir\\file`` stays itself."""
    mark = re.escape(escape)
    known = (
        r"[FSTREPHN]|[Xx](?:[0-9A-Fa-f]{2})+|C[0-9A-Fa-f]{4}|M[0-9A-Fa-f]{4}(?:[0-9A-Fa-f]{2})?"
        r"|\.(?:[Bb][Rr]|(?:sp|SP|sk|SK)[ +]?[0-9]{0,3}|fi|FI|nf|NF|ce|CE|(?:in|IN|ti|TI)[ ]?[+-]?[0-9]{0,3})"
    )
    return re.compile(f"{mark}({known}){mark}")


def _formatting(command: str) -> str:
    """``.br``, ``.sp3``, ``.ce``: line breaks; ``.sk2``: blanks; filling and indenting: nothing (§2.7.4)."""
    digits = command[2:].strip(" +")
    count = min(int(digits), 100) if digits.isdigit() else 1
    if command.startswith("sp"):
        return "\n" * count
    if command.startswith("sk"):
        return " " * count
    return "\n" if command[:2] in ("br", "ce") else ""


def _hexadecimal(digits: str, original: str) -> str:
    data = bytes.fromhex(digits)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    if "\0" in text:
        return original
    return text.replace("\r\n", "\n").translate(_LINE_BREAKS)


HL7_USUAL = Separators()


def from_header(line: str) -> Separators:
    """Separators of a line that starts with ``MSH``, ``FHS`` or ``BHS``: its fourth character, then the field behind.

    Lenient: a missing or alphanumeric declaration gives the usual ``|^~\\&``; what follows the fifth character is
    ignored; characters left out at the end (``^~``) mean that nothing is cut there.
    """
    mark = line[3:4]
    if not mark or mark.isalnum() or mark.isspace():
        return HL7_USUAL
    return _declared(mark, line[4:20].partition(mark)[0].strip())


@lru_cache(maxsize=64)
def _declared(mark: str, declared: str) -> Separators:
    """One object per declaration: what is remembered by separators is then found at once."""
    if not declared or declared[0].isalnum():
        return Separators(mark) if mark not in "^~\\&" else HL7_USUAL
    chars = [char for char in declared[:5] if not char.isalnum()] + [""] * 5
    return Separators(mark, *chars[:5])
