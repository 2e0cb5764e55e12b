"""A throw-away certificate authority: root, intermediate, and what they issue.

For the sandbox, rehearsals and tests. Never for production: every subject carries the organisation « ESSAI - NE PAS
UTILISER EN PRODUCTION », and nobody's trust list holds the root. Dates are handed in; nothing here reads a clock or
touches a disk (``keyring/authority.py`` writes the files). Profiles follow what the trust space asks (IGC-Santé
organisation certificates: ``emailProtection`` with digitalSignature + nonRepudiation for the signer of the list of
allowed domains; RFC 8550 §4.4 for S/MIME; RFC 5280 §4.2.1 for the extensions).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

TRIAL = "ESSAI - NE PAS UTILISER EN PRODUCTION"
"""Organisation (O) of every certificate made here."""

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class KeyKind(StrEnum):
    """Kinds of key pairs."""

    RSA_2048 = "rsa-2048"
    RSA_3072 = "rsa-3072"
    RSA_4096 = "rsa-4096"
    P256 = "p-256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a certificate may be used for: names of RFC 5280 key usages, and extended usages."""

    key: frozenset[str]
    extended: tuple[ObjectIdentifier, ...] = ()


SERVER = Usage(key=frozenset({"digital_signature", "key_encipherment"}), extended=(ExtendedKeyUsageOID.SERVER_AUTH,))
CLIENT = Usage(key=frozenset({"digital_signature"}), extended=(ExtendedKeyUsageOID.CLIENT_AUTH,))
SIGNER = Usage(
    key=frozenset({"digital_signature", "content_commitment"}), extended=(ExtendedKeyUsageOID.EMAIL_PROTECTION,)
)
"""Signs mail, and lists of allowed domains (mssante.md §2: digitalSignature + nonRepudiation, emailProtection)."""
RECIPIENT = Usage(key=frozenset({"key_encipherment"}), extended=(ExtendedKeyUsageOID.EMAIL_PROTECTION,))
RECIPIENT_EC = Usage(key=frozenset({"key_agreement"}), extended=(ExtendedKeyUsageOID.EMAIL_PROTECTION,))
ISSUER = Usage(key=frozenset({"key_cert_sign", "crl_sign"}))

_KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Subject alternative names."""

    addresses: tuple[str, ...] = ()
    """Mail addresses (rfc822Name)."""
    hosts: tuple[str, ...] = ()
    """Host names and IP addresses."""

    def general(self) -> list[x509.GeneralName]:
        """As X.509 wants them."""
        found: list[x509.GeneralName] = [x509.RFC822Name(address) for address in self.addresses]
        for host in self.hosts:
            try:
                found.append(x509.IPAddress(ipaddress.ip_address(host)))
            except ValueError:
                found.append(x509.DNSName(host))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A private key, its certificate and the intermediates above it (the root left out)."""

    key: Key = field(repr=False)
    certificate: x509.Certificate = field(repr=False)
    chain: tuple[x509.Certificate, ...] = field(default=(), repr=False)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, hex."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    def key_pem(self, passphrase: bytes | None = None) -> bytes:
        """PKCS#8 PEM, in clear unless a passphrase is given."""
        protection: serialization.KeySerializationEncryption = (
            serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
        )
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)

    def certificate_pem(self) -> bytes:
        """The certificate alone."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def chain_pem(self) -> bytes:
        """The certificate, then its intermediates: what a TLS server presents."""
        return b"".join(c.public_bytes(serialization.Encoding.PEM) for c in (self.certificate, *self.chain))

    def pkcs12(self, password: bytes, name: str = "dispatcher") -> bytes:
        """Key, certificate and intermediates as PKCS#12 under ``password``."""
        return pkcs12.serialize_key_and_certificates(
            name.encode(), self.key, self.certificate, self.chain, serialization.BestAvailableEncryption(password)
        )


