"""Who asked, who gets a copy, who validated, and the addresses the file itself gives.

HL7 v2.5 chapter 7 §7.4.1 (OBR-16, -28, -32), chapter 4 §4.5.1 (ORC-12, -14, -21, -24), chapter 3 (PV1-8). PRT is the
pre-adoption of 2.9 by the French volet "transmission d'un document CDA-R2 en HL7v2" (shared notes "HL7 v2" §5).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from dispatcher.formats.er7.identity import ins_oid
from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.people import OID_STRUCTURES, identify, merge
from dispatcher.formats.er7.requests import Request
from dispatcher.formats.er7.segments import Segment
from dispatcher.formats.hl7.datatypes import address, organisation, phone, practitioner, practitioners
from dispatcher.formats.hl7.groups import Order, PatientGroup
from dispatcher.report.identifiers import finess_ok
from dispatcher.report.model import ExplicitRecipient, Laboratory, Practitioner


def prescriber_and_copies(
    requests: Sequence[Request[Order]], group: PatientGroup, where: str, notes: Notes
) -> tuple[Practitioner | None, tuple[Practitioner, ...]]:
    """Prescriber (OBR-16, ORC-12, else PV1-8) and copies (OBR-28 of all orders, and further names of OBR-16)."""
    firsts = merge((one.prescribers[0] for one in requests if one.prescribers), by_name=True)
    if len(firsts) > 1:
        notes.error(
            "several-prescribers",
            where,
            "Des prescripteurs différents pour un même numéro de demande (OBR-16) : vérifier à qui le résultat est dû.",
        )
    asked = merge((person for one in requests for person in one.prescribers), by_name=True)
    if not asked and group.pv1 is not None:
        asked = merge(practitioners(group.pv1, 8, notes), by_name=True)[:1]
    further = _named_copies(group, requests, notes)
    copies = merge((*asked[1:], *(person for one in requests for person in one.copies), *further), by_name=False)
    if not asked:
        return None, copies
    prescriber = _with_contact(asked[0], requests)
    kept = tuple(one for one in copies if not one.id or (one.id, one.id_type) != (prescriber.id, prescriber.id_type))
    return prescriber, kept


def _named_copies(group: PatientGroup, requests: Sequence[Request[Order]], notes: Notes) -> list[Practitioner]:
    """Further people the result is to be copied to: PRT or ROL in the role ``RCT``, without an address of their own."""
    segments = [*group.participants, *(one for request in requests for one in request.order.participants)]
    found: list[Practitioner | None] = []
    for segment in segments:
        if segment.name == "ROL" and segment.component(3).upper() == "RCT":
            found += practitioners(segment, 4, notes)
        elif _of_kind([segment], "RCT") and not _addresses(segment) and not _is_patient(segment):
            found.append(_participant(segment, notes))
    return [person for person in found if person is not None]


def _with_contact(person: Practitioner, requests: Sequence[Request[Order]]) -> Practitioner:
    """The prescriber with the structure (ORC-21), telephone (OBR-17, ORC-14) and address (ORC-24) of the order."""
    order = requests[0].order if requests else Order()
    orc, obr = order.orc, order.obr
    name, number = organisation(orc.composite(21)) if orc is not None and orc.raw(21) else ("", "")
    phones = [segment.composite(place) for segment, place in ((obr, 17), (orc, 14)) if segment and segment.raw(place)]
    if not (name or number or phones or (orc is not None and orc.raw(24))):
        return person
    return replace(
        person,
        organisation=person.organisation or name,
        organisation_id=person.organisation_id or number,
        phone=next((text for one in phones if (text := phone(one))), ""),
        address=address(orc.composite(24)) if orc is not None and orc.raw(24) else None,
    )


def validators(orders: Sequence[Order], notes: Notes) -> tuple[Practitioner, ...]:
    """OBR-32: the person in subcomponents of component 1 (NDL), or written like OBR-16."""
    found = []
    for order in orders:
        obr = order.obr
        if obr is None:
            continue
        for composite in obr.composites(32):
            inner = composite.split(1)
            found.append(practitioner(inner if len(inner) > 1 else composite, obr.where(32), notes))
    return merge((person for person in found if person is not None), by_name=True)


def recipients(participants: Sequence[Segment], notes: Notes) -> tuple[ExplicitRecipient, ...]:
    """PRT with PRT-4 = ``RCT``: whom (PRT-5 a person, PRT-8 a structure) and at which address (PRT-15.4).

    A patient among them (PRT-5 holds an INS) is an address only: his number must not pass for a professional's.
    """
    found: dict[str, ExplicitRecipient] = {}
    for prt in _of_kind(participants, "RCT"):
        person = None if _is_patient(prt) else _participant(prt, notes)
        for mail in _addresses(prt):
            found.setdefault(mail, ExplicitRecipient(address=mail, practitioner=person))
    return tuple(found.values())


def reply_to(participants: Sequence[Segment]) -> str:
    """PRT with PRT-4 = ``REPLY``: the address answers go to, or the empty string."""
    return next((mail for prt in _of_kind(participants, "REPLY") for mail in _addresses(prt)), "")


def with_sender(laboratory: Laboratory, participants: Sequence[Segment]) -> Laboratory:
    """PRT with PRT-4 = ``SB``: the structure that sends gives its FINESS where MSH has none."""
    for prt in _of_kind(participants, "SB"):
        name, number = organisation(prt.composite(8)) if prt.raw(8) else ("", "")
        if not laboratory.finess and finess_ok(number):
            return replace(laboratory, finess=number, name=laboratory.name or name)
    return laboratory


def _of_kind(participants: Sequence[Segment], kind: str) -> list[Segment]:
    """By PRT-4.1 alone: labels and case vary in official samples."""
    return [prt for prt in participants if prt.name == "PRT" and prt.component(4).upper() == kind]


def _addresses(prt: Segment) -> list[str]:
    texts = (re.sub(r"^mailto:", "", t.first(4) or t.first(1), flags=re.IGNORECASE) for t in prt.composites(15))
    return [text.lower() for text in texts if "@" in text]


def _is_patient(prt: Segment) -> bool:
    person = prt.composite(5)
    return person.first(13).upper() == "INS" or bool(ins_oid(person.sub(9, 2), person.sub(9, 1)))


def _participant(prt: Segment, notes: Notes) -> Practitioner | None:
    person = practitioner(prt.composite(5), prt.where(5), notes) if prt.raw(5) else None
    name, number = organisation(prt.composite(8)) if prt.raw(8) else ("", "")
    if not (name or number):
        return person
    if person is not None:
        return replace(person, organisation=name, organisation_id=number)
    bare, kind = identify(number, [OID_STRUCTURES])
    return Practitioner(id=bare, id_type=kind, organisation=name, organisation_id=bare)
