"""Recipients' certificates from a folder: which one may a mail be enveloped for?

PEM (several a file), DER or PKCS#7, in ``.pem .crt .cer .der .p7b .p7c``, subfolders included. A certificate counts
for the addresses in its subject alternative name (rfc822Name), or, when it has none, in its subject (emailAddress).
Rules: RFC 8550 §3 (addresses) and §4.4 (key usage, extended key usage); RSA of 2048 bits and more, or P-256 and P-384.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from dispatcher.clock import Clock, SystemClock, paris
from dispatcher.directory.certificates.chain import Anchors, anchors, find_path, load_certificates, readable
from dispatcher.errors import DirectoryError
from dispatcher.ports import CertificateAnswer, RecipientCertificate

SUFFIXES = frozenset({".pem", ".crt", ".cer", ".der", ".p7b", ".p7c"})
MAX_BYTES = 1_000_000
"""Larger files are no certificates."""
REFRESH_SECONDS = 2.0
"""How often the folder is looked at, at most."""
CURVES = frozenset({"secp256r1", "secp384r1"})
RSA_BITS = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One certificate of the folder."""

    file: str
    """Path below the folder."""
    certificate: x509.Certificate = field(repr=False)
    addresses: tuple[str, ...]
    """Lower case."""
    fingerprint: str
    """SHA-256, hex."""
    fault: str = ""
    """French: why it can never be used; empty when only its dates decide."""

    @property
    def expires(self) -> datetime:
        """Aware UTC."""
        return self.certificate.not_valid_after_utc


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """A file or certificate nothing can be sent to, and why (French)."""

    file: str
    address: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """State of the folder on one date."""

    usable: tuple[Held, ...]
    expiring: tuple[Held, ...]
    """Usable, but not for long, and without a successor for the same address."""
    unusable: tuple[Unusable, ...]


@dataclass(slots=True)
class _Contents:
    held: tuple[Held, ...] = ()
    faults: tuple[Unusable, ...] = ()
    by_address: dict[str, tuple[Held, ...]] = field(default_factory=dict)
    between: tuple[x509.Certificate, ...] = ()
    """Authorities found in the folder: they may help to a pinned root, never be one."""


class CertificateFolder:
    """Answers :class:`dispatcher.ports.Certificates` from a folder, read again when a file in it changed. Thread-safe.

    ``issuers``: a file of pinned authorities (PEM, DER, PKCS#7); when given, a certificate counts only under one of its
    roots. A missing folder is an empty one.
    """

    def __init__(
        self,
        folder: Path,
        *,
        issuers: Path | None = None,
        clock: Clock | None = None,
        refresh_seconds: float = REFRESH_SECONDS,
    ) -> None:
        self.folder = folder
        self._issuers = issuers
        self._clock = clock or SystemClock()
        self._refresh = refresh_seconds
        self._lock = threading.Lock()
        self._looked: float | None = None
        self._stamp: tuple[tuple[str, int, int], ...] | None = None
        self._pinned: Anchors | None = None
        self._contents = _Contents()

    def find(self, address: str, at: datetime) -> RecipientCertificate | None:
        """The newest certificate usable for ``address`` at ``at`` (aware), or ``None``.

        Newest: latest beginning, then latest end. Raises :class:`DirectoryError` when the issuers' file is unusable.
        """
        wanted = address.strip().lower()
        good = [held for held in self._read().by_address.get(wanted, ()) if not self._why_not(held, at)]
        if not good:
            return None
        best = max(good, key=lambda held: (held.certificate.not_valid_before_utc, held.expires, held.fingerprint))
        return RecipientCertificate(address=wanted, certificate=best.certificate, fingerprint=best.fingerprint)

    def answer(self, address: str, at: datetime) -> CertificateAnswer:
        """As :meth:`find`, with what was found and may not be used."""
        chosen = self.find(address, at)
        if chosen is not None:
            return CertificateAnswer(chosen=chosen)
        held = self._read().by_address.get(address.strip().lower(), ())
        return CertificateAnswer(unusable=tuple(f"{one.file} : {self._why_not(one, at)}" for one in held))

    def survey(self, at: datetime, *, expiring_days: int = 30) -> Survey:
        """Everything in the folder: usable at ``at``, soon to expire, and unusable with the reason."""
        contents = self._read()
        usable, unusable = [], list(contents.faults)
        for held in contents.held:
            why = self._why_not(held, at)
            if why:
                unusable.append(Unusable(file=held.file, address=", ".join(held.addresses), reason=why))
            else:
                usable.append(held)
        limit = at + timedelta(days=expiring_days)
        lasting = {address for held in usable if held.expires >= limit for address in held.addresses}
        expiring = tuple(held for held in usable if held.expires < limit and not lasting >= set(held.addresses))
        return Survey(usable=tuple(usable), expiring=expiring, unusable=tuple(unusable))

    def _why_not(self, held: Held, at: datetime) -> str:
        if held.fault:
            return held.fault
        start, end = held.certificate.not_valid_before_utc, held.expires
        if at < start:
            return f"pas encore valable (à partir du {paris(start):%d/%m/%Y})"
        if at > end:
            return f"expiré depuis le {paris(end):%d/%m/%Y} ; demander le nouveau certificat au destinataire"
        if self._pinned is not None and not self._issued(held, at):
            return "émis par une autorité qui n'est pas parmi celles épinglées"
        return ""

    def _issued(self, held: Held, at: datetime) -> bool:
        assert self._pinned is not None
        path = find_path(held.certificate, self._pinned, self._contents.between, at, usage_required=False)
        return path is not None

    def _read(self) -> _Contents:
        with self._lock:
            now = self._clock.monotonic()
            if self._looked is not None and now - self._looked < self._refresh:
                return self._contents
            files = self._files()
            stamp = tuple((name, size, mtime) for name, size, mtime, _ in files)
            if stamp != self._stamp:
                self._pinned = _pinned(self._issuers)
                self._contents = _contents([(name, path) for name, _, _, path in files])
                self._stamp = stamp
            self._looked = now
            return self._contents

    def _files(self) -> list[tuple[str, int, int, Path]]:
        """Name, size, time of last change and path of every certificate file and of the issuers' file, sorted."""
        found = []
        paths = self.folder.rglob("*") if self.folder.is_dir() else ()
        for path in paths:
            name = path.relative_to(self.folder).as_posix()
            if path.suffix.lower() in SUFFIXES and not any(part.startswith(".") for part in Path(name).parts):
                found.append((name, path))
        if self._issuers is not None:
            found.append(("", self._issuers))
        stamped = []
        for name, path in sorted(found):
            try:
                state = path.stat()
            except OSError:
                continue  # gone since it was listed; its absence changes the stamp
            if path.is_file():
                stamped.append((name, state.st_size, state.st_mtime_ns, path))
        return stamped


