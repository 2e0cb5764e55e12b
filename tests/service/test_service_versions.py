"""Versions: which report replaces which, what is withdrawn, what waits for a person (promise 3)."""

from __future__ import annotations

import threading
from collections import Counter
from itertools import pairwise

import pytest

from dispatcher.errors import StoreError
from dispatcher.outbox.dispatch import Dispatch, Lane, ReportVersion, SourceFile
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import UnitOfWork
from dispatcher.service.originals import read_file
from dispatcher.service.prepare import prepare_file
from dispatcher.service.register import TRIES, register
from dispatcher.service.release import release
from tests.fakes import FaultyStore, Killed
from tests.service.bench import DURAND, LEASE, PETIT, Bench
from tests.service.samples import AMA, LEO, OTHER_VALUE, THIRD_VALUE, VALUE, ZOE, oru

FIRST = oru()
AGAIN = oru(control="M2", sent="20260311091500")
"""The same results, exported once more."""
CORRECTED = oru(value=OTHER_VALUE, status="C", at="20260311100000", control="M3")
BACK = oru(value=VALUE, status="C", at="20260311110000", control="M4")
CANCELLED = oru(status="X", at="20260311120000", control="M5")


def versions(bench: Bench) -> tuple[ReportVersion, ...]:
    chains = {dispatch.chain for dispatch in bench.dispatches()}
    with bench.real.reading() as uow:
        return tuple(version for chain in sorted(chains) for version in uow.reports.versions(chain))


def mails(bench: Bench) -> list[str]:
    """Bodies the operator took, in order."""
    return [handed.mail.content.decode("latin-1") for handed in bench.transport.accepted]


# ------------------------------------------------------------------------------------------------ the same again


def test_the_first_version(bench: Bench) -> None:
    bench.bring(FIRST)
    (version,) = versions(bench)
    assert (version.version, version.replaces, version.superseded) == (1, "", False)
    assert bench.states() == [State.READY]
    assert bench.payload(bench.one().id, "sealed") is not None


def test_the_same_content_exported_again_is_a_duplicate_without_a_mail(bench: Bench) -> None:
    bench.bring(FIRST)
    (prepared,) = bench.bring(AGAIN)
    assert prepared.file.state is FileState.DUPLICATE
    assert prepared.reports[0].duplicate_of in prepared.file.reason
    assert len(versions(bench)) == 1
    bench.run()
    assert len(bench.transport.accepted) == 1
    assert bench.events(prepared.reports[0].duplicate_of).count("report.duplicate") == 1


def test_the_same_content_dated_earlier_is_a_duplicate_too(bench: Bench) -> None:
    bench.bring(FIRST, CORRECTED)
    bench.bring(AGAIN)
    assert bench.file_states()[-1] is FileState.DUPLICATE
    assert [version.version for version in versions(bench)] == [1, 2]


# ------------------------------------------------------------------------------------------------ newer


def test_changed_content_replaces_and_withdraws_what_has_not_left(bench: Bench) -> None:
    bench.bring(FIRST)
    bench.bring(CORRECTED)
    first, second = versions(bench)
    assert (second.version, second.replaces, second.set_id) == (2, first.document_id, first.set_id)
    assert first.superseded
    old, new = bench.dispatches()
    assert (old.state, new.state) == (State.WITHDRAWN, State.READY)
    assert old.reason == "Remplacé par la version 2 du compte rendu."
    bench.run()
    assert [handed.message_id for handed in bench.transport.accepted] == [new.message_id]


@pytest.mark.parametrize("state", [State.READY, State.QUEUED, State.DEFERRED, State.HELD, State.FAILED])
def test_every_state_before_leaving_is_withdrawn(bench: Bench, state: State) -> None:
    bench.bring(FIRST)
    way = {
        State.READY: [],
        State.QUEUED: [State.QUEUED],
        State.HELD: [State.HELD],
        State.DEFERRED: [State.QUEUED, State.SENDING, State.DEFERRED],
        State.FAILED: [State.QUEUED, State.SENDING, State.FAILED],
    }
    old = bench.one()
    with bench.real.transaction() as uow:
        for step in way[state]:
            uow.dispatches.move(old.id, step)
    bench.bring(CORRECTED)
    assert bench.states() == [State.WITHDRAWN, State.READY]


