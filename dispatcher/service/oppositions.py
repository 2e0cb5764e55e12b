"""Use case: oppositions to electronic mail. Recorded by a person, obeyed at preparation and again at hand-over.

Ségur, MSS/va1.20 and va1.22 (mssante.md §5). Numbers are kept as keyed hashes; who and when stand in the journal.

A national number is one person's everywhere. A patient number and a prescriber code are somebody else's in another LIS:
such an opposition names the source they come from. Whatever leaves that open is obeyed: an opposition without a source
holds for all; files sent by hand are held against every source, and so is what a source said that is gone since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from dispatcher.clock import paris
from dispatcher.errors import ConfigError
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.ports import OppositionRow, UnitOfWork
from dispatcher.report.identifiers import compact, identifier_ok, nir_ok
from dispatcher.report.model import IdType, Patient, Report
from dispatcher.routing.about import About, Scope, ins_key, local_key, patient_keys
from dispatcher.routing.candidates import LocalEntry
from dispatcher.routing.identities import bare_identifier
from dispatcher.routing.route import Decision, Hold, RecipientRole
from dispatcher.service.desk import SENT_BY_HAND, Desk

KEPT = "opposition"
"""Name, in the stored decision, of the hashes an opposition may stand under."""
CODE = "opposition"
"""Hold of a mail somebody objected to after it was prepared (routing/holds.py)."""
KINDS = {**{str(kind).lower(): kind for kind in IdType if kind is not IdType.LOCAL}, "code": IdType.LOCAL}
NATIONAL = frozenset(str(kind) for kind in IdType) - {str(IdType.LOCAL)}


EVERY_SOURCE = "*"
"""What a person types for « whoever gave this number »."""
_OF_A_SOURCE = frozenset({"patient", "code"})
"""Kinds of numbers that a LIS gives."""


def about(desk: Desk, report: Report, source: str, *, despite: bool = False) -> About:
    """What the rules look at of this report that came by ``source``. Raises StoreError."""
    hashes = [desk.cipher.hash(key) for key in patient_keys(report.patient)]
    with desk.store.reading() as uow:
        found = _scopes(uow, hashes, _givers(desk.sources, uow, source))
    return About(
        handling=report.handling,
        ins=report.patient.ins,
        opposed=frozenset(Scope(one) for one in found) - {Scope.RECIPIENT},
        despite=despite,
    )


def recipient_opposes(desk: Desk, source: str) -> Callable[[str], bool]:
    """For ``gathering.gather``: does an opposition of a recipient stand under a key, in a file of ``source``?"""

    def opposed(key: str) -> bool:
        with desk.store.reading() as uow:
            if not uow.oppositions.kinds():
                return False
            found = _scopes(uow, [desk.cipher.hash(key)], _givers(desk.sources, uow, source))
            return Scope.RECIPIENT in found | uow.oppositions.scopes(_by_table(desk, uow, key))

    return opposed


def _by_table(desk: Desk, uow: UnitOfWork, key: str) -> list[str]:
    """Hashes an opposition recorded under a code stands under, for the codes whose lines of the table name this number.

    A number is one person's everywhere: whichever LIS calls him by that code, it is he who objected. A line that has
    ended counts until another line takes its code. Raises DirectoryError.
    """
    kind, _, number = key.partition(":")
    if kind not in NATIONAL:
        return []
    today, found = paris(desk.clock.now()).date(), list[str]()
    for source in ("", *desk.sources, *_named_sources(uow) - set(desk.sources)):
        for line in desk.directory.local(source, number):
            taken = any(_current(one, today) for one in desk.directory.local(source, line.code))
            if line.id_type == kind and (_current(line, today) or not taken):
                hashed = desk.cipher.hash(f"code:{line.code}")
                found += [hashed, _of_source(hashed, source)]
    return list(dict.fromkeys(found))


def _current(line: LocalEntry, today: date) -> bool:
    return not (line.valid_to and line.valid_to < today) and not (line.valid_from and line.valid_from > today)


def _givers(sources: Collection[str], uow: UnitOfWork, source: str) -> frozenset[str]:
    """Whose oppositions hold for a file of ``source``: its own, those of sources gone since, all when it is unknown."""
    named = _named_sources(uow)
    return frozenset({source}) | named.difference(sources) if source in sources else named


def _named_sources(uow: UnitOfWork) -> frozenset[str]:
    return frozenset(kind.partition("@")[2] for kind in uow.oppositions.kinds()) - {""}


def _scopes(uow: UnitOfWork, hashes: Sequence[str], givers: Iterable[str]) -> frozenset[str]:
    return uow.oppositions.scopes([*hashes, *(_of_source(one, giver) for giver in givers for one in hashes)])


def _of_source(key: str, source: str) -> str:
    """The keyed hash of a number, as one LIS gave it. From the hash, so that what was kept with a dispatch suffices."""
    return hashlib.sha256(f"{key}@{source}".encode()).hexdigest()


def hashes(desk: Desk, patient: Patient, decision: Decision) -> dict[str, object]:
    """Kept with the decision, for the look at hand-over: under what an opposition may stand, the very set the rules
    looked at."""
    with desk.store.reading() as uow:
        by_table = dict.fromkeys(one for key in decision.opposition for one in _by_table(desk, uow, key))
    return {
        "patient": [desk.cipher.hash(key) for key in patient_keys(patient)],
        "recipient": [desk.cipher.hash(key) for key in decision.opposition],
        "by_table": list(by_table),
    }


def refuses(uow: UnitOfWork, dispatch: Dispatch, sources: Collection[str]) -> Hold | None:
    """Why this mail may not leave any more, or None. Asked right before it does. ``sources``: those of the settings.

    The very oppositions preparation obeys: of the file's own source, and of sources gone from the settings.
    """
    mine = Scope.PATIENT_BOX if dispatch.role == RecipientRole.PATIENT else Scope.PROFESSIONALS
    asked = standing(uow, dispatch, sources)
    if not asked & {mine, Scope.RECIPIENT}:
        return None
    whose = "Le destinataire" if Scope.RECIPIENT in asked else "Le patient"
    return Hold(
        code=CODE,
        reason=f"{whose} s'est opposé à cet envoi après sa préparation : rien n'est parti. Clore l'envoi et remettre "
        "le compte rendu autrement.",
    )


def standing(uow: UnitOfWork, dispatch: Dispatch, sources: Collection[str]) -> frozenset[str]:
    """Scopes of the oppositions that stand today under what was kept with this dispatch."""
    if not uow.oppositions.kinds():
        return frozenset()
    kept: Mapping[str, Any] = dispatch.decision.get(KEPT) or {}  # type: ignore[assignment]
    version = uow.reports.get(dispatch.report_id)
    file = uow.files.get(version.file_id) if version is not None else None
    givers = _givers(sources, uow, file.source if file is not None else SENT_BY_HAND)
    asked = _scopes(uow, [*kept.get("patient", ()), *kept.get("recipient", ())], givers)
    return asked | uow.oppositions.scopes(list(kept.get("by_table", ())))


def named(text: str) -> tuple[str, str]:
    """Key and kind of what a person typed: ``ins:…``, ``patient:…`` (number in the LIS), ``rpps:…``, ``adeli:…``,
    ``finess:…``, ``siret:…``, ``code:…`` or ``adresse:…``. Raises ConfigError when it is none of these.
    """
    kind, colon, value = (part.strip() for part in text.partition(":"))
    kind = kind.lower()
    if colon and value:
        if kind == "ins":
            if not nir_ok(compact(value)):
                raise ConfigError("Matricule INS mal formé.", hint="Attendu : 15 caractères, clé juste.")
            return ins_key(value), "ins"
        if kind == "patient":
            return local_key(value), "patient"
        if kind == "adresse":
            return f"adresse:{value.lower()}", "adresse"
        if kind == "code":
            return f"code:{value}", "code"
        if kind in KINDS:
            number = compact(bare_identifier(KINDS[kind], value))
            if not identifier_ok(KINDS[kind], number):
                raise ConfigError(f"Numéro {KINDS[kind]} mal formé, ou clé fausse.", hint="Le relire sur le courrier.")
            return f"{KINDS[kind]}:{number}", str(KINDS[kind])
    raise ConfigError(
        "On ne sait pas de qui il s'agit.",
        hint="Attendu : ins:…, patient:…, rpps:…, adeli:…, finess:…, siret:…, code:… ou adresse:…",
    )


def record(
    desk: Desk, text: str, scope: Scope, *, actor: str, note: str = "", source: str = ""
) -> OppositionRow | None:
    """Record an opposition; None when it stands already. Raises ConfigError for a wrong pair.

    ``source``: which LIS gave a ``patient:`` number or a ``code:`` (:data:`EVERY_SOURCE`: whoever gave it); without
    one, the only source there is.
    """
    key, kind = named(text)
    if (kind in {"ins", "patient"}) is (scope is Scope.RECIPIENT):
        raise ConfigError(
            "Cette opposition ne va pas avec ce numéro.",
            hint="Un patient (ins:, patient:) s'oppose pour « patient » ou « professionnels », un destinataire pour "
            "« destinataire ».",
        )
    giver = _giver(desk, kind, source)
    hashed = desk.cipher.hash(key)
    row = OppositionRow(
        id=desk.store.new_id("P"),
        key=_of_source(hashed, giver) if giver else hashed,
        scope=scope.value,
        kind=f"{kind}@{giver}" if giver else kind,
        added_at=desk.clock.now(),
        actor=actor,
        note=note,
    )
    with desk.store.transaction() as uow:
        return row if uow.oppositions.add(row) else None


def _giver(desk: Desk, kind: str, source: str) -> str:
    """The source that gave the number; empty: whoever did. Raises ConfigError when that is left open."""
    if kind not in _OF_A_SOURCE:
        if source and source != EVERY_SOURCE:
            raise ConfigError(
                "Ce numéro est le même partout : il n'est pas celui d'une source.",
                hint="« --source » ne va qu'avec patient:… et code:….",
            )
        return ""
    if source == EVERY_SOURCE or not (source or desk.sources):
        return ""
    only = next(iter(desk.sources)) if len(desk.sources) == 1 else ""
    if (source or only) in desk.sources:
        return source or only
    found = f"Source inconnue : « {source} »." if source else "Plusieurs logiciels peuvent avoir donné ce numéro."
    raise ConfigError(
        found,
        hint=f"Dire lequel : « --source NOM » ({', '.join(desk.sources)}), ou « --source '{EVERY_SOURCE}' » pour tous.",
    )
