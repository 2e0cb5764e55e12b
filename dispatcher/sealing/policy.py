"""What is allowed when sealing, as dated values: algorithms, key sizes, uses of a certificate, size of a mail.

Algorithms: SHA-256 and AES-256-CBC (S/MIME 4.0, RFC 8551 §2.1 and §2.7: what every reader tried opens — openssl, NSS,
GnuPG — while OAEP, GCM and EC recipients fail in two of three). Key sizes: RGS 2.0 annex B1 v2.03, rules RègleFact-1
(RSA 2048 up to the end of 2030), RègleFact-2 (3072 after) and RègleECp-2 (elliptic curves of 256 bits).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from dispatcher.errors import SealError

UNREADABLE = (
    ValueError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What the library raises for certificates it cannot read, now or at the first look inside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySizes:
    """Smallest key sizes allowed from a date on, in bits."""

    since: datetime
    rsa: int
    curve: int


KEY_SIZES = (
    KeySizes(since=datetime(2031, 1, 1, tzinfo=UTC), rsa=3072, curve=256),
    KeySizes(since=datetime(2014, 2, 21, tzinfo=UTC), rsa=2048, curve=256),
)
"""Newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Ceilings of one channel."""

    max_bytes: int = 10_000_000
    """Whole mail as it leaves, MIME encoding counted. One vendor's default; the patients' operator takes 25 MB in all
    (mssante.md §4, not confirmed by an operator's own document)."""


def key_sizes(at: datetime) -> KeySizes:
    """The sizes in force at ``at`` (aware)."""
    return next((sizes for sizes in KEY_SIZES if sizes.since <= at), KEY_SIZES[-1])


def check_size(size: int, limits: Limits) -> None:
    """Raises :class:`SealError`, code ``too-large``, when ``size`` bytes pass the ceiling."""
    if size > limits.max_bytes:
        raise SealError(
            f"Mail de {_megabytes(size)} Mo, plus grand que la limite du canal ({_megabytes(limits.max_bytes)} Mo).",
            hint="Réduire le PDF joint, ou relever « max_mail_bytes » si l'opérateur l'accepte, puis relancer l'envoi.",
            code="too-large",
        )


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.2f}".replace(".", ",")


def check_dates(certificate: x509.Certificate, at: datetime, whose: str) -> None:
    """Raises :class:`SealError`, code ``expired-certificate`` or ``not-yet-valid-certificate``."""
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if at > end:
        raise SealError(
            f"Le certificat {whose} a expiré le {end:%d/%m/%Y}.",
            hint=f"Se procurer le certificat renouvelé {whose}, le déposer, puis relancer l'envoi.",
            code="expired-certificate",
        )
    if at < start:
        raise SealError(
            f"Le certificat {whose} n'est valable qu'à partir du {start:%d/%m/%Y}.",
            hint="Vérifier la date de la machine ; sinon attendre cette date ou utiliser un autre certificat.",
            code="not-yet-valid-certificate",
        )


def public_key(certificate: x509.Certificate) -> object:
    """Its public key, or None when the library cannot read it."""
    try:
        return certificate.public_key()
    except UNREADABLE:
        return None


def check_key_size(certificate: x509.Certificate, at: datetime, whose: str) -> None:
    """Raises :class:`SealError`, code ``weak-key``."""
    sizes, key = key_sizes(at), public_key(certificate)
    if isinstance(key, rsa.RSAPublicKey):
        found, least, kind = key.key_size, sizes.rsa, "RSA"
    elif isinstance(key, ec.EllipticCurvePublicKey):
        found, least, kind = key.key_size, sizes.curve, "courbe elliptique"
    else:
        return
    if found < least:
        raise SealError(
            f"La clé du certificat {whose} est trop courte ({kind} {found} bits, attendu au moins {least}).",
            hint=f"Demander un certificat {whose} avec une clé plus longue.",
            code="weak-key",
        )


def may_encipher_keys(certificate: x509.Certificate) -> bool:
    """RFC 8550 §4.4.2: with a key usage extension, RSA key transport needs ``keyEncipherment``."""
    return _usable(certificate, lambda usage: usage.key_encipherment)


def may_sign(certificate: x509.Certificate) -> bool:
    """RFC 8550 §4.4.2: with a key usage extension, a signer needs digitalSignature or nonRepudiation."""
    return _usable(certificate, lambda usage: usage.digital_signature or usage.content_commitment)


def is_for_mail(certificate: x509.Certificate) -> bool:
    """RFC 8550 §4.4.4: an extended key usage extension, when there is one, must hold emailProtection or any."""
    try:
        extended = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    except UNREADABLE:
        return False
    return any(
        oid in (ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE) for oid in extended
    )


def _usable(certificate: x509.Certificate, allows: Callable[[x509.KeyUsage], bool]) -> bool:
    """What its key usage allows; everything when it has none, nothing when its extensions cannot be read."""
    try:
        return allows(certificate.extensions.get_extension_for_class(x509.KeyUsage).value)
    except x509.ExtensionNotFound:
        return True
    except UNREADABLE:
        return False


def check_recipient(certificate: x509.Certificate, at: datetime) -> None:
    """May we envelope for this certificate at ``at``? Raises :class:`SealError` with a code that says why not.

    Codes: ``expired-certificate``, ``not-yet-valid-certificate``, ``weak-key``, ``key-usage``, ``recipient-key``.
    """
    check_dates(certificate, at, "du destinataire")
    if not isinstance(public_key(certificate), rsa.RSAPublicKey):
        raise SealError(
            "Le certificat du destinataire ne porte pas une clé RSA : le chiffrement n'est pas possible.",
            hint="Demander au destinataire un certificat de chiffrement RSA.",
            code="recipient-key",
        )
    check_key_size(certificate, at, "du destinataire")
    if not may_encipher_keys(certificate) or not is_for_mail(certificate):
        raise SealError(
            "Le certificat du destinataire n'est pas prévu pour chiffrer du courrier (usages de la clé).",
            hint="Demander au destinataire son certificat de chiffrement, et non celui de signature ou de connexion.",
            code="key-usage",
        )


def check_signer(certificate: x509.Certificate, at: datetime) -> None:
    """May we sign with this certificate at ``at``? Same codes as :func:`check_recipient`."""
    check_dates(certificate, at, "de signature du canal")
    check_key_size(certificate, at, "de signature du canal")
    if not may_sign(certificate) or not is_for_mail(certificate):
        raise SealError(
            "Le certificat du canal n'est pas prévu pour signer du courrier (usages de la clé).",
            hint="Installer un certificat de signature de messagerie : « dispatcher keys import ».",
            code="key-usage",
        )
