"""Making a snapshot: a **new** file beside the one in service, put in its place in one step, or not at all.

    with writing(folder / "mssante.sqlite3", now=now) as snapshot:
        snapshot.add(rows)                      # any iterables of rows (tables.FIELDS), as often as wanted
        snapshot.leave_out(17, "champ vide")    # a line that cannot be used: counted, the first ones listed
        report = snapshot.publish(Origin(source="fichier.txt", as_of=dated))

Nothing is seen of it before :meth:`Writer.publish`, and nothing remains of it without: an exception, a refusal by the
guards or a killed process leaves the held file as it was. Readers see the old one or the new one, whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dispatcher.clock import PARIS, paris
from dispatcher.directory.snapshots import tables
from dispatcher.directory.snapshots.scratch import beside
from dispatcher.directory.snapshots.tables import Pair, Row
from dispatcher.errors import DirectoryError

SAME_TIME = timedelta(hours=1)
"""Clocks of servers differ by less than this: no older data."""
LISTED_LINES = 100
"""How many bad lines are listed one by one; all are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A line left out: 1-based number in the text file (or of the record), and why (French, none of its content)."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where the rows of a snapshot come from."""

    source: str
    """Name of the file or address of the server."""
    as_of: datetime
    """The day the data stands for; aware."""
    sha256: str = ""
    """Of the file; empty: computed over the rows."""
    extra: Mapping[str, str] = field(default_factory=dict)
    """Kept in the table ``meta`` for the source's own use (names of its own, never those of the report)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What a load did."""

    kind: str
    """Name of the source (:mod:`dispatcher.routing.sources`): the stem of the snapshot's file."""
    version: str
    """Date of the source and digest: what every entry and decision is stamped with."""
    source: str
    source_date: datetime
    """Aware UTC."""
    sha256: str
    imported_at: datetime
    lines: int
    """Rows and pairs taken and lines left out; header and empty lines do not count."""
    rows: int
    """Rows kept."""
    addresses: int
    """Distinct mail addresses."""
    pairs: int
    """Identifiers that stand for another, both ways counted."""
    duplicates: int
    """Rows left out because address, person and structure were already there."""
    bad_count: int
    bad: tuple[BadRow, ...] = ()
    """The first ones, at most :data:`LISTED_LINES`."""
    previous_rows: int | None = None
    """Rows and pairs (each once) of the snapshot replaced, or ``None`` when there was none."""
    added: int | None = 0
    """Boxes (people, structures, pairs where there is no box) that were not in the snapshot replaced; ``None``: that
    one was damaged, or of another version of the program."""
    removed: int | None = 0
    """Those that no longer are."""
    notes: tuple[str, ...] = ()
    """French remarks that did not stop the load."""
    seconds: float = 0.0


def measure(target: Path, *, force: bool) -> Mapping[str, str] | None:
    """What the guards measure by: ``None`` without a snapshot at ``target``, and by force without a readable one.

    Raises :class:`DirectoryError`: it cannot be read, so nothing tells whether what comes is whole. Worth asking before
    a long fetch.
    """
    try:
        return tables.any_meta(target)
    except DirectoryError as error:
        if force:
            return None
        raise DirectoryError(
            f"{error.message} Impossible de savoir si de nouvelles données sont complètes.",
            hint="Rien n'est remplacé. Vérifier le disque et le nombre de lignes à la source, puis relancer "
            "« dispatcher directory sync » (ou « import ») avec « --force ».",
        ) from error


@contextmanager
def writing(target: Path, *, now: datetime) -> Iterator[Writer]:
    """A writer for the snapshot at ``target``; ``now`` is aware. Raises :class:`DirectoryError`: disk, rights."""
    with contextlib.ExitStack() as closing_too:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            scratch = closing_too.enter_context(beside(target))
        except OSError as error:
            raise _unwritable(target, error) from error
        with closing(sqlite3.connect(scratch.absolute().as_uri(), uri=True)) as database:
            yield Writer(database, scratch, target, now)


