"""The table as a file that is changed: read, looked at, written under a lock, every version kept.

What a person confirmed is what is written: the version looked at is told again at the write, and a table that changed
in between is refused (``table-changed``), to be shown again.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dispatcher.clock import Clock, paris
from dispatcher.directory.local.columns import Fault
from dispatcher.directory.local.edit import Stamp
from dispatcher.directory.local.history import BY_HAND, KEPT, OUTSIDE, History, Kept, digest_of
from dispatcher.directory.local.locking import writing
from dispatcher.directory.local.shrinking import doubts
from dispatcher.directory.local.table import ACCEPT, Table, parse
from dispatcher.directory.local.writing import Edit, edited
from dispatcher.errors import DirectoryError, in_french
from dispatcher.whole_file import put

log = logging.getLogger(__name__)

CHANGED = "table-changed"
"""Code of the error when the table is not what was looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The table as it stands."""

    content: bytes | None
    version: str
    """Empty without a file."""
    table: Table
    doubts: tuple[Fault, ...] = ()
    """Of a table saved outside the program: what keeps it out of service until a person accepts it."""
    gone: bool = False
    """There is no file although there was one: its last good version answers."""

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Why the file is not in service, line by line; none when it is, or is not there."""
        return self.table.faults or self.doubts

    @property
    def serves(self) -> bool:
        """The file is what answers."""
        return not self.faults and not self.gone


class TableBook:
    """The table at ``path`` with its versions."""

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        keep: int = KEPT,
        channels: Collection[str] | None = None,
        sources: Collection[str] | None = None,
    ) -> None:
        self.path = path
        self.history = History(path, keep)
        self._clock = clock
        self._channels = channels
        self._sources = sources

    def look(self) -> Look:
        """The table now; its faults are in it. Raises :class:`DirectoryError` when the file cannot be read."""
        try:
            content = self.path.read_bytes() if self.path.exists() else None
        except OSError as error:
            raise DirectoryError(
                f"{self.path.name} : table illisible ({in_french(error)}).",
                hint="Vérifier le chemin et les droits (« directory.local » de la configuration).",
            ) from error
        version, table = digest_of(content), self.judged(content, self.path.name)
        if content is None:
            return Look(content=None, version=version, table=table, gone=self.serving() is not None)
        return Look(content=content, version=version, table=table, doubts=self._doubts(version, table))

    def _doubts(self, version: str, table: Table) -> tuple[Fault, ...]:
        """Against the version in force, when nobody wrote or accepted this one."""
        kept = self.serving() if not table.faults and self.history.last(version) is None else None
        if kept is None:
            return ()
        before = self.judged(self.history.content(kept.digest), self.path.name)
        return doubts(before.entries, table.entries, self.path.name)

    def judged(self, content: bytes | None, name: str) -> Table:
        """Any table by the rules of this one: known channels and sources."""
        if content is None:
            return Table(entries=())
        return parse(content, name, channels=self._channels, sources=self._sources)

    def stamp(self, by: str, reason: str) -> Stamp:
        """Who, today, why."""
        return Stamp(by=by, on=paris(self._clock.now()).date(), reason=" ".join(reason.split()))

    def write(self, edits: Sequence[Edit], *, version: str, by: str, what: str) -> Look:
        """Write these lines into the table looked at as ``version``; gives the table as it is now.

        Raises :class:`DirectoryError`: ``table-changed`` when it is another one by now, a fault of the new lines, a
        spreadsheet that has the file open, a disk that says no. Nothing is written then.
        """
        with writing(self.path):
            look = self._unchanged(version)
            if look.doubts:  # writing into it would put it in force
                raise DirectoryError(_refused(self.path.name, look.doubts).message, hint=ACCEPT)
            content = edited(look.content, self.path.name, edits)
            table = self.judged(content, self.path.name)
            known = {(fault.column, fault.text) for fault in look.table.faults}
            new = [fault for fault in table.faults if (fault.column, fault.text) not in known]
            if new or len(table.faults) > len(look.table.faults):
                raise _refused(self.path.name, new or list(table.faults))
            self._put(look, content, by, what, before=look.version)
        return self.look()

    def undo(self, *, version: str, to: Kept, by: str) -> Look:
        """Put an earlier version back in place of the one looked at. Raises as :meth:`write`."""
        with writing(self.path):
            look = self._unchanged(version)
            content = self.history.content(to.digest)
            if content is None:
                raise DirectoryError(f"La version {to.number} n'est plus gardée.", hint="Voir « local history ».")
            faults = self.judged(content, self.path.name).faults
            if faults:
                raise _refused(self.path.name, faults)
            self._put(look, content, by, f"version {to.number} remise", before=to.before)
        return self.look()

    def previous(self, version: str) -> Kept | None:
        """The last good version before this one; the latest good one when this one was saved outside the program."""
        known = self.history.last(version)
        if known is None or self.faulty(known):
            return self.serving(other_than=version)
        before = self.history.last(known.before) if known.before else None
        return self.serving(other_than=version) if before is not None and self.faulty(before) else before

    def faulty(self, kept: Kept) -> bool:
        """A kept version with faults: it is not in service, whatever was written when."""
        content = self.history.content(kept.digest)
        return content is not None and bool(self.judged(content, self.path.name).faults)

    def serving(self, *, other_than: str = "") -> Kept | None:
        """The last good version kept: it answers while the file itself is faulty."""
        for kept in reversed(self.history.versions()):
            if kept.digest != other_than and self.history.content(kept.digest) is not None and not self.faulty(kept):
                return kept
        return None

    def _unchanged(self, version: str) -> Look:
        look = self.look()
        if look.version != version:
            raise DirectoryError(
                f"{self.path.name} a changé entre-temps : rien n'a été écrit.",
                hint="Regarder de nouveau ce qui changerait, puis recommencer.",
                code=CHANGED,
            )
        return look

    def _put(self, look: Look, content: bytes, by: str, what: str, before: str) -> None:
        now = self._clock.now()
        if look.content is not None and self.history.last(look.version) is None:
            self.adopt(look.content)
        put(self.path, content)
        self.history.note(content, at=now, by=by, what=what, before=before)
        log.info("local table written: version %s", digest_of(content))

    def accept(self, *, version: str, by: str) -> None:
        """Take the table looked at as it was saved, zeros or lines lost: a person says so. Raises as :meth:`write`."""
        with writing(self.path):
            look = self._unchanged(version)
            if look.content is None or look.table.faults:
                raise _refused(self.path.name, look.table.faults)
            kept = self.history.versions()
            before = kept[-1].digest if kept else ""
            what = "acceptée telle qu'elle est enregistrée"
            self.history.note(look.content, at=self._clock.now(), by=by, what=what, before=before)
            put(self.path, look.content)  # the same bytes: who holds the table sees it changed and reads it again

    def adopt(self, content: bytes) -> None:
        """Keep a version that was not written by a command. Raises ``OSError``."""
        kept = self.history.versions()
        changed = datetime.fromtimestamp(self.path.stat().st_mtime, UTC)
        self.history.note(content, at=changed, by=OUTSIDE, what=BY_HAND, before=kept[-1].digest if kept else "")


def _refused(name: str, faults: Sequence[Fault]) -> DirectoryError:
    listed = "\n".join(f"  {fault}" for fault in faults)
    return DirectoryError(f"{name} aurait des fautes, rien n'a été écrit :\n{listed}\n", hint="Les corriger.")
