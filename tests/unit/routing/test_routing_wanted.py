"""Who a report wants to reach: each once, explicit addresses first."""

from __future__ import annotations

from dispatcher.report.model import Addressee, ExplicitRecipient, IdType, Patient, Practitioner, Report
from dispatcher.routing.route import RecipientRole, Wanted
from dispatcher.routing.wanted import recipients

DURAND = Practitioner(id="99700000013", id_type=IdType.RPPS, family="DURAND", given="Paul", title="Dr")
PETIT = Practitioner(id="D002", family="PETIT", given="Sophie")


def report(**values: object) -> Report:
    return Report(patient=Patient(), **values)  # type: ignore[arg-type]


def keys(found: tuple[Wanted, ...]) -> list[tuple[str, str]]:
    return [(str(one.role), one.key) for one in found]


def test_in_order_explicit_prescriber_copies_addressee_added() -> None:
    found = recipients(
        report(
            prescriber=DURAND,
            copies=(PETIT,),
            recipients=(ExplicitRecipient(address="X@Dest.test"),),
            addressee=Addressee(id="D003 ", label="CABINET DU PORT"),
        ),
        copies=True,
        added=[Wanted(role=RecipientRole.ADDED, address="y@dest.test")],
    )
    assert keys(found) == [
        ("explicit", "address:x@dest.test"),
        ("prescriber", "RPPS:99700000013"),
        ("copy", "local:D002"),
        ("explicit", "local:D003"),
        ("added", "address:y@dest.test"),
    ]
    assert found[1].label == "Dr DURAND Paul"


def test_copies_can_be_left_out() -> None:
    assert len(recipients(report(prescriber=DURAND, copies=(PETIT,)), copies=False)) == 1


def test_prescriber_and_copy_are_one_in_any_form() -> None:
    again = Practitioner(id="8997 0000 0013", id_type=IdType.RPPS, family="DURAND")
    (one,) = recipients(report(prescriber=DURAND, copies=(again, DURAND)), copies=True)
    assert one.role is RecipientRole.PRESCRIBER


def test_an_explicit_address_and_the_prescriber_are_one_person() -> None:
    explicit = ExplicitRecipient(address="Paul@Dest.test", practitioner=Practitioner(id=DURAND.id, id_type=IdType.RPPS))
    (one,) = recipients(report(prescriber=DURAND, recipients=(explicit,)), copies=True)
    assert (one.role, one.address, one.family, one.key) == (
        RecipientRole.EXPLICIT, "paul@dest.test", "DURAND", "RPPS:99700000013",
    )  # fmt: skip


def test_two_boxes_of_one_structure_stay_two() -> None:
    hospital = Practitioner(id="990003014", id_type=IdType.FINESS, organisation="CH")
    both = (
        ExplicitRecipient(address="cardio@ch.test", practitioner=hospital),
        ExplicitRecipient(address="urgences@ch.test", practitioner=hospital),
        ExplicitRecipient(address="CARDIO@ch.test"),
    )
    found = recipients(report(recipients=both), copies=True)
    assert [one.address for one in found] == ["cardio@ch.test", "urgences@ch.test"]
    assert len({one.key for one in found}) == 2


def test_line_twelve_may_be_a_mailbox() -> None:
    (one,) = recipients(report(addressee=Addressee(id="D001", label=" Paul.DURAND@medical12.api.test ")), copies=True)
    assert (one.id, one.address, one.role) == ("D001", "paul.durand@medical12.api.test", RecipientRole.EXPLICIT)
    (label,) = recipients(report(addressee=Addressee(id="", label="DR  DURAND")), copies=True)
    assert (label.address, label.label) == ("", "DR DURAND")


def test_line_twelve_and_the_prescriber_are_one() -> None:
    (one,) = recipients(report(prescriber=PETIT, addressee=Addressee(id="D002", label="DR PETIT")), copies=True)
    assert (one.role, one.family) == (RecipientRole.PRESCRIBER, "PETIT")


def test_nameless_people_without_code_are_nobody() -> None:
    found = recipients(report(prescriber=Practitioner(), copies=(Practitioner(), PETIT)), copies=True)
    assert keys(found) == [("copy", "local:D002")]


def test_a_report_for_nobody_still_asks_for_someone() -> None:
    (one,) = recipients(report(), copies=True)
    assert one == Wanted(role=RecipientRole.PRESCRIBER)
