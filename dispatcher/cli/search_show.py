"""Who was found: one block a person or structure, with identifiers, boxes and places; as wide as the screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from dispatcher.cli.output import console, say, table
from dispatcher.directory.snapshots.words import identifier_in, words_of
from dispatcher.report.model import IdType
from dispatcher.routing.candidates import Entry

WIDE = 120
"""From this width on a table; below it lines, which never cut an address in two."""
RED = "liste rouge"
NO_BOX = "pas de boîte connue"


def found_json(entry: Entry) -> dict[str, Any]:
    """An entry for programs; the address of a red-listed box is told to nobody."""
    return asdict(entry) | ({"address": ""} if entry.red_list else {})


def show_found(found: Sequence[Entry], text: str = "") -> None:
    """Entries in the order they were ranked, those of one person or structure together; ``text``: what was typed."""
    people = _together(found)
    if not people:
        say(nobody(text))
    elif console().width >= WIDE:
        _table(people)
    else:
        for number, entries in enumerate(people, 1):
            _lines(number, entries)


def nobody(text: str) -> str:
    """What to say of a search without an answer."""
    if not words_of(text):
        return "Rien à chercher : donner un nom, une ville, un identifiant ou une adresse."
    if "@" in text:
        what = "Aucune boîte à cette adresse"
    elif any(char.isdigit() for char in text) and not any(word.isalpha() for word in words_of(identifier_in(text))):
        what = "Personne sous ce numéro"
    else:
        what = "Personne de ce nom"
    return f"{what} dans les annuaires importés."


def _together(found: Sequence[Entry]) -> list[list[Entry]]:
    """Same identifier, same person; without one, same box or same structure. A name never joins two entries."""
    groups: dict[tuple[object, ...], list[Entry]] = {}
    for entry in found:
        who = (entry.id_type, entry.identifier) if entry.identifier else (entry.structure_id or entry.address,)
        groups.setdefault((*who, entry.box_type == "ORG"), []).append(entry)
    return list(groups.values())


def _identifier(entry: Entry) -> str:
    if entry.identifier:
        return f"{entry.id_type or ''} {entry.identifier}".strip()
    kind = {9: IdType.FINESS, 14: IdType.SIRET}.get(len(entry.structure_id))
    return f"{kind or ''} {entry.structure_id}".strip()


def _place(entry: Entry) -> str:
    name = entry.structure_name if entry.structure_name != entry.label else ""
    town = " ".join(part for part in (entry.postcode, entry.town) if part)
    return ", ".join(part for part in (name, entry.service, town) if part)


def _box(entry: Entry) -> str:
    refused = " (refuse la dématérialisation)" if entry.paperless is False else ""
    return f"{RED if entry.red_list else entry.address}{refused}"


def _boxes(entries: Sequence[Entry]) -> list[tuple[str, str]]:
    """(box, place) of each, places without a box only where no box stands."""
    boxed = list(dict.fromkeys((_box(entry), _place(entry)) for entry in entries if entry.address))
    if boxed:
        return boxed
    none = RED if any(entry.red_list for entry in entries) else NO_BOX
    places = list(dict.fromkeys(_place(entry) for entry in entries if _place(entry))) or [""]
    return [(none, place) for place in places]


def _who(entries: Sequence[Entry]) -> tuple[str, str]:
    profession = next((entry.profession for entry in entries if entry.profession), "")
    return entries[0].label, profession


def _table(people: Sequence[Sequence[Entry]]) -> None:
    rows = []
    for entries in people:
        label, profession = _who(entries)
        name = f"{label}, {profession}" if profession else label
        for place, (box, where) in enumerate(_boxes(entries)):
            rows.append((name, _identifier(entries[0]), box, where) if not place else ("", "", box, where))
    table("", ("Qui", "Identifiant", "Boîte", "Où"), rows)


def _lines(number: int, entries: Sequence[Entry]) -> None:
    label, profession = _who(entries)
    say(", ".join(part for part in (f"{number}. {label}", profession, _identifier(entries[0])) if part))
    for box, where in _boxes(entries):
        say(f"   {box}")
        if where:
            say(f"     {where}")
