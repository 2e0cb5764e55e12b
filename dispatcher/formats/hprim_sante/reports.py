"""Groups of one HPRIM Santé message into reports. Which requests make one: :mod:`dispatcher.formats.er7.requests`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter

from dispatcher.formats.er7.coding import both_codings
from dispatcher.formats.er7.moments import first_of, last_of
from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.people import merge
from dispatcher.formats.er7.requests import Request, by_report
from dispatcher.formats.er7.status import letter, report_status
from dispatcher.formats.hprim_sante.groups import Grouped, Order, PatientGroup
from dispatcher.formats.hprim_sante.header import Header
from dispatcher.formats.hprim_sante.linking import linked
from dispatcher.formats.hprim_sante.people import patient, practitioner, practitioners
from dispatcher.formats.hprim_sante.remembered import remembered
from dispatcher.formats.hprim_sante.results import Sibling, documents_of, moment, observations
from dispatcher.formats.names import damaged_names
from dispatcher.report.model import (
    Battery,
    Kind,
    Patient,
    Practitioner,
    Problem,
    Report,
    Severity,
    Specimen,
    Status,
    ValueType,
    When,
)
from dispatcher.report.model import Order as Numbers

_CANCELLED = frozenset("DX")
_WITHDRAWN = frozenset({"D", "W", "X", "I", "O", "N", ""})
"""Letters of OBX.11 that go with a cancelled request."""
_URGENT = frozenset({"S", "A", "U"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """What the reports of one patient share."""

    header: Header
    person: Patient
    comments: tuple[str, ...]
    problems: tuple[Problem, ...]


def reports_of(grouped: Grouped, header: Header, told: tuple[Problem, ...], sibling: Sibling) -> list[Report]:
    """Every report of one message; ``told`` are the problems of its header."""
    found: list[Report] = []
    for group in grouped.patients:
        notes = Notes()
        person = _patient(group, header, notes)
        requests = [_request(order, notes) for order in group.orders]
        source = _Source(
            header=header,
            person=person,
            comments=(*grouped.comments, *group.comments),
            problems=told + notes.problems + damaged_names(person, "P.5"),
        )
        found.extend(_report(own, group, source, sibling) for own in by_report(requests) or [[]])
    return found


def _patient(group: PatientGroup, header: Header, notes: Notes) -> Patient:
    if group.p is not None:
        return patient(group.p, header.laboratory.id, header.receiver, notes)
    notes.error(
        "missing-patient",
        "P",
        "Aucun segment P au-dessus des résultats : patient inconnu. Faire réémettre le résultat avec l’identité.",
    )
    return Patient()


def _request(order: Order, notes: Notes) -> Request[Order]:
    obr = order.obr
    if obr is None:
        return Request(order=order)
    asked = obr.composites(16)
    first = practitioner(asked[0], obr.where(16), notes) if asked else None
    if first is not None and len(asked) > 1 and not first.organisation:
        first = replace(first, organisation=asked[1].whole(2) or asked[1].whole(1))
    return Request(
        order=order,
        placer=obr.component(2, 2) or obr.component(2),
        filler=obr.component(3, 2) or obr.component(3),
        prescribers=(first,) if first is not None else (),
        copies=merge(practitioners(obr, 28, notes), by_name=False),
    )


def _report(requests: Sequence[Request[Order]], group: PatientGroup, source: _Source, sibling: Sibling) -> Report:
    notes = Notes()
    orders = [one.order for one in requests]
    batteries = linked([battery for order in orders for battery in _batteries(order, notes, sibling)])
    results = [one for battery in batteries for one in battery.observations]
    where = next((order.obr.where(25) for order in orders if order.obr is not None), "OBR")
    letters = [(battery.status, [one.status for one in battery.observations]) for battery in batteries]
    status = _status(letters, where, notes)
    if not results:
        severity = Severity.ERROR if status in (Status.FINAL, Status.CORRECTED) else Severity.WARNING
        notes.add("no-result", severity, where, "Aucun résultat (OBX) pour cette demande : rien à transmettre.")
    prescriber, copies = _people(requests, group, notes)
    types = [one.type for one in results]
    return Report(
        patient=source.person,
        status=status,
        kind=Kind.DOCUMENT if types and all(one is ValueType.DOCUMENT for one in types) else Kind.STRUCTURED,
        laboratory=source.header.laboratory,
        order=Numbers(
            placer=next((one.placer for one in requests if one.placer), ""),
            filler=next((one.filler for one in requests if one.filler), ""),
        ),
        prescriber=prescriber,
        copies=copies,
        validators=_validators(orders, notes),
        ordered_at=first_of(_moments(orders, 6, notes)),
        collected_at=first_of(_moments(orders, 7, notes)),
        received_at=first_of(_moments(orders, 14, notes)),
        reported_at=last_of(_moments(orders, 22, notes)) or source.header.sent_at,
        batteries=batteries,
        comments=source.comments,
        documents=documents_of(results),
        urgent=any(_urgent(order) for order in orders),
        sender_file_id=source.header.file_name,
        problems=source.problems + notes.problems,
    )


def _status(letters: Sequence[tuple[str, list[str]]], where: str, notes: Notes) -> Status:
    """As for HL7, with ``D`` in OBR.25 for a request taken back (HPRIM Santé has it, table 0123 has not)."""
    if any(order in _CANCELLED and not set(own) <= _WITHDRAWN for order, own in letters):
        notes.error(
            "mixed-status",
            where,
            "Demande annulée (OBR.25 = D ou X) avec des résultats qui ne le sont pas (OBX.11) : "
            "faire réémettre par le laboratoire, en résultats annulés (D) ou en demande validée (F, C).",
        )
    return report_status([("X" if order == "D" else order, own) for order, own in letters], where, "", notes)


def _moments(orders: Sequence[Order], number: int, notes: Notes) -> list[When]:
    found = (moment(order.obr, number, notes) for order in orders if order.obr is not None)
    return [when for when in found if when is not None]


def _urgent(order: Order) -> bool:
    return order.obr is not None and any(one.first(1).upper() in _URGENT for one in order.obr.composites(5))


# ------------------------------------------------------------------------------------------------ batteries


def _batteries(order: Order, notes: Notes, sibling: Sibling) -> list[Battery]:
    """One battery per OBR, or one per chapter (OBX.15) when its results stand in several."""
    obr = order.obr
    if obr is None:
        notes.warning("missing-order", order.lines[0].obx.where(), "Résultats (OBX) sans OBR au-dessus d’eux.")
        return [Battery(observations=observations(order.lines, notes, sibling))]
    tests = {one.whole(1) or one.whole(2): one.whole(2) or one.whole(1) for one in obr.composites(4)}
    whole = Battery(
        title=_title(tests.values()),
        code=both_codings(obr.first(4), obr.separators)[0],
        chapter=obr.component(24, 2) or obr.component(24),
        specimen=_specimen(order, notes),
        status=letter(obr.component(25)),
        collected_at=moment(obr, 7, notes),
        comments=tuple(order.comments),
    )
    known = remembered(obr.separators)
    if not any(len(line.obx.fields) > 15 and line.obx.fields[15] for line in order.lines):
        return [replace(whole, observations=observations(order.lines, notes, sibling))] if order.lines else [whole]
    placed = [(*known.sector(line.obx), line) for line in order.lines]
    parts = [(chapter, list(lines)) for chapter, lines in groupby(placed, key=itemgetter(0))]
    if not parts:
        return [whole]
    return [
        replace(
            whole,
            title=_title(tests[code] for _, code, _ in lines if code in tests) or whole.title,
            chapter=chapter or whole.chapter,
            comments=whole.comments if rank == 0 else (),
            observations=observations([line for _, _, line in lines], notes, sibling),
        )
        for rank, (chapter, lines) in enumerate(parts)
    ]


def _title(labels: Iterable[str]) -> str:
    """The names of the tests asked for, four at most."""
    names = list(dict.fromkeys(label for label in labels if label))
    return ", ".join(names[:4]) + (", …" if len(names) > 4 else "")


def _specimen(order: Order, notes: Notes) -> Specimen | None:
    obr = order.obr
    if obr is None:
        return None
    source = obr.composite(15)
    number = obr.component(3) if obr.component(3, 2) else ""
    text = source.whole(2) or source.whole(1)
    if not (text or number):
        return None
    return Specimen(id=number, text=text, collected_at=moment(obr, 7, notes), received_at=moment(obr, 14, notes))


# ------------------------------------------------------------------------------------------------ people


def _people(
    requests: Sequence[Request[Order]], group: PatientGroup, notes: Notes
) -> tuple[Practitioner | None, tuple[Practitioner, ...]]:
    """Prescriber (OBR.16, else the first doctor of P.13) and copies (OBR.28)."""
    asked = merge((person for one in requests for person in one.prescribers), by_name=True)
    if len(asked) > 1:
        notes.error(
            "several-prescribers",
            "OBR.16",
            "Des prescripteurs différents pour un même numéro de demande (OBR.16) : vérifier à qui le résultat est dû.",
        )
    if not asked and group.p is not None:
        asked = tuple(practitioners(group.p, 13, notes)[:1])
    copies = merge((*asked[1:], *(person for one in requests for person in one.copies)), by_name=False)
    if not asked:
        return None, copies
    first = asked[0]
    phones = [order.obr.component(17) for order in (one.order for one in requests) if order.obr is not None]
    phone = first.phone or next((text for text in phones if text), "")
    prescriber = first if phone == first.phone else replace(first, phone=phone)
    kept = tuple(one for one in copies if not one.id or (one.id, one.id_type) != (first.id, first.id_type))
    return prescriber, kept


def _validators(orders: Sequence[Order], notes: Notes) -> tuple[Practitioner, ...]:
    """OBR.32 (interpreter), else those of OBX.16."""
    found = [person for order in orders if order.obr is not None for person in practitioners(order.obr, 32, notes)]
    if not found:
        lines = [line.obx for order in orders for line in order.lines if any(line.obx.fields[16:17])]
        people = (practitioner(obx.composite(16), obx.where(16), notes) for obx in lines)
        found = [person for person in people if person is not None]
    return merge(found, by_name=True)
