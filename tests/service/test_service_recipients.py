"""Who gets which version: recipients added by hand, dropped by the LIS, one order under two identities, and parts."""

from __future__ import annotations

import base64
import sqlite3
from collections import Counter

import pytest

from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext
from dispatcher.outbox.dispatch import Dispatch, ReportVersion
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import Found, Taken
from dispatcher.report.model import IdType
from dispatcher.routing.candidates import Entry
from dispatcher.service.operate import close
from dispatcher.service.prepare import prepare_file
from dispatcher.service.release import release
from dispatcher.service.render import Sheets
from dispatcher.service.resolve import resolve_report
from tests.service import handed
from tests.service.bench import DURAND, PETIT, Bench, local
from tests.service.samples import LEO, OTHER_VALUE, THIRD_VALUE, ZOE, oru

SOME_VERSION = ReportVersion(
    id="C1", file_id="F1", position=0, chain="c", version=1, fingerprint="f", document_id="D-1", set_id="S-1"
)
OTHER = "autre@dest.test"
FIRST = oru()
CORRECTED = oru(value=OTHER_VALUE, status="C", at="20260311100000", control="M3")
NEWEST = oru(value=THIRD_VALUE, status="C", at="20260311110000", control="M4")


def submit(bench: Bench, content: bytes, *to: str, name: str = "envoi.hl7") -> tuple[str, ...]:
    """``dispatcher send``: the file is kept, not prepared yet."""
    bench.clock.advance(0.001)
    found = Found(path=f"/tmp/{name}", name=name, size=len(content), mtime_ns=1, whole=True)
    added = tuple(handed.named(one) for one in to)
    return handed.submit(bench.desk, [Taken(found=found, content=content)], added)


def hand(bench: Bench, content: bytes, *to: str, name: str = "envoi.hl7") -> tuple[str, ...]:
    ids = submit(bench, content, *to, name=name)
    bench.prepare()
    return ids


def told(bench: Bench) -> list[tuple[int, str, State, str]]:
    """Version, box, state and hold code of every dispatch."""
    return sorted((d.version, d.address, d.state, d.hold_code) for d in bench.dispatches())


def got(bench: Bench) -> Counter[str]:
    return Counter(handed.mail.recipient for handed in bench.transport.accepted)


def held(bench: Bench) -> Dispatch:
    return bench.one(states=(State.HELD,))


# ------------------------------------------------------------------------------------------------ nobody released twice


@pytest.mark.parametrize("sent", [False, True])
def test_a_box_named_by_another_code_in_the_correction_is_told_what_it_replaces(bench: Bench, sent: bool) -> None:
    """D001 and an explicit recipient of the same box: one recipient for the order of versions and for the mail."""
    hand(bench, FIRST, DURAND)
    if sent:
        bench.run()
    bench.bring(CORRECTED)
    first, second = bench.dispatches()
    assert first.recipient_key != second.recipient_key
    assert first.address == second.address
    assert [d.state for d in (first, second)] == [State.SENT if sent else State.WITHDRAWN, State.READY]
    bench.run()
    if sent:
        assert first.message_id in str(bench.transport.accepted[-1].message)


# ------------------------------------------------------------------------------------------------ without a number

EVENING = oru("", OTHER_VALUE, control="M8").replace(b"|20260311070000|", b"|20260311180000|")


def test_two_glycaemias_of_one_day_without_a_number_both_leave(bench: Bench) -> None:
    bench.bring(oru(""), EVENING)
    assert bench.states() == [State.READY, State.READY]


def test_a_correction_without_a_number_still_replaces(bench: Bench) -> None:
    bench.bring(oru(""), oru("", OTHER_VALUE, status="C", at="20260311100000"))
    assert bench.states() == [State.WITHDRAWN, State.READY]


