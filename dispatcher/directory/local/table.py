"""The laboratory's own table of recipients (table des destinataires): what its LIS codes stand for.

CSV as a spreadsheet saves it: ``;`` (tab and comma are understood), UTF-8 with or without BOM, UTF-16 or
Windows-1252, French or English column names. All faults are told at once, with line and column; a table with faults is
not used, the one held before is kept. Columns: ``columns.py``; an example:
``samples/directory/destinataires.csv``.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dispatcher.directory.local.columns import Fault, open_sheet
from dispatcher.directory.local.history import BY_HAND, OUTSIDE, History, digest_of
from dispatcher.directory.local.lines import read_line
from dispatcher.directory.local.locking import locked
from dispatcher.directory.local.shrinking import doubts
from dispatcher.directory.local.zeros import odd_lengths
from dispatcher.directory.snapshots.words import identifier_in, words_of
from dispatcher.errors import DirectoryError, in_french
from dispatcher.french import counted
from dispatcher.report.identifiers import compact
from dispatcher.routing.candidates import Entry, LocalEntry
from dispatcher.routing.identities import STRUCTURES

log = logging.getLogger(__name__)

SOURCE = "local"
ACCEPT = (
    "« dispatcher directory local undo » remet la dernière bonne version ; si c'est voulu, « dispatcher directory "
    "local accept »."
)
"""What to do with a table that only a person can take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table as read: its lines, and everything wrong or odd about it."""

    entries: tuple[LocalEntry, ...]
    """Lines without fault."""
    faults: tuple[Fault, ...] = ()
    """Each makes the table unusable until corrected."""
    warnings: tuple[Fault, ...] = ()
    """Odd, but usable: a doubtful key, a line repeated."""
    version: str = ""
    """First 12 characters of the SHA-256 of the file."""


def parse(
    content: bytes,
    name: str = "destinataires.csv",
    *,
    channels: Collection[str] | None = None,
    sources: Collection[str] | None = None,
) -> Table:
    """Bytes of a table to its lines. ``channels`` and ``sources``: the names the settings know, to catch misspellings.

    Raises nothing for what stands in the file: faults are in the answer.
    """
    sheet = open_sheet(content, name)
    faults, warnings = list(sheet.faults), list[Fault]()
    entries = []
    for record in sheet.records:
        reading = read_line(sheet, record, channels, sources)
        faults += reading.faults
        warnings += reading.warnings
        if reading.entry is not None:
            entries.append(reading.entry)
    warnings += [*_repeated(name, entries), *odd_lengths(entries, name)]
    version = digest_of(content)
    return Table(entries=tuple(entries), faults=tuple(faults), warnings=tuple(warnings), version=version)


def _repeated(name: str, entries: list[LocalEntry]) -> list[Fault]:
    """Lines for the same code and source whose dates overlap: the rules will hold every mail for that code."""
    found = []
    by_code: dict[tuple[str, str], list[LocalEntry]] = {}
    for entry in entries:
        for other in by_code.setdefault((entry.source, entry.code), []):
            if _overlap(entry, other):
                text = (
                    f"code « {entry.code} » déjà à la ligne {other.line}, aux mêmes dates : les envois vers ce code "
                    "attendront un choix. Garder une seule ligne, ou des dates qui se suivent"
                )
                found.append(Fault(name=name, line=entry.line, column="code", text=text))
        by_code[entry.source, entry.code].append(entry)
    return found


def _overlap(one: LocalEntry, other: LocalEntry) -> bool:
    starts_late = one.valid_from and other.valid_to and one.valid_from > other.valid_to
    ends_early = one.valid_to and other.valid_from and one.valid_to < other.valid_from
    return not (starts_late or ends_early)


class LocalTable:
    """The table at ``path``, read again when the file changed. Thread-safe.

    Without a file every answer is empty. A file with faults is not used: the table held before keeps answering, after a
    restart the last good one of the kept versions, and :attr:`problem` tells what is wrong with the new one. Only when
    there never was a good one is :class:`DirectoryError` raised (hint: all faults).

    With a ``history`` every table taken into use is kept there, and one that lost the leading zeros of its codes in a
    spreadsheet, or more than half of its lines at once, counts as faulty until a person accepts it.
    """

    def __init__(
        self,
        path: Path,
        *,
        channels: Collection[str] | None = None,
        sources: Collection[str] | None = None,
        history: History | None = None,
    ) -> None:
        self.path = path
        self._history = history
        self._channels = channels
        self._sources = sources
        self._lock = threading.Lock()
        self._looked = False
        self._stamp: tuple[int, int, int] | None = None
        self._table: Table | None = None
        self._by_code: dict[str, tuple[LocalEntry, ...]] = {}
        self._by_identifier: dict[str, tuple[LocalEntry, ...]] = {}
        self._problem: DirectoryError | None = None

    @property
    def problem(self) -> DirectoryError | None:
        """Why the file as it stands now is not the one in use; ``None`` when it is."""
        try:
            self.table()
        except DirectoryError as error:
            return error
        return self._problem

    def table(self) -> Table:
        """The table in use. Raises :class:`DirectoryError` when there never was a usable one."""
        with self._lock:
            try:
                stamp = self._look()
            except DirectoryError as error:
                if self._table is None:
                    raise
                self._problem = error
                return self._table
            if not self._looked or stamp != self._stamp or (self._table is None and stamp is not None):
                self._looked, self._stamp = True, stamp
                self._reload()
            if self._table is None and self._problem is not None:
                raise self._problem
            return self._table or Table(entries=())

    def lines(self, source: str, code: str) -> tuple[LocalEntry, ...]:
        """Lines for ``code`` that stand for ``source`` or for all sources, in file order.

        A file may name the recipient by a national identifier instead of the LIS's code: then the lines of that
        identifier count, all of them: routing holds where they contradict each other.
        """
        self.table()
        wanted = " ".join(code.split())
        found = self._for_source(self._by_code.get(wanted, ()), source)
        return found or self._for_source(self._by_identifier.get(compact(wanted), ()), source)

    @staticmethod
    def _for_source(entries: tuple[LocalEntry, ...], source: str) -> tuple[LocalEntry, ...]:
        return tuple(entry for entry in entries if entry.source in {"", source})

    def search(self, text: str, limit: int) -> tuple[Entry, ...]:
        """Lines of this very address, code or identifier, or whose label holds every word of ``text``; for people only.

        Words of an address are no name: everybody's hold those of the operator.
        """
        table = self.table()
        exact = {text.strip().lower().removeprefix("mailto:"), " ".join(text.split()).casefold(), identifier_in(text)}
        words = () if "@" in text else words_of(text)
        found = []
        for entry in table.entries:
            joined = entry.label.replace("'", "")
            held = words_of(f"{entry.code} {entry.label} {joined}", 100)
            named = bool(words) and all(any(part.startswith(word) for part in held) for word in words)
            if named or exact & ({entry.address, entry.code.casefold(), compact(entry.identifier)} - {""}):
                found.append(as_entry(entry, table.version))
        return tuple(found[:limit])

    def _look(self) -> tuple[int, int, int] | None:
        try:
            state = self.path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(self.path, error) from error
        return state.st_mtime_ns, state.st_size, state.st_ino

    def _reload(self) -> None:
        """Read the file as it stands; a faulty one leaves the table held before in use. The lock is held."""
        if self._stamp is None:
            self._fall_back()
            if self._table is not None and self._table.version:
                self._problem = DirectoryError(
                    f"{self.path.name} a disparu ; la dernière table lue reste en service.",
                    hint="Remettre le fichier en place (« dispatcher directory local undo »).",
                )
            return
        try:
            content = _bytes(self.path)
            table = _sound(content, self.path.name, self._channels, self._sources)
            self._keep(content, table)
        except DirectoryError as error:
            self._problem = error
            self._fall_back()
            return
        self._problem = None
        self._take(table)

    def _keep(self, content: bytes, table: Table) -> None:
        """A table saved by a spreadsheet: judged against the one before, and kept. Raises :class:`DirectoryError`."""
        if self._history is None:
            return
        try:
            if self._history.last(table.version) is None:
                with locked(self.path):  # a command at work tells itself who and why
                    self._keep_by_hand(self._history, content, table)
        except OSError as error:  # somebody who may only read looks at the table
            log.warning("version %s of the local table is not kept: %s", table.version, type(error).__name__)

    def _keep_by_hand(self, history: History, content: bytes, table: Table) -> None:
        if history.last(table.version) is not None:
            return
        before = self._table or self._last_good()
        lost = doubts(before.entries, table.entries, self.path.name) if before is not None else ()
        if lost:
            raise _faulty(self.path.name, lost, ACCEPT)
        changed, kept = datetime.fromtimestamp(self.path.stat().st_mtime, UTC), history.versions()
        history.note(content, at=changed, by=OUTSIDE, what=BY_HAND, before=kept[-1].digest if kept else "")

    def _fall_back(self) -> None:
        """After a restart there is no table in memory: take the last good one of the kept versions."""
        if self._table is None and self._history is not None:
            with suppress(OSError):
                table = self._last_good()
                if table is not None:
                    self._take(table)

    def _last_good(self) -> Table | None:
        assert self._history is not None  # the callers ask
        for kept in reversed(self._history.versions()):
            content = self._history.content(kept.digest)
            table = parse(content, self.path.name, channels=self._channels, sources=self._sources) if content else None
            if table is not None and not table.faults:
                return table
        return None

    def _take(self, table: Table) -> None:
        self._table = table
        codes: dict[str, list[LocalEntry]] = {}
        for entry in table.entries:
            codes.setdefault(entry.code, []).append(entry)
        self._by_code = {code: tuple(entries) for code, entries in codes.items()}
        people: dict[str, list[LocalEntry]] = {}
        for entry in table.entries:
            if entry.identifier:
                people.setdefault(compact(entry.identifier), []).append(entry)
        self._by_identifier = {identifier: tuple(entries) for identifier, entries in people.items()}


def load(path: Path, *, channels: Collection[str] | None = None, sources: Collection[str] | None = None) -> Table:
    """The table at ``path``. Raises :class:`DirectoryError` with every fault, one a line, when there is any."""
    return _sound(_bytes(path), path.name, channels, sources)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def _sound(content: bytes, name: str, channels: Collection[str] | None, sources: Collection[str] | None) -> Table:
    table = parse(content, name, channels=channels, sources=sources)
    if table.faults:
        raise _faulty(name, table.faults, "Corriger ces lignes puis enregistrer ; la table est relue aussitôt.")
    return table


def _faulty(name: str, faults: Collection[Fault], hint: str) -> DirectoryError:
    listed = "\n".join(f"  {fault}" for fault in faults)
    many = counted(len(faults), "faute")
    return DirectoryError(f"{name} : {many} ; la table n'est pas utilisée.\n{listed}\n", hint=hint)


def _unreadable(path: Path, error: OSError) -> DirectoryError:
    return DirectoryError(
        f"{path.name} : table illisible ({in_french(error)}).",
        hint="Vérifier le chemin et les droits (« directory.local » de la configuration).",
    )


def as_entry(entry: LocalEntry, version: str = "") -> Entry:
    """A line of the table as an operator sees it among candidates."""
    return Entry(
        address=entry.address,
        box_type="",
        id_type=entry.id_type,
        identifier="" if entry.id_type in STRUCTURES else entry.identifier,
        structure_id=entry.identifier if entry.id_type in STRUCTURES else "",
        structure_name=entry.label or entry.code,
        source=SOURCE,
        version=version,
    )


__all__ = ["SOURCE", "Fault", "LocalTable", "Table", "as_entry", "load", "parse"]
