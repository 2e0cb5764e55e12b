"""FINESS: extraction of the establishments (``;``, Latin-1 or UTF-8), with a header or as data.gouv.fr publishes it.

The published form has no header: the first line is ``finess;etalab;<number>;<date>``, and each line begins with the
name of its section. Only ``structureet`` is read; its 32 fields have a fixed order (the same in the public files
seen and in independent readers of them). In the form with a header they are found by name.
"""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.directory.bulk.columns import Columns, Header, Layout, layout
from dispatcher.directory.bulk.kinds import BadLine, Fields, place
from dispatcher.directory.snapshots.tables import Row
from dispatcher.report.model import IdType
from dispatcher.routing import sources
from dispatcher.routing.identities import LENGTHS, bare_identifier

COLUMNS: Columns = {
    "finess": ("nofinesset", "Numéro FINESS ET"),
    "name": ("rs", "Raison sociale"),
    "long_name": ("rslongue", "Raison sociale longue"),
    "category": ("libcategetab", "Libellé catégorie d'établissement"),
    "routing_line": ("ligneacheminement", "Ligne d'acheminement"),
}
MANDATORY = ("finess", "name", "routing_line")
SECTION = b"structureet;"
GEOLOCATION = 6
"""Fields of a ``geolocalisation`` line."""
_ETALAB = ("finess", "etalab")
_ORDER = (
    "section;nofinesset;nofinessej;rs;rslongue;complrs;compldistrib;numvoie;typvoie;voie;compvoie;lieuditbp;commune;"
    "departement;libdepartement;ligneacheminement;telephone;telecopie;categetab;libcategetab;categagretab;"
    "libcategagretab;siret;codeape;codemft;libmft;codesph;libsph;dateouv;dateautor;datemaj;numuai"
)
"""Fields of a ``structureet`` line."""


class Structures:
    """Establishments by their FINESS number."""

    name, title, member, pairs = sources.STRUCTURES, "FINESS (extraction des établissements)", "finess", False

    def recognises(self, header: Header) -> bool:
        """The column of the number, or the first line of the published form."""
        return header.names[:2] == _ETALAB or header.has("nofinesset") or header.has("Numéro FINESS ET")

    def reader(self, header: Header) -> StructuresReader:
        """Raises :class:`DirectoryError` naming every mandatory column that is missing."""
        sections = header.names[:2] == _ETALAB
        known = Header.of(_ORDER) if sections else header
        found = layout(known, COLUMNS, MANDATORY, title=self.title)
        return StructuresReader(Fields(found, tuple(COLUMNS), latin=True), sections)


@dataclass(slots=True)
class StructuresReader:
    """Lines to rows without an address."""

    fields: Fields
    sections: bool
    """Only the lines of one section count."""

    def row(self, line: bytes) -> Row | None:
        """The establishment of a line; ``None`` for other sections. Raises :class:`BadLine`."""
        if self.sections and not line.startswith(SECTION):
            _other_section(line)
            return None
        values = self.fields.values(self._even(line))
        if values is None:
            return None
        number, name, long_name, category, routing_line = (value.strip('"') for value in values)
        number = bare_identifier(IdType.FINESS, number)
        if len(number) != LENGTHS[IdType.FINESS] or not number.isalnum():
            raise BadLine("numéro FINESS vide" if not number else "numéro FINESS qui n'a pas 9 caractères")
        if not (name or long_name):
            raise BadLine("raison sociale vide")
        postcode, town = place("", "", routing_line)
        kind = IdType.FINESS.value
        name, sign = long_name or name, name
        return (
            "",
            "",
            "ORG",
            "",
            "",
            kind,
            number,
            "",
            "",
            "",
            category,
            "",
            name,
            sign,
            postcode,
            town,
            None,
            None,
            0,
        )

    def _even(self, line: bytes) -> bytes:
        """The published form leaves the last field out at times."""
        missing = self.fields.layout.width - 1 - line.count(b";")
        return line.rstrip(b"\r\n") + b";" * missing if self.sections and missing == 1 else line

    def notes(self) -> list[str]:
        """Encoding."""
        return self.fields.notes()


def _other_section(line: bytes) -> None:
    """A line that is not kept, of the other section and whole all the same, or empty. Raises :class:`BadLine`."""
    if line.startswith(b"geolocalisation;"):
        fields = line.count(b";") + 1
        if fields < GEOLOCATION:
            raise BadLine(f"{fields} champs, {GEOLOCATION} attendus")
    elif line.strip():
        raise BadLine("section inconnue (attendu structureet ou geolocalisation)")


__all__ = ["COLUMNS", "Layout", "Structures", "StructuresReader"]
