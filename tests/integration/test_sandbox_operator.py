"""The pretend operator does what it says, and its world is accepted by the program's own readers."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree

from dispatcher.clock import SystemClock
from dispatcher.directory.bulk.importing import import_file
from dispatcher.directory.certificates.folder import CertificateFolder
from dispatcher.directory.certificates.recipients import RecipientCertificates
from dispatcher.directory.trust.allowed_domains import Trust, verify
from dispatcher.errors import ConfigError, TransportError, TryLater
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from dispatcher.ports import Mail
from dispatcher.receipts.matching import effect, match
from dispatcher.receipts.notices import Notice, read
from dispatcher.report.identifiers import luhn_ok
from dispatcher.resources import sample
from dispatcher.sandbox import people
from dispatcher.sandbox.directory import COLUMNS, extraction
from dispatcher.sandbox.domains import NAMESPACE
from dispatcher.sandbox.ledger import read_accepted
from dispatcher.sandbox.operator import SandboxOperator
from dispatcher.sandbox.people import BOXES, OUTSIDE_DOMAIN, Conduct, conduct_of
from dispatcher.sandbox.pki import LABORATORY, LIST_SIGNER
from dispatcher.settings import ChannelSettings, MailboxSettings
from dispatcher.transport.open import open_mailbox, open_transport

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxOperator]:
    wanted = ("paul.durand@sandbox.mssante.test", "sophie.petit@cabinets.mssante.test")
    with SandboxOperator(tmp_path_factory.mktemp("sandbox"), certificates=wanted) as running:
        yield running


def settings(operator: SandboxOperator) -> ChannelSettings:
    return ChannelSettings.model_validate(operator.channel_settings() | {"timeout_seconds": 10})


def mail(recipient: str, number: int, *, ask_mdn: bool = True) -> Mail:
    asks = f"Disposition-Notification-To: <{LABORATORY}>\r\n" if ask_mdn else ""
    text = f"From: <{LABORATORY}>\r\nTo: <{recipient}>\r\nMessage-ID: <D{number}@labo.test>\r\n{asks}\r\nBonjour\r\n"
    return Mail(
        sender=LABORATORY,
        recipient=recipient,
        message_id=f"<D{number}@labo.test>",
        envid=f"D{number}",
        content=text.encode(),
    )


def hand_over(operator: SandboxOperator, *mails: Mail) -> list[str]:
    session = open_transport(settings(operator)).open()
    outcomes = []
    for one in mails:
        try:
            outcomes.append(str(session.send(one).reply))
        except TransportError as error:
            outcomes.append(type(error).__name__)
    session.close()
    return outcomes


def notices(operator: SandboxOperator, message_id: str) -> list[Notice]:
    """What came back about one mail, in order of arrival."""
    assert operator.wait_notices(10)
    found = []
    for fetched in open_mailbox(MailboxSettings(kind="maildir", path=operator.mailbox)).fetch(1000):
        read_notices, problems = read(fetched.content)
        assert problems == ()
        found += [notice for notice in read_notices if notice.message_id == message_id]
    return found


# ------------------------------------------------------------------------------------------------ conducts

BACK: dict[Conduct, tuple[str, list[tuple[str, str | None, str | None]], State]] = {
    Conduct.READS: ("250", [("dsn", "delivered", None), ("mdn", "processed", None)], State.READ),
    Conduct.DISPLAYS: ("250", [("dsn", "delivered", None), ("mdn", "displayed", None)], State.READ),
    Conduct.RELAYED: ("250", [("dsn", "relayed", None), ("mdn", "processed", None)], State.READ),
    Conduct.NEVER_READS: ("250", [("dsn", "delivered", None)], State.DELIVERED),
    Conduct.SILENT: ("250", [], State.SENT),
    Conduct.BOUNCES: ("250", [("dsn", "failed", None)], State.FAILED),
    Conduct.MAILBOX_FULL: ("250", [("dsn", "failed", None)], State.FAILED),
    Conduct.DELAYED: (
        "250",
        [("dsn", "delayed", None), ("dsn", "delivered", None), ("mdn", "processed", None)],
        State.READ,
    ),
    Conduct.REFUSED: ("Refused", [], State.SENT),
    Conduct.FULL: ("Refused", [], State.SENT),
    Conduct.TRY_LATER: ("TryLater", [], State.SENT),
    Conduct.LOSES_LINE: ("OutcomeUnknown", [("dsn", "delivered", None), ("mdn", "processed", None)], State.READ),
    Conduct.REJECTS_902: ("250", [("dsn", "delivered", None), ("mdn", "processed", "902")], State.FAILED),
}


@pytest.mark.parametrize("conduct", list(Conduct))
def test_each_conduct_answers_and_its_notices_move_the_dispatch(operator: SandboxOperator, conduct: Conduct) -> None:
    number = 100 + list(Conduct).index(conduct)
    outcome, back, end = BACK[conduct]
    sent = mail(f"{conduct}@sandbox.mssante.test", number)
    assert hand_over(operator, sent) == [outcome]
    found = notices(operator, sent.message_id)
    assert [(notice.kind, notice.action, notice.code) for notice in found] == back
    row = Dispatch(
        id=f"D{number}",
        report_id="r",
        chain="c",
        version=1,
        state=State.SENT,
        recipient_key="k",
        role="prescriber",
        address=sent.recipient,
        message_id=sent.message_id,
        envid=sent.envid,
    )
    state = State.SENT
    for notice in found:
        matched = match(notice, lambda **by: row if row.message_id in by.values() or row.envid in by.values() else None)
        assert matched.dispatch is row, matched.why
        state = effect(state, notice).state or state
    assert state is end


def test_try_later_gives_way_at_the_third_time(operator: SandboxOperator) -> None:
    recipient = "Try-Later@sandbox.mssante.test"
    operator_outcomes = hand_over(operator, *(mail(recipient, 200 + turn) for turn in range(3)))
    assert operator_outcomes[-1] == "250"


def test_without_a_request_there_is_no_read_notice_and_an_error_comes_as_ordinary_mail(
    operator: SandboxOperator,
) -> None:
    silent = mail("reads@sandbox.mssante.test", 210, ask_mdn=False)
    angry = mail("rejects-902@sandbox.mssante.test", 211, ask_mdn=False)
    assert hand_over(operator, silent, angry) == ["250", "250"]
    assert [str(notice.kind) for notice in notices(operator, silent.message_id)] == ["dsn"]
    delivered, refused = notices(operator, angry.message_id)
    assert (delivered.action, str(refused.kind), refused.code) == ("delivered", "error-mail", "902")


def test_without_dsn_only_read_notices_come_back(operator: SandboxOperator) -> None:
    operator.faults.offer_dsn = False
    sent = mail("reads@sandbox.mssante.test", 212)
    assert hand_over(operator, sent) == ["250"]
    operator.faults.offer_dsn = True
    assert [str(notice.kind) for notice in notices(operator, sent.message_id)] == ["mdn"]


def test_a_patient_reads_and_a_wrong_number_is_unknown(operator: SandboxOperator) -> None:
    assert hand_over(
        operator,
        mail("279035121518989@patient.mssante.test", 220),
        mail("27707279035121518989@patient.mssante.test", 221),
    ) == ["250", "Refused"]


def test_held_notices_come_when_they_are_let_go(operator: SandboxOperator) -> None:
    assert operator.wait_notices(10)
    operator.faults.hold_notices = True
    hand_over(operator, mail("never-reads@sandbox.mssante.test", 230))
    time.sleep(0.1)
    assert operator.pending_notices == 1
    operator.faults.hold_notices = False
    assert operator.wait_notices(5)
    assert operator.pending_notices == 0


# ------------------------------------------------------------------------------------------------ the ledger


def test_every_acceptance_is_a_line_and_a_file(operator: SandboxOperator) -> None:
    sent = [mail("silent@sandbox.mssante.test", number) for number in (300, 301)]
    hand_over(operator, *sent)
    lines = [line for line in operator.accepted() if line.message_id in {one.message_id for one in sent}]
    assert [(line.recipient, line.envid) for line in lines] == [(one.recipient, one.envid) for one in sent]
    for line, one in zip(lines, sent, strict=True):
        assert operator.mail(line) == one.content
        assert line.sha256 == hashlib.sha256(one.content).hexdigest()


def test_a_refused_mail_leaves_no_line(operator: SandboxOperator) -> None:
    before = len(operator.accepted())
    assert hand_over(operator, mail("refused@sandbox.mssante.test", 310)) == ["Refused"]
    assert len(operator.accepted()) == before


def test_a_restarted_operator_goes_on_counting_with_the_same_keys(tmp_path: Path) -> None:
    first = SandboxOperator(tmp_path, certificates=())
    with first:
        hand_over(first, mail("silent@sandbox.mssante.test", 1))
        ca = first.pki.ca_file.read_bytes()
    with (tmp_path / "accepted.jsonl").open("ab") as file:
        file.write(b'{"number": 2, "mess')  # cut by a crash
    assert len(read_accepted(tmp_path / "accepted.jsonl")) == 1
    with SandboxOperator(tmp_path, certificates=("paul.durand@sandbox.mssante.test",)) as second:
        assert second.pki.ca_file.read_bytes() == ca
        hand_over(second, mail("silent@sandbox.mssante.test", 2))
        held = RecipientCertificates(CertificateFolder(second.pki.certificates), issuers=second.pki.ca_file)
        assert held.answer("paul.durand@sandbox.mssante.test", NOW).chosen is not None
        assert [line.message_id for line in second.accepted()] == ["<D1@labo.test>", "<D2@labo.test>"]
        assert second.mail(second.accepted()[1]) == mail("silent@sandbox.mssante.test", 2).content


def test_a_sink_counts_and_keeps_nothing(tmp_path: Path) -> None:
    with SandboxOperator(tmp_path, certificates=(), store=False, accept_anybody=True) as sink:
        assert hand_over(sink, *(mail(f"x{number}@anywhere.test", number) for number in range(20))) == ["250"] * 20
        assert sink.sink_count == 20
        assert sink.accepted() == ()
        assert list((sink.mailbox / "new").iterdir()) == []


def test_it_listens_on_this_machine_only(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        SandboxOperator(tmp_path, host="0.0.0.0")


def test_two_operators_run_side_by_side_and_stop_twice(tmp_path: Path) -> None:
    one = SandboxOperator(tmp_path / "one", certificates=()).start()
    two = SandboxOperator(tmp_path / "two", certificates=()).start()
    assert one.port != two.port
    assert hand_over(two, mail("silent@sandbox.mssante.test", 1)) == ["250"]
    for operator in (one, two, one):
        operator.stop()
    with pytest.raises(TryLater):
        open_transport(settings(one)).open()


# ------------------------------------------------------------------------------------------------ faults


def test_a_mail_whose_answer_is_lost_is_kept(operator: SandboxOperator) -> None:
    operator.faults.drop_after_dot(1)
    before = len(operator.accepted())
    assert hand_over(operator, mail("silent@sandbox.mssante.test", 400)) == ["OutcomeUnknown"]
    assert len(operator.accepted()) == before + 1


def test_refused_connections(operator: SandboxOperator) -> None:
    operator.faults.refuse_connections = True
    with pytest.raises(TryLater):
        open_transport(settings(operator)).open()
    operator.faults.refuse_connections = False


def test_the_next_mails_are_put_off(operator: SandboxOperator) -> None:
    operator.faults.try_later(2)
    outcomes = hand_over(operator, *(mail("silent@sandbox.mssante.test", 410 + turn) for turn in range(3)))
    assert outcomes == ["TryLater", "TryLater", "250"]


def test_a_slow_operator_is_slow(operator: SandboxOperator) -> None:
    operator.faults.slow_seconds = 0.1
    begun = time.monotonic()
    assert hand_over(operator, mail("silent@sandbox.mssante.test", 420)) == ["250"]
    operator.faults.slow_seconds = 0.0
    assert time.monotonic() - begun >= 0.3


# ------------------------------------------------------------------------------------------------ its world


def test_the_list_is_accepted_by_the_programs_own_judge(operator: SandboxOperator) -> None:
    content = operator.allowed_domains_file.read_bytes()
    verdict = verify(content, Trust.of(operator.pki.ca_file, LIST_SIGNER), now=NOW + timedelta(minutes=1))
    assert verdict.reasons == ()
    assert verdict.accepted
    assert (verdict.domains, verdict.rows) == (8, 9)
    assert "sandbox.mssante.test" in verdict.names
    assert OUTSIDE_DOMAIN not in verdict.names


def test_the_list_has_the_shape_of_the_real_one(operator: SandboxOperator) -> None:
    content = operator.allowed_domains_file.read_bytes()
    root = etree.fromstring(content)
    assert [etree.QName(child).localname for child in root] == ["DateDeGeneration", "ListeDomaines", "Signature"]
    for row in root.iterfind(f"{{{NAMESPACE}}}ListeDomaines/{{{NAMESPACE}}}Domaine"):
        assert [etree.QName(child).localname for child in row] == [
            "Nom",
            "Description",
            "DNCertificatOperateur",
            "ResponsableContact",
            "SupportContact",
            "DateMAJ",
        ]
    assert b"&#13;\n" in content


def test_the_directory_is_the_sample_and_is_imported_without_a_bad_line(
    operator: SandboxOperator, tmp_path: Path
) -> None:
    [file] = [file for file in sample("directory").iterdir() if file.name.startswith("Extraction_")]
    assert extraction() == file.read_bytes().decode("utf-8")
    assert operator.extraction_file.read_text(encoding="utf-8") == extraction()
    report = import_file(operator.extraction_file, tmp_path, now=NOW)
    assert report.lines == len(BOXES) + 1 or report.lines == len(BOXES)


def test_certificates_are_found_by_address(operator: SandboxOperator) -> None:
    folder = CertificateFolder(operator.pki.certificates, clock=SystemClock())
    held = RecipientCertificates(folder, issuers=operator.pki.ca_file)
    found = held.answer("paul.durand@sandbox.mssante.test", NOW).chosen
    assert found is not None
    assert operator.pki.recipient_key("paul.durand@sandbox.mssante.test").read_bytes().startswith(b"-----BEGIN")
    assert held.answer("bounces@sandbox.mssante.test", NOW).chosen is None


def test_the_people_are_those_every_case_needs() -> None:
    assert len(COLUMNS) == 31
    persons = {box.identifier: box for box in BOXES if box.id_type == "8"}
    assert all(luhn_ok(number) and len(number) == 11 for number in persons)
    readers = [box for box in persons.values() if conduct_of(box.address) in {Conduct.READS, Conduct.DISPLAYS}]
    assert len(readers) >= 8
    assert {"cabinets.mssante.test", "sandbox.mssante.test"} <= {box.address.partition("@")[2] for box in readers}
    names = [(box.family, box.given) for box in persons.values()]
    assert len(names) > len(set(names)), "a homonym pair"
    conducts = [conduct_of(box.address) for box in BOXES]
    assert conducts.count(Conduct.BOUNCES) == 1
    assert conducts.count(Conduct.NEVER_READS) == 1
    assert any(box.kind == "ORG" and "EHPAD" in box.structure.name for box in BOXES if box.structure)
    assert any(box.kind == "ORG" and "PHARMACIE" in box.structure.name for box in BOXES if box.structure)
    assert any(box.kind == "PER" and box.address.endswith(OUTSIDE_DOMAIN) for box in BOXES)
    assert OUTSIDE_DOMAIN not in {row.name for row in people.ALLOWED_DOMAINS}
    assert all(address.partition("@")[2] != OUTSIDE_DOMAIN for address in people.addresses())
