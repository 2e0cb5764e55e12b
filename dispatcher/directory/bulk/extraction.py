"""Import of ``Extraction_Correspondance_MSSante`` (Annuaire Santé) into a searchable snapshot.

In: the ZIP or the text file as published. Out: a snapshot (:mod:`dispatcher.directory.snapshots.writing`) and what was
done. What is refused leaves the held one untouched.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import IO, cast

from dispatcher.clock import PARIS
from dispatcher.directory.bulk.columns import read_header
from dispatcher.directory.bulk.extraction_rows import BadLine, RowReader
from dispatcher.directory.snapshots.tables import Row
from dispatcher.directory.snapshots.writing import ImportReport, Origin, Writer, writing
from dispatcher.errors import DirectoryError

MAX_TEXT_BYTES = 2_000_000_000
"""The real file is 90 MB (2026-08); beyond this it is a fault or an attack."""
MAX_LINE_BYTES = 65_536
PROGRESS = 10_000
_STAMP = re.compile(r"(?<!\d)(20\d{2})(\d{2})(\d{2})(?:(\d{2})(\d{2}))?(?!\d)")


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
    try:
        digest = _sha256(source)
        with writing(target, now=now) as snapshot, _open_text(source) as (stream, name):
            reader = _header(stream)
            snapshot.add(_rows(stream, reader, snapshot, progress))
            origin = Origin(source=name, as_of=_source_date(source, name), sha256=digest)
            return snapshot.publish(origin, shrink_percent=shrink_percent, force=force, notes=_notes(reader))
    except OSError as error:
        raise DirectoryError(
            f"{error.filename or source} : {error.strerror or type(error).__name__}.",
            hint="Vérifier le chemin, les droits et la place libre ; l'annuaire en service est gardé.",
        ) from error


def _header(stream: IO[bytes]) -> RowReader:
    first = stream.readline(MAX_LINE_BYTES)
    if first[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise DirectoryError("Ligne 1 : le fichier est en UTF-16.", hint="Attendu : le fichier d'origine, en UTF-8.")
    if not first.strip():
        raise DirectoryError("Ligne 1 : en-tête vide.", hint="Télécharger de nouveau l'extraction.")
    return RowReader(read_header(_header_text(first.removeprefix(b"\xef\xbb\xbf"))))


def _rows(
    stream: IO[bytes], reader: RowReader, snapshot: Writer, progress: Callable[[int], None] | None
) -> Iterator[Row]:
    for number, line in enumerate(_bounded(stream), start=2):
        if progress and number % PROGRESS == 0:
            progress(number)
        try:
            row = reader.row(number, line)
        except BadLine as error:
            snapshot.leave_out(number, str(error))
            continue
        if row is not None:
            yield row


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


def _notes(reader: RowReader) -> list[str]:
    found = []
    if reader.not_utf8:
        found.append(f"{reader.not_utf8} ligne(s) hors UTF-8, lue(s) comme Windows-1252.")
    if reader.odd_paperless:
        found.append(f"{reader.odd_paperless} valeur(s) inconnue(s) de « Dématérialisation », tenue(s) pour vides.")
    return found


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