def test_bare_documents_replace_nothing(bench: Bench) -> None:
    written = bench.tools.writers["pdf"]
    for number in ("R1", "R2"):
        (report,) = registry.read(oru(number), ReadContext(file_name="r.hl7")).reports
        content = written.write(report, Sheets(bench.desk, SOME_VERSION, report).context()).content
        hand(bench, content, OTHER, name=f"{number}.pdf")
    assert len({d.chain for d in bench.dispatches()}) == len(bench.dispatches()) == 2
    assert State.WITHDRAWN not in bench.states()


def document(group: str, content: bytes, status: str = "F") -> bytes:
    """A message of order R1001 that holds one document and no result."""
    lines = oru(status=status).replace(b"GLY^Glyc\xc3\xa9mie^L", group.encode()).split(b"\r")
    inside = base64.b64encode(content).decode()
    line = f"OBX|1|ED|11502-2^Compte rendu^LN||^application^pdf^Base64^{inside}||||||{status}".encode()
    return b"\r".join([*(one for one in lines if one and not one.startswith(b"OBX")), line]) + b"\r"


def test_two_documents_of_one_order_both_leave_and_a_corrected_one_replaces(bench: Bench) -> None:
    one, two, three = ([b"%PDF-1.4", number, b"startxref", b"0", b"%%EOF", b""] for number in (b"%1", b"%2", b"%3"))
    bench.bring(document("ECBU^ECBU^L", b"\n".join(one)), document("NFS^NFS^L", b"\n".join(two)))
    assert {d.version for d in bench.dispatches()} == {1}
    assert len({d.chain for d in bench.dispatches()}) == 2
    bench.bring(document("NFS^NFS^L", b"\n".join(three), "C"))
    assert sorted(d.version for d in bench.dispatches()) == [1, 1, 2]


# ------------------------------------------------------------------------------------------------ sent by hand


def test_what_the_operator_sent_elsewhere_still_reaches_the_prescriber(bench: Bench) -> None:
    hand(bench, FIRST, OTHER)
    (prepared,) = bench.bring(oru(control="M2"))
    assert prepared.file.state is FileState.DONE
    bench.run()
    assert got(bench) == {OTHER: 1, DURAND: 1}
    bench.bring(oru(control="M9"))
    bench.run()
    assert bench.file_states()[-1] is FileState.DUPLICATE
    assert got(bench) == {OTHER: 1, DURAND: 1}


def test_one_box_under_two_codes_gets_a_known_version_once(bench: Bench) -> None:
    hand(bench, FIRST, DURAND)
    bench.bring(oru(control="M2"))
    assert bench.file_states()[-1] is FileState.DUPLICATE
    assert len(bench.dispatches()) == 1


def test_a_version_the_operator_sends_elsewhere_does_not_take_the_prescribers_place(bench: Bench) -> None:
    """The prescriber's first version waits no longer, the second waits for the LIS or a person, then leaves once."""
    bench.bring(FIRST)
    hand(bench, CORRECTED, OTHER)
    assert told(bench) == [
        (1, DURAND, State.WITHDRAWN, ""),
        (2, OTHER, State.READY, ""),
        (2, DURAND, State.HELD, "recipient-dropped"),
    ]
    assert "demandée que pour d'autres" in held(bench).reason
    bench.bring(CORRECTED.replace(b"|M3|", b"|M7|"))
    assert told(bench)[1:] == [
        (2, OTHER, State.READY, ""),
        (2, DURAND, State.READY, ""),
        (2, DURAND, State.WITHDRAWN, "recipient-dropped"),
    ]
    bench.run()
    assert got(bench) == {OTHER: 1, DURAND: 1}


def test_what_the_operator_sent_elsewhere_can_be_released_to_the_prescriber(bench: Bench) -> None:
    bench.bring(FIRST)
    hand(bench, CORRECTED, OTHER)
    assert release(bench.desk, held(bench).id, reason="vu", actor="operator:eve").released
    bench.bring(CORRECTED.replace(b"|M3|", b"|M7|"))
    bench.run()
    assert got(bench) == {OTHER: 1, DURAND: 1}


