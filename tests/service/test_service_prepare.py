"""Preparing: what cannot be written or addressed waits with its reason, and only for the one it concerns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NoReturn

import pytest

from dispatcher.errors import DirectoryError, KeyringError, RenderError, StoreError
from dispatcher.formats.base import Rendition, WriteContext
from dispatcher.outbox.dispatch import Dispatch, Lane
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import Found, Taken
from dispatcher.report.model import Report
from dispatcher.service import operate
from dispatcher.service.prepare import prepare_file
from dispatcher.service.release import release
from dispatcher.store.files import MAX_RETURNS
from tests.fakes import FaultyStore, Killed
from tests.service.bench import DURAND, LEASE, PAPER, PETIT, Bench, channel_settings
from tests.service.conftest import Watch
from tests.service.handed import named, plan, statement, submit
from tests.service.samples import AMA, LEO, OTHER_VALUE, VALUE, ZOE, Person, oru

TO_ALL = {"to": "D001^DURAND^Pierre", "copies": "D002^PETIT^Sophie~S001^BOB^Paul~M001^CABINET"}


def by_code(bench: Bench) -> dict[str, Dispatch]:
    return {dispatch.recipient_id: dispatch for dispatch in bench.dispatches()}


class Broken:
    """A writer with a fault of ours, whose text quotes the patient."""

    def __init__(self, error: Exception) -> None:
        self.name = "broken"
        self.error = error

    def write(self, report: Report, context: WriteContext) -> Rendition:
        raise self.error


# ------------------------------------------------------------------------------------------------ files


def test_what_cannot_be_read_is_quarantined_with_its_reason(bench: Bench) -> None:
    bench.set_source(patience_seconds=0)
    (prepared,) = bench.bring(b"%!PS-Adobe-3.0 du PostScript")
    assert prepared.file.state is FileState.QUARANTINED
    assert "Format non reconnu" in prepared.file.reason
    assert bench.events(prepared.file.id) == ["file.received", "file.quarantined"]


def test_a_file_without_patient_is_not_sent(bench: Bench) -> None:
    (prepared,) = bench.bring(oru().replace(b"PID|", b"ZID|"))
    assert {d.state for d in bench.dispatches()} <= {State.HELD}
    assert prepared.file.state in {FileState.QUARANTINED, FileState.DONE}


def test_an_original_that_is_gone_is_quarantined_and_not_tried_for_ever(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.drop("r.hl7", oru())
    bench.take()
    (file,) = bench.claim()
    with bench.real.transaction() as uow:
        uow._session.connection.exec_driver_sql("DELETE FROM payloads WHERE kind = 'original'")
    prepared = prepare_file(bench.desk, file)
    assert prepared.file.state is FileState.QUARANTINED
    assert "Restaurer la sauvegarde" in prepared.file.reason


def test_a_store_that_fails_leaves_the_file_for_later(bench: Bench) -> None:
    bench.drop("r.hl7", oru())
    bench.take()
    (file,) = bench.claim()
    bench.use(FaultyStore(bench.real, lambda number, when: StoreError("Disque plein.", code="disk-full")))  # type: ignore[arg-type]
    with pytest.raises(StoreError):
        prepare_file(bench.desk, file)
    bench.use(bench.real)
    assert bench.file_states() == [FileState.RECEIVED]
    bench.clock.advance(LEASE.total_seconds() + 1)
    bench.prepare()
    assert bench.states() == [State.READY]


def test_an_exception_nobody_foresaw_sets_the_file_aside_and_quotes_nobody(bench: Bench, watch: Watch) -> None:
    class Tables:
        def code(self, report: Report, source: str) -> NoReturn:
            raise KeyError(f"{report.patient.birth_name} {report.observations[0].value}")

    bench.drop("bad.hl7", oru())
    bench.take()
    bench.drop("good.hl7", oru("R2"))
    bench.take()
    good = bench.desk
    bad, fine = bench.claim()
    prepared = prepare_file(replace(good, terminology=Tables()), bad)  # type: ignore[arg-type]
    assert prepared.file.state is FileState.QUARANTINED
    assert prepared.file.reason.startswith("Défaut interne du programme (KeyError) au compte rendu 1 de ce fichier.")
    assert "KeyError at" in watch.text
    assert ZOE.family not in watch.text
    assert VALUE not in watch.text
    prepare_file(good, fine)
    assert bench.states() == [State.READY], "the other file is not touched"
    replayed = operate.replay(
        bench.real,
        bench.clock,
        operate.plan_replay(bench.real, ids=[bad.id]),
        reason="corrigé",
        actor="operator:eve",
    )
    assert replayed.done == (bad.id,)
    bench.prepare()
    assert bench.states() == [State.READY, State.READY], "once mended, the same file goes through"


def test_a_file_that_kills_its_worker_every_time_is_set_aside(bench: Bench) -> None:
    bench.drop("bad.hl7", oru())
    bench.take()
    for death in range(MAX_RETURNS):
        (file,) = bench.claim(owner=f"worker-{death}")
        bench.use(FaultyStore(bench.real, lambda number, when: Killed()))  # type: ignore[arg-type]
        with pytest.raises(Killed):
            prepare_file(bench.desk, file)
        bench.use(bench.real)
        bench.clock.advance(LEASE.total_seconds() + 1)
    assert bench.claim() == ()
    (file,) = bench.files()
    assert file.state is FileState.QUARANTINED
    assert "fois en traitant ce fichier" in file.reason


# ------------------------------------------------------------------------------------------------ reports


def test_a_report_with_errors_is_held_with_every_reason(bench: Bench) -> None:
    bench.bring(oru(who=Person("QUATREPATTES", "", "")))
    dispatch = bench.one()
    assert (dispatch.state, dispatch.hold_code) == (State.HELD, "report-check")
    assert "Premier prénom absent" in dispatch.reason
    assert "Date de naissance absente" in dispatch.reason
    assert bench.payload(dispatch.id, "sealed") is None


def test_partial_reports_wait_where_the_laboratory_wants_it(bench: Bench) -> None:
    bench.set_source(partial="hold")
    bench.bring(oru(status="P"))
    assert bench.one().hold_code == "partial-report"
    bench.bring(oru())
    assert bench.states() == [State.WITHDRAWN, State.READY]


def test_partial_reports_leave_otherwise(bench: Bench) -> None:
    bench.bring(oru(status="P"))
    assert bench.states() == [State.READY]


@pytest.mark.parametrize(("copies", "codes"), [(True, {"D001", "D002"}), (False, {"D001"})])
def test_copies_leave_where_the_laboratory_wants_it(bench: Bench, copies: bool, codes: set[str]) -> None:
    bench.set_source(copies=copies)
    bench.bring(oru(copies="D002^PETIT^Sophie"))
    assert set(by_code(bench)) == codes


def test_an_urgent_report_takes_the_urgent_lane(bench: Bench) -> None:
    bench.bring(oru("R1"), oru("R2", urgent=True))
    lanes = {d.lane for d in bench.dispatches(order="R2")}
    assert lanes == {Lane.URGENT}
    assert [d.state for d in bench.dispatches(order="R2")] == [State.QUEUED], "in the same commit, without a tick"
    assert [d.state for d in bench.dispatches(order="R1")] == [State.READY], "routine waits for its window"
    with bench.real.reading() as uow:
        (batch,) = uow.batches.list()
    assert (batch.reason, batch.count) == ("urgent", 1)
    assert bench.send(lane=Lane.URGENT).counts == {State.SENT: 1}
    assert bench.batch() == 1
    assert bench.send(lane=Lane.URGENT).counts == {}


# ------------------------------------------------------------------------------------------------ recipients


def test_every_recipient_gets_what_suits_him_or_waits_with_a_reason(bench: Bench) -> None:
    bench.bring(
        oru(to="D001^DURAND^Pierre", copies=f"S001^BOB~M001^CABINET~N001^SANS~X001^AILLEURS~{PAPER}^PAPIER~ZZZ^INCONNU")
    )
    found = {code: (d.state, d.hold_code, d.format, d.envelope) for code, d in by_code(bench).items()}
    assert found == {
        "D001": (State.READY, "", "hprim-medecins", "proxy"),
        "S001": (State.READY, "", "cda", "smime"),
        "M001": (State.READY, "", "cda", "mutual-tls"),
        "N001": (State.HELD, "no-protection", "", ""),
        "X001": (State.HELD, "untrusted-domain", "", ""),
        PAPER: (State.PAPER, "", "", ""),
        "ZZZ": (State.HELD, "unknown-recipient", "", ""),
    }
    for dispatch in bench.dispatches(states=(State.HELD, State.PAPER)):
        assert len(dispatch.reason) > 20
    bench.run()
    assert len(bench.transport.accepted) == 3


def test_a_report_that_names_nobody_is_visible(bench: Bench) -> None:
    bench.bring(oru(to=""))
    dispatch = bench.one()
    assert dispatch.state is State.HELD
    assert dispatch.label
    assert dispatch.reason


def test_a_directory_out_of_reach_holds_and_a_person_looks_again(bench: Bench) -> None:
    bench.directory.fault = DirectoryError("Annuaire illisible.", hint="Importer l'extraction.")
    bench.bring(oru())
    assert bench.one().hold_code == "directory-unavailable"
    bench.directory.fault = None
    assert release(bench.desk, bench.one().id, reason="annuaire revenu", actor="operator:eve").released
    assert bench.states() == [State.READY]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RenderError("Élément manquant : unité.", code="render"), "render"),
        (KeyError("QUATREPATTES 4815.16"), "internal-fault"),
    ],
)
def test_a_format_that_cannot_be_written_holds_those_who_take_it(
    bench: Bench, error: Exception, code: str, watch: Watch
) -> None:
    bench.with_writer("cda", Broken(error))
    bench.bring(oru(**TO_ALL))
    found = by_code(bench)
    assert {name: d.state for name, d in found.items()} == {
        "D001": State.READY,
        "D002": State.READY,
        "S001": State.HELD,
        "M001": State.HELD,
    }
    assert {found["S001"].hold_code, found["M001"].hold_code} == {code}
    assert found["S001"].reason
    assert ZOE.family not in watch.text
    assert bench.file_states() == [FileState.DONE]
    bench.restart()
    assert release(bench.desk, found["S001"].id, reason="corrigé", actor="operator:eve").released


def test_a_key_that_is_missing_holds_those_it_signs_for(bench: Bench) -> None:
    bench.keyring.one = None
    bench.bring(oru(**TO_ALL))
    found = by_code(bench)
    assert (found["S001"].state, found["S001"].hold_code) == (State.HELD, KeyringError.code)
    assert {found[code].state for code in ("D001", "D002", "M001")} == {State.READY}


def test_a_mail_too_large_for_its_channel_is_held(bench: Bench) -> None:
    bench.set_channel("mss", channel_settings("mssante", max_mail_bytes=5000))
    bench.restart()
    bench.bring(oru(**TO_ALL))
    found = by_code(bench)
    assert (found["M001"].state, found["M001"].hold_code) == (State.HELD, "too-large")
    assert found["D001"].state is State.READY


# ------------------------------------------------------------------------------------------------ chosen recipients


def taken(content: bytes, name: str = "r.hl7", at: int = 1) -> Taken:
    found = Found(path=f"/ailleurs/{name}", name=name, size=len(content), mtime_ns=at, whole=True)
    return Taken(found=found, content=content)


def hand_in(bench: Bench, content: bytes, *to: str, at: int = 1) -> str:
    (file_id,) = submit(bench.desk, [taken(content, at=at)], tuple(named(text) for text in to))
    return file_id


def test_a_document_goes_to_whom_the_sender_chose_and_not_to_the_prescriber(bench: Bench) -> None:
    file_id = hand_in(bench, oru(to="D001^DURAND^Pierre"), PETIT)
    bench.prepare()
    dispatch = bench.one()
    assert (dispatch.address, dispatch.role) == (PETIT, "added")
    (line,) = statement(bench.real, [file_id])
    assert [d.id for d in line.dispatches] == [dispatch.id]


@pytest.mark.parametrize("point", [(number, when) for number in (1, 2, 3) for when in ("before", "after")])
def test_the_choice_survives_a_stop_at_any_commit(bench: Bench, point: tuple[int, str]) -> None:
    store = FaultyStore(bench.real, lambda number, when: Killed() if (number, when) == point else None)
    bench.use(store)  # type: ignore[arg-type]
    with pytest.raises(Killed):
        hand_in(bench, oru(to="D001^DURAND^Pierre"), PETIT)
        bench.prepare()
        pytest.fail("the point was not reached")
    bench.use(bench.real)
    bench.clock.advance(LEASE.total_seconds() + 1)
    bench.prepare()
    assert {dispatch.address for dispatch in bench.dispatches()} <= {PETIT}
    assert len(bench.files()) == (0 if point == (1, "before") else 1)
    assert len(bench.dispatches()) == len(bench.files())


def test_a_choice_that_leads_nowhere_waits_and_the_prescriber_does_not_get_it_either(bench: Bench) -> None:
    hand_in(bench, oru(to="D001^DURAND^Pierre"), "code:ZZZ")
    bench.prepare()
    assert bench.one().hold_code == "unknown-recipient"
    released = release(bench.desk, bench.one().id, to=PETIT, reason="adresse trouvée", actor="operator:eve")
    assert released.released
    assert bench.one().address == PETIT


def test_the_same_document_to_a_second_person(bench: Bench) -> None:
    bench.bring(oru())
    bench.run()
    again = hand_in(bench, oru(), PETIT)
    bench.prepare()
    bench.run()
    assert [(d.address, d.version) for d in bench.dispatches()] == [(DURAND, 1), (PETIT, 1)] or {
        d.address for d in bench.dispatches()
    } == {DURAND, PETIT}
    assert bench.states() == [State.SENT, State.SENT]
    (line,) = statement(bench.real, [again])
    assert [d.address for d in line.dispatches] == [PETIT]


@pytest.mark.parametrize("again", [PETIT, "code:D002"])
def test_nobody_gets_the_same_version_twice(bench: Bench, again: str) -> None:
    """By the same name, or as one box under two names."""
    hand_in(bench, oru(), PETIT, at=1)
    bench.prepare()
    hand_in(bench, oru(), again, at=2)
    (prepared,) = bench.prepare()
    assert prepared.file.state is FileState.DUPLICATE
    assert len(bench.dispatches()) == 1


def test_the_statement_names_every_dispatch_of_a_file_of_several_known_reports(bench: Bench) -> None:
    content = oru("R1") + oru("R2", who=LEO) + oru("R3", who=AMA)
    bench.bring(content)
    file_id = hand_in(bench, content, PETIT)
    bench.prepare()
    (line,) = statement(bench.real, [file_id])
    assert len(line.dispatches) == 3
    assert {d.address for d in line.dispatches} == {PETIT}


def test_the_dry_run_writes_nothing_and_tells_what_would_be_done(bench: Bench) -> None:
    before = bench.files(), bench.dispatches()
    planned = plan(bench.desk, [taken(oru(to="D001^DURAND^Pierre")), taken(b"rien", "x.txt")], ())
    assert (bench.files(), bench.dispatches()) == before
    (dispatch,) = planned[0].dispatches
    assert (dispatch.state, dispatch.address) == (State.READY, DURAND)
    assert "Format non reconnu" in planned[1].problem
    (chosen,) = plan(bench.desk, [taken(oru())], (named(PETIT),))
    assert [d.address for d in chosen.dispatches] == [PETIT]


def test_the_dry_run_checks_and_seals_as_the_real_one_does(bench: Bench) -> None:
    bench.bring(oru(to="D001^DURAND^Pierre"))
    (known,) = plan(bench.desk, [taken(oru(to="D001^DURAND^Pierre"))], ())
    assert [(d.state, d.hold_code) for d in known.dispatches] == [(State.HELD, "duplicate")]
    (other,) = plan(bench.desk, [taken(oru(to="D001^DURAND^Pierre"))], (named(PETIT),))
    assert [(d.state, d.address) for d in other.dispatches] == [(State.READY, PETIT)]
    (checked,) = plan(bench.desk, [taken(oru("R9", who=Person("QUATREPATTES", "", "")))], ())
    assert [d.hold_code for d in checked.dispatches] == ["report-check"]
    assert [d.hold_code for d in bench.dispatches()] == [""]


def test_an_older_document_for_somebody_else_does_not_replace_the_newer_one(bench: Bench) -> None:
    bench.bring(oru(value=OTHER_VALUE, status="C", at="20260311100000"))
    hand_in(bench, oru(), PETIT)
    bench.prepare()
    states: dict[str, Any] = {d.address or "held": d.state for d in bench.dispatches()}
    assert states[DURAND] is State.READY
    assert len(bench.dispatches()) == 2
