"""One line of the MSSanté extraction to one row of the snapshot.

Bytes of one line in, a tuple (``snapshots/tables.py``, ``FIELDS``) out, or :class:`BadLine` with a French reason. No
quoting exists in this format (a stray quote is a character like any other). Lines are UTF-8; one that is not is read as
CP1252, which an editor in between may have left, and counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from dispatcher.directory.bulk.columns import SEPARATOR, Layout
from dispatcher.directory.snapshots.tables import Row
from dispatcher.report.model import IdType
from dispatcher.routing.identities import LENGTHS, PEOPLE, STRUCTURES, TYPE_DIGITS, bare_identifier, from_national_form

BOX_TYPES = frozenset({"PER", "ORG", "APP", "CAB"})
_PAPERLESS = {"o": 1, "oui": 1, "true": 1, "vrai": 1, "1": 1, "n": 0, "non": 0, "false": 0, "faux": 0, "0": 0, "": None}
_ADDRESS = re.compile(r"[^@\s<>,;|\"]{1,128}@[^@\s<>,;|\".](?:[^@\s<>,;|\"]{0,253}[^@\s<>,;|\".])?")
_KINDS = {digit: kind for kind, digit in TYPE_DIGITS.items()} | {str(kind).casefold(): kind for kind in TYPE_DIGITS}


class BadLine(Exception):
    """The line cannot be used; the text says why, in French, without any of the line's own content."""


def address_ok(text: str) -> bool:
    """One mailbox address without blanks or separators; nothing is said about the box existing."""
    return _ADDRESS.fullmatch(text) is not None


@dataclass(slots=True)
class RowReader:
    """Reads lines of one layout and counts what was odd about them."""

    layout: Layout
    not_utf8: int = 0
    odd_paperless: int = 0
    _places: tuple[int, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        names = (
            "address",
            "box_type",
            "person_type",
            "person_id",
            "person_national",
            "structure_type",
            "structure_id",
            "title",
            "family",
            "given",
            "profession",
            "service",
            "structure_name",
            "shop_sign",
            "postcode",
            "routing_line",
            "paperless",
        )
        self._places = tuple(self.layout.place(name) for name in names)

    def text(self, line: bytes) -> str:
        """Decode one line, without its end."""
        try:
            return line.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            self.not_utf8 += 1
            return line.decode("cp1252", errors="replace").rstrip("\r\n")

    def row(self, number: int, line: bytes) -> Row | None:
        """The row of line ``number`` (1-based), or ``None`` for an empty line. Raises :class:`BadLine`."""
        text = self.text(line)
        fields = text.split(SEPARATOR)
        width = self.layout.width
        if len(fields) != width:
            if not text.strip():
                return None
            if len(fields) < width or any(map(str.strip, fields[width:])):
                raise BadLine(f"{len(fields)} champs, {width} attendus")
        fields.append("")  # for the columns this file does not have: place -1
        values = [fields[place].strip() for place in self._places]
        address, box_type, person_type, person_id, national, structure_type, structure_id = values[:7]
        address, box_type = address.lower(), box_type.upper()
        if not address_ok(address):
            raise BadLine("adresse de BAL vide ou mal formée" if address else "adresse de BAL vide")
        if box_type not in BOX_TYPES:
            raise BadLine("type de BAL inconnu (attendu PER, ORG, APP ou CAB)")
        kind, identifier = person(person_type, person_id, national)
        place_kind, place = structure(structure_type, structure_id)
        postcode, routing_line = values[14], values[15]
        town = routing_line.removeprefix(postcode).strip() if postcode else routing_line
        return (
            "",
            address,
            box_type,
            kind,
            identifier,
            place_kind,
            place,
            *values[7:14],
            postcode,
            town,
            self._paperless(values[16]),
            None,
            0,
        )

    def _paperless(self, text: str) -> int | None:
        value = _PAPERLESS.get(text.casefold(), -1)
        if value == -1:
            self.odd_paperless += 1
            return None
        return value


def person(type_text: str, identifier: str, national: str) -> tuple[str, str]:
    """Kind (``RPPS``, ``ADELI`` or empty) and bare identifier of the person of a line; both empty without a person."""
    kind = _KINDS.get(type_text.casefold())
    if kind in PEOPLE and identifier:
        return str(kind), bare_identifier(kind, identifier)
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
    kind = _KINDS.get(type_text.casefold())
    if not identifier:
        return "", ""
    if kind in STRUCTURES:
        return str(kind), bare_identifier(kind, identifier)
    if not type_text:
        form = from_national_form(identifier, STRUCTURES)
        if form:
            return str(form[0]), form[1]
        if len(identifier) == LENGTHS[IdType.SIRET]:
            return str(IdType.SIRET), identifier
    return "", identifier
