"""Full load and update of the FHIR API into its snapshot.

Source: Annuaire Santé FHIR documentation, version 2, « Synchronisation des ressources »: changes are asked for by
``_lastUpdated``, kept by the server for 30 days; a record that is over comes back with ``active`` false.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dispatcher.clock import Clock
from dispatcher.directory.fhir.boxes import LEFT
from dispatcher.directory.fhir.client import FhirClient, Page
from dispatcher.directory.fhir.holding import DamagedRecords, Holding
from dispatcher.directory.fhir.records import DEVICE, PERSON, ROLE, SERVICE, STRUCTURE, identity, in_force, record_of
from dispatcher.directory.snapshots import tables
from dispatcher.directory.snapshots.writing import ImportReport, Origin, Writer, writing
from dispatcher.directory.syncing.base import Progress, Schedule, SyncReport, rest, silent
from dispatcher.errors import DirectoryError
from dispatcher.routing.sources import FHIR
from dispatcher.settings.syncing import FhirSettings

log = logging.getLogger(__name__)

KEPT_BY_SERVER = timedelta(days=30)
"""Changes older than this are not told any more."""
MARGIN = timedelta(hours=12)
NEEDED = (PERSON, ROLE, STRUCTURE)
"""A full load in which one of these brings nothing is no directory."""
LABELS = {
    PERSON: "professionnels",
    ROLE: "activités",
    STRUCTURE: "structures",
    SERVICE: "services",
    DEVICE: "équipements",
}
MISSING_PERCENT = 5


@dataclass(frozen=True, slots=True)
class Since:
    """What the held snapshot allows to ask for."""

    at: datetime
    """Server's clock when the run before began."""
    full_at: datetime


class FhirSync:
    """The source ``fhir`` (:class:`dispatcher.directory.syncing.base.Sync`)."""

    name = FHIR
    title = "API Annuaire Santé"

    def __init__(self, settings: FhirSettings, folder: Path, clock: Clock, *, shrink_percent: float = 5.0) -> None:
        self._settings, self._clock, self._shrink = settings, clock, shrink_percent
        self.target = folder / f"{FHIR}.sqlite3"
        self.schedule = Schedule(
            at=settings.at,
            every_hours=settings.every_hours,
            retry_minutes=settings.retry_minutes,
            max_age_days=settings.max_age_days,
        )

    def run(self, *, full: bool = False, force: bool = False, progress: Progress = silent) -> SyncReport:
        """See :meth:`dispatcher.directory.syncing.base.Sync.run`."""
        since = None if full else self._since()
        if since is not None:
            try:
                return self._load(since, force, progress)
            except DamagedRecords:
                log.warning("directory %s: the records held are damaged; everything is fetched again", self.name)
        return self._load(None, force, progress)

    def _load(self, since: Since | None, force: bool, progress: Progress) -> SyncReport:
        """Raises :class:`DamagedRecords` before anything was asked for."""
        run = _Run(self._settings, self._clock, since, force, progress)
        with (
            closing(run.client),
            writing(self.target, now=self._clock.now()) as snapshot,
            snapshot.own_tables() as database,
        ):
            holding = Holding(database)
            if since is not None:
                holding.take_over(self.target)
            run.fetch(holding)
            report = self._publish(run, holding, snapshot)
        return SyncReport(
            name=self.name,
            full=since is None,
            version=report.version,
            as_of=report.source_date,
            rows=report.rows,
            previous_rows=report.previous_rows,
            fetched=run.fetched,
            gone=run.gone,
            notes=(*run.notes(), *report.notes),
        )

    def _publish(self, run: _Run, holding: Holding, snapshot: Writer) -> ImportReport:
        run.progress("mise en service", 0, None)
        snapshot.add(holding.rows())
        snapshot.pair(holding.pairs())
        now = self._clock.now()
        at = min(run.server_at or now, now)  # a clock ahead of ours must not make an update skip anything
        full_at = run.since.full_at if run.since else now
        extra = {
            "fhir_at": at.isoformat(),
            "fhir_full_at": full_at.isoformat(),
            "fhir_asked": self._asked(),
        }
        origin = Origin(source=self._settings.url, as_of=at, extra=extra)
        return snapshot.publish(origin, shrink_percent=self._shrink, force=run.force)

    def _since(self) -> Since | None:
        """Where an update may start; None: everything has to be fetched."""
        meta = tables.read_meta(self.target) or {}
        if meta.get("fhir_asked") != self._asked():
            return None
        try:
            at, full_at = (datetime.fromisoformat(meta[name]) for name in ("fhir_at", "fhir_full_at"))
        except (KeyError, ValueError):
            return None
        now = self._clock.now()
        oldest = at - timedelta(hours=self._settings.overlap_hours)
        if now - oldest >= KEPT_BY_SERVER - MARGIN or now - full_at >= timedelta(days=self._settings.full_every_days):
            return None
        return Since(at, full_at)

    def _asked(self) -> str:
        """What the held records were asked for: other settings need a full load."""
        return " ".join([self._settings.url, *sorted(self._settings.resources)])


