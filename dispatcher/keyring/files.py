"""Our signing keys, in files: ``<keys.folder>/<channel>/*.pem`` or ``*.p12`` (see :mod:`.credentials`).

Several per channel may lie there at once, so that next year's is installed early: the newest whose certificate is good
on the date is used. One broken file does not hide a good one; when none is left, the error tells all of them.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from dispatcher.errors import KeyringError
from dispatcher.keyring.credentials import P12_SUFFIXES, PEM_SUFFIXES, Material, read_material
from dispatcher.ports import Signer
from dispatcher.sealing import policy

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

_MAX_CHAIN = 5
_State = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """One usable pair of a channel, and the file it comes from."""

    signer: Signer
    path: Path

    @property
    def valid_from(self) -> datetime:
        return self.signer.certificate.not_valid_before_utc

    @property
    def valid_to(self) -> datetime:
        return self.signer.certificate.not_valid_after_utc

    def good_on(self, at: datetime) -> bool:
        """The certificate's dates include ``at``."""
        return self.valid_from <= at <= self.valid_to


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelKeys:
    """Everything found in a channel's folder, newest first, and what could not be used."""

    keys: tuple[SigningKey, ...] = ()
    readers: tuple[Signer, ...] = ()
    """Every key with its certificate, those that may not sign too."""
    problems: tuple[KeyringError, ...] = ()


class FileKeyring:
    """:class:`dispatcher.ports.Keyring` over a folder. Files are read again when one of them changes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._known: dict[str, tuple[_State, ChannelKeys]] = {}

    def signer(self, channel: str, at: datetime) -> Signer:
        """The newest key good on ``at`` (aware).

        Raises :class:`KeyringError`: ``no-key``, ``expired-key``, ``not-yet-valid-key``, or what is wrong with the only
        file there; the message names files and dates.
        """
        found = self.channel(channel)
        for key in found.keys:
            if key.good_on(at):
                return key.signer
        raise self._none(channel, found, at)

    def channel(self, channel: str) -> ChannelKeys:
        """All keys of one channel."""
        folder = self.folder / channel
        state = _state(folder)
        with self._lock:
            known = self._known.get(channel)
            if known is None or known[0] != state:
                known = (state, read_channel(folder))
                self._known[channel] = known
        return known[1]

    def readers(self, channel: str) -> tuple[Signer, ...]:
        """Every key of a channel with its certificate, newest first."""
        return self.channel(channel).readers

    def _none(self, channel: str, found: ChannelKeys, at: datetime) -> KeyringError:
        folder = self.folder / channel
        details = " ".join(str(problem) for problem in found.problems)
        if found.keys:
            newest = found.keys[0]
            dates = f"valable du {newest.valid_from:%d/%m/%Y} au {newest.valid_to:%d/%m/%Y}"
            late = any(key.valid_from > at for key in found.keys)
            return KeyringError(
                f"Canal « {channel} » : aucune clé de signature valable le {at:%d/%m/%Y}. La plus récente, "
                f"« {newest.path.name} », est {dates}. {details}".rstrip(),
                hint="Vérifier la date de la machine."
                if late
                else "Installer la clé renouvelée : « dispatcher keys import ».",
                code="not-yet-valid-key" if late else "expired-key",
            )
        if found.problems:
            return KeyringError(
                f"Canal « {channel} » : aucune clé de signature utilisable. {details}",
                hint="« dispatcher keys check » les vérifie toutes.",
                code=found.problems[0].code,
            )
        return KeyringError(
            f"Canal « {channel} » : aucune clé de signature dans « {folder} ».",
            hint=f"« dispatcher keys import FICHIER.p12 --channel {channel} », ou « sign = false » pour ce canal.",
            code="no-key",
        )


def _state(folder: Path) -> _State:
    """Names, times, sizes and rights of the folder's files: what tells that something changed."""
    try:
        entries = [(path.name, path.stat()) for path in folder.iterdir()]
    except OSError:
        return ()
    return tuple(sorted((name, found.st_mtime_ns, found.st_size, found.st_mode) for name, found in entries))


def read_channel(folder: Path) -> ChannelKeys:
    """Read every file of a channel's folder and match keys with certificates; a missing folder holds nothing."""
    problems: list[KeyringError] = []
    read: list[tuple[Path, Material]] = []
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    for path in paths:
        if path.suffix.lower() not in PEM_SUFFIXES | P12_SUFFIXES or path.name.startswith("."):
            continue
        try:
            read.append((path, read_material(path)))
        except KeyringError as error:
            problems.append(error)
    pool = tuple(dict.fromkeys(c for _, material in read for c in material.certificates))
    keys: dict[str, SigningKey] = {}
    readers: dict[str, Signer] = {}
    for path, material in read:
        for private in material.keys:
            mine = [c for c in pool if public_bytes(c.public_key()) == public_bytes(private.public_key())]
            readers |= {pair.fingerprint: pair for pair in (_pair(private, c, pool) for c in mine)}
            usable = [c for c in mine if policy.may_sign(c) and policy.is_for_mail(c)]
            if not usable:
                problems.append(_unmatched(path, bool(mine)))
            for certificate in usable:
                pair = _pair(private, certificate, pool)
                keys.setdefault(pair.fingerprint, SigningKey(signer=pair, path=path))
    ordered = sorted(keys.values(), key=lambda key: (key.valid_from, key.valid_to), reverse=True)
    newest = sorted(readers.values(), key=lambda pair: pair.certificate.not_valid_before_utc, reverse=True)
    return ChannelKeys(keys=tuple(ordered), readers=tuple(newest), problems=tuple(problems))


def public_bytes(key: object) -> bytes:
    """A public key as bytes, to compare two of them."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined,no-any-return]


def _unmatched(path: Path, known: bool) -> KeyringError:
    if known:
        return KeyringError(
            f"Le certificat de « {path} » n'est pas prévu pour signer du courrier (usages de la clé).",
            hint="Demander un certificat de signature de messagerie.",
            code="key-usage",
        )
    return KeyringError(
        f"La clé de « {path} » n'a pas de certificat correspondant dans son dossier.",
        hint="Déposer le certificat (PEM) à côté de la clé.",
        code="no-certificate",
    )


def _pair(private: PrivateKeyTypes, certificate: x509.Certificate, pool: tuple[x509.Certificate, ...]) -> Signer:
    return Signer(
        key=private,
        certificate=certificate,
        chain=chain_of(certificate, pool),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
    )


def chain_of(certificate: x509.Certificate, pool: tuple[x509.Certificate, ...]) -> tuple[x509.Certificate, ...]:
    """The intermediates above ``certificate`` that ``pool`` holds, nearest first, without the root."""
    chain: list[x509.Certificate] = []
    current = certificate
    while len(chain) < _MAX_CHAIN and current.issuer != current.subject:
        above = next((c for c in pool if c != current and _issued(c, current)), None)
        if above is None or above in chain or above.issuer == above.subject:
            break
        chain.append(above)
        current = above
    return tuple(chain)


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    if issuer.subject != certificate.issuer:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
