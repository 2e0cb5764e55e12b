"""Images that are results (an electrophoresis, a smear) made fit for PDF/A-1: PNG and JPEG, never transparent.

Bytes in, bytes out. ISO 19005-1 §6.4 forbids transparency, so what shines through is laid on white paper here.
References: PNG (W3C, third edition, §7 to §11), JPEG (ITU-T T.81 annex B, frame header).
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from dispatcher.errors import RenderError

FORMATS = {"image/png": "png", "image/jpeg": "jpg"}
LARGEST = 5_000_000
"""Bytes; a larger one is joined, not drawn."""
MOST_SAMPLES = 30_000_000
"""Bytes of an unpacked image: a bomb stops here."""
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_ALPHA = {4: 1, 6: 3}
"""PNG colour type with an alpha channel, and its colour samples."""


@dataclass(frozen=True, slots=True)
class _Header:
    width: int
    height: int
    depth: int
    colour: int
    interlaced: int


def drawable(content: bytes, media_type: str) -> bytes | None:
    """The image as it can be drawn; None when it is only joined. Raises :class:`RenderError` (``pdf-image``)."""
    if media_type not in FORMATS or len(content) > LARGEST:
        return None
    try:
        return _opaque(content) if media_type == "image/png" else _jpeg(content)
    except (struct.error, zlib.error, LookupError, ValueError) as error:
        raise _refused("fichier abîmé") from error


def _refused(why: str) -> RenderError:
    return RenderError(
        f"PDF : une image du compte rendu ne peut pas être imprimée ({why}).",
        hint="La faire réexporter en PNG sans transparence ou en JPEG en couleurs RVB.",
        code="pdf-image",
    )


def _jpeg(content: bytes) -> bytes:
    """Grey or RGB; four inks would need another output intent."""
    if not content.startswith(b"\xff\xd8"):
        raise _refused("ce n'est pas un JPEG")
    at = 2
    while at + 9 < len(content):
        marker = content[at + 1]
        if content[at] != 0xFF:
            break
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            if content[at + 9] == 4:
                raise _refused("JPEG en quadrichromie")
            return content
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    raise _refused("JPEG sans dimensions")


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not content.startswith(_SIGNATURE):
        raise _refused("ce n'est pas un PNG")
    at = len(_SIGNATURE)
    while at < len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        if at + 12 + size > len(content):
            raise _refused("PNG coupé")
        yield kind, content[at + 8 : at + 8 + size]
        at += 12 + size


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _opaque(content: bytes) -> bytes:
    """The very bytes when nothing is transparent."""
    chunks = list(_chunks(content))
    found = dict(reversed(chunks))
    header = _Header(*struct.unpack(">IIBBxxB", found[b"IHDR"]))
    if header.colour in _ALPHA:
        return _on_white(chunks, header)
    if b"tRNS" not in found:
        return content
    kept = [chunk for chunk in chunks if chunk[0] != b"tRNS"]
    if header.colour == 3:
        kept = [(kind, _palette(body, found[b"tRNS"]) if kind == b"PLTE" else body) for kind, body in kept]
    return _SIGNATURE + b"".join(_chunk(kind, body) for kind, body in kept)


def _palette(colours: bytes, alphas: bytes) -> bytes:
    """Each colour as it looks on white paper."""
    out = bytearray(colours)
    for number, alpha in enumerate(alphas[: len(colours) // 3]):
        for place in range(number * 3, number * 3 + 3):
            out[place] = _blend(out[place], alpha)
    return bytes(out)


def _blend(sample: int, alpha: int) -> int:
    return (sample * alpha + 255 * (255 - alpha) + 127) // 255


def _on_white(chunks: list[tuple[bytes, bytes]], header: _Header) -> bytes:
    if header.depth != 8 or header.interlaced:
        raise _refused("PNG transparent, entrelacé ou sur 16 bits")
    colours = _ALPHA[header.colour]
    size = colours + 1
    stride = header.width * size
    if (stride + 1) * header.height > MOST_SAMPLES:
        raise _refused("PNG transparent trop grand")
    packed = b"".join(body for kind, body in chunks if kind == b"IDAT")
    raw = zlib.decompressobj().decompress(packed, (stride + 1) * header.height)
    if len(raw) != (stride + 1) * header.height:
        raise _refused("PNG coupé")
    rows = bytearray()
    before = bytes(stride)
    for start in range(0, len(raw), stride + 1):
        before = _unfiltered(raw[start], raw[start + 1 : start + 1 + stride], before, size)
        alphas = before[colours::size]
        row = bytearray(header.width * colours)
        for place in range(colours):
            samples = before[place::size]
            row[place::colours] = samples if alphas == b"\xff" * header.width else bytes(map(_blend, samples, alphas))
        rows += b"\0" + row
    plain = struct.pack(">IIBBBBB", header.width, header.height, 8, 0 if colours == 1 else 2, 0, 0, 0)
    kept = [(kind, body) for kind, body in chunks if re.fullmatch(rb"pHYs|gAMA|sRGB|cHRM", kind)]
    body = [(b"IHDR", plain), *kept, (b"IDAT", zlib.compress(bytes(rows), 6)), (b"IEND", b"")]
    return _SIGNATURE + b"".join(_chunk(kind, content) for kind, content in body)


def _unfiltered(kind: int, row: bytes, before: bytes, size: int) -> bytes:
    """PNG §9: None, Sub, Up, Average, Paeth."""
    if kind == 0:
        return row
    if kind == 2:
        return bytes((one + other) & 255 for one, other in zip(row, before, strict=True))
    if kind not in (1, 3, 4):
        raise _refused("PNG abîmé")
    out = bytearray(row)
    for place in range(len(out)):
        left = out[place - size] if place >= size else 0
        if kind == 1:
            guess = left
        elif kind == 3:
            guess = (left + before[place]) // 2
        else:
            guess = _paeth(left, before[place], before[place - size] if place >= size else 0)
        out[place] = (out[place] + guess) & 255
    return bytes(out)


def _paeth(left: int, above: int, corner: int) -> int:
    far = left + above - corner
    one, two, three = abs(far - left), abs(far - above), abs(far - corner)
    if one <= two and one <= three:
        return left
    return above if two <= three else corner
