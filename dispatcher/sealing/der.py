"""A reader for the ASN.1 of received CMS objects: BER and DER (X.690 §8.1), no more than walking needs.

``cryptography`` verifies no CMS signature, so :mod:`dispatcher.sealing.opening` must find the pieces itself. Other
people's software writes BER with indefinite lengths; both are read. Every length is checked, depth is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from dispatcher.errors import SealError

INTEGER, OCTET_STRING, OID, SEQUENCE, SET = 0x02, 0x04, 0x06, 0x30, 0x31
_CONSTRUCTED = 0x20
_MAX_DEPTH = 40


def malformed() -> SealError:
    """The error of every fault found here."""
    return SealError(
        "Objet CMS illisible : structure ASN.1 incomplète ou fausse.",
        hint="Demander à l'expéditeur de renvoyer le message ; conserver celui-ci.",
        code="cms-malformed",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One element: its tag byte, its content, its whole encoding."""

    tag: int
    content: bytes = field(repr=False)
    whole: bytes = field(repr=False)

    def children(self) -> list[Node]:
        """The elements inside. Raises :class:`SealError`."""
        return list(_elements(self.content, 0))

    def expect(self, tag: int) -> Node:
        """Itself when it has this tag. Raises :class:`SealError`."""
        if self.tag != tag:
            raise malformed()
        return self

    def octets(self, depth: int = 0) -> bytes:
        """Bytes of an OCTET STRING, whose pieces BER may hand in one by one (X.690 §8.7.3)."""
        if depth > _MAX_DEPTH:
            raise malformed()
        if self.tag & _CONSTRUCTED:
            return b"".join(child.octets(depth + 1) for child in self.children())
        return self.content

    def oid(self) -> str:
        """An OBJECT IDENTIFIER as dotted text."""
        arcs, value = [], 0
        for byte in self.expect(OID).content:
            value = value << 7 | byte & 0x7F
            if not byte & 0x80:
                arcs.append(value)
                value = 0
        if not arcs:
            raise malformed()
        first = min(arcs[0] // 40, 2)
        return ".".join(map(str, [first, arcs[0] - 40 * first, *arcs[1:]]))

    def integer(self) -> int:
        """A signed INTEGER."""
        return int.from_bytes(self.expect(INTEGER).content, "big", signed=True)


def parse(data: bytes) -> Node:
    """The first element of ``data``. Raises :class:`SealError`, code ``cms-malformed``."""
    return _element(data, 0, 0)[0]


def _elements(data: bytes, depth: int) -> Iterator[Node]:
    at = 0
    while at < len(data):
        node, at = _element(data, at, depth)
        yield node


def _element(data: bytes, at: int, depth: int) -> tuple[Node, int]:
    """The element at ``at`` and where the next one starts."""
    if depth > _MAX_DEPTH or at + 2 > len(data) or data[at] & 0x1F == 0x1F:
        raise malformed()  # tags of several bytes do not occur in CMS
    tag, length, start = data[at], data[at + 1], at + 2
    if length == 0x80:
        return _indefinite(data, at, depth)
    if length > 0x80:
        count = length & 0x7F
        length = int.from_bytes(data[start : start + count], "big")
        start += count
        if count > 4:
            raise malformed()
    end = start + length
    if end > len(data):
        raise malformed()
    return Node(tag=tag, content=data[start:end], whole=data[at:end]), end


def _indefinite(data: bytes, at: int, depth: int) -> tuple[Node, int]:
    """An element that ends with two zero bytes (X.690 §8.1.3.6)."""
    if not data[at] & _CONSTRUCTED:
        raise malformed()
    start = position = at + 2
    while data[position : position + 2] != b"\0\0":
        _, position = _element(data, position, depth + 1)
    return Node(tag=data[at], content=data[start:position], whole=data[at : position + 2]), position + 2
