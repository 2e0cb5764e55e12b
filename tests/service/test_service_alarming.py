"""A month in the life of a laboratory, on a fake clock: exactly these messages; and what holds for every life."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dispatcher.alarms.alarm import Alarm
from dispatcher.alarms.facts import Fault
from dispatcher.alarms.incident import Incident, Judged, Telling, judge, quiet_hours
from dispatcher.alarms.wording import subject, text
from dispatcher.errors import StoreError, TryLater
from dispatcher.outbox.dispatch import Lane
from dispatcher.ports import AlarmNote
from dispatcher.service import alarming
from dispatcher.service.alarm_facts import troubles
from dispatcher.service.overview import StatusView
from dispatcher.service.standing import of_work
from tests.contract.store_kit import Seed
from tests.service.bench import Bench

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RULES = Telling(reminders=(4 * HOUR, DAY), is_quiet=quiet_hours(time(20), time(7)))
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
"""A Monday, 9:00 in Paris."""


class Recording:
    """A way that keeps what it told."""

    joins = True

    def __init__(self, name: str = "mail") -> None:
        self.name, self.fails = name, False
        self.told: list[tuple[AlarmNote, ...]] = []

    def give(self, notes: Sequence[AlarmNote]) -> None:
        if self.fails:
            raise TryLater("coupé")
        self.told.append(tuple(notes))

    @property
    def flat(self) -> list[tuple[str, str]]:
        return [(note.kind, note.key) for notes in self.told for note in notes]


def month(incidents: Sequence[tuple[timedelta, timedelta, Alarm]], rules: Telling, ends: timedelta) -> list[str]:
    """Looks every minute; each message as « day hour:minute kind keys »."""
    known: dict[str, Incident] = {}
    told: list[str] = []
    for minute in range(int(ends / MINUTE)):
        passed, now = minute * MINUTE, START + minute * MINUTE
        standing = [alarm for begin, end, alarm in incidents if begin <= passed < end]
        for message in step(known, standing, rules, now).messages:
            keys = "+".join(one.key for one in message.incidents)
            told.append(f"{passed.days} {now:%H:%M} {message.kind} {keys}")
    return told


def step(known: dict[str, Incident], standing: Sequence[Alarm], rules: Telling, now: datetime) -> Judged:
    judged = judge(known, standing, rules, now)
    known.update({one.key: one for one in judged.changed})
    for key in judged.forgotten:
        known.pop(key, None)
    return judged


def test_a_month_of_a_laboratory() -> None:
    silence = Alarm(code="silence", subject="sil", text="plus rien n'arrive")
    held = Alarm(code="held", text="120 envois attendent", count=120)
    flood = Alarm(code="held", text="10000 envois attendent", count=10_000)
    key = [
        Alarm(code="key-expiring", subject="mss", text="expire", stage=stage, notice=stage < 3) for stage in (1, 2, 3)
    ]
    urgent = Alarm(code="urgent-late", text="pas parti")
    stopped = Alarm(code="channel-stopped", subject="mss", text="arrêté")
    flapping = [(10 * DAY + n * 20 * MINUTE, 10 * DAY + (n * 20 + 5) * MINUTE, stopped) for n in range(9)]
    told = month(
        [
            (HOUR, HOUR + MINUTE, silence),  # a blink: never told
            (2 * HOUR, 5 * HOUR, silence),
            (DAY + HOUR, DAY + 2 * HOUR, held),
            (DAY + 2 * HOUR, DAY + 8 * HOUR, flood),
            (3 * DAY + 14 * HOUR, 3 * DAY + 16 * HOUR, silence),  # begins and ends in a quiet night: never told
            (4 * DAY + 14 * HOUR, 4 * DAY + 16 * HOUR, urgent),  # the same night, urgent: told
            (5 * DAY, 14 * DAY, key[0]),
            (14 * DAY, 20 * DAY, key[1]),
            (20 * DAY, 26 * DAY + HOUR, key[2]),
            *flapping,
        ],
        RULES,
        30 * DAY,
    )
    assert told == [
        "0 10:02 start silence:sil",
        "0 13:10 end silence:sil",
        "1 09:02 start held",
        "1 10:00 worse held",
        "1 14:00 reminder held",
        "1 16:10 end held",
        "4 22:00 start urgent-late",
        "4 00:10 end urgent-late",
        "5 08:02 start key-expiring:mss",
        "10 08:02 start channel-stopped:mss",
        "10 08:15 end channel-stopped:mss",
        "10 08:22 start channel-stopped:mss",
        "10 12:05 end channel-stopped:mss",
        "14 08:00 worse key-expiring:mss",
        "20 08:00 worse key-expiring:mss",
        "20 12:00 reminder key-expiring:mss",
        "21 12:00 reminder key-expiring:mss",
        "22 12:00 reminder key-expiring:mss",
        "23 12:00 reminder key-expiring:mss",
        "24 12:00 reminder key-expiring:mss",
        "25 12:00 reminder key-expiring:mss",
        "26 09:10 end key-expiring:mss",
    ]


CHOSEN = ("held", "failed", "urgent-late", "silence")


@given(st.lists(st.sets(st.sampled_from(CHOSEN)), max_size=120), st.booleans())
@hypothesis_settings(max_examples=150)
def test_whatever_happens_each_incident_has_one_start_and_one_end(looks: list[set[str]], quiet: bool) -> None:
    known: dict[str, Incident] = {}
    said: dict[str, list[str]] = {code: [] for code in CHOSEN}
    rules = RULES if quiet else Telling(reminders=(HOUR,))
    for number, codes in enumerate([*looks, *[set()] * 120]):
        now = START + number * 7 * MINUTE
        for message in step(known, [Alarm(code=code, text="x") for code in sorted(codes)], rules, now).messages:
            for one in message.incidents:
                assert message.kind == "end" or one.code in codes, "nobody is told of what is over"
                said[one.code].append(message.kind)
    for kinds in said.values():
        ends = [kind for kind in kinds if kind in {"start", "end"}]
        assert ends == ["start", "end"] * (len(ends) // 2), kinds
        open_now = False
        for kind in kinds:
            assert open_now == (kind != "start"), kinds
            open_now = kind != "end"


def test_an_incident_keeps_its_memory_over_restarts_and_ten_thousand_are_one(bench: Bench) -> None:
    way, alarm = Recording(), Alarm(code="held", text="10000 envois attendent", count=10_000)
    for _ in range(100):
        alarming.tell(bench.store, bench.clock, [alarm], Telling(reminders=()), ["mail"])
        bench.restart()
        alarming.give(bench.store, bench.clock, [way])
        bench.clock.advance(60)
    for _ in range(20):
        alarming.tell(bench.store, bench.clock, [], Telling(reminders=()), ["mail"])
        bench.restart()
        alarming.give(bench.store, bench.clock, [way])
        bench.clock.advance(60)
    assert way.flat == [("start", "held"), ("end", "held")]
    assert bench.events("alarm:held") == ["alarm.told", "alarm.told-over"]


def test_two_nodes_that_look_at_once_tell_once(bench: Bench) -> None:
    way, alarm = Recording(), Alarm(code="disk", text="plein")
    for _ in range(2):
        alarming.tell(bench.store, bench.clock, [alarm], RULES, ["mail"])
    for _ in range(2):
        alarming.give(bench.store, bench.clock, [way])
    assert way.flat == [("start", "disk")]


def test_a_way_that_fails_stops_no_other_and_is_an_alarm_by_the_others(bench: Bench) -> None:
    mail, hook = Recording("mail"), Recording("webhook")
    mail.fails = True
    names = ["mail", "webhook"]
    alarming.tell(bench.store, bench.clock, [Alarm(code="disk", text="plein")], RULES, names)
    given_by = alarming.give(bench.store, bench.clock, [mail, hook])
    assert [(one.way, one.told, bool(one.fault)) for one in given_by] == [("mail", 0, True), ("webhook", 1, False)]
    (fault,) = alarming_troubles(bench)
    assert (fault.code, fault.subject) == ("alarm-way", "mail") and "coupé" in fault.text
    failing = Alarm(code=fault.code, subject=fault.subject, text=fault.text)
    for _ in range(3):
        bench.clock.advance(120)
        alarming.tell(bench.store, bench.clock, [Alarm(code="disk", text="plein"), failing], RULES, names)
    alarming.give(bench.store, bench.clock, [mail, hook])
    assert hook.flat == [("start", "disk"), ("start", "alarm-way:mail")]
    mail.fails = False
    bench.clock.advance(3600)
    alarming.give(bench.store, bench.clock, [mail, hook])
    assert mail.flat == [("start", "disk")], "it tells nothing of itself"
    assert alarming_troubles(bench) == []


def alarming_troubles(bench: Bench) -> list[Fault]:
    return list(troubles(bench.store))


def test_what_ended_before_it_could_be_told_is_not_told(bench: Bench) -> None:
    way = Recording()
    way.fails = True
    look(bench, [Alarm(code="disk", text="plein")], way)
    for _ in range(15):
        bench.clock.advance(60)
        look(bench, [], way)
    way.fails = False
    bench.clock.advance(3600)
    look(bench, [], way)
    assert way.told == []


def look(bench: Bench, standing: Sequence[Alarm], way: Recording) -> None:
    alarming.tell(bench.store, bench.clock, standing, Telling(reminders=(4 * HOUR,)), [way.name])
    alarming.give(bench.store, bench.clock, [way])


def test_a_stop_between_a_first_try_and_its_end_still_tells_the_end(bench: Bench) -> None:
    """The mail may have left: whoever read it must hear that it is over."""
    way = Recording()
    alarming.tell(bench.store, bench.clock, [Alarm(code="disk", text="plein")], RULES, ["mail"])
    alarming._claim(bench.store, bench.clock, "mail")  # killed here
    for _ in range(13):
        bench.clock.advance(60)
        alarming.tell(bench.store, bench.clock, [], RULES, ["mail"])
    alarming.give(bench.store, bench.clock, [way])
    assert way.flat == [("end", "disk")]


def test_many_at_once_are_one_mail(bench: Bench) -> None:
    way = Recording()
    standing = [Alarm(code="tick", subject=f"c{number}", text="bloquée") for number in range(50)]
    look(bench, standing, way)
    (together,) = way.told
    assert len(together) == 50
    bodies = [note.body for note in together]
    assert subject(bodies, "Labo") == "[Alarmes] 50 messages – Labo"


def test_who_sees_to_it_is_not_reminded_but_told_of_its_end(bench: Bench) -> None:
    way, held = Recording(), Alarm(code="held", text="x", count=60)
    for hours in range(6):
        if hours == 1:
            seen = alarming.acknowledge(bench.store, bench.clock, "held", by="operator:eve", why="j'appelle")
            assert (seen.acked_by, seen.ack_why) == ("eve", "j'appelle")
        for _ in range(2):
            look(bench, [held], way)
            bench.clock.advance(1800)
    for _ in range(2):
        look(bench, [], way)
        bench.clock.advance(1800)
    assert way.flat == [("start", "held"), ("end", "held")]
    assert "alarm.acknowledged" in bench.events("alarm:held")
    with pytest.raises(StoreError, match="Aucune alarme en cours"):
        alarming.acknowledge(bench.store, bench.clock, "held", by="x", why="y")


def late(*numbers: int) -> list[Alarm]:
    return [Alarm(code="urgent-late", subject=f"D{number}", text=f"D{number} pas parti") for number in numbers]


def test_each_urgent_result_is_told_though_another_stands_or_was_seen_to(bench: Bench) -> None:
    way = Recording()
    for hour in range(5):
        look(bench, late(hour, hour + 1), way)
        if hour == 0:
            alarming.acknowledge(bench.store, bench.clock, "urgent-late:D1", by="operator:eve", why="j'appelle")
        bench.clock.advance(3600)
    starts = [key for kind, key in way.flat if kind == "start"]
    assert starts == [f"urgent-late:D{number}" for number in range(6)]


def test_ten_thousand_urgent_results_are_a_digest_and_one_more_is_told(bench: Bench) -> None:
    way = Recording()
    look(bench, late(*range(3)), way)
    bench.clock.advance(60)
    look(bench, late(*range(10_000)), way)
    assert way.flat == [*(("start", f"urgent-late:D{number}") for number in range(3)), ("start", "urgent-late")]
    assert sorted(one.count for one in alarming.listed(bench.store)) == [1, 1, 1, 9_997]
    way.told.clear()
    bench.clock.advance(960)
    look(bench, late(*range(9_000)), way)
    alarming.acknowledge(bench.store, bench.clock, "urgent-late", by="operator:eve", why="j'appelle")
    look(bench, late(*range(9_001)), way)
    assert way.flat == [("worse", "urgent-late")]
    assert all(one.acked_at is None for one in alarming.listed(bench.store)), "it covered one fewer"


def test_the_key_of_a_late_or_unread_dispatch_names_it(bench: Bench) -> None:
    seed = Seed(bench.store, bench.clock)  # type: ignore[arg-type]
    both = [seed.dispatch(lane=Lane.URGENT), seed.dispatch(lane=Lane.URGENT)]
    view = SimpleNamespace(late=both, calling=both, called={}, channels=(), paused_batches=())
    keys = [one.key for one in of_work(cast(StatusView, view), bench.clock.now())]
    assert keys == [f"{code}:{one.id}" for code in ("urgent-late", "unread") for one in both]


def test_a_digest_taken_apart_is_not_over_while_one_of_it_stands(bench: Bench) -> None:
    way = Recording()
    look(bench, late(*range(21)), way)
    for _ in range(60):
        bench.clock.advance(60)
        look(bench, late(20), way)
    assert way.flat == [("start", "urgent-late"), ("start", "urgent-late:D20")]
    look(bench, late(*range(20, 45)), way)
    assert way.flat[2:] == [("worse", "urgent-late")], "it came back with others"
    way.told.clear()
    for _ in range(100):
        bench.clock.advance(60)
        look(bench, [], way)
    assert sorted(way.flat) == [("end", "urgent-late"), ("end", "urgent-late:D20")]


def test_what_a_person_saw_to_is_told_again_when_it_has_doubled(bench: Bench) -> None:
    way = Recording()
    for count in (60, 60, 119, 120):
        look(bench, [Alarm(code="held", text="x", count=count)], way)
        bench.clock.advance(1200)
        if count == 60:
            alarming.acknowledge(bench.store, bench.clock, "held", by="operator:eve", why="j'appelle")
    assert way.flat == [("start", "held"), ("worse", "held")]


def test_a_clock_set_back_by_a_year_leaves_nobody_waiting(bench: Bench) -> None:
    way = Recording()
    look(bench, [Alarm(code="disk", text="plein")], way)
    bench.clock.step(-365 * 24 * 3600)
    for _ in range(3):
        look(bench, [], way)
        bench.clock.advance(700)
    assert way.flat == [("start", "disk"), ("end", "disk")]


def test_subjects_are_short_french_and_name_no_recipient() -> None:
    alarm = Alarm(
        code="urgent-late",
        text="résultat urgent pas encore parti : D1, en file pour Dr OEILLET Zoé",
        outside="résultat urgent pas encore parti : D1.",
    )
    known: dict[str, Incident] = {}
    (message,) = step(known, [alarm], RULES, START).messages
    body = alarming.body_of(message)
    assert subject([body], "Labo du Port") == "[Alarme URGENT] résultat urgent pas parti – Labo du Port"
    told = text([body])
    assert "OEILLET" not in told and "D1" in told and "dispatcher alarms ack" in told
