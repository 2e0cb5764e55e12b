"""Our own mailbox is kept light and watched; silence is learned; what came enciphered is opened with our keys."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

import dispatcher.service.collect as room
from dispatcher.daemon import mailboxes, steps
from dispatcher.daemon.mailboxes import FIRST, LONGEST, Patience
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from dispatcher.ports import Fill, Signer
from dispatcher.receipts.support import Gives
from dispatcher.sealing.envelope import encrypt, sign_opaque
from dispatcher.service import alarms, overview
from dispatcher.service.collect import Collected, collect
from dispatcher.service.enciphered import opener
from dispatcher.service.mailbox_care import care
from dispatcher.service.mails_aside import StoredAside
from dispatcher.service.support import PATIENCE, expectation, learn, quiet_domains
from dispatcher.settings import MailboxSettings
from tests.fakes import OneSigner
from tests.pki import pki
from tests.service.bench import Bench, channel_settings
from tests.service.samples import dsn, mdn, oru

DAY = 24 * 3600
MB = 1_000_000


@pytest.fixture(autouse=True)
def with_mailbox(bench: Bench) -> None:
    mailbox = MailboxSettings(kind="maildir", path=bench.folder)
    bench.set_channel("pro", channel_settings(mailbox=mailbox))
    bench.restart()
    assert learn(bench.channel, bench.store, bench.clock) == 0  # the service starts


def send(bench: Bench, *orders: str) -> list[Dispatch]:
    bench.bring(*(oru(order) for order in orders))
    bench.run()
    return [bench.one(order=order) for order in orders]


def look(bench: Bench, **changes: object) -> str:
    """One look after our mailbox; gives the alarm that stands."""
    settings = MailboxSettings.model_validate({"kind": "maildir", "path": str(bench.folder)} | changes)
    care("pro", settings, bench.mailbox, bench.store, bench.clock)
    return alarms.standing(bench.store, alarms.mailbox_fill("pro"))


# ------------------------------------------------------------------------------------------------ fill and age


def test_a_full_or_old_mailbox_alarms_once_before_the_operator_closes_it(bench: Bench) -> None:
    assert look(bench) == ""
    bench.mailbox.filled = Fill(used=39 * MB)
    assert look(bench) == ""
    bench.mailbox.filled = Fill(used=41 * MB)
    assert "Boîte pleine à 82 % (41,0 Mo sur 50,0 Mo)" in look(bench)
    look(bench)
    assert bench.events(alarms.mailbox_fill("pro")) == [alarms.STARTED]
    bench.mailbox.filled = Fill(used=41 * MB, limit=100 * MB)
    assert look(bench) == "", "what the server says goes before"
    bench.mailbox.filled = Fill(used=0, waiting=3, oldest=bench.clock.now() - timedelta(days=19))
    assert look(bench) == ""
    bench.clock.advance(DAY)
    said = look(bench)
    assert "3 courriers à examiner dans la boîte, le plus ancien depuis 20 jours" in said
    assert "receipts list --unmatched" in said
    assert bench.events(alarms.mailbox_fill("pro")) == [alarms.STARTED, alarms.ENDED, alarms.STARTED]


def test_filed_notices_leave_only_when_the_store_holds_them(bench: Bench) -> None:
    (dispatch,) = send(bench, "R1")
    bench.mailbox.arrive(dsn(dispatch.message_id, dispatch.address))
    bench.collect()
    foreign = bench.mailbox.arrive(b"From: a@b.test\r\nSubject: x\r\n\r\nFiled by hand\r\n")
    bench.mailbox.understood.append(foreign)
    assert look(bench, keep_days=0) == ""
    assert bench.mailbox.relieved_before is None
    look(bench)
    assert bench.mailbox.relieved_before == bench.clock.now() - timedelta(days=20)
    assert set(bench.mailbox._mails) == {foreign}, "nothing unknown is ever deleted"


def test_what_matches_nothing_is_never_taken_for_held(bench: Bench) -> None:
    uid = bench.mailbox.arrive(dsn("<inconnu@labo.test>", "x@dest.test"))
    bench.collect()
    bench.mailbox.aside.remove(uid)
    bench.mailbox.understood.append(uid)  # somebody moved it among the others
    look(bench)
    assert uid in bench.mailbox._mails


def test_what_stays_in_a_mailbox_without_folders_is_remembered_over_a_restart(bench: Bench) -> None:
    aside = StoredAside(bench.store, bench.clock, "pro")
    aside.add(["u1", "u2"])
    bench.restart()
    again = StoredAside(bench.store, bench.clock, "pro")
    assert again.known() == {"u1", "u2"}
    again.keep_only(["u2", "u3"])
    assert again.known() == {"u2"}
    assert StoredAside(bench.store, bench.clock, "mss").known() == frozenset()


def test_a_mailbox_that_fails_is_asked_less_and_less(bench: Bench) -> None:
    patience = Patience(bench.clock)
    assert not patience.rests("pro")
    waited = []
    for _ in range(8):
        patience.failed("pro")
        seconds = 0
        while patience.rests("pro"):
            bench.clock.advance(10)
            seconds += 10
        waited.append(seconds)
    assert waited == [FIRST, 60, 120, 240, 480, LONGEST, LONGEST, LONGEST]
    assert not patience.rests("mss")
    patience.worked("pro")
    patience.failed("pro")
    bench.clock.advance(FIRST)
    assert not patience.rests("pro")


# ------------------------------------------------------------------------------------------------ what silence teaches


def after(bench: Bench) -> int:
    bench.clock.advance(PATIENCE.total_seconds() + 60)
    return learn(bench.channel, bench.store, bench.clock)


def test_a_domain_that_never_answers_is_left_out_of_the_silence_that_status_tells(bench: Bench) -> None:
    first, *_ = send(bench, *(f"R{number}" for number in range(4)))
    assert after(bench) == 4
    assert status(bench)[0] is not None, "four are too few to say so"
    send(bench, "R9")
    assert after(bench) == 1
    with bench.store.reading() as uow:
        assert quiet_domains(uow, "pro") == (first.domain,)
        assert expectation(uow, first).delivery is Gives.NEVER
    assert status(bench) == (None, 1)
    assert overview.show(bench.store, first.id).expects.delivery is Gives.NEVER  # type: ignore[union-attr]
    bench.mailbox.arrive(dsn(first.message_id, first.address))
    bench.collect()
    told, quiet = status(bench)
    assert told is not None and quiet == 0, "it answers after all: the silence of the others tells something again"


def status(bench: Bench) -> tuple[str | None, int]:
    view = overview.status(bench.store, bench.clock, bench.channels)
    return view.oldest_silent.id if view.oldest_silent else None, view.quiet_domains


def test_a_reader_that_never_answers_is_known_and_one_answer_changes_it(bench: Bench) -> None:
    sent = send(bench, *(f"R{number}" for number in range(11)))
    for number, dispatch in enumerate(sent):
        bench.mailbox.arrive(dsn(dispatch.message_id, dispatch.address, number=number))
    bench.collect()
    after(bench)
    with bench.store.reading() as uow:
        found = expectation(uow, sent[0])
    assert (found.delivery, found.reading) == (Gives.YES, Gives.NEVER)
    bench.mailbox.arrive(mdn(sent[0].message_id, sent[0].address, "deleted"))
    bench.collect()
    with bench.store.reading() as uow:
        assert expectation(uow, sent[0]).reading is Gives.YES


@pytest.mark.parametrize("disposition", ["displayed", "dispatched", "deleted"])
def test_a_stranger_teaches_nothing(bench: Bench, disposition: str) -> None:
    (dispatch,) = send(bench, "R1")
    bench.mailbox.arrive(mdn(dispatch.message_id, dispatch.address, disposition, sender="voleur@ailleurs.test"))
    bench.collect()
    with bench.store.reading() as uow:
        assert uow.support.list() == ()


def test_relayed_is_told_apart_from_delivered(bench: Bench) -> None:
    (dispatch,) = send(bench, "R1")
    bench.mailbox.arrive(dsn(dispatch.message_id, dispatch.address, "relayed"))
    bench.collect()
    with bench.store.reading() as uow:
        assert expectation(uow, dispatch).delivery is Gives.RELAYED


def test_nothing_is_learned_while_our_mailbox_cannot_be_read(bench: Bench) -> None:
    send(bench, *(f"R{number}" for number in range(6)))
    alarms.tell(bench.store, alarms.mailbox("pro"), "Serveur IMAP injoignable.")
    assert after(bench) == 0
    alarms.tell(bench.store, alarms.mailbox("pro"), "")
    assert learn(bench.channel, bench.store, bench.clock) == 6
    bench.set_channel("pro", channel_settings())
    bench.restart()
    send(bench, "R7")
    assert after(bench) == 0, "nobody would hear an answer"


# ------------------------------------------------------------------------------------------------ enciphered notices


def pair(name: str) -> Signer:
    made = getattr(pki(), name)
    return Signer(key=made.key, certificate=made.certificate, fingerprint=name)


def wrapped(content: bytes, *, name: str, sign: bool = False) -> bytes:
    """As an operator's gateway sends it: the header of a mail around the S/MIME entity."""
    entity = content.partition(b"MIME-Version: 1.0\n")[2].replace(b"\n", b"\r\n")
    inner = sign_opaque(entity, pair("bob")) if sign else entity
    head = content.partition(b"MIME-Version: 1.0\n")[0].replace(b"\n", b"\r\n")
    return head + b"MIME-Version: 1.0\r\n" + encrypt(inner, [pair(name).certificate])