@pytest.mark.parametrize("sent", [False, True])
def test_a_recipient_added_by_hand_gets_the_correction_too(bench: Bench, sent: bool) -> None:
    bench.bring(FIRST)
    hand(bench, oru(control="M2"), OTHER)
    if sent:
        bench.run()
    bench.bring(CORRECTED, NEWEST)
    by_box = {box: [d.state for d in bench.dispatches() if d.address == box] for box in (OTHER, DURAND)}
    first = State.SENT if sent else State.WITHDRAWN
    assert by_box == {box: [first, State.WITHDRAWN, State.READY] for box in (OTHER, DURAND)}
    bench.run()
    assert got(bench) == ({OTHER: 2, DURAND: 2} if sent else {OTHER: 1, DURAND: 1})


def test_a_recipient_added_by_hand_that_a_person_closed_is_not_added_again(bench: Bench) -> None:
    hand(bench, FIRST, OTHER)
    close(bench.store, [bench.one().id], reason="erreur", actor="operator:eve")
    bench.bring(CORRECTED)
    assert told(bench) == [(1, OTHER, State.CLOSED, ""), (2, DURAND, State.READY, "")]


def test_a_slow_sending_by_hand_is_not_lost_when_the_correction_is_faster(bench: Bench) -> None:
    (slow,) = submit(bench, FIRST, OTHER)
    bench.drop("2.hl7", CORRECTED)
    bench.take()
    files = {file.id: file for file in bench.claim()}
    first = files.pop(slow)
    (second,) = files.values()
    prepare_file(bench.desk, second)
    prepare_file(bench.desk, first)
    assert told(bench) == [
        (1, OTHER, State.HELD, "recipient-dropped"),
        (1, DURAND, State.READY, ""),
        (2, OTHER, State.WITHDRAWN, ""),
    ]


def test_sending_a_replaced_version_by_hand_asks_about_the_one_in_force(bench: Bench) -> None:
    bench.bring(FIRST, CORRECTED)
    (file,) = hand(bench, oru(control="M2"), OTHER)
    assert told(bench)[1:] == [(2, OTHER, State.HELD, "recipient-dropped"), (2, DURAND, State.READY, "")]
    assert "remplacée depuis par la version 2" in held(bench).reason
    (line,) = handed.statement(bench.store, [file])
    assert [d.id for d in line.dispatches] == [held(bench).id]
    assert release(bench.desk, held(bench).id, reason="vu", actor="operator:eve").released
    bench.run()
    assert got(bench) == {OTHER: 1, DURAND: 1}


def test_the_same_by_hand_twice_asks_once(bench: Bench) -> None:
    bench.bring(FIRST, CORRECTED)
    hand(bench, oru(control="M2"), OTHER)
    hand(bench, oru(control="M2"), OTHER)
    assert held(bench).address == OTHER


# ------------------------------------------------------------------------------------------------ dropped by the LIS

COPY = "D002^PETIT^Sophie"


@pytest.mark.parametrize("sent", [False, True])
def test_a_copy_that_is_no_longer_named_is_a_question_for_a_person(bench: Bench, sent: bool) -> None:
    bench.bring(oru(copies=COPY))
    if sent:
        bench.run()
    bench.bring(CORRECTED)
    question = held(bench)
    assert (question.address, question.version, question.hold_code) == (PETIT, 2, "recipient-dropped")
    assert ("a reçu" in question.reason) is sent
    assert "version 1" in question.reason and "la version 2 ne le nomme plus" in question.reason
    assert release(bench.desk, question.id, reason="doit savoir", actor="operator:eve").released
    bench.run()
    assert got(bench) == ({DURAND: 2, PETIT: 2} if sent else {DURAND: 1, PETIT: 1})
    if sent:
        old = next(d for d in bench.dispatches() if d.address == PETIT and d.version == 1)
        new = next(h for h in bench.transport.accepted if h.message_id == bench.get(question.id).message_id)
        assert old.message_id in str(new.message)


