"""What the rules look at of the report itself: its patient's box, the sender's wishes, what was opposed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from dispatcher.report.identifiers import INS_OIDS, TEST_INS_OIDS, compact, nir_ok
from dispatcher.report.model import Handling, IdType, Ins, Patient
from dispatcher.routing.addresses import PATIENT_DOMAIN, as_compared


class Scope(StrEnum):
    """What somebody objects to (Ségur, MSS/va1.20 and va1.22)."""

    PATIENT_BOX = "patient"
    """The patient wants nothing in his own box."""
    PROFESSIONALS = "professionnels"
    """The patient does not want his results sent to professionals by secure mail."""
    RECIPIENT = "destinataire"
    """A professional or a structure wants no electronic mail from this laboratory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Of one report. Carries an identity: never written down, never shown."""

    handling: Handling = field(default_factory=Handling)
    ins: Ins | None = field(default=None, repr=False)
    opposed: frozenset[Scope] = frozenset()
    """What the patient objects to."""
    despite: bool = False
    """A person lets it go in spite of the sender's wishes (``release --despite-errors``)."""


def patient_keys(patient: Patient) -> tuple[str, ...]:
    """Texts an opposition of this patient may stand under: INS matricule and the laboratory's own numbers.

    Whatever the state of the identity: an opposition recorded under a matricule holds for one not yet qualified too.
    """
    keys = [ins_key(patient.ins.matricule)] if patient.ins is not None and patient.ins.matricule else []
    return tuple(dict.fromkeys([*keys, *(local_key(one.value) for one in patient.local_ids if one.value.strip())]))


def ins_key(matricule: str) -> str:
    """By its thirteen characters: the key is computed."""
    return f"ins:{compact(matricule)[:13]}"


def local_key(number: str) -> str:
    """A number of the patient in the laboratory's software. Which software, the one who looks it up must know."""
    return f"patient:{compact(number)}"


def recipient_keys(identities: Iterable[tuple[IdType, str]], code: str, address: str) -> tuple[str, ...]:
    """Texts an opposition of a recipient may stand under."""
    keys = [f"{kind}:{compact(identifier)}" for kind, identifier in identities]
    keys += [f"code:{code.strip()}"] if code.strip() else []
    keys += [f"adresse:{as_compared(address)}"] if address else []
    return tuple(dict.fromkeys(keys))


def patient_box(ins: Ins | None, *, allow_test: bool) -> tuple[str, str]:
    """Address of the patient's box, or an empty text and why there is none (French, names nobody).

    ``<matricule>@patient.mssante.fr``, from a qualified INS only (référentiel n° 2, ECO.2.2.6; mssante.md §5): fifteen
    characters with a right key, under an OID of the INS. So a child's results go to the child's own box: no other
    number than that of the patient is ever asked for.
    """
    if ins is None or not ins.matricule:
        return "", "le compte rendu ne porte pas d'INS"
    if not ins.qualified:
        return "", "son INS n'est pas qualifiée"
    matricule = compact(ins.matricule)
    if len(matricule) != 15:
        return "", f"son matricule INS a {len(matricule)} caractères, 15 attendus"
    if not nir_ok(matricule):
        return "", "la clé de son matricule INS est fausse"
    if ins.oid not in INS_OIDS or (ins.oid in TEST_INS_OIDS and not allow_test):
        return "", "son INS n'est pas d'un registre de production (OID)"
    return f"{matricule.lower()}@{PATIENT_DOMAIN}", ""