def test_what_has_left_stays_and_the_new_one_says_that_it_replaces(bench: Bench) -> None:
    bench.bring(FIRST)
    bench.run()
    bench.bring(CORRECTED)
    bench.run()
    assert bench.states() == [State.SENT, State.SENT]
    first, second = bench.transport.accepted
    assert "Annule et remplace" not in str(first.message["Subject"])
    assert first.message_id in str(second.message["References"] or second.message["Supersedes"] or second.message)


def test_a_value_that_comes_back_is_a_third_version(bench: Bench) -> None:
    bench.bring(FIRST, CORRECTED, BACK)
    found = versions(bench)
    assert [version.version for version in found] == [1, 2, 3]
    assert [version.superseded for version in found] == [True, True, False]
    for older, newer in pairwise(found):
        assert newer.replaces == older.document_id
    assert bench.states() == [State.WITHDRAWN, State.WITHDRAWN, State.READY]


def test_a_partial_report_then_the_whole_one(bench: Bench) -> None:
    bench.bring(oru(status="P"), oru(value=OTHER_VALUE))
    assert bench.states() == [State.WITHDRAWN, State.READY]


def test_orders_of_two_patients_with_one_number_are_two_reports(bench: Bench) -> None:
    """Of two days: the laboratory started its numbers again."""
    bench.bring(oru(who=ZOE), oru(who=LEO, value=OTHER_VALUE).replace(b"|20260311070000|", b"|20260312070000|"))
    assert bench.states() == [State.READY, State.READY]
    assert len({dispatch.chain for dispatch in bench.dispatches()}) == 2


# ------------------------------------------------------------------------------------------------ late


def test_an_older_version_that_arrives_late_waits_and_changes_nothing(bench: Bench) -> None:
    """The correction must leave, although the report it corrects came in after it."""
    bench.bring(CORRECTED)
    bench.bring(FIRST)
    current, late = versions(bench)
    assert (late.version, late.superseded, current.superseded) == (2, False, False)
    assert bench.states() == [State.READY, State.HELD]
    held = bench.dispatches()[1]
    assert held.hold_code == "older-version"
    assert "version 1" in held.reason
    assert bench.payload(held.id, "sealed") is None
    bench.run()
    assert bench.states() == [State.SENT, State.HELD]
    assert [handed.message_id for handed in bench.transport.accepted] == [bench.dispatches()[0].message_id]


def test_after_a_late_one_the_next_version_replaces_the_one_in_force(bench: Bench) -> None:
    bench.bring(CORRECTED, FIRST)
    bench.run()
    bench.bring(oru(value=THIRD_VALUE, status="C", at="20260311130000"))
    current, late, newest = versions(bench)
    assert newest.replaces == current.document_id
    assert late.superseded
    assert bench.states() == [State.SENT, State.WITHDRAWN, State.READY]


def test_the_same_as_the_one_in_force_is_a_duplicate_though_a_late_one_came_between(bench: Bench) -> None:
    bench.bring(CORRECTED, FIRST)
    bench.bring(oru(value=OTHER_VALUE, status="C", at="20260311100000", control="M9"))
    assert bench.file_states()[-1] is FileState.DUPLICATE
    assert len(versions(bench)) == 2


def test_a_late_one_that_a_person_releases_replaces_the_other(bench: Bench) -> None:
    """The clock of the LIS was wrong: the person says which one holds."""
    bench.bring(CORRECTED, FIRST)
    held = bench.dispatches()[1]
    assert release(bench.desk, held.id, reason="horloge du SIL fausse", actor="operator:eve").released
    assert bench.states() == [State.WITHDRAWN, State.READY]
    assert [version.superseded for version in versions(bench)] == [True, False]
    bench.run()
    assert [handed.message_id for handed in bench.transport.accepted] == [held.id.join(("<", "@labo.test>"))]
    bench.bring(oru(value=THIRD_VALUE, status="C", at="20260311080000"))
    assert bench.dispatches()[-1].hold_code == "older-version", "ages are compared with the one now in force"


