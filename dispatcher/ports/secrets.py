"""Passwords, tokens and one-time codes as the use cases need them: what takes chance, or takes long on purpose.

Part of ``ports``, which gives these names on; import them from there.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Secrets(Protocol):
    """Makes and checks secrets of the console."""

    def hash(self, password: str) -> str:
        """Slow on purpose."""

    def verify(self, hashed: str, password: str) -> bool:
        """Takes as long for an empty ``hashed`` (nobody of that name), which is never right."""

    def outdated(self, hashed: str) -> bool:
        """Made with other parameters than those of today."""

    def token(self) -> str:
        """Of a session: nobody guesses it."""

    def one_time_password(self) -> str:
        """To be read out or typed once, then changed."""

    def recovery_codes(self) -> tuple[str, ...]: ...
    def totp_secret(self) -> str:
        """Base32, for an authenticator."""

    def totp_step(self, secret: str, code: str, at: datetime) -> int | None:
        """Time step the code belongs to, of this one and its two neighbours; None: of none of them."""

    def totp_uri(self, secret: str, name: str, issuer: str) -> str:
        """What an authenticator reads as a QR code (``otpauth://``)."""
