"""What anchors sign: the tree over the lines, and the text of a statement."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from dispatcher.receipts.anchor import NONE, Statement, parse
from dispatcher.receipts.tree import Step, Tree, climb, node, paths

LEAVES = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(70)]


def plain_root(leaves: list[str]) -> str:
    """RFC 6962 §2.1, word for word: split at the largest power of two below the count."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node(plain_root(leaves[:split]), plain_root(leaves[split:]))


@pytest.mark.parametrize("count", range(1, 71))
def test_every_leaf_climbs_to_the_one_root(count: int) -> None:
    tree = Tree()
    for leaf in LEAVES[:count]:
        tree.add(leaf)
    root = plain_root(LEAVES[:count])
    assert tree.root() == root
    ways = paths(LEAVES[:count], range(count))
    assert {climb(LEAVES[number], ways[number]) for number in range(count)} == {root}
    assert max(map(len, ways.values())) <= 7


def test_another_leaf_or_way_leads_elsewhere() -> None:
    way = paths(LEAVES[:9], [3])[3]
    root = climb(LEAVES[3], way)
    assert climb(LEAVES[4], way) != root
    turned = [Step("droite" if step.side == "gauche" else "gauche", step.digest) for step in way]
    assert climb(LEAVES[3], turned) != root


def test_a_shell_computes_a_node() -> None:
    """As docs/preuves.md says: printf 'noeud %s %s\\n' LEFT RIGHT | sha256sum."""
    assert node("a", "b") == hashlib.sha256(b"noeud a b\n").hexdigest()


STATEMENT = Statement(
    store="I0123", first=5, last=9, head="ab" * 32, root="cd" * 32, before=NONE, at=datetime(2026, 3, 11, 9, tzinfo=UTC)
)


def test_a_statement_reads_back() -> None:
    assert parse(STATEMENT.text) == STATEMENT
    assert STATEMENT.text.isascii() and STATEMENT.text.endswith("date : 2026-03-11T09:00:00Z\n")


def test_any_other_byte_is_no_statement_or_another_one() -> None:
    text = STATEMENT.text.encode()
    for place in range(len(text)):
        changed = text[:place] + bytes([text[place] ^ 1]) + text[place + 1 :]
        assert parse(changed.decode("utf-8", "replace")) != STATEMENT


@pytest.mark.parametrize("change", [("lignes : 5 - 9", "lignes : 9 - 5"), ("03-11", "13-41"), ("forme 1", "forme 2")])
def test_what_cannot_be_is_no_statement(change: tuple[str, str]) -> None:
    assert parse(STATEMENT.text.replace(*change)) is None
