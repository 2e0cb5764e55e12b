"""French that agrees with a number: « 1 jour », « 2 jours », « 0 envoi »; and durations."""

from __future__ import annotations

from datetime import timedelta

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


def age(span: timedelta) -> str:
    """A duration as people say it: « 3 min », « 2 h 05 », « 4 j »."""
    seconds = max(int(span.total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 86_400:
        return f"{seconds // 3600} h {seconds % 3600 // 60:02d}"
    return f"{seconds // 86_400} j"


def _agreed(count: int, word: str) -> str:
    alone, _, several = word.partition("|")
    return either(count, alone, several or (alone if alone.endswith(_UNCHANGED) else f"{alone}s"))
