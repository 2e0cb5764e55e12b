"""The content of an opaque-signed S/MIME notice (RFC 8551 §3.5.2), taken out of its DER or BER without verification.

Nothing here proves who signed: the caller says so beside the notice.
"""

from __future__ import annotations

_SIGNED = bytes.fromhex("2a864886f70d010702")
_ENVELOPED = (bytes.fromhex("2a864886f70d010703"), bytes.fromhex("2a864886f70d0109100117"))
_MAX_DEPTH = 12


class NotCms(ValueError):
    """The bytes are no CMS structure this room can open."""


def is_encrypted(data: bytes) -> bool:
    """Whether a CMS structure is an envelope (enveloped or authenticated-enveloped data)."""
    try:
        _, content, _ = _element(data, 0)
        _, oid, _ = _element(content, 0)
    except NotCms:
        return False
    return oid in _ENVELOPED


def signed_content(data: bytes) -> bytes:
    """What a SignedData carries (RFC 5652 §5.2). Raises :class:`NotCms` when it is something else."""
    _, content, _ = _element(data, 0)
    _, oid, after = _element(content, 0)
    if oid != _SIGNED:
        raise NotCms("not signed data")
    _, explicit, _ = _element(content, after)
    _, signed, _ = _element(explicit, 0)
    _, _, after = _element(signed, 0)  # version
    _, _, after = _element(signed, after)  # digest algorithms
    _, encapsulated, _ = _element(signed, after)
    _, _, after = _element(encapsulated, 0)  # content type
    _, explicit, _ = _element(encapsulated, after)
    return _octets(explicit, 0)


def _octets(data: bytes, depth: int) -> bytes:
    """Join the octet strings of a value, primitive or constructed in pieces."""
    if depth > _MAX_DEPTH:
        raise NotCms("too deep")
    joined = bytearray()
    position = 0
    while position < len(data):
        tag, value, position = _element(data, position)
        if tag == 0x04:
            joined += value
        elif tag == 0x24:
            joined += _octets(value, depth + 1)
        else:
            raise NotCms("not an octet string")
    return bytes(joined)


def _element(data: bytes, position: int, depth: int = 0) -> tuple[int, bytes, int]:
    """Tag, value and next position of the element at ``position``; indefinite lengths too (X.690 §8.1.3.6)."""
    if depth > _MAX_DEPTH or position + 2 > len(data):
        raise NotCms("cut short")
    tag, first = data[position], data[position + 1]
    start = position + 2
    if first == 0x80:
        end = start
        while data[end : end + 2] != b"\0\0":
            _, _, end = _element(data, end, depth + 1)
        return tag, data[start:end], end + 2
    if first & 0x80:
        count = first & 0x7F
        length = int.from_bytes(data[start : start + count], "big")
        start += count
    else:
        length = first
    if start + length > len(data):
        raise NotCms("cut short")
    return tag, data[start : start + length], start + length