class Writer:
    """Takes rows and publishes them. Every method raises :class:`DirectoryError` when the disk does not play along."""

    def __init__(self, database: sqlite3.Connection, scratch: Path, target: Path, now: datetime) -> None:
        self._begun = time.monotonic()
        self._database, self._scratch, self._target, self._now = database, scratch, target, now
        self.taken = 0
        self.bad_count = 0
        self.bad: list[BadRow] = []
        with self._telling():
            tables.create(database)

    def add(self, rows: Iterable[Row]) -> None:
        """Take rows (:data:`tables.FIELDS`). What the iterable itself raises goes through."""
        with self._telling():
            self.taken += max(self._database.executemany(tables.INSERT, rows).rowcount, 0)

    def pair(self, pairs: Iterable[Pair]) -> None:
        """Take identifiers that stand for each other; they are found from both sides."""
        with self._telling():
            self._database.executemany(tables.PAIR, self._both_ways(pairs))

    def _both_ways(self, pairs: Iterable[Pair]) -> Iterator[Pair]:
        for id_type, identifier, other_type, other in pairs:
            self.taken += 1
            yield id_type, identifier, other_type, other
            yield other_type, other, id_type, identifier

    def leave_out(self, line: int, reason: str) -> None:
        """Count a line that cannot be used."""
        self.bad_count += 1
        if len(self.bad) < LISTED_LINES:
            self.bad.append(BadRow(line=line, reason=reason))

    @contextmanager
    def own_tables(self) -> Iterator[sqlite3.Connection]:
        """For a source that keeps tables of its own in the same file, so that they go with its rows or not at all.

        Their names begin with the source's; :meth:`add` may be called meanwhile.
        """
        with self._telling():
            yield self._database

    def ambiguous(self, id_type: str, other_type: str) -> int:
        """How many identifiers of one kind stand for several of another."""
        query = (
            "SELECT count(*) FROM (SELECT 1 FROM equivalent WHERE id_type = ? AND other_type = ? "
            "GROUP BY identifier HAVING count(*) > 1)"
        )
        with self._telling():
            return int(self._database.execute(query, (id_type, other_type)).fetchone()[0])

    def publish(
        self, origin: Origin, *, shrink_percent: float = 5.0, force: bool = False, notes: Iterable[str] = ()
    ) -> ImportReport:
        """Finish the tables, ask the guards, put the file in place. Nothing may be added afterwards.

        Unless ``force``, refused are: fewer rows or fewer addresses than the held one by more than ``shrink_percent``,
        whatever version of the program wrote that one; data older than it; anything in the place of one that cannot be
        read. No rows at all are always refused.
        """
        with self._telling():
            held = measure(self._target, force=force)
            report = self._report(origin, held, tuple(notes))
            _guard(report, shrink_percent, force)
            _guard_boxes(report, held, shrink_percent, force)
            report = _guard_date(report, held, force)
            if held is not None:
                report = self._compared(report)
            report = replace(report, seconds=round(time.monotonic() - self._begun, 3))
            tables.write_meta(self._database, _meta(report, origin))
            self._database.close()
            _put_in_place(self._scratch, self._target)
        return report

    def _compared(self, report: ImportReport) -> ImportReport:
        """With what is new and gone, where the held file can be read through; it is replaced all the same."""
        try:
            added, removed = tables.compare(self._database, self._target)
        except sqlite3.Error:
            note = "La copie remplacée était abîmée ou d'une autre version : rien à comparer."
            return replace(report, added=None, removed=None, notes=(*report.notes, note))
        return replace(report, added=added, removed=removed)

    def _report(self, origin: Origin, held: Mapping[str, str] | None, notes: tuple[str, ...]) -> ImportReport:
        duplicates = tables.finish(self._database)
        rows, addresses, pairs = tables.counts(self._database)
        digest = origin.sha256 or _digest(self._database)
        as_of = origin.as_of.astimezone(UTC)
        return ImportReport(
            kind=self._target.stem,
            version=f"{as_of.astimezone(PARIS):%Y-%m-%d %H:%M} {digest[:12]}",
            source=origin.source,
            source_date=as_of,
            sha256=digest,
            imported_at=self._now.astimezone(UTC),
            lines=self.taken + self.bad_count,
            rows=rows,
            addresses=addresses,
            pairs=pairs,
            duplicates=duplicates,
            bad_count=self.bad_count,
            bad=tuple(self.bad),
            previous_rows=int(held["rows"]) + int(held["pairs"]) // 2 if held else None,
            notes=notes,
        )

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, UnicodeEncodeError) as error:  # a lone surrogate is no text
            raise _unwritable(self._target, error) from error


def _digest(database: sqlite3.Connection) -> str:
    """SHA-256 over all rows and pairs."""
    found = hashlib.sha256()
    for table in ("entry", "equivalent"):
        for row in database.execute(f"SELECT * FROM {table}"):  # noqa: S608 - our own names
            found.update(repr(row).encode("utf-8", "surrogatepass"))
    return found.hexdigest()


