"""A tree of digests over lines of the journal: a line is shown to be among them without showing the others.

The shape is that of RFC 6962 §2.1 (a node without a sister goes up as it is); the digests are written as a shell can
compute them: a leaf is the digest of its line as the journal keeps it, a node the SHA-256, in lower-case hex, of
``noeud <left> <right>`` and a line feed. A leaf covers text that begins with a digest and a line feed, so that none can
pass for a node.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field


def node(left: str, right: str) -> str:
    """Digest of two sisters."""
    return hashlib.sha256(f"noeud {left} {right}\n".encode()).hexdigest()


@dataclass(slots=True)
class Tree:
    """Takes leaves one by one and keeps only the tops of the full trees among them."""

    tops: list[tuple[int, str]] = field(default_factory=list)
    """(height, digest), the highest first."""

    def add(self, leaf: str) -> None:
        """The next leaf."""
        height, digest = 0, leaf
        while self.tops and self.tops[-1][0] == height:
            digest = node(self.tops.pop()[1], digest)
            height += 1
        self.tops.append((height, digest))

    def root(self) -> str:
        """Of the leaves so far, at least one."""
        digest = self.tops[-1][1]
        for _, left in reversed(self.tops[:-1]):
            digest = node(left, digest)
        return digest


@dataclass(frozen=True, slots=True)
class Step:
    """One step up: the sister, and on which side she stands."""

    side: str
    """``gauche`` or ``droite``."""
    digest: str


def paths(leaves: Iterable[str], wanted: Iterable[int]) -> dict[int, tuple[Step, ...]]:
    """The way up from each wanted leaf (0-based)."""
    level = list(leaves)
    at = {number: number for number in wanted}
    found: dict[int, list[Step]] = {number: [] for number in at}
    while len(level) > 1:
        for number, place in at.items():
            sister = place ^ 1
            if sister < len(level):
                found[number].append(Step("gauche" if place & 1 else "droite", level[sister]))
            at[number] = place // 2
        level = [node(*level[i : i + 2]) if i + 1 < len(level) else level[i] for i in range(0, len(level), 2)]
    return {number: tuple(steps) for number, steps in found.items()}


def climb(leaf: str, steps: Iterable[Step]) -> str:
    """The root a leaf and its way lead to."""
    for step in steps:
        leaf = node(step.digest, leaf) if step.side == "gauche" else node(leaf, step.digest)
    return leaf
