"""Who signed the list of allowed domains, and may they? Dates, name, path to a pinned root, revocation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from dispatcher.clock import paris
from dispatcher.directory.certificates.chain import Anchors, Revocation, find_path, revocation


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the embedded certificate is worth."""

    chain: bool | None
    """``None`` when no root is pinned."""
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def judge_signer(
    certificate: x509.Certificate,
    beside: Sequence[x509.Certificate],
    *,
    pinned: Anchors,
    common_name: str,
    crls: Sequence[x509.CertificateRevocationList],
    made_at: datetime | None,
    now: datetime | None,
) -> Judged:
    """``made_at``: when the list says it was made; ``now``: valid today too. Reasons in French.

    ``now=None`` is for a list that was accepted before: neither the certificate's end nor a revocation list that has
    become too old counts any more, only a revocation.
    """
    reasons = _name_and_usage(certificate, common_name)
    moments = [moment for moment in (made_at, now) if moment is not None]
    reasons += _dates(certificate, made_at, now)
    if not pinned.roots:
        reasons.append("Aucun certificat racine n'est épinglé : la chaîne ne peut pas être vérifiée (« trust.roots »).")
        return Judged(chain=None, reasons=tuple(reasons))
    paths = [find_path(certificate, pinned, beside, moment) for moment in moments]
    if moments and all(paths):
        answer = _revoked(paths[-1] or (), crls, now)
        return Judged(chain=answer.chain, reasons=(*reasons, *answer.reasons), notes=answer.notes)
    if not _dates(certificate, made_at, now) and not _usage(certificate):
        reasons.append(_no_path(certificate, pinned, beside))
    return Judged(chain=False, reasons=tuple(reasons))


def _name_and_usage(certificate: x509.Certificate, common_name: str) -> list[str]:
    reasons = []
    names = [str(item.value) for item in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names != [common_name]:
        found = ", ".join(names) or "aucun"
        reasons.append(f"La liste est signée par « {found} », et non par « {common_name} » (« trust.signer_cn »).")
    return reasons + _usage(certificate)


def _usage(certificate: x509.Certificate) -> list[str]:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return ["Le certificat du signataire ne dit pas à quoi il sert (emailProtection attendu)."]
    if ExtendedKeyUsageOID.EMAIL_PROTECTION not in usage:
        return ["Le certificat du signataire n'est pas fait pour la messagerie (emailProtection attendu)."]
    try:
        key = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return []
    if key.digital_signature or key.content_commitment:
        return []
    return ["Le certificat du signataire n'a pas le droit de signer (digitalSignature ou nonRepudiation attendu)."]


def _dates(certificate: x509.Certificate, made_at: datetime | None, now: datetime | None) -> list[str]:
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if made_at is not None and made_at < start:
        return [f"Le certificat du signataire ne vaut que depuis le {_day(start)}, après la date de la liste."]
    if made_at is not None and made_at > end:
        return [f"Le certificat du signataire avait déjà expiré (le {_day(end)}) à la date de la liste."]
    if now is not None and now < start:
        return [f"Le certificat du signataire ne vaut qu'à partir du {_day(start)} : l'heure d'ici est-elle bonne ?"]
    if now is not None and now > end:
        return [
            f"Le certificat du signataire a expiré le {_day(end)} ; il était valable quand la liste a été faite. "
            "Télécharger la liste du jour."
        ]
    return []


def _day(moment: datetime) -> str:
    return f"{paris(moment):%d/%m/%Y}"


def _no_path(certificate: x509.Certificate, pinned: Anchors, beside: Sequence[x509.Certificate]) -> str:
    """The certificate itself is in order: what is wrong above it?"""
    issuer = certificate.issuer.rfc4514_string()
    begin = certificate.not_valid_before_utc + timedelta(seconds=1)
    if find_path(certificate, pinned, beside, begin):
        return "Une autorité au-dessus du signataire n'est plus valable : mettre à jour « trust.roots »."
    known = {other.subject for other in (*pinned.roots, *pinned.intermediates, *beside)}
    if certificate.issuer not in known:
        return f"L'autorité qui a émis le certificat du signataire n'est pas épinglée : « {issuer} »."
    return "Le certificat du signataire ne remonte à aucune racine épinglée (« trust.roots »)."


_LISTS = {
    Revocation.NO_LIST: "Aucune liste de révocation donnée ne vient de l'autorité du signataire.",
    Revocation.BAD_LIST: "La liste de révocation ne porte pas la signature de l'autorité du signataire.",
    Revocation.EXPIRED_LIST: "La liste de révocation de l'autorité du signataire n'est plus à jour : la télécharger.",
}


def _revoked(
    path: tuple[x509.Certificate, ...], crls: Sequence[x509.CertificateRevocationList], now: datetime | None
) -> Judged:
    """The signer's own list must answer when lists are given; those above it count when they say « revoked »."""
    at = now or datetime.max.replace(tzinfo=UTC)
    outcomes = [revocation(child, issuer, crls, at) for child, issuer in pairwise(path)]
    if Revocation.REVOKED in outcomes:
        who = "du signataire" if outcomes[0] is Revocation.REVOKED else "d'une autorité au-dessus du signataire"
        return Judged(chain=False, reasons=(f"Le certificat {who} est révoqué.",))
    if now is None:
        return Judged(chain=True)
    first = outcomes[0] if outcomes else Revocation.NOT_ASKED
    if first in _LISTS:
        return Judged(chain=False, reasons=(_LISTS[first],))
    if first is Revocation.NOT_ASKED:
        return Judged(chain=True, notes=("La révocation n'a pas été vérifiée : aucune liste (CRL) n'est donnée.",))
    return Judged(chain=True)
