"""Opens a sealed mail: decrypts it, checks its signature. For rehearsals, the sandbox's recipients and received mail.

What is checked: the digest and the signature over the signed attributes (RFC 5652 §5.4 and §5.6) with the certificate
the message brings along. What is not: whether that certificate is to be trusted — that is a question to a list of roots
and a date, not to the message; the caller gets the certificates and must ask it.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field, replace
from email.message import Message
from email.parser import BytesHeaderParser

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization.pkcs7 import pkcs7_decrypt_der

from dispatcher.errors import SealError
from dispatcher.sealing import der
from dispatcher.sealing.policy import UNREADABLE

_SIGNED_DATA, _ENVELOPED_DATA = "1.2.840.113549.1.7.2", "1.2.840.113549.1.7.3"
_MESSAGE_DIGEST, _CONTENT_TYPE = "1.2.840.113549.1.9.4", "1.2.840.113549.1.9.3"
_PSS = "1.2.840.113549.1.1.10"
_DIGESTS: dict[str, type[hashes.HashAlgorithm]] = {
    "2.16.840.1.101.3.4.2.1": hashes.SHA256,
    "2.16.840.1.101.3.4.2.2": hashes.SHA384,
    "2.16.840.1.101.3.4.2.3": hashes.SHA512,
}
"""SHA-1 and MD5 are no longer accepted (RFC 8551 §2.1, Appendix B)."""
_MAX_LAYERS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What was inside."""

    entity: bytes = field(repr=False)
    """The innermost MIME entity, as it was signed or enveloped."""
    encrypted: bool = False
    signer: x509.Certificate | None = field(default=None, repr=False)
    """Whose signature is right, mathematically; None when nothing was signed. Trust is the caller's question."""
    certificates: tuple[x509.Certificate, ...] = field(default=(), repr=False)
    """All certificates the signature brings along."""


def open_mail(
    content: bytes, key: rsa.RSAPrivateKey | None = None, certificate: x509.Certificate | None = None
) -> Opened:
    """Take off every layer of a mail or MIME entity (bytes, CRLF or LF line ends).

    Raises :class:`SealError`: ``not-for-this-key`` (enveloped for somebody else, or no key given), ``bad-signature``,
    ``cms-malformed``, ``cms-algorithm``.
    """
    try:
        return _open(content, key, certificate)
    except (IndexError, *UNREADABLE) as error:
        # A list shorter, or a certificate other, than the structure promises.
        raise der.malformed() from error


def check_detached(content: bytes, signature: bytes) -> Opened:
    """Check a DER signature that stands beside ``content``. Raises :class:`SealError` as :func:`open_mail`."""
    try:
        return _verified(Opened(entity=content), signature, content)
    except (IndexError, *UNREADABLE) as error:
        raise der.malformed() from error


def _open(content: bytes, key: rsa.RSAPrivateKey | None, certificate: x509.Certificate | None) -> Opened:
    opened = Opened(entity=content)
    for _ in range(_MAX_LAYERS):
        head = _head(opened.entity)
        kind = head.get_content_type()
        if kind == "multipart/signed":
            part, signature = _signed_parts(opened.entity, head)
            opened = _verified(opened, signature, part)
        elif kind in {"application/pkcs7-mime", "application/x-pkcs7-mime"}:
            opened = _unwrapped(opened, _decoded_body(opened.entity, head), key, certificate)
        else:
            return opened
    raise der.malformed()


def _head(entity: bytes) -> Message:
    return BytesHeaderParser().parsebytes(entity)


def _decoded_body(entity: bytes, head: Message) -> bytes:
    _, _, body = entity.replace(b"\r\n", b"\n").partition(b"\n\n")
    if str(head.get("Content-Transfer-Encoding", "")).strip().lower() == "base64":
        head.set_payload(body.decode("ascii", "replace"))
        decoded = head.get_payload(decode=True)
        return decoded if isinstance(decoded, bytes) else b""
    raw = re.split(rb"\r?\n\r?\n", entity, maxsplit=1)
    return raw[1] if len(raw) == 2 else b""


def _unwrapped(
    opened: Opened, data: bytes, key: rsa.RSAPrivateKey | None, certificate: x509.Certificate | None
) -> Opened:
    kind = der.parse(data).expect(der.SEQUENCE).children()[0].oid()
    if kind == _SIGNED_DATA:
        return _verified(opened, data, None)
    if kind != _ENVELOPED_DATA:
        raise SealError(
            f"Objet CMS de type {kind}, non pris en charge (attendu : signé ou chiffré).",
            hint="Demander à l'expéditeur un chiffrement AES-CBC (EnvelopedData).",
            code="cms-algorithm",
        )
    if key is None or certificate is None:
        raise _not_for_us()
    try:
        inside = pkcs7_decrypt_der(data, certificate, key, [])
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _not_for_us() from error
    return replace(opened, entity=inside, encrypted=True)


def decipher(structure: bytes, key: object, certificate: x509.Certificate) -> bytes:
    """The entity inside one enveloped CMS structure (DER).

    Raises :class:`SealError` ``not-for-this-key``: not for this certificate, no RSA key, or unreadable.
    """
    if not isinstance(key, rsa.RSAPrivateKey):
        raise _not_for_us()
    try:
        return pkcs7_decrypt_der(structure, certificate, key, [])
    except (UnsupportedAlgorithm, *UNREADABLE) as error:
        raise _not_for_us() from error