def new_key(kind: KeyKind) -> Key:
    """A fresh private key."""
    if kind is KeyKind.P256:
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=int(kind.value.removeprefix("rsa-")))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """One certificate to make: the subject's key and name, the issuer's, the dates."""

    name: str
    key: Key
    usage: Usage
    names: Names
    not_before: datetime
    not_after: datetime
    issuer: Credential | None = None
    """None: signed by its own key."""
    path_length: int | None = None

    @property
    def is_authority(self) -> bool:
        return "key_cert_sign" in self.usage.key

    def subject(self) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, TRIAL),
                x509.NameAttribute(NameOID.COMMON_NAME, self.name[:64]),
            ]
        )

    def extensions(self) -> list[tuple[x509.ExtensionType, bool]]:
        """The extensions with their criticality, RFC 5280 §4.2.1."""
        issuer_key = self.issuer.key if self.issuer else self.key
        used = {name: name in self.usage.key for name in _KEY_USAGES}
        found: list[tuple[x509.ExtensionType, bool]] = [
            (x509.BasicConstraints(ca=self.is_authority, path_length=self.path_length), True),
            (x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), False),
        ]
        if any(used.values()):
            found.append((x509.KeyUsage(**used, encipher_only=False, decipher_only=False), True))
        if self.usage.extended:
            found.append((x509.ExtendedKeyUsage(self.usage.extended), False))
        if general := self.names.general():
            found.append((x509.SubjectAlternativeName(general), False))
        return found

    def make(self) -> Credential:
        issuer = self.issuer
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.subject())
            .issuer_name(issuer.certificate.subject if issuer else self.subject())
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.not_before)
            .not_valid_after(self.not_after)
        )
        for extension, critical in self.extensions():
            builder = builder.add_extension(extension, critical=critical)
        certificate = builder.sign(issuer.key if issuer else self.key, hashes.SHA256())
        above = (issuer.certificate, *issuer.chain) if issuer else ()
        return Credential(key=self.key, certificate=certificate, chain=tuple(c for c in above if c.issuer != c.subject))


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """Root and intermediate, and the dates their certificates are good for."""

    root: Credential
    intermediate: Credential
    not_before: datetime
    not_after: datetime

    @classmethod
    def create(cls, not_before: datetime, lifetime: timedelta = timedelta(days=3650), name: str = "ESSAI") -> Authority:
        """A new authority, good from ``not_before`` (aware) for ``lifetime``."""
        not_after = not_before + lifetime
        root = _Request(
            name=f"AC RACINE {name}",
            key=new_key(KeyKind.RSA_2048),
            usage=ISSUER,
            names=Names(),
            not_before=not_before,
            not_after=not_after,
        ).make()
        intermediate = _Request(
            name=f"AC {name} ORGANISATIONS",
            key=new_key(KeyKind.RSA_2048),
            usage=ISSUER,
            names=Names(),
            not_before=not_before,
            not_after=not_after,
            issuer=root,
            path_length=0,
        ).make()
        return cls(root=root, intermediate=intermediate, not_before=not_before, not_after=not_after)

    def issue(
        self,
        name: str,
        usage: Usage,
        names: Names | None = None,
        *,
        kind: KeyKind = KeyKind.RSA_2048,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
    ) -> Credential:
        """A certificate with the common name ``name``, for as long as the authority unless dates are given."""
        return _Request(
            name=name,
            key=new_key(kind),
            usage=usage,
            names=names or Names(),
            not_before=not_before or self.not_before,
            not_after=not_after or self.not_after,
            issuer=self.intermediate,
        ).make()

    def server(self, *hosts: str) -> Credential:
        """A TLS server; without names: ``localhost`` and ``127.0.0.1``."""
        hosts = hosts or ("localhost", "127.0.0.1")
        return self.issue(hosts[0], SERVER, Names(hosts=hosts))

    def client(self, name: str) -> Credential:
        """A TLS client (application mailbox)."""
        return self.issue(name, CLIENT, Names(hosts=(name,)))

    def signer(self, address: str, kind: KeyKind = KeyKind.RSA_2048) -> Credential:
        """Signs mail from ``address``."""
        return self.issue(address, SIGNER, Names(addresses=(address,)), kind=kind)

    def recipient(self, address: str, kind: KeyKind = KeyKind.RSA_2048) -> Credential:
        """Receives enveloped mail at ``address``."""
        usage = RECIPIENT_EC if kind is KeyKind.P256 else RECIPIENT
        return self.issue(address, usage, Names(addresses=(address,)), kind=kind)

    def list_signer(self, name: str = "alb.mssante.fr") -> Credential:
        """Signs a list of allowed domains; ``name`` is the common name pinned in the settings."""
        return self.issue(name, SIGNER, Names(addresses=("alb@mssante.fr",)))

    def trust_pem(self) -> bytes:
        """Root and intermediate: what a client pins."""
        return self.root.certificate_pem() + self.intermediate.certificate_pem()

    def crl(self, at: datetime, revoked: tuple[Credential, ...] = (), *, of_root: bool = False) -> bytes:
        """PEM revocation list of the intermediate (or the root), issued at ``at``, good for 7 days."""
        issuer = self.root if of_root else self.intermediate
        builder = x509.CertificateRevocationListBuilder(
            issuer_name=issuer.certificate.subject, last_update=at, next_update=at + timedelta(days=7)
        )
        for credential in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder(
                    serial_number=credential.certificate.serial_number, revocation_date=at
                ).build()
            )
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False
        ).add_extension(x509.CRLNumber(int(at.timestamp())), critical=False)
        return builder.sign(issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
