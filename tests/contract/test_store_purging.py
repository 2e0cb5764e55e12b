"""What a purge removes, and what it never touches, on both engines."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dispatcher.clock import FrozenClock
from dispatcher.outbox.states import UNFINISHED, FileState, State
from dispatcher.ports import AnswerRow, AnswerState, Kept, ReceiptRow, Weight
from dispatcher.service.purge import Purged, Retention, purge
from dispatcher.store.engine import SqlStore
from tests.contract.store_kit import Database, Seed

RETENTION = Retention(
    contents=timedelta(days=90), unmatched=timedelta(days=30), answers=timedelta(days=40), proof=timedelta(days=3650)
)
LONG = timedelta(days=91)
RAW: bytes = b"PID|||1||DUPONT^Jeanne " * 40
NOTICE = (
    b"From: mailer@dest.test\r\nSubject: Re: DUPONT Jeanne\r\nDate: Wed, 11 Mar 2026 10:00:00 +0100\r\n"
    b"Content-Type: text/plain\r\n\r\nlu: DUPONT Jeanne\r\n"
)
HASH = "h" * 64


@pytest.fixture
def life(store: SqlStore, clock: FrozenClock) -> Life:
    return Life(store, clock)


class Life(Seed):
    """Files that went through, with all their payloads."""

    def through(self, state: State = State.READ, *, number: str = "", **changes: Any) -> str:
        """One file, one report, one dispatch; gives the file's id."""
        patient = changes.pop("patient_hash", HASH)
        chain = changes.pop("chain", "")
        version = changes.pop("version", 1)
        file = self.file(state=changes.pop("file_state", FileState.DONE), removed=changes.pop("removed", True))
        report = self.report(chain, version, file_id=file.id, patient_hash=patient)
        dispatch = self.dispatch(state, report=report, **changes)
        with self.store.transaction() as uow:
            uow.payloads.put_all(file.id, {"original": RAW, "sibling:DUPONT.pdf": RAW})
            uow.payloads.put_all(dispatch.id, {"sealed": RAW, "rendition:pdf": RAW, "certificate": b"PEM"})
            for kind, content in (("smtp", b"250 OK"), ("mdn", NOTICE)):
                row = ReceiptRow(
                    id=f"R{kind}{file.id}",
                    dispatch_id=dispatch.id,
                    kind=kind,
                    at=self.clock.now(),
                    digest=f"{kind}{number}",
                )
                uow.receipts.add(row, content)
        return file.id

    def purge(self, **options: Any) -> Purged:
        return purge(self.store, self.clock, RETENTION, actor="operator:eve", **options)

    def kinds(self, owner: str) -> tuple[str, ...]:
        with self.store.reading() as uow:
            return uow.payloads.kinds(owner)


def test_contents_go_and_the_proof_stays(life: Life, store: SqlStore, clock: FrozenClock) -> None:
    file_id = life.through()
    with store.reading() as uow:
        (before,) = uow.reports.of_file(file_id)
    clock.advance(LONG.total_seconds())
    would = life.purge(dry=True)
    assert life.kinds(file_id) == ("original", "sibling:DUPONT.pdf")
    done = life.purge()
    assert done.weights == {
        Kept.FILES: Weight(1),
        Kept.ORIGINALS: Weight(2, 2 * len(RAW)),
        Kept.RENDITIONS: Weight(1, len(RAW)),
        Kept.MAILS: Weight(1, len(RAW)),
        Kept.NOTICES: Weight(1, len(NOTICE)),
        Kept.ADDRESSES: Weight(),
        Kept.IDENTITIES: Weight(1),
        Kept.ANSWERS: Weight(),
    }
    told = {kind: weight for kind, weight in done.weights.items() if kind is not Kept.IDENTITIES and weight.count}
    assert {kind: weight for kind, weight in would.weights.items() if weight.count} == told
    with store.reading() as uow:
        file, (report,) = uow.files.get(file_id), uow.reports.of_file(file_id)
        (line,) = uow.journal.of_subject("purge")
        receipts = uow.receipts.of_dispatch("D3")
        assert uow.payloads.get("Rmdn" + file_id, "extract") is not None
        assert b"DUPONT" not in (uow.payloads.get("Rmdn" + file_id, "extract") or b"")
        assert uow.payloads.get("Rsmtp" + file_id, "notice") == b"250 OK"
        assert uow.journal.verify()[1] == ""
    assert file is not None and (file.path, file.name, file.purged_at) == ("", "", clock.now())
    assert report.patient_hash == "" and report.chain == before.chain and report.fingerprint == before.fingerprint
    assert life.kinds(file_id) == () and life.kinds("D3") == ("certificate",) and len(receipts) == 2
    assert (line.event, line.actor) == ("purge.contents", "operator:eve")
    assert line.detail["files"] == 1 and line.detail["notices"] == 1
    assert not life.purge().anything


@pytest.mark.parametrize("state", sorted(UNFINISHED))
def test_what_is_unfinished_is_never_purged(life: Life, clock: FrozenClock, state: State) -> None:
    file_id = life.through(state)
    clock.advance(LONG.total_seconds() * 100)
    assert not life.purge().anything and "original" in life.kinds(file_id)


