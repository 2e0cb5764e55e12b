"""The table of saved lists on the disk: read, changed under a lock, every version kept as those of the local table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dispatcher.clock import Clock
from dispatcher.directory.local.history import KEPT, History, digest_of
from dispatcher.directory.local.locking import writing
from dispatcher.errors import DirectoryError, in_french
from dispatcher.formats.pdf_index.words import key
from dispatcher.routing.saved_lists import SavedList, SavedLists, read_lists, written
from dispatcher.whole_file import put


class ListBook:
    """The lists at ``path``; without the file there are none."""

    def __init__(self, path: Path, clock: Clock, *, keep: int = KEPT) -> None:
        self.path = path
        self.history = History(path, keep)
        self._clock = clock

    def look(self) -> SavedLists:
        """The lists now, with the faults of the table. Raises :class:`DirectoryError` when it cannot be read."""
        content = self._content()
        return read_lists(content) if content is not None else SavedLists()

    def save(self, one: SavedList, *, by: str) -> None:
        """Write this list, in place of the one of that name. Raises DirectoryError; nothing is written then."""
        with writing(self.path):
            others = self._others(one.name)
            self._put((*others, one), by, f"liste « {one.name} » enregistrée")

    def remove(self, name: str, *, by: str) -> None:
        """Take a list out. Raises :class:`DirectoryError`, also when there is none of that name."""
        with writing(self.path):
            others = self._others(name)
            if len(others) == len(self.look().lists):
                raise DirectoryError(f"Aucune liste « {name} ».", hint="« dispatcher recipients list » les montre.")
            self._put(others, by, f"liste « {name} » retirée")

    def _content(self) -> bytes | None:
        try:
            return self.path.read_bytes() if self.path.exists() else None
        except OSError as error:
            raise DirectoryError(
                f"{self.path.name} : table illisible ({in_french(error)}).",
                hint="Vérifier le chemin et les droits (« bulk.lists » de la configuration).",
            ) from error

    def _others(self, name: str) -> tuple[SavedList, ...]:
        look = self.look()
        if look.faults:
            listed = "\n".join(f"  {fault}" for fault in look.faults)
            raise DirectoryError(
                f"{self.path.name} a des fautes, rien n'a été écrit :\n{listed}\n", hint="Les corriger."
            )
        return tuple(one for one in look.lists if key(one.name) != key(name))

    def _put(self, lists: Sequence[SavedList], by: str, what: str) -> None:
        before, content = self._content(), written(lists)
        faults = read_lists(content).faults
        if faults:
            raise DirectoryError(f"Liste refusée : {faults[0]}", hint="Corriger, puis recommencer.")
        put(self.path, content)
        self.history.note(content, at=self._clock.now(), by=by, what=what, before=digest_of(before))
