"""Counting from the journal: what the lines say is what the rows say, whoever wrote them, however often one counts."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from dispatcher.daemon.totals import Book
from dispatcher.errors import OutcomeUnknown, Refused, TransportError, TryLater
from dispatcher.outbox.states import State
from dispatcher.ports import Happened
from dispatcher.service import counting
from tests.service.bench import Bench
from tests.service.samples import oru


def moves(totals: counting.Totals) -> dict[str, int]:
    return {key[1][1]: number for key, number in totals.counts.items() if key[0] == "dispatcher_moves"}


def test_a_round_is_counted_once(bench: Bench) -> None:
    totals = counting.begin(bench.store)
    bench.bring(oru("R1", control="M1"), oru("R2", control="M2"))
    counting.advance(bench.store, totals)
    bench.batch()
    bench.send()
    counting.advance(bench.store, totals)
    counting.advance(bench.store, totals)
    assert totals.counts["dispatcher_files_received", ("sil",)] == 2
    assert totals.counts["dispatcher_files_ended", ("done",)] == 2
    assert totals.counts["dispatcher_reports_read", ("final",)] == 2
    assert totals.counts["dispatcher_dispatches_made", ("pro",)] == 2
    assert totals.counts["dispatcher_receipts", ("pro", "smtp")] == 2
    assert moves(totals) == {"ready": 2, "queued": 2, "sending": 2, "sent": 2}


@pytest.mark.parametrize(
    ("error", "kind", "state"),
    [
        (Refused("Non.", reply=550, status="5.1.1", stage="rcpt"), "permanent", State.FAILED),
        (TryLater("Plus tard.", reply=451, status="4.3.0", stage="final-dot"), "temporary", State.DEFERRED),
        (OutcomeUnknown("Perdu.", stage="final-dot"), "unknown", State.UNKNOWN),
    ],
    ids=["permanent", "temporary", "unknown"],
)
def test_a_refusal_is_counted_by_its_class(bench: Bench, error: TransportError, kind: str, state: State) -> None:
    totals = counting.begin(bench.store)
    bench.transport.endings.append(error)
    bench.bring(oru("R1", control="M1"))
    bench.batch()
    bench.send()
    assert bench.one().state is state
    counting.advance(bench.store, totals)
    found = {key[1]: number for key, number in totals.counts.items() if key[0] == "dispatcher_refusals"}
    assert found == {("pro", kind): 1}


def test_the_book_goes_on_after_a_crash_and_begins_anew_in_another_database(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    book = Book(bench.store, path)
    book.advance()
    bench.bring(oru("R1", control="M1"))
    book.save()
    bench.bring(oru("R2", control="M2"))
    book.advance()  # and the process dies before it saves
    again = Book(bench.store, path)
    again.advance()
    assert again.counts() == book.counts()
    assert again.counts()["dispatcher_files_received", ("sil",)] == 2
    path.write_text(path.read_text(encoding="utf-8").replace('"store_id": "', '"store_id": "X'), encoding="utf-8")
    other = Book(bench.store, path)
    other.advance()
    assert other.counts() == Counter()
    path.write_bytes(b"{")
    broken = Book(bench.store, path)
    broken.advance()
    assert broken.counts() == Counter()


def test_a_database_set_back_to_its_backup_is_another_one(bench: Bench) -> None:
    totals = counting.begin(bench.store)
    totals.number += 1000
    assert counting.go_on(bench.store, totals).number < totals.number


def test_labels_are_words_of_ours_only() -> None:
    """A status, a kind or a state that somebody else wrote would make a series of its own."""
    lines = [
        _line("receipt.strange-kind", {}),
        _line("report.added", {"status": "Mme ESSAI"}),
        _line("dispatch.added", {"state": "Mme ESSAI"}),
        _line("dispatch.strange", {"from": "sent"}),
    ]
    keys = {key for line in lines for key in counting.of_line(line)}
    assert {word for _, labels in keys for word in labels} == {"pro", "other"}


def test_paper_of_the_ladder_is_not_that_of_a_person() -> None:
    def steps(actor: str, before: str) -> list[counting.Key]:
        found = counting.of_line(_line("dispatch.paper", {"from": before}, actor))
        return [key for key in found if key[0] == "dispatcher_ladder_steps"]

    assert steps("daemon", "sent") == [("dispatcher_ladder_steps", ("paper",))]
    assert steps("daemon", "held") == steps("camille", "sent") == []


def _line(event: str, detail: dict[str, object], actor: str = "daemon") -> Happened:
    return Happened(number=1, event=event, subject="D1", actor=actor, detail=detail, channel="pro")
