"""Postal addresses: the laboratory's own table, and how an address is written on an envelope (NF Z 10-011).

The table is a CSV with semicolons (:data:`COLUMNS`). ``type`` is RPPS, ADELI, FINESS, SIRET or ``code``: the
laboratory's own, with ``source`` where several LIS give codes.
"""

from __future__ import annotations

import csv
import io
import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dispatcher.errors import ConfigError
from dispatcher.report.model import Address, IdType

COLUMNS = ("type", "numero", "source", "nom", "ligne1", "ligne2", "ligne3", "code_postal", "ville")
MOST_LINES, WIDTH = 6, 38
_TYPES = {"code": IdType.LOCAL, **{str(kind).lower(): kind for kind in IdType if kind is not IdType.LOCAL}}
Key = tuple[IdType, str, str]
"""Kind, number, source (empty: any)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Postal:
    """Where a letter goes."""

    name: str
    address: Address | None
    origin: str = ""
    """French: where it was found."""
    street: bool = True
    """Its lines hold a street or a box; a directory knows the town only."""

    @property
    def lines(self) -> tuple[str, ...]:
        """As printed: the name, the street, postcode and town in capitals; never more than six lines."""
        address = self.address or Address()
        parts = [self.name, *address.lines]
        body = [line for part in parts for line in textwrap.wrap(" ".join(part.split()), WIDTH)]
        town = _capitals(f"{address.postcode} {address.town}".strip())
        foreign = [_capitals(address.country)] if _capitals(address.country) not in HOME else []
        last = [line for line in (town, *foreign) if line]
        return (*body[: MOST_LINES - len(last)], *last)

    @property
    def complete(self) -> bool:
        """The post can deliver it: a name, a street or a box, a postcode and a town, and all of it fits."""
        address = self.address
        if (
            address is None
            or not self.street
            or not (self.name and any(address.lines) and address.postcode and address.town)
        ):
            return False
        parts = [self.name, *address.lines]
        return sum(len(textwrap.wrap(" ".join(part.split()), WIDTH)) for part in parts) < MOST_LINES


HOME = frozenset({"", "FR", "FRA", "FRANCE"})


def _capitals(text: str) -> str:
    plain = unicodedata.normalize("NFD", text.upper())
    return "".join(sign for sign in plain if not unicodedata.combining(sign)).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class PostalTable:
    """The laboratory's table."""

    entries: Mapping[Key, Postal] = field(default_factory=dict)

    def find(self, keys: Sequence[tuple[IdType, str]], source: str) -> Postal | None:
        """The first that the table knows; a code of one source is never taken for another's."""
        for kind, number in keys:
            found = self.entries.get((kind, number, source)) or self.entries.get((kind, number, ""))
            if number and found is not None:
                return found
        return None


def read_table(text: str, name: str) -> PostalTable:
    """Raises :class:`ConfigError` with every line that cannot be used."""
    rows = csv.DictReader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=";")
    missing = [column for column in COLUMNS if column not in (rows.fieldnames or ()) and column not in OPTIONAL]
    if missing:
        raise ConfigError(
            f"{name} : colonnes manquantes ({', '.join(missing)}).", hint=f"Attendu : {';'.join(COLUMNS)}"
        )
    entries: dict[Key, Postal] = {}
    faults: list[str] = []
    for row in rows:
        cells = {column: (row.get(column) or "").strip() for column in COLUMNS}
        if not any(cells.values()):
            continue
        kind = _TYPES.get(cells["type"].lower())
        key = (kind or IdType.LOCAL, cells["numero"], cells["source"])
        why = _against(cells, kind, key in entries)
        if why:
            faults.append(f"ligne {rows.line_num} : {why}")
            continue
        street = tuple(cells[column] for column in ("ligne1", "ligne2", "ligne3") if cells[column])
        address = Address(lines=street, postcode=cells["code_postal"], town=cells["ville"])
        entries[key] = Postal(name=cells["nom"], address=address, origin=f"{name}, ligne {rows.line_num}")
    if faults:
        raise ConfigError(f"{name} : adresses à corriger.", faults=tuple(faults), hint="Voir docs/papier.md.")
    return PostalTable(entries=entries)


OPTIONAL = frozenset({"source", "ligne2", "ligne3"})


def _against(cells: Mapping[str, str], kind: IdType | None, double: bool) -> str:
    if kind is None:
        return f"type « {cells['type']} » inconnu ; attendu RPPS, ADELI, FINESS, SIRET ou code"
    if not (cells["numero"] and cells["nom"] and cells["ligne1"] and cells["code_postal"] and cells["ville"]):
        return "numero, nom, ligne1, code_postal et ville sont tous demandés"
    return f"le numéro {cells['numero']} y est deux fois" if double else ""
