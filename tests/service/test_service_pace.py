"""The pace is never exceeded in any sliding minute, whatever arrives when, and whatever the clock does (promise 4)."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dispatcher.errors import TryLater
from dispatcher.outbox.dispatch import Lane
from dispatcher.outbox.states import State
from dispatcher.service import line_pace
from dispatcher.service.line_pace import frees_in
from dispatcher.settings import PaceSettings
from tests.fakes import FaultyStore
from tests.service.bench import Bench, Tools, backlog_of, channel_settings

BACKLOG = 60
WINDOW = 60.0
"""Seconds."""


@pytest.fixture(scope="module")
def backlog(tools: Tools, fast_folder: Path) -> Iterator[Path]:
    """A database with sixty queued mails."""
    with backlog_of(tools, fast_folder, BACKLOG) as database:
        yield database


def bench_on(tools: Tools, backlog: Path, fast_folder: Path, pace: PaceSettings) -> Bench:
    bench = Bench(tools.on(backlog), Path(tempfile.mkdtemp(dir=fast_folder)))
    bench.set_channel("pro", channel_settings(pace=pace, domains=["dest.test", "*.dest.test"]))
    bench.restart()
    return bench


Step = tuple[str, float]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.floats(0, 90)),
        st.tuples(st.just("send"), st.floats(0, 30)),
        st.tuples(
            st.just("set clock"), st.sampled_from([-86_400.0, -400.0, -299.0, -30.0, 5.0, 60.0, 3600.0, 86_400.0])
        ),
        st.tuples(st.just("restart"), st.just(0.0)),
        st.tuples(st.just("reboot"), st.floats(1, 100_000)),
    ),
    min_size=2,
    max_size=14,
)
PACES = st.integers(1, 20).flatmap(
    lambda count: st.builds(
        PaceSettings,
        per_minute=st.just(count),
        burst=st.none() | st.integers(1, count),
        jitter=st.sampled_from([0.0, 0.2, 0.5]),
        per_session=st.none() | st.integers(1, count),
    )
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(pace=PACES, steps=STEPS)
@example(pace=PaceSettings(per_minute=1), steps=[("wait", 50.0), ("set clock", 5.0)])
@example(pace=PaceSettings(per_minute=1), steps=[("wait", 50.0), ("set clock", 5.0), ("restart", 0.0)])
def test_no_sliding_minute_ever_sees_more_than_the_pace(
    tools: Tools, backlog: Path, fast_folder: Path, pace: PaceSettings, steps: list[Step]
) -> None:
    bench = bench_on(tools, backlog, fast_folder, pace)
    moments: list[float] = []
    bench.transport.during = lambda mail: moments.append(bench.clock.elapsed)
    bench.send(wait=0)
    try:
        for what, value in (*steps, ("send", 5.0)):
            if what == "wait":
                bench.clock.advance(value)
            elif what == "send":
                bench.send(wait=value)
            elif what == "set clock":
                bench.clock.step(value)
                bench.send(wait=0)
            elif what == "restart":
                bench.reopen()
            else:
                bench.clock.boot_name += "+"
                bench.clock.boot_origin = bench.clock.elapsed - value
                bench.reopen()
    finally:
        bench.close()
        shutil.rmtree(bench.folder)
    for start in moments:
        in_window = [moment for moment in moments if start <= moment < start + WINDOW]
        assert len(in_window) <= pace.per_minute, (pace, in_window)
    assert len(set(bench.transport.accepted)) == len(bench.transport.accepted)


def test_a_line_waits_for_its_pace_rather_than_give_up(tools: Tools, backlog: Path, fast_folder: Path) -> None:
    bench = bench_on(tools, backlog, fast_folder, PaceSettings(per_minute=20, burst=5, jitter=0))
    sent = bench.send(wait=20)
    assert sent.counts == {State.SENT: BACKLOG}
    assert 150 < bench.clock.elapsed < 180, "five at once, then as many in a quarter of a minute"
    bench.close()


def test_a_pace_that_is_used_up_claims_nothing_in_vain(tools: Tools, backlog: Path, fast_folder: Path) -> None:
    """A slow channel is looked at every second all day: it must not fill the journal."""
    bench = bench_on(tools, backlog, fast_folder, PaceSettings(per_minute=2, burst=1))
    bench.send(wait=5)
    with bench.real.reading() as uow:
        before, _ = uow.journal.verify()
    for _ in range(20):
        bench.clock.advance(1)
        assert bench.send(wait=5).total == 0
    with bench.real.reading() as uow:
        after, fault = uow.journal.verify()
    assert after == before
    assert fault == ""
    assert bench.clock.elapsed < 25
    bench.close()


def test_lines_share_the_room_instead_of_each_claiming_all_of_it(
    tools: Tools, backlog: Path, fast_folder: Path
) -> None:
    """What is claimed in vain is two lines of journal each."""
    bench = bench_on(tools, backlog, fast_folder, PaceSettings(per_minute=8, burst=8, jitter=0))
    settings = bench.channel.settings.model_copy(update={"connections": 4})
    bench.set_channel("pro", settings)
    together = threading.Barrier(4)
    whole = bench.real.transaction

    def transaction() -> Any:
        with suppress(threading.BrokenBarrierError):
            together.wait(1)  # all claim before any of them sends
        return whole()

    bench.real.transaction = transaction  # type: ignore[method-assign]
    assert bench.send(wait=0).counts == {State.SENT: 8}
    bench.real.transaction = whole  # type: ignore[method-assign]
    with bench.real.reading() as uow:
        events = [line.event for number in range(BACKLOG) for line in uow.journal.of_subject(f"D{number:05}")]
    assert events.count("dispatch.sending") <= 12
    bench.close()


@pytest.mark.parametrize("slow", [lambda number: number == 2, lambda number: True], ids=["one", "all"])
def test_slow_commits_neither_exceed_the_pace_nor_stop_the_mails(
    tools: Tools, backlog: Path, fast_folder: Path, slow: Callable[[int], bool]
) -> None:
    """Between the grant and the first byte lies a commit: ten seconds of it would be ten seconds less between mails."""
    bench = bench_on(tools, backlog, fast_folder, PaceSettings(per_minute=1, jitter=0))
    moments: list[float] = []
    bench.transport.during = lambda mail: moments.append(bench.clock.elapsed)

    def commit(number: int, when: str) -> None:
        if when == "before" and slow(number):
            bench.clock.advance(10)

    bench.use(FaultyStore(bench.real, commit))  # type: ignore[arg-type]
    while bench.clock.elapsed < 1200:
        bench.send(wait=0)
        bench.clock.advance(1)
    assert len(moments) >= 8
    assert most_in_a_minute(moments) == 1
    assert len(set(bench.transport.accepted)) == len(bench.transport.accepted)
    bench.close()


def test_urgent_mail_for_a_full_mailbox_gets_its_next_place_not_the_last(paced: Callable[..., Any]) -> None:
    bench = paced(lambda n: "ehpad@dest.test", per_minute=600, per_mailbox=2)
    set_lane(bench, "D00059")
    bench.send(lane=Lane.ROUTINE)
    assert max(d.due_at for d in bench.dispatches(states=(State.DEFERRED,))) > bench.clock.now() + timedelta(minutes=20)
    bench.send(lane=Lane.URGENT)
    assert bench.get("D00059").due_at < bench.clock.now() + timedelta(minutes=1.1)
    before = len(bench.departures)
    while bench.get("D00059").state is not State.SENT and len(bench.departures) < before + 5:
        bench.clock.advance(1)
        bench.send(lane=Lane.URGENT)
        bench.send(lane=Lane.ROUTINE)
    assert bench.get("D00059").state is State.SENT
    assert most_in_a_minute(left(bench, lambda a: True)) == 2


def test_urgent_mail_that_is_due_again_is_seen_at_once(paced: Callable[..., Any]) -> None:
    """The urgent line alone looks: routine lines may be busy for long."""
    bench = paced(lambda n: f"p{n}@dest.test", per_minute=600)
    set_lane(bench, "D00000")
    bench.transport.endings = [TryLater("Plus tard.", reply=451, status="4.3.0", stage="data")]
    assert bench.send(lane=Lane.URGENT).counts == {State.DEFERRED: 1}
    with bench.real.reading() as uow:
        assert not uow.dispatches.any_queued("pro", Lane.URGENT, bench.clock.now())
        bench.clock.advance(120)
        assert uow.dispatches.any_queued("pro", Lane.URGENT, bench.clock.now())
    assert bench.send(lane=Lane.URGENT).counts == {State.SENT: 1}


def set_lane(bench: Bench, dispatch_id: str) -> None:
    """It is urgent."""
    with sqlite3.connect(bench.database) as connection:
        connection.execute("UPDATE dispatches SET lane = 0 WHERE id = ?", (dispatch_id,))
    connection.close()


def test_a_stopped_line_does_not_wait_for_its_pace(tools: Tools, backlog: Path, fast_folder: Path) -> None:
    bench = bench_on(tools, backlog, fast_folder, PaceSettings(per_minute=2, burst=1))
    bench.send(wait=90, stop=lambda: len(bench.transport.handed) >= 1)
    assert len(bench.transport.handed) == 1
    assert bench.clock.elapsed < 1
    states = bench.states()
    assert states.count(State.QUEUED) == BACKLOG - 1
    bench.close()


# ------------------------------------------------------------------------------------------------ domains, mailboxes


def addressed(bench: Bench, to: Callable[[int], str]) -> None:
    """The backlog, each to somebody."""
    with sqlite3.connect(bench.database) as connection:
        for number in range(BACKLOG):
            address = to(number)
            values = (address, address.rpartition("@")[2], f"k{number}", f"D{number:05}")
            connection.execute("UPDATE dispatches SET address = ?, domain = ?, recipient_key = ? WHERE id = ?", values)
    connection.close()


def left(bench: Any, wanted: Callable[[str], bool]) -> list[float]:
    return [moment for address, moment in bench.departures if wanted(address)]


def most_in_a_minute(moments: list[float]) -> int:
    return max((sum(start <= at < start + WINDOW for at in moments) for start in moments), default=0)


def passes(bench: Bench, seconds: float) -> None:
    """The worker's loop: a pass, a second's rest."""
    until = bench.clock.elapsed + seconds
    while bench.clock.elapsed < until:
        bench.send()
        bench.clock.advance(1)


@pytest.fixture
def paced(tools: Tools, backlog: Path, fast_folder: Path) -> Iterator[Callable[..., Any]]:
    made: list[Bench] = []

    def make(to: Callable[[int], str], **pace: Any) -> Any:
        bench: Any = bench_on(tools, backlog, fast_folder, PaceSettings(jitter=0, **pace))
        bench.departures = []
        bench.transport.during = lambda mail: bench.departures.append((mail.recipient, bench.clock.elapsed))
        addressed(bench, to)
        made.append(bench)
        return bench

    yield make
    for bench in made:
        bench.close()
        shutil.rmtree(bench.folder)


def two_domains(number: int) -> str:
    return f"p{number}@{'grand' if number < 40 else 'petit'}.dest.test"


def test_a_domain_that_is_full_delays_no_other(paced: Callable[..., Any]) -> None:
    bench = paced(two_domains, per_minute=600, per_domain=30, domains={"Grand.dest.test": 10})
    bench.send()
    assert len(left(bench, lambda a: a.endswith("@petit.dest.test"))) == 20, "all of the small one at once"
    assert len(left(bench, lambda a: a.endswith("@grand.dest.test"))) == 10
    assert bench.clock.elapsed < 10
    passes(bench, 200)
    great = left(bench, lambda a: a.endswith("@grand.dest.test"))
    assert len(great) == 40 and most_in_a_minute(great) == 10 and great[-1] < 185


def test_a_line_that_waits_for_a_domain_lets_the_others_pass(paced: Callable[..., Any]) -> None:
    bench = paced(two_domains, per_minute=600, domains={"grand.dest.test": 10})
    sent = bench.send(wait=90)
    assert sent.counts == {State.SENT: BACKLOG}
    assert max(left(bench, lambda a: a.endswith("@petit.dest.test"))) < 1
    assert most_in_a_minute(left(bench, lambda a: a.endswith("@grand.dest.test"))) == 10
    assert bench.clock.elapsed < 185
    assert not any("dispatch.released" in bench.events(dispatch.id) for dispatch in bench.dispatches())


def test_a_domain_that_is_full_is_not_claimed_in_vain(paced: Callable[..., Any]) -> None:
    bench = paced(two_domains, per_minute=600, per_domain=20, domains={"grand.dest.test": 10})
    bench.send()
    with bench.real.reading() as uow:
        before, _ = uow.journal.verify()
    passes(bench, 40)
    with bench.real.reading() as uow:
        after, _ = uow.journal.verify()
    assert after == before, "a slow domain must not fill the journal"
    assert set(bench.states()) == {State.SENT, State.QUEUED}


def test_the_mails_of_a_full_mailbox_get_a_time_each(paced: Callable[..., Any]) -> None:
    bench = paced(lambda n: "ehpad@dest.test" if n < 20 else f"p{n}@dest.test", per_minute=600, per_mailbox=2)
    bench.send()
    assert len(left(bench, lambda a: a != "ehpad@dest.test")) == 40
    waiting = bench.dispatches(states=(State.DEFERRED,))
    assert len(waiting) == 18
    assert all(dispatch.attempts == 0 and "boîte" in dispatch.reason for dispatch in waiting)
    assert len({dispatch.due_at for dispatch in waiting}) == 18, "they do not all come back for the next place"
    passes(bench, 640)
    gone = left(bench, lambda a: a == "ehpad@dest.test")
    assert len(gone) == 20 and most_in_a_minute(gone) == 2
    events = [event for dispatch in waiting for event in bench.events(dispatch.id)]
    assert events.count("dispatch.paced") <= 2 * 18


def test_a_connection_has_its_own_pace(paced: Callable[..., Any]) -> None:
    bench = paced(lambda n: f"p{n}@dest.test", per_minute=600, per_session=5)
    passes(bench, 130)
    moments = left(bench, lambda a: True)
    assert most_in_a_minute(moments) <= 5 and len(moments) >= 10


@pytest.mark.parametrize("pace", [{"per_session": 5}, {"per_domain": 5}, {"per_minute": 5}], ids=str)
def test_who_waits_for_the_pace_knows_how_long(paced: Callable[..., Any], pace: dict[str, int]) -> None:
    """« run --once » rests for so long, and goes on until nothing is queued."""
    bench = paced(lambda n: f"p{n}@dest.test", **({"per_minute": 600} | pace))
    assert frees_in(bench.channel, bench.real, bench.clock) == 0
    rounds = 0
    while State.QUEUED in bench.states():
        if not bench.send().total:
            wait = frees_in(bench.channel, bench.real, bench.clock)
            assert wait > 0
            bench.clock.advance(wait)
        rounds += 1
    assert rounds < 200
    assert most_in_a_minute(left(bench, lambda a: True)) <= 5


def test_no_address_stands_in_the_pace_book(paced: Callable[..., Any]) -> None:
    bench = paced(lambda n: f"p{n}@dest.test", per_minute=600, per_mailbox=2, per_domain=100)
    bench.send()
    with sqlite3.connect(bench.database) as connection:
        scopes = [row[0] for row in connection.execute("SELECT scope FROM pace ORDER BY scope")]
    connection.close()
    assert len(scopes) == 62 and not any("@" in scope for scope in scopes)
    bench.clock.advance(120)
    bench.recover()
    with sqlite3.connect(bench.database) as connection:
        assert [row[0] for row in connection.execute("SELECT scope FROM pace")] == ["channel:pro"]
    connection.close()


def test_nobody_is_sent_away_for_longer_than_the_longest_wait(
    paced: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a moment far ahead would say nothing about the clock."""
    monkeypatch.setattr(line_pace, "IN_LINE", timedelta(minutes=5))
    bench = paced(lambda n: "ehpad@dest.test", per_minute=600, per_mailbox=2)
    bench.send()
    latest = max(d.due_at for d in bench.dispatches(states=(State.DEFERRED,)))
    assert latest <= bench.clock.now() + timedelta(minutes=5)
    while State.DEFERRED in bench.states() and bench.clock.elapsed < 3600:
        bench.clock.advance(5)
        bench.send()
    assert bench.states() == [State.SENT] * 60
    assert most_in_a_minute(left(bench, lambda a: True)) == 2


def test_a_line_opened_again_for_long_asks_the_pace_again(paced: Callable[..., Any]) -> None:
    """Its grant is from before the stall: the mails granted after it would leave in the same minute."""
    bench = paced(lambda n: f"p{n}@dest.test", per_minute=5, burst=5)
    calls: list[int] = []

    def reconnects() -> None:
        calls.append(len(calls))
        if len(calls) in {3, 9, 10}:
            bench.clock.advance(55)  # a dead line noticed, and a new one opened

    bench.transport.reconnects = reconnects
    for _ in range(400):
        bench.send(wait=0)
        bench.clock.advance(2)
    assert bench.states() == [State.SENT] * 60
    assert most_in_a_minute(left(bench, lambda a: True)) == 5
    assert len(bench.departures) == 60, "none twice"
    given_up = [one for one in bench.dispatches() if "dispatch.released" in bench.events(one.id)]
    assert len(given_up) == 3 and all(one.attempts == 1 for one in given_up)
