"""What a person means by the number, code or address he types: the table first, then keys, then what is known."""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.report.identifiers import compact, identifier_ok, kind_of
from dispatcher.report.model import IdType
from dispatcher.routing.identities import LENGTHS, PEOPLE, STRUCTURES, from_national_form
from dispatcher.service.desk import Desk

NATIONAL = PEOPLE | STRUCTURES
WRONG_KEY = (
    "Onze chiffres : la forme d'un RPPS, mais la clé de contrôle est fausse. Un chiffre est sans doute mal recopié."
)
NINE = "Neuf caractères : un ADELI ou un FINESS ? Le dire par --type ADELI ou --type FINESS."


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """One reading of what was typed."""

    kind: IdType
    identifier: str = ""
    address: str = ""
    """Lower case, when an address was typed."""
    note: str = ""
    """French: how it was understood, when that is not plain; or what to say besides."""


def meant(desk: Desk, text: str, source: str = "") -> Meant:
    """The reading of ``text``; ADELI and FINESS, which look alike, only when a directory knows the number.

    Raises DirectoryError.
    """
    text = text.strip()
    if "@" in text:
        return Meant(kind=IdType.LOCAL, address=text.lower())
    lines, bare = desk.directory.local(source, text) if text else (), compact(text)
    if not text or any(line.code == " ".join(text.split()) for line in lines):
        return Meant(kind=IdType.LOCAL, identifier=text)
    kinds = {line.id_type for line in lines if line.id_type}  # found by their identifier, no line has it as its code
    if len(kinds) == 1:
        kind = kinds.pop()
        return Meant(kind=kind, identifier=bare, note=f"Compris comme un {kind}, que donne la table.")
    if (kind := kind_of(bare)) is not IdType.LOCAL:
        return Meant(kind=kind, identifier=bare)
    national = from_national_form(bare, NATIONAL)
    if national is not None and (_known(desk, *national) or _good(*national)):
        return Meant(kind=national[0], identifier=national[1], note=f"Compris comme le {_spoken(*national)}.")
    known = [kind for kind in sorted(NATIONAL) if len(bare) == LENGTHS[kind] and _known(desk, kind, bare)]
    if len(known) == 1:
        return Meant(kind=known[0], identifier=bare, note=f"Compris comme un {known[0]}, connu de l'annuaire.")
    if len(bare) == LENGTHS[IdType.RPPS] and bare.isdigit():
        return Meant(kind=IdType.RPPS, identifier=bare, note=WRONG_KEY)
    return Meant(kind=IdType.LOCAL, identifier=text, note=NINE if len(bare) == LENGTHS[IdType.ADELI] else "")


def _good(kind: IdType, identifier: str) -> bool:
    return kind is not IdType.ADELI and identifier_ok(kind, identifier)


def _known(desk: Desk, kind: IdType, identifier: str) -> bool:
    return bool(desk.directory.people(kind, identifier) or desk.directory.equivalents(kind, identifier))


def _spoken(kind: IdType, identifier: str) -> str:
    return f"numéro {kind} {identifier}"
