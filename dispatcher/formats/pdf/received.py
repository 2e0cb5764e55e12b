"""PDF documents that come from the laboratory: passed on byte for byte, looked at first.

Bytes in, facts and :class:`Problem` values out; the document is never changed (it may be signed). No PDF library: what
is asked is small (does it open without a password, how many pages, does it claim PDF/A), and must not cost a
dependency. References: ISO 32000-1 §7.5 (file structure), §7.6.3 (standard security handler, revisions 2 to 4).
"""

from __future__ import annotations

import hashlib
import re
import zlib
from dataclasses import dataclass

from dispatcher.report.model import Problem, Severity

UNPACKED = 32_000_000
"""Most bytes unpacked from compressed objects: a bomb stops here."""
_STREAM = re.compile(rb"stream\r?\n")
_PADDING = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfFacts:
    """What could be seen without opening the document."""

    version: str = ""
    """``1.4``; empty when it does not start like a PDF."""
    whole: bool = False
    """It ends as it should."""
    pages: int | None = None
    """None when it cannot be told (encrypted page tree)."""
    encrypted: bool = False
    password: bool | None = None
    """Whether a password is needed to open it; None when that cannot be told (revisions 5 and 6)."""
    claim: str = ""
    """``PDF/A-1b``, as its metadata say; empty when they say nothing."""
    active: bool = False
    """It holds scripts or launches programs."""


def inspect(data: bytes) -> PdfFacts:
    """The facts about a received PDF. Never raises."""
    head = re.search(rb"%PDF-(\d\.\d)", data[:1024])
    if not head:
        return PdfFacts()
    text = data + _unpacked(data)
    encrypted = bool(re.search(rb"/Encrypt\s+\d+\s+\d+\s+R|/Encrypt\s*<<", text))
    return PdfFacts(
        version=head[1].decode(),
        whole=b"%%EOF" in data[-2048:] and b"startxref" in data[-4096:],
        pages=_pages(text),
        encrypted=encrypted,
        password=_needs_password(data) if encrypted else False,
        claim=_claim(text),
        active=bool(re.search(rb"/JavaScript\b|/Launch\b|/JS\s*[(<]|/JS\s+\d+\s+\d+\s+R", text)),
    )


def check(data: bytes, where: str = "") -> tuple[Problem, ...]:
    """What a person should know of a received PDF; an error means that the reader could not open it."""
    facts = inspect(data)

    def problem(code: str, severity: Severity, message: str) -> Problem:
        return Problem(code=code, severity=severity, where=where, message=message)

    if not facts.version:
        return (
            problem("pdf-unreadable", Severity.ERROR, "Document annoncé PDF mais sans en-tête %PDF : le réexporter."),
        )
    found = []
    if not facts.whole:
        found.append(problem("pdf-truncated", Severity.ERROR, "PDF incomplet (fin %%EOF absente) : le réexporter."))
    if facts.password:
        message = "PDF protégé par un mot de passe : le destinataire ne pourrait pas l'ouvrir."
        found.append(problem("pdf-password", Severity.ERROR, message))
    elif facts.encrypted:
        message = "PDF aux droits restreints : transmis tel quel, ce qu'une archive PDF/A n'admet pas."
        if facts.password is None:
            message = "PDF chiffré, peut-être protégé par un mot de passe : l'ouvrir pour s'en assurer."
        found.append(problem("pdf-encrypted", Severity.WARNING, message))
    if facts.pages == 0:
        found.append(problem("pdf-no-page", Severity.ERROR, "PDF sans aucune page : le réexporter."))
    if facts.active:
        message = "PDF contenant un script ou une action : des messageries le refusent."
        found.append(problem("pdf-active", Severity.WARNING, message))
    if not facts.claim:
        message = "PDF qui ne se déclare pas PDF/A : transmis tel quel ; régler le SIL pour exporter en PDF/A-1."
        found.append(problem("pdf-not-pdfa", Severity.WARNING, message))
    return tuple(found)


def _unpacked(data: bytes) -> bytes:
    """Compressed object streams in clear: since PDF 1.5 the page tree may stand there."""
    parts: list[bytes] = []
    left = UNPACKED
    for match in re.finditer(rb"/Type\s*/ObjStm\b", data):
        start = _STREAM.search(data, match.end(), match.end() + 2000)
        if start is None or left <= 0:
            continue
        try:
            clear = zlib.decompressobj().decompress(data[start.end() :], left)
        except zlib.error:
            continue
        left -= len(clear)
        parts.append(clear)
    return b"\n" + b"\n".join(parts)


