"""Fetching the signed list from its web address: bounded, conditional, towards one server; judged before it counts.

What is downloaded is worth nothing until the list's own signature says so (:mod:`.kept`); TLS only keeps the line to
the server honest. The server's certificate stands under IGC-Santé, which no public store holds (mssante.md §2): hence
``ca_file``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urljoin

from dispatcher.clock import Clock
from dispatcher.directory.syncing.base import Progress, Schedule, SyncReport, silent
from dispatcher.directory.syncing.web import Answer, Server, place
from dispatcher.directory.trust.allowed_domains import Trust, verify
from dispatcher.directory.trust.content import Content
from dispatcher.directory.trust.kept import KIND, SYNC, Retention, difference, generated_of, import_list
from dispatcher.directory.trust.signed_list import MAX_BYTES
from dispatcher.errors import DirectoryError, StoreError, TrustError
from dispatcher.ports import Store
from dispatcher.settings import TrustSettings
from dispatcher.whole_file import put

log = logging.getLogger(__name__)

NAME = "allowed-domains"
MAX_HOPS = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})
IN_FORCE_STAYS = "La liste en service reste en service ; « dispatcher trust show » la montre."


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the server said of the list taken last, to ask only for a newer one (RFC 9110 §13.1)."""

    version: str = ""
    etag: str = ""
    modified: str = ""
    url: str = ""

    def headers(self) -> dict[str, str]:
        """For the next request."""
        asked = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in asked.items() if value}


