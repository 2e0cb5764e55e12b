"""Import of ``Extraction_Correspondance_MSSante`` (Annuaire Santé) into a searchable snapshot (one SQLite file).

In: the ZIP or the text file as published. Out: a **new** file beside the one in service, put in its place in one step
only when everything about it is plausible, and an :class:`ImportReport`. What is refused leaves the held one untouched.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import IO, cast

from dispatcher.clock import PARIS
from dispatcher.directory.bulk.columns import read_header
from dispatcher.directory.bulk.extraction_rows import FIELDS, BadLine, Row, RowReader
from dispatcher.directory.snapshots import tables
from dispatcher.errors import DirectoryError

MAX_TEXT_BYTES = 2_000_000_000
"""The real file is 90 MB (2026-08); beyond this it is a fault or an attack."""
MAX_LINE_BYTES = 65_536
LISTED_LINES = 100
"""How many bad lines are listed one by one; all are counted."""
CHUNK = 5_000
_STAMP = re.compile(r"(?<!\d)(20\d{2})(\d{2})(\d{2})(?:(\d{2})(\d{2}))?(?!\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A line left out: 1-based number in the text file, and why (French)."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did."""

    version: str
    """Date of the source and digest: what every entry and decision is stamped with."""
    source: str
    """Name of the file (inside the ZIP when there is one)."""
    source_date: datetime
    """From the file name (AAAAMMJJhhmm, Paris), else when the file was last written. Aware UTC."""
    sha256: str
    imported_at: datetime
    lines: int
    """Data lines read, header and empty lines left out."""
    rows: int
    """Mailbox rows kept."""
    addresses: int
    """Distinct mail addresses."""
    duplicates: int
    """Rows left out because address, identifier and structure were already there."""
    bad_count: int
    bad: tuple[BadRow, ...] = ()
    """The first ones, at most :data:`LISTED_LINES`."""
    previous_rows: int | None = None
    """Rows of the snapshot replaced, or ``None`` when there was none."""
    notes: tuple[str, ...] = ()
    """French remarks that did not stop the import."""
    seconds: float = 0.0


