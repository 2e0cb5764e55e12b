"""Fetching revocation lists: by ``dispatcher directory sync`` and the service's tick, never while a mail is sealed.

A list that comes in replaces the one held only when it can be read, carries the signature of a pinned authority, is of
the same authorities as the one held, is not older, not from the future and not past its date; so the last good one
stays: it may come over plain http, and what somebody puts in its place must not clear a revoked certificate.
RFC 5280 §5, §6.3.3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from dispatcher.clock import Clock, paris
from dispatcher.directory.certificates.chain import Anchors, anchors, load_certificates, signed_by_one_of
from dispatcher.directory.certificates.revocation_lists import RevocationLists, is_url, parse
from dispatcher.directory.ldap.urls import fetch as fetch_ldap
from dispatcher.directory.syncing import state
from dispatcher.directory.syncing.base import Progress, Schedule, SyncReport, silent
from dispatcher.directory.syncing.web import Server
from dispatcher.errors import DirectoryError, in_french
from dispatcher.settings.revocation import RevocationSettings
from dispatcher.whole_file import put

MAX_BYTES = 50_000_000
SKEW = timedelta(minutes=10)
"""Clocks differ."""
_DER = "application/pkix-crl, application/octet-stream, */*"


class RevocationSync:
    """Fetches the lists that have an address; a :class:`dispatcher.directory.syncing.base.Sync`."""

    name = "revocation"
    title = "Listes de révocation"

    def __init__(
        self, settings: RevocationSettings, folder: Path, clock: Clock, *, issuers: Path | None = None
    ) -> None:
        """``issuers``: file of the pinned authorities; without one no signature can be judged (nor any revocation)."""
        self._settings, self._clock, self._issuers = settings, clock, issuers
        self._lists = RevocationLists(settings, folder)
        self.target = folder / "revocation"

    @property
    def schedule(self) -> Schedule:
        """As the settings say."""
        wanted = self._settings
        return Schedule(
            at=wanted.at,
            every_hours=wanted.every_hours,
            retry_minutes=wanted.retry_minutes,
            max_age_days=wanted.max_age_days,
        )

    def as_of(self) -> datetime | None:
        """When all lists were last looked for with success."""
        return state.load(self.target).as_of

    def run(self, *, full: bool = False, force: bool = False, progress: Progress = silent) -> SyncReport:
        """Fetch each; what comes in well is kept even when another fails, which is then told by raising."""
        now, faults, changed = self._clock.now(), list[DirectoryError](), 0
        places = [place for place in self._settings.lists if is_url(place)]
        for number, place in enumerate(places):
            progress(self.title, number, len(places))
            try:
                changed += self._renew(place, now)
            except DirectoryError as error:
                faults.append(error)
        if faults:
            told = " ".join(error.message for error in faults)
            raise DirectoryError(f"Listes de révocation : {told}", hint=faults[0].hint, code=faults[0].code)
        held = self._lists.current()
        digest = hashlib.sha256(b"".join(crl.fingerprint(hashes.SHA256()) for crl in held)).hexdigest()[:12]
        return SyncReport(
            name=self.name,
            full=True,
            changed=bool(changed),
            version=f"{paris(now):%Y-%m-%d %H:%M} {digest}",
            as_of=now,
            rows=len(held),
            fetched=len(places),
        )

    def _renew(self, place: str, now: datetime) -> bool:
        """True when a newer one is held now. Raises :class:`DirectoryError`; the one held stays."""
        content = self._fetch(place)
        try:
            new = parse(content)
        except ValueError as error:
            raise _refused(place, "ce n'est pas une liste de révocation") from error
        if any(crl.next_update_utc is not None and crl.next_update_utc < now for crl in new):
            raise _refused(place, "la liste publiée n'est déjà plus à jour")
        if any(crl.last_update_utc > now + SKEW for crl in new):
            raise _refused(place, "la liste publiée est datée dans l'avenir (ou l'horloge de cette machine retarde)")
        if not self._signed(new):
            raise _refused(
                place,
                "la liste n'est signée par aucune autorité épinglée qui en ait le droit (« directory.issuers »)",
            )
        path = self._lists.file_of(place)
        try:
            held = path.read_bytes() if path.is_file() else b""
            if held == content:
                return False
            if held and _issuers(held) - {crl.issuer for crl in new}:
                raise _refused(place, "la liste publiée est celle d'une autre autorité que celle que nous avons")
            if held and _older(new, held):
                raise _refused(place, "la liste publiée est plus ancienne que celle que nous avons")
            put(path, content)
        except OSError as error:
            raise DirectoryError(
                f"{path.name} : liste de révocation non enregistrée ({in_french(error)}).",
                hint="Vérifier la place libre et les droits du dossier des certificats.",
            ) from error
        return True

    def _signed(self, new: Iterable[x509.CertificateRevocationList]) -> bool:
        pinned = read_anchors(self._issuers)
        return pinned is None or all(signed_by_one_of(crl, pinned) for crl in new)

    def _fetch(self, place: str) -> bytes:
        if place.startswith("ldap"):
            return fetch_ldap(place, self._settings)
        server = Server(place, self._settings, self._clock)
        try:
            answer = server.get(server.path, accept=_DER, max_bytes=MAX_BYTES)
        finally:
            server.close()
        if answer.status != 200:
            raise _refused(place, f"le serveur répond {answer.status}")
        return answer.body


def read_anchors(issuers: Path | None) -> Anchors | None:
    """The pinned authorities of that file; None without one. Raises :class:`DirectoryError`."""
    if issuers is None:
        return None
    try:
        return anchors(load_certificates(issuers.read_bytes()))
    except (OSError, ValueError) as error:
        raise DirectoryError(
            f"{issuers.name} : autorités épinglées illisibles ({type(error).__name__}).",
            hint="Attendu : PEM, DER ou P7B ; voir « directory.issuers ».",
        ) from error


def _issuers(held: bytes) -> set[x509.Name]:
    try:
        return {crl.issuer for crl in parse(held)}
    except ValueError:
        return set()


def _older(new: Iterable[x509.CertificateRevocationList], held: bytes) -> bool:
    """One of ``new`` was made before the list of the same issuer that is held."""
    try:
        before = {crl.issuer: crl.last_update_utc for crl in parse(held)}
    except ValueError:
        return False
    return any(crl.issuer in before and crl.last_update_utc < before[crl.issuer] for crl in new)


def _refused(place: str, why: str) -> DirectoryError:
    return DirectoryError(
        f"{place} : {why}.",
        hint="La liste en service est gardée. Vérifier « directory.revocation.lists ».",
        code="revocation-list",
    )
