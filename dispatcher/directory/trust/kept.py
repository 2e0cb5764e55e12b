"""The lists of allowed domains that were accepted: kept whole, the one put last in force.

A list never replaces a newer one by itself. Going back is a person's command with a reason (:func:`restore`); what she
put aside is not taken again by a synchronisation. Who accepted what, when, stands in the journal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from dispatcher.clock import paris
from dispatcher.directory.trust.allowed_domains import AllowedDomainList, Trust, Verdict, verify
from dispatcher.directory.trust.content import Content
from dispatcher.errors import TrustError

if TYPE_CHECKING:
    from dispatcher.ports import Reference, UnitOfWork

KIND = "allowed-domains"
"""Under which the accepted lists are kept."""
SUBJECT = f"reference:{KIND}"
"""Under which the journal tells of them."""
SYNC = "sync"
"""The actor of a list fetched by itself; a person is ``operator:<login>``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long accepted lists are kept: among the last ``versions``, or accepted in the last ``months``."""

    versions: int = 12
    months: int = 1

    @property
    def since(self) -> timedelta:
        """``months``, of 31 days each."""
        return timedelta(days=31 * self.months)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One list that was accepted."""

    version: str
    generated: datetime | None
    accepted_at: datetime
    by: str
    """``sync`` or ``operator:<login>``."""
    event: str
    """``reference.accepted`` or ``reference.restored``."""
    reason: str
    """Why a person went back to it; else empty."""
    sha256: str
    size: int
    in_force: bool


def import_list(
    content: bytes,
    trust: Trust,
    reference: Reference,
    *,
    now: datetime,
    actor: str = SYNC,
    retention: Retention | None = None,
) -> Verdict:
    """Judge a list against the one held and keep it when accepted. A refusal is told by the verdict, not raised.

    A list of the very date of the one held replaces it only when it says the same: of two lists of one date nobody can
    tell which is the true one.
    """
    newest = reference.newest(KIND)
    held = generated_of(newest[0]) if newest else None
    verdict = verify(content, trust, now=now, held=held)
    if not verdict.accepted or newest is None:
        return _put(verdict, content, reference, now, actor, retention)
    if content == newest[1]:
        return verdict
    if held is not None and verdict.generated is not None and verdict.generated.replace(microsecond=0) == held:
        before = verify(newest[1], trust, now=now, still_valid=False)
        if before.content is None or verdict.content is None or before.content.operators != verdict.content.operators:
            return replace(verdict, accepted=False, content=None, reasons=(_TWO_OF_ONE_DATE.format(_day(held)),))
        return replace(verdict, notes=(*verdict.notes, "La liste en service porte la même date et dit la même chose."))
    if actor == SYNC and (aside := _put_aside(reference, held, verdict.generated)):
        return replace(verdict, accepted=False, content=None, reasons=(aside,))
    return _put(verdict, content, reference, now, actor, retention)


_TWO_OF_ONE_DATE = (
    "Une autre liste de la même date ({}) est en service avec un autre contenu : impossible de dire laquelle est la "
    "bonne. Attendre la suivante, ou demander à l'ANS."
)


def _put_aside(reference: Reference, held: datetime | None, generated: datetime | None) -> str:
    """A person went back to ``held``: what was accepted before it, and anything as old, waits for something newer."""
    dates = [generated_of(row.version) for row in reference.versions(KIND)]
    newest = max((date for date in dates if date is not None), default=None)
    if newest is None or held is None or generated is None or newest <= held:
        return ""
    if generated.replace(microsecond=0) > newest:
        return ""
    return (
        f"Une personne est revenue à la liste du {_day(held)} : celle du {_day(generated)} n'est pas reprise "
        "d'elle-même. L'importer (« dispatcher trust import »), ou attendre une liste plus récente."
    )


def _put(
    verdict: Verdict,
    content: bytes,
    reference: Reference,
    now: datetime,
    actor: str,
    retention: Retention | None,
) -> Verdict:
    if verdict.accepted:
        reference.put(KIND, verdict.version, content, now, actor=actor)
        forget_old(reference, retention or Retention(), now)
    return verdict


def forget_old(reference: Reference, retention: Retention, now: datetime) -> None:
    """Drop what is beyond both limits; never the list in force. The journal keeps every version's digest."""
    for place, row in enumerate(reference.versions(KIND)):
        if place >= max(1, retention.versions) and row.accepted_at < now - retention.since:
            reference.drop(KIND, row.version)


