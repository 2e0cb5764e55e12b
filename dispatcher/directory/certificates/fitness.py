"""What a certificate is for, by itself: whose addresses it bears, and whether mail can be enveloped for it.

Rules: RFC 8550 §3 (addresses) and §4.4 (key usage, extended key usage); RSA of 2048 bits and more, or P-256 and P-384.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from dispatcher.directory.certificates.chain import is_authority, readable
from dispatcher.routing.addresses import as_compared

CURVES = frozenset({"secp256r1", "secp384r1"})
RSA_BITS = 2048
DAMAGED = "certificat abîmé : sujet, clé ou extensions illisibles"


def addresses_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """Mail addresses, in the form of comparison."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found = names.get_values_for_type(x509.RFC822Name)
    except x509.ExtensionNotFound:
        found = []
    if not found:
        found = [str(item.value) for item in certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)]
    return tuple(dict.fromkeys(as_compared(address) for address in found))


def only_an_issuer(certificate: x509.Certificate) -> bool:
    """An authority's certificate that came along in a chain: of nobody's mailbox."""
    return readable(certificate) and is_authority(certificate) and not addresses_of(certificate)


def fault_of(certificate: x509.Certificate) -> str:
    """Why mail can never be enveloped for this certificate (French), or the empty string. Dates are not looked at."""
    if is_authority(certificate):
        return "certificat d'une autorité, pas d'un destinataire"
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < RSA_BITS:
            return f"clé RSA de {key.key_size} bits, {RSA_BITS} au moins attendus"
    elif not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in CURVES:
        return "clé d'un genre non admis (attendu RSA, P-256 ou P-384)"
    return _usage_fault(certificate, agreement=isinstance(key, ec.EllipticCurvePublicKey))


def _usage_fault(certificate: x509.Certificate, *, agreement: bool) -> str:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        if not (usage.key_agreement if agreement else usage.key_encipherment):
            wanted = "keyAgreement" if agreement else "keyEncipherment"
            return f"usage de clé sans {wanted} : certificat de signature, demander celui de chiffrement"
    except x509.ExtensionNotFound:
        pass
    try:
        extended = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return ""
    fit = {ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    return "" if fit & set(extended) else "certificat qui n'est pas fait pour la messagerie (emailProtection)"