def _pages(text: bytes) -> int | None:
    """The largest count of a page tree, else the pages themselves."""
    counts = [_nearest_count(text, match.start()) for match in re.finditer(rb"/Type\s*/Pages\b", text)]
    known = [count for count in counts if count is not None]
    if known:
        return max(known)
    singles = len(re.findall(rb"/Type\s*/Page\b", text))
    return singles or None


def _nearest_count(text: bytes, at: int) -> int | None:
    """``/Count`` of the dictionary around ``at``."""
    start, end = text.rfind(b"<<", max(0, at - 20_000), at), text.find(b">>", at)
    found = re.search(rb"/Count\s+(\d+)", text[start : end if end >= 0 else at + 20_000])
    return int(found[1]) if found else None


def _claim(text: bytes) -> str:
    part = re.search(rb"pdfaid:part(?:>|=[\"'])\s*(\d)", text)
    level = re.search(rb"pdfaid:conformance(?:>|=[\"'])\s*([A-Za-z])", text)
    if not part:
        return ""
    return f"PDF/A-{part[1].decode()}{level[1].decode().lower() if level else ''}"


def _needs_password(data: bytes) -> bool | None:
    """Try the empty user password (standard handler, revisions 2 to 4); newer revisions need AES and are not tried."""
    place = re.search(rb"/Filter\s*/Standard\b", data)
    if not place:
        return None
    start, end = data.rfind(b"obj", 0, place.start()), data.find(b"endobj", place.end())
    body = data[max(start, 0) : end if end >= 0 else place.end() + 4000]
    revision, length = _integer(rb"/R", body), _integer(rb"/Length", body) or 40
    owner, user, rights = _string(rb"/O", body), _string(rb"/U", body), _integer(rb"/P", body)
    identifier = re.search(rb"/ID\s*\[\s*(?=[<(])", data)
    if revision not in {2, 3, 4} or owner is None or user is None or rights is None or identifier is None:
        return None
    first = literal(data, identifier.end())
    seed = _PADDING + owner[:32] + (rights & 0xFFFFFFFF).to_bytes(4, "little") + (first or b"")
    if revision == 4 and re.search(rb"/EncryptMetadata\s+false", body):
        seed += b"\xff\xff\xff\xff"
    return not _user_matches(seed, user, revision, (128 if revision == 4 else length) // 8, first or b"")


def _user_matches(seed: bytes, user: bytes, revision: int, size: int, first: bytes) -> bool:
    """ISO 32000-1 algorithms 2, 4 and 5 with the empty password."""
    key = hashlib.md5(seed, usedforsecurity=False).digest()
    if revision == 2:
        return rc4(key[:5], _PADDING) == user[:32]
    for _ in range(50):
        key = hashlib.md5(key[:size], usedforsecurity=False).digest()
    block = hashlib.md5(_PADDING + first, usedforsecurity=False).digest()
    for turn in range(20):
        block = rc4(bytes(byte ^ turn for byte in key[:size]), block)
    return block == user[:16]


def rc4(key: bytes, data: bytes) -> bytes:
    """The cipher of old PDF files; here only to try an empty password."""
    box = list(range(256))
    j = 0
    for i in range(256):
        j = (j + box[i] + key[i % len(key)]) % 256
        box[i], box[j] = box[j], box[i]
    out, i, j = bytearray(), 0, 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + box[i]) % 256
        box[i], box[j] = box[j], box[i]
        out.append(byte ^ box[(box[i] + box[j]) % 256])
    return bytes(out)


def _integer(name: bytes, body: bytes) -> int | None:
    found = re.search(name + rb"\s+(-?\d+)\b", body)
    return int(found[1]) if found else None


def _string(name: bytes, body: bytes) -> bytes | None:
    found = re.search(name + rb"\s*(?=[<(])", body)
    return literal(body, found.end()) if found else None


_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def literal(body: bytes, at: int) -> bytes | None:
    """A PDF string, hexadecimal or in parentheses (ISO 32000-1 §7.3.4)."""
    if body[at : at + 1] == b"<":
        digits = re.sub(rb"[^0-9A-Fa-f]", b"", body[at : body.find(b">", at)])
        return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())
    out, depth, i = bytearray(), 0, at
    while i < len(body):
        char = body[i : i + 1]
        if char == b"\\":
            octal = re.compile(rb"[0-7]{1,3}").match(body, i + 1)
            out += bytes([int(octal[0], 8) & 0xFF]) if octal else _ESCAPES.get(body[i + 1 : i + 2], body[i + 1 : i + 2])
            i = octal.end() if octal else i + 2
            continue
        depth += (char == b"(") - (char == b")")
        if depth == 0:
            return bytes(out)
        if not (char == b"(" and depth == 1):
            out += char
        i += 1
    return None
