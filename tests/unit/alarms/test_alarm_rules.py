"""Facts in, alarms out: each rule at its threshold and just below it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from dispatcher.alarms import rules
from dispatcher.alarms.alarm import CODES, Alarm, Level
from dispatcher.alarms.facts import ChannelFact, Ending, Fault, Heap, SourceFact, Thresholds, WorkFacts
from dispatcher.outbox.calendar import Calendar

NOW = datetime(2026, 11, 25, 14, 0, tzinfo=UTC)
"""A Wednesday, 15:00 in Paris."""
HOUR = timedelta(hours=1)


def holidays(year: int) -> frozenset[date]:
    return frozenset({date(year, 11, 11), date(year, 12, 25)})


RULES = Thresholds(
    calendar=Calendar(opens=time(8), closes=time(18), days=frozenset(range(5)), holidays=holidays),
    silence=8 * HOUR,
    silence_of={"lente": timedelta(), "vive": HOUR},
    oldest=96 * HOUR,
    held_count=50,
    held=8 * HOUR,
    failed=4 * HOUR,
    failure_percent=25,
    failure_least=20,
    quarantine=2 * HOUR,
    paper=16 * HOUR,
    pause=4 * HOUR,
    backup=timedelta(days=8),
    expiry_days=(60, 30, 7, 1),
)


def of_work(facts: WorkFacts, now: datetime = NOW, thresholds: Thresholds = RULES) -> list[Alarm]:
    return list(rules.of_work(facts, thresholds, now))


def keys(facts: WorkFacts, now: datetime = NOW) -> list[str]:
    return [one.key for one in of_work(facts, now)]


def source(name: str, last: datetime, *, ever: bool = True) -> WorkFacts:
    return WorkFacts(sources=(SourceFact(name=name, last=last, ever=ever),))


def test_a_source_is_silent_after_its_working_hours() -> None:
    last = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)  # Tuesday 17:00: one hour, then seven on Wednesday
    assert keys(source("sil", last)) == ["silence:sil"]
    assert keys(source("sil", last + timedelta(minutes=1))) == []


def test_nights_weekends_and_holidays_are_no_silence() -> None:
    friday = datetime(2026, 11, 20, 16, 30, tzinfo=UTC)
    assert keys(source("sil", friday), datetime(2026, 11, 23, 7, 0, tzinfo=UTC)) == []
    before = datetime(2026, 11, 10, 10, 0, tzinfo=UTC)  # Tuesday 11:00; the 11th is a holiday
    assert keys(source("sil", before), datetime(2026, 11, 12, 7, 59, tzinfo=UTC)) == []
    assert keys(source("sil", before), datetime(2026, 11, 12, 8, 0, tzinfo=UTC)) == ["silence:sil"]


def test_a_source_has_its_own_hours_and_zero_is_never() -> None:
    assert keys(source("vive", NOW - HOUR)) == ["silence:vive"]
    assert keys(source("lente", NOW - 1000 * HOUR)) == []


def test_a_source_that_never_gave_anything_says_so() -> None:
    (told,) = of_work(source("sil", NOW - 48 * HOUR, ever=False))
    assert "n'a jamais rien reçu" in told.text


def test_the_oldest_unfinished_is_told_with_its_number() -> None:
    facts = WorkFacts(oldest_id="D7", oldest=NOW - 97 * HOUR)
    (told,) = of_work(facts)
    assert (told.key, told.since) == ("oldest", NOW - 97 * HOUR) and "D7" in told.text
    assert of_work(replace(facts, oldest=NOW - 95 * HOUR)) == []


def test_ten_thousand_held_are_one_alarm_with_a_count() -> None:
    (told,) = of_work(WorkFacts(held=Heap(10_000, NOW - timedelta(minutes=1))))
    assert (told.code, told.count) == ("held", 10_000) and told.text.startswith("10000 envois attendent")


@pytest.mark.parametrize(("code", "hours"), [("held", 8), ("failed", 4), ("quarantine", 2), ("paper", 10)], ids=str)
def test_one_that_waits_for_a_person_is_told_after_working_hours(code: str, hours: int) -> None:
    limits = replace(RULES, paper=10 * HOUR)
    late = RULES.calendar.after(NOW - 5 * 24 * HOUR, hours * HOUR)
    assert late is not None
    facts = WorkFacts(**{code: Heap(1, NOW - 5 * 24 * HOUR)})
    assert [one.key for one in of_work(facts, late, limits)] == [code]
    assert of_work(facts, late - timedelta(seconds=1), limits) == []


def test_the_share_of_failures_needs_enough_of_them() -> None:
    def share(ended: int, failed: int) -> list[str]:
        return keys(WorkFacts(channels=(ChannelFact(name="pro", ended=ended, failed=failed),)))

    assert share(100, 25) == ["failure-rate:pro"] and share(100, 24) == []
    assert share(19, 19) == [] and share(20, 20) == ["failure-rate:pro"]


def test_a_pause_by_a_person_is_told_when_it_lasts() -> None:
    facts = WorkFacts(
        channels=(ChannelFact(name="pro", paused_since=NOW - 5 * HOUR), ChannelFact(name="b", paused_since=NOW - HOUR)),
        all_paused_since=NOW - 5 * HOUR,
    )
    assert keys(facts) == ["paused:pro", "paused"]


def test_a_backup_too_old_or_never_made() -> None:
    old = NOW - timedelta(days=9)
    assert "date du" in of_work(WorkFacts(backup_at=old, ever_saved=True))[0].text
    assert "jamais" in of_work(WorkFacts(backup_at=old))[0].text
    assert keys(WorkFacts(backup_at=NOW - timedelta(days=8))) == []


def ending(days: float, code: str = "key-expiring", span: timedelta | None = None) -> Ending:
    until = NOW + timedelta(days=days)
    return Ending(code=code, what=f"la clé {days}", until=until, hint="", span=span)


def test_a_key_is_told_at_each_step_and_presses_in_its_last_week() -> None:
    found = {
        days: [(one.stage, one.level) for one in rules.of_endings([ending(days)], RULES, NOW)]
        for days in (61, 59, 29, 6, 0.5, -1)
    }
    assert found == {
        61: [],
        59: [(1, Level.NOTICE)],
        29: [(2, Level.NOTICE)],
        6: [(3, Level.ALARM)],
        0.5: [(4, Level.ALARM)],
        -1: [(5, Level.ALARM)],
    }


def test_data_that_lives_a_month_is_not_told_a_month_before_its_end() -> None:
    month = timedelta(days=30)
    assert list(rules.of_endings([ending(29, "data-expiring", month)], RULES, NOW)) == []
    assert [one.stage for one in rules.of_endings([ending(5, "data-expiring", month)], RULES, NOW)] == [1]


def test_certificates_of_all_recipients_are_one_alarm() -> None:
    (told,) = rules.of_endings([ending(days / 10, "certificate-expiring") for days in range(1, 500)], RULES, NOW)
    assert told.count == 499 and told.level is Level.NOTICE


def test_every_rule_can_be_switched_off() -> None:
    none = timedelta()
    off = Thresholds(
        calendar=RULES.calendar, silence=none, oldest=none, held_count=0, held=none, failed=none, failure_percent=0,
        failure_least=0, quarantine=none, paper=none, pause=none, backup=none, expiry_days=(60,),
    )  # fmt: skip
    old = NOW - timedelta(days=900)
    facts = WorkFacts(
        oldest_id="D1", oldest=old, held=Heap(9999, old), failed=Heap(9, old), quarantine=Heap(9, old),
        paper=Heap(9, old), sources=(SourceFact(name="sil", last=old, ever=True),),
        channels=(ChannelFact(name="pro", ended=99, failed=99, paused_since=old),), backup_at=old,
    )  # fmt: skip
    assert len(of_work(facts)) == 9
    assert of_work(facts, thresholds=off) == []


def test_faults_keep_what_may_not_leave_apart() -> None:
    fault = Fault(code="key-fault", subject="mss", text="avec le chemin", outside="sans")
    (told,) = rules.of_faults([fault])
    assert (told.text, told.outside, told.key) == ("avec le chemin", "sans", "key-fault:mss")


def test_every_code_has_a_short_title_for_a_subject_line() -> None:
    assert [code for code, means in CODES.items() if not 5 < len(means.title) <= 60] == []
