"""Use case: whom does it concern when domains leave the list of allowed domains?"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatcher.ports import UnitOfWork

LATELY = timedelta(days=90)
"""How far back mails count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concerned:
    """A domain that mails were made for lately."""

    domain: str
    recipients: int
    """Distinct addresses."""
    mails: int
    waiting: int
    """Of these, how many have not left yet: they will be held."""
    last_at: datetime


def concerned(uow: UnitOfWork, domains: Collection[str], now: datetime) -> tuple[Concerned, ...]:
    """Those of ``domains`` (IDNA, lower case) that mails of the last 90 days went or will go to, the busiest first."""
    wanted = frozenset(domains)
    if not wanted:
        return ()
    found: dict[str, list[tuple[str, int, int, datetime]]] = {}
    for use in uow.dispatches.recipients(now - LATELY):
        if use.domain in wanted:
            found.setdefault(use.domain, []).append((use.address, use.count, use.waiting, use.last_at))
    told = [
        Concerned(
            domain=domain,
            recipients=len({address for address, *_ in uses}),
            mails=sum(count for _, count, _, _ in uses),
            waiting=sum(waiting for _, _, waiting, _ in uses),
            last_at=max(last for *_, last in uses),
        )
        for domain, uses in found.items()
    ]
    return tuple(sorted(told, key=lambda one: (-one.waiting, -one.mails, one.domain)))
