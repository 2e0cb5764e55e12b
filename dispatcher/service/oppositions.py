"""Use case: oppositions to electronic mail. Recorded by a person, obeyed at preparation and again at hand-over.

Ségur, MSS/va1.20 and va1.22 (mssante.md §5). Numbers are kept as keyed hashes; who and when stand in the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dispatcher.errors import ConfigError
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.ports import OppositionRow, UnitOfWork
from dispatcher.report.identifiers import compact, nir_ok
from dispatcher.report.model import IdType, Patient, Report
from dispatcher.routing.about import About, Scope, ins_key, local_key, patient_keys
from dispatcher.routing.identities import bare_identifier
from dispatcher.routing.route import Decision, Hold, RecipientRole
from dispatcher.service.desk import Desk

KEPT = "opposition"
"""Name, in the stored decision, of the hashes an opposition may stand under."""
CODE = "opposition"
"""Hold of a mail somebody objected to after it was prepared (routing/holds.py)."""
KINDS = {**{str(kind).lower(): kind for kind in IdType if kind is not IdType.LOCAL}, "code": IdType.LOCAL}


def about(desk: Desk, report: Report, *, despite: bool = False) -> About:
    """What the rules look at of this report. Raises StoreError."""
    hashes = [desk.cipher.hash(key) for key in patient_keys(report.patient)]
    with desk.store.reading() as uow:
        found = uow.oppositions.scopes(hashes)
    return About(
        handling=report.handling,
        ins=report.patient.ins,
        opposed=frozenset(Scope(one) for one in found) - {Scope.RECIPIENT},
        despite=despite,
    )


def recipient_opposes(desk: Desk) -> Callable[[str], bool]:
    """For ``gathering.gather``: does an opposition of a recipient stand under a key?"""

    def opposed(key: str) -> bool:
        with desk.store.reading() as uow:
            return Scope.RECIPIENT in uow.oppositions.scopes([desk.cipher.hash(key)])

    return opposed


def hashes(desk: Desk, patient: Patient, decision: Decision) -> dict[str, object]:
    """Kept with the decision, for the look at hand-over: under what an opposition may stand, the very set the rules
    looked at."""
    return {
        "patient": [desk.cipher.hash(key) for key in patient_keys(patient)],
        "recipient": [desk.cipher.hash(key) for key in decision.opposition],
    }


def refuses(uow: UnitOfWork, dispatch: Dispatch) -> Hold | None:
    """Why this mail may not leave any more, or None. Asked right before it does."""
    kept: Mapping[str, Any] = dispatch.decision.get(KEPT) or {}  # type: ignore[assignment]
    mine = Scope.PATIENT_BOX if dispatch.role == RecipientRole.PATIENT else Scope.PROFESSIONALS
    asked = uow.oppositions.scopes([*kept.get("patient", ()), *kept.get("recipient", ())])
    if not asked & {mine, Scope.RECIPIENT}:
        return None
    whose = "Le destinataire" if Scope.RECIPIENT in asked else "Le patient"
    return Hold(
        code=CODE,
        reason=f"{whose} s'est opposé à cet envoi après sa préparation : rien n'est parti. Clore l'envoi et remettre "
        "le compte rendu autrement.",
    )


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
            return f"{KINDS[kind]}:{compact(bare_identifier(KINDS[kind], value))}", str(KINDS[kind])
    raise ConfigError(
        "On ne sait pas de qui il s'agit.",
        hint="Attendu : ins:…, patient:…, rpps:…, adeli:…, finess:…, siret:…, code:… ou adresse:…",
    )


def record(desk: Desk, text: str, scope: Scope, *, actor: str, note: str = "") -> OppositionRow | None:
    """Record an opposition; None when it stands already. Raises ConfigError for a wrong pair."""
    key, kind = named(text)
    if (kind in {"ins", "patient"}) is (scope is Scope.RECIPIENT):
        raise ConfigError(
            "Cette opposition ne va pas avec ce numéro.",
            hint="Un patient (ins:, patient:) s'oppose pour « patient » ou « professionnels », un destinataire pour "
            "« destinataire ».",
        )
    row = OppositionRow(
        id=desk.store.new_id("P"),
        key=desk.cipher.hash(key),
        scope=scope.value,
        kind=kind,
        added_at=desk.clock.now(),
        actor=actor,
        note=note,
    )
    with desk.store.transaction() as uow:
        return row if uow.oppositions.add(row) else None
