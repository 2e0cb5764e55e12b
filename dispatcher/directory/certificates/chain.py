"""Paths of mail-protection certificates to pinned roots, and revocation lists, without any network.

Path building by ``cryptography.x509.verification`` with our own extension policy: its stock profiles are for TLS and
refuse ``emailProtection``. Revocation lists are checked by hand (signature, issuer, dates, serial number), each outcome
by its own name. RFC 5280 §6 (paths), §5 (CRL), §4.2.1.12 (extended key usage); RFC 8550 §4.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

MAX_DEPTH = 4
"""Intermediates between a certificate and its root; IGC-Santé has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchors:
    """Certificates a site pinned. Only self-signed ones are anchors; the others may stand in between."""

    roots: tuple[x509.Certificate, ...] = ()
    intermediates: tuple[x509.Certificate, ...] = ()


class Revocation(StrEnum):
    """What the revocation lists say of one certificate."""

    NOT_ASKED = "not-asked"
    """No list was given."""
    GOOD = "good"
    REVOKED = "revoked"
    NO_LIST = "no-list"
    """Lists were given, none by the certificate's issuer."""
    BAD_LIST = "bad-list"
    """The issuer's list does not carry the issuer's signature."""
    EXPIRED_LIST = "expired-list"
    """The issuer's list is past its ``nextUpdate``, or not yet valid."""


