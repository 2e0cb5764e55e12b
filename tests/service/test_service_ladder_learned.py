"""Whose silence counts on the ladder: the settings say it, else what was learned of the recipient, else the family."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from dispatcher.outbox.dispatch import Dispatch, Lane
from dispatcher.outbox.states import State
from dispatcher.receipts.ladder import Ladder, LadderRules, Rung, Step
from dispatcher.service.climb import Climbed, climb
from dispatcher.service.support import PATIENCE, learn, sends_read
from dispatcher.settings import MailboxSettings
from dispatcher.settings.ladder import ChannelLadderSettings, LadderSettings
from dispatcher.wiring.schedule import ladder_rules
from tests.service.bench import Bench, channel_settings
from tests.service.samples import dsn, mdn, oru

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def with_mailbox(bench: Bench) -> None:
    bench.set_channel("pro", channel_settings(mailbox=MailboxSettings(kind="maildir", path=bench.folder)))
    bench.restart()
    assert learn(bench.channel, bench.real, bench.clock) == 0  # the service starts


def send(bench: Bench, order: str, *, urgent: bool = False) -> Dispatch:
    bench.bring(oru(order, urgent=urgent))
    bench.run()
    return bench.one(order=order)


def after(bench: Bench, wait: timedelta = HOUR, *, usual: bool = False) -> Climbed:
    """One pass over the ladder later on; ``usual``: what is thought of a recipient of whom nothing is known."""
    steps = (Step(rung=Rung.REMIND, wait=HOUR, working=False),)
    calls = (Step(rung=Rung.PERSON, wait=HOUR, working=False),)

    def expects(dispatch: Dispatch, learned: bool | None) -> bool:
        return bench.channel.settings.sends_receipts(dispatch.domain, usual if learned is None else learned)

    rules = LadderRules(
        ladders={"pro": {Lane.ROUTINE: Ladder(steps=steps), Lane.URGENT: Ladder(steps=calls)}},
        expects_read=expects,
        digest_every=timedelta(seconds=1),
    )
    with bench.real.transaction() as uow:
        uow.ladder.hear("pro", bench.clock.now())
    climb(bench.desk, rules)
    bench.clock.advance(wait.total_seconds() + 60)
    with bench.real.transaction() as uow:
        uow.ladder.hear("pro", bench.clock.now())
    return climb(bench.desk, rules)


def never_answers(bench: Bench) -> None:
    """Ten mails arrive in his box, and he answers none."""
    for number in range(10):
        one = send(bench, f"R{number}")
        bench.mailbox.arrive(dsn(one.message_id, one.address, number=number))
    bench.collect()
    bench.clock.advance(PATIENCE.total_seconds() + 60)
    assert learn(bench.channel, bench.real, bench.clock) == 10


def learned(bench: Bench, dispatch: Dispatch) -> bool | None:
    with bench.real.reading() as uow:
        return sends_read(uow, dispatch)


def test_who_answered_once_is_missed_from_then_on(bench: Bench) -> None:
    first = send(bench, "A1")
    assert after(bench).reminded == 0 and learned(bench, first) is None
    bench.mailbox.arrive(mdn(first.message_id, first.address))
    bench.collect()
    assert bench.get(first.id).state is State.READ and learned(bench, first) is True
    send(bench, "A2")
    assert after(bench).reminded == 1


def test_who_never_answers_is_not_missed_but_for_an_urgent_result(bench: Bench) -> None:
    never_answers(bench)
    routine, urgent = send(bench, "A1"), send(bench, "A2", urgent=True)
    assert (learned(bench, routine), learned(bench, urgent)) == (False, None)
    done = after(bench, usual=True)
    assert routine.id not in reminded(bench) and done.called == [urgent.id]


def test_answers_that_no_longer_come_are_missed(bench: Bench) -> None:
    first = send(bench, "A1")
    bench.mailbox.arrive(mdn(first.message_id, first.address))
    bench.collect()
    never_answers(bench)
    last = send(bench, "A2")
    assert learned(bench, last) is True
    after(bench)
    assert last.id in reminded(bench)


def test_who_answers_at_last_is_missed_for_his_other_mail_too(bench: Bench) -> None:
    never_answers(bench)
    first, other, old = send(bench, "A1"), send(bench, "A2"), bench.one(order="R0")
    done = after(bench, usual=True)
    assert done.reminded == 0 and {bench.get(one.id).climb_at for one in (first, other)} == {None}
    bench.mailbox.arrive(mdn(first.message_id, first.address))
    bench.collect()
    after(bench, usual=True)
    assert {other.id, old.id} <= reminded(bench) and first.id not in reminded(bench)


def test_mail_of_long_ago_is_not_taken_up_again(bench: Bench) -> None:
    never_answers(bench)
    after(bench, usual=True)
    bench.clock.advance(timedelta(days=40).total_seconds())
    last = send(bench, "A1")
    bench.mailbox.arrive(mdn(last.message_id, last.address))
    bench.collect()
    after(bench, usual=True)
    assert not reminded(bench)


def reminded(bench: Bench) -> set[str]:
    return {one.id for one in bench.dispatches() if "dispatch.reminded" in bench.events(one.id)}


@pytest.mark.parametrize(
    ("family", "changes", "told", "expected"),
    [
        ("mssante", {}, None, True),
        ("mssante", {}, False, False),
        ("smime", {}, None, False),
        ("smime", {}, True, True),
        ("smime", {"request_mdn": False}, True, False),
        ("mssante", {"request_mdn": False}, None, False),
        ("smime", {"mailbox": None}, True, False),
        ("mssante", {"ladder": ChannelLadderSettings(read_receipts=False)}, True, False),
        ("smime", {"ladder": ChannelLadderSettings(read_receipts=True)}, False, True),
        ("smime", {"ladder": ChannelLadderSettings(read_domains={"Dest.test": True})}, False, True),
        ("smime", {"ladder": ChannelLadderSettings(read_domains={"autre.test": True})}, False, False),
    ],
)
def test_the_settings_come_first_then_what_was_learned(
    bench: Bench, family: str, changes: dict[str, Any], told: bool | None, expected: bool
) -> None:
    mailbox = MailboxSettings(kind="maildir", path=bench.folder)
    settings = channel_settings(family, **{"mailbox": mailbox} | changes)
    assert settings.sends_receipts("dest.test", told) is expected


def test_the_rules_of_the_file_hand_on_what_was_learned(bench: Bench) -> None:
    one = send(bench, "A1")
    settings: Any = SimpleNamespace(ladder=LadderSettings(), channels={"pro": bench.channel.settings})
    expects = ladder_rules(settings).expects_read
    assert [expects(one, told) for told in (None, True, False)] == [False, True, False]
