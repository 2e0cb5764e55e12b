"""Recipients of lately who are no longer what they were: each is told, with who says so and what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from dispatcher.outbox.states import State
from dispatcher.ports import CertificateAnswer
from dispatcher.report.model import IdType
from dispatcher.routing.about import Scope
from dispatcher.routing.candidates import Entry
from dispatcher.routing.drift import Change
from dispatcher.service.drift import Drift, DriftReport, drift
from dispatcher.service.oppositions import record
from tests.fakes import EverybodyAllowed
from tests.pki import BOB
from tests.service.bench import DURAND, Bench, local
from tests.service.samples import oru

MARTIN = "jeanne.martin@dest.test"
ID = "10000000017"
BOX = Entry(
    address=MARTIN, id_type=IdType.RPPS, identifier=ID, family="MARTIN", given="Jeanne", source="mssante", version="v1"
)
TO = f"{ID}^MARTIN^Jeanne"


@pytest.fixture
def sent(bench: Bench) -> Bench:
    """Dr MARTIN, known by her RPPS, got a mail."""
    bench.directory.entries = [BOX]
    bench.bring(oru(to=TO))
    bench.batch()
    bench.send()
    assert (bench.one().state, bench.one().address) == (State.SENT, MARTIN)
    return bench


def now(bench: Bench, *entries: Entry) -> DriftReport:
    bench.directory.entries = [replace(entry, version="v2") for entry in entries]
    return drift(bench.desk)


def only(report: DriftReport) -> Drift:
    (one,) = report.lines
    assert one.text.endswith(".")
    assert one.todo.endswith(".")
    return one


def test_nothing_changed_says_nothing(sent: Bench) -> None:
    report = now(sent, BOX)
    assert (report.lines, report.recipients, report.drifting) == ((), 1, 0)


def test_a_box_that_vanished_is_told_with_its_source_and_version(sent: Bench) -> None:
    one = only(now(sent))
    assert one.change is Change.VANISHED
    assert (one.label, one.address, one.id_type, one.id) == ("MARTIN Jeanne", MARTIN, "RPPS", ID)
    assert (one.mails, one.waiting, one.last_at) == (1, 0, sent.one().created_at)
    assert (one.source, one.version) == ("mssante", "2026-03-11"), "what the source says today"
    assert one.text == "La boîte a disparu (extraction MSSanté) et aucune autre n'est connue pour ce destinataire."


def test_another_address_for_the_same_identifier(sent: Bench) -> None:
    one = only(now(sent, replace(BOX, address="j.martin@neuf.test")))
    assert one.change is Change.OTHER_ADDRESS
    assert "j.martin@neuf.test" in one.text


def test_an_application_box_is_no_new_address(sent: Bench) -> None:
    assert only(now(sent, replace(BOX, address="app@neuf.test", box_type="APP"))).change is Change.VANISHED


def test_another_person_behind_the_address(sent: Bench) -> None:
    one = only(now(sent, replace(BOX, identifier="10000000025", given="Paul")))
    assert one.change is Change.OTHER_PERSON
    assert one.text == "Cette adresse appartient maintenant à MARTIN Paul (extraction MSSanté)."
    assert one.version == "v2"


def test_another_person_without_a_number_or_with_the_other_register(sent: Bench) -> None:
    """Not compared by number: then by name."""
    paul = replace(BOX, id_type=None, identifier="", family="BERNARD", given="Paul", source="ldap-x")
    for entry in (paul, replace(paul, id_type=IdType.ADELI, identifier="291234567")):
        one = only(now(sent, entry))
        assert one.change is Change.OTHER_PERSON
        assert "appartient maintenant à BERNARD Paul" in one.text
        one = only(now(sent, BOX, entry))
        assert one.change is Change.OTHER_PERSON
        assert "est maintenant donnée aussi à BERNARD Paul" in one.text
        assert now(sent, BOX, replace(entry, family="MARTIN", given="J.")).lines == ()


def test_who_was_behind_the_address_already_is_no_newcomer(bench: Bench) -> None:
    other = replace(BOX, box_type="ORG", identifier="10000000025", given="Paul")
    bench.directory.entries = [replace(BOX, box_type="ORG"), other]
    bench.bring(oru(to=TO))
    bench.batch()
    bench.send()
    assert now(bench, replace(BOX, box_type="ORG"), other).lines == ()
    assert now(bench, BOX, other, replace(other, identifier="10000000033")).lines == ()


def test_a_structure_behind_the_address_of_a_person(sent: Bench) -> None:
    box = Entry(address=MARTIN, box_type="ORG", structure_id="990000010", structure_name="CENTRE", source="mssante")
    assert only(now(sent, box)).change is Change.OTHER_STRUCTURE


def test_the_same_person_under_an_equivalent_number_is_no_change(sent: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = {(IdType.RPPS, ID): ((IdType.ADELI, "291234567"),)}
    monkeypatch.setattr(sent.directory, "equivalents", lambda *one: pairs.get(one, ()))
    assert now(sent, replace(BOX, id_type=IdType.ADELI, identifier="291234567")).lines == ()


def test_another_place_of_work_is_no_other_person(sent: Bench) -> None:
    assert now(sent, replace(BOX, structure_id="990000028")).lines == ()


def test_paper_wanted_from_now_on(sent: Bench) -> None:
    assert only(now(sent, replace(BOX, paperless=False))).change is Change.PAPER
    assert now(sent, replace(BOX, paperless=True)).lines == ()


def test_a_domain_that_left_the_list(sent: Bench) -> None:
    sent.set_channel("pro", sent.channel.settings.model_copy(update={"family": "smime", "domains": []}))
    sent.restart()
    sent.domains = EverybodyAllowed(refused=frozenset({"dest.test"}))
    one = only(now(sent, BOX))
    assert (one.change, one.source, one.version) == (Change.DOMAIN, "allowed-domains", sent.domains.version)
    sent.domains = EverybodyAllowed(refused=frozenset({"dest.test"}), version="", generated=None)
    assert now(sent, BOX).lines == (), "no list at all is told elsewhere, once"
    sent.domains = EverybodyAllowed(generated=datetime(2025, 1, 1, tzinfo=UTC))
    assert now(sent, BOX).lines == (), "so is a list that is too old"


def test_a_source_that_is_gone_makes_nobody_vanish(sent: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sent.directory, "versions", lambda: {"fhir": "2026-03-11", "local": "essai"})
    report = now(sent)
    assert (report.lines, report.drifting, report.not_comparable) == ((), 0, 1)


def test_what_no_directory_ever_knew_cannot_vanish(bench: Bench) -> None:
    bench.bring(oru())
    assert bench.one().address == DURAND
    assert drift(bench.desk).lines == ()


def test_mails_of_before_are_not_looked_at(sent: Bench) -> None:
    sent.clock.advance(91 * 86_400)
    assert now(sent).recipients == 0
    assert drift(sent.desk, days=100).drifting == 1


def test_the_newest_mail_says_what_was_known(sent: Bench) -> None:
    """The person behind the box changed and a mail went there since: that was decided knowing it."""
    other = replace(BOX, identifier="10000000025", given="Paul")
    sent.directory.entries = [other]
    sent.bring(oru("R2", to="10000000025^MARTIN^Paul"))
    report = now(sent, other)
    assert {one.id for one in report.lines} == {ID}, "only those who had it before"


def test_several_codes_of_one_box_are_one_line(sent: Bench) -> None:
    sent.directory.lines.append(local("M1", "", id_type=IdType.RPPS, identifier=ID))
    sent.bring(oru("R2", to="M1^MARTIN^Jeanne"))
    report = now(sent)
    vanished = [one for one in report.lines if one.change is Change.VANISHED]
    assert [(one.mails, one.waiting) for one in vanished] == [(2, 1)]
    assert (report.recipients, report.drifting) == (1, 1)


# ------------------------------------------------------------------------------------------ the laboratory's table

TODAY = date(2026, 3, 11)


def table(bench: Bench, **line: Any) -> Bench:
    bench.directory.lines.append(local("T1", "t1@dest.test", **line))
    bench.bring(oru(to="T1^TESTE^Line"))
    assert bench.one().address == "t1@dest.test"
    return bench


def change(bench: Bench, **line: Any) -> Bench:
    bench.directory.lines[-1] = replace(bench.directory.lines[-1], **line)
    return bench


def test_a_line_that_was_taken_out(bench: Bench) -> None:
    table(bench).directory.lines.pop()
    one = only(drift(bench.desk))
    assert (one.change, one.source) == (Change.LINE, "local")
    assert one.text == "La ligne de ce destinataire n'y est plus (table des destinataires)."


def test_a_line_of_all_sources_takes_no_place_of_one_that_ended(bench: Bench) -> None:
    table(bench, source="sil")
    bench.directory.lines.append(local("T1", "t2@dest.test"))
    assert drift(bench.desk).lines == ()
    bench.directory.lines[-2] = replace(bench.directory.lines[-2], valid_to=TODAY + timedelta(days=5))
    assert only(drift(bench.desk)).change is Change.LINE_ENDS
    bench.directory.lines[-2] = replace(bench.directory.lines[-2], valid_to=TODAY - timedelta(days=1))
    assert only(drift(bench.desk)).change is Change.LINE


def test_a_line_past_its_date(bench: Bench) -> None:
    change(table(bench), valid_to=TODAY - timedelta(days=1))
    assert "n'est plus valable aujourd'hui" in only(drift(bench.desk)).text


@pytest.mark.parametrize(("days", "told"), [(0, True), (30, True), (31, False)])
def test_a_line_that_ends_soon(bench: Bench, days: int, told: bool) -> None:
    change(table(bench), valid_to=TODAY + timedelta(days=days))
    assert [one.change for one in drift(bench.desk).lines] == ([Change.LINE_ENDS] if told else [])


def test_a_line_that_another_follows_does_not_end(bench: Bench) -> None:
    change(table(bench), valid_to=TODAY + timedelta(days=5))
    follower = replace(bench.directory.lines[-1], valid_from=TODAY + timedelta(days=6), valid_to=None)
    bench.directory.lines.append(follower)
    assert drift(bench.desk).lines == ()


def test_a_line_that_points_at_an_identifier_without_box(bench: Bench) -> None:
    bench.directory.entries = [BOX]
    bench.directory.lines.append(local("T1", "", id_type=IdType.RPPS, identifier=ID))
    bench.bring(oru(to="T1^MARTIN^Jeanne"))
    report = now(bench)
    assert [one.change for one in report.lines] == [Change.VANISHED, Change.LINE]
    assert f"mène à RPPS {ID}" in report.lines[1].text


# ------------------------------------------------------------------------------------------ certificates


def answering(*answers: CertificateAnswer) -> Callable[[str, datetime], CertificateAnswer]:
    return lambda address, at: answers[0]


def test_a_certificate_that_is_gone_unknown_or_about_to_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.bring(oru(to="S001^BOB^Bob"))
    assert (bench.one().address, bench.one().certificate) == (BOB, bench.tools.certificate.fingerprint)
    assert drift(bench.desk).lines == ()
    for answer, expected in (
        (CertificateAnswer(unusable=("révoqué",)), [Change.CERTIFICATE]),
        (CertificateAnswer(unknown=("annuaire LDAP injoignable",)), []),
    ):
        monkeypatch.setattr(bench.certificates, "answer", answering(answer))
        assert [one.change for one in drift(bench.desk).lines] == expected
    monkeypatch.undo()
    end = bench.tools.certificate.certificate.not_valid_after_utc
    bench.clock.advance((end - bench.clock.now()).total_seconds() - 20 * 86_400)
    one = only(drift(bench.desk, days=10_000))
    assert (one.change, f"{end:%d/%m/%Y}" in one.text) == (Change.CERTIFICATE_ENDS, True)


# ------------------------------------------------------------------------------------------ never


def test_patients_are_nobodys_drift(bench: Bench) -> None:
    bench.bring(oru())
    with bench.real.transaction() as uow:
        address = "123456789012345@patient.mssante.fr"
        uow.dispatches.update(bench.one().id, event="test", address=address, domain="patient.mssante.fr")
    assert drift(bench.desk).recipients == 0


def test_an_odd_decision_raises_nothing(sent: Bench) -> None:
    with sent.real.transaction() as uow:
        uow.dispatches.update(sent.one().id, event="test", decision={"used": "??", "wanted": 3})
    assert now(sent).lines == ()


def test_every_line_is_plain_json(sent: Bench) -> None:
    (line,) = asdict(now(sent))["lines"]
    assert line["change"] == "vanished"


def test_who_objected_since_is_told(sent: Bench) -> None:
    record(sent.desk, f"rpps:{ID}", Scope.RECIPIENT, actor="uid:1 eve")
    report = now(sent, BOX)
    assert report.drifting == 1
    assert only(report).change is Change.OPPOSED
