"""Print runs: one letter a recipient, at his address and nobody else's; once, and again for a reason."""

from __future__ import annotations

import csv
import io
import re
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest

from dispatcher import wiring
from dispatcher.errors import StoreError
from dispatcher.formats.pdf.letters import LetterWriter, Sheet
from dispatcher.outbox.states import State
from dispatcher.ports import PrintRun
from dispatcher.report.model import IdType
from dispatcher.routing.about import Scope
from dispatcher.routing.candidates import Entry
from dispatcher.routing.postal import COLUMNS, PostalTable, read_table
from dispatcher.service import operate, oppositions, print_run
from dispatcher.service.print_run import Made, PaperRules, keep_run, make_run, waiting
from dispatcher.wiring.layouts import letter_layout
from tests.fakes import ReplyLost
from tests.service.bench import PAPER, Bench, local
from tests.service.samples import LEO, ZOE, dsn, mdn, oru
from tests.service.test_service_collect import sent
from tests.unit.formats.pdf.test_pdf_writer import text_of

EVE = "operator:eve"
TABLE = ";".join(COLUMNS) + "\ncode;{code};;Dr Paul PAPIER;12 quai de l'Essai;;;29000;Quimper\n"


@pytest.fixture(scope="module")
def letters() -> Any:
    with ExitStack() as closing:
        yield LetterWriter(letter_layout(closing))


def rules(text: str = "", **more: Any) -> PaperRules:
    table = read_table(text, "adresses.csv") if text else PostalTable()
    return PaperRules(table=lambda: table, **more)


def run_of(bench: Bench, letters: LetterWriter, *ids: str, why: str = "", keep: bool = True, **more: Any) -> Made:
    made = make_run(bench.desk, letters, rules(TABLE.format(code=PAPER), **more), ids, actor=EVE, why=why)
    if keep:
        keep_run(bench.real, made)
    return made


def pages(content: bytes) -> list[str]:
    """The text of each page."""
    return text_of(content).split("\f")[:-1]


def bring(bench: Bench, order: str = "R1", to: str = f"{PAPER}^PAPIER^Paul", **more: Any) -> str:
    before = {one.id for one in bench.dispatches()}
    bench.bring(oru(order, control=f"M{order}", to=to, **more))
    (new,) = (one for one in bench.dispatches() if one.id not in before)
    return new.id


def test_one_letter_a_recipient_with_its_address_and_every_report(bench: Bench, letters: LetterWriter) -> None:
    bench.directory.lines.append(local("D901", "", delivery="paper"))
    one, two = bring(bench, "R1"), bring(bench, "R2", who=LEO)
    other = bring(bench, "R3", to="D901^AUTRE^Anne")
    made = run_of(bench, letters)
    assert made.run is not None and made.letters == 2 and set(made.ids) == {one, two, other}
    assert made.incomplete == (other,), "nobody knows where this one lives"
    shown = pages(made.pdf)
    assert "Tirage" in shown[0] and made.run.id in shown[0]
    covers = [number for number, text in enumerate(shown) if "ci-joint" in text]
    assert len(covers) == 2
    assert "29000 QUIMPER" in shown[covers[0]] and one in shown[covers[0]] and two in shown[covers[0]]
    assert other in shown[covers[1]] and "QUIMPER" not in shown[covers[1]].replace("Quimper", "")
    inside = "".join(shown[covers[0] + 1 : covers[1]])
    assert ZOE.family in inside and LEO.family in inside
    rows = list(csv.DictReader(io.StringIO(made.listing.decode("utf-8-sig")), delimiter=";"))
    assert [(row["envoi"], row["lettre"], row["complete"]) for row in rows] == [
        (one, "1", "oui"),
        (two, "1", "oui"),
        (other, "2", "non"),
    ]
    first = rows[0]["pages"].split("-")
    assert int(first[0]) == covers[0] + 1 and int(first[1]) == covers[1], "the pages are those of the PDF"


