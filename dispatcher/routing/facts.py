"""What the rules of routing look at (:class:`Facts`), what the site decided (:class:`Policy`), and what to look up.

The rules ask nobody. :func:`lookups` says which facts are still missing for one recipient; :func:`gather` asks the
ports until nothing is missing. Facts that were never fetched count as « not known », which can only hold a mail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from dispatcher.clock import paris
from dispatcher.report.identifiers import rpps_ok
from dispatcher.report.model import IdType
from dispatcher.routing.candidates import Entry, LocalEntry
from dispatcher.routing.identities import PEOPLE, STRUCTURES, bare_identifier, from_national_form, tokens
from dispatcher.routing.route import Wanted

if TYPE_CHECKING:
    from dispatcher.ports import AllowedDomains, CertificateAnswer, Certificates, Directory
    from dispatcher.settings import ChannelSettings, Settings

NAMESAKES = 50
"""How many people of the same name are looked up, for an operator to choose from."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

Identity = tuple[IdType, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything known about one wanted recipient on one day. Keys are as in :class:`Lookups`."""

    today: date
    """Paris."""
    local: Mapping[str, tuple[LocalEntry, ...]] = field(default_factory=dict)
    """By code: the laboratory's lines, valid or not."""
    entries: Mapping[Identity, tuple[Entry, ...]] = field(default_factory=dict)
    """By bare national identifier, of a person or a structure: directory entries."""
    by_address: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    """By lower-case address: directory entries behind it."""
    namesakes: Mapping[str, tuple[Entry, ...]] = field(default_factory=dict)
    """By name searched: for an operator to look at, never chosen from."""
    allowed: Mapping[str, bool] = field(default_factory=dict)
    """By lower-case domain: on the verified list of allowed domains."""
    certificates: Mapping[str, str] = field(default_factory=dict)
    """By lower-case address: SHA-256 fingerprint (hex) of a usable certificate, or empty."""
    certificate_answers: Mapping[str, CertificateAnswer] = field(default_factory=dict)
    """By lower-case address: what else was found, and what could not be established."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """By source (:mod:`dispatcher.routing.sources`), ``local`` and ``allowed-domains``; empty text for what is not
    there."""
    list_age_days: float | None = None
    """Days since the list of allowed domains was generated; ``None`` without a list."""
    chosen: str = ""
    """Address an operator picked for this very recipient, or empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPolicy:
    """What the rules need to know of a channel."""

    name: str
    family: str
    """``mssante``, ``apicrypt`` or ``smime``."""
    default_format: str
    sender: str = ""
    mutual_tls: bool = False
    """A client certificate is set, and the connection is TLS."""
    local: bool = False
    """Handed over on this machine: loopback, or a folder."""
    domains: tuple[str, ...] = ()
    """``apicrypt`` only: domains its proxy serves; ``*.example.org`` for every subdomain of one."""

    @classmethod
    def of(cls, name: str, settings: ChannelSettings) -> ChannelPolicy:
        """From the settings of the channel called ``name``."""
        return cls(
            name=name,
            family=settings.family,
            default_format=settings.default_format,
            sender=settings.sender,
            mutual_tls=settings.client_cert is not None and settings.tls != "none",
            local=settings.transport == "folder" or settings.host in LOOPBACK,
            domains=tuple(domain.lower() for domain in settings.domains),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the site decided, from its settings."""

    channels: Mapping[str, ChannelPolicy]
    default_channel: str
    prefer: str = "PER"
    """``PER`` or ``ORG``: which kind of box when a recipient has both."""
    list_max_age_days: int = 30
    unknown_certificate: str = "hold"
    """``hold`` or ``other-way``: what to do when nobody could say whether a recipient has a certificate."""

    @classmethod
    def of(cls, settings: Settings) -> Policy:
        """From the whole settings; the only channel is the default one when none is named."""
        return cls(
            channels={name: ChannelPolicy.of(name, channel) for name, channel in settings.channels.items()},
            default_channel=settings.routing.default_channel or next(iter(settings.channels)),
            prefer=settings.routing.prefer,
            list_max_age_days=settings.trust.max_age_days,
            unknown_certificate=settings.routing.unknown_certificate,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookups:
    """What to look up. Every answer goes into :class:`Facts` under the same key, an empty one too."""

    codes: frozenset[str] = frozenset()
    identifiers: frozenset[Identity] = frozenset()
    addresses: frozenset[str] = frozenset()
    certificates: frozenset[str] = frozenset()
    """Addresses to find a certificate for."""
    domains: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        asked = (self.codes, self.identifiers, self.addresses, self.certificates, self.domains, self.names)
        return any(asked)


def explicit_address(wanted: Wanted, facts: Facts) -> str:
    """The address that needs no directory, lower case: an operator's choice, else the one in the file."""
    return (facts.chosen or wanted.address).strip().lower()


def own_identity(wanted: Wanted) -> Identity | None:
    """The recipient's national identifier as the file gives it, bare.

    A code without a type that is an RPPS to its key counts as one when the file also gives a name to check it by.
    """
    identifier = bare_identifier(wanted.id_type, wanted.id)
    if wanted.id_type in PEOPLE | STRUCTURES:
        return (wanted.id_type, identifier) if identifier else None
    bare = bare_identifier(IdType.RPPS, wanted.id)
    return (IdType.RPPS, bare) if wanted.family and rpps_ok(bare) else None


def organisation(wanted: Wanted) -> Identity | None:
    """The structure the file names beside the person: FINESS (9 characters) or SIRET (14), bare or in national form."""
    text = wanted.organisation_id.strip()
    form = from_national_form(text, STRUCTURES)
    if form:
        return form
    kind = {9: IdType.FINESS, 14: IdType.SIRET}.get(len(bare_identifier(IdType.FINESS, text)))
    return (kind, bare_identifier(kind, text)) if kind else None


def search_text(wanted: Wanted) -> str:
    """What an operator would type to find this recipient by name."""
    return " ".join(part for part in (wanted.family, wanted.given) if part) or " ".join(tokens(wanted.label))


def boxes_to_choose_from(wanted: Wanted, facts: Facts, policy: Policy) -> tuple[Entry, ...]:
    """Directory boxes behind the recipient's identifier: of the person, or of the structure as such.

    Boxes of the structure beside a person count only when the site prefers them. Application boxes (APP) never come
    from a directory: writing to one presumes an agreement, so only the laboratory's table names them (mssante.md §1).
    """
    identity = facts_identity(wanted, facts)
    if identity is None:
        return ()
    found = facts.entries.get(identity, ())
    if identity[0] in STRUCTURES:
        return tuple(box for box in found if box.box_type == "ORG")
    beside = organisation(wanted) if policy.prefer == "ORG" else None
    services = [box for box in facts.entries.get(beside, ()) if box.box_type == "ORG"] if beside else []
    return tuple(box for box in (*found, *services) if box.box_type != "APP")


def facts_identity(wanted: Wanted, facts: Facts) -> Identity | None:
    """The national identifier to look boxes up by: from the laboratory's line for the code, else from the file."""
    lines = [line for line in valid_lines(wanted, facts) if line.id_type and line.identifier]
    if lines and lines[0].id_type:
        return lines[0].id_type, lines[0].identifier
    return own_identity(wanted)


def valid_lines(wanted: Wanted, facts: Facts) -> tuple[LocalEntry, ...]:
    """The laboratory's lines for the recipient's code on that day; those of the very source before those of all."""
    today = facts.today
    valid = [
        line
        for line in facts.local.get(wanted.id, ())
        if (line.valid_from is None or line.valid_from <= today) and (line.valid_to is None or today <= line.valid_to)
    ]
    return tuple(line for line in valid if line.source) or tuple(valid)


def lookups(wanted: Wanted, facts: Facts, policy: Policy) -> Lookups:
    """What must still be looked up for ``wanted``; nothing (false) when the facts are complete.

    Answers open new questions (a code leads to an identifier, that to boxes, those to domains): ask again after each
    round, four rounds at most.
    """
    lines = valid_lines(wanted, facts)
    beside = organisation(wanted) if policy.prefer == "ORG" else None
    identities = {facts_identity(wanted, facts), beside} - {None}
    addresses = {explicit_address(wanted, facts), *(line.address.lower() for line in lines)} - {""}
    boxes = boxes_to_choose_from(wanted, facts, policy)
    reachable = frozenset(addresses | {box.address for box in boxes})
    first = Lookups(
        codes=frozenset({wanted.id} - {""}) - facts.local.keys(),
        identifiers=frozenset(identity for identity in identities if identity) - facts.entries.keys(),
        addresses=frozenset(addresses) - facts.by_address.keys(),
        certificates=reachable - facts.certificates.keys(),
        domains=frozenset(domain_of(address) for address in reachable) - facts.allowed.keys(),
    )
    name = search_text(wanted)
    if first or reachable or not name or name in facts.namesakes:
        return first
    return Lookups(names=frozenset({name}))


def domain_of(address: str) -> str:
    """Part after the ``@``, lower case."""
    return address.rpartition("@")[2].lower()


def age_in_days(domains: AllowedDomains, now: datetime) -> float | None:
    """Since the list of allowed domains was generated; None without a list."""
    return (now - domains.generated).total_seconds() / 86_400 if domains.generated else None


def _fingerprint(answer: CertificateAnswer) -> str:
    return answer.chosen.fingerprint if answer.chosen else ""


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
) -> Facts:
    """Ask the ports everything the rules need for ``wanted``, named by a file of ``source``.

    ``now`` is aware; ``chosen`` an address an operator picked. Raises what the ports raise
    (:class:`dispatcher.errors.DirectoryError`).
    """
    versions = {**directory.versions(), "allowed-domains": domains.version}
    facts = Facts(today=paris(now).date(), versions=versions, list_age_days=age_in_days(domains, now), chosen=chosen)
    while asked := lookups(wanted, facts, policy):
        found = {address: certificates.answer(address, now) for address in asked.certificates}
        facts = replace(
            facts,
            local={**facts.local, **{code: directory.local(source, code) for code in asked.codes}},
            entries={**facts.entries, **{one: directory.by_identifier(*one) for one in asked.identifiers}},
            by_address={**facts.by_address, **{one: directory.by_address(one) for one in asked.addresses}},
            namesakes={**facts.namesakes, **{name: directory.search(name, NAMESAKES) for name in asked.names}},
            allowed={**facts.allowed, **{domain: domains.allows(domain) for domain in asked.domains}},
            certificates={**facts.certificates, **{one: _fingerprint(answer) for one, answer in found.items()}},
            certificate_answers={**facts.certificate_answers, **found},
        )
    return facts
