"""The list of allowed domains (liste blanche): is it the true one, may it replace ours, and whom does it let in?

A list is accepted when digest and signature hold, the signer's certificate is the pinned one by name, for mail
protection, valid when the list was made and now, under a pinned root, not revoked as far as lists were given; when it
is not older than the one held, and says something. Membership is on whole domains, never on suffixes (mssante.md §2).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from cryptography import x509

from dispatcher.clock import paris
from dispatcher.directory.certificates.chain import Anchors, anchors, load_certificates, load_crls
from dispatcher.directory.trust.content import Content, read_content
from dispatcher.directory.trust.signed_list import Checked, ListFault, check_signature, parse
from dispatcher.directory.trust.signer import judge_signer
from dispatcher.errors import TrustError, in_french
from dispatcher.routing.domain_names import domain_key

CLOCK_SKEW = timedelta(hours=1)
"""How far ahead of our clock a list may be dated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What the site pinned."""

    pinned: Anchors
    signer_cn: str
    crls: tuple[x509.CertificateRevocationList, ...] = ()

    @classmethod
    def of(cls, roots: Path, signer_cn: str, crl: Path | None = None) -> Trust:
        """From the files the settings name (PEM, DER or PKCS#7). Raises :class:`TrustError` when one is unusable."""
        certificates = _read(roots, "certificats racine", "trust.roots", load_certificates)
        pinned = anchors(certificates)
        if not pinned.roots:
            raise TrustError(
                f"{roots.name} ne contient aucun certificat racine (auto-signé).",
                hint="Y mettre la racine IGC-Santé et son intermédiaire (« trust.roots »).",
            )
        crls = _read(crl, "listes de révocation", "trust.crl", load_crls) if crl else ()
        return cls(pinned=pinned, signer_cn=signer_cn, crls=crls)


_Item = TypeVar("_Item")


def _read(path: Path, what: str, setting: str, load: Callable[[bytes], tuple[_Item, ...]]) -> tuple[_Item, ...]:
    try:
        return load(path.read_bytes())
    except OSError as error:
        raise TrustError(
            f"{path} : {what} introuvables ou illisibles ({in_french(error)}).",
            hint=f"Voir « {setting} » dans la configuration.",
        ) from error
    except ValueError as error:
        raise TrustError(
            f"{path.name} : {what} illisibles.", hint=f"Attendu : PEM, DER ou P7B ; voir « {setting} »."
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a list is worth. ``digest``, ``signature``, ``chain``: true, false, or ``None`` when not to be judged."""

    digest: bool | None = None
    signature: bool | None = None
    chain: bool | None = None
    signer: str = ""
    """Subject of the embedded certificate, RFC 4514."""
    generated: datetime | None = None
    """As the list says; not to be believed unless accepted."""
    domains: int = 0
    """Distinct domains the list names."""
    rows: int = 0
    accepted: bool = False
    reasons: tuple[str, ...] = ()
    """French, one sentence each: why it is refused. Empty when accepted."""
    notes: tuple[str, ...] = ()
    """French remarks that refuse nothing."""
    version: str = ""
    content: Content | None = field(default=None, repr=False)
    """What the list says, only when accepted."""

    @property
    def names(self) -> frozenset[str]:
        """The domains, only when accepted."""
        return self.content.names if self.content else frozenset()

    def as_json(self) -> dict[str, object]:
        """The contract of ``dispatcher trust verify --json``."""
        return {
            "digest": self.digest,
            "signature": self.signature,
            "chain": self.chain,
            "signer": self.signer or None,
            "generated": self.generated.isoformat().replace("+00:00", "Z") if self.generated else None,
            "domains": self.domains,
            "accepted": self.accepted,
            "reasons": list(self.reasons),
        }


def verify(
    content: bytes, trust: Trust, *, now: datetime, held: datetime | None = None, still_valid: bool = True
) -> Verdict:
    """Judge the bytes of a list. Raises nothing for what stands in them.

    ``held``: generation date of the list in force, which an older one may not replace. ``still_valid=False`` judges the
    signer on the day the list was made only: for a list that was accepted before.
    """
    try:
        root = parse(content)
    except ListFault as fault:
        return Verdict(reasons=(str(fault),))
    checked = check_signature(root)
    said, faults = read_content(root if checked.signed is None else checked.signed)
    reasons = [*faults, *checked.reasons]
    chain, notes = None, tuple[str, ...]()
    if checked.certificate is not None:
        judged = judge_signer(
            checked.certificate,
            checked.beside,
            pinned=trust.pinned,
            common_name=trust.signer_cn,
            crls=trust.crls,
            made_at=said.generated,
            now=now if still_valid else None,
        )
        chain, notes = judged.chain, judged.notes
        reasons += judged.reasons
    if said.unusable:
        notes = (*notes, f"{said.unusable} ligne(s) sans nom de domaine lisible : elles ne permettent rien.")
    reasons += _dates(said, now, held)
    good = checked.digest is True and checked.signature is True and checked.signed is not None and chain is True
    return _verdict(content, checked, said, chain, tuple(dict.fromkeys(reasons)), notes, accepted=good and not reasons)


def _verdict(
    content: bytes,
    checked: Checked,
    said: Content,
    chain: bool | None,
    reasons: tuple[str, ...],
    notes: tuple[str, ...],
    *,
    accepted: bool,
) -> Verdict:
    return Verdict(
        digest=checked.digest,
        signature=checked.signature,
        chain=chain,
        signer=checked.certificate.subject.rfc4514_string() if checked.certificate else "",
        generated=said.generated,
        domains=len(said.names),
        rows=said.rows,
        accepted=accepted,
        reasons=reasons if accepted or reasons else ("La liste n'a pas pu être vérifiée.",),
        notes=notes,
        version=version_of(said.generated, content) if said.generated else "",
        content=said if accepted else None,
    )


def _dates(said: Content, now: datetime, held: datetime | None) -> list[str]:
    if said.generated is None:
        return []
    if said.generated > now + CLOCK_SKEW:
        return [f"La liste est datée du {_day(said.generated)}, dans l'avenir : vérifier l'heure de cette machine."]
    if held is not None and said.generated.replace(microsecond=0) < held:
        return [f"La liste du {_day(said.generated)} est plus ancienne que celle en service ({_day(held)})."]
    return []


def _day(moment: datetime) -> str:
    return f"{paris(moment):%d/%m/%Y à %H:%M}"


def version_of(generated: datetime, content: bytes) -> str:
    """``2026-11-20T05:00:00Z 0123456789ab``: generation date and the beginning of the file's SHA-256."""
    return f"{generated:%Y-%m-%dT%H:%M:%SZ} {hashlib.sha256(content).hexdigest()[:12]}"


class AllowedDomainList:
    """A verified list; answers :class:`dispatcher.ports.AllowedDomains`."""

    def __init__(self, xml: bytes, trust: Trust, *, now: datetime, still_valid: bool = True) -> None:
        """Verify ``xml`` first. Raises :class:`TrustError` with every reason when it is refused."""
        verdict = verify(xml, trust, now=now, still_valid=still_valid)
        if not verdict.accepted:
            raise TrustError(
                "La liste des domaines autorisés est refusée : " + " ".join(verdict.reasons),
                reasons=verdict.reasons,
                hint="Télécharger de nouveau la liste ; rien ne part vers un domaine non vérifié.",
            )
        self.version = verdict.version
        self.generated = verdict.generated
        self.domains = verdict.names
        self.signer = verdict.signer

    @classmethod
    def none(cls) -> AllowedDomainList:
        """No list was ever accepted: nobody is let in."""
        empty = cls.__new__(cls)
        empty.version, empty.generated, empty.domains, empty.signer = "", None, frozenset(), ""
        return empty

    def allows(self, domain: str) -> bool:
        """The whole domain stands on the list. A name that is no mail domain never does."""
        key = domain_key(domain)
        return key is not None and key in self.domains
