"""What a restored database cannot know: what left between its backup and the fault, and what came in meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatcher.clock import Clock
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import EVERYTHING, DispatchFilter, Store

MAY_HAVE_LEFT = (State.SENDING, State.QUEUED, State.READY, State.DEFERRED, State.HELD, State.PAPER)
"""At the backup these were still here; since then each of them may have been sent, or printed and posted."""
UNREAD = (FileState.RECEIVED, FileState.READ)
"""At the backup these files were taken in and not done: their mails may exist, and may have left."""
MARGIN = timedelta(hours=1)
"""A file written before the backup may have been taken in after it: it lay in its folder, growing or not yet seen."""
REASON = "Base restaurée : rien ne part avant qu'une personne ait vu ce qui a pu partir déjà."


@dataclass(frozen=True, slots=True, kw_only=True)
class InDoubt:
    """For a person to go through before everything starts again."""

    backup_at: datetime
    restored_at: datetime
    dispatches: dict[State, tuple[str, ...]]
    """Ids by state; each may have left already."""
    files: dict[FileState, tuple[str, ...]]

    @property
    def export_from(self) -> datetime:
        """From here on to :attr:`restored_at` the LIS must export again: the database does not know all of it."""
        return self.backup_at - MARGIN

    @property
    def count(self) -> int:
        """Of dispatches and files."""
        return sum(map(len, (*self.dispatches.values(), *self.files.values())))


def begin(store: Store, clock: Clock, backup_at: datetime, journal_number: int, *, actor: str) -> str:
    """The database just came back: verify its journal, pause everything, forget the nodes of then, write it down.

    Gives the first break of the journal in French; then nothing is written. Empty: done.
    """
    with store.transaction() as uow:
        _, broken = uow.journal.verify()
        if broken:
            return broken
        uow.pace.pause(EVERYTHING, None, REASON)
        for node in uow.nodes.list():
            uow.nodes.forget(node.name, actor=actor)
        uow.installation.restored(clock.now(), backup_at, journal_number, actor=actor)
    return ""


def in_doubt(store: Store) -> InDoubt | None:
    """None: this database does not come from a backup, or a person let everything leave again since."""
    with store.reading() as uow:
        row = uow.installation.row()
        if row is None or row.restored_at is None or row.backup_at is None:
            return None
        counts, before = uow.dispatches.counts(), row.restored_at
        dispatches: dict[State, tuple[str, ...]] = {}
        for state in MAY_HAVE_LEFT:
            wanted = DispatchFilter(states=(state,), limit=max(counts.get(state, 0), 1))
            found = (one for one in uow.dispatches.list(wanted) if one.created_at is None or one.created_at <= before)
            dispatches[state] = tuple(one.id for one in found)
        number, files = uow.files.counts(), {}
        for kind in UNREAD:
            known = uow.files.list(states=(kind,), limit=max(number.get(kind, 0), 1))
            files[kind] = tuple(one.id for one in known if one.received_at <= before)
        return InDoubt(backup_at=row.backup_at, restored_at=before, dispatches=dispatches, files=files)