def generated_of(version: str) -> datetime | None:
    """Date of generation a version begins with, to the second."""
    try:
        return datetime.fromisoformat(version.partition(" ")[0]).astimezone(UTC)
    except ValueError:
        return None


def _day(moment: datetime) -> str:
    return f"{paris(moment):%d/%m/%Y à %H:%M}"


def load_list(trust: Trust, reference: Reference, *, now: datetime) -> AllowedDomainList:
    """The list in force, verified again from its bytes; :meth:`AllowedDomainList.none` when none was ever accepted.

    A signer certificate that expired since is no fault here (the age of the list is watched apart). Raises
    :class:`TrustError` when the kept bytes no longer verify: changed in the store, or other roots pinned.
    """
    newest = reference.newest(KIND)
    if newest is None:
        return AllowedDomainList.none()
    return AllowedDomainList(newest[1], trust, now=now, still_valid=False)


def history(uow: UnitOfWork) -> tuple[Kept, ...]:
    """Every list still kept, the one in force first, with who accepted it and why."""
    told = {str(line.detail.get("version")): line for line in uow.journal.of_subject(SUBJECT)}
    found = []
    for place, row in enumerate(uow.reference.versions(KIND)):
        line = told.get(row.version)
        found.append(
            Kept(
                version=row.version,
                generated=generated_of(row.version),
                accepted_at=row.accepted_at,
                by=line.actor if line else "",
                event=line.event if line else "",
                reason=str(line.detail.get("reason") or "") if line else "",
                sha256=str(line.detail.get("sha256") or "") if line else "",
                size=row.size,
                in_force=place == 0,
            )
        )
    return tuple(found)


def find_version(reference: Reference, wanted: str) -> tuple[str, bytes]:
    """A kept version by its whole name or an unmistakable part of it (date or digest).

    Raises :class:`TrustError` when none or several match.
    """
    names = [row.version for row in reference.versions(KIND)]
    found = [name for name in names if name == wanted] or [name for name in names if wanted and wanted in name]
    if len(found) != 1:
        what = "plusieurs listes gardées" if found else "aucune liste gardée"
        raise TrustError(
            f"« {wanted} » : {what} de ce nom.", hint="« dispatcher trust list » montre les listes gardées."
        )
    content = reference.get(KIND, found[0])
    if content is None:
        raise TrustError(f"La liste « {found[0]} » n'est plus gardée.")
    return found[0], content


def restore(wanted: str, trust: Trust, uow: UnitOfWork, *, now: datetime, actor: str, reason: str) -> Verdict:
    """Put an older kept list in force again. Raises :class:`TrustError` without a reason, or when it fails to verify.

    It is judged again like a list that was accepted before: its signer may have expired since, not been revoked.
    """
    if not reason.strip():
        raise TrustError("Revenir à une liste plus ancienne demande un motif.", hint="--reason « … ».")
    version, content = find_version(uow.reference, wanted)
    newest = uow.reference.newest(KIND)
    if newest is not None and newest[0] == version:
        raise TrustError(f"La liste « {version} » est déjà en service.")
    verdict = verify(content, trust, now=now, still_valid=False)
    if not verdict.accepted:
        raise TrustError("La liste gardée n'est plus vérifiable : " + " ".join(verdict.reasons))
    uow.reference.put(KIND, version, content, now, actor=actor, reason=reason.strip())
    return verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What changes for senders between two lists."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    operators: tuple[str, ...]
    """Domains on both whose operators' certificates are not the same."""

    def in_words(self) -> str:
        """« 12 domaines ajoutés, 3 retirés »."""
        plural = "s" if len(self.added) > 1 else ""
        return (
            f"{len(self.added)} domaine{plural} ajouté{plural}, {len(self.removed)} retiré"
            f"{'s' if len(self.removed) > 1 else ''}"
        )


def difference(before: Content, after: Content) -> Difference:
    """From one list to another, each in the order of the alphabet."""
    both = before.names & after.names
    return Difference(
        added=tuple(sorted(after.names - before.names)),
        removed=tuple(sorted(before.names - after.names)),
        operators=tuple(sorted(name for name in both if before.operators[name] != after.operators[name])),
    )


def content_of(content: bytes, trust: Trust, now: datetime) -> Content:
    """What a kept list says, verified again. Raises :class:`TrustError` when it no longer holds."""
    verdict = verify(content, trust, now=now, still_valid=False)
    if verdict.content is None:
        raise TrustError("La liste gardée n'est plus vérifiable : " + " ".join(verdict.reasons))
    return verdict.content
