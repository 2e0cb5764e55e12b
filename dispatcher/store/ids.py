"""Identifiers a person can read out on the telephone: Crockford's base 32 (no I, L, O, U)."""

from __future__ import annotations

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 9
"""45 bits of chance. The primary key refuses the one double in billions, and the work is simply done again."""


def new_id(prefix: str) -> str:
    """``prefix`` and nine characters, as ``D7K2M9QX4T``."""
    number = secrets.randbits(5 * LENGTH)
    return prefix + "".join(ALPHABET[number >> shift & 31] for shift in range(0, 5 * LENGTH, 5))
