"""HL7 v2 data types into values of the report: persons, addresses, telephones, coded elements, moments.

HL7 v2.5 chapter 2.A (XPN §88, XCN §86, CNN §11, XAD §83, XTN §89, CE §7, HD §33); positions are those of 2.3 to 2.8,
older and newer versions only leave components out or add some at the end.
"""

from __future__ import annotations

import re
from functools import lru_cache

from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.people import OID_STRUCTURES, STRUCTURES, check, identify
from dispatcher.formats.er7.segments import Composite, Segment
from dispatcher.formats.er7.separators import Separators
from dispatcher.formats.er7.timestamps import Fault, parse_when
from dispatcher.report.identifiers import compact, oid_ok
from dispatcher.report.model import Address, IdType, Practitioner, Severity, When

_INSEE = re.compile(r"[0-9][0-9AB][0-9]{3}")
_TITLES = frozenset({"DR", "DR.", "DOCTEUR", "PR", "PR.", "PROF", "PROF.", "PROFESSEUR", "M", "M.", "MME", "MLLE"})


def moment(segment: Segment, number: int, notes: Notes, *, component: int = 1) -> When | None:
    """A day or an aware moment from a TS field; an unreadable one is told and gives None."""
    text = segment.component(number, component) if number < len(segment.fields) else ""
    if not text:
        return None
    when, fault = parse_when(text)
    if fault is not Fault.NONE:
        found = {
            Fault.PARTIAL: "date sans jour ou sans mois",
            Fault.INVALID: "date impossible",
            Fault.TIME: "heure impossible, la date seule est gardée",
        }[fault]
        notes.tally(
            "unreadable-date",
            Severity.WARNING,
            segment.where(number),
            f"{found[0].upper()}{found[1:]} ; attendu AAAAMMJJ, suivi au besoin de HHMM[SS] et du décalage.",
        )
    return when


def authority(composite: Composite, component: int) -> str:
    """Assigning authority (HD): its OID when it has one, else its name."""
    named, universal = composite.sub(component, 1), "".join(composite.sub(component, 2).split())
    return universal if oid_ok(universal) else named or universal


def practitioner(composite: Composite, where: str, notes: Notes) -> Practitioner | None:
    """A person (XCN, CN, or CNN cut out of its component): number, names, title. None when nothing is there.

    A structure (FINESS, SIRET) in the place of a person becomes an organisation. A first component with a blank in it
    and nothing behind is a name, not a number.
    """
    person = _practitioner(tuple(composite.parts), composite.separators)
    if person is not None:
        check(person, where, notes)
    return person


@lru_cache(maxsize=2048)
def _practitioner(parts: tuple[str, ...], separators: Separators) -> Practitioner | None:
    """The correspondents of a laboratory come back all day: remembered."""
    composite = Composite("", separators)
    composite.parts = list(parts)
    number, family, given = composite.first(1), composite.first(2), composite.first(3)
    title = composite.first(6)
    if number and not family and not given and " " in number:
        number, family = "", number
    if not (number or family or given):
        return None
    if not title and (word := family.partition(" ")[0]).upper() in _TITLES and " " in family:
        title, family = word, family.partition(" ")[2].strip()
    hints = [
        composite.sub(place, part)
        for place in range(8, min(len(composite), 14) + 1)
        for part in range(1, 4)
        if composite.raw(place)
    ]
    bare, kind = identify(number, hints)
    if kind in STRUCTURES:
        return Practitioner(id=bare, id_type=kind, organisation=family or given, organisation_id=bare)
    return Practitioner(id=bare, id_type=kind if bare else IdType.LOCAL, family=family, given=given, title=title)


def practitioners(segment: Segment, number: int, notes: Notes) -> list[Practitioner]:
    """Every person of a repeating XCN field."""
    found = (practitioner(composite, segment.where(number), notes) for composite in segment.composites(number))
    return [person for person in found if person is not None]


def organisation(composite: Composite) -> tuple[str, str]:
    """``(name, number)`` of an XON; the number is a FINESS or a SIRET, else empty."""
    hints = [composite.sub(place, part) for place in (6, 7, 8) for part in (1, 2)]
    for place in (10, 3):
        if value := composite.first(place):
            bare, kind = identify(value, [*hints, OID_STRUCTURES])
            if kind in STRUCTURES:
                return composite.whole(1), bare
    return composite.whole(1), ""


def address(composite: Composite) -> Address | None:
    """XAD: street and complement as lines, town, postcode, country. None when empty."""
    if not any(composite.parts):
        return None
    street = " ".join(part for place in (1, 2, 3) if (part := composite.sub(1, place)))
    lines = tuple(line for line in (street, composite.whole(2)) if line)
    postcode, town = composite.first(5), composite.first(3)
    if not (lines or postcode or town):
        return None
    return Address(lines=lines, postcode=postcode, town=town, country=composite.first(6))


def insee_code(composite: Composite) -> str:
    """INSEE code of a birth place (component 9 by PAM.fr; 10, 8 and 7 also seen), or the empty string."""
    for place in (9, 10, 8, 7):
        text = compact(composite.first(place))
        if _INSEE.fullmatch(text):
            return text
    return ""


def phone(composite: Composite) -> str:
    """XTN: the number as written in component 1 or 12, else put together from 6 and 7."""
    written = composite.first(1) or composite.first(12)
    if written:
        return written
    if composite.first(3).upper() in ("INTERNET", "X.400"):
        return ""
    return " ".join(part for place in (6, 7) if (part := composite.first(place)))
