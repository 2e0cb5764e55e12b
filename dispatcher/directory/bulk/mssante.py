"""``Extraction_Correspondance_MSSante`` (Annuaire Santé): the open extraction of mailboxes, 31 columns.

Header names as published in 2026. UTF-8, ``|``, one header line, nothing quoted (a stray quote is a character like any
other); one row per mailbox. Red-listed boxes are not in it.
"""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.directory.bulk.columns import Columns, Header, layout
from dispatcher.directory.bulk.kinds import BadLine, Fields, person, place, structure
from dispatcher.directory.flags import accepts, flag
from dispatcher.directory.snapshots.tables import Row
from dispatcher.french import counted
from dispatcher.report.identifiers import rpps_ok
from dispatcher.report.model import IdType
from dispatcher.routing import sources
from dispatcher.routing.addresses import canonical
from dispatcher.routing.candidates import BOX_TYPES

COLUMNS: Columns = {
    "address": ("Adresse BAL", "Adresse de BAL", "Adresse de la BAL"),
    "box_type": ("Type de BAL", "Type BAL"),
    "person_type": ("Type Identifiant PP", "Type d'identifiant PP"),
    "person_id": ("Identifiant PP",),
    "person_national": ("Identification nationale PP",),
    "structure_type": ("Type identifiant structure", "Type d'identifiant structure"),
    "structure_id": ("Identification Structure", "Identifiant structure"),
    "title": ("Civilité d'exercice", "Code civilité d'exercice"),
    "family": ("Nom d'exercice",),
    "given": ("Prénom d'exercice",),
    "profession": ("Libellé Profession",),
    "service": ("Service de rattachement",),
    "structure_name": ("Raison Sociale structure BAL",),
    "shop_sign": ("Enseigne commerciale structure BAL",),
    "postcode": ("Code postal structure BAL",),
    "routing_line": ("L6LIGNEACHEMINEMENT structure BAL",),
    "paperless": ("Dématérialisation",),
}
MANDATORY = ("box_type", "address", "structure_id", "family", "given", "paperless")
"""Without these a recipient could be mistaken or a refusal of electronic mail overlooked."""
PERSON = ("person_id", "person_national")


class Mssante:
    """The extraction of MSSanté mailboxes."""

    name, title, member, pairs = sources.MSSANTE, "Extraction_Correspondance_MSSante", "correspondance", False

    def recognises(self, header: Header) -> bool:
        """One of the two columns only a file of mailboxes has."""
        return any(header.has(name) for name in (*COLUMNS["address"], *COLUMNS["box_type"]))

    def reader(self, header: Header) -> MssanteReader:
        """Raises :class:`DirectoryError` naming every mandatory column that is missing."""
        found = layout(header, COLUMNS, MANDATORY, PERSON, title=self.title)
        return MssanteReader(Fields(found, tuple(COLUMNS)))


@dataclass(slots=True)
class MssanteReader:
    """Lines to mailbox rows."""

    fields: Fields
    odd_paperless: int = 0
    false_keys: int = 0

    def row(self, line: bytes) -> Row | None:
        """The mailbox of a line. Raises :class:`BadLine`."""
        values = self.fields.values(line)
        if values is None:
            return None
        address, box_type, person_type, person_id, national, structure_type, structure_id = values[:7]
        if not address:
            raise BadLine("adresse de BAL vide")
        form, box_type = canonical(address), box_type.upper()
        if form is None:
            raise BadLine("adresse de BAL mal formée")
        if box_type not in BOX_TYPES:
            raise BadLine("type de BAL inconnu (attendu PER, ORG, APP ou CAB)")
        title, family, given, profession, service, name, sign, postcode, routing_line, paperless = values[7:]
        if postcode and routing_line.startswith(postcode):
            town = routing_line[len(postcode) :].strip()
        else:
            postcode, town = place(postcode, "", routing_line)
        return (
            "",
            form,
            box_type,
            *self._keyed(person(person_type, person_id, national)),
            *structure(structure_type, structure_id),
            title,
            family,
            given,
            profession,
            service,
            name,
            sign,
            postcode,
            town,
            self._paperless(paperless),
            None,
            0,
        )

    def notes(self) -> list[str]:
        """Encoding, values of « Dématérialisation » nobody knows, and keys that do not hold."""
        found = self.fields.notes()
        if self.odd_paperless:
            found.append(
                f"{self.odd_paperless} valeur(s) illisible(s) de « Dématérialisation », prise(s) pour un refus."
            )
        if self.false_keys:
            found.append(f"{counted(self.false_keys, 'numéro')} RPPS à la clé fausse : à signaler à l'annuaire.")
        return found

    def _keyed(self, who: tuple[str, str]) -> tuple[str, str]:
        """The person of a line; a wrong key is counted, the box stays (test registers hold such numbers)."""
        if who[0] == IdType.RPPS and not rpps_ok(who[1]):
            self.false_keys += 1
        return who

    def _paperless(self, text: str) -> int | None:
        if text and flag(text) is None:
            self.odd_paperless += 1
        value = accepts(text)
        return None if value is None else int(value)
