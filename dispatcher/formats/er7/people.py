"""Who a number belongs to: RPPS, ADELI, FINESS, SIRET or the laboratory's own code.

Sources: ANS "Identifiants nationaux" (OID 1.2.250.1.71.4.2.1 professionals, .2 structures; prefix 8 RPPS, 0 ADELI,
1 FINESS, 3 SIRET of the IDNPS and IDNST forms); shared notes "HL7 v2" §4. What is not declared is believed only when
its key proves it, and nine bare characters prove nothing: ADELI and FINESS look alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from dispatcher.formats.er7.notes import Notes
from dispatcher.report.identifiers import adeli_ok, compact, finess_shape_ok, rpps_ok, rpps_shape_ok, siret_ok
from dispatcher.report.model import IdType, Practitioner, Severity

OID_PROFESSIONALS = "1.2.250.1.71.4.2.1"
OID_STRUCTURES = "1.2.250.1.71.4.2.2"
STRUCTURES = (IdType.FINESS, IdType.SIRET)
_RPPS_STARTS = ("10", "997")
"""How the numbers given so far begin; 997 are the ANS test persons."""
_RANK = {IdType.RPPS: 0, IdType.ADELI: 1, IdType.FINESS: 2, IdType.SIRET: 3, IdType.LOCAL: 4}
_NATIONAL = re.compile(r"[0138](?=[0-9A-Z]{9,14}$)")


def identify(value: str, hints: Iterable[str] = ()) -> tuple[str, IdType]:
    """A number as written, and what surrounds it (type code, authority, OID), to bare number and kind."""
    bare = compact(value)
    told = {"".join(hint.split()).upper() for hint in hints if hint}
    declared = _declared(bare, told)
    if declared is not None:
        return declared
    if bare.startswith(_RPPS_STARTS) and rpps_ok(bare):
        return bare, IdType.RPPS
    if siret_ok(bare):
        return bare, IdType.SIRET
    return value.strip(), IdType.LOCAL


def _declared(bare: str, told: set[str]) -> tuple[str, IdType] | None:
    if not bare:
        return None
    words = " ".join(told)
    if told & {OID_PROFESSIONALS, OID_STRUCTURES, "IDNPS", "IDNST"}:
        national = _national(bare)
        if national is not None:
            return national
    if "RPPS" in words and not adeli_ok(bare):
        return bare, IdType.RPPS
    if "ADELI" in words or (OID_PROFESSIONALS in told and adeli_ok(bare)):
        return bare, IdType.ADELI
    if OID_PROFESSIONALS in told and rpps_shape_ok(bare):
        return bare, IdType.RPPS
    if "FINE" in words or (OID_STRUCTURES in told and finess_shape_ok(bare)):
        return (bare, IdType.FINESS) if finess_shape_ok(bare) else None
    if "SIRET" in words or OID_STRUCTURES in told:
        return (bare, IdType.SIRET) if siret_ok(bare) else None
    return None


def _national(bare: str) -> tuple[str, IdType] | None:
    """IDNPS and IDNST: one digit that says the kind, then the number."""
    if not _NATIONAL.match(bare):
        return None
    rest = bare[1:]
    if bare[0] == "8" and rpps_shape_ok(rest):
        return rest, IdType.RPPS
    if bare[0] == "0" and adeli_ok(rest):
        return rest, IdType.ADELI
    if bare[0] == "1" and finess_shape_ok(rest):
        return rest, IdType.FINESS
    return (rest, IdType.SIRET) if bare[0] == "3" and siret_ok(rest) else None


def check(person: Practitioner, where: str, notes: Notes) -> None:
    """Tell a national number whose shape or key is wrong."""
    wrong = (person.id_type is IdType.RPPS and not rpps_ok(person.id)) or (
        person.id_type is IdType.ADELI and not adeli_ok(person.id)
    )
    if wrong:
        notes.tally(
            "doubtful-identifier",
            Severity.WARNING,
            where,
            f"Numéro {person.id_type.value} mal formé ou de clé fausse : vérifier la fiche du correspondant "
            "dans le logiciel du laboratoire.",
        )


def name_key(person: Practitioner) -> str:
    """For comparing: family and given name, or the organisation, without case and punctuation."""
    text = f"{person.family} {person.given}".strip() or person.organisation
    return re.sub(r"[\W_]+", " ", text).strip().casefold()


def same_person(one: Practitioner, other: Practitioner) -> bool:
    """Same number of the same kind; else, numbers of different kinds under one name, or no number on a side."""
    if one.id and other.id and one.id_type is other.id_type:
        return one.id == other.id
    return bool(name_key(one)) and name_key(one) == name_key(other)


def merge(people: Iterable[Practitioner], *, by_name: bool) -> tuple[Practitioner, ...]:
    """Each person once, under the best number given, in the order of first mention.

    ``by_name`` joins two numbers of different kinds under one name: right for the repetitions that describe one
    prescriber, wrong for a list of correspondents, where namesakes must stay apart.
    """
    kept: list[Practitioner] = []
    for person in people:
        for place, known in enumerate(kept):
            if same_person(known, person) if by_name else _same_number(known, person):
                kept[place] = _better(known, person)
                break
        else:
            kept.append(person)
    return tuple(kept)


def _same_number(one: Practitioner, other: Practitioner) -> bool:
    if one.id or other.id:
        return (one.id, one.id_type) == (other.id, other.id_type)
    return name_key(one) == name_key(other)


def _better(known: Practitioner, other: Practitioner) -> Practitioner:
    """The one with the better number, its gaps filled from the other."""
    if not known.id or (other.id and _RANK[other.id_type] < _RANK[known.id_type]):
        known, other = other, known
    gaps = {
        name: getattr(other, name)
        for name in ("family", "given", "title", "organisation", "organisation_id", "phone", "address")
        if not getattr(known, name) and getattr(other, name)
    }
    return replace(known, **gaps) if gaps else known
