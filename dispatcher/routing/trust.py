"""Only inside the trust space (promise 6): asked when a route is made, and again right before a mail leaves.

Days may lie between the two: a hold, a pause, a replay. The list of allowed domains may change meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from dispatcher.ports import AllowedDomains
from dispatcher.routing.case import Finding, passed, stopped
from dispatcher.routing.facts import domain_of
from dispatcher.routing.gathering import age_in_days
from dispatcher.routing.policy import ChannelPolicy
from dispatcher.routing.route import Hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the verified list of allowed domains says of one domain."""

    version: str
    """Empty without a list."""
    listed: bool
    age_days: float | None
    max_age_days: int


def judge(domain: str, channel: ChannelPolicy, standing: Standing, *, name: str) -> Finding:
    """May this channel write into ``domain``? ``name``: of the recipient, in quotes.

    ``mssante`` and ``smime``: the domain stands on the verified list. ``apicrypt``: there too, or the site's own proxy
    serves it, which the channel's sender or its ``domains`` setting says; the proxy itself refuses whom it has no key
    for.
    """
    if channel.family == "apicrypt" and channel.serves(domain):
        return passed(f"Le domaine « {domain} » est de ceux que sert le canal « {channel.name} ».")
    if not standing.version:
        return stopped(
            "untrusted-domain",
            f"Aucune liste de domaines autorisés n'est en service : rien ne part vers « {domain} ». Importer la liste "
            "blanche (« dispatcher trust import »).",
        )
    if not standing.listed:
        more = ", ou l'ajouter à « domains » du canal" if channel.family == "apicrypt" else ""
        return stopped(
            "untrusted-domain",
            f"Le domaine « {domain} » n'est pas dans la liste des domaines autorisés : rien n'y part. Trouver pour "
            f"{name} une adresse dans l'espace de confiance, ou mettre la liste à jour si elle est ancienne{more}.",
        )
    if standing.age_days is not None and standing.age_days > standing.max_age_days:
        return stopped(
            "stale-domain-list",
            f"La liste des domaines autorisés a {int(standing.age_days)} jours, {standing.max_age_days} au plus sont "
            "permis. Importer la liste du jour (« dispatcher trust import »), puis relancer.",
        )
    return passed(f"Le domaine « {domain} » est dans la liste vérifiée des domaines autorisés.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The last look of one channel before a mail leaves."""

    channel: ChannelPolicy
    domains: Callable[[], AllowedDomains]
    """The list in force now."""
    max_age_days: int

    def fault(self, address: str, now: datetime) -> str:
        """Why the list itself cannot answer for ``address`` (none, too old): ours, it pauses the channel (design D9).

        Empty when it can, or need not.
        """
        domain, domains = domain_of(address), self.domains()
        age = age_in_days(domains, now)
        able = Standing(version=domains.version, listed=True, age_days=age, max_age_days=self.max_age_days)
        hold = judge(domain, self.channel, able, name="").hold
        return hold.reason if hold is not None else ""

    def refuses(self, address: str, label: str, now: datetime) -> Hold | None:
        """Why nothing may leave for ``address`` today, or None."""
        domain, domains = domain_of(address), self.domains()
        standing = Standing(
            version=domains.version,
            listed=domains.allows(domain),
            age_days=age_in_days(domains, now),
            max_age_days=self.max_age_days,
        )
        return judge(domain, self.channel, standing, name=f"« {label} »").hold
