"""Once a day the service removes what was kept long enough, in slices with a rest in between."""

from __future__ import annotations

import logging
import threading

from dispatcher.service.purge import purge
from dispatcher.wiring import Office

log = logging.getLogger(__name__)

SECONDS = 86400.0
REST_SECONDS = 0.2
"""Between two slices: others write."""


def purge_due(office: Office, stop: threading.Event) -> None:
    """What is due; ends early with the service. Raises :class:`dispatcher.errors.StoreError`."""
    if not office.settings.retention.daily:
        return
    done = purge(office.store, office.clock, office.retention, go_on=lambda: not stop.wait(REST_SECONDS))
    if done.anything:
        told = ", ".join(f"{weight.count} {kind}" for kind, weight in done.weights.items() if weight.count)
        log.info("purged: %s", told)
