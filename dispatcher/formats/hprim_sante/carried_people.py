"""Patient, professionals and laboratory as far as an HPRIM Santé message can carry them."""

from __future__ import annotations

import re
from dataclasses import replace

from dispatcher.formats.base import WriteContext
from dispatcher.formats.er7.identity import given_names
from dispatcher.formats.er7.people import STRUCTURES
from dispatcher.formats.hprim_sante.people import TITLES
from dispatcher.formats.hprim_sante.version import Version
from dispatcher.report.identifiers import finess_ok
from dispatcher.report.model import Address, Laboratory, LocalId, Patient, Practitioner, Report

_STAYS = frozenset({"VN", "AN"})
_UNKNOWN_SENDER = "LABO"


def one_line(text: str) -> str:
    """Single blanks, none at the ends."""
    return " ".join(text.split())


# ------------------------------------------------------------------------------------------------ patient


def patient(known: Patient, version: Version, sender: str, receiver: str, number: str) -> Patient:
    """``number`` stands in for a patient number that is missing: receivers refuse an empty P.2."""
    full = version is Version.V2_5
    birth, used = one_line(known.birth_name), one_line(known.used_name)
    given = tuple(one_line(name) for name in known.given_names if name.strip())
    used_given = one_line(known.used_given)
    if not given and used_given:
        given, used_given = (used_given,), ""
    return Patient(
        birth_name=birth or used,
        used_name=used if birth and used.casefold() != birth.casefold() else "",
        given_names=given_names(given[0], " ".join(given[1:])) if given else (),
        used_given=used_given if full and given and used_given.casefold() != given[0].casefold() else "",
        birth_date=known.birth_date,
        birth_date_raw="" if known.birth_date else one_line(known.birth_date_raw),
        sex=known.sex,
        ins=known.ins if full and known.ins is not None and known.ins.qualified else None,
        local_ids=_local_ids(known, sender, receiver, number),
        address=address(known.address),
        birth_place=known.birth_place if full else "",
        phones=tuple(text for phone in known.phones if (text := one_line(phone))),
    )


def _local_ids(known: Patient, sender: str, receiver: str, number: str) -> tuple[LocalId, ...]:
    """P.2 (ours), P.3 (the receiver's), P.4 (stay)."""
    theirs = next((x.value for x in known.local_ids if receiver and x.authority == receiver and x.value), "")
    usual = [x.value for x in known.local_ids if x.type in ("PI", "") and (x.authority != receiver or not receiver)]
    others = [x.value for x in known.local_ids if x.type not in _STAYS and x.value != theirs]
    ours = next((value for value in (*usual, *others) if value.strip()), number)
    stay = next((x.value for x in known.local_ids if x.type in _STAYS), "")
    found = [
        LocalId(value=one_line(value), authority=authority, type=kind)
        for value, authority, kind in ((ours, sender, "PI"), (theirs, receiver, "PI"), (stay, sender, "VN"))
        if value.strip()
    ]
    return tuple({(one.value, one.type): one for one in reversed(found)}.values())[::-1]


def address(known: Address | None) -> Address | None:
    """Two lines of street at most; None when neither street nor town is known."""
    if known is None:
        return None
    lines = [text for line in known.lines if (text := one_line(line))]
    found = Address(
        lines=(*lines[:1], *([" ".join(lines[1:])] if lines[1:] else [])),
        postcode=one_line(known.postcode),
        town=one_line(known.town),
        country=one_line(known.country),
    )
    return found if found.lines or found.postcode or found.town else None


# ------------------------------------------------------------------------------------------------ professionals


def practitioner(known: Practitioner) -> Practitioner | None:
    """Number, names and structure of a professional; a structure by its number and name; None when nothing is known."""
    number, organisation = one_line(known.id), one_line(known.organisation)
    if number and known.id_type in STRUCTURES:
        return Practitioner(
            id=number, id_type=known.id_type, organisation=organisation or known.label, organisation_id=number
        )
    title, family, given = one_line(known.title), one_line(known.family), one_line(known.given)
    if title and (not family or title.upper() not in TITLES):
        title, family = "", f"{title} {family}".strip()
    if not family and given:
        family, given = given, ""
    if not (number or family or organisation):
        return None
    kept = Practitioner(id=number, family=family, given=given, title=title, organisation=organisation)
    return replace(kept, id_type=known.id_type) if number else kept


def laboratory(report: Report, context: WriteContext) -> Laboratory:
    """Who sends: the code the laboratory's own software uses, the configured name and address."""
    known, own = report.laboratory, context.laboratory
    code = re.sub(r"\s+", "", known.id) or ("" if own.neutral else own.finess) or known.finess or _UNKNOWN_SENDER
    name = (known.name or own.name) if own.neutral else (own.name or known.name)
    place = known.address if own.neutral else own.address
    return Laboratory(
        name=one_line(name) or code,
        id=code,
        finess=code if finess_ok(code) else "",
        address=address(place),
        phone=one_line(known.phone if own.neutral else own.phone),
    )
