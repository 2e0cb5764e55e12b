"""What the rules of routing look at (:class:`Facts`), and what must still be looked up (:class:`Lookups`).

The rules ask nobody. :func:`lookups` says which facts are still missing for one recipient; ``gathering.gather`` asks
the ports until nothing is missing. Facts that were never fetched count as « not known », which can only hold a mail.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from dispatcher.report.identifiers import rpps_ok
from dispatcher.report.model import IdType
from dispatcher.routing import lines
from dispatcher.routing.about import About, patient_box, recipient_keys
from dispatcher.routing.addresses import as_compared
from dispatcher.routing.candidates import Entry, LocalEntry
from dispatcher.routing.domain_names import domain_key
from dispatcher.routing.identities import PEOPLE, STRUCTURES, bare_identifier, from_national_form, tokens
from dispatcher.routing.owners import numbers_of
from dispatcher.routing.policy import ChannelPolicy, Policy
from dispatcher.routing.route import RecipientRole, Wanted

if TYPE_CHECKING:
    from dispatcher.ports import CertificateAnswer

Identity = tuple[IdType, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything known about one wanted recipient on one day. Keys are as in :class:`Lookups`."""

    today: date
    """Paris."""
    local: Mapping[str, tuple[LocalEntry, ...]] = field(default_factory=dict)
    """By code: the laboratory's lines, valid or not."""
    equivalents: Mapping[Identity, tuple[Identity, ...]] = field(default_factory=dict)
    """By ADELI or RPPS number: the numbers of the other register for the same person."""
    entries: Mapping[Identity, tuple[Entry, ...]] = field(default_factory=dict)
    """By bare national identifier, of a person or a structure: directory entries with a box."""
    people: Mapping[Identity, tuple[Entry, ...]] = field(default_factory=dict)
    """The same, of every source, with or without a box: names to compare, places of work."""
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
    opposed: Mapping[str, bool] = field(default_factory=dict)
    """By key of the recipient (``about.recipient_keys``): an opposition to electronic mail is recorded."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """By source (:mod:`dispatcher.routing.sources`), ``local`` and ``allowed-domains``; empty text for what is not
    there."""
    ages: Mapping[str, float] = field(default_factory=dict)
    """Days since the data of a source, by the name it has in ``versions``."""
    list_age_days: float | None = None
    """Days since the list of allowed domains was generated; ``None`` without a list."""
    chosen: str = ""
    """Address an operator picked for this very recipient, or empty."""
    unread: frozenset[str] = frozenset()
    """Boxes this report went to, and which nobody reads: another one is looked for."""
    about: About = field(default_factory=About, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookups:
    """What to look up. Every answer goes into :class:`Facts` under the same key, an empty one too."""

    codes: frozenset[str] = frozenset()
    equivalents: frozenset[Identity] = frozenset()
    identifiers: frozenset[Identity] = frozenset()
    addresses: frozenset[str] = frozenset()
    certificates: frozenset[str] = frozenset()
    """Addresses to find a certificate for."""
    domains: frozenset[str] = frozenset()
    opposed: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)


def explicit_address(wanted: Wanted, facts: Facts) -> str:
    """The address that needs no directory, in canonical form: an operator's choice, else the one in the file."""
    return as_compared(facts.chosen or wanted.address)


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


def identities(wanted: Wanted, facts: Facts) -> tuple[Identity, ...]:
    """All national identifiers to look the recipient up by: his own, then the one of the other register."""
    own = facts_identity(wanted, facts)
    return () if own is None else same_as(own, facts)


def same_as(own: Identity, facts: Facts) -> tuple[Identity, ...]:
    """``own`` and its one equivalent (:func:`.owners.numbers_of`), by what was looked up."""
    return numbers_of(own, lambda one: facts.equivalents.get(one, ()))


def boxes_to_choose_from(wanted: Wanted, facts: Facts, policy: Policy) -> tuple[Entry, ...]:
    """Directory boxes behind the recipient's identifier: of the person, or of the structure as such.

    Boxes of the structure beside a person count only when the site prefers them. Application boxes (APP) never come
    from a directory: writing to one presumes an agreement, so only the laboratory's table names them (mssante.md §1).
    """
    known = identities(wanted, facts)
    if not known:
        return ()
    found = [box for identity in known for box in facts.entries.get(identity, ())]
    if known[0][0] in STRUCTURES:
        return tuple(box for box in found if box.box_type == "ORG" and not _unread(box, facts))
    beside = organisation(wanted) if policy.prefer == "ORG" else None
    services = [box for box in facts.entries.get(beside, ()) if box.box_type == "ORG"] if beside else []
    return tuple(box for box in (*found, *services) if box.box_type != "APP" and not _unread(box, facts))


def _unread(box: Entry, facts: Facts) -> bool:
    return bool(facts.unread) and as_compared(box.address) in facts.unread


