"""Source files and report versions, as the use cases see them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from dispatcher.outbox.dispatch import ReportVersion, SourceFile
    from dispatcher.outbox.states import FileState
    from dispatcher.ports import Found


class Files(Protocol):
    """Source files."""

    def add(self, file: SourceFile) -> None: ...
    def get(self, file_id: str) -> SourceFile | None: ...
    def seen(self, source: str, path: str, size: int, mtime_ns: int) -> SourceFile | None:
        """The very file at that path with that size and time, if it is already known (waiting ones left out)."""

    def same_bytes(self, source: str, sha256: str) -> SourceFile | None:
        """The first file of this source with the same content, whatever its name."""

    def note_waiting(self, source: str, found: Found, now: datetime) -> None:
        """Show a growing file as ``waiting`` (one row per path, updated)."""

    def forget_waiting(self, source: str, path: str) -> None:
        """It is whole or gone: drop the waiting row."""

    def move(
        self,
        file_id: str,
        state: FileState,
        *,
        through: FileState | None = None,
        reason: str = "",
        actor: str = "daemon",
        **changes: Any,
    ) -> SourceFile:
        """Change state (checked against FILE_MOVES), with its journal line; ``through`` another one in between."""

    def claim(self, owner: str, limit: int, lease: timedelta, now: datetime) -> tuple[SourceFile, ...]:
        """Lease files in state ``received``, urgent ones first, then the oldest.

        An expired lease counts one return; the tenth sets the file aside (quarantined). A file that came back is
        claimed last and alone, so that one bad file delays nobody and takes no others with it.
        """

    def extend_lease(self, owner: str, until: datetime) -> None:
        """Heartbeat: all files this owner holds."""

    def release(self, owner: str) -> int:
        """Give back every file this owner holds, without counting a return (orderly stop). Gives their number."""

    def not_removed(self, source: str) -> tuple[SourceFile, ...]:
        """Files safe in the store whose original may still stand in the source folder."""

    def mark_removed(self, file_id: str) -> None: ...
    def list(
        self, *, states: tuple[FileState, ...] = (), source: str = "", limit: int = 100
    ) -> tuple[SourceFile, ...]: ...
    def oldest_open(self) -> SourceFile | None:
        """The oldest file nobody is done with (``states.OPEN_FILES``)."""

    def counts(self) -> dict[FileState, int]: ...
    def counts_since(self, since: datetime) -> dict[FileState, int]:
        """Of those that came since then; states without any are left out."""


class Reports(Protocol):
    """Report versions."""

    def add(self, version: ReportVersion) -> None: ...
    def get(self, report_id: str) -> ReportVersion | None: ...
    def versions(self, chain: str) -> tuple[ReportVersion, ...]:
        """All versions, oldest first; in a transaction the chain stays locked until its end."""

    def of_file(self, file_id: str) -> tuple[ReportVersion, ...]: ...
    def of_order(self, laboratory: str, order_filler: str, *, since: datetime) -> tuple[ReportVersion, ...]:
        """Versions of one laboratory's order number made since then, oldest first, of every patient and chain."""

    def superseded(self, ids: Sequence[str]) -> frozenset[str]:
        """Those of these versions that a newer one replaced."""

    def supersede(self, chain: str, before_version: int) -> None:
        """Mark every version of the chain below ``before_version`` as superseded."""

    def count(self) -> int: ...
