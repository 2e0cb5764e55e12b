"""Asking the ports everything the rules need about one recipient."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from dispatcher.clock import paris
from dispatcher.routing.about import About
from dispatcher.routing.facts import Facts, Lookups, lookups
from dispatcher.routing.policy import Policy
from dispatcher.routing.route import Wanted
from dispatcher.routing.sources import NO_DIRECTORY

if TYPE_CHECKING:
    from dispatcher.ports import AllowedDomains, CertificateAnswer, Certificates, Directory

NAMESAKES = 50
"""How many people of the same name are looked up, for an operator to choose from."""
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")


def nobody_opposes(key: str) -> bool:
    """Where no oppositions are kept (a look from the command line without a store)."""
    del key
    return False


def gather(
    wanted: Wanted,
    policy: Policy,
    *,
    source: str,
    directory: Directory,
    domains: AllowedDomains,
    certificates: Certificates,
    now: datetime,
    chosen: str = "",
    unread: frozenset[str] = frozenset(),
    about: About | None = None,
    opposed: Callable[[str], bool] = nobody_opposes,
) -> Facts:
    """Ask the ports everything the rules need for ``wanted``, named by a file of ``source``.

    ``now`` is aware; ``chosen`` an address an operator picked; ``unread`` boxes to leave; ``opposed`` tells whether an
    opposition stands under a key of the recipient. Raises what the ports raise (:class:`.DirectoryError`).
    """
    versions = {**directory.versions(), "allowed-domains": domains.version}
    facts = Facts(
        today=paris(now).date(),
        versions=versions,
        ages=_ages(versions, paris(now).date()),
        list_age_days=age_in_days(domains, now),
        chosen=chosen,
        unread=unread,
        about=about or About(),
    )
    while asked := lookups(wanted, facts, policy):
        facts = _of_directory(facts, asked, source, directory)
        found = {address: certificates.answer(address, now) for address in asked.certificates}
        facts = replace(
            facts,
            allowed={**facts.allowed, **{domain: domains.allows(domain) for domain in asked.domains}},
            certificates={**facts.certificates, **{one: _fingerprint(answer) for one, answer in found.items()}},
            certificate_answers={**facts.certificate_answers, **found},
            opposed={**facts.opposed, **{key: opposed(key) for key in asked.opposed}},
        )
    return facts


def _of_directory(facts: Facts, asked: Lookups, source: str, directory: Directory) -> Facts:
    others = {one: tuple(sorted(directory.equivalents(*one))) for one in asked.equivalents}
    return replace(
        facts,
        local={**facts.local, **{code: directory.local(source, code) for code in asked.codes}},
        equivalents={**facts.equivalents, **others},
        entries={**facts.entries, **{one: directory.by_identifier(*one) for one in asked.identifiers}},
        people={**facts.people, **{one: directory.people(*one) for one in asked.identifiers}},
        by_address={**facts.by_address, **{one: directory.by_address(one) for one in asked.addresses}},
        namesakes={**facts.namesakes, **{name: directory.search(name, NAMESAKES) for name in asked.names}},
    )


def age_in_days(domains: AllowedDomains, now: datetime) -> float | None:
    """Since the list of allowed domains was generated; None without a list."""
    return (now - domains.generated).total_seconds() / 86_400 if domains.generated else None


def _ages(versions: Mapping[str, str], today: date) -> dict[str, float]:
    """Whole days since the date a source's version begins with; a version without a date has no age."""
    found: dict[str, float] = {}
    for name, version in versions.items():
        match = _DAY.search(version) if name not in NO_DIRECTORY else None
        if match:
            try:
                found[name] = float((today - date(*(int(part) for part in match.groups()))).days)
            except ValueError:
                continue
    return found


def _fingerprint(answer: CertificateAnswer) -> str:
    return answer.chosen.fingerprint if answer.chosen else ""