def test_the_question_is_asked_again_for_the_newest_version_only(bench: Bench) -> None:
    bench.bring(oru(copies=COPY))
    bench.run()
    bench.bring(CORRECTED, NEWEST)
    assert held(bench).version == 3
    close(bench.store, [held(bench).id], reason="prévenue", actor="operator:eve")
    bench.bring(oru(value="4815.77", status="C", at="20260311120000"))
    assert bench.dispatches(states=(State.HELD,)) == (), "a person has answered"


def test_a_report_cancelled_before_it_left_asks_nothing(bench: Bench) -> None:
    bench.bring(oru(copies=COPY), oru(status="X", at="20260311120000"))
    assert set(bench.states()) == {State.WITHDRAWN}


def test_a_recipient_without_any_name_is_not_asked_about(bench: Bench) -> None:
    """The first export named nobody and was held; the second is what the operator asked the LIS for."""
    bench.bring(oru(to=""))
    assert bench.states() == [State.HELD]
    bench.bring(CORRECTED)
    assert bench.states() == [State.WITHDRAWN, State.READY]


# ------------------------------------------------------------------------------------------------ overtaken


def test_an_overtaken_part_with_analyses_of_its_own_is_not_lost(bench: Bench) -> None:
    """GLY and OBS in the first message, GLY and K in the second, which is prepared first."""
    bench.drop("1.hl7", FIRST)
    bench.take()
    bench.drop("2.hl7", CORRECTED.replace(b"OBS^Observation", b"K^Potassium"))
    bench.take()
    slow, fast = bench.claim()
    prepare_file(bench.desk, fast)
    prepare_file(bench.desk, slow)
    assert told(bench) == [(1, DURAND, State.READY, ""), (2, DURAND, State.HELD, "older-version")]
    assert "toutes ses analyses" in held(bench).reason


# ------------------------------------------------------------------------------------------------ another identity


def test_a_corrected_identity_holds_both_reports(bench: Bench) -> None:
    bench.bring(oru(who=ZOE))
    bench.batch()
    bench.bring(oru(who=LEO))
    assert [(d.state, d.hold_code) for d in bench.dispatches()] == [(State.HELD, "patient-changed")] * 2
    assert len({d.chain for d in bench.dispatches()}) == 2
    bench.run()
    assert not bench.transport.handed
    right = next(d for d in bench.dispatches() if "retenu lui aussi" in d.reason)
    assert release(bench.desk, right.id, reason="identité vérifiée", actor="operator:eve").released
    bench.run()
    assert got(bench) == {DURAND: 1}


def test_more_recipients_of_a_report_in_question_wait_too(bench: Bench) -> None:
    bench.bring(oru(who=ZOE), oru(who=LEO))
    hand(bench, oru(who=LEO, control="M2"), OTHER)
    assert [(d.state, d.hold_code) for d in bench.dispatches()] == [(State.HELD, "patient-changed")] * 3


def test_a_corrected_identity_after_the_wrong_one_left(bench: Bench) -> None:
    bench.bring(oru(who=ZOE))
    bench.run()
    bench.bring(oru(who=LEO))
    assert sorted(bench.states()) == [State.HELD, State.SENT]
    assert held(bench).hold_code == "patient-changed"
    assert "déjà transmis" in held(bench).reason


def test_a_correction_of_the_corrected_identity_waits_as_well(bench: Bench) -> None:
    bench.bring(oru(who=ZOE), oru(who=LEO), oru(value=OTHER_VALUE, who=LEO, status="C"))
    waiting = bench.dispatches(states=(State.HELD,))
    assert [d.hold_code for d in waiting] == ["patient-changed"] * 2
    assert max(d.version for d in waiting) == 2