def test_a_run_is_marked_printed_by_a_person_and_not_made_twice(bench: Bench, letters: LetterWriter) -> None:
    one = bring(bench)
    made = run_of(bench, letters)
    assert made.run is not None
    assert run_of(bench, letters).run is None, "it is in a run already"
    refused = run_of(bench, letters, one).refused
    assert refused[0][0] == one and made.run.id in refused[0][1]
    with bench.real.reading() as uow:
        assert [item.run for item in waiting(uow)] == [made.run.id]
        members = uow.prints.members(made.run.id)
    operate.printed(bench.real, bench.clock, members, actor=EVE)
    with bench.real.transaction() as uow:
        uow.prints.printed(made.run.id, bench.clock.now(), actor=EVE)
    assert bench.get(one).printed_at is not None
    with bench.real.reading() as uow:
        lines = [(line.event, line.actor) for line in uow.journal.of_subject(made.run.id)]
        assert waiting(uow) == ()
    assert lines == [("print.made", EVE), ("print.printed", EVE)]
    assert bench.events(one)[-2:] == ["dispatch.in-print-run", "dispatch.printed"]
    assert "motif" in run_of(bench, letters, one).refused[0][1]
    again = run_of(bench, letters, made.run.id, why="imprimante bourrée")
    assert again.run is not None and again.ids == (one,) and again.run.why == "imprimante bourrée"


