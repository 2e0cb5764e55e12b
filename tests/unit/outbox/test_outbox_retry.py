"""What becomes of a mail that was not accepted: one row of the table a test, then what holds for all of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.errors import OurFault, OutcomeUnknown, Refused, TransportError, TryLater
from dispatcher.outbox.dispatch import Lane
from dispatcher.outbox.retry import RetryDecision, RetryKind, RetryPolicy, backoff, decide
from dispatcher.outbox.states import MOVES, State

POLICY = RetryPolicy()
NOW = datetime(2026, 3, 11, 9, 0, tzinfo=UTC)
YOUNG = timedelta(minutes=5)

DEFER, FAIL, HOLD, PAUSE, UNKNOWN = RetryKind


def judged(
    kind: type[TransportError], reply: int | None = None, status: str = "", stage: str = "rcpt", attempts: int = 9
) -> RetryDecision:
    error = kind("Refusé par le serveur.", reply=reply, status=status, stage=stage)
    return decide(error, attempts, YOUNG, POLICY, now=NOW)


# Every code of the ANS table that is a refusal for good, without a status, as old servers say it.
@pytest.mark.parametrize(
    ("reply", "kind", "hold_code"),
    [
        *((reply, HOLD, "protocol") for reply in (500, 501, 502, 503, 504, 521, 555)),
        *((reply, FAIL, "") for reply in (510, 513, 550, 551, 553, 556)),
        (512, HOLD, "unreachable"),
        (523, HOLD, "too-large"),
        (552, HOLD, "mailbox-full"),
        (541, HOLD, "policy"),
        (554, HOLD, "policy"),
        (530, PAUSE, ""),
        (534, PAUSE, ""),
        (535, PAUSE, ""),
        (538, PAUSE, ""),
        (571, FAIL, ""),
        (None, FAIL, ""),
    ],
)
def test_permanent_replies(reply: int | None, kind: RetryKind, hold_code: str) -> None:
    decision = judged(Refused, reply)
    assert (decision.kind, decision.hold_code) == (kind, hold_code)


# The status is more precise than the reply and wins.
@pytest.mark.parametrize(
    ("reply", "status", "kind", "hold_code"),
    [
        (550, "5.1.1", FAIL, ""),
        (550, "5.1.10", FAIL, ""),
        (554, "5.1.1", FAIL, ""),
        (501, "5.1.3", FAIL, ""),
        (550, "5.1.2", HOLD, "unreachable"),
        (550, "5.1.8", PAUSE, ""),
        (553, "5.1.7", PAUSE, ""),
        (550, "5.2.1", FAIL, ""),
        (550, "5.2.2", HOLD, "mailbox-full"),
        (552, "5.2.2", HOLD, "mailbox-full"),
        (552, "5.2.3", HOLD, "too-large"),
        (552, "5.3.4", HOLD, "too-large"),
        (550, "5.3.0", HOLD, "policy"),
        (550, "5.4.4", HOLD, "unreachable"),
        (550, "5.5.2", HOLD, "protocol"),
        (550, "5.6.1", HOLD, "content"),
        (550, "5.7.1", HOLD, "policy"),
        (554, "5.7.1", HOLD, "policy"),
        (530, "5.7.0", PAUSE, ""),
        (550, "5.7.8", PAUSE, ""),
        (550, "5.0.0", FAIL, ""),
        (554, "5.0.0", HOLD, "policy"),
        (550, "n'importe quoi", FAIL, ""),
        (550, "5.1.1.1", FAIL, ""),
        (554, "5.x.1", HOLD, "policy"),
    ],
)
def test_permanent_statuses(reply: int, status: str, kind: RetryKind, hold_code: str) -> None:
    decision = judged(Refused, reply, status)
    assert (decision.kind, decision.hold_code) == (kind, hold_code)


@pytest.mark.parametrize(
    ("reply", "status", "wait"),
    [
        *((reply, "", timedelta(minutes=1)) for reply in (101, 111, 420, 421, 432, 441, 442, 450, 451)),
        (451, "4.7.1", timedelta(minutes=1)),
        (452, "4.5.3", timedelta(minutes=1)),
        *((reply, "", timedelta(minutes=30)) for reply in (422, 431, 452)),
        (452, "4.2.2", timedelta(minutes=30)),
        (452, "4.3.1", timedelta(minutes=30)),
        (450, "4.2.2", timedelta(minutes=30)),
        (None, "", timedelta(minutes=1)),
    ],
)
def test_temporary_replies(reply: int | None, status: str, wait: timedelta) -> None:
    decision = judged(TryLater, reply, status, attempts=1)
    assert (decision.kind, decision.wait, decision.due_at) == (DEFER, wait, NOW + wait)
    assert decision.uses_attempt and decision.state is State.DEFERRED


@pytest.mark.parametrize("stage", ["connect", "tls", "login"])
def test_an_operator_out_of_reach_costs_no_mail_an_attempt_and_never_ends_it(stage: str) -> None:
    error = TryLater("Connexion refusée.", stage=stage)
    decision = decide(error, 500, timedelta(days=30), POLICY, now=NOW)
    assert (decision.kind, decision.uses_attempt, decision.due_at) == (DEFER, False, NOW + POLICY.first)


@pytest.mark.parametrize(
    ("stage", "reply", "status"),
    [("mail", 550, ""), ("mail", 553, "5.1.8"), ("mail", 554, "5.7.1"), ("login", 554, ""), ("connect", 554, "")],
)
def test_a_refusal_before_any_recipient_is_about_the_channel(stage: str, reply: int, status: str) -> None:
    decision = judged(Refused, reply, status, stage)
    assert decision.kind is PAUSE and not decision.uses_attempt


def test_a_mail_refused_for_its_size_at_mail_from_is_about_the_mail() -> None:
    assert judged(Refused, 552, "5.3.4", "mail").hold_code == "too-large"
    assert judged(Refused, 552, "", "mail").hold_code == "mailbox-full"


def test_a_destination_not_found_is_tried_a_few_times_then_shown() -> None:
    kinds = [judged(Refused, 512, attempts=n).kind for n in (1, 2, 3, 4)]
    assert kinds == [DEFER, DEFER, HOLD, HOLD]


def test_our_fault_pauses_and_costs_nothing() -> None:
    error = OurFault("Certificat client expiré.", stage="tls", hint="Le renouveler.")
    decision = decide(error, 3, timedelta(days=30), POLICY, now=NOW)
    assert (decision.kind, decision.state, decision.uses_attempt) == (PAUSE, State.DEFERRED, False)
    assert decision.wait == POLICY.pause and decision.due_at == NOW + POLICY.pause
    assert decision.reason == "Certificat client expiré ; canal en pause. Le renouveler."


def test_a_line_lost_after_the_dot_is_unknown_however_old() -> None:
    for error in (OutcomeUnknown("Perdu."), TransportError("Perdu.", stage="final-dot")):
        decision = decide(error, 1, timedelta(days=30), POLICY, now=NOW)
        assert (decision.kind, decision.state, decision.due_at) == (UNKNOWN, State.UNKNOWN, None)


def test_urgent_mail_is_given_up_sooner_and_never_later() -> None:
    error = TryLater("Plus tard.", reply=451, status="4.3.0", stage="data")
    for age, lane, kind in (
        (timedelta(hours=13), Lane.URGENT, FAIL),
        (timedelta(hours=11), Lane.URGENT, DEFER),
        (timedelta(hours=13), Lane.ROUTINE, DEFER),
        (timedelta(hours=49), Lane.ROUTINE, FAIL),
    ):
        assert decide(error, 5, age, RetryPolicy().of_lane(lane), now=NOW).kind is kind
    short = RetryPolicy(give_up=timedelta(hours=2))
    assert short.of_lane(Lane.URGENT).give_up == timedelta(hours=2)


def test_giving_up() -> None:
    error = TryLater("Plus tard.", reply=451, status="4.3.0", stage="data")
    decision = decide(error, 12, timedelta(hours=48), POLICY, now=NOW)
    assert decision.kind is FAIL
    assert decision.reason.startswith("Refus temporaire du serveur (451 4.3.0) ; abandon après 2 j et 12 essais.")


def test_the_last_attempt_falls_on_the_moment_of_giving_up() -> None:
    error = TryLater("Plus tard.", reply=451, stage="data")
    decision = decide(error, 12, timedelta(hours=47, minutes=10), POLICY, now=NOW)
    assert decision.wait == timedelta(minutes=50)


def test_waits_grow_and_stay_below_the_ceiling() -> None:
    waits = [backoff(n, timedelta(minutes=1), 2, timedelta(hours=2)) / timedelta(minutes=1) for n in range(11)]
    assert waits == [1, 1, 2, 4, 8, 16, 32, 64, 120, 120, 120]
    assert backoff(10**9, timedelta(minutes=1), 1.0, timedelta(hours=2)) == timedelta(minutes=1)
    assert backoff(10**9, timedelta(minutes=1), 1.5, timedelta(seconds=5)) == timedelta(minutes=1)


def test_chance_shakes_a_wait_by_a_tenth_at_most() -> None:
    error = TryLater("Plus tard.", reply=451, stage="rcpt")
    waits = [decide(error, 5, YOUNG, POLICY, jitter=jitter).wait for jitter in (0.0, 0.5, 1.0)]
    assert waits == [timedelta(minutes=m) for m in (14.4, 16, 17.6)]


@pytest.mark.parametrize(
    "wrong", [{"first": timedelta(0)}, {"factor": 0.5}, {"jitter": 1.0}, {"jitter": -0.1}], ids=str
)
def test_a_policy_that_cannot_be(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        RetryPolicy(**wrong)


errors = st.builds(
    lambda kind, reply, status, stage: kind("Message du serveur.", reply=reply, status=status, stage=stage),
    st.sampled_from([Refused, TryLater, OurFault, OutcomeUnknown, TransportError]),
    st.one_of(st.none(), st.integers(100, 599)),
    st.one_of(st.just(""), st.text(max_size=8), st.from_regex(r"[245]\.\d{1,3}\.\d{1,3}", fullmatch=True)),
    st.sampled_from(["", "connect", "tls", "login", "mail", "rcpt", "data", "final-dot"]),
)


@given(
    error=errors,
    attempts=st.integers(0, 10**6),
    age=st.timedeltas(timedelta(0), timedelta(days=400)),
    jitter=st.floats(0, 1, allow_nan=False),
)
def test_what_holds_for_every_error(error: TransportError, attempts: int, age: timedelta, jitter: float) -> None:
    decision = decide(error, attempts, age, POLICY, now=NOW, jitter=jitter)
    assert decision.state in MOVES[State.SENDING]
    assert (decision.kind is HOLD) == bool(decision.hold_code)
    assert (decision.due_at is not None) == (decision.kind in {DEFER, PAUSE})
    if decision.due_at is not None:
        assert decision.wait is not None and timedelta(0) < decision.wait <= POLICY.full_maximum * 1.1
    assert (decision.kind is UNKNOWN) >= isinstance(error, OutcomeUnknown)
    if isinstance(error, OurFault):
        assert decision.kind is PAUSE and not decision.uses_attempt
    if isinstance(error, TryLater):
        assert decision.kind in {DEFER, FAIL, PAUSE}
    if age >= POLICY.give_up and error.stage in {"mail", "rcpt", "data"} and type(error) is TryLater:
        assert decision.kind in {FAIL, PAUSE}
    assert decision.reason.endswith(".") and re.search("[a-zéè]", decision.reason)


@given(error=errors)
def test_the_servers_own_text_is_not_quoted(error: TransportError) -> None:
    """It may quote anything: an address, a subject, a name."""
    if not isinstance(error, OurFault):
        assert "Message du serveur" not in decide(error, 1, YOUNG, POLICY).reason


@given(st.integers(1, 60), st.floats(0, 0.999))
def test_no_wait_is_longer_than_the_longest(attempts: int, jitter: float) -> None:
    """What is further ahead comes from a wrong clock (``store/set_back.py``)."""
    policy = RetryPolicy(maximum=timedelta(hours=3), full_maximum=timedelta(hours=4), jitter=0.2)
    for error in (
        TryLater("Plein.", reply=452, status="4.2.2", stage="rcpt"),
        TryLater("Occupé.", reply=450, status="4.3.0", stage="rcpt"),
        OurFault("Identification refusée.", reply=535, status="5.7.8", stage="login"),
    ):
        decision = decide(error, attempts, timedelta(hours=1), policy, jitter=jitter)
        assert decision.wait is not None and decision.wait <= policy.longest
    assert policy.longest < timedelta(hours=5)
