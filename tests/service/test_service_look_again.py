"""A server knows no such mailbox: the directories are asked once more, and nothing is redirected in silence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatcher.errors import DirectoryError, Refused, StoreError
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from dispatcher.report.model import IdType
from dispatcher.routing.candidates import Entry
from dispatcher.service import operate
from dispatcher.service.choose import candidates
from dispatcher.service.explain import explain
from dispatcher.service.look_again import CHANGED
from dispatcher.service.release import release
from tests.service.bench import DURAND, Bench, local
from tests.service.samples import dsn, oru
from tests.service.test_service_send import GONE

NEW = "nouvelle@dest.test"
LABEL = "Dr DURAND Pierre"
RPPS = "10000000009"
BY_RPPS = f"{RPPS}^DURAND^Pierre^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^L^^^RPPS"


def box(address: str) -> Entry:
    return Entry(
        address=address, id_type=IdType.RPPS, identifier=RPPS, family="DURAND", given="Pierre", source="mssante"
    )


def refused(bench: Bench, error: Refused = GONE) -> Dispatch:
    bench.transport.endings = [error]
    bench.batch()
    bench.send()
    bench.transport.endings = []
    return bench.one()


@pytest.mark.parametrize("reply", [510, 513, 550, 553])
def test_another_address_is_shown_and_a_person_sends_it_there(on_both: Bench, reply: int) -> None:
    on_both.bring(oru("R1"))
    on_both.directory.lines = [local("D001", NEW, label=LABEL)]
    held = refused(on_both, Refused("Inconnu.", reply=reply, stage="rcpt"))
    assert (held.state, held.hold_code, held.attempts) == (State.HELD, CHANGED, 1)
    assert held.address == DURAND, "the row keeps what was offered"
    assert NEW in held.reason
    assert str(reply) in held.reason
    assert [one.address for one in candidates(held)] == [NEW]
    found = explain(on_both.store, on_both.channels, held.id)
    assert found is not None
    told = "\n".join(found.lines)
    assert "Autres boîtes connues après le refus" in told
    assert f"Adresse : {DURAND}" in told
    on_both.batch()
    on_both.send()
    assert on_both.transport.accepted == [], "nothing is redirected by itself"
    done = release(on_both.desk, held.id, reason="appelé, il a déménagé", actor="operator:eve")
    on_both.batch()
    on_both.send()
    assert [one.mail.recipient for one in on_both.transport.accepted] == [NEW]
    assert on_both.get(done.as_id).message_id != held.message_id
    assert (on_both.get(held.id).state, on_both.get(held.id).address) == (State.CLOSED, DURAND)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([local("D001", DURAND, label=LABEL)], "donnent toujours cette adresse"),
        ([], "n'en donnent pas d'autre"),
        ([local("D001", "", label=LABEL, delivery="paper")], "Interrogés de nouveau"),
    ],
)
def test_without_another_address_it_fails_and_says_that_it_was_asked(
    bench: Bench, lines: list[object], told: str
) -> None:
    bench.bring(oru("R1"))
    bench.directory.lines = lines  # type: ignore[assignment]
    failed = refused(bench)
    assert failed.state is State.FAILED
    assert told in failed.reason
    assert failed.reason.startswith("Adresse refusée, boîte inconnue (550 5.1.1). ")
    assert failed.reason.endswith("« release --to ADRESSE ».")
    assert "hold" not in failed.decision or failed.decision["hold"] is None


def test_several_boxes_of_the_same_person_are_candidates_but_not_the_refused_one(bench: Bench) -> None:
    bench.directory.entries = [box(DURAND)]
    bench.bring(oru("R1", to=BY_RPPS))
    assert bench.one().address == DURAND
    bench.directory.entries = [box(DURAND), box("a@dest.test"), box("b@dest.test")]
    held = refused(bench)
    assert (held.state, held.hold_code) == (State.HELD, CHANGED)
    assert {one.address for one in candidates(held)} == {"a@dest.test", "b@dest.test"}


def test_what_is_no_matter_of_the_address_asks_nobody(bench: Bench) -> None:
    bench.bring(oru("R1"))
    bench.directory.lines = [local("D001", NEW, label=LABEL)]
    held = refused(bench, Refused("Règle.", reply=550, status="5.7.1", stage="rcpt"))
    assert (held.state, held.hold_code) == (State.HELD, "policy")


@pytest.mark.parametrize("fault", [DirectoryError("Illisible."), RuntimeError("unforeseen")])
def test_a_directory_that_fails_does_not_lose_what_the_server_said(bench: Bench, fault: Exception) -> None:
    bench.bring(oru("R1"))
    bench.directory.fault = fault  # type: ignore[assignment]
    failed = refused(bench)
    assert (failed.state, failed.attempts) == (State.FAILED, 1)
    assert "5.1.1" in failed.reason


def test_nobody_is_kept_from_writing_while_the_directories_are_asked(bench: Bench) -> None:
    """A server of certificates may take half a minute; in a transaction, that would be every writer's."""
    bench.bring(oru("R1"))
    asked: list[str] = []

    def slow(dispatch: Dispatch) -> None:
        with bench.real.transaction() as uow:  # refused within another one
            uow.journal.write(dispatch.id, "test.asked")
        asked.append(dispatch.id)

    bench.channels["pro"] = replace(bench.channel, look_again=slow)
    failed = refused(bench)
    assert (failed.state, asked) == (State.FAILED, [failed.id])