def _not_for_us() -> SealError:
    return SealError(
        "Message chiffré pour un autre certificat que celui présenté, ou contenu altéré.",
        hint="Vérifier quelle clé est utilisée : « dispatcher keys list ».",
        code="not-for-this-key",
    )


def _signed_parts(entity: bytes, head: Message) -> tuple[bytes, bytes]:
    """The signed part to the byte (in CRLF form, RFC 8551 §3.1.1) and the DER of its signature."""
    mark = str(head.get_param("boundary", "")).encode("ascii", "replace")
    text = re.sub(rb"\r?\n", b"\r\n", entity)
    pieces = re.split(rb"(?:^|\r\n)--" + re.escape(mark) + rb"(?:--)?[ \t]*(?:\r\n|$)", text)
    if not mark or len(pieces) < 3:
        raise der.malformed()
    return pieces[1], _decoded_body(pieces[2], _head(pieces[2]))


def _verified(opened: Opened, signed_data: bytes, detached: bytes | None) -> Opened:
    """Check the first signature of a SignedData (RFC 5652 §5.1) and give what it signs."""
    outer = der.parse(signed_data).expect(der.SEQUENCE).children()
    if len(outer) < 2 or outer[0].oid() != _SIGNED_DATA or not outer[1].children():
        raise der.malformed()
    fields = outer[1].children()[0].expect(der.SEQUENCE).children()
    encapsulated = fields[2].expect(der.SEQUENCE).children() if len(fields) > 3 else []
    content = detached if detached is not None or len(encapsulated) < 2 else encapsulated[1].children()[0].octets()
    certificates = _certificates(fields[3:])
    signers = fields[-1].expect(der.SET).children()
    if content is None or not signers:
        raise der.malformed()
    signer = _check_signer(signers[0].expect(der.SEQUENCE).children(), content, certificates)
    return replace(opened, entity=content, signer=signer, certificates=certificates)


def _certificates(fields: list[der.Node]) -> tuple[x509.Certificate, ...]:
    found: list[x509.Certificate] = []
    for held in fields:
        if held.tag == 0xA0:
            found += [x509.load_der_x509_certificate(c.whole) for c in held.children() if c.tag == der.SEQUENCE]
    return tuple(found)


def _check_signer(info: list[der.Node], content: bytes, certificates: tuple[x509.Certificate, ...]) -> x509.Certificate:
    """SignerInfo (RFC 5652 §5.3): version, sid, digest, [0] attributes, algorithm, signature."""
    if len(info) < 5:
        raise der.malformed()
    certificate = next((c for c in certificates if _is_signer(c, info[1])), None)
    digest = _DIGESTS.get(info[2].children()[0].oid())
    if certificate is None:
        raise _bad_signature("le certificat du signataire n'est pas dans le message")
    if digest is None:
        raise SealError(
            "Signature avec un algorithme d'empreinte refusé (attendu : SHA-256, SHA-384 ou SHA-512).",
            hint="Demander à l'expéditeur de mettre sa messagerie à jour.",
            code="cms-algorithm",
        )
    attributes = info[3] if info[3].tag == 0xA0 else None
    algorithm, signature = (info[4], info[5]) if attributes and len(info) > 5 else (info[3], info[4])
    signed = content
    if attributes:
        _check_digest(attributes, content, digest())
        signed = b"\x31" + attributes.whole[1:]  # hashed as the SET OF they are (RFC 5652 §5.4)
    try:
        _check_value(certificate, signature.octets(), signed, digest(), algorithm.children()[0].oid())
    except InvalidSignature as error:
        raise _bad_signature("le contenu a changé depuis la signature") from error
    return certificate


def _is_signer(certificate: x509.Certificate, sid: der.Node) -> bool:
    if sid.tag == der.SEQUENCE:
        issuer, serial = sid.children()[:2]
        return certificate.serial_number == serial.integer() and _issuer(certificate) == issuer.whole
    try:
        held = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return False
    return held.digest == sid.octets()


def _issuer(certificate: x509.Certificate) -> bytes:
    """The issuer's name as it stands in the certificate, not encoded anew (RFC 5280 §4.1)."""
    fields = der.parse(certificate.tbs_certificate_bytes).children()
    return fields[3 if fields[0].tag == 0xA0 else 2].whole


def _check_digest(attributes: der.Node, content: bytes, digest: hashes.HashAlgorithm) -> None:
    values = {pair[0].oid(): pair[1] for pair in (a.children() for a in attributes.children()) if len(pair) == 2}
    hasher = hashes.Hash(digest)
    hasher.update(content)
    claimed = values[_MESSAGE_DIGEST].children()[0].octets() if _MESSAGE_DIGEST in values else b""
    if _CONTENT_TYPE not in values or not hmac.compare_digest(claimed, hasher.finalize()):
        raise _bad_signature("le contenu a changé depuis la signature")


def _check_value(
    certificate: x509.Certificate, signature: bytes, signed: bytes, digest: hashes.HashAlgorithm, algorithm: str
) -> None:
    public = certificate.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        scheme = padding.PSS(padding.MGF1(digest), padding.PSS.AUTO) if algorithm == _PSS else padding.PKCS1v15()
        public.verify(signature, signed, scheme, digest)
    elif isinstance(public, ec.EllipticCurvePublicKey):
        public.verify(signature, signed, ec.ECDSA(digest))
    else:
        raise _bad_signature("clé de signature d'un type inconnu")


def _bad_signature(why: str) -> SealError:
    return SealError(
        f"Signature du message refusée : {why}.",
        hint="Ne pas se fier au contenu ; demander à l'expéditeur de renvoyer le message.",
        code="bad-signature",
    )
