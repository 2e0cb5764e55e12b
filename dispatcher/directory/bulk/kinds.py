"""What a kind of national file is: :class:`Kind`, and the reading of lines that all of them share."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Protocol, cast

from dispatcher.directory.bulk.columns import Header, Layout, cells
from dispatcher.directory.snapshots.tables import Pair, Row
from dispatcher.report.identifiers import compact
from dispatcher.report.model import IdType
from dispatcher.routing.identities import LENGTHS, PEOPLE, STRUCTURES, TYPE_DIGITS, bare_identifier, from_national_form

_MANGLED = re.compile("[ÃÂ][\u0080-\u00bf]|Ã[‚ƒ„…†‡ˆ‰Š‹Œ©ª«¬®¯¨§´]|\ufffd")
"""UTF-8 once read as Latin-1 or Windows-1252, or a byte nobody could read."""
_KINDS = {digit: kind for kind, digit in TYPE_DIGITS.items()} | {str(kind).casefold(): kind for kind in TYPE_DIGITS}


_PERSON = {TYPE_DIGITS[kind]: (kind.value, LENGTHS[kind]) for kind in PEOPLE}
_STRUCTURE = {TYPE_DIGITS[kind]: (kind.value, LENGTHS[kind]) for kind in STRUCTURES}
"""The usual way an identity is written, looked at first: a million lines ask for it."""


class BadLine(Exception):
    """The line cannot be used; the text says why, in French, without any of the line's own content."""


class Reader(Protocol):
    """Reads the lines of one file whose header is known."""

    def row(self, line: bytes) -> Row | Pair | None:
        """The row (or pair) of a line, or ``None`` for one that tells nothing. Raises :class:`BadLine`."""

    def notes(self) -> list[str]:
        """French remarks on all lines read so far."""


class Kind(Protocol):
    """One kind of national file."""

    name: str
    """Of the snapshot it fills (:mod:`dispatcher.routing.sources`)."""
    title: str
    """The published name of the file."""
    member: str
    """What the name of the text inside a ZIP holds, lower case."""
    pairs: bool
    """It tells identifiers that stand for each other, not entries."""

    def recognises(self, header: Header) -> bool:
        """The header is of this kind, whatever may be missing in it."""

    def reader(self, header: Header) -> Reader:
        """Raises :class:`dispatcher.errors.DirectoryError` naming what is missing."""


@dataclass(slots=True)
class Fields:
    """Cuts lines and picks the columns we keep, in the order of ``names``; absent columns are empty text."""

    layout: Layout
    names: Sequence[str]
    latin: bool = False
    """Windows-1252 is one of the usual encodings: not worth a remark."""
    not_utf8: int = 0
    mangled: int = 0
    _pick: Callable[[list[str]], Sequence[str]] = field(init=False)

    def __post_init__(self) -> None:
        self._pick = cast(Any, itemgetter(*map(self.layout.place, self.names)))

    def values(self, line: bytes) -> Sequence[str] | None:
        """The picked fields, stripped; ``None`` for an empty line. Raises :class:`BadLine`: too few or many fields."""
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            self.not_utf8 += 1
            text = line.decode("cp1252", errors="replace")
        if not text.isascii() and ("Ã" in text or "Â" in text or "\ufffd" in text) and _MANGLED.search(text):
            self.mangled += 1
        if "\0" in text:
            raise BadLine("octets nuls : ligne abîmée")
        width, separator = self.layout.width, self.layout.separator
        text = text.strip(" \r\n") if separator == "\t" else text.strip()
        try:
            fields = cells(text, separator, self.layout.quoted)
        except ValueError as error:
            raise BadLine("guillemet ouvert et jamais fermé") from error
        if len(fields) != width:
            if not text:
                return None
            if len(fields) < width or any(map(str.strip, fields[width:])):
                raise BadLine(f"{len(fields)} champs, {width} attendus")
        fields.append("")  # for the columns this file does not have: place -1
        values = self._pick(fields)
        padded = f" {separator}" in text or f"{separator} " in text or "\t" in text or "\xa0" in text
        return [value.strip() for value in values] if padded else values

    def notes(self) -> list[str]:
        """What was odd about the encoding."""
        found = []
        if self.not_utf8 and not self.latin:
            found.append(f"{self.not_utf8} ligne(s) hors UTF-8, lue(s) comme Windows-1252.")
        if self.mangled:
            found.append(
                f"{self.mangled} ligne(s) au texte mal décodé avant de nous parvenir (« Ã© » pour « é ») : "
                "reprendre le fichier d'origine."
            )
        return found


def person(type_text: str, identifier: str, national: str) -> tuple[str, str]:
    """Kind (``RPPS``, ``ADELI`` or empty) and bare identifier of the person of a line; both empty without a person.

    Raises :class:`BadLine` when identifier and national form (type digit and identifier) are not one person's.
    """
    usual = _PERSON.get(type_text)
    if usual and len(identifier) == usual[1] and identifier.isdigit() and national in ("", type_text + identifier):
        return usual[0], identifier
    kind, bare = _told(type_text, identifier, national)
    if identifier and national and not _same(kind, bare, identifier, national):
        raise BadLine("« Identifiant PP » et « Identification nationale PP » ne désignent pas la même personne")
    return kind, bare


def _same(kind: str, bare: str, identifier: str, national: str) -> bool:
    """Both columns are ``bare``: one plain or in national form, the other behind its type digit or without."""
    plain, whole = compact(bare), compact(national)
    digit = TYPE_DIGITS[IdType(kind)] if kind else whole[:1]
    own = bare_identifier(IdType(kind), identifier) if kind else compact(identifier)
    return own == plain and whole in {plain, digit + plain}


def _told(type_text: str, identifier: str, national: str) -> tuple[str, str]:
    kind = _KINDS.get(type_text.casefold())
    if kind in PEOPLE and identifier:
        return kind.value, bare_identifier(kind, identifier)
    if not type_text:
        form = from_national_form(national or identifier, PEOPLE)
        if form:
            return str(form[0]), form[1]
        for known in sorted(PEOPLE):
            if len(identifier) == LENGTHS[known]:
                return str(known), identifier
    elif kind in PEOPLE:
        return str(kind), bare_identifier(kind, national)
    return "", identifier or national


def structure(type_text: str, identifier: str) -> tuple[str, str]:
    """Kind (``FINESS``, ``SIRET`` or empty) and bare identifier of the structure of a line."""
    if not identifier:
        return "", ""
    usual = _STRUCTURE.get(type_text)
    if usual and identifier.isdigit() and len(identifier) == usual[1] + 1 and identifier[0] == type_text:
        return usual[0], identifier[1:]
    kind = _KINDS.get(type_text.casefold())
    if kind in STRUCTURES:
        return kind.value, bare_identifier(kind, identifier)
    if not type_text:
        form = from_national_form(identifier, STRUCTURES)
        if form:
            return str(form[0]), form[1]
        if len(identifier) == LENGTHS[IdType.SIRET]:
            return str(IdType.SIRET), identifier
    return "", identifier


def place(postcode: str, town: str, routing_line: str) -> tuple[str, str]:
    """Postcode and town; what is missing is taken from the routing line (« 29200 BREST CEDEX »)."""
    if routing_line and not (postcode and town):
        digits = routing_line[:5]
        rest = routing_line
        if len(digits) == 5 and digits.isalnum() and digits[2:].isdigit() and not routing_line[5:6].isalnum():
            postcode, rest = postcode or digits, routing_line[5:]
        return postcode, town or rest.strip()
    return postcode, town
