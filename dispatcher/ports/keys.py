"""Keys and certificates as the use cases need them: recipients' to envelope for, our own to sign and to open with.

Part of ``ports``, which gives all these names on; import them from there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from cryptography.x509 import Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientCertificate:
    """A certificate mail can be enveloped for."""

    address: str
    certificate: Certificate
    fingerprint: str
    """SHA-256, hex."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateAnswer:
    """What is known of the certificates of one address. The sentences are French, short, without a final point."""

    chosen: RecipientCertificate | None = None
    """The one to envelope for."""
    unusable: tuple[str, ...] = ()
    """Found, but not to be used (expired, revoked, for another use…): one sentence each, when none is chosen."""
    unknown: tuple[str, ...] = ()
    """Why the answer is not final: a source that could not be asked, a revocation that could not be established.

    Empty with no certificate chosen means: there is none. Never to be taken for that when it is not empty."""
    remarks: tuple[str, ...] = ()
    """About the chosen one: it comes from a kept answer because its source could not be asked…"""


class Certificates(Protocol):
    """Recipients' certificates."""

    def answer(self, address: str, at: datetime) -> CertificateAnswer:
        """The certificate to use for this address on that date (aware), or why there is none.

        Raises :class:`dispatcher.errors.DirectoryError` when what the site configured for it cannot be read.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Our signing key for a channel, with its chain. ``repr`` shows the fingerprint only."""

    key: PrivateKeyTypes = field(repr=False)
    certificate: Certificate = field(repr=False)
    chain: tuple[Certificate, ...] = field(default=(), repr=False)
    fingerprint: str = ""


class Keyring(Protocol):
    """Our keys."""

    def signer(self, channel: str, at: datetime) -> Signer:
        """The key valid on that date. Raises :class:`dispatcher.errors.KeyringError` when there is none."""

    def readers(self, channel: str) -> tuple[Signer, ...]:
        """Every key with its certificate, for whatever use and of any date, newest first: to open what came for us."""


class Cipher(Protocol):
    """Encrypts payloads at rest (AES-256-GCM) and keys the hashes of identities."""

    key_id: str

    def encrypt(self, plain: bytes, context: str) -> bytes:
        """``context`` (owner and kind) is authenticated, so a payload cannot be moved to another row."""

    def decrypt(self, sealed: bytes, context: str, key_id: str) -> bytes:
        """Raises :class:`dispatcher.errors.KeyringError` when the key is missing or the bytes were changed."""

    def hash(self, text: str) -> str:
        """Keyed hash (HMAC-SHA-256, hex) of an identity text."""
