"""Mail that nobody reads: every rung once, one digest whatever the number, a person who takes it over; a whole year."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dispatcher.errors import DispatcherError, KeyringError
from dispatcher.outbox.calendar import PARIS
from dispatcher.outbox.dispatch import Dispatch, Lane
from dispatcher.outbox.states import State
from dispatcher.ports import StepRow
from dispatcher.receipts.ladder import Ladder, LadderRules, Rung, Step
from dispatcher.routing.candidates import Entry
from dispatcher.routing.trace import from_json
from dispatcher.service import climb as climbing
from dispatcher.service import operate, overview
from dispatcher.service.acknowledge import acknowledge
from dispatcher.service.climb import Climbed, climb
from dispatcher.service.second_way import HAS_IT
from dispatcher.store.engine import open_store
from dispatcher.wiring.schedule import public_holidays
from tests.backlog import queue
from tests.contract.store_kit import make_cipher
from tests.service.bench import DURAND, PETIT, Bench, local
from tests.service.conftest import Watch
from tests.service.samples import dsn, mdn, oru
from tests.unit.receipts.test_ladder import OFFICE, STEPS

EVE = "operator:eve"
MINUTES = (
    Step(rung=Rung.PERSON, wait=timedelta(minutes=30), working=False, whom="Dr Garde"),
    Step(rung=Rung.PERSON, wait=timedelta(minutes=30), working=False, whom="Dr Chef"),
)


def rules(
    *steps: Step, urgent: tuple[Step, ...] = MINUTES, reads: bool = True, every: float = 4, **more: object
) -> LadderRules:
    both = {Lane.ROUTINE: Ladder(steps=steps or STEPS, calendar=OFFICE), Lane.URGENT: Ladder(steps=urgent)}
    return LadderRules(
        ladders={"pro": both, "mss": both},
        expects_read=lambda dispatch, learned: reads,
        digest_every=timedelta(hours=every),
        **more,  # type: ignore[arg-type]
    )


def hear(bench: Bench) -> None:
    with bench.real.transaction() as uow:
        for channel in ("pro", "mss"):
            uow.ladder.hear(channel, bench.clock.now())


def look(bench: Bench, wanted: LadderRules) -> Climbed:
    hear(bench)
    return climb(bench.desk, wanted)


def go(bench: Bench, wanted: LadderRules, hours: float, every: float = 0.5) -> Counter[str]:
    """The service runs for so long."""
    done: Counter[str] = Counter()
    for _ in range(int(hours / every)):
        bench.clock.advance(every * 3600)
        one = look(bench, wanted)
        done += Counter(reminded=one.reminded, seconds=one.seconds, papers=one.papers, called=len(one.called))
    return done


def steps(bench: Bench, dispatch_id: str) -> tuple[StepRow, ...]:
    with bench.real.reading() as uow:
        return uow.ladder.steps(dispatch_id)


def sent(bench: Bench, content: bytes = b"") -> Dispatch:
    bench.bring(content or oru())
    bench.run()
    one = bench.dispatches()[0]
    assert one.state is State.SENT
    return one


def test_from_the_reminder_to_a_person(on_both: Bench) -> None:
    bench = on_both
    one, wanted = sent(bench), rules()
    go(bench, wanted, 24 * 9)
    assert [(row.step, row.rung) for row in steps(bench, one.id)] == [
        (1, "remind"),
        (2, "second"),
        (3, "paper"),
        (4, "person"),
    ]
    found = bench.get(one.id)
    assert found.state is State.PAPER and "jamais lu" in found.reason
    assert found.doubted_at is not None, "it may be in his box: a cancellation goes there too"
    events = [event for event in bench.events(one.id) if event.startswith("dispatch.")]
    assert events[-4:] == ["dispatch.reminded", "dispatch.no-second-way", "dispatch.paper", "dispatch.person-called"]
    assert [one.id for one in overview.status(bench.real, bench.clock, bench.channels).calling] == [one.id]
    assert go(bench, wanted, 24 * 9).total() == 0


def test_a_late_receipt_stops_it_on_every_rung(bench: Bench) -> None:
    one, wanted = sent(bench), rules()
    go(bench, wanted, 26)
    assert len(steps(bench, one.id)) == 1
    bench.mailbox.arrive(mdn(one.message_id, one.address))
    bench.collect()
    assert bench.get(one.id).climb_at is None
    assert go(bench, wanted, 24 * 9).total() == 0
    with bench.real.reading() as uow:
        assert uow.ladder.count_unread() == 0


def test_on_paper_for_want_of_a_reader_only_reading_ends_it(bench: Bench) -> None:
    one, wanted = sent(bench), rules(STEPS[2])
    go(bench, wanted, 24 * 3)
    assert bench.states() == [State.PAPER]
    bench.mailbox.arrive(dsn(one.message_id, one.address, "delivered"))
    bench.collect()
    assert bench.states() == [State.PAPER], "that it arrived is no news: nobody read it"
    bench.mailbox.arrive(mdn(one.message_id, one.address))
    bench.collect()
    assert bench.states() == [State.READ]


def test_where_no_receipt_can_be_hoped_for_nothing_is_climbed(bench: Bench) -> None:
    one = sent(bench)
    assert go(bench, rules(reads=False), 24 * 9).total() == 0
    assert bench.get(one.id).climb_at is None
    assert go(bench, rules(), 24 * 9).total() == 0, "what is over stays over"


def test_silence_counts_only_while_the_mailbox_is_read(bench: Bench) -> None:
    one, wanted = sent(bench), rules()
    for _ in range(100):
        bench.clock.advance(3600)
        climb(bench.desk, wanted)
    assert steps(bench, one.id) == ()
    assert go(bench, wanted, 2).total() == 1


def test_a_critical_result_calls_a_person_within_minutes_and_the_next_until_one_takes_it_over(bench: Bench) -> None:
    bench.bring(oru(urgent=True))
    bench.send()
    one, wanted = bench.one(), rules()
    assert one.lane is Lane.URGENT
    climb(bench.desk, wanted)  # its mailbox is read by nobody: all the more a person is called
    bench.clock.advance(31 * 60)
    assert climb(bench.desk, wanted).called == [one.id]
    bench.clock.advance(31 * 60)
    assert climb(bench.desk, wanted).called == [one.id]
    assert [row.note for row in steps(bench, one.id)] == ["Dr Garde", "Dr Chef"]
    done = acknowledge(bench.real, bench.clock, [one.id, "D000000000"], reason="appelé à 10 h 05", actor=EVE)
    assert done.done == (one.id,) and done.refused == (("D000000000", "Aucun envoi ne porte ce numéro."),)
    assert acknowledge(bench.real, bench.clock, [one.id], reason="x", actor=EVE).refused
    assert overview.status(bench.real, bench.clock, bench.channels).calling == ()
    with bench.real.reading() as uow:
        line = uow.journal.of_subject(one.id)[-1]
    assert (line.event, line.actor, line.detail["reason"]) == ("dispatch.acknowledged", EVE, "appelé à 10 h 05")


def test_who_takes_it_over_early_is_not_called(bench: Bench) -> None:
    one, wanted = sent(bench), rules()
    look(bench, wanted)
    acknowledge(bench.real, bench.clock, [one.id], reason="lu au téléphone", actor=EVE)
    assert go(bench, wanted, 24 * 9).total() == 0


def test_a_replaced_version_is_not_climbed_for(bench: Bench) -> None:
    one, wanted = sent(bench), rules()
    look(bench, wanted)
    bench.bring(oru(status="C", control="M2", sent="20260311090500", at="20260311090000"))
    bench.run()
    go(bench, wanted, 24 * 2)
    first, second = bench.dispatches()
    assert first.id == one.id and steps(bench, first.id) == ()
    assert [row.rung for row in steps(bench, second.id)][:1] == ["remind"]


def test_ten_thousand_unread_mails_give_one_digest(bench: Bench, watch: Watch) -> None:
    count, wanted = 10_000, rules(STEPS[0])
    queue(bench.real, count, address=DURAND, channel="pro", now=bench.clock.now())
    with bench.real.transaction() as uow:
        for number in range(count):
            uow.dispatches.move(f"D{number:05}", State.UNKNOWN)
            uow.dispatches.move(f"D{number:05}", State.SENT)
    assert look(bench, wanted).begun == count
    bench.clock.advance(24 * 3600 * 2)
    done = look(bench, wanted)
    assert done.reminded == count
    with bench.real.reading() as uow:
        digest = uow.ladder.last_digest()
        assert digest is not None and digest.count == count and digest.told
        assert uow.ladder.count_unread() == count
        assert [line.event for line in uow.journal.of_subject(digest.id)] == ["ladder.digest"]
    assert watch.text.count("never read") == 1


def test_reminders_wait_for_the_next_digest(bench: Bench) -> None:
    wanted = rules(STEPS[0])
    first = sent(bench)
    bench.clock.advance(3600)
    bench.bring(oru("R2", control="R2"))
    bench.run()
    go(bench, wanted, 48, every=0.25)
    rows = [steps(bench, one.id)[0] for one in bench.dispatches()]
    times = sorted(row.at for row in rows)
    assert len({row.digest for row in rows}) == 2 and times[1] - times[0] >= timedelta(hours=4)
    assert min(rows, key=lambda row: row.at).dispatch_id == first.id


def test_a_digest_cut_off_goes_on_as_the_same(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = rules(STEPS[0])
    for number in range(4):
        bench.bring(oru(f"R{number}", control=f"R{number}"))
    bench.run()
    look(bench, wanted)
    bench.clock.advance(24 * 3600 * 2)
    monkeypatch.setattr(climbing, "PAGE", 2)
    monkeypatch.setattr(climbing, "PAGES", 1)
    monkeypatch.setattr(climbing, "_tell", lambda state: None)  # stopped before the end
    assert look(bench, wanted).reminded == 2
    monkeypatch.undo()
    assert look(bench, wanted).reminded == 2
    with bench.real.reading() as uow:
        digest = uow.ladder.last_digest()
    assert digest is not None and digest.count == 4
    assert {steps(bench, one.id)[0].digest for one in bench.dispatches()} == {digest.id}


# ------------------------------------------------------------------------------------------------ the second way


def entry(address: str, rank: int, **more: object) -> Entry:
    values: dict[str, object] = {
        "identifier": "99700000013",
        "family": "DURAND",
        "given": "Pierre",
        "source": "mssante",
    }
    return Entry(**values | {"address": address, "rank": rank, "id_type": "RPPS"} | more)  # type: ignore[arg-type]


SECOND_NOW = Step(rung=Rung.SECOND, wait=timedelta(hours=1))


def test_the_second_way_is_another_box_the_rules_choose(bench: Bench) -> None:
    bench.directory.entries = [entry(DURAND, 1), entry("durand.cabinet@dest.test", 2)]
    one = sent(bench, oru(to="99700000013^DURAND^Pierre^^^^^^RPPS&1.2.250.1.71.4.2.1&ISO^^^^RPPS"))
    assert one.address == DURAND
    assert go(bench, rules(SECOND_NOW), 4)["seconds"] == 1
    (new,) = bench.dispatches(resend_of=one.id)
    assert new.address == "durand.cabinet@dest.test" and new.state is State.READY
    assert new.message_id not in {"", one.message_id} and new.report_id == one.report_id
    route = from_json(new.decision)
    assert route.route is not None and route.route.address == new.address and len(route.trace) > 3
    bench.batch()
    bench.send()
    go(bench, rules(SECOND_NOW, STEPS[0], STEPS[2]), 4)
    assert steps(bench, new.id) == (), "the copy has no ladder of its own"
    bench.mailbox.arrive(mdn(new.message_id, new.address))
    bench.collect()
    assert go(bench, rules(SECOND_NOW, STEPS[0], STEPS[2]), 24 * 9).total() == 0, "he has read it"


def test_the_second_way_never_goes_to_somebody_of_the_same_name(bench: Bench) -> None:
    bench.directory.entries = [entry(DURAND, 1), entry("autre.durand@dest.test", 2, identifier="99700000021")]
    one = sent(bench, oru(to="99700000013^DURAND^Pierre^^^^^^RPPS&1.2.250.1.71.4.2.1&ISO^^^^RPPS"))
    assert go(bench, rules(SECOND_NOW), 4)["seconds"] == 0
    assert [row.rung for row in steps(bench, one.id)] == ["second"]
    assert bench.events(one.id)[-1] == "dispatch.no-second-way" and len(bench.dispatches()) == 1


def test_two_boxes_that_fit_alike_are_no_second_way(bench: Bench) -> None:
    bench.directory.entries = [entry(DURAND, 1), entry("a@dest.test", 2), entry("b@dest.test", 2)]
    sent(bench, oru(to="99700000013^DURAND^Pierre^^^^^^RPPS&1.2.250.1.71.4.2.1&ISO^^^^RPPS"))
    go(bench, rules(SECOND_NOW), 4)
    assert len(bench.dispatches()) == 1


def test_the_stand_in_is_whom_the_laboratory_named(bench: Bench) -> None:
    one = sent(bench)
    wanted = rules(SECOND_NOW, seconds={"sil": {"D001": "D002"}})
    assert go(bench, wanted, 4)["seconds"] == 1
    (new,) = bench.dispatches(resend_of=one.id)
    assert new.address == PETIT and new.state is State.READY


@pytest.mark.parametrize(
    ("seconds", "lines"),
    [
        ({"autre": {"D001": "D002"}}, []),
        ({"sil": {"D001": "D777"}}, []),
        ({"sil": {"D001": "D778"}}, [local("D778", DURAND)]),
        ({"sil": {"D001": "D779"}}, [local("D779", "a@dehors.test", channel="mss")]),
        ({"sil": {"D001": "D780"}}, [local("D780", "", delivery="paper")]),
    ],
)
def test_where_the_rules_hold_a_mail_there_is_no_second_way(
    bench: Bench, seconds: dict[str, dict[str, str]], lines: list[object]
) -> None:
    bench.directory.lines += lines  # type: ignore[arg-type]
    one = sent(bench)
    assert go(bench, rules(SECOND_NOW, seconds=seconds), 4)["seconds"] == 0
    assert len(bench.dispatches()) == 1 and bench.get(one.id).state is State.SENT


def test_the_stand_in_who_has_it_at_another_address_gets_it_once(bench: Bench) -> None:
    one = sent(bench, oru(copies="D002^PETIT^Sophie"))
    at = next(number for number, line in enumerate(bench.directory.lines) if line.code == "D002")
    bench.directory.lines[at] = local("D002", "petit.nouvelle@dest.test", label="Dr PETIT Sophie")
    wanted = rules(SECOND_NOW, seconds={"sil": {"D001": "D002"}})
    go(bench, wanted, 4)
    assert one.address == DURAND and bench.dispatches(resend_of=one.id) == ()
    assert steps(bench, one.id)[0].note == HAS_IT


def test_a_second_copy_that_cannot_be_sealed_is_no_second_way(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    one = sent(bench)

    def none(*arguments: object) -> None:
        raise KeyringError("Aucune clé.", code="no-key")

    monkeypatch.setattr("dispatcher.service.make.seal_for", none)
    assert go(bench, rules(SECOND_NOW, seconds={"sil": {"D001": "D002"}}), 4)["seconds"] == 0
    assert len(bench.dispatches()) == 1
    assert [(row.rung, row.note) for row in steps(bench, one.id)] == [("second", "Aucune clé.")]


def test_a_fault_of_one_stops_no_other(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> str:
        raise DispatcherError("en panne")

    sent(bench)
    monkeypatch.setattr(climbing, "second_way", broken)
    assert go(bench, rules(SECOND_NOW), 4).total() == 0
    monkeypatch.undo()
    go(bench, rules(SECOND_NOW), 1)
    assert len(steps(bench, bench.one().id)) == 1


# ------------------------------------------------------------------------------------------------ paper and persons


def test_printed_letters_call_nobody(bench: Bench) -> None:
    one, wanted = sent(bench), rules(STEPS[2], STEPS[3])
    go(bench, wanted, 7)
    assert bench.states() == [State.PAPER]
    operate.printed(bench.real, bench.clock, [one.id], actor=EVE)
    assert go(bench, wanted, 24 * 9).total() == 0


def test_a_late_urgent_mail_can_be_taken_over(bench: Bench) -> None:
    bench.directory.lines.clear()
    bench.bring(oru(urgent=True))
    bench.clock.advance(700)
    from dispatcher.service.escalate import escalate

    assert escalate(bench.real, bench.clock) == 1
    one = bench.one()
    acknowledge(bench.real, bench.clock, [one.id], reason="appelé", actor=EVE)
    assert overview.status(bench.real, bench.clock, bench.channels).late == ()
    assert bench.get(one.id).state is State.HELD and bench.get(one.id).reason == one.reason


def test_a_database_that_came_back_climbs_nothing_before_it_is_resumed(bench: Bench) -> None:
    sent(bench)
    wanted = rules()
    look(bench, wanted)
    now = bench.clock.now()
    with bench.real.transaction() as uow:
        uow.installation.restored(now, now, 1, actor=EVE)
    assert go(bench, wanted, 24 * 3).total() == 0
    with bench.real.transaction() as uow:
        uow.installation.resumed()
    assert go(bench, wanted, 2).total() == 1


# ------------------------------------------------------------------------------------------------ a year


def test_a_year_with_two_nodes_restarts_and_clock_steps(bench: Bench) -> None:
    """Arrivals all year round; passes by one node or the other, some at once; clocks that jump; holidays, both changes
    of clocks and the turn of the year. Every rung of every mail once, in order, never early."""
    fate = random.Random(6)
    bench.clock.at = datetime(2026, 1, 2, 9, tzinfo=UTC)
    wanted, count = rules(every=0.5), 0
    other = replace(bench.desk, store=open_store(f"sqlite:///{bench.database}", make_cipher(), bench.clock))
    holidays = public_holidays("metropole")
    days = set()
    while bench.clock.now() < datetime(2027, 2, 1, tzinfo=UTC):
        bench.clock.advance(fate.uniform(1, 9) * 3600)
        if fate.random() < 0.25:
            count += 1
            _one_more(bench, count)
        if fate.random() < 0.03:
            bench.reopen()
        if fate.random() < 0.05:
            bench.clock.step(fate.choice([-7200.0, -600.0, 600.0]))
        hear(bench)
        for desk in fate.sample([bench.desk, other], fate.choice([1, 1, 2])):
            climb(desk, wanted)
        days.add(bench.clock.now().astimezone(PARIS).date())
    other.store.close()
    assert count > 300
    seen: Counter[tuple[int, str]] = Counter()
    for one in bench.dispatches():
        found = steps(bench, one.id)
        assert [row.step for row in found] == list(range(1, len(found) + 1))
        assert one.sent_at is not None
        before = one.sent_at
        for row, step in zip(found, STEPS, strict=False):
            due = OFFICE.after(before, step.wait) if step.working else before + step.wait
            assert due is not None and row.at >= due - timedelta(hours=2), "early by no more than a clock was set"
            before = row.at
            seen[row.step, row.rung] += 1
        events = [event for event in bench.events(one.id) if event.startswith("dispatch.")]
        assert all(events.count(event) == 1 for event in set(events))
    oldest = [one for one in bench.dispatches() if one.sent_at and one.sent_at < datetime(2027, 1, 15, tzinfo=UTC)]
    assert all(len(steps(bench, one.id)) == 4 for one in oldest) and len(oldest) > 280
    assert [rung for _, rung in sorted(seen)] == ["remind", "second", "paper", "person"]
    assert days & holidays(2026)


def _one_more(bench: Bench, number: int) -> None:
    from dispatcher.outbox.dispatch import ReportVersion, SourceFile
    from dispatcher.outbox.states import FileState

    now = bench.clock.now()
    with bench.real.transaction() as uow:
        uow.files.add(
            SourceFile(
                id=f"F{number}", source="sil", path=f"/{number}", name="x", size=1, mtime_ns=1, sha256=f"{number}",
                state=FileState.DONE, received_at=now,
            )
        )  # fmt: skip
        uow.reports.add(
            ReportVersion(
                id=f"C{number}", file_id=f"F{number}", position=0, chain=f"c{number}", version=1, fingerprint="",
                document_id=f"d{number}", set_id="s", created_at=now,
            )
        )  # fmt: skip
        uow.dispatches.add(
            Dispatch(
                id=f"D{number}", report_id=f"C{number}", chain=f"c{number}", version=1, state=State.QUEUED,
                recipient_key=f"k{number}", role="patient", address=DURAND, domain="dest.test", channel="pro",
                message_id=f"<{number}@labo.test>", envid=f"D{number}", created_at=now,
            )
        )  # fmt: skip
        uow.dispatches.move(f"D{number}", State.SENDING)
        uow.dispatches.move(f"D{number}", State.SENT)


def test_after_a_clock_a_year_ahead_the_ladder_is_worked_out_anew(bench: Bench) -> None:
    bench.clock.step(400 * 86400)
    one, wanted = sent(bench), rules()
    look(bench, wanted)
    bench.clock.step(-400 * 86400)
    assert go(bench, wanted, 26)["reminded"] == 1
    assert [row.rung for row in steps(bench, one.id)] == ["remind"]
