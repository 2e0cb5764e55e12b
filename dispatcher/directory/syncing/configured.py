"""Every source of the configuration that is fetched, in the order in which they are run.

Their libraries take a tenth of a second each to load; they are loaded when such a source is configured.
"""

from __future__ import annotations

from dispatcher.clock import Clock
from dispatcher.directory.syncing.base import Sync
from dispatcher.ports import Store
from dispatcher.settings import Settings


def syncs(settings: Settings, clock: Clock, store: Store | None = None) -> tuple[Sync, ...]:
    """One per configured source; nothing is opened yet, no key is read.

    With the ``store``, where it is kept, the list of allowed domains too: first, because nothing leaves without it.
    """
    kinds = (_fhir, _downloads, _ldap, _revocation)
    return (*_trust(settings, clock, store), *(sync for kind in kinds for sync in kind(settings, clock)))


def _trust(settings: Settings, clock: Clock, store: Store | None) -> tuple[Sync, ...]:
    if store is None:
        return ()
    from dispatcher.directory.trust.fetching import TrustSync

    return (TrustSync(settings.trust, settings.directory.folder, store, clock),)


def _fhir(settings: Settings, clock: Clock) -> tuple[Sync, ...]:
    wanted = settings.directory
    if wanted.fhir is None:
        return ()
    from dispatcher.directory.fhir.sync import FhirSync

    return (FhirSync(wanted.fhir, wanted.folder, clock, shrink_percent=wanted.shrink_percent),)


def _downloads(settings: Settings, clock: Clock) -> tuple[Sync, ...]:
    wanted = settings.directory
    if not wanted.downloads:
        return ()
    from dispatcher.directory.syncing.download import DownloadSync

    shrink, folder = wanted.shrink_percent, wanted.folder
    return tuple(
        DownloadSync(name, one, folder, clock, shrink_percent=shrink) for name, one in wanted.downloads.items()
    )


def _ldap(settings: Settings, clock: Clock) -> tuple[Sync, ...]:
    wanted = settings.directory
    servers = {name: server for name, server in wanted.ldap.items() if "entries" in server.use}
    if not servers:
        return ()
    from dispatcher.directory.ldap.sync import LdapSync

    shrink = wanted.shrink_percent
    return tuple(LdapSync(name, one, wanted.folder, clock, shrink_percent=shrink) for name, one in servers.items())


def _revocation(settings: Settings, clock: Clock) -> tuple[Sync, ...]:
    wanted = settings.directory
    if wanted.revocation.policy == "off" or not any("://" in place for place in wanted.revocation.lists):
        return ()
    from dispatcher.directory.certificates.revocation_sync import RevocationSync

    return (RevocationSync(wanted.revocation, wanted.certificate_state, clock, issuers=wanted.issuers),)
