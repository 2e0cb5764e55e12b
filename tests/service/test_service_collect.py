"""Receipts: each counts once, in any order, and only for the mail and the recipient it speaks of."""

from __future__ import annotations

import pytest

from dispatcher.errors import StoreError, TryLater
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from dispatcher.ports import Mail, ReceiptRow
from dispatcher.service import operate
from dispatcher.service.release import release
from tests.fakes import FaultyStore, Killed, ReplyLost
from tests.service.bench import PETIT, Bench
from tests.service.conftest import Watch
from tests.service.samples import ZOE, dsn, mdn, oru


def sent(bench: Bench) -> Dispatch:
    """One mail the operator took."""
    bench.bring(oru())
    bench.run()
    (dispatch,) = bench.dispatches()
    assert dispatch.state is State.SENT
    return dispatch


def receipts(bench: Bench, dispatch: Dispatch) -> list[tuple[str, str]]:
    with bench.real.reading() as uow:
        return [(row.kind, row.action) for row in uow.receipts.of_dispatch(dispatch.id)]


def unmatched(bench: Bench) -> tuple[ReceiptRow, ...]:
    with bench.real.reading() as uow:
        return uow.receipts.unmatched()


def delivered(dispatch: Dispatch, action: str = "delivered", number: int = 1) -> bytes:
    return dsn(dispatch.message_id, dispatch.address, action, number=number)


def read(dispatch: Dispatch, disposition: str = "displayed", number: int = 1) -> bytes:
    return mdn(dispatch.message_id, dispatch.address, disposition, number=number)


def test_delivered_then_read(bench: Bench) -> None:
    dispatch = sent(bench)
    for content, state in ((delivered(dispatch), State.DELIVERED), (read(dispatch), State.READ)):
        bench.clock.advance(60)
        bench.mailbox.arrive(content)
        result = bench.collect()
        assert result.changes == {state: 1}
        assert bench.get(dispatch.id).state is state
    now = bench.get(dispatch.id)
    assert now.read_at == bench.clock.now()
    assert now.delivered_at is not None
    assert now.delivered_at < now.read_at
    assert receipts(bench, dispatch) == [("smtp", "accepted"), ("dsn", "delivered"), ("mdn", "displayed")]
    assert bench.mailbox.understood == ["1", "2"]
    assert bench.events(dispatch.id)[-4:] == ["receipt.dsn", "dispatch.delivered", "receipt.mdn", "dispatch.read"]


def test_the_same_notice_twice_counts_once(bench: Bench) -> None:
    dispatch = sent(bench)
    for _ in range(2):
        bench.mailbox.arrive(delivered(dispatch))
    assert bench.collect().changes == {State.DELIVERED: 1}
    assert receipts(bench, dispatch) == [("smtp", "accepted"), ("dsn", "delivered")]
    assert bench.events(dispatch.id).count("dispatch.delivered") == 1
    assert bench.mailbox.understood == ["1", "2"]


def test_two_different_notices_of_one_delivery_are_both_kept(bench: Bench) -> None:
    dispatch = sent(bench)
    bench.mailbox.arrive(delivered(dispatch, "relayed", 1))
    bench.mailbox.arrive(delivered(dispatch, "delivered", 2))
    assert bench.collect().changes == {State.DELIVERED: 1}
    assert len(receipts(bench, dispatch)) == 3


def test_read_before_delivered(bench: Bench) -> None:
    dispatch = sent(bench)
    bench.mailbox.arrive(read(dispatch))
    bench.collect()
    bench.mailbox.arrive(delivered(dispatch))
    bench.collect()
    assert bench.get(dispatch.id).state is State.READ
    assert receipts(bench, dispatch) == [("smtp", "accepted"), ("mdn", "displayed"), ("dsn", "delivered")]


def test_a_failure_after_reading_changes_nothing(bench: Bench) -> None:
    dispatch = sent(bench)
    bench.mailbox.arrive(read(dispatch))
    bench.mailbox.arrive(delivered(dispatch, "failed"))
    bench.collect()
    assert bench.get(dispatch.id).state is State.READ