def test_a_store_that_fails_while_they_are_asked_does_not_lose_what_the_server_said(bench: Bench) -> None:
    bench.bring(oru("R1"))

    def broken(_dispatch: Dispatch) -> None:
        raise StoreError("Injoignable.", code="unavailable")

    bench.channels["pro"] = replace(bench.channel, look_again=broken)
    with pytest.raises(StoreError):
        refused(bench)
    assert bench.one().state is State.FAILED


# ------------------------------------------------------------------------------------------------ by notice


def bounced(bench: Bench, action: str = "failed") -> Dispatch:
    """Accepted by the operator; then a relay says that there is no such box."""
    bench.batch()
    bench.send()
    sent = bench.one()
    assert sent.state is State.SENT
    bench.mailbox.arrive(dsn(sent.message_id, sent.address, action))
    bench.collect()
    return bench.get(sent.id)


def test_a_notice_that_the_box_is_no_more_shows_the_new_one(on_both: Bench) -> None:
    on_both.bring(oru("R1"))
    on_both.directory.lines = [local("D001", NEW, label=LABEL)]
    held = bounced(on_both)
    assert (held.state, held.hold_code, held.address) == (State.HELD, CHANGED, DURAND)
    assert "5.1.1" in held.reason and NEW in held.reason
    assert [one.address for one in candidates(held)] == [NEW]
    on_both.batch()
    on_both.send()
    assert len(on_both.transport.accepted) == 1, "nothing is redirected by itself"
    done = release(on_both.desk, held.id, reason="appelé, il a déménagé", actor="operator:eve")
    on_both.batch()
    on_both.send()
    assert [one.mail.recipient for one in on_both.transport.accepted] == [DURAND, NEW]
    assert on_both.get(done.as_id).message_id != held.message_id
    assert on_both.get(held.id).state is State.CLOSED


def test_a_notice_about_a_box_nobody_knows_better_stays_a_failure(bench: Bench) -> None:
    bench.bring(oru("R1"))
    failed = bounced(bench)
    assert failed.state is State.FAILED
    assert "5.1.1" in failed.reason and failed.reason.endswith("donnent toujours cette adresse.")
    assert bench.collect().mails == 0


def test_a_notice_of_another_matter_asks_nobody(bench: Bench) -> None:
    bench.bring(oru("R1"))
    bench.directory.lines = [local("D001", NEW, label=LABEL)]
    assert bounced(bench, "delayed").state is State.SENT


def test_what_a_person_decided_while_the_directories_were_asked_stands(bench: Bench) -> None:
    bench.bring(oru("R1"))
    bench.directory.lines = [local("D001", NEW, label=LABEL)]
    ask = bench.channel.look_again
    assert ask is not None

    def slow(dispatch: Dispatch) -> object:
        operate.close(bench.store, [dispatch.id], reason="appelé", actor="operator:eve")
        return ask(dispatch)

    bench.channels["pro"] = replace(bench.channel, look_again=slow)  # type: ignore[arg-type]
    assert bounced(bench).state is State.CLOSED