def test_without_dates_the_order_of_arrival_decides(bench: Bench) -> None:
    same = "20260311083000"
    bench.bring(oru(at=same), oru(value=OTHER_VALUE, at=same, control="M2"))
    assert bench.states() == [State.WITHDRAWN, State.READY]


@pytest.mark.parametrize("at", ["20260311083000", "20260311100000"])
def test_a_second_worker_that_is_faster_turns_no_order_round(bench: Bench, at: str) -> None:
    """Version one is claimed by a slow worker, version two by a fast one: the newer one stays in force."""
    bench.drop("1.hl7", FIRST)
    bench.take()
    bench.drop("2.hl7", oru(value=OTHER_VALUE, at=at, control="M2"))
    bench.take()
    slow, fast = bench.claim()
    prepare_file(bench.desk, fast)
    prepare_file(bench.desk, slow)
    assert [(d.state, d.version) for d in bench.dispatches()] == [(State.READY, 1), (State.WITHDRAWN, 2)]
    kept, passed = versions(bench)
    assert (kept.file_id, passed.file_id) == (fast.id, slow.id)
    assert passed.superseded
    assert "déjà préparée" in bench.dispatches()[1].reason
    bench.run()
    assert len(bench.transport.accepted) == 1


# ------------------------------------------------------------------------------------------------ cancelled


def test_cancelled_before_anything_left(bench: Bench) -> None:
    bench.bring(FIRST)
    bench.bring(CANCELLED)
    assert bench.states() == [State.WITHDRAWN, State.WITHDRAWN]
    assert bench.dispatches()[1].reason == "Annulé par le laboratoire avant d'avoir été transmis."
    assert "report.cancelled-before-leaving" in bench.events(versions(bench)[1].id)
    bench.run()
    assert bench.transport.handed == []


@pytest.mark.parametrize("state", [State.SENT, State.UNKNOWN, State.CLOSED])
def test_cancelled_after_somebody_has_it_waits_for_a_person_where_wanted(bench: Bench, state: State) -> None:
    bench.set_source(cancellations="hold")
    bench.bring(FIRST)
    bench.batch()
    (first,) = bench.dispatches()
    with bench.real.transaction() as uow:
        if state in {State.SENT, State.UNKNOWN}:
            uow.dispatches.move(first.id, State.SENDING)
        uow.dispatches.move(first.id, state, actor="operator:eve")
    bench.bring(CANCELLED)
    held = bench.dispatches()[1]
    assert (held.state, held.hold_code) == (State.HELD, "cancelled-report")
    assert "prévenir le destinataire" in held.reason


def test_cancelled_though_we_never_saw_it(bench: Bench) -> None:
    bench.bring(CANCELLED)
    assert bench.one().hold_code == "cancelled-report"
    assert "n'a pas transmis" in bench.one().reason


@pytest.mark.parametrize("sent", [False, True])
def test_a_cancellation_without_any_result_line_cancels_too(bench: Bench, sent: bool) -> None:
    """OBR-25 = X and no OBX at all: it shares no analysis with what it cancels."""
    bench.bring(FIRST)
    if sent:
        bench.run()
    bare = b"\r".join(line for line in CANCELLED.split(b"\r") if not line.startswith(b"OBX"))
    bench.bring(bare)
    if sent:
        assert bench.states() == [State.SENT, State.READY]
        assert bench.dispatches()[1].address == bench.dispatches()[0].address
    else:
        assert bench.states() == [State.WITHDRAWN, State.WITHDRAWN]


