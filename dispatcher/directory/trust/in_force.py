"""The list of allowed domains in force, looked up again now and then so that an import reaches a running service."""

from __future__ import annotations

import logging
import threading

from dispatcher.clock import Clock
from dispatcher.directory.trust.allowed_domains import AllowedDomainList, Trust
from dispatcher.directory.trust.kept import KIND, load_list
from dispatcher.errors import TrustError
from dispatcher.ports import AllowedDomains, Store
from dispatcher.settings import TrustSettings

log = logging.getLogger(__name__)

LOOK_AGAIN = 30.0
"""Seconds between two looks into the store."""


class DomainsInForce:
    """Keeps the verified list. Thread-safe. A list that no longer verifies lets nobody in, and says so in the log."""

    def __init__(self, settings: TrustSettings, store: Store, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._list: AllowedDomainList | None = None
        self._verified: tuple[str, Trust] | None = None
        """Version and pinned certificates the list was verified with: 5 MB are not read again every half minute."""
        self._looked_at = 0.0

    def current(self) -> AllowedDomains:
        """The list as verified at most :data:`LOOK_AGAIN` seconds ago."""
        with self._lock:
            moment = self._clock.monotonic()
            if self._list is None or moment - self._looked_at > LOOK_AGAIN:
                self._list = self._load()
                self._looked_at = moment
            return self._list

    def _load(self) -> AllowedDomainList:
        try:
            trust = Trust.of(self._settings.roots, self._settings.signer_cn, self._settings.crl)
            with self._store.reading() as uow:
                newest = next(iter(uow.reference.versions(KIND)), None)
                asked = (newest.version if newest else "", trust)
                if self._list is None or asked != self._verified:
                    self._list, self._verified = load_list(trust, uow.reference, now=self._clock.now()), asked
                return self._list
        except TrustError as error:
            log.error("list of allowed domains cannot be used: %s", error)
            self._verified = None
            return AllowedDomainList.none()