class _Run:
    """One fetch of all kinds."""

    def __init__(
        self, settings: FhirSettings, clock: Clock, since: Since | None, force: bool, progress: Progress
    ) -> None:
        self.settings, self.clock, self.since, self.force, self.progress = settings, clock, since, force, progress
        self.fetched, self.gone = 0, 0
        self.server_at: datetime | None = None
        """The server's clock at the very first answer."""
        self.odd: Counter[str] = Counter()
        self._told: tuple[str, int, int | None] = ("connexion", 0, None)
        self.client = FhirClient(
            settings, clock, rest=lambda seconds: rest(seconds, clock, self._tick), tick=self._tick
        )

    def fetch(self, holding: Holding) -> None:
        """Every kind, page by page. Raises :class:`DirectoryError` when one is not whole."""
        for kind in self.settings.resources:
            received, announced = 0, None
            for number, page in enumerate(self.client.search(kind, self._question(kind))):
                announced = page.total if number == 0 else announced
                received += len(page.records)
                self._keep(kind, page, holding)
                self._tell(LABELS[kind], received, announced)
            self._judge(kind, received, announced)

    def _question(self, kind: str) -> Mapping[str, str]:
        count = {"_count": str(self.settings.page_size)}
        if self.since is None:
            return {**count, "active": "true"} if kind in NEEDED else count
        start = (self.since.at - timedelta(hours=self.settings.overlap_hours)).astimezone(UTC)
        return {**count, "_lastUpdated": f"ge{start:%Y-%m-%dT%H:%M:%SZ}"}

    def _keep(self, kind: str, page: Page, holding: Holding) -> None:
        self.fetched += len(page.records)
        if self.server_at is None:
            self.server_at = page.server_at
        good, over = [], []
        for resource in page.records:
            record = record_of(resource, self.odd) if in_force(resource) else None
            if record is not None:
                good.append(record)
            else:
                over.append(identity(resource))
        holding.put(good)
        self.gone += holding.drop(kind, over)
        if page.others:
            self.odd["fiche d'un autre genre que celui demandé : laissée"] += page.others

    def _judge(self, kind: str, received: int, announced: int | None) -> None:
        if announced is not None and received < announced * (100 - MISSING_PERCENT) / 100 and not self.force:
            raise DirectoryError(
                f"API Annuaire Santé : {received} {LABELS[kind]} reçus sur {announced} annoncés.",
                hint="La liste s'est arrêtée trop tôt ; les données en service sont gardées. Relancer la "
                "synchronisation ; si le nombre annoncé est faux, « --force ».",
            )
        if self.since is None and kind in NEEDED and received == 0:
            raise DirectoryError(
                f"API Annuaire Santé : aucune fiche « {LABELS[kind]} ».",
                hint="Les données en service sont gardées ; vérifier « url » et les droits de la clé.",
            )

    def notes(self) -> tuple[str, ...]:
        """What was left out or not understood: mailboxes, then the most frequent."""
        found = sorted(self.odd.items(), key=lambda one: (one[0] != LEFT, -one[1]))
        return tuple(f"{count} × {what}." for what, count in found[:20])

    def _tell(self, what: str, done: int, total: int | None) -> None:
        self._told = (what, done, total)
        self.progress(what, done, total)

    def _tick(self) -> None:
        self.progress(*self._told)
