"""Import of a national file into its snapshot: recognised by its header, read line by line, published in one step.

In: the ZIP or the text as published. What is refused leaves the held snapshot untouched. What each kind holds:
:mod:`dispatcher.directory.bulk.mssante`, ``people``, ``structures``, ``adeli``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import IO, cast

from dispatcher.directory.bulk.adeli import Adeli
from dispatcher.directory.bulk.columns import Header
from dispatcher.directory.bulk.kinds import BadLine, Kind, Reader
from dispatcher.directory.bulk.mssante import Mssante
from dispatcher.directory.bulk.people import People
from dispatcher.directory.bulk.structures import Structures
from dispatcher.directory.bulk.text import (
    cut_off,
    dated,
    dates_to_come,
    ends_whole,
    header_of,
    numbered,
    open_text,
    sha256,
)
from dispatcher.directory.snapshots import tables
from dispatcher.directory.snapshots.tables import Pair, Row
from dispatcher.directory.snapshots.writing import ImportReport, Origin, Writer, writing
from dispatcher.errors import DirectoryError, in_french

KINDS: tuple[Kind, ...] = (Mssante(), People(), Structures(), Adeli())
PROGRESS = 10_000
"""Lines between two calls of ``progress``."""
Told = Callable[[int], None]


def import_file(
    source: Path,
    folder: Path,
    *,
    now: datetime,
    kind: str | None = None,
    shrink_percent: float = 5.0,
    force: bool = False,
    progress: Told | None = None,
    alone: Callable[[Path, str], AbstractContextManager[object]] = lambda target, title: nullcontext(),
) -> ImportReport:
    """Read ``source`` and replace the snapshot of its kind in ``folder``; the report's ``kind`` says which.

    ``kind``: the name of a kind the file is taken for, whatever its header looks like. ``shrink_percent``: a file with
    fewer rows than the held one by more than this is refused unless ``force``; one cut within a line always.
    ``progress`` is told the number of lines read, now and then; what it raises stops the import.
    ``alone``: holds the lock of the snapshot, by file and title, where the caller does not hold it already. Raises
    :class:`DirectoryError`; what is held is then as it was.
    """
    wanted = tuple(one for one in KINDS if kind is None or one.name == kind)
    try:
        digest = sha256(source)
        with open_text(source, lambda name: any(one.member in name for one in wanted)) as (stream, name):
            header = header_of(stream)
            chosen = wanted[0] if kind else recognised(header, name)
            reader = chosen.reader(header)
            target = folder / f"{chosen.name}.sqlite3"
            with alone(target, f"Fichier « {chosen.title} »"), writing(target, now=now) as snapshot:
                _load(chosen, _rows(stream, reader, header, snapshot, progress), snapshot)
                as_of = dated(source, name, header, now, _held_date(target, digest))
                origin = Origin(source=name, as_of=as_of, sha256=digest)
                notes = [*reader.notes(), *_ambiguous(chosen, snapshot), *dates_to_come(source, name, header, now)]
                return snapshot.publish(origin, shrink_percent=shrink_percent, force=force, notes=notes)
    except OSError as error:
        raise DirectoryError(
            f"{error.filename or source} : {in_french(error)}.",
            hint="Vérifier le chemin, les droits et la place libre ; l'annuaire en service est gardé.",
        ) from error


def _held_date(target: Path, digest: str) -> datetime | None:
    """What the held snapshot is dated, when it was made of the very same file."""
    meta = tables.read_meta(target) or {}
    try:
        return datetime.fromisoformat(meta["source_date"]) if meta.get("sha256") == digest else None
    except (KeyError, ValueError):
        return None


def recognised(header: Header, name: str) -> Kind:
    """The kind of a file by its header. Raises :class:`DirectoryError` when it is none, or could be two."""
    fitting = [kind for kind in KINDS if kind.recognises(header)]
    if len(fitting) == 1:
        return fitting[0]
    known = ", ".join(f"« {kind.title} »" for kind in fitting or KINDS)
    if fitting:
        text = f"{name} : l'en-tête va avec plusieurs fichiers ({known})."
    elif len(header.names) < 2:
        text = f"{name} : la première ligne n'est l'en-tête d'aucun annuaire (aucun séparateur reconnu)."
    else:
        text = f"{name} : la première ligne ({len(header.names)} colonnes) n'est l'en-tête d'aucun annuaire connu."
    raise DirectoryError(
        text,
        hint=f"Fichiers compris : {known}, zippés ou non ; sinon « --kind ». L'annuaire en service est gardé.",
    )


def _load(kind: Kind, rows: Iterator[Row | Pair], snapshot: Writer) -> None:
    if kind.pairs:
        snapshot.pair(cast(Iterator[Pair], rows))
    else:
        snapshot.add(rows)


def _rows(
    stream: IO[bytes], reader: Reader, header: Header, snapshot: Writer, progress: Told | None
) -> Iterator[Row | Pair]:
    last = before = b""  # of the lines that could be used
    for number, line in numbered(stream):
        if progress and number % PROGRESS == 0:
            progress(number)
        try:
            if line is None:
                raise BadLine("ligne trop longue")
            row = reader.row(line)
        except BadLine as error:
            if line is not None and not line.endswith(b"\n"):
                raise cut_off(str(error)) from error
            snapshot.leave_out(number, str(error))
            continue
        if row is not None:
            last, before = line, last
            yield row
    if not header.quoted:  # separators inside quotes tell nothing; a quote left open was seen
        ends_whole(last, before, header.separator.encode())


def _ambiguous(kind: Kind, snapshot: Writer) -> list[str]:
    count = snapshot.ambiguous("ADELI", "RPPS") if kind.pairs else 0
    return [f"{count} numéro(s) ADELI mènent à plusieurs RPPS : ils ne désignent personne."] if count else []
