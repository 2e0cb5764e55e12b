"""Every key and certificate the configuration names, with dates and what is wrong: ``dispatcher keys list|check``.

Reads files only; nothing is sent anywhere. No key leaves this module: fingerprints, names and dates do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from dispatcher.errors import DispatcherError, KeyringError, SealError
from dispatcher.keyring.credentials import PEM_SUFFIXES, read_certificates, read_material
from dispatcher.keyring.files import public_bytes, read_channel
from dispatcher.keyring.master import MasterKey
from dispatcher.keyring.secret_files import read_bytes
from dispatcher.sealing import policy
from dispatcher.settings import Settings


class Kind(StrEnum):
    """What a key or certificate is for."""

    SIGNING = "signing"
    RECIPIENT = "recipient"
    TLS = "tls"
    """Our client certificate towards an operator."""
    AUTHORITY = "authority"
    """A pinned authority."""
    MASTER = "master"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInfo:
    """One line of the inventory."""

    kind: Kind
    owner: str
    """Channel, or where the configuration names it: ``channels.mss.client_cert``."""
    file: str
    subject: str = ""
    address: str = ""
    """Mail address in the certificate, for signing and recipient ones."""
    fingerprint: str = ""
    """SHA-256, hex; for the master key its id."""
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    days_left: int | None = None
    """Whole days until ``valid_to``, negative after; None for a key that another one stands in for today."""
    in_use: bool = False
    """The one that is used today."""
    problem: str = ""
    """French; empty when all is well. One fault is enough for ``keys check`` to fail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """A client certificate and its key, as the settings name them."""

    owner: str
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPlaces:
    """Where to look."""

    folder: Path
    master: Path
    signing_channels: tuple[str, ...] = ()
    """Channels that must have a signing key: the others sign only what they envelope, which may be nothing."""
    certificates: Path | None = None
    tls: tuple[TlsFiles, ...] = ()
    authorities: tuple[tuple[str, Path], ...] = ()


def places(settings: Settings) -> KeyPlaces:
    """The places a configuration names."""
    tls: list[TlsFiles] = []
    authorities: list[tuple[str, Path]] = [("trust.roots", settings.trust.roots)]
    for name, channel in settings.channels.items():
        for where, section in ((f"channels.{name}", channel), (f"channels.{name}.mailbox", channel.mailbox)):
            if section is None:
                continue
            if section.client_cert and section.client_key:
                tls.append(TlsFiles(owner=where, certificate=section.client_cert, key=section.client_key))
            if section.ca_file:
                authorities.append((where, section.ca_file))
    if settings.directory.issuers:
        authorities.append(("directory.issuers", settings.directory.issuers))
    for name, server in settings.directory.ldap.items():
        if server.client_cert and server.client_key:
            files = TlsFiles(owner=f"directory.ldap.{name}", certificate=server.client_cert, key=server.client_key)
            tls.append(files)
        if server.ca_file:
            authorities.append((f"directory.ldap.{name}", server.ca_file))
    signing = tuple(name for name, c in settings.channels.items() if c.sign and c.family == "smime")
    return KeyPlaces(
        folder=settings.keys.folder,
        master=settings.keys.master,
        signing_channels=signing,
        certificates=settings.directory.certificates,
        tls=tuple(tls),
        authorities=tuple(authorities),
    )


def list_keys(where: KeyPlaces, at: datetime) -> tuple[KeyInfo, ...]:
    """Everything found, faults included, in the order of :class:`Kind`. Never raises for a broken file."""
    return (
        *(info for channel in _channels(where) for info in _signing(where, channel, at)),
        *_recipients(where.certificates, at),
        *(_tls(files, at) for files in where.tls),
        *(info for owner, path in where.authorities for info in _authority(owner, path, at)),
        *_master(where.master),
    )


def _channels(where: KeyPlaces) -> tuple[str, ...]:
    """The channels of the settings, then folders nobody uses."""
    on_disk = sorted(p.name for p in where.folder.iterdir() if p.is_dir()) if where.folder.is_dir() else []
    return tuple(dict.fromkeys((*where.signing_channels, *on_disk)))


