"""Urgent results: what makes one, how soon it is prepared, and who hears of it when it does not leave."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatcher.errors import TryLater
from dispatcher.outbox.dispatch import Lane
from dispatcher.outbox.states import State
from dispatcher.service import overview
from dispatcher.service.escalate import LATE, OVER, escalate
from dispatcher.store.escalations import DispatchEscalations
from tests.service.bench import Bench
from tests.service.samples import dsn, oru


def potassium(value: str, order: str = "R1", flag: str = "") -> bytes:
    """No flag of the LIS says anything."""
    content = oru(order, control=f"M{order}").replace(b"GLY^Glucose^L", b"2823-3^Potassium^LN")
    assert b"2823-3" in content
    lines = content.split(b"\r")
    for number, line in enumerate(lines):
        if line.startswith(b"OBX|1|NM"):
            cells = line.split(b"|")
            cells[5], cells[6], cells[7], cells[8] = value.encode(), b"mmol/L", b"3.5-5.1", flag.encode()
            lines[number] = b"|".join(cells)
    return b"\r".join(lines)


@pytest.mark.parametrize(
    ("value", "flag", "lane"),
    [("7.1", "", Lane.URGENT), ("2.1", "L", Lane.URGENT), ("4.2", "", Lane.ROUTINE), ("5.4", "HH", Lane.URGENT)],
)
def test_the_table_of_critical_analyses_decides_besides_the_flags(
    bench: Bench, value: str, flag: str, lane: Lane
) -> None:
    bench.bring(potassium(value, flag=flag))
    assert bench.one().lane is lane
    assert bool(bench.one().batch_id) is (lane is Lane.URGENT)


def late(bench: Bench) -> list[str]:
    """What ``status`` names first."""
    return [one.id for one in overview.status(bench.real, bench.clock, bench.channels).late]


def alarms(bench: Bench, dispatch_id: str) -> list[str]:
    return [event for event in bench.events(dispatch_id) if event in {LATE, OVER}]


def test_urgent_mail_that_does_not_leave_alarms_once_and_once_when_it_is_over(bench: Bench) -> None:
    bench.transport.at_open = [TryLater("Absent.", stage="connect")] * 30
    bench.bring(potassium("7.1", "R1"), potassium("4.2", "R2"))
    bench.batch()
    (urgent,) = (one for one in bench.dispatches() if one.lane is Lane.URGENT)
    for _ in range(9):
        bench.clock.advance(60)
        bench.send()
        assert escalate(bench.real, bench.clock) == 0
    assert late(bench) == []
    bench.clock.advance(90)
    assert escalate(bench.real, bench.clock) == 1
    assert escalate(bench.real, bench.clock) == 0
    bench.reopen()
    bench.clock.advance(600)
    assert escalate(bench.real, bench.clock) == 0, "told once, over a restart as well"
    assert late(bench) == [urgent.id]
    bench.transport.at_open = []
    bench.clock.advance(600)
    bench.send()
    bench.send()
    assert set(bench.states()) == {State.SENT}
    assert late(bench) == []
    assert escalate(bench.real, bench.clock) == 1
    assert escalate(bench.real, bench.clock) == 0
    assert alarms(bench, urgent.id) == [LATE, OVER]
    assert bench.get(urgent.id).escalate_at is None


def test_urgent_mail_that_waits_for_a_person_alarms_too(on_both: Bench) -> None:
    bench = on_both
    bench.directory.lines.clear()
    bench.bring(potassium("7.1"))
    assert bench.states() == [State.HELD]
    bench.clock.advance(601)
    assert escalate(bench.real, bench.clock) == 1
    with bench.real.transaction() as uow:
        uow.dispatches.move(bench.one().id, State.CLOSED, actor="operator:anne", reason="Appelé.")
    assert escalate(bench.real, bench.clock) == 1
    assert alarms(bench, bench.one().id) == [LATE, OVER]


def test_urgent_mail_that_left_in_time_is_forgotten_in_silence(bench: Bench) -> None:
    bench.bring(potassium("7.1"))
    bench.send()
    assert bench.states() == [State.SENT]
    bench.clock.advance(601)
    assert escalate(bench.real, bench.clock) == 0
    assert alarms(bench, bench.one().id) == []
    assert bench.one().escalate_at is None


def test_urgent_mail_that_comes_back_after_its_time_alarms(bench: Bench) -> None:
    bench.bring(potassium("7.1"))
    bench.send()
    bench.clock.advance(601)
    assert escalate(bench.real, bench.clock) == 0
    sent = bench.one()
    bench.clock.advance(300)
    bench.mailbox.arrive(dsn(sent.message_id, sent.address, "failed"))
    bench.collect()
    assert bench.states() == [State.FAILED]
    assert escalate(bench.real, bench.clock) == 1
    assert late(bench) == [sent.id]
    assert alarms(bench, sent.id) == [LATE]


def test_an_urgent_file_is_prepared_before_those_that_came_first(bench: Bench) -> None:
    for number in range(5):
        bench.drop(f"a{number}.hl7", oru(f"A{number}", control=f"A{number}"))
    bench.take()
    bench.clock.advance(60)
    bench.drop("u.hl7", oru("U1", control="U1", urgent=True))
    bench.take()
    (first,) = bench.claim(1)
    assert (first.name, first.lane) == ("u.hl7", Lane.URGENT)
    assert [file.lane for file in bench.claim(9)] == [Lane.ROUTINE] * 5


def test_urgent_mail_that_a_newer_version_leaves_to_a_person_alarms_too(on_both: Bench) -> None:
    """Nobody who is left out of the version in force, nor a cancellation that cannot leave, waits in silence."""
    bench = on_both
    bench.bring(oru("R1", urgent=True, copies="D002^PETIT^Sophie"))
    bench.send()
    bench.bring(oru("R1", "4815.16", status="C", at="20260311100000", urgent=True, control="M2"))
    (dropped,) = (one for one in bench.dispatches() if one.state is State.HELD)
    assert dropped.lane is Lane.URGENT
    bench.send()
    bench.clock.advance(601)
    assert escalate(bench.real, bench.clock) == 1
    assert late(bench) == [dropped.id]


@pytest.mark.parametrize("look", ["late", "alarmed"])
def test_one_purged_since_it_was_looked_at_keeps_no_other_from_its_alarm(
    on_both: Bench, look: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = on_both
    bench.bring(potassium("7.1"))
    bench.clock.advance(601)
    if look == "alarmed":
        assert escalate(bench.real, bench.clock) == 1
        bench.send()
    seen = getattr(DispatchEscalations, look)
    gone = replace(bench.one(), id="D-PURGED")
    monkeypatch.setattr(DispatchEscalations, look, lambda *given, **more: (gone, *seen(*given, **more)))
    assert escalate(bench.real, bench.clock) == 1
    assert alarms(bench, bench.one().id) == ([LATE] if look == "late" else [LATE, OVER])
