"""What ``status`` shows: numbers kept with every move, compared with the rows, mended and told when they differ."""

from __future__ import annotations

import sqlite3

from dispatcher.outbox.states import FileState, State
from dispatcher.report.model import Severity
from dispatcher.service import overview
from dispatcher.service.check import check_tallies
from dispatcher.service.recount import recount
from tests.service.bench import Bench
from tests.service.conftest import Watch
from tests.service.samples import oru


def spoil(bench: Bench) -> None:
    """Somebody changes the database by hand."""
    connection = sqlite3.connect(bench.database)
    connection.execute("UPDATE tallies SET count = count + 5 WHERE kind = 'dispatch' AND state = 'sent'")
    connection.commit()
    connection.close()


def test_the_numbers_follow_the_whole_way(bench: Bench) -> None:
    bench.drop("un.hl7", oru())
    bench.run()
    view = overview.status(bench.store, bench.clock, bench.channels)
    assert {state: count for state, count in view.dispatches.items() if count} == {
        state: bench.states().count(state) for state in set(bench.states())
    }
    assert view.files[FileState.DONE] == 1
    assert recount(bench.store) == ()


def test_wrong_numbers_are_mended_and_told(bench: Bench, watch: Watch) -> None:
    bench.drop("un.hl7", oru())
    bench.run()
    sent = bench.states().count(State.SENT)
    assert [finding.severity for finding in check_tallies(bench.store)] == [Severity.INFO]
    spoil(bench)
    (finding,) = check_tallies(bench.store)
    assert finding.severity is Severity.WARNING
    assert f"« sent » : {sent + 5} au lieu de {sent}" in finding.text
    assert bench.events("tally:dispatch") == ["tally.repaired"]
    assert "tally of dispatch pro sent" in watch.text
    assert overview.status(bench.store, bench.clock, bench.channels).dispatches[State.SENT] == sent
    assert recount(bench.store) == ()
