"""A small desk for routing tests: directories, list and certificates in memory, and one call to decide."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from dispatcher.ports import CertificateAnswer
from dispatcher.report.model import IdType
from dispatcher.routing.about import About
from dispatcher.routing.candidates import Entry, LocalEntry
from dispatcher.routing.identities import PEOPLE, bare_identifier, tokens
from dispatcher.routing.route import Decision, RecipientRole, Wanted
from dispatcher.routing.rules import ChannelPolicy, Policy, decide, gather

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
IN = "dest.mssante.test"
OUT = "ailleurs.test"
RPPS = "99700000013"
OTHER_RPPS = "99700000021"
FINESS = "990004012"
OTHER_FINESS = "990004020"
SIRET = "99900001100018"

MSS = ChannelPolicy(name="mss", family="mssante", default_format="cda", sender="labo@op.mssante.test", mutual_tls=True)
SMIME = ChannelPolicy(name="smime", family="smime", default_format="cda", sender="labo@labo.test")
APICRYPT = ChannelPolicy(
    name="apicrypt", family="apicrypt", default_format="hprim-medecins", sender="labo@medical12.api.test", local=True
)
POLICY = Policy(channels={"mss": MSS, "smime": SMIME, "apicrypt": APICRYPT}, default_channel="mss")


def per(address: str, identifier: str = RPPS, family: str = "DURAND", given: str = "Paul", **more: Any) -> Entry:
    """A personal box."""
    values = {"id_type": IdType.RPPS, "box_type": "PER", "source": "test", **more}
    return Entry(address=address, identifier=identifier, family=family, given=given, **values)


def org(address: str, structure_id: str = FINESS, **more: Any) -> Entry:
    """A box of a structure."""
    return Entry(
        address=address, box_type="ORG", structure_id=structure_id, structure_name="EHPAD", source="test", **more
    )


def wanted(**values: Any) -> Wanted:
    """A prescriber."""
    return Wanted(**{"role": RecipientRole.PRESCRIBER, **values})


def doctor(**values: Any) -> Wanted:
    """A prescriber by RPPS, named as in the directory."""
    named = {"id": RPPS, "id_type": IdType.RPPS, "family": "DURAND", "given": "Paul", "label": "Dr DURAND Paul"}
    return wanted(**{**named, **values})


@dataclass
class Book:
    """``ports.Directory`` in memory."""

    entries: tuple[Entry, ...] = ()
    lines: tuple[LocalEntry, ...] = ()
    known: bool = True
    pairs: tuple[tuple[str, str], ...] = ()
    """ADELI and RPPS of one person."""
    told: Mapping[str, str] | None = None

    def versions(self) -> dict[str, str]:
        return (
            dict(self.told)
            if self.told is not None
            else {"mssante": "2026-11-20" if self.known else "", "local": "abc" if self.lines else ""}
        )

    def by_identifier(self, id_type: IdType, identifier: str) -> tuple[Entry, ...]:
        return tuple(e for e in self.people(id_type, identifier) if e.address)

    def people(self, id_type: IdType, identifier: str) -> tuple[Entry, ...]:
        bare = bare_identifier(id_type, identifier)
        if id_type in PEOPLE:
            return tuple(e for e in self.entries if e.id_type == id_type and e.identifier == bare)
        return tuple(e for e in self.entries if e.structure_id == bare)

    def equivalents(self, id_type: IdType, identifier: str) -> tuple[tuple[IdType, str], ...]:
        if id_type is IdType.ADELI:
            return tuple((IdType.RPPS, rpps) for adeli, rpps in self.pairs if adeli == identifier)
        return tuple((IdType.ADELI, adeli) for adeli, rpps in self.pairs if rpps == identifier)

    def by_address(self, address: str) -> tuple[Entry, ...]:
        return tuple(e for e in self.entries if address and e.address == address)

    def local(self, source: str, code: str) -> tuple[LocalEntry, ...]:
        return tuple(line for line in self.lines if line.code == code and line.source in {"", source})

    def search(self, text: str, limit: int = 20) -> tuple[Entry, ...]:
        words = set(tokens(text))
        return tuple(e for e in self.entries if words & set(tokens(f"{e.family} {e.given}")))[:limit]


@dataclass
class Domains:
    """``ports.AllowedDomains`` in memory."""

    names: frozenset[str]
    generated: datetime | None
    version: str

    def allows(self, domain: str) -> bool:
        return domain in self.names


@dataclass
class Certificates:
    """``ports.Certificates`` in memory: address to fingerprint."""

    prints: Mapping[str, str]
    said: Mapping[str, CertificateAnswer] = field(default_factory=dict)

    def answer(self, address: str, at: datetime) -> CertificateAnswer:
        found: Any = SimpleNamespace(fingerprint=self.prints[address]) if address in self.prints else None
        return replace(self.said.get(address, CertificateAnswer()), chosen=found)


def decided(
    who: Wanted,
    *entries: Entry,
    lines: Iterable[LocalEntry] = (),
    allowed: Iterable[str] = (IN,),
    certificates: Mapping[str, str] | None = None,
    said: Mapping[str, CertificateAnswer] | None = None,
    policy: Policy = POLICY,
    chosen: str = "",
    list_days: float | None = 1,
    known: bool = True,
    source: str = "lis",
    pairs: Iterable[tuple[str, str]] = (),
    versions: Mapping[str, str] | None = None,
    about: About | None = None,
    opposed: Collection[str] = (),
) -> Decision:
    """Gather what the rules ask for, and decide."""
    generated = None if list_days is None else NOW - timedelta(days=list_days)
    facts = gather(
        who,
        policy,
        source=source,
        directory=Book(entries, tuple(lines), known, tuple(pairs), versions),
        domains=Domains(frozenset(allowed), generated, "2026-11-20 abc" if generated else ""),
        certificates=Certificates(certificates or {}, said or {}),
        now=NOW,
        chosen=chosen,
        about=about,
        opposed=opposed.__contains__,
    )
    return decide(who, facts, policy)