@pytest.mark.parametrize(
    "case", ["young", "quarantined", "in its folder", "climbing", "answer due", "touched", "called"]
)
def test_what_is_still_needed_stays(
    life: Life, store: SqlStore, clock: FrozenClock, case: str, raw: Callable[[str], list[Any]]
) -> None:
    changes: dict[str, Any] = {
        "quarantined": {"file_state": FileState.QUARANTINED},
        "in its folder": {"removed": False},
        "climbing": {"state": State.SENT, "climb_at": clock.now()},
        "called": {"state": State.SENT, "rung": 3},
    }.get(case, {})
    file_id = life.through(**changes)
    if case != "young":
        clock.advance(LONG.total_seconds())
    with store.transaction() as uow:
        if case == "answer due":
            uow.answers.note(answer(clock, file_id=file_id))
        if case == "touched":
            uow.journal.write("D3", "dispatch.proof-made")
    if case == "called":
        raw("INSERT INTO ladder_steps VALUES ('D3', 2, 'person', '2026-03-11T08:00:00.000000+00:00', '', '')")
    assert not life.purge().anything and "original" in life.kinds(file_id)


def test_an_identity_stays_while_a_payload_of_that_patient_does(
    life: Life, store: SqlStore, clock: FrozenClock
) -> None:
    first = life.through(number="1")
    life.through(State.HELD, number="2")
    clock.advance(LONG.total_seconds())
    done = life.purge()
    assert done.weights[Kept.FILES] == Weight(1) and done.weights[Kept.IDENTITIES] == Weight()
    with store.transaction() as uow:
        assert [one.patient_hash for one in uow.reports.of_file(first)] == [HASH]
        dispatch = next(one for one in ("D6", "D7") if uow.dispatches.get(one) is not None)
        uow.dispatches.move(dispatch, State.CLOSED)
    clock.advance(LONG.total_seconds())
    assert life.purge().weights[Kept.IDENTITIES] == Weight(2)


def test_a_late_notice_leaves_an_extract_only(life: Life, store: SqlStore, clock: FrozenClock) -> None:
    life.through()
    clock.advance(LONG.total_seconds())
    life.purge()
    with store.transaction() as uow:
        row = ReceiptRow(id="R9", dispatch_id="D3", kind="mdn", at=clock.now(), digest="late")
        assert uow.receipts.add(row, NOTICE)
    assert life.kinds("R9") == ("extract",)


def test_notices_of_nobody_lose_their_bytes_and_are_not_taken_again(
    life: Life, store: SqlStore, clock: FrozenClock
) -> None:
    row = ReceiptRow(id="R1", dispatch_id="", kind="other", at=clock.now(), digest="d1")
    with store.transaction() as uow:
        uow.receipts.add(row, NOTICE)
    assert not life.purge().anything
    clock.advance(31 * 86400)
    assert life.purge().weights[Kept.NOTICES] == Weight(1, len(NOTICE)) and life.kinds("R1") == ()
    with store.transaction() as uow:
        assert not uow.receipts.add(ReceiptRow(id="R2", dispatch_id="", kind="other", at=clock.now(), digest="d1"))


def test_a_notice_that_waits_for_a_person_stays_whole(life: Life, store: SqlStore, clock: FrozenClock) -> None:
    life.through()
    with store.transaction() as uow:
        for name, to_read in (("R1", True), ("R2", False)):
            row = ReceiptRow(id=name, dispatch_id="", kind="mdn", at=clock.now(), digest=name, to_read=to_read)
            uow.receipts.add(row, NOTICE)
    clock.advance(LONG.total_seconds())
    assert life.purge(dry=True).weights[Kept.NOTICES] == Weight(2, 2 * len(NOTICE)), "the read one, and that of a file"
    life.purge()
    assert (life.kinds("R1"), life.kinds("R2")) == (("notice",), ())
    clock.advance(3650 * 86400)
    assert life.purge().weights[Kept.PROOFS] == Weight(1)
    with store.transaction() as uow:
        assert (uow.receipts.get("R1") is None, uow.receipts.get("R2") is None) == (False, True)
        assert uow.payloads.get("R1", "notice") == NOTICE
        assert uow.receipts.close("R1", clock.now(), by="eve", why="lu")
    assert life.purge().weights[Kept.NOTICES] == Weight(1, len(NOTICE)) and life.kinds("R1") == ()


def answer(clock: FrozenClock, **changes: Any) -> AnswerRow:
    now = clock.now()
    values: dict[str, Any] = {"id": "A1", "source": "sil", "format": "csv", "event": "sent", "subject": "D1"}
    return AnswerRow(**values | {"at": now, "due_at": now} | changes)


