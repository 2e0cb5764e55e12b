"""A notice that asked for a person is closed, or tied by hand to its dispatch; both on each engine."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatcher.outbox.states import State
from dispatcher.ports import ReceiptRow
from dispatcher.service import deal_with
from tests.service.bench import PETIT, Bench
from tests.service.samples import dsn, mdn
from tests.service.test_service_collect import receipts, sent
from tests.service.test_service_notices_for_people import letter, to_read

EVE = "operator:eve"
WHY = "Vu avec le cabinet."


def close(bench: Bench, *ids: str) -> tuple[tuple[str, ...], list[str]]:
    changed = deal_with.close(bench.real, bench.clock, ids, reason=WHY, actor=EVE)
    return changed.done, [why for _, why in changed.refused]


def tie(bench: Bench, receipt: str, dispatch: str) -> deal_with.Tied:
    return deal_with.tie(bench.real, bench.clock, receipt, dispatch, reason=WHY, actor=EVE)


def row(bench: Bench, receipt: str) -> ReceiptRow:
    with bench.real.reading() as uow:
        found = uow.receipts.get(receipt)
    assert found is not None
    return found


def test_what_is_closed_is_counted_no_more_and_stays_with_who_when_and_why(on_both: Bench) -> None:
    bench = on_both
    one = sent(bench)
    bench.mailbox.arrive(letter(one))
    bench.mailbox.arrive(dsn("<inconnu@labo.test>", PETIT))
    bench.collect()
    stranger, answer = sorted(to_read(bench), key=lambda row: row.dispatch_id)
    assert close(bench, stranger.id, answer.id) == (tuple(sorted([stranger.id, answer.id])), [])
    assert to_read(bench) == ()
    kept = row(bench, answer.id)
    assert (kept.dealt_at, kept.dealt_by, kept.dealt_why) == (bench.clock.now(), EVE, WHY)
    assert kept.note == answer.note and kept.dispatch_id == one.id
    with bench.real.reading() as uow:
        assert {line.id for line in uow.receipts.latest()} == {stranger.id, answer.id}
        (line,) = [line for line in uow.journal.of_subject(stranger.id) if line.event == "notice.closed"]
        assert line.actor == EVE and line.detail["reason"] == WHY
    assert bench.events(one.id)[-1] == "notice.closed"
    assert close(bench, stranger.id, "A0") == ((), [deal_with.UNKNOWN_NOTICE, deal_with.NOBODY_ASKED])
    assert bench.get(one.id).state is State.SENT


def test_only_what_came_before_a_day_is_old(on_both: Bench) -> None:
    bench = on_both
    one = sent(bench)
    bench.mailbox.arrive(letter(one))
    bench.collect()
    (first,) = to_read(bench)
    day = bench.clock.now() + timedelta(hours=1)
    bench.clock.advance(7200)
    bench.mailbox.arrive(dsn("<inconnu@labo.test>", PETIT))
    bench.collect()
    assert deal_with.old_ones(bench.real, day, 10) == (first.id,)


def test_a_notice_tied_by_hand_does_what_a_match_does(on_both: Bench) -> None:
    bench = on_both
    one = sent(bench)
    content = mdn(one.message_id, one.address, sender="remplacant@ailleurs.test")
    bench.mailbox.arrive(content)
    bench.collect()
    (notice,) = to_read(bench)
    assert bench.get(one.id).state is State.SENT
    done = tie(bench, notice.id, one.id)
    assert (done.state, done.refused) == (State.READ, "")
    now = bench.get(one.id)
    assert now.state is State.READ and now.read_at is not None
    assert to_read(bench) == () and ("mdn", "displayed") in receipts(bench, one)
    with bench.real.reading() as uow:
        lines = [line for line in uow.journal.of_subject(one.id) if line.actor == EVE]
        assert uow.support.of(one.channel, one.address)[1] is not None, "its recipient answers"
    assert [line.event for line in lines] == ["receipt.mdn", "notice.tied", "dispatch.read"]
    assert lines[0].detail["digest"] == notice.digest and "reason" not in lines[0].detail
    assert lines[1].detail["reason"] == WHY
    bench.mailbox.arrive(content)  # the same mail once more, from an export
    assert bench.collect().unmatched == 0
    assert to_read(bench) == ()
    assert deal_with.HAS_ONE.format(id=one.id) == tie(bench, notice.id, one.id).refused


@pytest.mark.parametrize("content", ["letter", "no outcome", "nothing known"])
def test_what_tells_no_outcome_is_not_tied(bench: Bench, content: str) -> None:
    one = sent(bench)
    told = {
        "letter": letter(one).replace(one.message_id.encode(), b"<inconnu@labo.test>"),
        "no outcome": dsn("<inconnu@labo.test>", one.address).replace(
            b"Action: delivered\nStatus: 2.1.5", b"X-Rien: 1"
        ),
        "nothing known": b"From: a@b.test\r\nSubject: Bonjour\r\n\r\nMerci.\r\n",
    }[content]
    bench.mailbox.arrive(told)
    bench.collect()
    (notice,) = to_read(bench)
    assert tie(bench, notice.id, one.id).refused == deal_with.NO_OUTCOME
    assert bench.get(one.id).state is State.SENT and to_read(bench) == (notice,)


def test_what_is_not_there_is_refused(bench: Bench) -> None:
    one = sent(bench)
    bench.mailbox.arrive(dsn("<inconnu@labo.test>", one.address))
    bench.collect()
    (notice,) = to_read(bench)
    assert tie(bench, "A0", one.id).refused == deal_with.UNKNOWN_NOTICE
    assert tie(bench, notice.id, "D0").refused == deal_with.UNKNOWN_DISPATCH.format(id="D0")
    with bench.real.transaction() as uow:
        uow.purging.drop_unmatched([notice.id])
    assert tie(bench, notice.id, one.id).refused == deal_with.NO_CONTENT