def import_extraction(
    source: Path,
    target: Path,
    *,
    now: datetime,
    shrink_percent: float = 5.0,
    force: bool = False,
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Read ``source`` and replace the snapshot at ``target``.

    ``shrink_percent``: a file with fewer rows than the held one by more than this is refused unless ``force``.
    ``progress`` is told the number of lines read, now and then. Raises :class:`DirectoryError`; ``target`` is then as
    it was.
    """
    begun = time.monotonic()
    try:
        held = tables.read_meta(target)
        digest = _sha256(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        with _scratch(target) as scratch:
            with _open_text(source) as (stream, name), closing(sqlite3.connect(scratch)) as database:
                load = _Load(database, progress)
                load.read(stream)
                report = _report(load, name, digest, _source_date(source, name), now, held)
                _guard(report, shrink_percent, force)
                _write_meta(database, report)
            _put_in_place(scratch, target)
    except sqlite3.Error as error:
        raise DirectoryError(
            f"L'annuaire n'a pas pu être écrit ({error}).",
            hint=f"Vérifier la place libre et les droits du dossier {target.parent} ; l'annuaire en service est gardé.",
        ) from error
    except OSError as error:
        raise DirectoryError(
            f"{error.filename or source} : {error.strerror or type(error).__name__}.",
            hint="Vérifier le chemin, les droits et la place libre ; l'annuaire en service est gardé.",
        ) from error
    return replace(report, seconds=round(time.monotonic() - begun, 3))


def _report(
    load: _Load, name: str, digest: str, dated: datetime, now: datetime, held: dict[str, str] | None
) -> ImportReport:
    """Close the tables and count what is in them."""
    duplicates = tables.finish(load.database)
    rows, addresses = tables.counts(load.database)
    previous = (held or {}).get("rows", "")
    return ImportReport(
        version=f"{dated.astimezone(PARIS):%Y-%m-%d %H:%M} {digest[:12]}",
        source=name,
        source_date=dated,
        sha256=digest,
        imported_at=now.astimezone(UTC),
        lines=load.lines,
        rows=rows,
        addresses=addresses,
        duplicates=duplicates,
        bad_count=load.bad_count,
        bad=tuple(load.bad),
        previous_rows=int(previous) if previous.isdigit() else None,
        notes=_notes(load.reader, held, dated),
    )


class _Load:
    """Streams lines into the table, in chunks."""

    def __init__(self, database: sqlite3.Connection, progress: Callable[[int], None] | None) -> None:
        self.database = database
        self.progress = progress
        self.lines = 0
        self.bad_count = 0
        self.bad: list[BadRow] = []
        self.reader: RowReader | None = None

    def read(self, stream: IO[bytes]) -> None:
        tables.create(self.database)
        first = stream.readline(MAX_LINE_BYTES)
        if first[:2] in {b"\xff\xfe", b"\xfe\xff"}:
            raise DirectoryError(
                "Ligne 1 : le fichier est en UTF-16.", hint="Attendu : le fichier d'origine, en UTF-8."
            )
        if not first.strip():
            raise DirectoryError("Ligne 1 : en-tête vide.", hint="Télécharger de nouveau l'extraction.")
        plain = first.removeprefix(b"\xef\xbb\xbf")
        self.reader = RowReader(read_header(_header_text(plain)))
        insert = f"INSERT INTO box ({', '.join(FIELDS)}) VALUES ({', '.join('?' * len(FIELDS))})"  # noqa: S608
        for chunk in self._chunks(stream, self.reader):
            self.database.executemany(insert, chunk)
            if self.progress:
                self.progress(self.lines)

    def _chunks(self, stream: IO[bytes], reader: RowReader) -> Iterator[list[Row]]:
        chunk: list[Row] = []
        for number, line in enumerate(_bounded(stream), start=2):
            try:
                row = reader.row(number, line)
            except BadLine as error:
                self.lines += 1
                self.bad_count += 1
                if len(self.bad) < LISTED_LINES:
                    self.bad.append(BadRow(line=number, reason=str(error)))
                continue
            if row is None:
                continue
            self.lines += 1
            chunk.append(row)
            if len(chunk) >= CHUNK:
                yield chunk
                chunk = []
        yield chunk


def _header_text(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace")


def _bounded(stream: IO[bytes]) -> Iterator[bytes]:
    """Lines, as long as the whole stays within reason."""
    total = 0
    while line := stream.readline(MAX_LINE_BYTES):
        total += len(line)
        if total > MAX_TEXT_BYTES:
            raise DirectoryError(
                f"Le texte dépasse {MAX_TEXT_BYTES // 1_000_000} Mo.", hint="Ce n'est pas l'extraction attendue."
            )
        yield line


@contextmanager
def _open_text(source: Path) -> Iterator[tuple[IO[bytes], str]]:
    """The text of the extraction and its name, out of the ZIP when ``source`` is one."""
    try:
        with source.open("rb") as file:
            if file.read(4) != b"PK\x03\x04":
                file.seek(0)
                yield file, source.name
                return
        with zipfile.ZipFile(source) as archive:
            member = _member(archive)
            with archive.open(member) as inner:
                yield BufferedReader(cast(RawIOBase, inner), 1 << 20), Path(member.filename).name
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
        raise DirectoryError(
            f"{source.name} : archive ZIP abîmée ({type(error).__name__}).", hint="Télécharger de nouveau le fichier."
        ) from error


def _member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    texts = [
        member
        for member in archive.infolist()
        if member.filename.lower().endswith((".txt", ".csv"))
        and "__MACOSX" not in member.filename
        and not Path(member.filename).name.startswith(".")
    ]
    ours = [member for member in texts if "correspondance" in member.filename.lower()] or texts
    if len(ours) != 1:
        names = ", ".join(Path(member.filename).name for member in texts[:5]) or "aucun fichier texte"
        raise DirectoryError(
            f"L'archive ne contient pas un seul fichier d'extraction (trouvé : {names}).",
            hint="Attendu : Extraction_Correspondance_MSSante_<date>.txt, seul dans son archive.",
        )
    if ours[0].flag_bits & 0x1:
        raise DirectoryError("L'archive est protégée par un mot de passe.", hint="Donner le fichier texte lui-même.")
    return ours[0]


def _guard(report: ImportReport, shrink: float, force: bool) -> None:
    rows, previous = report.rows, report.previous_rows
    if rows == 0:
        raise DirectoryError(
            f"{report.source} : aucune ligne utilisable ({report.bad_count} ligne(s) refusée(s)).",
            hint="L'annuaire en service est gardé ; télécharger de nouveau l'extraction.",
        )
    if previous and not force and rows < previous * (1 - shrink / 100):
        lost = 100 * (previous - rows) / previous
        raise DirectoryError(
            f"{report.source} : {rows} boîtes au lieu de {previous}, soit {lost:.1f} % de moins ({shrink:g} % permis).",
            hint="Fichier tronqué ? Le télécharger de nouveau ; s'il est bon, relancer en forçant l'import.",
        )


def _notes(reader: RowReader | None, held: dict[str, str] | None, dated: datetime) -> tuple[str, ...]:
    found = []
    if reader and reader.not_utf8:
        found.append(f"{reader.not_utf8} ligne(s) hors UTF-8, lue(s) comme Windows-1252.")
    if reader and reader.odd_paperless:
        found.append(f"{reader.odd_paperless} valeur(s) inconnue(s) de « Dématérialisation », tenue(s) pour vides.")
    if held and held.get("source_date", "") > dated.isoformat():
        found.append("L'extraction importée est plus ancienne que celle qu'elle remplace.")
    return tuple(found)


def _source_date(source: Path, name: str) -> datetime:
    for text in (name, source.name):
        for match in _STAMP.finditer(text):
            year, month, day, hour, minute = (int(part or 0) for part in match.groups())
            try:
                return datetime(year, month, day, hour, minute, tzinfo=PARIS).astimezone(UTC)
            except ValueError:
                continue
    return datetime.fromtimestamp(source.stat().st_mtime, UTC).replace(microsecond=0)


def _sha256(source: Path) -> str:
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_meta(database: sqlite3.Connection, report: ImportReport) -> None:
    tables.write_meta(
        database,
        {
            "version": report.version,
            "source": report.source,
            "source_date": report.source_date.isoformat(),
            "sha256": report.sha256,
            "imported_at": report.imported_at.isoformat(),
            "lines": str(report.lines),
            "rows": str(report.rows),
            "addresses": str(report.addresses),
            "duplicates": str(report.duplicates),
            "bad": str(report.bad_count),
        },
    )


@contextmanager
def _scratch(target: Path) -> Iterator[Path]:
    """A private file beside ``target`` (same file system, so that it can be renamed), removed when unused."""
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".importing", dir=target.parent)
    os.close(handle)
    path = Path(name)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _put_in_place(scratch: Path, target: Path) -> None:
    with scratch.open("rb+") as file:
        os.fsync(file.fileno())
    scratch.chmod(0o640)
    for attempt in range(50):
        try:
            scratch.replace(target)
            break
        except PermissionError as error:  # Windows, while another process has a question open
            if attempt == 49:
                raise DirectoryError(
                    f"{target.name} est tenu ouvert par un autre programme.", hint="Relancer l'import."
                ) from error
            time.sleep(0.1)
    if os.name == "posix":
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
