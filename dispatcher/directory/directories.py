"""All snapshots and the laboratory's own table behind one door: ``ports.Directory``.

The folder holds one snapshot per source (``mssante.sqlite3``, ``people.sqlite3``, ``ldap-NAME.sqlite3``…); what is in
it and still in the settings is what is asked: data nobody renews any more must not name a box for ever. A source
without a file answers nothing; a damaged one raises :class:`dispatcher.errors.DirectoryError`: an answer with a part
missing could name the wrong box.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from pathlib import Path

from dispatcher.directory.local.table import LocalTable
from dispatcher.directory.searching import joined
from dispatcher.directory.snapshots.reading import Snapshot
from dispatcher.directory.snapshots.words import identifier_in
from dispatcher.errors import DirectoryError, in_french
from dispatcher.report.model import IdType
from dispatcher.routing.candidates import Entry, LocalEntry
from dispatcher.routing.identities import PEOPLE

SUFFIX = ".sqlite3"


class Directories:
    """Answers :class:`dispatcher.ports.Directory`: identifiers and addresses from the snapshots in ``folder``, codes
    from the laboratory's table. Thread-safe.
    """

    def __init__(self, folder: Path, local: LocalTable, sources: Collection[str] | None = None) -> None:
        """``sources``: names of those that are asked; absent: whatever is in ``folder``."""
        self.folder = folder
        self._sources = sources
        self.table = local
        self._known: dict[str, Snapshot] = {}
        self._lock = threading.Lock()

    def snapshots(self) -> tuple[Snapshot, ...]:
        """Those that are asked and whose file is there, by name."""
        asked = self._sources
        return tuple(self.snapshot(name) for name in self._there() if asked is None or name in asked)

    def unused(self) -> tuple[str, ...]:
        """Names of snapshots that are there and not asked: their source left the settings."""
        asked = self._sources
        return tuple(name for name in self._there() if asked is not None and name not in asked)

    def _there(self) -> list[str]:
        try:
            names = sorted(item.name for item in os.scandir(self.folder) if item.name.endswith(SUFFIX))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise DirectoryError(
                f"Dossier des annuaires illisible ({in_french(error)}).",
                hint="Vérifier les droits du dossier « directory.folder » de la configuration.",
            ) from error
        return [name.removesuffix(SUFFIX) for name in names if not name.startswith(".")]

    def snapshot(self, name: str) -> Snapshot:
        """The snapshot of one source, whether its file is there or not."""
        with self._lock:
            return self._known.setdefault(name, Snapshot(self.folder / f"{name}{SUFFIX}"))

    def versions(self) -> dict[str, str]:
        """One per source that is there; ``local`` always, empty without a table."""
        found = {one.name: one.version() for one in self.snapshots()}
        return {name: version for name, version in found.items() if version} | {"local": self.table.table().version}

    def by_identifier(self, id_type: IdType, identifier: str) -> tuple[Entry, ...]:
        """Boxes of one professional or structure, each once, those of the newest data first."""
        found = self._ask(lambda one: one.about(id_type, identifier))
        return _merged(entry for entry in found if entry.address)

    def people(self, id_type: IdType, identifier: str) -> tuple[Entry, ...]:
        """Every entry about that person or structure, with or without a box, newest data first."""
        return tuple(self._ask(lambda one: one.about(id_type, identifier)))

    def equivalents(self, id_type: IdType, identifier: str) -> tuple[tuple[IdType, str], ...]:
        """Other identities of that person."""
        found = [other for one in self.snapshots() for other in one.equivalents(id_type, identifier)]
        return tuple(sorted(dict.fromkeys(found)))

    def by_address(self, address: str) -> tuple[Entry, ...]:
        """Entries behind one address, each once, newest data first."""
        return _merged(self._ask(lambda one: one.by_address(address)))

    def local(self, source: str, code: str) -> tuple[LocalEntry, ...]:
        """Lines of the table for this code: the source's own and those for all sources."""
        return self.table.lines(source, code)

    def search(self, text: str, limit: int = 20) -> tuple[Entry, ...]:
        """For people: lines of the table first, then the directories, each person with his boxes."""
        own = self.table.search(text, limit)
        rest = limit - len(own)
        if rest < 1:
            return own
        exact = self.by_address(text) if "@" in text else ()
        found = exact or joined(self._ask(lambda one: one.search(text, rest)) or self._others(text), text, rest, self)
        return (*own, *found[:rest])

    def _others(self, text: str) -> list[Entry]:
        """Entries under the other number of a person whose old or new one was typed."""
        known = [other for kind in sorted(PEOPLE) for other in self.equivalents(kind, identifier_in(text))]
        return [entry for other in known for entry in self.people(*other)]

    def _ask(self, question: Callable[[Snapshot], tuple[Entry, ...]]) -> list[Entry]:
        """The answers of all snapshots, newest data first; identical ones once."""
        newest = sorted(self.snapshots(), key=Snapshot.as_of, reverse=True)
        return list(dict.fromkeys(entry for one in newest for entry in question(one)))


def _merged(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Each box once per address, person and structure: the first one (newest data), what it leaves open filled in.

    Filled in is the rank, which not every source tells. A refusal of electronic mail and the red list stand on every
    row of an address when any source tells them on any of its rows: they are the box's, not the place of work's.
    """
    found = list(entries)
    refusing = {entry.address for entry in found if entry.address and entry.paperless is False}
    red = {entry.address for entry in found if entry.address and entry.red_list}
    kept: dict[tuple[str, str, str], Entry] = {}
    for entry in found:
        key = (entry.address, entry.identifier, entry.structure_id)
        first = kept.setdefault(key, entry)
        if first is not entry:
            kept[key] = replace(
                first,
                paperless=entry.paperless if first.paperless is None else first.paperless,
                rank=entry.rank if first.rank is None else first.rank,
            )
    return tuple(
        replace(
            entry,
            paperless=False if entry.address in refusing else entry.paperless,
            red_list=entry.red_list or entry.address in red,
        )
        for entry in kept.values()
    )
