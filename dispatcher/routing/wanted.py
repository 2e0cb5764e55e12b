"""Who should get a report: the people and structures it names, each once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dispatcher.report.model import Addressee, ExplicitRecipient, IdType, Practitioner, Report
from dispatcher.routing.addresses import as_compared, canonical, is_patient
from dispatcher.routing.identities import bare_identifier
from dispatcher.routing.route import RecipientRole, Wanted

PATIENT = "boîte d'un patient"
"""How lists call it: nobody is named."""


def recipients(report: Report, *, copies: bool, added: Iterable[Wanted] = ()) -> tuple[Wanted, ...]:
    """Explicit addresses first, then prescriber, copies (when ``copies``), HPRIM Médecins line 12, then ``added``.

    The same recipient named twice (same identifier, else same address, else same label) is wanted once, with the role
    and address of the first naming and what the later ones add. Never empty: a report that names nobody wants one
    recipient without identifier or name, which the rules hold for a person to see.
    """
    named = [_explicit(recipient) for recipient in report.recipients]
    named += _patient(report)
    named += [_person(report.prescriber, RecipientRole.PRESCRIBER)] if report.prescriber else []
    named += [_person(copy, RecipientRole.COPY) for copy in report.copies] if copies else []
    named += [_addressee(report.addressee)] if report.addressee else []
    found: list[Wanted] = []
    for wanted in (*named, *added):
        if not (wanted.id or wanted.address or wanted.label):
            continue
        place = next((place for place, known in enumerate(found) if _same(known, wanted)), None)
        if place is not None:
            found[place] = _joined(found[place], wanted)
        elif any(known.key == wanted.key for known in found):
            found.append(replace(wanted, id="", id_type=IdType.LOCAL))  # a second box: told apart by its address
        else:
            found.append(wanted)
    return tuple(found) or (Wanted(role=RecipientRole.PRESCRIBER),)


def _same(known: Wanted, other: Wanted) -> bool:
    if known.address and other.address and as_compared(known.address) != as_compared(other.address):
        return False  # two services of one hospital, each with its own box
    return known.key == other.key or bool(known.address and as_compared(known.address) == as_compared(other.address))


def _joined(first: Wanted, other: Wanted) -> Wanted:
    """``first`` with the names and the structure only ``other`` gives. Identifier, address and role stay."""
    same_id = not first.id or (first.id_type, first.id) == (other.id_type, other.id)
    return Wanted(
        role=first.role,
        id=first.id or other.id,
        id_type=first.id_type if first.id else other.id_type,
        label=first.label or other.label,
        family=first.family or (other.family if same_id else ""),
        given=first.given or (other.given if same_id else ""),
        organisation_id=first.organisation_id or (other.organisation_id if same_id else ""),
        address=first.address or other.address,
    )


def _person(person: Practitioner, role: RecipientRole, address: str = "") -> Wanted:
    return Wanted(
        role=role,
        id=bare_identifier(person.id_type, person.id),
        id_type=person.id_type,
        label=person.label,
        family=person.family.strip(),
        given=person.given.strip(),
        organisation_id=person.organisation_id.strip(),
        address=as_compared(address),
    )


def _explicit(recipient: ExplicitRecipient) -> Wanted:
    if is_patient(recipient.address):
        return Wanted(role=RecipientRole.PATIENT, label=PATIENT, address=as_compared(recipient.address))
    person = recipient.practitioner or Practitioner()
    wanted = _person(person, RecipientRole.EXPLICIT, recipient.address)
    return wanted if wanted.label else Wanted(role=wanted.role, label=wanted.address, address=wanted.address)


def _patient(report: Report) -> list[Wanted]:
    """The patient, when the sender asks for it (DESTMSSANTEPAT). The rules form the address from the INS."""
    named = any(is_patient(one.address) for one in report.recipients)
    return [Wanted(role=RecipientRole.PATIENT, label=PATIENT)] if report.handling.to_patient and not named else []


def _addressee(addressee: Addressee) -> Wanted:
    """Line 12 of an HPRIM Médecins header: a code padded with blanks, then a label or the name of a mailbox."""
    label = " ".join(addressee.label.split())
    address = canonical(label) or ""
    return Wanted(
        role=RecipientRole.EXPLICIT, id=addressee.id.strip(), id_type=IdType.LOCAL, label=label, address=address
    )
