"""The laboratory's table as ``service/`` writes it: one line a person decided on (``ports.LocalRules``)."""

from __future__ import annotations

from dispatcher.directory.local.book import CHANGED, TableBook
from dispatcher.directory.local.edit import Change, ChangeKind, edits
from dispatcher.errors import DirectoryError
from dispatcher.routing.candidates import LocalEntry


class TableRules:
    """Answers :class:`dispatcher.ports.LocalRules` with the table of ``book``."""

    def __init__(self, book: TableBook) -> None:
        self.book = book

    def version(self) -> str:
        """Of the table as it stands."""
        return self.book.look().version

    def write(self, before: LocalEntry | None, after: LocalEntry, *, version: str, by: str, why: str) -> str:
        """One line, with who, when and why. Raises as :meth:`TableBook.write`."""
        table = self.book.look().table
        if table.faults:
            raise DirectoryError(
                f"{self.book.path.name} a {len(table.faults)} faute(s) : une règle écrite maintenant ne servirait pas.",
                hint="La corriger d'abord (« dispatcher directory local list » montre les fautes).",
            )
        if before is not None and before not in table.entries:
            raise DirectoryError(
                f"{self.book.path.name} n'est pas la table en service : rien n'a été écrit.",
                hint="« dispatcher directory local list » dit pourquoi.",
                code=CHANGED,
            )
        kind = ChangeKind.CHANGED if before is not None else ChangeKind.ADDED
        stamp = self.book.stamp(by, why)
        change = Change(kind=kind, before=before, after=after)
        what = f"règle retenue, code « {after.code} »"
        return self.book.write(edits([change], stamp), version=version, by=by, what=what).version