def test_a_bounce_fails_with_its_reason_and_late_good_news_mends_it(bench: Bench) -> None:
    dispatch = sent(bench)
    bench.mailbox.arrive(delivered(dispatch, "failed"))
    bench.collect()
    assert bench.get(dispatch.id).state is State.FAILED
    assert "Non remis" in bench.get(dispatch.id).reason
    bench.mailbox.arrive(read(dispatch))
    bench.collect()
    assert bench.get(dispatch.id).state is State.READ


def test_a_delay_changes_nothing_but_is_kept(bench: Bench) -> None:
    dispatch = sent(bench)
    bench.mailbox.arrive(delivered(dispatch, "delayed"))
    assert bench.collect().changes == {}
    assert bench.get(dispatch.id).state is State.SENT
    assert ("dsn", "delayed") in receipts(bench, dispatch)


@pytest.mark.parametrize("arrived", ["delivered", "failed"])
def test_an_unknown_outcome_is_settled_by_its_notice(bench: Bench, arrived: str) -> None:
    bench.bring(oru())
    bench.transport.endings = [ReplyLost()]
    bench.run()
    (dispatch,) = bench.dispatches()
    assert dispatch.state is State.UNKNOWN
    bench.mailbox.arrive(delivered(dispatch, arrived))
    bench.collect()
    assert bench.get(dispatch.id).state is {"delivered": State.DELIVERED, "failed": State.FAILED}[arrived]
    bench.recover()
    bench.send()
    assert len(bench.transport.handed) == 1


# ------------------------------------------------------------------------------------------------ strangers


def test_a_stranger_marks_nothing_as_read(bench: Bench) -> None:
    dispatch = sent(bench)
    bench.mailbox.arrive(mdn(dispatch.message_id, dispatch.address, sender="voleur@ailleurs.test"))
    result = bench.collect()
    assert (result.matched, result.unmatched) == (0, 1)
    assert bench.get(dispatch.id).state is State.SENT
    assert bench.mailbox.aside == ["1"]
    (row,) = unmatched(bench)
    assert "ne vient pas du domaine de son destinataire" in row.note


def test_a_notice_about_somebody_else_s_mailbox_changes_nothing(bench: Bench) -> None:
    dispatch = sent(bench)
    bench.mailbox.arrive(dsn(dispatch.message_id, PETIT))
    bench.collect()
    assert bench.get(dispatch.id).state is State.SENT
    assert "pour un autre destinataire" in unmatched(bench)[0].note


@pytest.mark.parametrize(
    "content",
    [
        dsn("<inconnu@labo.test>", "x@dest.test"),
        b"From: a@b.test\r\nSubject: Bonjour\r\n\r\nMerci.\r\n",
        b"",
        b"\xff\x00",
    ],
    ids=["other mail", "letter", "empty", "noise"],
)
def test_what_matches_nothing_is_kept_and_set_aside(bench: Bench, content: bytes) -> None:
    bench.mailbox.arrive(content)
    result = bench.collect()
    assert (result.mails, result.matched, result.unmatched) == (1, 0, 1)
    assert bench.mailbox.aside == ["1"]
    assert bench.mailbox.understood == []
    (row,) = unmatched(bench)
    assert row.note
    assert bench.payload(row.id, "notice") == content
    assert bench.collect().mails == 0


# ------------------------------------------------------------------------------------------------ moments


