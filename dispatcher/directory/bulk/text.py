"""The text of a national file: a plain file or the right member of a ZIP, as numbered lines of bounded length."""

from __future__ import annotations

import hashlib
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import IO, cast

from dispatcher.clock import PARIS, paris
from dispatcher.directory.bulk.columns import Header
from dispatcher.errors import DirectoryError

MAX_TEXT_BYTES = 4_000_000_000
"""The largest real file is below 1 GB (2026-08); beyond this it is a fault or an attack."""
MAX_LINE_BYTES = 65_536
AHEAD = timedelta(days=1)
"""A file dated further ahead than this is misdated."""
_STAMP = re.compile(r"(?<!\d)(20\d{2})-?(\d{2})-?(\d{2})(?:-?(\d{2})(\d{2}))?(?!\d)")
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, EOFError)
_FOREIGN = {b"%PDF": "un PDF", b"\x1f\x8b": "une archive gzip", b"Rar!": "une archive RAR", b"7z\xbc": "une archive 7z"}
_AGAIN = "Télécharger de nouveau le fichier ; l'annuaire en service est gardé."


@contextmanager
def open_text(source: Path, members: Callable[[str], bool]) -> Iterator[tuple[IO[bytes], str]]:
    """The text of ``source`` and its name; out of the ZIP when it is one, the one whose name ``members`` accepts.

    Raises :class:`DirectoryError`: a damaged or empty archive (also while reading), none or several texts that fit, a
    PDF or another archive.
    """
    with source.open("rb") as file:
        begin = file.read(4)
        if begin != b"PK\x03\x04":
            _told_apart(source, begin)
            file.seek(0)
            yield file, source.name
            return
    with ExitStack() as closing:
        try:
            archive = closing.enter_context(zipfile.ZipFile(source))
            member = _member(archive, members)
            inner = closing.enter_context(archive.open(member))
        except (*_DAMAGED, RuntimeError, ValueError, UnicodeError) as error:
            raise _damaged(source) from error
        try:
            yield BufferedReader(cast(RawIOBase, inner), 1 << 20), Path(member.filename).name
        except _DAMAGED as error:
            raise _damaged(source) from error


def _damaged(source: Path) -> DirectoryError:
    return DirectoryError(f"{source.name} : archive ZIP abîmée ou incomplète.", hint=_AGAIN)


def _told_apart(source: Path, begin: bytes) -> None:
    """What is plainly no text is named for what it is. Raises :class:`DirectoryError`."""
    if begin == b"PK\x05\x06":
        raise DirectoryError(f"{source.name} : l'archive ZIP est vide.", hint=_AGAIN)
    what = next((name for first, name in _FOREIGN.items() if begin.startswith(first)), "")
    if what or (begin and source.suffix.lower() == ".zip"):
        text = f"c'est {what}, pas un annuaire" if what else "ce n'est pas une archive ZIP, malgré son nom"
        raise DirectoryError(f"{source.name} : {text}.", hint=_AGAIN)


def _member(archive: zipfile.ZipFile, wanted: Callable[[str], bool]) -> zipfile.ZipInfo:
    texts = [
        member
        for member in archive.infolist()
        if member.filename.lower().endswith((".txt", ".csv"))
        and "__MACOSX" not in member.filename
        and not Path(member.filename).name.startswith(".")
    ]
    ours = [member for member in texts if wanted(Path(member.filename).name.lower())] or texts
    if len(ours) != 1:
        names = ", ".join(Path(member.filename).name for member in texts[:5]) or "aucun fichier texte"
        raise DirectoryError(
            f"L'archive ne contient pas un seul fichier d'annuaire (trouvé : {names}).",
            hint="Extraire le bon fichier et le donner lui-même.",
        )
    if ours[0].flag_bits & 0x1:
        raise DirectoryError("L'archive est protégée par un mot de passe.", hint="Donner le fichier texte lui-même.")
    return ours[0]


