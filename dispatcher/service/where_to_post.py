"""The postal address of a dispatch: the laboratory's table, the report itself, else what the directories know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.ports import Directory
from dispatcher.report.model import Address, IdType, Practitioner, Report
from dispatcher.routing.facts import organisation
from dispatcher.routing.postal import Postal, PostalTable
from dispatcher.routing.route import RecipientRole, Wanted
from dispatcher.routing.trace import from_json

IN_REPORT, IN_DIRECTORY = "le compte rendu", "l'annuaire, sans la rue"


def where_to_post(dispatch: Dispatch, report: Report, source: str, table: PostalTable, directory: Directory) -> Postal:
    """Never somebody else's: by number, or by the code that the report gives in its own source; a patient's from his
    report only. Raises DirectoryError.
    """
    wanted = from_json(dispatch.decision).wanted
    if dispatch.role == RecipientRole.PATIENT:
        patient = report.patient
        name = " ".join(part for part in (patient.first_given, patient.family) if part)
        return Postal(name=name, address=patient.address, origin=IN_REPORT)
    numbers = _numbers(dispatch, wanted)
    found = table.find(numbers, source)
    if found is not None:
        return found
    place = organisation(wanted)
    site = table.find([place], source) if place is not None else None
    if site is not None and site.address is not None:
        inside = replace(site.address, lines=(site.name, *site.address.lines))
        return replace(site, name=dispatch.label or wanted.label, address=inside)
    named = next((one for one in _named(report) if one.address and (one.id_type, one.id) in numbers), None)
    if named is not None:
        lines = (named.organisation,) if named.organisation and named.organisation != named.label else ()
        address = named.address or Address()
        return Postal(name=named.label, address=replace(address, lines=(*lines, *address.lines)), origin=IN_REPORT)
    return _of_directory(dispatch, numbers, directory)


def _numbers(dispatch: Dispatch, wanted: Wanted) -> list[tuple[IdType, str]]:
    found = [(wanted.id_type, wanted.id)]
    if dispatch.recipient_id_type:
        found.insert(0, (IdType(dispatch.recipient_id_type), dispatch.recipient_id))
    return [one for one in dict.fromkeys(found) if one[1]]


def _named(report: Report) -> Iterator[Practitioner]:
    if report.prescriber is not None:
        yield report.prescriber
    yield from report.copies


def _of_directory(dispatch: Dispatch, numbers: list[tuple[IdType, str]], directory: Directory) -> Postal:
    for kind, number in numbers:
        known = directory.people(kind, number) if kind is not IdType.LOCAL else ()
        places = {(one.structure_name, one.postcode, one.town) for one in known if one.postcode and one.town}
        if len(places) == 1:
            ((structure, postcode, town),) = places
            address = Address(lines=(structure,) if structure else (), postcode=postcode, town=town)
            return Postal(name=dispatch.label, address=address, origin=IN_DIRECTORY, street=False)
    return Postal(name=dispatch.label, address=None)
