"""ADELI → RPPS: correspondence of the old numbers with the new ones, ``N° ADELI;N° RPPS``.

Met as Latin-1 with CRLF and as UTF-8. One ADELI number with two RPPS is ambiguous: both are kept, so that both are
found, and nobody is chosen. An RPPS whose key does not hold is a slip of the pen: it could be anybody's, so the pair is
left out and told.
"""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.directory.bulk.columns import Header, Layout
from dispatcher.directory.bulk.kinds import BadLine, Fields
from dispatcher.directory.snapshots.tables import Pair
from dispatcher.errors import DirectoryError
from dispatcher.report.identifiers import rpps_ok
from dispatcher.report.model import IdType
from dispatcher.routing import sources
from dispatcher.routing.identities import LENGTHS, bare_identifier


class Adeli:
    """Pairs of identifiers."""

    name, title, member, pairs = sources.ADELI, "correspondance ADELI-RPPS", "adeli", True

    def recognises(self, header: Header) -> bool:
        """A column named after each of the two numbers, and little else."""
        return len(header.names) <= 6 and all(_columns(header, word) for word in ("adeli", "rpps"))

    def reader(self, header: Header) -> AdeliReader:
        """Raises :class:`DirectoryError` unless there is exactly one column of each."""
        found = {word: _columns(header, word) for word in ("adeli", "rpps")}
        wrong = [word.upper() for word, places in found.items() if len(places) != 1]
        if wrong:
            raise DirectoryError(
                f"Ligne 1 : {len(header.names)} colonne(s), une seule colonne attendue pour : {', '.join(wrong)}.",
                hint="Attendu : « N° ADELI;N° RPPS » ; l'annuaire en service est gardé.",
            )
        places = {word: places[0] for word, places in found.items()}
        found_at = Layout(places, len(header.names), header.separator, header.quoted)
        return AdeliReader(Fields(found_at, ("adeli", "rpps"), latin=True))


def _columns(header: Header, word: str) -> list[int]:
    return [place for place, name in enumerate(header.names) if word in name.split()]


@dataclass(slots=True)
class AdeliReader:
    """Lines to pairs."""

    fields: Fields

    def row(self, line: bytes) -> Pair | None:
        """The pair of a line. Raises :class:`BadLine`."""
        values = self.fields.values(line)
        if values is None:
            return None
        adeli, rpps = (value.strip('"') for value in values)
        adeli, rpps = bare_identifier(IdType.ADELI, adeli), bare_identifier(IdType.RPPS, rpps)
        if len(adeli) != LENGTHS[IdType.ADELI] or not adeli.isalnum() or not adeli.isascii():
            raise BadLine("numéro ADELI qui n'a pas 9 caractères")
        if len(rpps) != LENGTHS[IdType.RPPS] or not rpps.isdigit() or not rpps.isascii():
            raise BadLine("numéro RPPS qui n'a pas 11 chiffres")
        if not rpps_ok(rpps):
            raise BadLine("numéro RPPS dont la clé est fausse")
        return IdType.ADELI.value, adeli, IdType.RPPS.value, rpps

    def notes(self) -> list[str]:
        """Encoding."""
        return self.fields.notes()