def test_a_bare_cancellation_finds_its_part_of_the_order(bench: Bench) -> None:
    """Two messages of one order, each with its own analyses; one of them is cancelled."""
    other = FIRST.replace(b"GLY^Glyc", b"IONO^Iono").replace(b"GLY^Glucose", b"NA^Sodium").replace(b"OBS^", b"K^")
    bench.bring(FIRST, other)
    assert bench.states() == [State.READY, State.READY]
    cancelled = b"\r".join(line for line in other.split(b"\r") if not line.startswith(b"OBX"))
    cancelled = cancelled.replace(b"|20260311083000|||F", b"|20260311120000|||X")
    bench.bring(cancelled)
    by_chain = {d.chain: [] for d in bench.dispatches()}  # type: dict[str, list[State]]
    for dispatch in bench.dispatches():
        by_chain[dispatch.chain].append(dispatch.state)
    assert sorted(by_chain.values()) == [[State.READY], [State.WITHDRAWN, State.WITHDRAWN]]


def test_a_new_report_after_a_cancellation(bench: Bench) -> None:
    bench.bring(FIRST, CANCELLED, oru(value=OTHER_VALUE, at="20260311130000"))
    assert bench.states() == [State.WITHDRAWN, State.WITHDRAWN, State.READY]


# ------------------------------------------------------------------------------------------------ one file


def test_two_messages_of_one_order_in_one_file(bench: Bench) -> None:
    (prepared,) = bench.bring(FIRST + CORRECTED)
    assert [report.version for report in prepared.reports] == [1, 2]
    assert bench.states() == [State.WITHDRAWN, State.READY]
    assert prepared.file.state is FileState.DONE


def test_the_same_message_twice_in_one_file(bench: Bench) -> None:
    (prepared,) = bench.bring(FIRST + AGAIN)
    assert [bool(report.duplicate_of) for report in prepared.reports] == [False, True]
    assert prepared.file.state is FileState.DONE
    assert bench.states() == [State.READY]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_stop_between_the_reports_of_a_file_doubles_none_and_loses_none(bench: Bench, when: str) -> None:
    content = oru("R1") + oru("R2", who=LEO) + oru("R3", who=AMA)
    bench.drop("three.hl7", content)
    bench.take()
    (file,) = bench.claim()
    bench.use(FaultyStore(bench.real, lambda number, at: Killed() if (number, at) == (2, when) else None))
    with pytest.raises(Killed):
        prepare_file(bench.desk, file)
    done_before = {dispatch.id for dispatch in bench.dispatches()}
    assert len(done_before) == (1 if when == "before" else 2)
    bench.use(bench.real)
    bench.clock.advance(LEASE.total_seconds() + 1)
    (prepared,) = bench.prepare()
    assert prepared.file.state is FileState.DONE
    assert len(versions(bench)) == 3
    assert [dispatch.state for dispatch in bench.dispatches()] == [State.READY] * 3
    assert done_before <= {dispatch.id for dispatch in bench.dispatches()}
    bench.run()
    assert len(bench.transport.accepted) == 3


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_last_report_and_the_end_of_its_file_are_one_commit(bench: Bench, when: str) -> None:
    bench.drop("one.hl7", FIRST)
    bench.take()
    (file,) = bench.claim()
    bench.use(FaultyStore(bench.real, lambda number, at: Killed() if (number, at) == (1, when) else None))
    with pytest.raises(Killed):
        prepare_file(bench.desk, file)
    assert bench.file_states() == [FileState.RECEIVED if when == "before" else FileState.DONE]
    assert len(versions(bench)) == (0 if when == "before" else 1)
    bench.use(bench.real)
    bench.clock.advance(LEASE.total_seconds() + 1)
    assert len(bench.prepare()) == (1 if when == "before" else 0)
    assert bench.file_states() == [FileState.DONE]
    assert bench.states() == [State.READY]


def test_a_file_whose_reports_are_all_committed_is_not_its_own_duplicate(bench: Bench) -> None:
    bench.drop("one.hl7", FIRST)
    bench.take()
    (file,) = bench.claim()
    (report,) = read_file(bench.desk, file).reports
    known = register(bench.desk, file, 0, report)
    prepared = prepare_file(bench.desk, file)
    assert prepared.file.state is FileState.DONE
    assert "report.duplicate" not in bench.events(known.report_id)


