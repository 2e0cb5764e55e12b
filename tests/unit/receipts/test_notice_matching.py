"""A notice finds its own dispatch or none; what it changes follows the table of states."""

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import MOVES, State
from dispatcher.receipts.matching import Match, effect, match
from dispatcher.receipts.notice import Cause, Kind, Notice
from dispatcher.receipts.notices import read
from dispatcher.resources import sample

CAMILLE = "camille.durand@cabinets.mssante.test"
OURS = Dispatch(
    id="d-7K2M9QX4B",
    report_id="r-1",
    chain="c",
    version=1,
    state=State.SENT,
    recipient_key="k",
    role="prescriber",
    address="Camille.Durand@cabinets.mssante.test",
    message_id="<d-7K2M9QX4B.1@labo.test>",
    envid="d-7K2M9QX4B",
)
NEIGHBOUR = replace(
    OURS, id="d-8AAAAAAAA", address="paul.petit@ehpad.mssante.test", message_id="<d-8.1@labo.test>", envid="d-8"
)
ROWS = (OURS, NEIGHBOUR)

DELIVERED = Notice(kind=Kind.DSN, action="delivered", class_="success", recipient=CAMILLE, envid=OURS.envid)
READ = Notice(
    kind=Kind.MDN,
    action="displayed",
    class_="success",
    recipient=CAMILLE,
    sender=CAMILLE,
    message_id=OURS.message_id,
)
FAILED = replace(DELIVERED, action="failed", class_="permanent", status="5.1.1", cause=Cause.UNKNOWN_USER)
REFUSED = replace(READ, action="processed", class_="permanent", code="902", error=True)


def look_up(*, message_id: str = "", envid: str = "", rows: tuple[Dispatch, ...] = ROWS) -> Dispatch | None:
    return next((row for row in rows if message_id == row.message_id or envid == row.envid), None)


def found(notice: Notice) -> Match:
    return match(notice, look_up)


def problem(notice: Notice) -> str:
    said = found(notice)
    assert said.dispatch is None
    assert said.problem is not None
    assert said.why == said.problem.message
    assert CAMILLE not in said.why
    return said.problem.code


# ------------------------------------------------------------------------------------------------ whose notice


def test_message_id_then_envid_then_reply_find_the_dispatch() -> None:
    assert (found(READ).dispatch, found(READ).how) == (OURS, "message-id")
    assert (found(DELIVERED).dispatch, found(DELIVERED).how) == (OURS, "envid")
    answer = Notice(kind=Kind.AUTO_REPLY, recipient=CAMILLE, sender=CAMILLE, related=("<x@y>", OURS.message_id))
    assert (found(answer).dispatch, found(answer).how) == (OURS, "reply")


def test_an_encoded_envid_is_found() -> None:
    row = replace(OURS, envid="d+7")
    said = match(replace(DELIVERED, envid="d+2B7"), partial(look_up, rows=(row,)))
    assert said.dispatch is row


def test_a_notice_about_somebody_else_is_no_match() -> None:
    assert problem(replace(DELIVERED, recipient="paul.petit@ehpad.mssante.test")) == "other-recipient"
    assert problem(replace(READ, recipient="stranger@evil.test", sender="stranger@evil.test")) == "other-recipient"


def test_an_alias_matches_by_the_original_recipient() -> None:
    assert found(replace(FAILED, recipient="c.durand@interne.test", original_recipient=CAMILLE)).dispatch is OURS


def test_a_read_notice_from_a_stranger_is_refused_even_with_the_right_recipient() -> None:
    assert problem(replace(READ, sender="stranger@evil.test")) == "strange-sender"
    assert problem(replace(READ, sender=None)) == "strange-sender"
    assert problem(replace(REFUSED, sender="stranger@evil.test")) == "strange-sender"


def test_a_read_notice_from_a_colleague_of_the_same_domain_counts() -> None:
    assert found(replace(READ, sender="secretariat@cabinets.mssante.test")).dispatch is OURS


def test_a_bounce_may_come_from_any_relay() -> None:
    assert found(replace(FAILED, sender="mailer-daemon@elsewhere.test")).dispatch is OURS


def test_unknown_and_missing_references_say_so() -> None:
    assert problem(replace(READ, message_id="<other@labo.test>")) == "unknown-message"
    assert problem(Notice(kind=Kind.ERROR_MAIL, action="failed", recipient=CAMILLE)) == "no-reference"


def test_a_dsn_without_any_recipient_matches_by_its_key() -> None:
    assert found(replace(FAILED, recipient=None)).dispatch is OURS