def test_what_was_printed_long_ago_hides_nothing_that_waits(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, last = (bring(bench, f"R{number}") for number in range(3))
    operate.printed(bench.real, bench.clock, [first, second], actor=EVE)
    monkeypatch.setattr(print_run, "MOST", 2)
    with bench.real.reading() as uow:
        assert [item.dispatch.id for item in waiting(uow)] == [last]


def test_what_changed_meanwhile_keeps_no_run(bench: Bench, letters: LetterWriter) -> None:
    one = bring(bench)
    made = run_of(bench, letters, keep=False)
    twice = run_of(bench, letters, keep=False)
    keep_run(bench.real, made)
    with pytest.raises(StoreError, match="changé"):
        keep_run(bench.real, twice)
    other = bring(bench, "R2")
    late = run_of(bench, letters, keep=False)
    operate.close(bench.real, [other], reason="x", actor=EVE)
    with pytest.raises(StoreError, match="changé"):
        keep_run(bench.real, late)
    assert bench.get(one).state is State.PAPER


def test_two_patients_never_share_an_envelope(bench: Bench, letters: LetterWriter) -> None:
    """Every patient has the same recipient key."""
    ids = []
    for number, who in enumerate((ZOE, LEO)):
        made = bring(bench, f"P{number}", who=who)
        with bench.real.transaction() as uow:
            uow.dispatches.update(made, event="test", role="patient", recipient_id="", label="patient")
        ids.append(made)
    made_run = run_of(bench, letters)
    assert made_run.letters == 2 and set(made_run.ids) == set(ids)


def test_nameless_recipients_are_not_put_together(bench: Bench, letters: LetterWriter) -> None:
    ids = [bring(bench, f"N{number}") for number in range(2)]
    with bench.real.transaction() as uow:
        for one in ids:
            uow.dispatches.update(one, event="test", recipient_id="", label="Dr MARTIN")
    assert run_of(bench, letters).letters == 2


def test_a_cancelled_report_is_a_letter_without_results(bench: Bench, letters: LetterWriter) -> None:
    one = bring(bench, "R1", value="4815.16")
    operate.printed(bench.real, bench.clock, [one], actor=EVE)
    bring(bench, "R1", status="X", sent="20260311090500", at="20260311090000")
    made = run_of(bench, letters)
    text = "".join(pages(made.pdf))
    assert made.letters == 1 and "ANNULATION" in text and ZOE.family in text and "4815" not in text


def test_nothing_is_printed_for_whom_the_table_says_nothing(bench: Bench, letters: LetterWriter) -> None:
    bench.directory.lines.append(local("D902", "", delivery="none"))
    one = bring(bench, "R1", to="D902^RIEN^Luc")
    assert bench.states() == [State.PAPER]
    assert run_of(bench, letters).run is None
    assert "rien à imprimer" in run_of(bench, letters, one).refused[0][1]


def test_a_pdf_that_cannot_be_printed_stops_no_other(bench: Bench, letters: LetterWriter) -> None:
    one, two = bring(bench, "R1"), bring(bench, "R2")
    with bench.real.transaction() as uow:
        uow.payloads.put(one, "rendition:pdf", b"%PDF-1.4 broken")
    made = run_of(bench, letters)
    assert made.ids == (two,) and made.refused[0][0] == one and "abîmé" in made.refused[0][1]


def test_printed_on_both_sides_every_letter_begins_on_a_new_sheet(bench: Bench, letters: LetterWriter) -> None:
    for number in range(3):
        bring(bench, f"R{number}")
    made = run_of(bench, letters, duplex=True)
    for row in csv.DictReader(io.StringIO(made.listing.decode("utf-8-sig")), delimiter=";"):
        first, last = (int(part) for part in row["pages"].split("-"))
        assert first % 2 == 1 and last % 2 == 0


def test_what_was_mailed_is_what_is_printed(bench: Bench, letters: LetterWriter) -> None:
    bench.bring(oru(to="M001^CABINET"))
    bench.run()
    one = bench.one()
    kept = bench.payload(one.id, "rendition:pdf")
    assert kept is not None
    operate.to_paper(bench.real, [one.id], reason="boîte fermée", actor=EVE)
    assert bench.get(one.id).doubted_at is not None, "he may have it in his box"
    made = run_of(bench, letters)
    assert pages(made.pdf)[-len(pages(kept)) :] == pages(kept)
    assert made.ids == (one.id,)


@pytest.mark.parametrize(("who", "scope"), [("code:D001", Scope.RECIPIENT), (f"ins:{ZOE.ins}", Scope.PROFESSIONALS)])
def test_who_objects_to_mail_gets_a_letter(bench: Bench, letters: LetterWriter, who: str, scope: Scope) -> None:
    oppositions.record(bench.desk, who, scope, actor=EVE)
    one = bring(bench, "R1", to="D001^DURAND^Pierre", who=ZOE)
    assert bench.get(one).state is State.PAPER and "opposé" in bench.get(one).reason
    assert run_of(bench, letters).ids == (one,)


def test_the_directory_knows_the_town_only_and_says_so(bench: Bench, letters: LetterWriter) -> None:
    bench.directory.entries = [
        Entry(address="x@dest.test", id_type=IdType.RPPS, identifier="99700000013", family="DURAND", given="Pierre",
              structure_name="Cabinet du Port", postcode="29900", town="Concarneau", paperless=False, source="mssante")
    ]  # fmt: skip
    one = bring(bench, "R1", to="99700000013^DURAND^Pierre^^^^^^RPPS&1.2.250.1.71.4.2.1&ISO^^^^RPPS")
    assert bench.get(one).state is State.PAPER
    made = run_of(bench, letters)
    assert made.incomplete == (one,) and "29900 CONCARNEAU" in "".join(pages(made.pdf))


def test_runs_are_kept_alike_on_both_engines(on_both: Bench) -> None:
    one = bring(on_both)
    run = PrintRun(id="T1", made_at=on_both.clock.now(), actor=EVE, count=1, sha256="ab")
    with on_both.real.transaction() as uow:
        uow.prints.add(run, [one])
    with on_both.real.reading() as uow:
        assert uow.prints.get("T1") == run and uow.prints.list() == (run,)
        assert uow.prints.waiting() == {one: "T1"} and uow.prints.count_waiting() == 1
    with on_both.real.transaction() as uow, pytest.raises(StoreError):
        uow.prints.printed("T9", on_both.clock.now(), actor=EVE)


def test_the_address_stands_where_both_windows_always_show_it(letters: LetterWriter) -> None:
    """Between 110 and 190 mm from the left and 57 and 79 mm from the top, wherever the sheet slides in its envelope."""
    lines = ["Dr Hélène ŒILLET-DE-LA-TRÈS-LONGUE-RUE", *(f"Ligne {number}" for number in range(4)), "29000 QUIMPER"]
    lab = wiring.neutral_laboratory()
    at = datetime(2026, 3, 11, 9, tzinfo=UTC)
    cover = letters.cover(lab, lines, [Sheet(id="D1", order="R1", day="", version=1)], at, window=(110, 57))
    shown = text_of(cover, "-bbox")
    words = re.findall(r'xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">([^<]+)<', shown)
    known = {"Dr", "Ligne", "QUIMPER", lines[0][10:]}
    zone = [[float(part) * 25.4 / 72 for part in box[:4]] for box in words if box[4] in known]
    assert len(zone) >= 6
    assert min(box[0] for box in zone) >= 109.9 and max(box[2] for box in zone) <= 190
    assert min(box[1] for box in zone) >= 56 and max(box[3] for box in zone) <= 79


def test_a_cancellation_follows_to_the_box_of_a_mail_put_on_paper(bench: Bench) -> None:
    """It had left before anybody put it on paper: he may have it."""
    bench.bring(oru())
    bench.run()
    one = bench.one()
    operate.to_paper(bench.real, [one.id], reason="boîte fermée", actor=EVE)
    bench.bring(oru(status="X", control="M2", sent="20260311090500", at="20260311090000"))
    last = bench.dispatches()[-1]
    assert (last.version, last.state, last.address) == (2, State.READY, one.address)


@pytest.mark.parametrize("where", ["waiting", "run", "printed", "posted"])
def test_a_letter_a_person_asked_for_outlives_the_news_that_the_mail_arrived(
    bench: Bench, letters: LetterWriter, where: str
) -> None:
    one = sent(bench)
    operate.to_paper(bench.real, [one.id], reason="n'ouvre pas sa boîte", actor=EVE)
    if where != "waiting":
        assert run_of(bench, letters, one.id).run
    if where in {"printed", "posted"}:
        operate.printed(bench.real, bench.clock, [one.id], actor=EVE)
    if where == "posted":
        operate.close(bench.real, [one.id], reason="posté", actor=EVE)
    before = bench.get(one.id).state
    for number, action in enumerate(("relayed", "delivered")):
        bench.mailbox.arrive(dsn(one.message_id, one.address, action, number=number))
    bench.collect()
    assert bench.get(one.id).state is before
    with bench.real.reading() as uow:
        assert "reste sur papier" in uow.receipts.of_dispatch(one.id)[-1].note
    bench.mailbox.arrive(mdn(one.message_id, one.address))
    bench.collect()
    assert bench.get(one.id).state is State.READ, "who has read it needs no letter"


def test_paper_for_want_of_knowing_whether_it_left_ends_when_it_arrived(bench: Bench, letters: LetterWriter) -> None:
    for number, printing in enumerate((False, True)):
        bench.transport.endings = [ReplyLost()]
        before = {one.id for one in bench.dispatches()}
        bench.bring(oru(f"R{number}", control=f"M{number}"))
        bench.run()
        (one,) = (one for one in bench.dispatches() if one.id not in before)
        assert one.state is State.UNKNOWN
        operate.to_paper(bench.real, [one.id], reason="pas de nouvelles", actor=EVE)
        if printing:
            assert run_of(bench, letters, one.id).run
        bench.mailbox.arrive(dsn(one.message_id, one.address, number=number))
        bench.collect()
        assert bench.get(one.id).state is (State.PAPER if printing else State.DELIVERED)