def facts_identity(wanted: Wanted, facts: Facts) -> Identity | None:
    """The national identifier to look boxes up by: from the laboratory's line for the code, else from the file."""
    told = (number_of(line) for line in valid_lines(wanted, facts))
    return next((number for number in told if number is not None), None) or own_identity(wanted)


def number_of(line: LocalEntry) -> Identity | None:
    """The national identifier on a line of the table."""
    return (line.id_type, line.identifier) if line.id_type and line.identifier else None


def valid_lines(wanted: Wanted, facts: Facts) -> tuple[LocalEntry, ...]:
    """The laboratory's lines about the recipient that hold on that day (:mod:`.lines`)."""
    return lines.in_force(lines.about(wanted, facts.local.get(wanted.id, ())), facts.today)


def patient_address(facts: Facts, policy: Policy) -> tuple[str, str]:
    """The box of the report's patient, or an empty text and why there is none."""
    return patient_box(facts.about.ins, allow_test=policy.allow_test_ins)


def opposition_keys(wanted: Wanted, facts: Facts, address: str = "") -> tuple[str, ...]:
    """Under what an opposition of this recipient may stand: every number and the code he goes by, the address (lower
    case; without one, that which needs no directory), and whoever the directories know behind it.
    """
    if wanted.role is RecipientRole.PATIENT:
        return ()
    own = own_identity(wanted)
    code = wanted.id if wanted.id_type is IdType.LOCAL else ""
    known = dict.fromkeys([*([own] if own else []), *identities(wanted, facts)])
    known |= dict.fromkeys(other for one in tuple(known) for other in facts.equivalents.get(one, ()))
    line = next((as_compared(line.address) for line in valid_lines(wanted, facts)), "")
    box = address or explicit_address(wanted, facts) or line
    behind = sorted({one for entry in facts.by_address.get(box, ()) for one in _holders(entry)})
    return recipient_keys(dict.fromkeys([*known, *behind]), code, box)


def _holders(entry: Entry) -> tuple[Identity, ...]:
    """The person of a personal box; of any other the structure too, which a personal box only names as a workplace."""
    found = [(entry.id_type, entry.identifier)] if entry.id_type and entry.identifier else []
    if entry.box_type != "PER":
        kind = {9: IdType.FINESS, 14: IdType.SIRET}.get(len(entry.structure_id))
        found += [(kind, entry.structure_id)] if kind else []
    return tuple(found)


def lookups(wanted: Wanted, facts: Facts, policy: Policy) -> Lookups:
    """What must still be looked up for ``wanted``; nothing (false) when the facts are complete.

    Answers open new questions (a code leads to an identifier, that to boxes, those to domains): ask again after each
    round, seven rounds at most.
    """
    if wanted.role is RecipientRole.PATIENT:
        return _of_patient(facts, policy)
    known = valid_lines(wanted, facts)
    beside = organisation(wanted) if policy.prefer == "ORG" else None
    own = own_identity(wanted)
    asked = {*identities(wanted, facts), own, beside} - {None}
    pairs = {other for one in asked if one for other in facts.equivalents.get(one, ())}
    addresses = {explicit_address(wanted, facts), *(as_compared(line.address) for line in known)} - {""}
    boxes = boxes_to_choose_from(wanted, facts, policy)
    reachable = frozenset(addresses | {box.address for box in boxes})
    first = Lookups(
        codes=frozenset({wanted.id} - {""}) - facts.local.keys(),
        equivalents=frozenset(one for one in asked | pairs if one and one[0] in PEOPLE) - facts.equivalents.keys(),
        identifiers=frozenset(one for one in asked if one) - facts.entries.keys(),
        addresses=reachable - facts.by_address.keys(),
        certificates=reachable - facts.certificates.keys(),
        domains=frozenset(domain_of(address) for address in reachable) - facts.allowed.keys(),
        opposed=_opposition_keys_of_all(wanted, facts, reachable) - facts.opposed.keys(),
    )
    name = search_text(wanted)
    if first or reachable or not name or name in facts.namesakes:
        return first
    return Lookups(names=frozenset({name}))


def _opposition_keys_of_all(wanted: Wanted, facts: Facts, boxes: Iterable[str]) -> frozenset[str]:
    return frozenset(key for box in ("", *boxes) for key in opposition_keys(wanted, facts, box))


def _of_patient(facts: Facts, policy: Policy) -> Lookups:
    address, _why = patient_address(facts, policy)
    if not policy.patients or not address:
        return Lookups()
    reachable = frozenset({address})
    return Lookups(
        certificates=reachable - facts.certificates.keys(),
        domains=frozenset({domain_of(address)}) - facts.allowed.keys(),
    )


def domain_of(address: str) -> str:
    """Part after the ``@``, in the form domains are compared in."""
    domain = address.rpartition("@")[2]
    return domain_key(domain) or domain.lower()


__all__ = ["ChannelPolicy", "Facts", "Identity", "Lookups", "Policy", "domain_of", "lookups"]
