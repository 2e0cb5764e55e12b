"""May a certificate be used on a day? Fitness, dates, path to a pinned authority, revocation; each answer by its name.

« Révoqué » and « n'a pas pu être établi » are different answers and never share a word: the first is a fact about the
certificate, the second about our lists (docs/adr/0010).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Literal

from cryptography import x509
from cryptography.x509.oid import NameOID

from dispatcher.clock import paris
from dispatcher.directory.certificates.chain import Anchors, Revocation, find_path, revocation
from dispatcher.directory.certificates.found import Found

RevocationPolicy = Literal["off", "soft", "require"]


class Standing(StrEnum):
    """What a certificate is worth on one day."""

    USABLE = "usable"
    NOT_YET_VALID = "not-yet-valid"
    EXPIRED = "expired"
    UNFIT = "unfit"
    """For another use, too short a key, damaged."""
    OTHER_ISSUER = "other-issuer"
    """No path to a pinned authority."""
    REVOKED = "revoked"
    NOT_ESTABLISHED = "revocation-not-established"
    """The revocation lists cannot say, and the site requires that they do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer, with a French reason unless it is usable."""

    standing: Standing
    reason: str = ""
    remark: str = ""
    """Usable, but: what could not be established under a soft policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """What the site pinned and knows."""

    pinned: Anchors | None = None
    """None: any issuer counts, and nothing can be said of revocation."""
    crls: tuple[x509.CertificateRevocationList, ...] = ()
    policy: RevocationPolicy = "off"

    def judge(self, one: Found, between: tuple[x509.Certificate, ...], at: datetime) -> Verdict:
        """``between``: authorities that came along, unproven; ``at``: aware."""
        if one.fault:
            return Verdict(standing=Standing.UNFIT, reason=one.fault)
        start, end = one.certificate.not_valid_before_utc, one.expires
        if at < start:
            reason = f"pas encore valable (à partir du {paris(start):%d/%m/%Y})"
            return Verdict(standing=Standing.NOT_YET_VALID, reason=reason)
        if at > end:
            reason = f"expiré depuis le {paris(end):%d/%m/%Y} ; demander le nouveau certificat au destinataire"
            return Verdict(standing=Standing.EXPIRED, reason=reason)
        if self.pinned is None:
            return Verdict(standing=Standing.USABLE)
        path = find_path(one.certificate, self.pinned, between, at, usage_required=False)
        if path is None:
            return Verdict(standing=Standing.OTHER_ISSUER, reason=self._no_path(one.certificate, between))
        return self._revocation(path, at) if self.policy != "off" else Verdict(standing=Standing.USABLE)

    def _no_path(self, certificate: x509.Certificate, between: tuple[x509.Certificate, ...]) -> str:
        assert self.pinned is not None
        known = {one.subject for one in (*self.pinned.roots, *self.pinned.intermediates, *between)}
        if certificate.issuer not in known:
            return "émis par une autorité qui n'est pas parmi celles épinglées"
        return "ne remonte à aucune autorité épinglée qui soit valable et en droit d'émettre ce certificat"

    def _revocation(self, path: tuple[x509.Certificate, ...], at: datetime) -> Verdict:
        outcomes = [(issuer, revocation(child, issuer, self.crls, at)) for child, issuer in pairwise(path)]
        if outcomes and outcomes[0][1] is Revocation.REVOKED:
            return Verdict(standing=Standing.REVOKED, reason="révoqué par son autorité")
        if any(outcome is Revocation.REVOKED for _, outcome in outcomes):
            return Verdict(standing=Standing.REVOKED, reason="émis par une autorité elle-même révoquée")
        doubts = [_doubt(issuer, outcome) for issuer, outcome in outcomes if outcome is not Revocation.GOOD]
        if not doubts:
            return Verdict(standing=Standing.USABLE)
        text = f"sa révocation n'a pas pu être établie ({' ; '.join(dict.fromkeys(doubts))})"
        if self.policy == "require":
            return Verdict(standing=Standing.NOT_ESTABLISHED, reason=text)
        return Verdict(standing=Standing.USABLE, remark=text)


def _doubt(issuer: x509.Certificate, outcome: Revocation) -> str:
    names = [str(item.value) for item in issuer.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    name = names[0] if names else issuer.subject.rfc4514_string()
    if outcome is Revocation.NOT_ASKED:
        return "aucune liste de révocation n'est là"
    if outcome is Revocation.NO_LIST:
        return f"pas de liste de révocation complète de « {name} »"
    if outcome is Revocation.BAD_LIST:
        return f"la liste de révocation de « {name} » ne porte pas sa signature"
    return f"la liste de révocation de « {name} » n'est plus à jour"
