"""Persons of HPRIM Santé: the patient of ``P``, and those who prescribe, receive and validate.

Shared notes "HPRIM" §2.4, §2.5 and §2.9: P.5, P.6 and P.11 change their layout with the version (2.3, 2.4, 2.5).
"""

from __future__ import annotations

import re
from functools import lru_cache

from dispatcher.formats.er7.identity import best_ins, birth_date, given_names, ins_oid, qualified, sex
from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.people import STRUCTURES, check, identify
from dispatcher.formats.er7.segments import Composite, Segment
from dispatcher.formats.er7.separators import Separators
from dispatcher.report.identifiers import adeli_ok, compact, nir_key, nir_ok, rpps_shape_ok
from dispatcher.report.model import Address, IdType, Ins, LocalId, Patient, Practitioner

_INSEE = re.compile(r"[0-9][0-9AB][0-9]{3}")
_POSTCODE = re.compile(r"[0-9]{5}|2[AB][0-9]{3}")
_OID = re.compile(r"[0-2](?:\.[0-9]+){4,}")
TITLES = frozenset({"DR", "DR.", "DOCTEUR", "PR", "PR.", "PROF", "PROFESSEUR", "M", "M.", "MME", "MLLE", "SF"})
_TYPES = frozenset({"L", "R", "A", "N", "RPPS", "ADELI", "FINESS", "SIRET", "IDNPS", "AM", "LOCAL", "PS", "ETS"})
_VALIDATED = ("VALI", "QUAL")
_LETTERS = {"R": ("RPPS", rpps_shape_ok), "A": ("ADELI", adeli_ok)}
"""Type of code in one letter, believed when the number has that shape."""
_STRUCTURE = "ETS"


# ------------------------------------------------------------------------------------------------ patient


def patient(p: Segment, sender: str, receiver: str, notes: Notes) -> Patient:
    """The patient of one ``P``. ``sender`` and ``receiver`` are the authorities of P.2 and P.3."""
    usual, birth = p.composite(5), p.composite(6)
    family, maiden = usual.first(1), birth.first(1)
    given = given_names(birth.first(2), birth.whole(3)) or given_names(usual.first(2), usual.whole(3))
    used_given = usual.first(2) if given and usual.first(2).casefold() != given[0].casefold() else ""
    born, raw = birth_date(p.component(7), p.where(7), notes)
    ins, nss, calculated = _national(p, notes)
    found = Patient(
        birth_name=maiden or family,
        used_name=family if maiden and family.casefold() != maiden.casefold() else "",
        given_names=given,
        used_given=used_given,
        birth_date=born,
        birth_date_raw=raw or p.component(40),
        sex=sex(p.component(8), p.where(8), notes),
        ins=ins,
        nss=nss,
        local_ids=(*_local_ids(p, sender, receiver), *calculated),
        address=address(p.composite(10)),
        birth_place=_birth_place(p.composite(34)),
        phones=tuple(text for one in p.composites(12) if (text := one.whole(1))),
    )
    validated = p.component(38).upper().startswith(_VALIDATED)
    return qualified(found, validated=validated, where=p.where(38), notes=notes)


def _local_ids(p: Segment, sender: str, receiver: str) -> tuple[LocalId, ...]:
    places = ((2, sender, "PI"), (3, receiver, "PI"), (4, sender, "VN"))
    found = [
        LocalId(value=value, authority=authority, type=kind)
        for number, authority, kind in places
        if (value := p.component(number))
    ]
    return tuple({(one.value, one.type): one for one in reversed(found)}.values())[::-1]


def _national(p: Segment, notes: Notes) -> tuple[Ins | None, str, list[LocalId]]:
    """P.11: INS (2.3 bare, 2.4 id and type, 2.5 with dates and OID); a calculated INS-C is a local number."""
    ins: list[Ins] = []
    nss = ""
    others: list[LocalId] = []
    for one in p.composites(11):
        value = compact(one.first(1))
        words = [one.whole(place) for place in range(2, len(one) + 1)]
        oid = ins_oid(next((text for text in words if _OID.fullmatch(text)), ""), *words)
        if not value:
            continue
        if oid:
            ins.append(Ins(matricule=_with_key(value, words), oid=oid))
        elif nir_ok(value) or nir_key(value) is not None:
            nss = nss or value
        else:
            others.append(LocalId(value=value, authority="", type=next((text for text in words if text), "INS-C")))
    return best_ins(ins, p.where(11), notes), nss, others