def load_certificates(content: bytes) -> tuple[x509.Certificate, ...]:
    """All certificates in PEM (several), DER or PKCS#7 bytes, in order. Raises ``ValueError`` when there is none."""
    try:
        if b"-----BEGIN CERTIFICATE-----" in content:
            return tuple(x509.load_pem_x509_certificates(content))
        if b"-----BEGIN PKCS7-----" in content:
            return tuple(pkcs7.load_pem_pkcs7_certificates(content))
        return load_der(content)
    except (UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise ValueError("certificate of an unknown kind") from error


def load_der(content: bytes) -> tuple[x509.Certificate, ...]:
    """One certificate in DER, or all of a PKCS#7 in DER. Raises ``ValueError`` when there is none."""
    if not content.startswith(b"\x30"):
        raise ValueError("neither PEM nor DER")
    try:
        return (x509.load_der_x509_certificate(content),)
    except (ValueError, x509.InvalidVersion):
        pass
    try:
        found = tuple(pkcs7.load_der_pkcs7_certificates(content))
    except (UnsupportedAlgorithm, x509.InvalidVersion):
        found = ()
    if not found:
        raise ValueError("no certificate")
    return found


def readable(certificate: x509.Certificate) -> bool:
    """Every part we look at can be read: the library decodes each only when asked, and raises then."""
    try:
        return (
            certificate.subject.rfc4514_string() is not None
            and certificate.issuer.rfc4514_string() is not None
            and certificate.public_key() is not None
            and certificate.extensions is not None
            and certificate.not_valid_before_utc <= certificate.not_valid_after_utc
            and certificate.signature_algorithm_oid is not None
        )
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return False


def load_crls(content: bytes) -> tuple[x509.CertificateRevocationList, ...]:
    """All revocation lists in PEM (several) or DER bytes. Raises ``ValueError`` when there is none."""
    blocks = re.findall(rb"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----", content, re.DOTALL)
    try:
        if blocks:
            return tuple(x509.load_pem_x509_crl(block) for block in blocks)
        return (x509.load_der_x509_crl(content),)
    except (UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise ValueError("revocation list of an unknown kind") from error


def anchors(certificates: Iterable[x509.Certificate]) -> Anchors:
    """Sort pinned certificates into roots (self-signed) and intermediates."""
    roots: list[x509.Certificate] = []
    between: list[x509.Certificate] = []
    for certificate in certificates:
        (roots if _self_signed(certificate) else between).append(certificate)
    return Anchors(roots=tuple(roots), intermediates=tuple(between))


def _self_signed(certificate: x509.Certificate) -> bool:
    if certificate.issuer != certificate.subject:
        return False
    try:
        certificate.verify_directly_issued_by(certificate)
    except Exception:
        return False
    return True


def _is_mail_protection(_policy: Policy, _cert: x509.Certificate, usage: x509.ExtendedKeyUsage) -> None:
    if ExtendedKeyUsageOID.EMAIL_PROTECTION not in usage:
        raise ValueError("extended key usage is not emailProtection")


def _is_no_authority(_policy: Policy, _cert: x509.Certificate, constraints: x509.BasicConstraints | None) -> None:
    if constraints is not None and constraints.ca:
        raise ValueError("certificate of an authority")


def _is_authority(_policy: Policy, _cert: x509.Certificate, constraints: x509.BasicConstraints) -> None:
    if not constraints.ca:
        raise ValueError("not an authority")


def _may_sign_certificates(_policy: Policy, _cert: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("authority without keyCertSign")


def _may_issue_for_mail(_policy: Policy, _cert: x509.Certificate, usage: x509.ExtendedKeyUsage | None) -> None:
    purposes = (ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
    if usage is not None and not any(purpose in usage for purpose in purposes):
        raise ValueError("authority for another purpose than mail")


def _authorities() -> ExtensionPolicy:
    """What RFC 5280 §6.1.4 asks of an authority. Not the library's web profile: that one also wants key identifiers and
    key usages that a national PKI may do without. An extended key usage, when there is one, must allow mail, as openssl
    asks of every authority of a path.
    """
    policy = ExtensionPolicy.permit_all()
    policy = policy.require_present(x509.BasicConstraints, Criticality.AGNOSTIC, _is_authority)
    policy = policy.may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _may_issue_for_mail)
    return policy.may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _may_sign_certificates)


def find_path(
    certificate: x509.Certificate,
    pinned: Anchors,
    between: Iterable[x509.Certificate],
    at: datetime,
    *,
    usage_required: bool = True,
) -> tuple[x509.Certificate, ...] | None:
    """Certificate, intermediates, root: a valid path at ``at`` (aware), or ``None``.

    ``between`` are unproven intermediates (they may help, never anchor). The certificate must be no authority's and,
    with ``usage_required``, for emailProtection; keys and hashes follow the library's defaults (RSA from 2048, SHA-2).
    """
    if not pinned.roots:
        return None
    end = ExtensionPolicy.permit_all()
    if usage_required:
        end = end.require_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _is_mail_protection)
    end = end.may_be_present(x509.BasicConstraints, Criticality.AGNOSTIC, _is_no_authority)
    builder = PolicyBuilder().store(Store(list(pinned.roots))).time(at.astimezone(UTC).replace(tzinfo=None))
    builder = builder.max_chain_depth(MAX_DEPTH)
    builder = builder.extension_policies(ca_policy=_authorities(), ee_policy=end)
    try:
        found = builder.build_client_verifier().verify(certificate, [*pinned.intermediates, *between])
    except VerificationError:
        return None
    return tuple(found.chain)


def revocation(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    crls: Iterable[x509.CertificateRevocationList],
    at: datetime,
) -> Revocation:
    """What ``crls`` say of ``certificate`` at ``at``. Any list its issuer signed may revoke it; only a whole one that
    covers it can clear it, and of several the newest counts.
    """
    given = tuple(crls)
    if not given:
        return Revocation.NOT_ASKED
    theirs = sorted((crl for crl in given if crl.issuer == issuer.subject), key=lambda crl: crl.last_update_utc)
    if not theirs:
        return Revocation.NO_LIST
    signed = [crl for crl in theirs if _may_sign_lists(issuer) and signed_by(crl, issuer)]
    if not signed:
        return Revocation.BAD_LIST
    if any(crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None for crl in signed):
        return Revocation.REVOKED
    whole = [crl for crl in signed if _covers(crl, certificate)]
    if not whole:
        return Revocation.NO_LIST
    newest = whole[-1]
    if newest.last_update_utc > at or newest.next_update_utc is None or newest.next_update_utc < at:
        return Revocation.EXPIRED_LIST
    return Revocation.GOOD


def signed_by(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    """The list carries the signature of ``issuer``."""
    try:
        return crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
    except (TypeError, ValueError, UnsupportedAlgorithm):  # a kind of key or signature that signs no list
        return False


def signed_by_one_of(crl: x509.CertificateRevocationList, pinned: Anchors) -> bool:
    """An authority a site pinned, of the list's issuer name and in right of signing lists, signed it."""
    authorities = (one for one in (*pinned.roots, *pinned.intermediates) if one.subject == crl.issuer)
    return any(is_authority(one) and _may_sign_lists(one) and signed_by(crl, one) for one in authorities)


def _may_sign_lists(issuer: x509.Certificate) -> bool:
    """RFC 5280 §6.3.3 (f): a key usage, when there is one, must hold cRLSign."""
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True


def _covers(crl: x509.CertificateRevocationList, certificate: x509.Certificate) -> bool:
    """The list is a whole one, and speaks of certificates like this one (RFC 5280 §5.2.4, §5.2.5)."""
    try:
        extensions = list(crl.extensions)
    except (ValueError, x509.DuplicateExtension):
        return False
    for extension in extensions:
        value = extension.value
        if isinstance(value, x509.DeltaCRLIndicator):
            return False
        if isinstance(value, x509.IssuingDistributionPoint):
            if not _scope_covers(value, certificate):
                return False
        elif extension.critical:
            return False  # one we do not understand: such a list clears nobody
    return True


def _scope_covers(scope: x509.IssuingDistributionPoint, certificate: x509.Certificate) -> bool:
    partial = scope.only_some_reasons or scope.indirect_crl or scope.only_contains_attribute_certs
    if partial or scope.relative_name is not None:
        return False
    authority = is_authority(certificate)
    if (scope.only_contains_ca_certs and not authority) or (scope.only_contains_user_certs and authority):
        return False
    return not scope.full_name or bool(set(scope.full_name) & set(_points(certificate)))


def _points(certificate: x509.Certificate) -> list[x509.GeneralName]:
    """Where the certificate says its revocation lists are."""
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return []
    return [name for point in points for name in point.full_name or ()]


def is_authority(certificate: x509.Certificate) -> bool:
    """It may issue certificates (basic constraints, RFC 5280 §4.2.1.9)."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
