"""Who and what took part in a result: sub-contracted laboratory, validating biologist, reagent kit.

FR-Laboratoire-executant (1.2.250.1.213.1.1.3.23 over IHE 1.3.6.1.4.1.19376.1.3.3.1.7) stands on the act when it did
everything under it, else on the result itself; FR-Participant (1.2.250.1.213.1.1.3.109) is AUTHEN for who validated
and DEV for a kit. What a file does not say is ``nullFlavor`` UNK, never a guess.
"""

from __future__ import annotations

from dispatcher.formats.cda import people
from dispatcher.formats.cda.draft import Draft
from dispatcher.formats.cda.elements import coded, flat, templates, token
from dispatcher.formats.cda.times import stamp
from dispatcher.formats.cda.values import system_of
from dispatcher.formats.cda.who import structure_numbers
from dispatcher.formats.markup import Element, leaf, sub
from dispatcher.report.model import Address, Code, Practitioner, When

_UNKNOWN = {"nullFlavor": "UNK"}
_PARTICIPANT = "1.2.250.1.213.1.1.3.109"


def performer(draft: Draft, parent: Element, who: Practitioner, at: When | None) -> None:
    """``performer`` of an act, an isolate or a result: the laboratory that carried it out in place of ours."""
    element = sub(parent, "performer", {"typeCode": "PRF"})
    templates(element, "1.3.6.1.4.1.19376.1.3.3.1.7", "1.2.250.1.213.1.1.3.23")
    if at is None:
        leaf(element, "time", _UNKNOWN)
    else:
        leaf(sub(element, "time"), "high", {"value": stamp(at)})
    entity = sub(element, "assignedEntity")
    number = people.professional_id(who)
    leaf(entity, "id", {"root": people.PROFESSIONAL_ROOT, "extension": number} if number else _UNKNOWN)
    people.address(entity, who.address)
    people.telecoms(entity, (who.phone,))
    if who.family.strip():
        people.person_name(sub(entity, "assignedPerson"), who)
    _organisation(draft, entity, who)


def _organisation(draft: Draft, parent: Element, who: Practitioner) -> None:
    element = sub(parent, "representedOrganization")
    numbers = structure_numbers(who)
    national = next((n for number in numbers if (n := people.structure_id(number))), "")
    own = numbers[0] if numbers else "" if people.professional_id(who) else who.id
    if national:
        leaf(element, "id", {"root": people.STRUCTURE_ROOT, "extension": national})
    elif own.strip():
        draft.own_number(element, own, "code du laboratoire sous-traitant")
    else:
        leaf(element, "id", _UNKNOWN)
    leaf(element, "name", text=flat(who.organisation or who.label))
    people.telecoms(element, (who.phone,))
    people.address(element, who.address)
    leaf(element, "standardIndustryClassCode", _UNKNOWN)


def validator(draft: Draft, parent: Element, who: Practitioner, at: When) -> None:
    """``participant`` AUTHEN. ``at`` is the release of the report, the latest moment of the validation."""
    element = sub(parent, "participant", {"typeCode": "AUTHEN"})
    templates(element, "1.3.6.1.4.1.19376.1.3.3.1.5", _PARTICIPANT)
    leaf(sub(element, "time"), "high", {"value": stamp(at)})
    role = sub(element, "participantRole")
    national = people.professional_id(who)
    if national:
        leaf(role, "id", {"root": people.PROFESSIONAL_ROOT, "extension": national})
    elif who.id.strip():
        draft.own_number(role, who.id, "code du biologiste validateur")
    else:
        leaf(role, "id", _UNKNOWN)
    people.address(role, who.address or draft.laboratory.address)
    people.telecoms(role, (who.phone or draft.laboratory.phone,))
    people.person_name(sub(role, "playingEntity"), who)


def kit(draft: Draft, parent: Element, which: Code) -> None:
    """``participant`` DEV: the reagent kit, by its code and name."""
    if not (which.code.strip() or which.text.strip()):
        return
    element = sub(parent, "participant", {"typeCode": "DEV"})
    templates(element, _PARTICIPANT)
    device = sub(sub(element, "participantRole", {"classCode": "MANU"}), "playingDevice")
    if which.code.strip():
        coded(device, "code", token(which.code), system_of(draft, which), which.text or which.code)
    if which.text.strip():
        leaf(device, "manufacturerModelName", text=flat(which.text))


def validator_text(who: Practitioner) -> str:
    """How people read it: ``Dr DURAND Anne``."""
    return flat(who.label)


def performer_text(who: Practitioner) -> str:
    """``Laboratoire du Lac (FINESS 750000026), 3 rue du Lac 75007 PARIS, tél. 01 40 00 00 00``."""
    name = flat(who.organisation or who.label)
    person = flat(who.label) if who.family.strip() and who.organisation.strip() else ""
    number = next((n for n in structure_numbers(who) if people.structure_id(n)), "")
    kind = "FINESS" if people.structure_id(number).startswith("1") else "SIRET"
    parts = [f"{name} ({kind} {flat(number)})" if number else name, person, _address_text(who.address)]
    phone = flat(who.phone)
    return ", ".join(filter(None, (*parts, f"tél. {phone}" if phone else "")))


def _address_text(where: Address | None) -> str:
    return flat(" ".join((*where.lines, where.postcode, where.town))) if where else ""