def test_a_notice_that_is_faster_than_our_own_commit_is_read_again_later(bench: Bench) -> None:
    """The operator delivers, the recipient reads, and we have not yet written down that the mail was accepted."""
    bench.bring(oru())
    bench.batch()
    seen: list[tuple[str, ...]] = []

    def meanwhile(mail: Mail) -> None:
        (dispatch,) = bench.dispatches()
        bench.mailbox.arrive(delivered(dispatch))
        result = bench.collect()
        assert result.changes == {}
        seen.append(bench.mailbox.new)

    bench.transport.during = meanwhile
    bench.send()
    assert seen == [("1",)], "left in the mailbox"
    (dispatch,) = bench.dispatches()
    assert receipts(bench, dispatch) == [("smtp", "accepted")], "nothing was written about it"
    assert bench.collect().changes == {State.DELIVERED: 1}
    assert bench.get(dispatch.id).state is State.DELIVERED


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_stop_between_commit_and_filing_changes_nothing_the_second_time(bench: Bench, when: str) -> None:
    dispatch = sent(bench)
    bench.mailbox.arrive(delivered(dispatch))
    bench.use(FaultyStore(bench.real, lambda number, at: Killed() if at == when else None))  # type: ignore[arg-type]
    with pytest.raises(Killed):
        bench.collect()
    bench.use(bench.real)
    assert bench.mailbox.new == ("1",)
    bench.collect()
    assert bench.get(dispatch.id).state is State.DELIVERED
    assert receipts(bench, dispatch) == [("smtp", "accepted"), ("dsn", "delivered")]
    assert bench.events(dispatch.id).count("dispatch.delivered") == 1
    assert bench.mailbox.understood == ["1"]


def test_an_old_bounce_read_again_does_not_fail_what_was_sent_again_since(bench: Bench) -> None:
    dispatch = sent(bench)
    bench.mailbox.arrive(delivered(dispatch, "failed"))
    bench.mailbox.fails = TryLater("Connexion perdue.", stage="connect")
    with pytest.raises(TryLater):
        bench.collect()
    bench.mailbox.fails = None
    plan = operate.plan_replay(bench.real, ids=[dispatch.id])
    operate.replay(bench.real, bench.clock, plan, reason="boîte rouverte", actor="operator:eve")
    bench.send()
    bench.collect()
    assert bench.get(dispatch.id).state is State.SENT


def test_a_mailbox_that_breaks_while_filing_is_read_again(bench: Bench) -> None:
    dispatch = sent(bench)
    bench.mailbox.arrive(delivered(dispatch))
    bench.mailbox.fails = TryLater("Connexion perdue.", stage="connect")
    with pytest.raises(TryLater):
        bench.collect()
    bench.mailbox.fails = None
    assert bench.collect().matched == 1
    assert len(receipts(bench, dispatch)) == 2


def test_a_store_that_fails_leaves_the_mail_where_it_is(bench: Bench) -> None:
    dispatch = sent(bench)
    bench.mailbox.arrive(delivered(dispatch))
    bench.use(FaultyStore(bench.real, lambda number, when: StoreError("Disque plein.")))  # type: ignore[arg-type]
    with pytest.raises(StoreError):
        bench.collect()
    assert bench.mailbox.new == ("1",)


def test_a_mail_that_breaks_the_reader_does_not_stop_the_next_ones(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, watch: Watch
) -> None:
    dispatch = sent(bench)
    import dispatcher.service.collect as room

    good, broken = room.read, delivered(dispatch, number=2)

    def stumble(content: bytes, opener: object) -> object:
        if content == broken:
            raise RuntimeError(f"broken about {ZOE.family}")
        return good(content, None)

    monkeypatch.setattr(room, "read", stumble)
    bench.mailbox.arrive(broken)
    bench.mailbox.arrive(delivered(dispatch))
    bench.collect()
    assert bench.get(dispatch.id).state is State.DELIVERED
    assert (bench.mailbox.aside, bench.mailbox.understood) == (["1"], ["2"])
    assert ZOE.family not in watch.text


def test_good_news_about_a_mail_held_for_not_sent_puts_it_before_a_person(bench: Bench) -> None:
    """An unknown one was replayed and waits; then the notice says that the first hand-over had arrived."""
    bench.bring(oru())
    bench.transport.endings = [ReplyLost()]
    bench.run()
    (dispatch,) = bench.dispatches()
    plan = operate.plan_replay(bench.real, ids=[dispatch.id], states=(State.UNKNOWN,))
    operate.replay(bench.real, bench.clock, plan, reason="pas de nouvelles", actor="operator:eve")
    bench.mailbox.arrive(delivered(dispatch))
    bench.collect()
    bench.send()
    held = bench.get(dispatch.id)
    assert held.state is State.HELD
    assert "vérifier avant de le laisser repartir" in held.reason
    assert len(bench.transport.handed) == 1
    assert release(bench.desk, held.id, reason="jamais arrivé en fait", actor="operator:eve").released
