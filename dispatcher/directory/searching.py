"""One search over all snapshots: people joined to their boxes, nobody and nothing twice. For people's eyes only.

A person found by name or place is shown with his boxes, wherever they are told; without a box, with his activities. A
structure is shown with its own boxes, else alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Protocol

from dispatcher.directory.snapshots.words import ranking, words_of
from dispatcher.report.model import IdType
from dispatcher.routing.candidates import Entry
from dispatcher.routing.identities import LENGTHS, STRUCTURES


class Boxes(Protocol):
    """What is asked for the boxes of who was found."""

    def by_identifier(self, id_type: IdType, identifier: str) -> tuple[Entry, ...]:
        """As in :class:`dispatcher.ports.Directory`."""


def joined(found: Iterable[Entry], text: str, limit: int, boxes: Boxes) -> tuple[Entry, ...]:
    """Entries found for ``text``, best first, as lines to show: at most ``limit``."""
    lines: dict[tuple[str, ...], Entry] = {}
    asked: dict[tuple[IdType, str], tuple[Entry, ...]] = {}
    for entry in sorted(found, key=ranking(words_of(text))):
        for line in _lines(entry, asked, boxes):
            first = lines.setdefault(_key(line), line)
            if line.red_list and not first.red_list:
                lines[_key(line)] = replace(first, red_list=True)
        if len(lines) >= limit:
            break
    hidden = {line.address for line in lines.values() if line.red_list} - {""}
    return tuple(replace(line, red_list=line.red_list or line.address in hidden) for line in lines.values())[:limit]


def _lines(entry: Entry, asked: dict[tuple[IdType, str], tuple[Entry, ...]], boxes: Boxes) -> Iterator[Entry]:
    identity = _identity(entry)
    if identity is None:
        yield entry
        return
    if identity not in asked:
        asked[identity] = boxes.by_identifier(*identity)
    own = [box for box in asked[identity] if box.identifier == entry.identifier]
    if not own:
        yield entry
    for box in own:
        yield _placed(box, entry)


def _identity(entry: Entry) -> tuple[IdType, str] | None:
    """Of the person; else of the structure, when no box is known."""
    if entry.id_type and entry.identifier:
        return entry.id_type, entry.identifier
    kinds = [kind for kind in sorted(STRUCTURES) if len(entry.structure_id) == LENGTHS[kind]]
    return (kinds[0], entry.structure_id) if kinds and not entry.identifier and not entry.address else None


def _placed(box: Entry, found: Entry) -> Entry:
    """A box of no structure, with the profession and place its holder was found by."""
    if box.structure_id or box.structure_name or box.town:
        return box
    return replace(
        box,
        profession=box.profession or found.profession,
        structure_name=found.structure_name,
        postcode=found.postcode,
        town=found.town,
    )


def _key(line: Entry) -> tuple[str, ...]:
    if line.address:
        return line.address, line.identifier, line.structure_id
    return "", line.identifier, line.structure_id or line.structure_name, line.town