def certificate_info(
    kind: Kind, owner: str, file: Path, certificate: x509.Certificate, at: datetime, check: _Check | None = None
) -> KeyInfo:
    """One certificate; ``check`` raises :class:`SealError` for what is wrong with it."""
    problem = ""
    try:
        (check or _check_dates)(certificate, at)
    except SealError as error:
        problem = str(error)
    return KeyInfo(
        kind=kind,
        owner=owner,
        file=str(file),
        subject=subject_of(certificate),
        address=address_of(certificate),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        valid_from=certificate.not_valid_before_utc,
        valid_to=certificate.not_valid_after_utc,
        days_left=(certificate.not_valid_after_utc - at).days,
        problem=problem,
    )


_Check = Callable[[x509.Certificate, datetime], None]


def _check_dates(certificate: x509.Certificate, at: datetime) -> None:
    policy.check_dates(certificate, at, f"« {subject_of(certificate)} »")


def subject_of(certificate: x509.Certificate) -> str:
    """The common name, or the whole subject when there is none."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()


def address_of(certificate: x509.Certificate) -> str:
    """The mail address the certificate speaks for (RFC 8550 §3), lower case, or empty."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        addresses = names.get_values_for_type(x509.RFC822Name)
    except (x509.ExtensionNotFound, *policy.UNREADABLE):
        addresses = []
    if not addresses:
        addresses = [str(a.value) for a in certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)]
    return addresses[0].lower() if addresses else ""


def _signing(where: KeyPlaces, channel: str, at: datetime) -> Iterator[KeyInfo]:
    found = read_channel(where.folder / channel)
    used = next((key for key in found.keys if key.good_on(at)), None)
    for key in found.keys:
        info = certificate_info(Kind.SIGNING, channel, key.path, key.signer.certificate, at, policy.check_signer)
        old = used is not None and key is not used
        if old:
            info = replace(info, problem="", days_left=None)
        yield replace(info, in_use=key is used)
    for problem in found.problems:
        yield KeyInfo(kind=Kind.SIGNING, owner=channel, file=str(where.folder / channel), problem=str(problem))
    if channel in where.signing_channels and not found.keys and not found.problems:
        folder = where.folder / channel
        reason = f"Aucune clé de signature dans « {folder} » : « dispatcher keys import », ou « sign = false »."
        yield KeyInfo(kind=Kind.SIGNING, owner=channel, file=str(folder), problem=reason)


def _recipients(folder: Path | None, at: datetime) -> Iterator[KeyInfo]:
    if folder is None or not folder.is_dir():
        return
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in PEM_SUFFIXES and p.is_file()):
        try:
            held = read_certificates(read_bytes(path), str(path))
        except KeyringError as error:
            yield KeyInfo(kind=Kind.RECIPIENT, owner="directory.certificates", file=str(path), problem=str(error))
            continue
        for certificate in held:
            if address_of(certificate):  # the others are intermediates that came along
                yield certificate_info(
                    Kind.RECIPIENT, "directory.certificates", path, certificate, at, policy.check_recipient
                )


def _tls(files: TlsFiles, at: datetime) -> KeyInfo:
    owner = f"{files.owner}.client_cert"
    try:
        certificate = read_certificates(read_bytes(files.certificate), str(files.certificate))[0]
        info = certificate_info(Kind.TLS, owner, files.certificate, certificate, at)
        keys = read_material(files.key).keys
    except DispatcherError as error:
        return KeyInfo(kind=Kind.TLS, owner=owner, file=str(files.certificate), problem=str(error))
    mine = public_bytes(certificate.public_key())
    if not any(public_bytes(key.public_key()) == mine for key in keys):
        reason = f"La clé « {files.key} » ne correspond pas au certificat « {files.certificate} »."
        return replace(info, in_use=True, problem=reason)
    return replace(info, in_use=True)


def _authority(owner: str, path: Path, at: datetime) -> Iterator[KeyInfo]:
    try:
        held = read_certificates(read_bytes(path), str(path))
    except KeyringError as error:
        yield KeyInfo(kind=Kind.AUTHORITY, owner=owner, file=str(path), problem=str(error))
        return
    for certificate in held:
        yield replace(certificate_info(Kind.AUTHORITY, owner, path, certificate, at), in_use=True)


def _master(path: Path) -> Iterator[KeyInfo]:
    try:
        keys = MasterKey.load(path).keys
    except KeyringError as error:
        yield KeyInfo(kind=Kind.MASTER, owner="keys.master", file=str(path), problem=str(error))
        return
    for key in keys:
        yield KeyInfo(kind=Kind.MASTER, owner="keys.master", file=str(path), fingerprint=key.id, in_use=key is keys[-1])
