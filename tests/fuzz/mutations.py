"""Files that look real and are not: samples cut, doubled, mixed, re-encoded. Always the same for a seed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence

from dispatcher.resources import sample

FOLDERS = ("hl7", "hprim_sante", "hprim_medecins", "cda", "pdf", "dialects")
"""Under ``samples/``; one that is not there has no files."""
MAX_BYTES = 60_000
"""Larger samples are cut: a fuzz run is about shapes, not about base64."""
_TOKENS = (
    b"|", b"^", b"~", b"\\", b"&", b"#", b"\r", b"\n", b"\r\n", b"\x0b", b"\x1c", b'""', b"\\.br\\", b"\\X0D\\",
    b"\\E\\", b"A|", b"L|1", b"C|1|L|", b"****LAB****\r\n", b"****FIN****\r\n", b"****FINFICHIER****", b"RES|",
    b"TEX|", b"MSH|", b"PID|1||", b"OBX|1|NM|", b"OBR|1", b"PRT|", b"TXA|", b"<", b"</", b"/>", b"<!DOCTYPE x>",
    b"&amp;", b"&x;", b"<?x ?>", b"<!--", b"]]>", b"\x00", b"\xff", b"\xe9", b"\xc3\xa9", b"\xef\xbb\xbf",
    b"\xe2\x80\xaf", b"00000000", b"30/02/1961", b"20261301", b"-", b"1e400", b"9" * 30, b"10E5", b"<= ,5", b"nan",
    b"%PDF-", b"xsi:type=", b"nullFlavor=", b"PK\x03\x04",
)  # fmt: skip
_CUTS = re.compile(rb"\r\n|[\r\n|^~&<>\";,]")
_CHARSETS = ("utf-8", "cp1252", "iso8859-15", "utf-16", "mac-roman", "cp850")

Mutation = Callable[[bytes, random.Random, Sequence[bytes]], bytes]


def originals() -> list[bytes]:
    """Every input file of ``samples/`` that some reader may meet."""
    found = []
    for folder in FOLDERS:
        place = sample(folder)
        if place.is_dir():
            files = sorted((item for item in place.iterdir() if item.is_file()), key=lambda item: item.name)
            found += [item.read_bytes()[:MAX_BYTES] for item in files]
    return found


def mutants(count: int, seed: int) -> Iterator[bytes]:
    """``count`` files, each one sample after one to five mutations."""
    rng = random.Random(seed)
    pool = originals()
    for _ in range(count):
        data = rng.choice(pool)
        for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5))):
            data = rng.choice(MUTATIONS)(data, rng, pool)
        yield data


def _span(data: bytes, rng: random.Random, longest: int = 200) -> tuple[int, int]:
    start = rng.randrange(len(data) + 1)
    return start, min(len(data), start + rng.randint(1, longest))


def _byte(data: bytes, rng: random.Random, pool: Sequence[bytes]) -> bytes:
    place, _ = _span(data, rng)
    return data[:place] + bytes([rng.randrange(256)]) + data[place + 1 :]


def _lose(data: bytes, rng: random.Random, pool: Sequence[bytes]) -> bytes:
    start, end = _span(data, rng)
    return data[:start] + data[end:]


def _double(data: bytes, rng: random.Random, pool: Sequence[bytes]) -> bytes:
    start, end = _span(data, rng)
    return data[:end] + data[start:end] + data[end:]


def _truncate(data: bytes, rng: random.Random, pool: Sequence[bytes]) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _insert(data: bytes, rng: random.Random, pool: Sequence[bytes]) -> bytes:
    place, _ = _span(data, rng)
    return data[:place] + rng.choice(_TOKENS) * rng.choice((1, 1, 1, 3, 40)) + data[place:]


def _foreign(data: bytes, rng: random.Random, pool: Sequence[bytes]) -> bytes:
    """A piece of another sample."""
    other = rng.choice(pool)
    start, end = _span(other, rng, 400)
    place, _ = _span(data, rng)
    return data[:place] + other[start:end] + data[place:]


def _field(data: bytes, rng: random.Random, pool: Sequence[bytes]) -> bytes:
    """The text between two separators replaced by another such text, by a token, or by nothing."""
    cuts = [match.end() for match in _CUTS.finditer(data)]
    if len(cuts) < 3:
        return data
    here, there = rng.randrange(len(cuts) - 1), rng.randrange(len(cuts) - 1)
    other = data[cuts[there] : max(cuts[there], cuts[there + 1] - 1)]
    new = rng.choice((b"", other, other, rng.choice(_TOKENS)))
    return data[: cuts[here]] + new + data[max(cuts[here], cuts[here + 1] - 1) :]


def _lines(data: bytes, rng: random.Random, pool: Sequence[bytes]) -> bytes:
    """Lines moved, lost or doubled."""
    lines = re.split(rb"(?<=[\r\n])(?!\n)", data)
    for _ in range(rng.randint(1, 3)):
        line = lines.pop(rng.randrange(len(lines)))
        for _ in range(rng.randrange(3)):
            lines.insert(rng.randrange(len(lines) + 1), line)
        if not lines:
            break
    return b"".join(lines)


def _line_ends(data: bytes, rng: random.Random, pool: Sequence[bytes]) -> bytes:
    return re.sub(rb"\r\n|\r|\n", rng.choice((b"\r", b"\n", b"\r\n", b"\r\r\n", b" \n", b"\n\n")), data)


def _recode(data: bytes, rng: random.Random, pool: Sequence[bytes]) -> bytes:
    return data.decode("cp1252", "replace").encode(rng.choice(_CHARSETS), "replace")


MUTATIONS: tuple[Mutation, ...] = (
    _byte, _lose, _double, _truncate, _insert, _insert, _foreign, _field, _field, _field, _lines, _line_ends, _recode,
)  # fmt: skip
