"""A certificate as a source gave it: where it was, whose it is, what is wrong with it whatever the day."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from dispatcher.directory.certificates.chain import readable
from dispatcher.directory.certificates.fitness import DAMAGED, addresses_of, fault_of
from dispatcher.routing.sources import label

FOLDER = "folder"
"""Name of the laboratory's own folder as a source."""


def where(source: str, place: str) -> str:
    """How a person reads the place of a certificate (French)."""
    return place if source == FOLDER else f"{label(source)} ({place})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One certificate."""

    source: str
    """:data:`FOLDER` or ``ldap-NAME``."""
    place: str
    """Path below the folder, or the attribute."""
    certificate: x509.Certificate = field(repr=False)
    addresses: tuple[str, ...]
    """Lower case."""
    fingerprint: str
    """SHA-256, hex."""
    fault: str = ""
    """French: why it can never be used; empty when only dates, issuer and revocation decide."""
    rank: int = 0
    """Of two places of one source the lower is preferred."""

    @property
    def begins(self) -> datetime:
        """Aware UTC."""
        return self.certificate.not_valid_before_utc

    @property
    def expires(self) -> datetime:
        """Aware UTC."""
        return self.certificate.not_valid_after_utc

    @property
    def issuer(self) -> str:
        """Common name of who issued it; empty when it cannot be read."""
        try:
            names = self.certificate.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
            return str(names[0].value) if names else self.certificate.issuer.rfc4514_string()
        except ValueError:
            return ""

    @property
    def where(self) -> str:
        """French."""
        return where(self.source, self.place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """A file, value or certificate nothing can be sent to, and why (French)."""

    source: str
    place: str
    address: str
    reason: str
    standing: str = ""
    """Value of :class:`dispatcher.directory.certificates.judging.Standing`, when it was judged."""

    @property
    def where(self) -> str:
        """French."""
        return where(self.source, self.place)


def found(source: str, place: str, certificate: x509.Certificate, rank: int = 0) -> Found:
    """Look at a certificate. A damaged one bears no address."""
    addresses: tuple[str, ...] = ()
    fault = DAMAGED
    if readable(certificate):
        addresses = addresses_of(certificate)
        fault = fault_of(certificate) if addresses else "aucune adresse de messagerie dans le certificat"
    return Found(
        source=source,
        place=place,
        certificate=certificate,
        addresses=addresses,
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        fault=fault,
        rank=rank,
    )
