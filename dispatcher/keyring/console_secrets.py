"""Passwords by argon2id (RFC 9106), time-based codes (RFC 6238), tokens and one-time passwords of the console."""

from __future__ import annotations

import secrets
import threading
from datetime import UTC, datetime

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

STEP = 30
"""Seconds of a time-based code."""
DRIFT = (0, -1, 1)
"""Steps a telephone's clock may be off."""
TOKEN_BYTES = 32
RECOVERY_CODES = 10
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without letters and digits that are taken for each other: read from paper, typed by hand."""
AT_ONCE = 2
"""Hashes computed at one moment: each takes 64 MB, and strangers may ask for many."""


class ConsoleSecrets:
    """:class:`dispatcher.ports.Secrets`. Safe to share between threads."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        """``hasher``: other parameters than RFC 9106's for machines with little memory (tests are quicker)."""
        self._hasher = hasher or PasswordHasher()
        self._turn = threading.BoundedSemaphore(AT_ONCE)
        self._nobody = self._hasher.hash(secrets.token_urlsafe(TOKEN_BYTES))

    def hash(self, password: str) -> str:
        """Argon2id in its own notation, with its parameters and salt."""
        with self._turn:
            return self._hasher.hash(password)

    def verify(self, hashed: str, password: str) -> bool:
        """An empty ``hashed`` is compared with a hash of nobody's, so that it takes as long."""
        with self._turn:
            try:
                return self._hasher.verify(hashed or self._nobody, password) and bool(hashed)
            except (Argon2Error, InvalidHashError):
                return False

    def outdated(self, hashed: str) -> bool:
        """Made with other parameters than those of today."""
        return self._hasher.check_needs_rehash(hashed)

    def token(self) -> str:
        """256 random bits, for a cookie."""
        return secrets.token_urlsafe(TOKEN_BYTES)

    def one_time_password(self) -> str:
        """Four groups of four: some 79 bits."""
        return "-".join(_random(4) for _ in range(4))

    def recovery_codes(self) -> tuple[str, ...]:
        """Ten of some 49 bits each."""
        return tuple(f"{_random(5)}-{_random(5)}" for _ in range(RECOVERY_CODES))

    def totp_secret(self) -> str:
        """160 bits, as RFC 4226 recommends."""
        return pyotp.random_base32()

    def totp_step(self, secret: str, code: str, at: datetime) -> int | None:
        """The step the code belongs to, one before and one after allowed; every candidate is compared."""
        now = int(at.astimezone(UTC).timestamp()) // STEP
        totp = pyotp.TOTP(secret, interval=STEP)
        found = None
        for drift in DRIFT:
            right = totp.generate_otp(now + drift)
            if secrets.compare_digest(right.encode(), code.encode("utf-8", "replace")) and found is None:
                found = now + drift
        return found

    def totp_uri(self, secret: str, name: str, issuer: str) -> str:
        """``otpauth://totp/…`` (the key URI format of authenticators)."""
        return pyotp.TOTP(secret, interval=STEP).provisioning_uri(name=name, issuer_name=issuer)


def _random(count: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(count))
