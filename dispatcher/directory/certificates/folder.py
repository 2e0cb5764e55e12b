"""Recipients' certificates in the laboratory's own folder.

PEM (several a file), DER or PKCS#7, in ``.pem .crt .cer .der .p7b .p7c``, subfolders included. A certificate counts
for the addresses in its subject alternative name (rfc822Name), or, when it has none, in its subject (emailAddress).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509

from dispatcher.clock import Clock, SystemClock
from dispatcher.directory.certificates.chain import load_certificates
from dispatcher.directory.certificates.fitness import only_an_issuer
from dispatcher.directory.certificates.found import FOLDER, Found, Unusable, found
from dispatcher.errors import in_french

SUFFIXES = frozenset({".pem", ".crt", ".cer", ".der", ".p7b", ".p7c"})
MAX_BYTES = 1_000_000
"""Larger files are no certificates."""
REFRESH_SECONDS = 2.0
"""How often the folder is looked at, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What lies in the folder."""

    found: tuple[Found, ...] = ()
    faults: tuple[Unusable, ...] = ()
    by_address: dict[str, tuple[Found, ...]] = field(default_factory=dict)
    between: tuple[x509.Certificate, ...] = ()
    """Authorities found in the folder: they may help to a pinned root, never be one."""


class CertificateFolder:
    """The folder, read again when a file in it changed. Thread-safe. A missing folder is an empty one."""

    def __init__(self, folder: Path, *, clock: Clock | None = None, refresh_seconds: float = REFRESH_SECONDS) -> None:
        self.folder = folder
        self._clock = clock or SystemClock()
        self._refresh = refresh_seconds
        self._lock = threading.Lock()
        self._looked: float | None = None
        self._stamp: tuple[tuple[str, int, int], ...] | None = None
        self._contents = Contents()

    def read(self) -> Contents:
        """As it was at most ``refresh_seconds`` ago."""
        with self._lock:
            now = self._clock.monotonic()
            if self._looked is not None and now - self._looked < self._refresh:
                return self._contents
            files = self._files()
            stamp = tuple((name, size, mtime) for name, size, mtime, _ in files)
            if stamp != self._stamp:
                self._contents = _contents([(name, path) for name, _, _, path in files])
                self._stamp = stamp
            self._looked = now
            return self._contents

    def _files(self) -> list[tuple[str, int, int, Path]]:
        """Name, size, time of last change and path of every certificate file, sorted."""
        listed = []
        paths = self.folder.rglob("*") if self.folder.is_dir() else ()
        for path in paths:
            name = path.relative_to(self.folder).as_posix()
            if path.suffix.lower() in SUFFIXES and not any(part.startswith(".") for part in Path(name).parts):
                listed.append((name, path))
        stamped = []
        for name, path in sorted(listed):
            try:
                state = path.stat()
            except OSError:
                continue  # gone since it was listed; its absence changes the stamp
            if path.is_file():
                stamped.append((name, state.st_size, state.st_mtime_ns, path))
        return stamped


def _contents(files: Iterable[tuple[str, Path]]) -> Contents:
    held: list[Found] = []
    faults: list[Unusable] = []
    for name, path in files:
        try:
            content = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
        except OSError as error:
            faults.append(_unusable(name, f"illisible ({in_french(error)})"))
            continue
        if b"PRIVATE KEY-----" in content:
            faults.append(_unusable(name, "contient une clé privée : la retirer d'ici"))
        try:
            held += [found(FOLDER, name, certificate) for certificate in load_certificates(content)]
        except ValueError:
            faults.append(_unusable(name, "ni certificat PEM, ni DER, ni P7B"))
    by_address: dict[str, tuple[Found, ...]] = {}
    for one in held:
        for address in one.addresses:
            by_address[address] = (*by_address.get(address, ()), one)
    authorities = [one for one in held if only_an_issuer(one.certificate)]
    kept = tuple(one for one in held if one not in authorities)  # issuers that came along in a chain are no fault
    between = tuple(one.certificate for one in authorities)
    return Contents(found=kept, faults=tuple(faults), by_address=by_address, between=between)


def _unusable(name: str, reason: str) -> Unusable:
    return Unusable(source=FOLDER, place=name, address="", reason=reason)
