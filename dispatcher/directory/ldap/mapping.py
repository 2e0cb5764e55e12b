"""An LDAP entry as rows of a snapshot, by the attribute map of the settings.

Nothing is guessed: what an attribute stands for is what the site wrote down. An entry whose identifier cannot be read,
or that names two people, is left out and counted, never cut to fit. Values are UTF-8 (RFC 4517 §3.3.6).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from dispatcher.directory.flags import accepts
from dispatcher.directory.ldap.link import Record
from dispatcher.directory.snapshots.tables import Pair, Row, row_of
from dispatcher.report.model import IdType
from dispatcher.routing.addresses import canonical
from dispatcher.routing.candidates import BOX_TYPES, Entry
from dispatcher.routing.identities import LENGTHS, PEOPLE, STRUCTURES, TYPE_DIGITS, bare_identifier, from_national_form
from dispatcher.settings.ldap import LdapSettings, LdapValueSettings

Identity = tuple[IdType, str]
NOBODY: tuple[None] = (None,)
_KINDS = {digit: kind for kind, digit in TYPE_DIGITS.items()}
_NAMED = {"rpps": IdType.RPPS, "adeli": IdType.ADELI, "finess": IdType.FINESS, "siret": IdType.SIRET}


class Unusable(ValueError):
    """An entry that is left out; the text says why, in French, without anything of its content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """What one entry gives."""

    rows: tuple[Row, ...]
    pairs: tuple[Pair, ...] = ()


class AttributeMap:
    """The attribute map, ready to use."""

    def __init__(self, settings: LdapSettings) -> None:
        self._rules: Mapping[str, LdapValueSettings] = {
            part: LdapValueSettings(attribute=rule) if isinstance(rule, str) else rule
            for part, rule in settings.attributes.items()
        }
        self._patterns = {part: re.compile(rule.pattern) for part, rule in self._rules.items() if rule.pattern}

    @property
    def attributes(self) -> tuple[str, ...]:
        """What to ask the server for."""
        return tuple(dict.fromkeys(rule.attribute for rule in self._rules.values() if rule.attribute))

    def read(self, record: Record) -> Mapped:
        """Rows of one entry: one per address, and per structure when it has one address. Raises :class:`Unusable`."""
        forms = dict.fromkeys(map(canonical, self._texts(record, "address")))
        addresses = [form for form in forms if form is not None]
        if None in forms:
            raise Unusable("adresse mal formée")
        people = self._identities(record, "identifier", PEOPLE)
        structures = self._identities(record, "structure", STRUCTURES)
        if len({kind for kind, _ in people}) != len(people):
            raise Unusable("plusieurs identifiants d'un même genre")
        if not addresses and not people and not structures:
            raise Unusable("ni adresse, ni identifiant")
        if len(addresses) > 1 and len(structures) > 1:
            structures = []  # which box belongs to which structure, nobody says
        entry = self._entry(record)
        rows = [
            row_of(_with(entry, address, who, where), structure_type=where[0] if where else "", record=record.dn)
            for address in addresses or [""]
            for who in (people or NOBODY)
            for where in (structures or NOBODY)
        ]
        pairs = [(*people[0], *people[1])] if len(people) == 2 else []
        return Mapped(rows=tuple(rows), pairs=tuple((str(a), b, str(c), d) for a, b, c, d in pairs))

    def _entry(self, record: Record) -> Entry:
        box_type = self._one(record, "box_type").upper() or "PER"
        if box_type not in BOX_TYPES:
            raise Unusable("genre de boîte inconnu (attendu PER, ORG, APP ou CAB)")
        rank = self._one(record, "rank")
        return Entry(
            address="",
            box_type=box_type,
            family=self._one(record, "family"),
            given=self._one(record, "given"),
            title=self._one(record, "title"),
            profession=self._one(record, "profession"),
            structure_name=self._one(record, "structure_name"),
            service=self._one(record, "service"),
            postcode=self._one(record, "postcode"),
            town=self._one(record, "town"),
            paperless=accepts(self._one(record, "paperless")),
            rank=int(rank) if rank.isascii() and rank.isdecimal() and len(rank) < 6 else None,
        )

    def _texts(self, record: Record, part: str) -> list[str]:
        """The values of one part, each once, empty ones left out, in a fixed order (a server keeps none)."""
        rule = self._rules.get(part)
        if rule is None:
            return []
        if rule.value:
            return [rule.value]
        try:
            found = {" ".join(value.decode("utf-8").split()) for value in record.get(rule.attribute)} - {""}
        except UnicodeDecodeError as error:
            raise Unusable(f"« {rule.attribute} » n'est pas du texte UTF-8") from error
        pattern = self._patterns.get(part)
        if pattern is None or "value" not in pattern.groupindex:
            return sorted(found)
        matches = [pattern.search(text) for text in sorted(found)]
        return [match["value"] for match in matches if match is not None and match["value"]]

    def _one(self, record: Record, part: str) -> str:
        return " ".join(self._texts(record, part))

    def _identities(self, record: Record, part: str, kinds: frozenset[IdType]) -> list[Identity]:
        """Identities by their national form and by attributes of their own, each once."""
        found = [self._national(text, part, kinds) for text in self._texts(record, part)]
        for name, kind in _NAMED.items():
            if kind in kinds:
                found += [_checked(kind, bare_identifier(kind, text)) for text in self._texts(record, name)]
        return sorted(dict.fromkeys(found))

    def _national(self, text: str, part: str, kinds: frozenset[IdType]) -> Identity:
        pattern = self._patterns.get(part)
        if pattern is None or "id" not in pattern.groupindex:
            cut = from_national_form(text, kinds)
        else:
            match = pattern.search(text)
            kind = _KINDS.get(match["type"]) if match else None
            cut = (kind, match["id"]) if match and kind in kinds and kind is not None else None
        if cut is None:
            raise Unusable("identifiant dont la forme nationale n'est pas reconnue")
        return _checked(*cut)


def _checked(kind: IdType, identifier: str) -> Identity:
    if len(identifier) != LENGTHS[kind] or not identifier.isascii() or not identifier.isalnum():
        raise Unusable(f"{kind} de longueur ou de forme inattendue")
    return kind, identifier


def _with(entry: Entry, address: str, who: Identity | None, where: Identity | None) -> Entry:
    return replace(
        entry,
        address=address,
        id_type=who[0] if who else None,
        identifier=who[1] if who else "",
        structure_id=where[1] if where else "",
    )
