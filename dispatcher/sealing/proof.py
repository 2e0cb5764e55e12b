"""Signatures and time-stamps that stand beside what they are about: CMS detached (RFC 5652), RFC 3161.

``openssl cms -verify`` and ``openssl ts -verify`` check both without this program. Time-stamps are read and made by
``rfc3161-client``, an extra (``timestamp``).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from dispatcher.errors import ConfigError, SealError
from dispatcher.sealing import der
from dispatcher.sealing.envelope import sign_detached
from dispatcher.sealing.opening import check_detached
from dispatcher.sealing.policy import UNREADABLE

if TYPE_CHECKING:
    from dispatcher.ports import Signer

__all__ = ["Signed", "Stamped", "certificate", "fingerprint", "pem", "sign_detached", "stamp_request", "verify"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """Whose signature is right, mathematically. Trust in the certificate is the caller's question."""

    fingerprint: str
    """SHA-256 of the certificate, hex."""
    subject: str
    certificate: bytes = field(repr=False)
    """DER."""
    chain: tuple[bytes, ...] = field(default=(), repr=False)
    """The other certificates the signature brings along, DER."""


def verify(content: bytes, signature: bytes) -> Signed:
    """Who signed ``content``. Raises :class:`SealError`: ``bad-signature``, ``cms-malformed``, ``cms-algorithm``."""
    opened = check_detached(content, signature)
    signer = opened.signer
    if signer is None:
        raise SealError("Signature absente.", hint="Reprendre le fichier d'origine.", code="bad-signature")
    try:
        own = signer.public_bytes(Encoding.DER)
        others = [c.public_bytes(Encoding.DER) for c in opened.certificates]
        subject = signer.subject.rfc4514_string()
    except UNREADABLE as error:
        raise der.malformed() from error
    chain = tuple(one for one in others if one != own)
    return Signed(fingerprint=fingerprint(signer), subject=subject, certificate=own, chain=chain)


def fingerprint(held: x509.Certificate) -> str:
    """SHA-256, hex."""
    return held.fingerprint(hashes.SHA256()).hex()


def as_pem(held: x509.Certificate) -> bytes:
    """A certificate as text."""
    return held.public_bytes(Encoding.PEM)


def pem(content: bytes) -> bytes:
    """A certificate as text. Raises :class:`SealError`."""
    return certificate(content).public_bytes(Encoding.PEM)


def certificate(content: bytes) -> x509.Certificate:
    """PEM or DER. Raises :class:`SealError`."""
    try:
        if content.startswith(b"-----BEGIN"):
            return x509.load_pem_x509_certificate(content)
        return x509.load_der_x509_certificate(content)
    except UNREADABLE as error:
        raise SealError(
            "Certificat illisible.", hint="Reprendre le fichier d'origine.", code="cms-malformed"
        ) from error


def signer_certificate(signer: Signer) -> tuple[str, bytes]:
    """Fingerprint and DER of the certificate of a key of ours."""
    return fingerprint(signer.certificate), signer.certificate.public_bytes(Encoding.DER)


# ------------------------------------------------------------------------------------------------ time-stamps


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamped:
    """What a time-stamp says."""

    at: datetime
    trusted: bool
    """Its certificate goes back to one of the roots given; False without roots."""


def stamping() -> bool:
    """The library is installed."""
    return importlib.util.find_spec("rfc3161_client") is not None


def require_stamping() -> None:
    """Raises :class:`ConfigError` when the library is missing."""
    if not stamping():
        raise ConfigError(
            "L'horodatage (« journal.timestamp_url ») demande le module « rfc3161-client ».",
            hint="pip install 'dispatcher-labo[timestamp]', ou retirer « timestamp_url ».",
        )


def stamp_request(content: bytes) -> bytes:
    """What is sent to the authority: the digest of ``content`` and a random number, DER."""
    require_stamping()
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    built = TimestampRequestBuilder().data(content).hash_algorithm(HashAlgorithm.SHA256).build()
    return built.as_bytes()


def check_stamp(content: bytes, response: bytes, roots: Sequence[bytes] = (), *, request: bytes = b"") -> Stamped:
    """Read a response about ``content``. With ``roots`` (DER) its signature is checked up to one of them; with
    ``request`` it must answer that very request. Raises :class:`SealError` ``bad-stamp``.
    """
    require_stamping()
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    try:
        found = decode_timestamp_response(_in_order(response))
        if found.status != 0:
            raise _bad_stamp("l'autorité a refusé la demande")
        info = found.tst_info
        _same_digest(content, info.message_imprint.message)
        if request and _nonce(request) != info.nonce:
            raise _bad_stamp("elle répond à une autre demande")
        if roots:
            builder = VerifierBuilder()
            for root in roots:
                builder = builder.add_root_certificate(certificate(root))
            builder.build().verify_message(found, content)
    except (VerificationError, IndexError, *UNREADABLE) as error:
        raise _bad_stamp("réponse illisible, ou signature refusée") from error
    return Stamped(at=info.gen_time.astimezone(UTC), trusted=bool(roots))


def _in_order(response: bytes) -> bytes:
    """The response with the certificates of its token in the order DER wants of a SET OF (X.690 §11.6).

    OpenSSL's own authority writes them leaf first, and the library refuses that. No signature covers their order.
    """
    parts = der.parse(response).expect(der.SEQUENCE).children()
    if len(parts) < 2:
        return response
    signed = parts[1].children()[1].children()[0].children()
    for held in signed[3:]:
        if held.tag == 0xA0:
            ordered = b"".join(sorted(one.whole for one in held.children()))
            return response.replace(held.content, ordered, 1)
    return response


def _same_digest(content: bytes, imprint: bytes) -> None:
    digest = hashes.Hash(hashes.SHA256())
    digest.update(content)
    if digest.finalize() != imprint:
        raise _bad_stamp("elle porte sur un autre contenu")


def _nonce(request: bytes) -> int:
    """The last INTEGER of a TimeStampReq (RFC 3161 §2.4.1) as we build it."""
    return next(part.integer() for part in reversed(der.parse(request).children()) if part.tag == der.INTEGER)


def _bad_stamp(why: str) -> SealError:
    return SealError(
        f"Horodatage refusé : {why}.",
        hint="Vérifier l'autorité (« journal.timestamp_url », « timestamp_roots »).",
        code="bad-stamp",
    )