def test_a_released_identity_is_not_asked_about_again(bench: Bench) -> None:
    bench.bring(oru(who=ZOE), oru(who=LEO))
    right = next(d for d in bench.dispatches() if "retenu lui aussi" in d.reason)
    release(bench.desk, right.id, reason="identité vérifiée", actor="operator:eve")
    bench.bring(oru(value=OTHER_VALUE, who=LEO, status="C", at="20260311100000"))
    assert [d.state for d in bench.dispatches() if d.chain == right.chain] == [State.WITHDRAWN, State.READY]


def test_an_identity_cancelled_by_the_laboratory_holds_nothing(bench: Bench) -> None:
    bench.bring(oru(who=ZOE), oru(who=ZOE, status="X", at="20260311120000"), oru(who=LEO, at="20260311130000"))
    assert sorted(bench.states()) == [State.READY, State.WITHDRAWN, State.WITHDRAWN]


def test_a_number_used_again_after_two_months_is_no_corrected_identity(bench: Bench) -> None:
    bench.bring(oru(who=ZOE))
    bench.clock.advance(61 * 24 * 3600)
    bench.bring(oru(who=LEO))
    assert "patient-changed" not in {d.hold_code for d in bench.dispatches()}


# ------------------------------------------------------------------------------------------------ released, unreadable


def test_a_held_mail_whose_key_is_gone_is_sealed_again(bench: Bench) -> None:
    bench.bring(FIRST)
    (dispatch,) = bench.dispatches()
    with bench.real.transaction() as uow:
        uow.dispatches.move(dispatch.id, State.HELD, hold_code="payload-missing")
    with sqlite3.connect(bench.database) as connection:
        connection.execute("UPDATE payloads SET key_id = 'perdue' WHERE owner = ? AND kind = 'sealed'", (dispatch.id,))
    connection.close()
    assert release(bench.desk, dispatch.id, reason="clé perdue", actor="operator:eve").released
    bench.run()
    assert bench.states() == [State.SENT]
    assert got(bench) == {DURAND: 1}


@pytest.mark.parametrize(
    ("change", "said", "never"),
    [
        ({"delivery": "paper"}, "demande le papier", "ne rien envoyer"),
        ({"delivery": "none"}, "ne rien envoyer", "papier"),
    ],
)
def test_what_does_not_leave_says_what_the_table_says(
    bench: Bench, change: dict[str, str], said: str, never: str
) -> None:
    bench.directory.lines[:] = [local("D001", "", **change)]
    bench.bring(oru())
    dispatch = bench.one()
    assert dispatch.state is State.PAPER
    assert said in dispatch.reason
    assert never not in dispatch.reason


def test_what_the_directory_refuses_is_not_said_to_be_the_laboratory_s_paper(bench: Bench) -> None:
    refusing = Entry(
        address=DURAND, id_type=IdType.RPPS, identifier="99700000013", family="DURAND", given="Pierre", paperless=False
    )
    bench.directory.entries.append(refusing)
    bench.bring(oru())
    dispatch = bench.one()
    assert dispatch.state is State.PAPER
    assert "L'annuaire dit que ce destinataire refuse la dématérialisation" in dispatch.reason


@pytest.mark.parametrize(
    ("status", "partial", "code"),
    [("F", "hold", ""), ("P", "send", ""), ("P", "hold", "partial-report"), ("X", "send", "cancelled-report")],
)
def test_a_look_says_what_the_status_of_the_report_would_stop(
    bench: Bench, status: str, partial: str, code: str
) -> None:
    bench.set_source(partial=partial)
    bench.restart()
    (report,) = registry.read(oru(status=status), ReadContext()).reports
    blocked = resolve_report(bench.desk, report, "sil").blocked
    assert (blocked.code if blocked else "") == code
    bench.bring(oru(status=status))
    assert [one.hold_code for one in bench.dispatches()] == [code], "as it really happens"