def test_the_commit_that_ends_a_file_claims_the_next(bench: Bench) -> None:
    bench.drop("one.hl7", FIRST)
    bench.drop("two.hl7", oru("R2", who=LEO))
    bench.take()
    (file,) = bench.claim(1)
    counting = FaultyStore(bench.real)
    bench.use(counting)
    claimed: list[SourceFile] = []

    def claim(uow: UnitOfWork) -> None:
        claimed[:] = uow.files.claim(bench.owner, 1, LEASE, bench.clock.now())

    while True:
        prepare_file(bench.desk, file, then=claim)
        if not claimed:
            break
        (file,) = claimed
    assert counting.number == 2
    assert bench.file_states() == [FileState.DONE] * 2


def test_an_orderly_stop_inside_a_long_file_goes_on_later(bench: Bench) -> None:
    bench.drop("three.hl7", oru("R1") + oru("R2", who=LEO) + oru("R3", who=AMA))
    bench.take()
    (file,) = bench.claim()
    answers = iter([True, True, False])
    prepared = prepare_file(bench.desk, file, lambda: next(answers))
    assert len(prepared.reports) == 2
    assert bench.file_states() == [FileState.RECEIVED]
    with bench.real.transaction() as uow:
        uow.files.release(bench.owner)
    (prepared,) = bench.prepare()
    assert prepared.file.state is FileState.DONE
    assert prepared.file.returns == 0
    assert len(bench.dispatches()) == 3


# ------------------------------------------------------------------------------------------------ at the same time


@pytest.mark.parametrize("count", [2, 4])
def test_workers_that_prepare_one_chain_at_the_same_time_lose_and_double_nothing(bench: Bench, count: int) -> None:
    contents = [
        oru(value=f"{480 + number}.5", at=f"202603111{number}0000", control=f"M{number}") for number in range(count)
    ]
    for number, content in enumerate(contents):
        bench.drop(f"{number}.hl7", content)
        bench.take()
    files = bench.claim()
    assert len(files) == count
    start, faults = threading.Barrier(count), list[BaseException]()

    def work(number: int) -> None:
        start.wait()
        try:
            prepare_file(bench.desk, files[number])
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    found = versions(bench)
    assert [version.version for version in found] == list(range(1, count + 1))
    assert {version.file_id for version in found} == {file.id for file in files}, "none lost"
    in_force = [version for version in found if not version.superseded]
    assert [version.file_id for version in in_force] == [files[-1].id], "the newest holds, whoever was first"
    assert Counter(bench.states()) == {State.READY: 1, State.WITHDRAWN: count - 1}