@pytest.mark.parametrize("sign", [False, True])
def test_an_enciphered_notice_counts_like_any_other(bench: Bench, sign: bool) -> None:
    (dispatch,) = send(bench, "R1")
    bench.mailbox.arrive(wrapped(mdn(dispatch.message_id, dispatch.address), name="alice", sign=sign))
    result = through_keys(bench, pair("alice"))
    assert result.changes == {State.READ: 1}
    assert bench.get(dispatch.id).state is State.READ


def test_one_that_no_key_opens_waits_for_a_person_with_the_reason(bench: Bench) -> None:
    (dispatch,) = send(bench, "R1")
    bench.mailbox.arrive(wrapped(mdn(dispatch.message_id, dispatch.address), name="bob"))
    result = through_keys(bench, pair("alice"))
    assert result.changes == {}
    assert bench.mailbox.aside == ["1"]
    with bench.store.reading() as uow:
        (row,) = uow.receipts.unmatched()
    assert "aucune clé du canal ne l'ouvre" in row.note


def test_a_stranger_s_enciphered_notice_marks_nothing(bench: Bench) -> None:
    (dispatch,) = send(bench, "R1")
    forged = mdn(dispatch.message_id, dispatch.address, sender="voleur@ailleurs.test")
    bench.mailbox.arrive(wrapped(forged, name="alice"))
    assert through_keys(bench, pair("alice")).changes == {}