def header_of(stream: IO[bytes]) -> Header:
    """The first line. Raises :class:`DirectoryError`: empty, or UTF-16."""
    first = stream.readline(MAX_LINE_BYTES)
    if first[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise DirectoryError("Ligne 1 : le fichier est en UTF-16.", hint="Attendu : le fichier d'origine, en UTF-8.")
    plain = first.removeprefix(b"\xef\xbb\xbf")
    if not plain.strip():
        raise DirectoryError("Ligne 1 : en-tête vide.", hint=_AGAIN)
    try:
        return Header.of(plain.decode("utf-8"))
    except UnicodeDecodeError:
        return Header.of(plain.decode("cp1252", errors="replace"))


def numbered(stream: IO[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """Lines after the header with their 1-based numbers; ``None`` for one too long to be any, read past.

    Raises :class:`DirectoryError` when the whole goes beyond reason.
    """
    total = 0
    read = partial(stream.readline, MAX_LINE_BYTES)
    for number, line in enumerate(iter(read, b""), start=2):
        total += len(line)
        if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            while total <= MAX_TEXT_BYTES and (rest := read()) and not rest.endswith(b"\n"):
                total += len(rest)
            yield number, None
        else:
            yield number, line
        if total > MAX_TEXT_BYTES:
            raise DirectoryError(
                f"Le texte dépasse {MAX_TEXT_BYTES // 1_000_000_000} Go.", hint="Ce n'est pas le fichier attendu."
            )


def cut_off(why: str) -> DirectoryError:
    """What to say of a text whose last line has no end and cannot be used (``why``, French): the rest is missing."""
    return DirectoryError(
        f"Le fichier est coupé : sa dernière ligne n'a pas de fin et n'est pas complète ({why}).",
        hint=f"Même avec « --force », un fichier coupé n'est pas pris. {_AGAIN}",
    )


def ends_whole(last: bytes, before: bytes, separator: bytes) -> None:
    """The last line of a text may lack its line break, nothing else that the line ``before`` has.

    Raises :class:`DirectoryError` when separators or half a line break are missing: the text was cut there.
    """
    if last.endswith(b"\n"):
        return
    found, usual = last.count(separator), before.count(separator)
    if found < usual:
        raise cut_off(f"{found} séparateurs, {usual} à la ligne d'avant")
    if last.endswith(b"\r") and before.endswith(b"\r\n"):
        raise cut_off("fin de ligne coupée en deux")


def dated(source: Path, name: str, header: Header, now: datetime, held: datetime | None = None) -> datetime:
    """The day the data stands for, aware UTC: from the names of text and archive (AAAAMMJJhhmm, Paris), else from the
    first line (FINESS), else ``held`` (what the same bytes were dated before: fetching them again does not make them
    younger), else when the file was last written. Never a day to come: it would hide that data grows old.
    """
    for found in _stamps(source, name, header):
        if found <= now + AHEAD:
            return found
    if held is not None and held <= now:
        return held
    return min(datetime.fromtimestamp(source.stat().st_mtime, UTC).replace(microsecond=0), now.astimezone(UTC))


def _stamps(source: Path, name: str, header: Header) -> Iterator[datetime]:
    for text in (name, source.name, header.line if len(header.names) <= 6 else ""):
        for match in _STAMP.finditer(text):
            year, month, day, hour, minute = (int(part or 0) for part in match.groups())
            with suppress(ValueError):
                yield datetime(year, month, day, hour, minute, tzinfo=PARIS).astimezone(UTC)


def dates_to_come(source: Path, name: str, header: Header, now: datetime) -> list[str]:
    """A remark on a day to come that the file gives itself, which is not believed."""
    found = [stamp for stamp in _stamps(source, name, header) if stamp > now + AHEAD]
    return [f"Date à venir dans le fichier ({paris(found[0]):%d/%m/%Y}) : elle n'est pas retenue."] if found else []


def sha256(source: Path) -> str:
    """Digest of the file as given."""
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