def test_endless_competition_gives_the_file_back(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else registers a version between our look and our commit, every time."""
    import dispatcher.service.register as room

    looks = 0

    def always(uow: object, chain: str, history: object) -> None:
        nonlocal looks
        looks += 1
        raise room._Again

    monkeypatch.setattr(room, "_check_still_latest", always)
    bench.drop("r.hl7", FIRST)
    bench.take()
    (file,) = bench.claim()
    with pytest.raises(StoreError) as error:
        prepare_file(bench.desk, file)
    assert (error.value.code, looks) == ("contention", TRIES)
    assert bench.file_states() == [FileState.RECEIVED]
    monkeypatch.undo()
    bench.clock.advance(LEASE.total_seconds() + 1)
    bench.prepare()
    assert bench.states() == [State.READY]


def dispatch_of(bench: Bench, address: str) -> Dispatch:
    return next(dispatch for dispatch in bench.dispatches() if dispatch.address == address)


def test_another_prescriber_in_the_new_version_gets_it_and_a_person_decides_about_the_old_one(bench: Bench) -> None:
    bench.bring(FIRST)
    bench.bring(oru(to="D002^PETIT^Sophie", value=OTHER_VALUE, status="C", at="20260311100000"))
    assert [d.state for d in bench.dispatches() if d.address == DURAND] == [State.WITHDRAWN, State.HELD]
    assert dispatch_of(bench, PETIT).state is State.READY


# ------------------------------------------------------------------------------------------------ parts of an order

IONO = FIRST.replace(b"GLY^Glyc", b"IONO^Iono").replace(b"GLY^Glucose", b"NA^Sodium").replace(b"OBS^", b"K^")
"""Another message of the same order, with analyses of its own."""
SHORT = b"\r".join(line for line in CORRECTED.split(b"\r") if not line.startswith(b"OBX|2"))
"""A correction that has lost an analysis on its way."""


def test_messages_of_one_order_with_their_own_analyses_replace_nothing(bench: Bench) -> None:
    bench.bring(FIRST, IONO)
    assert bench.states() == [State.READY, State.READY]
    bench.bring(IONO.replace(b"4815.16", b"4815.23").replace(b"20260311083000", b"20260311093000"))
    assert Counter(bench.states()) == {State.READY: 2, State.WITHDRAWN: 1}, "a correction finds its own part"


def test_a_version_that_lost_an_analysis_waits_and_the_whole_one_leaves(bench: Bench) -> None:
    bench.bring(FIRST, SHORT)
    assert [(d.state, d.hold_code) for d in bench.dispatches()] == [
        (State.READY, ""),
        (State.HELD, "incomplete-version"),
    ]
    bench.run()
    assert bench.states() == [State.SENT, State.HELD]


def test_losing_an_analysis_twice_does_not_make_it_right(bench: Bench) -> None:
    """The second incomplete version is compared with the one in force, not with the first incomplete one."""
    again = SHORT.replace(b"4815.23", b"4815.42").replace(b"20260311100000", b"20260311110000")
    bench.bring(FIRST, SHORT, again)
    assert [(d.state, d.hold_code) for d in bench.dispatches()] == [
        (State.READY, ""),
        (State.HELD, "incomplete-version"),
        (State.HELD, "incomplete-version"),
    ]


def test_the_whole_content_again_after_an_incomplete_one_is_no_second_mail(bench: Bench) -> None:
    bench.bring(FIRST)
    bench.run()
    bench.bring(SHORT, oru(at="20260311113000", control="M9"))
    bench.run()
    assert bench.file_states()[-1] is FileState.DUPLICATE
    assert len(bench.transport.accepted) == 1


def test_a_whole_correction_after_an_incomplete_one_replaces_the_one_in_force(bench: Bench) -> None:
    bench.bring(FIRST, SHORT, oru(value=THIRD_VALUE, status="C", at="20260311113000"))
    first, _incomplete, whole = versions(bench)
    assert whole.replaces == first.document_id
    assert bench.states() == [State.WITHDRAWN, State.WITHDRAWN, State.READY]


def test_an_incomplete_version_that_a_person_releases_replaces_the_whole_one(bench: Bench) -> None:
    bench.bring(FIRST, SHORT)
    held = bench.dispatches()[1]
    assert release(bench.desk, held.id, reason="analyse annulée", actor="operator:eve").released
    assert bench.states() == [State.WITHDRAWN, State.READY]


@pytest.mark.parametrize(("step", "accepted"), [(0.0, 1), (-3600.0, 2)])
def test_the_order_of_arrival_is_no_matter_of_the_clock(on_both: Bench, step: float, accepted: int) -> None:
    """One moment for two files (an urgent one is read first), or a clock set back between them: the later one holds,
    when the reports themselves say nothing.
    """
    on_both.drop("1.hl7", oru("R1", VALUE, control="M1"))
    if step:
        on_both.run()
        on_both.clock.step(step)
    on_both.drop("2.hl7", oru("R1", OTHER_VALUE, control="M2", urgent=True))
    on_both.run()
    last, ended = on_both.transport.accepted[-1], sorted(one.state for one in on_both.dispatches())
    assert len(on_both.transport.accepted) == accepted
    (urgent,) = (one for one in on_both.dispatches() if one.lane is Lane.URGENT)
    assert urgent.state is State.SENT
    assert last.message_id == urgent.message_id
    assert ended == ([State.SENT, State.WITHDRAWN] if accepted == 1 else [State.SENT] * 2)
