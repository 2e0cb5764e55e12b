"""What ``/metrics`` tells: gauges read from the store when asked, counters from the journal (``service/counting.py``).

Several nodes on one database each tell the figures of the whole installation: take one of them, not their sum.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING

from dispatcher import __version__
from dispatcher.alarms.alarm import CODES, Alarm
from dispatcher.daemon import measuring, processes
from dispatcher.daemon.totals import Book
from dispatcher.directory.at_hand import looked_at
from dispatcher.errors import DispatcherError
from dispatcher.outbox.states import FileState, State
from dispatcher.service import counting, nodes, overview, untaken
from dispatcher.service.internal import place
from dispatcher.service.line_pace import frees_in
from dispatcher.store.room import free_bytes
from dispatcher.wiring import Office
from dispatcher.wiring.standing import gather, keys_now

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

log = logging.getLogger(__name__)

FRESH = 5.0
"""Seconds for which one look at the store serves everybody who asks."""

GAUGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "dispatcher_store_reachable": ("1: the database answers. At 0 there is nothing else to tell.", ()),
    "dispatcher_dispatches": ("Dispatches in each state.", ("channel", "state")),
    "dispatcher_files": ("Source files in each state.", ("state",)),
    "dispatcher_oldest_unfinished_seconds": ("Age of the oldest dispatch that has not ended; 0: none.", ()),
    "dispatcher_oldest_file_seconds": ("Age of the oldest file that waits or is in quarantine; 0: none.", ()),
    "dispatcher_folder_files": ("Files that lie in the folder of a source.", ("source",)),
    "dispatcher_folder_oldest_seconds": ("How long the oldest of them has been lying there.", ("source",)),
    "dispatcher_queue": ("Dispatches that wait to be handed over.", ("channel",)),
    "dispatcher_channel_paused": ("1: the channel waits, for a person or after a fault.", ("channel",)),
    "dispatcher_pace_per_minute": ("Hand-overs a minute the settings allow.", ("channel",)),
    "dispatcher_pace_wait_seconds": ("Seconds until the pace lets the next one through; 0: now.", ("channel",)),
    "dispatcher_unknown_outcomes": ("Dispatches that may have left, or not.", ("channel",)),
    "dispatcher_unread": ("Dispatches that a reminder was sent about, still unread.", ()),
    "dispatcher_letters_to_print": ("Letters that nobody has printed.", ()),
    "dispatcher_unmatched_notices": ("Notices received that match no dispatch; 1000 stands for more.", ()),
    "dispatcher_alarms": ("Alarms that stand, by code.", ("code",)),
    "dispatcher_nodes": ("Services on this database, by how they are.", ("state",)),
    "dispatcher_workers": ("Processes of this service that prepare or send, and live.", ()),
    "dispatcher_directory_age_seconds": ("Age of the data of each directory.", ("directory",)),
    "dispatcher_allowed_domains_age_seconds": ("Age of the list of allowed domains.", ()),
    "dispatcher_key_expiry_days": ("Days until a key or certificate in use expires.", ("kind", "owner")),
    "dispatcher_database_bytes": ("Size of the database.", ()),
    "dispatcher_disk_free_bytes": ("Room left where configuration and database stand, the smaller of the two.", ()),
    "dispatcher_build_info": ("1, with the version of the program.", ("version",)),
}
"""Name, help, labels."""
PACE_GRANTS = "dispatcher_pace_grants"
GRANTS_HELP = "Hand-overs the pace has granted."

Sample = tuple[Sequence[str], float]
Samples = dict[str, list[Sample]]


def catalogue() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Every metric as a monitor names it, with its help and labels."""
    counters = {f"{name}_total": told for name, told in counting.COUNTED.items()}
    measured = {name: (text, measuring.LABELS[name]) for name, text in measuring.HELP.items()}
    return {**GAUGES, **counters, f"{PACE_GRANTS}_total": (GRANTS_HELP, ("channel",)), **measured}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The store as it stood at one moment."""

    view: overview.StatusView
    lying: tuple[untaken.Folder, ...]
    seen: nodes.NodesView
    alarms: tuple[Alarm, ...]


def look(office: Office) -> Look:
    """One look, as ``dispatcher status`` takes it. Raises :class:`dispatcher.errors.DispatcherError`."""
    view = overview.status(office.store, office.clock, office.channels)
    lying = untaken.folders(office.spools(), office.settings.sources, office.clock)
    seen = nodes.view(office.store, processes.runs)
    return Look(view=view, lying=lying, seen=seen, alarms=gather(office, view, lying, seen))


class Figures:
    """A collector of the library: asked at each reading of ``/metrics``."""

    def __init__(self, office: Office, book: Book, look: Callable[[], Look], workers: Callable[[], int]) -> None:
        self._office, self._book, self._look, self._workers = office, book, look, workers

    def collect(self) -> Iterator[Metric]:
        """Never raises: a database that is gone is told."""
        found: Samples = {"dispatcher_build_info": [((__version__,), 1)], "dispatcher_workers": [((), self._workers())]}
        try:
            self._book.advance()
            found |= {**self._of_work(self._look()), **self._of_channels(), **self._of_data()}
            found["dispatcher_store_reachable"] = [((), 1)]
        except DispatcherError as error:
            log.error("metrics: %s", error.code)
            found["dispatcher_store_reachable"] = [((), 0)]
        except Exception as error:  # nobody foresaw it: what is known is told
            log.error("metrics: unexpected %s", place(error))
            found["dispatcher_store_reachable"] = [((), 0)]
        yield from self._families(found)

    def _families(self, found: Samples) -> Iterator[Metric]:
        from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

        for name, (text, labels) in GAUGES.items():
            gauge = GaugeMetricFamily(name, text, labels=labels)
            for values, number in found.get(name, []):
                gauge.add_metric(values, number)
            yield gauge
        grants = CounterMetricFamily(PACE_GRANTS, GRANTS_HELP, labels=("channel",))
        for values, number in found.get(PACE_GRANTS, []):
            grants.add_metric(values, number)
        yield grants
        counts = self._book.counts()
        for name, (text, labels) in counting.COUNTED.items():
            counter = CounterMetricFamily(name, text, labels=labels)
            known = {key[1]: number for key, number in counts.items() if key[0] == name}
            for values in sorted({*known, *self._expected(labels, name)}):
                counter.add_metric(values, known.get(values, 0))
            yield counter

    def _expected(self, labels: Sequence[str], name: str) -> Iterator[tuple[str, ...]]:
        """Told as 0 from the beginning: a rate would miss the first one of a series that begins with it."""
        settings = self._office.settings
        words: Mapping[str, Sequence[str]] = {
            "channel": list(settings.channels),
            "source": list(settings.sources),
            "state": sorted(counting.ENDED if name == "dispatcher_files_ended" else counting.STATES),
            "status": sorted(counting.STATUSES),
            "class": sorted(counting.REFUSED.values()),
            "kind": sorted(counting.RECEIPTS),
            "step": [*counting.LADDER.values(), counting.PAPER],
        }
        return product(*(words[label] for label in labels))

    def _of_work(self, seen: Look) -> Samples:
        view, now = seen.view, self._office.clock.now()
        standing = [alarm.code for alarm in seen.alarms]
        oldest_file = view.oldest_file.received_at if view.oldest_file is not None else None
        silent = sum(bool(one.silent) for one in seen.seen.nodes)
        return {
            "dispatcher_files": [((state,), view.files.get(state, 0)) for state in FileState],
            "dispatcher_oldest_unfinished_seconds": [((), _seconds(view.oldest_age))],
            "dispatcher_oldest_file_seconds": [((), _since(oldest_file, now))],
            "dispatcher_folder_files": [((one.source,), one.files) for one in seen.lying],
            "dispatcher_folder_oldest_seconds": [((one.source,), one.oldest_seconds) for one in seen.lying],
            "dispatcher_queue": [((one.name,), one.waiting) for one in view.channels],
            "dispatcher_channel_paused": [((one.name,), bool(one.paused)) for one in view.channels],
            "dispatcher_pace_per_minute": [((one.name,), one.per_minute) for one in view.channels],
            "dispatcher_unknown_outcomes": [((one.name,), one.unknown) for one in view.channels],
            "dispatcher_unread": [((), view.unread)],
            "dispatcher_letters_to_print": [((), view.to_print)],
            "dispatcher_unmatched_notices": [((), view.unmatched)],
            "dispatcher_alarms": [((code,), standing.count(code)) for code in CODES],
            "dispatcher_nodes": [(("living",), len(seen.seen.nodes) - silent), (("silent",), silent)],
        }

    def _of_channels(self) -> Samples:
        office, grants, waits = self._office, list[Sample](), list[Sample]()
        counts: list[tuple[tuple[str, str], float]] = []
        with office.store.reading() as uow:
            for name, channel in office.channels.items():
                states = uow.dispatches.counts(channel=name)
                counts += [((name, str(state)), float(states.get(state, 0))) for state in State]
                grants.append(((name,), float(uow.pace.granted(channel.scope))))
                waits.append(((name,), frees_in(channel, office.store, office.clock)))
            everywhere = uow.dispatches.counts()
        for state in State:  # held before a channel was chosen, or of a channel that is no more
            rest = everywhere.get(state, 0) - sum(number for (_, told), number in counts if told == str(state))
            counts.append((("", str(state)), float(rest)))
        return {"dispatcher_dispatches": [*counts], PACE_GRANTS: grants, "dispatcher_pace_wait_seconds": waits}

    def _of_data(self) -> Samples:
        office = self._office
        now, list_of = office.clock.now(), office.desk.domains().generated
        held = looked_at(office.settings)
        with office.store.reading() as uow:
            size = uow.installation.size()
        return {
            "dispatcher_directory_age_seconds": [
                ((one.name,), one.age_days * 86_400) for one in held if one.age_days is not None
            ],
            "dispatcher_allowed_domains_age_seconds": [((), _since(list_of, now))] if list_of is not None else [],
            "dispatcher_key_expiry_days": self._of_keys(),
            "dispatcher_database_bytes": [((), size)],
            "dispatcher_disk_free_bytes": [((), free_bytes(office.settings.store.url, office.settings.folder))],
        }

    def _of_keys(self) -> list[Sample]:
        """Ours: those of recipients are thousands, and their own affair. The first to expire of each owner."""
        found: dict[tuple[str, str], float] = {}
        for one in keys_now(self._office):
            if one.in_use and one.days_left is not None:
                key = (str(one.kind), one.owner)
                found[key] = min(found.get(key, one.days_left), one.days_left)
        return list(found.items())


def _seconds(span: timedelta | None) -> float:
    return span.total_seconds() if span is not None else 0.0


def _since(moment: datetime | None, now: datetime) -> float:
    return max(0.0, (now - moment).total_seconds()) if moment is not None else 0.0
