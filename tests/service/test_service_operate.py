"""What a person decides: allowed moves only, exactly what was shown, with name and reason in the journal."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dispatcher.outbox.dispatch import Dispatch, JournalLine
from dispatcher.outbox.states import MOVES, FileState, State
from dispatcher.ports import DispatchFilter, Mail, Store
from dispatcher.report.model import IdType
from dispatcher.routing.candidates import Entry
from dispatcher.service import operate
from dispatcher.service.choose import candidates
from dispatcher.service.operate import Changed
from dispatcher.service.release import release
from tests.fakes import OK, EverybodyAllowed, ReplyLost
from tests.service.bench import DURAND, PETIT, Bench, local
from tests.service.samples import OTHER_VALUE, oru
from tests.service.test_service_send import GONE, queue

EVE = "operator:eve"
Decision = Callable[..., Changed]
DECISIONS: dict[State, Decision] = {
    State.HELD: operate.hold,
    State.CLOSED: operate.close,
    State.WITHDRAWN: operate.withdraw,
    State.PAPER: operate.to_paper,
}
WAYS: dict[State, tuple[State, ...]] = {
    State.READY: (),
    State.HELD: (State.HELD,),
    State.QUEUED: (State.QUEUED,),
    State.SENDING: (State.QUEUED, State.SENDING),
    State.SENT: (State.QUEUED, State.SENDING, State.SENT),
    State.DELIVERED: (State.QUEUED, State.SENDING, State.SENT, State.DELIVERED),
    State.READ: (State.QUEUED, State.SENDING, State.SENT, State.READ),
    State.DEFERRED: (State.QUEUED, State.SENDING, State.DEFERRED),
    State.UNKNOWN: (State.QUEUED, State.SENDING, State.UNKNOWN),
    State.FAILED: (State.QUEUED, State.SENDING, State.FAILED),
    State.PAPER: (State.PAPER,),
    State.WITHDRAWN: (State.WITHDRAWN,),
    State.CLOSED: (State.CLOSED,),
}


def in_state(bench: Bench, state: State) -> Dispatch:
    bench.bring(oru())
    (dispatch,) = bench.dispatches()
    with bench.real.transaction() as uow:
        for step in WAYS[state]:
            uow.dispatches.move(dispatch.id, step)
    return bench.get(dispatch.id)


def last(bench: Bench, subject: str) -> JournalLine:
    with bench.real.reading() as uow:
        return uow.journal.of_subject(subject)[-1]


@pytest.mark.parametrize("target", DECISIONS)
@pytest.mark.parametrize("state", State)
def test_only_allowed_moves_are_made_and_told_with_person_and_reason(bench: Bench, state: State, target: State) -> None:
    dispatch = in_state(bench, state)
    changed = DECISIONS[target](bench.store, [dispatch.id], reason="motif dit", actor=EVE)
    allowed = target in MOVES[state] and state is not State.SENDING
    assert changed.done == ((dispatch.id,) if allowed else ())
    line = last(bench, dispatch.id)
    if allowed:
        assert bench.get(dispatch.id).state is target
        assert (line.event, line.actor) == (f"dispatch.{target}", EVE)
        assert line.detail["reason"] == "motif dit"
        assert line.detail["from"] == state
    else:
        ((refused, why),) = changed.refused
        assert refused == dispatch.id
        assert why
        assert bench.get(dispatch.id) == dispatch
        assert line.actor != EVE


def test_several_at_once_and_one_unknown(bench: Bench) -> None:
    bench.bring(oru("R1"), oru("R2"))
    ids = [dispatch.id for dispatch in bench.dispatches()]
    changed = operate.hold(bench.store, [ids[0], "D000000000", ids[1]], reason="x", actor=EVE)
    assert changed.done == tuple(ids)
    assert changed.refused == (("D000000000", "Aucun envoi ne porte ce numéro."),)


def test_a_mail_that_is_being_handed_over_cannot_be_held_and_sent_again(bench: Bench) -> None:
    """Held in that moment, its acceptance would be lost, and a release would send it a second time."""
    (dispatch,) = queue(bench)
    answers: list[Changed] = []
    bench.transport.during = lambda mail: answers.append(
        operate.hold(bench.real, [dispatch.id], reason="attendez", actor=EVE)
    )
    bench.send()
    assert answers[0].done == ()
    assert "en train d'être remis" in answers[0].refused[0][1]
    assert bench.get(dispatch.id).state is State.SENT


# ------------------------------------------------------------------------------------------------ replay


def failed(bench: Bench, count: int) -> tuple[Dispatch, ...]:
    bench.transport.endings = [GONE] * count
    found = queue(bench, count)
    bench.send()
    return tuple(bench.get(dispatch.id) for dispatch in found)


def test_the_preview_is_exactly_what_is_done(bench: Bench) -> None:
    mine = failed(bench, 3)
    bench.transport.endings = [ReplyLost()]
    queue(bench, 5)
    bench.send()
    wanted = DispatchFilter(channel="pro", limit=1000)
    plan = operate.plan_replay(bench.store, wanted=wanted, states=(State.FAILED,))
    assert {d.id for d in plan.dispatches} == {d.id for d in mine}
    assert plan.left_out == ()
    before = {d.id: d for d in bench.dispatches()}
    changed = operate.replay(bench.store, bench.clock, plan, reason="adresses corrigées", actor=EVE)
    assert set(changed.done) == {d.id for d in mine}
    assert changed.refused == ()
    moved = {d.id for d in bench.dispatches() if d != before[d.id]}
    assert moved == {d.id for d in mine}
    (batch_id,) = {bench.get(d.id).batch_id for d in mine}
    with bench.real.reading() as uow:
        batch = uow.batches.get(batch_id)
    assert batch is not None
    assert (batch.reason, batch.count, batch.size) == ("replay", 3, sum(d.sealed_bytes for d in mine))
    assert last(bench, mine[0].id).actor == EVE
    assert last(bench, mine[0].id).detail["reason"] == "adresses corrigées"


def test_only_failures_by_default_and_the_rest_with_the_reason_why(bench: Bench) -> None:
    (dispatch,) = queue(bench)
    bench.send()
    plan = operate.plan_replay(bench.store, ids=[dispatch.id, "D000000000"])
    assert plan.dispatches == ()
    assert dict(plan.left_out) == {
        dispatch.id: "état « envoyé », non rejouable ainsi",
        "D000000000": "numéro inconnu",
    }


def test_one_asked_for_twice_is_replayed_once(bench: Bench) -> None:
    (dispatch,) = failed(bench, 1)
    plan = operate.plan_replay(bench.store, ids=[dispatch.id, dispatch.id], wanted=DispatchFilter(channel="pro"))
    assert [d.id for d in plan.dispatches] == [dispatch.id]
    assert operate.replay(bench.store, bench.clock, plan, reason="x", actor=EVE).done == (dispatch.id,)


def test_what_changed_since_the_preview_is_refused(bench: Bench) -> None:
    first, second = failed(bench, 2)
    plan = operate.plan_replay(bench.store, ids=[first.id, second.id])
    operate.close(bench.store, [first.id], reason="appelé", actor="operator:max")
    changed = operate.replay(bench.store, bench.clock, plan, reason="x", actor=EVE)
    assert changed.done == (second.id,)
    assert changed.refused == ((first.id, operate.CHANGED),)
    assert bench.get(first.id).state is State.CLOSED


def test_two_people_replaying_the_same_list_send_it_once(bench: Bench) -> None:
    (dispatch,) = failed(bench, 1)
    plan = operate.plan_replay(bench.store, ids=[dispatch.id])
    assert operate.replay(bench.store, bench.clock, plan, reason="x", actor=EVE).done
    during: list[Changed] = []

    def again(mail: Mail) -> None:
        during.append(operate.replay(bench.real, bench.clock, plan, reason="x", actor="operator:max"))

    bench.transport.during = again
    bench.send()
    assert during[0].done == ()
    assert bench.get(dispatch.id).state is State.SENT
    assert len(bench.transport.accepted) == 1


@pytest.mark.parametrize("state", [State.FAILED, State.UNKNOWN])
def test_what_a_newer_version_replaces_is_not_replayed(bench: Bench, state: State) -> None:
    (dispatch,) = queue(bench)
    bench.transport.endings = [GONE if state is State.FAILED else ReplyLost()]
    bench.transport.during = lambda mail: None
    bench.send()
    plan = operate.plan_replay(bench.store, ids=[dispatch.id], states=(state,))
    assert len(plan.dispatches) == 1
    bench.bring(oru("R000", value=OTHER_VALUE, status="C", at="20260311100000"))
    changed = operate.replay(bench.store, bench.clock, plan, reason="x", actor=EVE)
    assert changed.done == ()
    again = operate.plan_replay(bench.store, ids=[dispatch.id], states=(State.FAILED, State.UNKNOWN))
    assert again.dispatches == ()


def test_an_unknown_one_is_replayed_only_when_asked_for_and_keeps_its_message_id(bench: Bench) -> None:
    (dispatch,) = queue(bench)
    bench.transport.endings = [ReplyLost()]
    bench.send()
    assert operate.plan_replay(bench.store, ids=[dispatch.id]).dispatches == ()
    plan = operate.plan_replay(bench.store, ids=[dispatch.id], states=(State.FAILED, State.UNKNOWN))
    operate.replay(bench.store, bench.clock, plan, reason="jamais reçu", actor=EVE)
    bench.send()
    first, second = bench.transport.accepted
    assert first.mail == second.mail


def test_a_quarantined_file_is_read_again(bench: Bench) -> None:
    bench.set_source(patience_seconds=0)
    (prepared,) = bench.bring(oru()[:-60].rpartition(b"OBX")[0] + b"rien")
    if prepared.file.state is not FileState.QUARANTINED:
        (prepared,) = bench.bring(b"illisible")
    plan = operate.plan_replay(bench.store, ids=[prepared.file.id])
    assert [file.id for file in plan.files] == [prepared.file.id]
    changed = operate.replay(bench.store, bench.clock, plan, reason="lecteur corrigé", actor=EVE)
    assert changed.done == (prepared.file.id,)
    assert last(bench, prepared.file.id).actor == EVE
    assert bench.files(FileState.RECEIVED) != ()
    bench.prepare()
    assert bench.files(FileState.RECEIVED) == ()
    done = operate.plan_replay(bench.store, ids=[prepared.file.id]).left_out
    assert done == () or "rien à relire" in done[0][1]


def test_a_file_that_is_done_is_not_read_again(bench: Bench) -> None:
    (prepared,) = bench.bring(oru())
    plan = operate.plan_replay(bench.store, ids=[prepared.file.id])
    assert plan.files == ()
    assert plan.left_out == ((prepared.file.id, "fichier « traité », rien à relire"),)


# ------------------------------------------------------------------------------------------------ release


def unknown_recipient(bench: Bench, code: str = "unknown-recipient") -> Dispatch:
    bench.bring(oru(to="D077^NOUVEAU^Ana"))
    (dispatch,) = bench.dispatches()
    assert dispatch.hold_code == code
    return dispatch


def test_released_once_the_table_knows_the_recipient(bench: Bench) -> None:
    dispatch = unknown_recipient(bench)
    still = release(bench.desk, dispatch.id, reason="essai", actor=EVE)
    assert (still.released, still.why) == (False, dispatch.reason)
    assert bench.get(dispatch.id).state is State.HELD
    bench.directory.lines.append(local("D077", DURAND))
    assert release(bench.desk, dispatch.id, reason="table complétée", actor=EVE).released
    now = bench.get(dispatch.id)
    assert (now.state, now.address, now.hold_code) == (State.READY, DURAND, "")
    line = last(bench, dispatch.id)
    assert (line.event, line.actor, line.detail["reason"]) == ("dispatch.released", EVE, "table complétée")
    bench.batch()
    bench.send()
    assert [handed.mail.recipient for handed in bench.transport.accepted] == [DURAND]
    assert bench.transport.accepted[0].message_id == bench.get(dispatch.id).message_id


def test_released_to_the_address_a_person_chose(bench: Bench) -> None:
    dispatch = unknown_recipient(bench)
    assert release(bench.desk, dispatch.id, to=PETIT, reason="dit au téléphone", actor=EVE).released
    assert bench.get(dispatch.id).address == PETIT


@pytest.mark.parametrize(
    ("address", "said"),
    [("quelqu.un@dehors.test", "dehors.test"), ("pas une adresse", "mal formée")],
)
def test_a_refused_choice_leaves_the_dispatch_as_it_was(bench: Bench, address: str, said: str) -> None:
    """Its hold, its reason, its candidates and the whole decision: an operator goes on choosing where he stood."""
    bench.directory.entries += [
        Entry(address=DURAND, id_type=IdType.RPPS, identifier="99700000013", family="NOUVEAU", given="Ana"),
        Entry(address=PETIT, id_type=IdType.RPPS, identifier="99700000021", family="NOUVEAU", given="Ana"),
    ]
    dispatch = unknown_recipient(bench, "ambiguous-recipient")
    answer = release(bench.desk, dispatch.id, to=address, reason="insiste", actor=EVE)
    assert not answer.released
    assert said in answer.why
    assert bench.get(dispatch.id) == dispatch
    line = last(bench, dispatch.id)
    assert (line.event, line.actor) == ("dispatch.release-refused", EVE)
    assert [one.address for one in candidates(bench.get(dispatch.id))] == [DURAND, PETIT]
    assert release(bench.desk, dispatch.id, to=PETIT, reason="bonne adresse", actor=EVE).released


def test_a_choice_that_cannot_be_sealed_leaves_the_dispatch_as_it_was(bench: Bench) -> None:
    dispatch = unknown_recipient(bench)

    class Broken:
        name = "hprim-medecins"

        def write(self, report, context):  # type: ignore[no-untyped-def]
            raise ValueError

    bench.with_writer("hprim-medecins", Broken())
    assert not release(bench.desk, dispatch.id, to=PETIT, reason="essai", actor=EVE).released
    assert bench.get(dispatch.id) == dispatch


@pytest.mark.parametrize("state", [state for state in State if state is not State.HELD])
def test_only_what_is_held_is_released(bench: Bench, state: State) -> None:
    dispatch = in_state(bench, state)
    answer = release(bench.desk, dispatch.id, reason="x", actor=EVE)
    assert not answer.released
    assert answer.why
    assert bench.get(dispatch.id) == dispatch
    assert not release(bench.desk, "D000000000", reason="x", actor=EVE).released


def test_a_mail_held_by_a_person_goes_on_with_the_same_bytes(bench: Bench) -> None:
    (dispatch,) = queue(bench)
    sealed = bench.payload(dispatch.id, "sealed")
    operate.hold(bench.store, [dispatch.id], reason="attendre", actor=EVE)
    assert bench.send().total == 0
    assert release(bench.desk, dispatch.id, reason="va", actor=EVE).released
    assert bench.payload(dispatch.id, "sealed") == sealed
    bench.batch()
    bench.send()
    assert bench.transport.accepted[0].mail.content == sealed
    assert bench.get(dispatch.id).sealed_sha256 == dispatch.sealed_sha256


def test_a_sealed_mail_held_for_a_wrong_address_is_not_sent_there_once_the_table_is_corrected(bench: Bench) -> None:
    """Releasing looks again: what was sealed for the old address is sealed anew for the right one."""
    (dispatch,) = queue(bench)
    operate.hold(bench.store, [dispatch.id], reason="adresse fausse", actor=EVE)
    bench.directory.lines[:] = [local("D001", PETIT)]
    assert release(bench.desk, dispatch.id, reason="table corrigée", actor=EVE).released
    assert bench.get(dispatch.id).address == PETIT
    bench.batch()
    bench.send()
    assert [handed.mail.recipient for handed in bench.transport.accepted] == [PETIT]


@pytest.mark.parametrize("changes", [{"delivery": "paper"}, {"delivery": "none"}, {"channel": "fermé"}])
def test_a_sealed_mail_does_not_leave_against_what_the_table_says_today(bench: Bench, changes: dict[str, str]) -> None:
    (dispatch,) = queue(bench)
    operate.hold(bench.store, [dispatch.id], reason="voir avec lui", actor=EVE)
    bench.directory.lines[:] = [local("D001", DURAND, **changes)]
    assert not release(bench.desk, dispatch.id, reason="va", actor=EVE).released
    assert bench.get(dispatch.id).state is State.HELD
    bench.send()
    assert bench.transport.accepted == []


def test_a_sealed_mail_does_not_leave_for_a_domain_that_has_left_the_trust_space_since(bench: Bench) -> None:
    bench.bring(oru(to="M001^CABINET"))
    (dispatch,) = bench.dispatches()
    operate.hold(bench.store, [dispatch.id], reason="attendre", actor=EVE)
    allowed, bench.domains = bench.domains, EverybodyAllowed(refused=frozenset({dispatch.domain}))
    answer = release(bench.desk, dispatch.id, reason="va", actor=EVE)
    assert not answer.released
    held = bench.get(dispatch.id)
    assert (held.state, held.hold_code) == (State.HELD, "untrusted-domain")
    assert dispatch.domain in answer.why
    bench.domains = allowed
    assert release(bench.desk, dispatch.id, reason="revenu", actor=EVE).released
    assert bench.get(dispatch.id).sealed_sha256 == dispatch.sealed_sha256


def test_a_superseded_report_is_not_released(bench: Bench) -> None:
    (dispatch,) = queue(bench)
    bench.bring(oru("R000", value=OTHER_VALUE, status="C", at="20260311100000"))
    with bench.real.transaction() as uow:  # as if it had been held while it was being sent
        uow._session.connection.exec_driver_sql(f"UPDATE dispatches SET state = 'held' WHERE id = '{dispatch.id}'")
    answer = release(bench.desk, dispatch.id, reason="x", actor=EVE)
    assert not answer.released
    assert "plus récente" in answer.why
    assert bench.get(dispatch.id).state is State.HELD


def test_a_correction_that_arrives_during_a_release_wins(bench: Bench) -> None:
    """Between looking again and writing, a newer version withdraws the dispatch."""
    dispatch = unknown_recipient(bench)
    bench.directory.lines.append(local("D077", DURAND))
    real = bench.desk.writers["hprim-medecins"]

    class Meanwhile:
        name = real.name

        def write(self, report, context):  # type: ignore[no-untyped-def]
            bench.restart()
            bench.bring(oru(to="D077^NOUVEAU^Ana", value=OTHER_VALUE, status="C", at="20260311100000"))
            return real.write(report, context)

    bench.with_writer("hprim-medecins", Meanwhile())
    answer = release(bench.desk, dispatch.id, reason="x", actor=EVE)
    assert not answer.released
    assert answer.why
    assert bench.states() == [State.WITHDRAWN, State.READY]


def test_a_failed_mail_may_go_to_another_address(bench: Bench) -> None:
    (dispatch,) = failed(bench, 1)
    operate.hold(bench.store, [dispatch.id], reason="chercher l'adresse", actor=EVE)
    assert release(bench.desk, dispatch.id, to=PETIT, reason="nouvelle adresse", actor=EVE).released
    bench.transport.endings = [OK]
    bench.batch()
    bench.send()
    assert [handed.mail.recipient for handed in bench.transport.accepted] == [PETIT]


def test_nothing_is_written_while_a_plan_is_made(bench: Bench) -> None:
    failed(bench, 2)

    def lines(store: Store) -> int:
        with store.reading() as uow:
            return uow.journal.verify()[0]

    before = lines(bench.real)
    operate.plan_replay(bench.store, wanted=DispatchFilter(channel="pro"))
    assert lines(bench.real) == before