class TrustSync:
    """The list of allowed domains as a source that is fetched; answers :class:`dispatcher.directory.syncing.base.Sync`.

    Without ``[trust] url`` it is never due: a person brings the list, and only its age is watched.
    """

    name = NAME
    title = "Liste blanche"

    def __init__(self, settings: TrustSettings, folder: Path, store: Store, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self.target = folder / f"{NAME}.xml"
        """No list stands there (it is in the store); lock and state of the runs stand beside."""

    @property
    def schedule(self) -> Schedule:
        """When it is due, when its age is worth a word, and when nothing leaves any more."""
        wanted = self._settings
        return Schedule(
            at=wanted.at,
            every_hours=wanted.every_hours,
            retry_minutes=wanted.retry_minutes,
            max_age_days=wanted.max_age_days,
            warn_age_days=min(wanted.warn_age_days, wanted.max_age_days),
            manual=not wanted.url,
            hint=(
                "Relancer par « dispatcher trust sync » ; au-delà de la limite, plus rien ne part."
                if wanted.url
                else "Télécharger la liste du jour, puis « dispatcher trust import FICHIER » ; au-delà de la limite, "
                "plus rien ne part."
            ),
        )

    def as_of(self) -> datetime | None:
        """Date of the list in force, whoever brought it."""
        try:
            with self._store.reading() as uow:
                newest = next(iter(uow.reference.versions(KIND)), None)
        except StoreError as error:
            raise DirectoryError(error.message, hint=error.hint, code=error.code) from error
        return generated_of(newest.version) if newest else None

    def run(self, *, full: bool = False, force: bool = False, progress: Progress = silent) -> SyncReport:
        """Download and judge; an accepted list is in force at once. ``full``: even when the server has nothing newer.

        Raises :class:`DirectoryError` for a download that failed or a list that was refused: the one in force stays.
        """
        del force  # a list is never taken against its verdict
        wanted = self._settings
        if not wanted.url:
            raise DirectoryError(
                "Aucune adresse n'est configurée pour la liste blanche.",
                hint="Renseigner « url » dans [trust], ou importer la liste : « dispatcher trust import FICHIER ».",
            )
        seen = Seen() if full else self._seen()
        try:
            trust = Trust.of(wanted.roots, wanted.signer_cn, wanted.crl)
        except TrustError as error:
            raise DirectoryError(error.message, hint=error.hint) from error
        answer = fetch(wanted, self._clock, seen.headers(), progress)
        return self._unchanged() if answer.status == 304 else self._take(answer, trust)

    def _take(self, answer: Answer, trust: Trust) -> SyncReport:
        now, wanted = self._clock.now(), self._settings
        keeping = Retention(versions=wanted.keep_versions, months=wanted.keep_months)
        with self._store.transaction() as uow:
            before = uow.reference.newest(KIND)
            verdict = import_list(answer.body, trust, uow.reference, now=now, actor=SYNC, retention=keeping)
            after = uow.reference.newest(KIND)
            others = {row.version for row in uow.reference.versions(KIND)[1:]}
        if not verdict.accepted and verdict.version in others and _newer(verdict.version, after):
            return self._unchanged(fetched=len(answer.body), notes=verdict.reasons)  # a person put it aside: no alarm
        if not verdict.accepted or after is None:
            reasons = " ".join(verdict.reasons)
            raise DirectoryError(
                f"La liste téléchargée est refusée : {reasons}", hint=IN_FORCE_STAYS, code="list-refused"
            )
        self._remember(after[0], answer)
        if before is not None and before[0] == after[0]:
            return self._unchanged(fetched=len(answer.body))
        held = verify(before[1], trust, now=now, still_valid=False).content if before else None
        found = difference(held or Content(generated=None), verdict.content or Content(generated=None))
        log.info("list of allowed domains %s: %d added, %d removed", after[0], len(found.added), len(found.removed))
        return SyncReport(
            name=NAME,
            full=True,
            version=after[0],
            as_of=generated_of(after[0]) or now,
            rows=verdict.domains,
            previous_rows=len(held.names) if held else None,
            fetched=len(answer.body),
            gone=len(found.removed),
            notes=(f"{found.in_words()}.", *verdict.notes),
        )

    def _unchanged(self, fetched: int = 0, notes: tuple[str, ...] = ()) -> SyncReport:
        now = self._clock.now()
        with self._store.reading() as uow:
            newest = next(iter(uow.reference.versions(KIND)), None)
        if newest is None:
            raise DirectoryError("Le serveur dit la liste inchangée, mais aucune n'est en service.", hint=_FULL)
        as_of = generated_of(newest.version) or now
        return SyncReport(
            name=NAME,
            full=False,
            changed=False,
            version=newest.version,
            as_of=as_of,
            rows=0,
            fetched=fetched,
            notes=notes,
        )

    @property
    def _notes(self) -> Path:
        return self.target.with_suffix(".http.json")

    def _seen(self) -> Seen:
        """As remembered, when that list is still the one in force; else nothing, and everything is asked again."""
        try:
            found = json.loads(self._notes.read_text(encoding="utf-8"))
            seen = Seen(**{name: str(found.get(name) or "") for name in ("version", "etag", "modified", "url")})
        except (OSError, ValueError, AttributeError):
            return Seen()
        with self._store.reading() as uow:
            newest = next(iter(uow.reference.versions(KIND)), None)
        same = newest is not None and newest.version == seen.version and seen.url == self._settings.url
        return seen if same else Seen()

    def _remember(self, version: str, answer: Answer) -> None:
        seen = {
            "version": version,
            "etag": answer.headers.get("etag", ""),
            "modified": answer.headers.get("last-modified", ""),
            "url": self._settings.url,
        }
        try:
            put(self._notes, json.dumps(seen, indent=1).encode())
        except OSError as error:
            log.warning("what the server said of the list is not remembered: %s", type(error).__name__)


def _newer(version: str, held: tuple[str, bytes] | None) -> bool:
    one, other = generated_of(version), generated_of(held[0]) if held else None
    return one is not None and other is not None and one > other


_FULL = "« dispatcher trust sync --full » la demande de nouveau."


def fetch(settings: TrustSettings, clock: Clock, headers: Mapping[str, str], progress: Progress = silent) -> Answer:
    """GET ``settings.url``; status 200 or 304. A redirection is followed on the very same server only.

    Raises :class:`DirectoryError`: no line, certificate not accepted, another status, more than :data:`MAX_BYTES`.
    """
    server = Server(settings.url, settings, clock, headers)
    address, path = settings.url, server.path
    try:
        for _ in range(MAX_HOPS):
            progress("téléchargement de la liste blanche", 0, None)
            answer = server.get(
                path,
                accept="application/xml, text/xml, */*;q=0.1",
                max_bytes=MAX_BYTES,
                tick=lambda: progress("téléchargement de la liste blanche", 0, None),
            )
            if answer.status not in REDIRECTS:
                return _good(answer, server.place.host)
            address = urljoin(address, answer.headers.get("location", ""))
            path = _same_server(address, server)
    finally:
        server.close()
    raise DirectoryError(f"{server.place.host} : trop de redirections.", hint="Vérifier « url » dans [trust].")


def _same_server(address: str, server: Server) -> str:
    """Path of a redirection that stays where it was. Raises :class:`DirectoryError` for any other."""
    try:
        where, path = place(address)
    except ValueError:
        where, path = None, ""
    if where != server.place:
        raise DirectoryError(
            f"{server.place.host} : redirection vers un autre serveur, refusée.",
            hint="Vérifier « url » dans [trust] : l'adresse de la liste a peut-être changé.",
        )
    return path


def _good(answer: Answer, host: str) -> Answer:
    if answer.status in {200, 304}:
        return answer
    raise DirectoryError(f"{host} : réponse HTTP {answer.status} au lieu de la liste.", hint=IN_FORCE_STAYS)
