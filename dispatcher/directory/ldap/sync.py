"""Copying an LDAP directory into its snapshot: searched by pages, mapped, published in one step or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dispatcher.clock import Clock
from dispatcher.directory.ldap.link import LdapLink
from dispatcher.directory.ldap.mapping import AttributeMap, Unusable
from dispatcher.directory.snapshots.tables import Pair, Row
from dispatcher.directory.snapshots.writing import Origin, Writer, writing
from dispatcher.directory.syncing.base import Progress, Schedule, SyncReport, silent
from dispatcher.routing.sources import LDAP, label
from dispatcher.settings.ldap import LdapSettings

TOLD_EVERY = 100
"""Entries between two words about the progress."""


class LdapSync:
    """One server of ``[directory.ldap]``; a :class:`dispatcher.directory.syncing.base.Sync`. Always a full copy: LDAP
    has no portable way to ask for what changed.
    """

    def __init__(
        self, name: str, settings: LdapSettings, folder: Path, clock: Clock, *, shrink_percent: float = 5.0
    ) -> None:
        """``name`` as in the settings; the snapshot goes into ``folder``."""
        self._server, self._settings, self._clock, self._shrink = name, settings, clock, shrink_percent
        self.name = f"{LDAP}{name}"
        self.title = label(self.name).capitalize()
        self.target = folder / f"{self.name}.sqlite3"

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

    def run(self, *, full: bool = False, force: bool = False, progress: Progress = silent) -> SyncReport:
        """Copy everything. Raises :class:`dispatcher.directory.ldap.faults.LdapFault`, or what the writer raises."""
        asked_at = self._clock.now()
        with writing(self.target, now=asked_at) as snapshot:
            fetched = 0
            for rows, pairs in self._read(snapshot, progress):
                fetched += 1
                snapshot.add(rows)
                snapshot.pair(pairs)
            origin = Origin(source=self._settings.url, as_of=asked_at)
            done = snapshot.publish(origin, shrink_percent=self._shrink, force=force)
        notes = [f"{done.bad_count} fiche(s) laissée(s) : {_reasons(snapshot)}."] if done.bad_count else []
        return SyncReport(
            name=self.name,
            full=True,
            version=done.version,
            as_of=done.source_date,
            rows=done.rows,
            previous_rows=done.previous_rows,
            fetched=fetched + done.bad_count,
            notes=(*notes, *done.notes),
        )

    def _read(self, snapshot: Writer, progress: Progress) -> Iterator[tuple[tuple[Row, ...], tuple[Pair, ...]]]:
        mapping, wanted = AttributeMap(self._settings), self._settings
        progress(self.title, 0, None)
        with LdapLink.open(self._server, wanted) as link:
            found = link.search(wanted.filter, mapping.attributes, page_size=wanted.page_size)
            for number, record in enumerate(found, start=1):
                if number % TOLD_EVERY == 0:
                    progress(self.title, number, None)
                try:
                    mapped = mapping.read(record)
                except Unusable as reason:
                    snapshot.leave_out(number, str(reason))
                else:
                    yield mapped.rows, mapped.pairs


def _reasons(snapshot: Writer) -> str:
    """The reasons of the first ones, each once with how often."""
    counts: dict[str, int] = {}
    for row in snapshot.bad:
        counts[row.reason] = counts.get(row.reason, 0) + 1
    return ", ".join(f"{reason} ({count})" for reason, count in counts.items())
