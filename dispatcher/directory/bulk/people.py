"""``PS_LibreAcces_Personne_activite`` (Annuaire Santé): health professionals in open access, one row per activity.

Layouts met: 48 columns (2017), 52 (2022), 56 (2026, some renamed), each with an empty last one. UTF-8 with or without a
byte order mark, ``|``, nothing quoted. The mail addresses in it are ordinary ones and are not kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.directory.bulk.columns import Columns, Header, layout
from dispatcher.directory.bulk.kinds import BadLine, Fields, person, place
from dispatcher.directory.snapshots.tables import Row
from dispatcher.report.model import IdType
from dispatcher.routing import sources
from dispatcher.routing.identities import bare_identifier

COLUMNS: Columns = {
    "person_type": ("Type d'identifiant PP", "Type identifiant PP"),
    "person_id": ("Identifiant PP",),
    "person_national": ("Identification nationale PP",),
    "title": ("Code civilité d'exercice", "Civilité d'exercice"),
    "family": ("Nom d'exercice",),
    "given": ("Prénom d'exercice",),
    "profession": ("Libellé profession",),
    "skill": ("Libellé savoir-faire",),
    "finess": ("Numéro FINESS site",),
    "siret": ("Numéro SIRET site",),
    "technical": ("Identifiant technique de la structure",),
    "structure_name": ("Raison sociale site",),
    "shop_sign": ("Enseigne commerciale site",),
    "postcode": ("Code postal (coord. structure)",),
    "town": ("Libellé commune (coord. structure)",),
    "cedex": ("Bureau cedex (coord. structure)",),
}
MANDATORY = ("family", "given", "profession", "structure_name")
PERSON = ("person_id", "person_national")


class People:
    """Professionals and their activities."""

    name, title, member, pairs = sources.PEOPLE, "PS_LibreAcces_Personne_activite", "personne_activite", False

    def recognises(self, header: Header) -> bool:
        """Persons and their sites; the other two files of the same ZIP have no site."""
        return header.has("Identifiant PP") and header.has("Raison sociale site")

    def reader(self, header: Header) -> PeopleReader:
        """Raises :class:`DirectoryError` naming every mandatory column that is missing."""
        return PeopleReader(Fields(layout(header, COLUMNS, MANDATORY, PERSON, title=self.title), tuple(COLUMNS)))


@dataclass(slots=True)
class PeopleReader:
    """Lines to rows without an address."""

    fields: Fields

    def row(self, line: bytes) -> Row | None:
        """The activity of a line. Raises :class:`BadLine`."""
        values = self.fields.values(line)
        if values is None:
            return None
        (person_type, person_id, national, title, family, given, profession, skill) = values[:8]
        (finess, siret, technical, name, sign, postcode, town, cedex) = values[8:]
        kind, identifier = person(person_type, person_id, national)
        if not identifier:
            raise BadLine("identifiant de la personne vide")
        if not family:
            raise BadLine("nom d'exercice vide")
        if cedex and not (postcode and town):
            postcode, town = place(postcode, town, cedex)
        return (
            "",
            "",
            "PER",
            kind,
            identifier,
            *_structure(finess, siret, technical),
            title,
            family,
            given,
            f"{profession} ({skill})" if skill else profession,
            "",
            name,
            sign,
            postcode,
            town,
            None,
            None,
            0,
        )

    def notes(self) -> list[str]:
        """Encoding."""
        return self.fields.notes()


def _structure(finess: str, siret: str, technical: str) -> tuple[str, str]:
    """The site by its FINESS, else its SIRET, else the register's own number."""
    if len(finess) == 9 and finess.isdigit():
        return "FINESS", finess
    if finess:
        return IdType.FINESS.value, bare_identifier(IdType.FINESS, finess)
    if siret:
        return IdType.SIRET.value, bare_identifier(IdType.SIRET, siret)
    return "", technical
