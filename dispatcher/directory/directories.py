"""National snapshot and the laboratory's own table behind one door: ``ports.Directory``."""

from __future__ import annotations

from dispatcher.directory.local.table import LocalTable
from dispatcher.directory.snapshots.reading import SnapshotDirectory
from dispatcher.report.model import IdType
from dispatcher.routing.candidates import Entry, LocalEntry


class Directories:
    """Answers :class:`dispatcher.ports.Directory`: identifiers and addresses from the national snapshot, codes from the
    laboratory's table. Each part raises :class:`dispatcher.errors.DirectoryError` when it cannot be read.
    """

    def __init__(self, snapshot: SnapshotDirectory, local: LocalTable) -> None:
        self.snapshot = snapshot
        self.table = local

    def versions(self) -> dict[str, str]:
        """``directory`` and ``local``; empty text for a part that is not there."""
        return {**self.snapshot.versions(), "local": self.table.table().version}

    def by_identifier(self, id_type: IdType, identifier: str) -> tuple[Entry, ...]:
        """Boxes of one professional or structure in the national directory."""
        return self.snapshot.by_identifier(id_type, identifier)

    def by_address(self, address: str) -> tuple[Entry, ...]:
        """National entries behind one address."""
        return self.snapshot.by_address(address)

    def local(self, source: str, code: str) -> tuple[LocalEntry, ...]:
        """Lines of the table for this code: the source's own and those for all sources."""
        return self.table.lines(source, code)

    def search(self, text: str, limit: int = 20) -> tuple[Entry, ...]:
        """For people: lines of the table first, then the national directory."""
        own = self.table.search(text, limit)
        return (*own, *self.snapshot.search(text, limit - len(own))) if len(own) < limit else own
