"""Revocation lists of the pinned authorities: files, and what was fetched of web addresses, with their dates.

Nothing is fetched here (``revocation_sync.py`` does): this is what sealing looks at. Whether a list carries its
issuer's signature is asked each time it is used (``chain.revocation``). RFC 5280 §5.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from dispatcher.directory.certificates.chain import load_crls
from dispatcher.errors import in_french
from dispatcher.settings.revocation import RevocationSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One place of the settings and what is held of it."""

    place: str
    """File or address, as in the settings."""
    lists: tuple[x509.CertificateRevocationList, ...] = field(default=(), repr=False)
    problem: str = ""
    """French: why nothing is held of it."""

    @property
    def until(self) -> datetime | None:
        """When the first of its lists is no longer up to date; None without a list or a date."""
        ends = [crl.next_update_utc for crl in self.lists]
        return min((end for end in ends if end is not None), default=None)


class RevocationLists:
    """The lists a site names. Thread-safe; reading never touches the network."""

    def __init__(self, settings: RevocationSettings, folder: Path) -> None:
        """``folder``: where fetched lists are kept."""
        self._settings, self._folder = settings, folder
        self._lock = threading.Lock()
        self._stamp: tuple[tuple[str, int, int], ...] | None = None
        self._listed: tuple[Listed, ...] = ()

    def current(self) -> tuple[x509.CertificateRevocationList, ...]:
        """Every list held, good or past its date."""
        return tuple(crl for one in self.listed() for crl in one.lists)

    def listed(self) -> tuple[Listed, ...]:
        """Each place of the settings; files are read again when they changed."""
        files = [(place, self.file_of(place)) for place in self._settings.lists]
        stamp = tuple((place, *_state(path)) for place, path in files)
        with self._lock:
            if stamp != self._stamp:
                self._listed = tuple(_read(place, path, is_url(place)) for place, path in files)
                self._stamp = stamp
            return self._listed

    def file_of(self, place: str) -> Path:
        """The file behind a place: itself, or where its fetched list is kept."""
        if not is_url(place):
            return Path(place)
        return self._folder / f"{hashlib.sha256(place.encode()).hexdigest()[:32]}.crl"


def is_url(place: str) -> bool:
    """To be fetched; everything else is a file."""
    return place.startswith(("http://", "https://", "ldap://", "ldaps://"))


def _state(path: Path) -> tuple[int, int]:
    try:
        state = path.stat()
    except OSError:
        return -1, -1
    return state.st_size, state.st_mtime_ns


def _read(place: str, path: Path, fetched: bool) -> Listed:
    try:
        return Listed(place=place, lists=parse(path.read_bytes()))
    except FileNotFoundError:
        why = "pas encore téléchargée : « dispatcher directory sync revocation »" if fetched else "fichier introuvable"
        return Listed(place=place, problem=why)
    except OSError as error:
        return Listed(place=place, problem=f"fichier illisible ({in_french(error)})")
    except ValueError:
        return Listed(place=place, problem="ce n'est pas une liste de révocation (PEM ou DER attendu)")


def parse(content: bytes) -> tuple[x509.CertificateRevocationList, ...]:
    """The lists in a file, looked into once so that damage shows now. Raises ``ValueError``."""
    try:
        found = load_crls(content)
        for crl in found:
            _ = (crl.issuer, crl.last_update_utc, crl.next_update_utc, list(crl.extensions), crl.signature)
    except (UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, TypeError) as error:
        raise ValueError("revocation list of an unknown kind") from error
    return found
