"""PID and PV1 into :class:`Patient`: names, traits, national and local numbers.

HL7 v2.5 chapter 3 §3.4.2 and the French extension (PAM.fr 2.11: PID-5 ``L`` and ``D``, PID-11 ``BDL``, PID-32 ``VALI``;
INS under four OIDs), as gathered in the shared notes "HL7 v2" §4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dispatcher.formats.er7.identity import best_ins, birth_date, given_names, ins_oid, qualified, sex
from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.segments import Composite, Segment
from dispatcher.formats.hl7.datatypes import address, authority, insee_code, phone
from dispatcher.report.identifiers import compact, nir_ok
from dispatcher.report.model import Ins, LocalId, Patient

_NSS_TYPES = frozenset({"SS", "NSS", "NIR", "SNS", "NH", "AM", "NNFRA"})
_BIRTH_TYPES = ("B", "M")
_USABLE = ("", "L", "C", "T", "U")
"""Types of further names that may be the one in use; nicknames, pseudonyms, partners' names (A, N, S, P) are not."""
_BIRTH_PLACE = frozenset({"BDL", "BIR", "N", "F"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Name:
    family: str
    given: str
    others: str
    type: str


def patient(pid: Segment, pv1: Segment | None, notes: Notes) -> Patient:
    """The patient of one PID; PV1 adds the visit number. What is doubtful goes to ``notes``."""
    birth, used = _names(pid)
    given = given_names(birth.given, birth.others) or (given_names(used.given, used.others) if used else ())
    born, raw = birth_date(pid.component(7), pid.where(7), notes)
    ins, nss, local_ids = _numbers(pid, notes)
    places = pid.composites(11)
    found = Patient(
        birth_name=birth.family,
        used_name=used.family if used and _fold(used.family) != _fold(birth.family) else "",
        given_names=given,
        used_given=used.given if used and given and _fold(used.given) != _fold(given[0]) else "",
        birth_date=born,
        birth_date_raw=raw,
        sex=sex(pid.component(8), pid.where(8), notes),
        ins=ins,
        nss=nss,
        local_ids=(*local_ids, *_visit_ids(pid, pv1)),
        birth_place=_birth_place(pid, places),
        address=next((home for place in places if not _is_birth(place) and (home := address(place))), None),
        phones=tuple(dict.fromkeys(text for number in (13, 14) for x in pid.composites(number) if (text := phone(x)))),
    )
    validated = any(part.first(1).upper() == "VALI" for part in pid.composites(32))
    return qualified(found, validated=validated, where=pid.where(32), notes=notes)


# ------------------------------------------------------------------------------------------------ names


def _name(composite: Composite) -> _Name:
    return _Name(
        family=composite.first(1), given=composite.first(2), others=composite.first(3), type=composite.first(7).upper()
    )


def _names(pid: Segment) -> tuple[_Name, _Name | None]:
    """Birth name and, when the file gives one, the name in use."""
    names = [name for name in map(_name, pid.composites(5)) if name.family or name.given]
    aliases = [name for name in map(_name, pid.composites(9)) if name.family]
    if not names:
        names, aliases = aliases, []
    if not aliases and len(names) == 1:  # nearly every patient
        return names[0], None
    return _birth_and_used(names, aliases) if names else (_Name(family="", given="", others="", type=""), None)


def _birth_and_used(names: list[_Name], aliases: list[_Name]) -> tuple[_Name, _Name | None]:
    """Birth name: ``B`` or ``M`` (maiden), else ``L``, else the only name there is; ``D`` is the name in use."""

    def typed(pool: list[_Name], *types: str) -> _Name | None:
        return next((name for kind in types for name in pool if name.type == kind), None)

    usual = typed(names, "D")
    birth = typed(names, *_BIRTH_TYPES)
    if birth:
        return birth, usual or next((name for name in names if name is not birth), None)
    maiden = typed(aliases, *_BIRTH_TYPES)
    legal = typed(names, "L")
    if maiden:
        return maiden, usual or legal or names[0]
    legal = legal or (typed(aliases, "L") if usual else None) or next((n for n in names if n is not usual), None)
    if legal is None:
        # One name in use only: an alias without a type is then the birth name (2.3.1 exports).
        return (aliases[0], usual) if aliases else (names[0], None)
    others = [name for name in (*names, *aliases) if name is not legal and name.type in _USABLE]
    return legal, usual or typed(aliases, "D") or (others[0] if others else None)


def _fold(text: str) -> str:
    return text.strip().casefold()


# ------------------------------------------------------------------------------------------------ traits


def _is_birth(place: Composite) -> bool:
    return place.first(7).upper() in _BIRTH_PLACE


def _birth_place(pid: Segment, places: list[Composite]) -> str:
    for place in places:
        if _is_birth(place) and (code := insee_code(place)):
            return code
    text = compact(pid.component(23))
    return text if re.fullmatch(r"[0-9][0-9AB][0-9]{3}", text) else ""


# ------------------------------------------------------------------------------------------------ numbers


def _visit_ids(pid: Segment, pv1: Segment | None) -> tuple[LocalId, ...]:
    found = []
    places = [(pid, 18, "AN")] + ([(pv1, 19, "VN")] if pv1 is not None else [])
    for segment, number, kind in places:
        for composite in segment.composites(number):
            if value := composite.first(1):
                found.append(LocalId(value=value, authority=authority(composite, 4), type=composite.first(5) or kind))
    return tuple(found)


def _numbers(pid: Segment, notes: Notes) -> tuple[Ins | None, str, list[LocalId]]:
    """INS, billing number and local numbers of PID-3, -4, -2 and -19."""
    ins: list[Ins] = []
    local: list[LocalId] = []
    nss = compact(pid.component(19))
    for composite in [*pid.composites(3), *pid.composites(4), *pid.composites(2)]:
        value = composite.first(1)
        oid = ins_oid(composite.sub(4, 2), composite.sub(4, 1), composite.first(5))
        if not value:
            continue
        if oid:
            ins.append(Ins(matricule=_matricule(composite), oid=oid))
        elif _is_nss(composite):
            nss = nss or compact(value)
        elif not any(value == known.value for known in local):
            local.append(LocalId(value=value, authority=authority(composite, 4), type=composite.first(5)))
    return best_ins(ins, pid.where(3), notes), nss, local


def _is_nss(composite: Composite) -> bool:
    """A billing number: typed so, or a NIR that calls itself INS without any of the four OIDs."""
    kind = composite.first(5).upper()
    if kind == "INS":
        return nir_ok(_matricule(composite)) and not composite.sub(4, 2)
    return kind in _NSS_TYPES or composite.sub(4, 1).upper() == "INSEE"


def _matricule(composite: Composite) -> str:
    """15 characters; some exports put the key in component 2."""
    value, key = compact(composite.first(1)), compact(composite.first(2))
    return value + key if len(value) == 13 and len(key) == 2 else value