def through_keys(bench: Bench, *pairs: Signer) -> Collected:
    (one,) = pairs
    return collect("pro", bench.mailbox, bench.store, bench.clock, opener=opener(OneSigner(one), "pro"))


# ------------------------------------------------------------------------------------------------ a full mailbox


def test_a_mailbox_of_many_hundred_notices_is_read_in_one_go(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailboxes, "FULL", 3)
    monkeypatch.setattr(room, "FULL", 3)
    (dispatch,) = send(bench, "R1")
    for number in range(8):
        bench.mailbox.arrive(dsn(dispatch.message_id, dispatch.address, number=number))
    office = SimpleNamespace(
        store=bench.store, clock=bench.clock, channels=bench.channels, open_mailbox=lambda name: bench.mailbox
    )
    assert steps.collect_one(office, "pro").mails == 8  # type: ignore[arg-type]
    assert bench.mailbox.new == ()
    with bench.real.reading() as uow:
        assert uow.ladder.heard("pro") == bench.clock.now(), "read to its end: silence counts on the ladder"


def test_what_cannot_be_settled_yet_does_not_hold_the_others_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hand-over goes on: its notice stays unread, pass after pass."""
    monkeypatch.setattr(mailboxes, "FULL", 1)
    monkeypatch.setattr(room, "FULL", 1)
    monkeypatch.setattr(room, "_too_early", lambda *_: True)
    bench.mailbox.arrive(dsn("<x@labo.test>", "x@dest.test"))
    office = SimpleNamespace(
        store=bench.store, clock=bench.clock, channels=bench.channels, open_mailbox=lambda name: bench.mailbox
    )
    assert steps.collect_one(office, "pro").mails == 1, "one pass, not ten"  # type: ignore[arg-type]
    with bench.real.reading() as uow:
        assert uow.ladder.heard("pro") is None, "a full pass may hide others"