def _guard(report: ImportReport, shrink: float, force: bool) -> None:
    kept, previous = report.rows + report.pairs // 2, report.previous_rows
    if kept == 0:
        raise DirectoryError(
            f"{report.source} : aucune ligne utilisable ({report.bad_count} ligne(s) refusée(s)).",
            hint="L'annuaire en service est gardé ; reprendre les données à leur source.",
        )
    if previous and not force and kept < previous * (1 - shrink / 100):
        lost = f"{100 * (previous - kept) / previous:.1f} % de moins ({shrink:g} % permis)".replace(".", ",")
        what = "correspondances" if report.pairs else "lignes"
        raise DirectoryError(
            f"{report.source} : {kept} {what} au lieu de {previous}, soit {lost}.",
            hint="Données tronquées ? Les reprendre à leur source ; si elles sont bonnes, relancer avec « --force ».",
        )


def _guard_boxes(report: ImportReport, held: Mapping[str, str] | None, shrink: float, force: bool) -> None:
    """People without their boxes are still rows: an attribute hidden by a server, or a box told in another way."""
    previous = int(held["addresses"]) if held else 0
    if force or report.addresses >= previous * (1 - shrink / 100):
        return
    lost = f"{100 * (previous - report.addresses) / previous:.1f} % de moins ({shrink:g} % permis)".replace(".", ",")
    raise DirectoryError(
        f"{report.source} : {report.addresses} adresses de messagerie au lieu de {previous}, soit {lost}.",
        hint="Données tronquées, ou adresses que le serveur cache ou écrit autrement ? Les reprendre à leur source ; "
        "si elles sont bonnes, relancer avec « --force ».",
    )


def _guard_date(report: ImportReport, held: Mapping[str, str] | None, force: bool) -> ImportReport:
    """Yesterday's file in the place of today's brings back who has left. A held date of the future is a wrong clock's:
    it stands in nobody's way.
    """
    try:
        before = datetime.fromisoformat(held["source_date"]) if held else None
        older = before is not None and report.source_date < before - SAME_TIME
    except (KeyError, ValueError, TypeError):  # of another version, or without a zone
        return report
    if before is None or not older:
        return report
    if force or before > report.imported_at + SAME_TIME:
        note = f"Les données sont plus anciennes que celles qu'elles remplacent ({paris(before):%d/%m/%Y à %H:%M})."
        return replace(report, notes=(*report.notes, note))
    raise DirectoryError(
        f"{report.source} : données du {paris(report.source_date):%d/%m/%Y à %H:%M}, plus anciennes que celles en "
        f"service (du {paris(before):%d/%m/%Y à %H:%M}).",
        hint="L'annuaire en service est gardé. Prendre le fichier le plus récent ; pour revenir en arrière exprès, "
        "relancer avec « --force ».",
    )


def _meta(report: ImportReport, origin: Origin) -> dict[str, str]:
    return {
        **origin.extra,
        "version": report.version,
        "source": report.source,
        "source_date": report.source_date.isoformat(),
        "sha256": report.sha256,
        "imported_at": report.imported_at.isoformat(),
        "lines": str(report.lines),
        "rows": str(report.rows),
        "addresses": str(report.addresses),
        "pairs": str(report.pairs),
        "duplicates": str(report.duplicates),
        "bad": str(report.bad_count),
    }


def _put_in_place(scratch: Path, target: Path) -> None:
    try:
        with scratch.open("rb+") as file:
            os.fsync(file.fileno())
        scratch.chmod(0o640)
        _swap(scratch, target)
        if os.name == "posix":
            folder = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except OSError as error:
        raise _unwritable(target, error) from error


def _swap(scratch: Path, target: Path) -> None:
    for attempt in range(50):
        try:
            scratch.replace(target)
            return
        except PermissionError as error:  # Windows, while another process has a question open
            if attempt == 49:
                raise DirectoryError(
                    f"{target.name} est tenu ouvert par un autre programme.", hint="Recommencer."
                ) from error
            time.sleep(0.1)


def _unwritable(target: Path, error: Exception) -> DirectoryError:
    return DirectoryError(
        f"L'annuaire {target.name} n'a pas pu être écrit ({tables.in_words(error)}).",
        hint=f"Vérifier la place libre et les droits du dossier {target.parent} ; l'annuaire en service est gardé.",
    )
