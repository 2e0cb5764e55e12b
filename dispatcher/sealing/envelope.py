"""Signs and envelopes a MIME entity: CMS (RFC 5652) in S/MIME 4.0 dress (RFC 8551 §3).

``cryptography`` makes the DER structures; the MIME around them is ours, to the byte. What it cannot do here: recipients
with elliptic-curve keys, OAEP, AES-GCM (refused with a reason in :mod:`dispatcher.sealing.policy`).

The signing time inside a signature is the machine's own (OpenSSL asks it); everything else is handed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import (
    PKCS7EnvelopeBuilder,
    PKCS7Options,
    PKCS7SignatureBuilder,
)

from dispatcher.errors import SealError
from dispatcher.sealing import mime

if TYPE_CHECKING:
    from dispatcher.ports import Signer


def sign_opaque(entity: bytes, signer: Signer) -> bytes:
    """``entity`` inside an ``application/pkcs7-mime; smime-type=signed-data`` entity (RFC 8551 §3.5.2)."""
    return _pkcs7_entity("signed-data", _signature(entity, signer, detached=False))


def sign_clear(entity: bytes, signer: Signer, seed: str) -> bytes:
    """``entity``, readable by anybody, beside its signature: ``multipart/signed`` (RFC 8551 §3.5.3, RFC 1847 §2.1).

    ``seed`` (the Message-ID) fixes the boundary.
    """
    signature = _signature(entity, signer, detached=True)
    mark = mime.boundary(seed, "signed")
    second = mime.CRLF.join(
        [
            b'Content-Type: application/pkcs7-signature; name="smime.p7s"',
            b"Content-Transfer-Encoding: base64",
            b'Content-Disposition: attachment; filename="smime.p7s"',
            b"",
            mime.base64_lines(signature),
        ]
    )
    kind = (
        f'Content-Type: multipart/signed; protocol="application/pkcs7-signature";\r\n micalg=sha-256; boundary="{mark}"'
    )
    return mime.CRLF.join([kind.encode("ascii"), b"", mime.multipart(mark, [entity, second])])


def sign_detached(content: bytes, signer: Signer) -> bytes:
    """A signature of ``content`` that stands beside it: DER SignedData for ``openssl cms -verify -content``."""
    return _signature(content, signer, detached=True)


def encrypt(entity: bytes, certificates: Sequence[x509.Certificate]) -> bytes:
    """``entity`` enveloped (AES-256-CBC) for every certificate: ``smime-type=enveloped-data`` (RFC 8551 §3.3).

    The certificates have passed :func:`dispatcher.sealing.policy.check_recipient`.
    """
    builder = PKCS7EnvelopeBuilder().set_data(entity).set_content_encryption_algorithm(AES256)
    for certificate in certificates:
        builder = builder.add_recipient(certificate)
    return _pkcs7_entity("enveloped-data", builder.encrypt(Encoding.DER, [PKCS7Options.Binary]))


def _signature(entity: bytes, signer: Signer, *, detached: bool) -> bytes:
    """DER SignedData, SHA-256, with the signer's certificate and its intermediates."""
    key = signer.key
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise SealError(
            "La clé de signature du canal n'est ni RSA ni à courbe elliptique.",
            hint="Installer une clé RSA ou P-256 : « dispatcher keys import ».",
            code="signing-key",
        )
    if key.public_key() != signer.certificate.public_key():
        raise SealError(
            "La clé de signature du canal ne correspond pas à son certificat.",
            hint="Vérifier les fichiers du canal : « dispatcher keys check ».",
            code="signing-key",
        )
    builder = PKCS7SignatureBuilder().set_data(entity).add_signer(signer.certificate, key, hashes.SHA256())
    for certificate in signer.chain:  # last: set_data and add_signer drop certificates added before them
        builder = builder.add_certificate(certificate)
    options = [PKCS7Options.Binary]  # the entity is canonical already (CRLF): signed as it is
    if detached:
        options.append(PKCS7Options.DetachedSignature)
    return builder.sign(Encoding.DER, options)


def _pkcs7_entity(smime_type: str, der: bytes) -> bytes:
    """The MIME dress of a CMS object (RFC 8551 §3.2 and §3.2.1: file name smime.p7m for readers that go by names)."""
    return mime.CRLF.join(
        [
            f'Content-Type: application/pkcs7-mime; smime-type={smime_type};\r\n name="smime.p7m"'.encode("ascii"),
            b"Content-Transfer-Encoding: base64",
            b'Content-Disposition: attachment; filename="smime.p7m"',
            b"",
            mime.base64_lines(der),
        ]
    )