def test_an_error_mail_without_recipient_matches_only_from_the_recipients_domain() -> None:
    nameless = Notice(kind=Kind.ERROR_MAIL, action="failed", class_="permanent", message_id=OURS.message_id)
    assert problem(replace(nameless, sender="x@evil.test")) == "no-recipient"
    assert found(replace(nameless, sender="postmaster@cabinets.mssante.test")).dispatch is OURS


@pytest.mark.parametrize(
    "name", ["dsn_postfix_failed", "mdn_displayed", "mdn_error_902", "ko_mail_902", "plain_qmail", "auto_absence_fr"]
)
def test_samples_match_the_dispatch_they_were_made_for(name: str) -> None:
    (notice,), _ = read(sample("receipts", f"{name}.eml").read_bytes())
    assert found(notice).dispatch is OURS


MDN = sample("receipts", "mdn_displayed.eml").read_bytes()


@given(st.lists(st.tuples(st.integers(0, len(MDN)), st.binary(min_size=1, max_size=4)), min_size=1, max_size=6))
def test_a_mutated_read_notice_never_marks_another_dispatch(edits: list[tuple[int, bytes]]) -> None:
    damaged = bytearray(MDN)
    for place, junk in edits:
        damaged[place : place + len(junk)] = junk
    for notice in read(bytes(damaged))[0]:
        assert found(notice).dispatch in (None, OURS)


# ------------------------------------------------------------------------------------------------ what it changes

DELAYED = replace(FAILED, action="delayed", class_="temporary", status="4.4.1", cause=Cause.UNREACHABLE)
RELAYED = replace(DELIVERED, action="relayed")
DELETED = replace(READ, action="deleted", class_=None)
AWAY = Notice(kind=Kind.AUTO_REPLY, recipient=CAMILLE, sender=CAMILLE)


@pytest.mark.parametrize(
    ("state", "notice", "expected"),
    [
        (State.SENT, DELIVERED, State.DELIVERED),
        (State.SENT, RELAYED, State.DELIVERED),
        (State.SENT, replace(DELIVERED, action="expanded"), State.DELIVERED),
        (State.UNKNOWN, DELIVERED, State.DELIVERED),
        (State.FAILED, DELIVERED, State.DELIVERED),
        (State.FAILED, RELAYED, None),
        (State.PAPER, DELIVERED, State.DELIVERED),
        (State.CLOSED, READ, State.READ),
        (State.SENT, READ, State.READ),
        (State.DELIVERED, READ, State.READ),
        (State.UNKNOWN, READ, State.READ),
        (State.FAILED, READ, State.READ),
        (State.SENT, FAILED, State.FAILED),
        (State.DELIVERED, FAILED, State.FAILED),
        (State.UNKNOWN, FAILED, State.FAILED),
        (State.READ, FAILED, None),
        (State.PAPER, FAILED, None),
        (State.WITHDRAWN, FAILED, None),
        (State.SENT, DELAYED, None),
        (State.UNKNOWN, DELAYED, State.SENT),
        (State.SENT, REFUSED, State.FAILED),
        (State.DELIVERED, REFUSED, State.FAILED),
        (State.READ, REFUSED, None),
        (State.SENT, DELETED, None),
        (State.UNKNOWN, DELETED, State.DELIVERED),
        (State.SENT, AWAY, None),
        (State.DELIVERED, DELIVERED, None),
        (State.READ, READ, None),
        (State.READ, DELIVERED, None),
        (State.DEFERRED, DELIVERED, State.HELD),
        (State.QUEUED, READ, State.HELD),
        (State.DEFERRED, FAILED, None),
        (State.HELD, READ, None),
    ],
)
def test_effect_follows_the_table(state: State, notice: Notice, expected: State | None) -> None:
    said = effect(state, notice)
    assert said.state == expected
    assert said.why.endswith(".")
    assert CAMILLE not in said.why


@given(
    st.sampled_from(State),
    st.sampled_from([DELIVERED, RELAYED, READ, FAILED, DELAYED, REFUSED, DELETED, AWAY, Notice(kind=Kind.OTHER)]),
)
def test_effect_only_asks_for_moves_the_table_allows_and_a_second_one_changes_nothing(
    state: State, told: Notice
) -> None:
    said = effect(state, told)
    if said.state is not None:
        assert said.state in MOVES[state]
        assert effect(said.state, told).state is None


def test_a_notice_during_the_hand_over_is_kept_for_later() -> None:
    assert effect(State.SENDING, DELIVERED).again
    assert effect(State.SENDING, DELIVERED).state is None
    assert not effect(State.SENT, DELIVERED).again


def test_the_reason_names_the_cause_and_the_code() -> None:
    assert "adresse inconnue" in effect(State.SENT, FAILED).why
    assert "5.1.1" in effect(State.SENT, FAILED).why
    assert "erreur 902 : patient inconnu" in effect(State.SENT, REFUSED).why