def _with_key(value: str, words: list[str]) -> str:
    """13 characters whose key stands in the next component."""
    return value + words[0] if len(value) == 13 and words and re.fullmatch(r"[0-9]{2}", words[0]) else value


def _birth_place(place: Composite) -> str:
    """P.34 of 2.5: town, INSEE code, ISO country, postcode."""
    code = compact(place.whole(2))
    return code if _INSEE.fullmatch(code) else ""


def address(place: Composite) -> Address | None:
    """P.10 and H.5: street, complement, town, department, postcode, country."""
    lines = tuple(text for number in (1, 2) if (text := place.whole(number)))
    postcode, town = place.whole(5), place.whole(3)
    if not postcode and _POSTCODE.fullmatch(place.whole(4)):
        postcode = place.whole(4)  # one field too early: no department has five digits
    if not (lines or postcode or town):
        return None
    return Address(lines=lines, postcode=postcode, town=town, country=place.whole(6))


# ------------------------------------------------------------------------------------------------ professionals


def practitioner(composite: Composite, where: str, notes: Notes) -> Practitioner | None:
    """``code ^ name [& given] ^ type`` (CNA), or ``code ^ family ^ given …``; a structure becomes an organisation."""
    person = _practitioner(tuple(composite.parts), composite.separators)
    if person is not None:
        check(person, where, notes)
    return person


@lru_cache(maxsize=2048)
def _practitioner(parts: tuple[str, ...], separators: Separators) -> Practitioner | None:
    """The correspondents of a laboratory come back all day: remembered."""
    composite = Composite("", separators)
    composite.parts = list(parts)
    number, family, given = composite.first(1), composite.sub(2, 1), composite.sub(2, 2)
    words = [composite.whole(place) for place in range(3, len(composite) + 1)]
    if not given and words and len(words[0]) > 1 and words[0].upper() not in _TYPES and not _OID.fullmatch(words[0]):
        given = words[0]
    if number and not family and " " in number:
        number, family = "", number
    if not (number or family):
        return None
    letter, shaped = _LETTERS.get(composite.whole(3).upper(), ("", None))
    bare, kind = identify(number, [letter, *words] if shaped is not None and shaped(compact(number)) else words)
    if not number and composite.whole(3).upper() == _STRUCTURE:
        return Practitioner(organisation=composite.whole(2))
    if kind in STRUCTURES:
        return Practitioner(id=bare, id_type=kind, organisation=composite.whole(2), organisation_id=bare)
    title, family, given = split_name(family, given)
    return Practitioner(
        id=bare,
        id_type=kind if bare else IdType.LOCAL,
        family=family,
        given=given,
        title=title,
        organisation=_service(composite),
    )


def _service(composite: Composite) -> str:
    """The prescriber's department: code ^ name ^ type ^ code ^ name ^ type, in 2.5 with an address between."""
    if composite.whole(3).upper() not in _TYPES:
        return ""
    if len(composite) > 6:
        return composite.whole(6) or composite.whole(5)
    return composite.whole(5) or composite.whole(4)


def split_name(family: str, given: str) -> tuple[str, str, str]:
    """``"DR DURAND Paul"`` to ``("DR", "DURAND", "Paul")``; a name all in capitals stays whole: nobody can cut it."""
    title, _, rest = family.partition(" ")
    if rest and title.upper() in TITLES:
        family = rest.strip()
    else:
        title = ""
    if not given:
        mixed = re.fullmatch(r"([A-ZÀ-ÖØ-Þ][A-ZÀ-ÖØ-Þ' -]*[A-ZÀ-ÖØ-Þ])\s+([A-ZÀ-ÖØ-Þ][^A-ZÀ-ÖØ-Þ\s].*)", family)
        if mixed:
            family, given = mixed[1], mixed[2]
    return title, family, given


def practitioners(segment: Segment, number: int, notes: Notes) -> list[Practitioner]:
    """Every person of a repeating field."""
    found = (practitioner(one, segment.where(number), notes) for one in segment.composites(number))
    return [person for person in found if person is not None]
