"""French that agrees with a number: « 1 jour », « 2 jours », « 0 envoi »."""

from __future__ import annotations

_UNCHANGED = ("s", "x", "z")
"""A word that ends so has the same plural."""


def counted(count: int, words: str) -> str:
    """The number and its noun, with the adjectives that agree: ``counted(2, "ligne illisible")`` is « 2 lignes
    illisibles ». Zero is singular in French. A word with a plural of its own is written ``canal|canaux``.
    """
    return f"{count} {' '.join(_agreed(count, word) for word in words.split())}"


def either(count: int, alone: str, several: str) -> str:
    """The word that fits the number: ``either(2, "reste", "restent")``."""
    return several if count > 1 else alone


def _agreed(count: int, word: str) -> str:
    alone, _, several = word.partition("|")
    return either(count, alone, several or (alone if alone.endswith(_UNCHANGED) else f"{alone}s"))