def _pinned(path: Path | None) -> Anchors | None:
    if path is None:
        return None
    try:
        found = anchors(load_certificates(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise DirectoryError(
            f"{path.name} : autorités épinglées illisibles ({type(error).__name__}).", hint="Attendu : PEM, DER ou P7B."
        ) from error
    if not found.roots:
        raise DirectoryError(f"{path.name} ne contient aucune racine (auto-signée).", hint="Y ajouter la racine.")
    return found


def _contents(files: Iterable[tuple[str, Path]]) -> _Contents:
    held: list[Held] = []
    faults: list[Unusable] = []
    for name, path in files:
        if not name:
            continue
        try:
            content = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
        except OSError as error:
            faults.append(Unusable(file=name, address="", reason=f"illisible ({error.strerror or 'erreur disque'})"))
            continue
        if b"PRIVATE KEY-----" in content:
            faults.append(Unusable(file=name, address="", reason="contient une clé privée : la retirer d'ici"))
        try:
            held += [_held(name, certificate) for certificate in load_certificates(content)]
        except ValueError:
            faults.append(Unusable(file=name, address="", reason="ni certificat PEM, ni DER, ni P7B"))
    by_address: dict[str, tuple[Held, ...]] = {}
    for one in held:
        for address in one.addresses:
            by_address[address] = (*by_address.get(address, ()), one)
    authorities = [one for one in held if not one.addresses and _authority(one.certificate)]
    kept = tuple(one for one in held if one not in authorities)  # issuers that came along in a chain are no fault
    between = tuple(one.certificate for one in authorities)
    return _Contents(held=kept, faults=tuple(faults), by_address=by_address, between=between)


def _held(name: str, certificate: x509.Certificate) -> Held:
    addresses: tuple[str, ...] = ()
    fault = "certificat abîmé : sujet, clé ou extensions illisibles"
    if readable(certificate):
        addresses = addresses_of(certificate)
        fault = fault_of(certificate) if addresses else "aucune adresse de messagerie dans le certificat"
    return Held(
        file=name,
        certificate=certificate,
        addresses=addresses,
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        fault=fault,
    )


def addresses_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """Mail addresses, lower case."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found = names.get_values_for_type(x509.RFC822Name)
    except x509.ExtensionNotFound:
        found = []
    if not found:
        found = [str(item.value) for item in certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)]
    return tuple(dict.fromkeys(address.strip().lower() for address in found))


def _authority(certificate: x509.Certificate) -> bool:
    return readable(certificate) and _is_authority(certificate)


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def fault_of(certificate: x509.Certificate) -> str:
    """Why mail can never be enveloped for this certificate (French), or the empty string. Dates are not looked at."""
    if _is_authority(certificate):
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
