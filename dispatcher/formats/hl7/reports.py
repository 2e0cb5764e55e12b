"""Groups of one message into reports: the last step of reading HL7 v2.

HL7 v2.5 chapter 7 (ORU) and chapter 9 (MDM, TXA). Which orders make one report: see
:mod:`dispatcher.formats.er7.requests`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dispatcher.formats.carried import with_carried
from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.requests import Request, by_report
from dispatcher.formats.er7.status import report_status
from dispatcher.formats.hl7.actions import (
    asked,
    cancelled_order,
    follows_volet,
    from_txa,
    implied_status,
    numbered,
    with_action,
)
from dispatcher.formats.hl7.batteries import batteries, collected, documents_of, earliest, latest, urgent
from dispatcher.formats.hl7.datatypes import moment
from dispatcher.formats.hl7.documents import Sibling
from dispatcher.formats.hl7.groups import Grouped, PatientGroup
from dispatcher.formats.hl7.groups import Order as OrderGroup
from dispatcher.formats.hl7.orders import request
from dispatcher.formats.hl7.participants import (
    prescriber_and_copies,
    recipients,
    reply_to,
    validators,
    with_sender,
)
from dispatcher.formats.hl7.patient import patient
from dispatcher.formats.hl7.wishes import handling
from dispatcher.formats.names import damaged_names
from dispatcher.report.handling import stricter
from dispatcher.report.identifiers import finess_ok
from dispatcher.report.model import (
    Battery,
    Handling,
    Kind,
    Laboratory,
    Order,
    Patient,
    Problem,
    Report,
    Severity,
    Status,
    ValueType,
    When,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """What the reports of one message share."""

    laboratory: Laboratory
    control_id: str
    sent_at: When | None
    comments: tuple[str, ...]
    problems: tuple[Problem, ...]


def reports_of(grouped: Grouped, sibling: Sibling) -> list[Report]:
    """Every report of one message. The type of the message was checked before; an MDM gives documents."""
    source = _source(grouped)
    event = grouped.header.component(9, 2).upper()
    is_document = grouped.kind == "MDM"
    found: list[Report] = []
    for group in grouped.patients or [PatientGroup()]:
        notes = Notes()
        person = _patient(group, grouped, notes)
        requests = [
            request(order, notes) for order in group.orders if order.obr is not None or order.lines or order.wishes
        ]
        shared = source.problems + notes.problems
        for own in by_report(requests) or [[]]:
            orders = [one.order for one in own]
            report = _report(own, group, person, source, shared, sibling)
            if is_document:
                report = from_txa(report, group.txa, event)
            if follows_volet(grouped.header, group.orders):
                report = with_action(report, asked(event if is_document else "", orders))
            else:
                report = cancelled_order(report, orders)
            found.append(numbered(with_carried(report)) if report.documents else numbered(report))
    return found


def _source(grouped: Grouped) -> _Source:
    header, notes = grouped.header, Notes()
    facility = header.composite(4)
    numbers = (facility.first(1), facility.first(2))
    if header.component(11).upper() in ("T", "D"):
        notes.warning(
            "test-message", header.where(11), "Message de test (MSH-11 = T ou D) : ne pas le diffuser en production."
        )
    sender = facility.first(1) or header.component(3)
    return _Source(
        laboratory=Laboratory(name=sender, id=sender, finess=next((text for text in numbers if finess_ok(text)), "")),
        control_id=header.text(10),
        sent_at=moment(header, 7, notes),
        comments=tuple(text for text in grouped.comments if text),
        problems=notes.problems,
    )


def _patient(group: PatientGroup, grouped: Grouped, notes: Notes) -> Patient:
    if group.pid is not None:
        person = patient(group.pid, group.pv1, notes)
        for problem in damaged_names(person, group.pid.where(5)):
            notes.error(problem.code, problem.where, problem.message)
        return person
    notes.error(
        "missing-patient",
        grouped.header.where(),
        "Aucun segment PID dans ce message : patient inconnu. Faire réémettre le résultat avec l’identité.",
    )
    return Patient()


def _report(
    requests: Sequence[Request[OrderGroup]],
    group: PatientGroup,
    person: Patient,
    source: _Source,
    shared: tuple[Problem, ...],
    sibling: Sibling,
) -> Report:
    notes = Notes()
    orders = [one.order for one in requests]
    read = batteries(orders, notes, sibling)
    results = [one for battery in read for one in battery.observations]
    where = _place(requests, group)
    status = _status(read, where, group, notes)
    _tell_joined(requests, where, notes)
    prescriber, copies = prescriber_and_copies(requests, group, where, notes)
    given = [*group.participants, *(prt for order in orders for prt in order.participants)]
    return Report(
        patient=person,
        status=status,
        kind=_kind([one.type for one in results]),
        laboratory=with_sender(source.laboratory, given),
        order=_numbers(requests),
        prescriber=prescriber,
        copies=copies,
        recipients=recipients(given, notes),
        validators=validators(orders, notes),
        ordered_at=earliest(orders, 6, notes),
        collected_at=earliest(orders, 7, notes) or collected(read),
        received_at=earliest(orders, 14, notes),
        reported_at=latest(orders, 22, notes) or source.sent_at,
        batteries=read,
        comments=(*source.comments, *group.comments),
        documents=documents_of(results),
        urgent=any(map(urgent, orders)),
        handling=_handling(orders, group, reply_to(given), notes),
        sender_file_id=source.control_id,
        problems=shared + notes.problems,
    )


def _handling(orders: Sequence[OrderGroup], group: PatientGroup, answer_to: str, notes: Notes) -> Handling:
    """By the flags under these orders; flags under another order of the message count where there are none.

    Confidentiality: ORC-28 (table 0177) of these orders and TXA-18 (table 0272), R and V.
    """
    stated = [order.orc.component(28) for order in orders if order.orc is not None]
    stated += [group.txa.component(18)] if group.txa is not None else []
    own = [line for order in orders for line in order.wishes]
    wishes = handling(own or [line for order in group.orders for line in order.wishes], notes)
    level = stricter(*stated)
    return replace(wishes, reply_to=answer_to, confidentiality=level) if answer_to or level else wishes


def _place(requests: Sequence[Request[OrderGroup]], group: PatientGroup) -> str:
    for one in requests:
        if one.order.obr is not None:
            return one.order.obr.where(25)
    return group.pid.where() if group.pid is not None else "MSH"


def _kind(types: Sequence[ValueType]) -> Kind:
    return Kind.DOCUMENT if types and all(one is ValueType.DOCUMENT for one in types) else Kind.STRUCTURED


def _numbers(requests: Sequence[Request[OrderGroup]]) -> Order:
    """Of several orders, the numbers of the first that has them: they stay the same from version to version."""
    return Order(
        placer=next((one.placer for one in requests if one.placer), ""),
        filler=next((one.filler for one in requests if one.filler), ""),
    )


def _tell_joined(requests: Sequence[Request[OrderGroup]], where: str, notes: Notes) -> None:
    count = len({one.filler for one in requests if one.filler})
    if count > 1:
        notes.info(
            "orders-joined",
            where,
            f"{count} numéros de demande réunis en un compte rendu (même patient, même message) : "
            "le premier le désigne.",
        )


def _status(read: Sequence[Battery], where: str, group: PatientGroup, notes: Notes) -> Status:
    letters = [(battery.status, [one.status for one in battery.observations]) for battery in read]
    status = report_status(letters, where, implied_status(group.txa), notes)
    if not any(own for _, own in letters):
        severity = Severity.ERROR if status in (Status.FINAL, Status.CORRECTED) else Severity.WARNING
        notes.add("no-result", severity, where, "Aucun résultat (OBX) pour cette demande : rien à transmettre.")
    return status