def test_answers_given_go_but_the_newest_statement_of_a_day(life: Life, store: SqlStore, clock: FrozenClock) -> None:
    with store.transaction() as uow:
        for name, changes in {
            "A1": {"file_id": ""},
            "A2": {"event": "day", "subject": "2026-03-10"},
            "A3": {"event": "day", "subject": "2026-03-11"},
            "A4": {"file_id": "F9"},
        }.items():
            uow.answers.note(answer(clock, id=name, **changes))
        uow.answers.given(["A1", "A2", "A3", "A4"], clock.now())
        uow.answers.note(answer(clock, id="A5"))
    clock.advance(41 * 86400)
    assert life.purge(dry=True).weights[Kept.ANSWERS] == Weight(2)
    assert life.purge().weights[Kept.ANSWERS] == Weight(2)
    with store.reading() as uow:
        left = {one.id: one.state for one in uow.answers.list()}
        assert uow.answers.last_day("sil", "2026-04-01") == "2026-03-11"
    assert left == {"A3": AnswerState.SENT, "A4": AnswerState.SENT, "A5": AnswerState.DUE}


def test_after_ten_years_the_proof_goes_version_by_version_together(
    life: Life, store: SqlStore, clock: FrozenClock, raw: Callable[[str], list[Any]]
) -> None:
    old = life.through(chain="one", number="1")
    clock.advance(9 * 365 * 86400)
    life.through(chain="one", version=2, number="2")
    life.purge()
    clock.advance(2 * 365 * 86400)
    assert life.purge().weights.get(Kept.PROOFS, Weight()) == Weight()  # its chain is not ten years old
    clock.advance(9 * 365 * 86400)
    assert life.purge(dry=True).weights[Kept.PROOFS] == Weight(2)
    assert life.purge().weights[Kept.PROOFS] == Weight(2)
    for table in ("files", "reports", "dispatches", "receipts", "payloads", "batch_members", "answers"):
        assert raw(f"SELECT count(*) FROM {table}")[0][0] == 0, table
    with store.reading() as uow:
        assert uow.files.get(old) is None and not uow.tallies.drift()
        assert uow.journal.verify()[1] == "" and uow.journal.of_subject(old)


def test_it_stops_between_slices_and_goes_on(life: Life, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dispatcher.service.purge.SLICE", 2)
    for number in range(5):
        life.through(number=str(number))
    life.through(State.HELD, number="held")
    clock.advance(LONG.total_seconds())
    turns = iter([True, False])
    first = life.purge(go_on=lambda: next(turns))
    assert (first.weights[Kept.FILES], first.complete) == (Weight(2), False)
    rest = life.purge()
    assert (rest.weights[Kept.FILES], rest.complete) == (Weight(3), True)


def test_someone_who_needs_it_again_between_look_and_removal_keeps_it(
    life: Life, store: SqlStore, clock: FrozenClock
) -> None:
    file_id = life.through(State.SENT)
    clock.advance(LONG.total_seconds())
    before = clock.now() - RETENTION.contents
    with store.reading() as uow:
        page = uow.purging.contents(before, None, 10)
    assert page.ids == (file_id,)
    with store.transaction() as uow:
        uow.dispatches.move("D3", State.FAILED)
    with store.transaction() as uow:
        assert uow.purging.drop_contents(page.ids, before, clock.now()) == {}
    assert "original" in life.kinds(file_id)


def test_nothing_of_it_stays_in_the_files_of_sqlite(
    life: Life, store: SqlStore, clock: FrozenClock, database: Database
) -> None:
    """The stored bytes themselves, for they can be read with the master key: in the file, its free pages, its log."""
    if database.engine != "sqlite":
        return  # what VACUUM leaves there is no matter of files we see (docs/entretien.md)
    ids = [life.through(number=str(number)) for number in range(30)]
    path = database.url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as reader:
        stored = [
            bytes(one[0])[:24] for one in reader.execute("SELECT content FROM payloads WHERE kind <> 'certificate'")
        ]
        stored += [bytes(one[0])[:24] for one in reader.execute("SELECT names FROM files")]
        keys = [one[0].encode() for one in reader.execute("SELECT path_hash FROM files")] + [HASH.encode()]
    reader.close()
    smtp = [one[:24] for one in _smtp(path)]
    clock.advance(LONG.total_seconds())
    assert found(path, stored + keys)
    done = life.purge()
    assert done.tidy and done.weights[Kept.FILES] == Weight(len(ids))
    assert found(path, [one for one in stored + keys if one not in smtp]) == []


def _smtp(path: str) -> list[bytes]:
    with sqlite3.connect(path) as reader:
        return [bytes(one[0]) for one in reader.execute("SELECT content FROM payloads WHERE owner LIKE 'Rsmtp%'")]


def found(path: str, needles: list[bytes]) -> list[bytes]:
    whole = b"".join(one.read_bytes() for one in Path(path).parent.glob(Path(path).name + "*"))
    return [one for one in needles if one in whole]


def test_compacting_makes_the_file_smaller(life: Life, clock: FrozenClock, database: Database, store: SqlStore) -> None:
    big = bytes(range(256)) * 400
    for number in range(10):
        file_id = life.through(number=str(number))
        with store.transaction() as uow:
            uow.payloads.put(file_id, "original", b"%PDF-" + big)
    clock.advance(LONG.total_seconds())
    assert life.purge(compact=True).tidy
    if database.engine == "sqlite":
        assert Path(database.url.removeprefix("sqlite:///")).stat().st_size < 700_000
