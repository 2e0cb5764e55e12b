"""What the LIS is told: noted with the move, given once, in order, whole; nothing of a patient in it."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hl7apy.parser import parse_message

from dispatcher.errors import OutcomeUnknown, TryLater
from dispatcher.formats.base import ReadContext
from dispatcher.formats.er7.messages import cut
from dispatcher.formats.hl7.answers import acknowledge, origin_of
from dispatcher.formats.registry import read
from dispatcher.outbox.longest import Longest
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import AnswerRow, AnswerState, StepRow
from dispatcher.service import operate
from dispatcher.service.answer import Answered, Way, answer, anything_due, ways_of
from dispatcher.service.answer_notes import note, telling_to
from dispatcher.service.batch import end_batches
from dispatcher.settings import AnswersSettings, MllpSettings
from dispatcher.transport.return_folder import ReturnFolder
from tests.fakes import Killed
from tests.service.bench import DURAND, PAPER, Bench
from tests.service.conftest import tells
from tests.service.samples import Person, dsn, hprim_with_document, mdn, oru

EVE = "operator:eve"
TYPED = "Appelé, remis en main propre"


class Lis:
    """A bench whose source is answered into a folder."""

    def __init__(self, bench: Bench, **settings: Any) -> None:
        self.bench = bench
        self.folder = bench.folder / "retour"
        self.folder.mkdir(exist_ok=True)
        self.settings = AnswersSettings(**{"folder": self.folder, "statements": False} | settings)
        bench.set_source(answers=self.settings)
        bench.real._telling = {"sil": telling_to(self.settings)}
        self.ways = ways_of("sil", self.settings, {"folder": ReturnFolder(self.folder)})

    def answer(self) -> Answered:
        (way,) = self.ways
        return answer(self.bench.desk, way)

    def rows(self, **wanted: Any) -> tuple[AnswerRow, ...]:
        with self.bench.real.reading() as uow:
            return tuple(reversed(uow.answers.list(limit=1000, **wanted)))

    def events(self) -> list[tuple[str, str]]:
        return sorted((row.event, row.format) for row in self.rows())

    def files(self) -> dict[str, bytes]:
        found = {path.name: path.read_bytes() for path in sorted(self.folder.iterdir())}
        for content in found.values():
            assert not tells(content.decode("utf-8", "replace"))
            assert not tells(content.decode("latin-1"))
        return found

    def lines(self) -> list[dict[str, str]]:
        """Of every CSV file, in the order of their events."""
        found = []
        for name, content in self.files().items():
            if name.endswith(".csv"):
                found += list(csv.DictReader(io.StringIO(content.decode(), newline=""), delimiter=";"))
        return found

    def messages(self) -> list[str]:
        """Every HL7 message of the folder, read back by hl7apy with all its segments."""
        texts = []
        for name, content in self.files().items():
            if name.endswith(".hl7"):
                parts = cut(content.decode())
                assert parts.problems == () and parts.terminated
                for message in parts.messages:
                    text = "\r".join(segment.written(0) or "" for segment in message.segments)
                    texts.append(text)
                whole = [one for one in re.split(r"(?=MSH\|)", content.decode()) if one]
                for one, message in zip(whole, parts.messages, strict=True):
                    apy = parse_message(one, find_groups=False)
                    assert [child.name for child in apy.children] == [s.name for s in message.segments]
        return texts


def sent(bench: Bench, *, to: str = "D001^DURAND^Pierre", control: str = "M1", order: str = "R1001") -> str:
    bench.bring(oru(order, to=to, control=control))
    bench.batch()
    bench.send()
    return bench.dispatches()[-1].id


def notice(bench: Bench, content: bytes) -> None:
    bench.mailbox.arrive(content)
    bench.collect()


# ------------------------------------------------------------------------------------------------ events


def test_every_event_of_a_life_is_a_line(on_both: Bench) -> None:
    lis = Lis(on_both)
    bench = on_both
    dispatch = bench.get(sent(bench))
    notice(bench, dsn(dispatch.message_id, DURAND))
    notice(bench, mdn(dispatch.message_id, DURAND))
    lis.answer()
    lines = lis.lines()
    assert [line["event"] for line in lines] == ["taken", "sent", "delivered", "read"]
    assert {line["message"] for line in lines} == {"M1"}
    assert {line["filler"] for line in lines} == {"R1001"}
    assert [line["dispatch"] for line in lines] == ["", dispatch.id, dispatch.id, dispatch.id]
    assert [line["address"] for line in lines[1:]] == [DURAND] * 3
    assert len({line["id"] for line in lines}) == 4
    assert {line["file_name"] for line in lines} == {""}, "a file's name may be a patient's"
    assert lis.answer().given == 0
    assert {row.state for row in lis.rows()} == {AnswerState.SENT}


def test_a_mail_that_nobody_reads_is_told_once_and_stands_in_the_statements(on_both: Bench) -> None:
    bench, lis = on_both, Lis(on_both, statements=True, events=["sent", "unread", "paper", "read"])
    first = sent(bench)
    sent(bench, order="R2", control="M2")
    other = bench.one(order="R2").id
    for event in ("dispatch.reminded", "dispatch.person-called"):
        climbed(bench, first, event)
    assert [(row.event, row.subject) for row in lis.rows()] == [("sent", first), ("sent", other), ("unread", first)]
    assert lis.rows()[-1].detail["address"] == DURAND
    bench.clock.advance(86400)
    note(bench.desk, "sil", lis.settings)
    lis.answer()
    (day,) = (json.loads(content) for name, content in lis.files().items() if name.endswith("jour-2026-03-11.json"))
    assert day["unread"] == 1 and day["sums"]["sent"] == 2
    assert {one["dispatch"]: one["unread"] for one in day["dispatches"]} == {first: "1", other: ""}
    with bench.real.transaction() as uow:
        uow.dispatches.move(first, State.PAPER, reason="Jamais lu.")
        uow.dispatches.update(first, event="dispatch.person-called")
    assert [row.event for row in lis.rows(subject=first)] == ["sent", "unread", "paper"]


def climbed(bench: Bench, dispatch_id: str, event: str) -> None:
    """One rung."""
    with bench.real.transaction() as uow:
        rung = uow.dispatches.get(dispatch_id).rung + 1  # type: ignore[union-attr]
        step = StepRow(dispatch_id=dispatch_id, step=rung, rung=event.rpartition(".")[2], at=bench.clock.now())
        assert uow.ladder.take(step)
        uow.dispatches.update(dispatch_id, event=event, rung=rung + 1)


def test_a_database_that_came_back_tells_nothing_before_it_is_resumed(bench: Bench) -> None:
    """Its answers may have been given between the backup and the fault."""
    lis = Lis(bench, formats=["csv"])
    sent(bench)
    now = bench.clock.now()
    with bench.real.transaction() as uow:
        uow.installation.restored(now, now, 1, actor=EVE)
    (way,) = lis.ways
    assert not anything_due(bench.desk, way)
    assert lis.answer().rested and lis.files() == {}
    with bench.real.transaction() as uow:
        uow.installation.resumed()
    assert anything_due(bench.desk, way) and lis.answer().given > 0


def test_a_source_without_answers_has_no_rows(bench: Bench) -> None:
    sent(bench)
    with bench.real.reading() as uow:
        assert uow.answers.list() == ()


def test_refused_duplicate_and_partial_lives(on_both: Bench) -> None:
    bench, lis = on_both, Lis(on_both, formats=["json"])
    bench.bring(oru(), oru(), b"ceci n'est pas un message\r\n")
    bench.clock.advance(61)
    bench.take()
    bench.prepare()
    lis.answer()
    lines = [json.loads(line) for content in lis.files().values() for line in content.decode().splitlines()]
    assert [line["event"] for line in lines] == ["duplicate", "taken", "refused"]
    refused = lines[-1]
    with bench.real.reading() as uow:
        (file,) = uow.files.list(states=(FileState.QUARANTINED,))
    assert (refused["file"], refused["sha256"], refused["reason"]) == (file.id, file.sha256, file.reason)


def test_what_people_do_is_told_without_their_words(bench: Bench) -> None:
    lis = Lis(bench)
    bench.bring(oru("R1"), oru("R2", control="M2"), oru("R3", to=f"{PAPER}^PAPIER", control="M3"))
    first, second = (one.id for one in bench.dispatches(states=(State.READY,)))
    operate.close(bench.store, [first], reason=TYPED, actor=EVE)
    operate.withdraw(bench.store, [second], reason=TYPED, actor=EVE)
    lis.answer()
    told = {line["event"]: line for line in lis.lines() if line["event"] not in {"taken"}}
    assert set(told) == {"closed", "withdrawn", "paper"}
    assert (told["closed"]["dispatch"], told["closed"]["by"], told["closed"]["reason"]) == (first, "operator", "")
    assert told["withdrawn"]["dispatch"] == second
    assert told["paper"]["by"] == ""
    assert TYPED not in "".join(content.decode() for content in lis.files().values())


def test_only_the_events_asked_for_are_noted(bench: Bench) -> None:
    lis = Lis(bench, events=["sent"], formats=["csv", "hl7"])
    sent(bench)
    assert lis.events() == [("sent", "csv")], "HL7 has no word for it"


def test_a_long_hold_is_told_once(on_both: Bench) -> None:
    bench, lis = on_both, Lis(on_both, held_hours=4, events=["held-long"])
    bench.bring(oru(to="D404^INCONNU"))
    held = bench.one()
    assert held.state is State.HELD
    bench.clock.advance(3 * 3600)
    assert note(bench.desk, "sil", lis.settings) == 0
    bench.clock.advance(3600)
    assert note(bench.desk, "sil", lis.settings) == 1
    assert note(bench.desk, "sil", lis.settings) == 0
    lis.answer()
    (line,) = lis.lines()
    assert (line["event"], line["dispatch"], line["code"]) == ("held-long", held.id, held.hold_code)


def test_a_fault_that_only_the_lis_can_mend_is_told_at_once(on_both: Bench) -> None:
    bench, lis = on_both, Lis(on_both, held_hours=24, events=["taken", "held-long"])
    bench.bring(oru(who=Person("QUATREPATTES", "", "")))
    held = bench.one()
    assert held.hold_code == "report-check"
    assert note(bench.desk, "sil", lis.settings) == 1
    assert note(bench.desk, "sil", lis.settings) == 0
    lis.answer()
    assert [(line["event"], line["code"]) for line in lis.lines()] == [("taken", ""), ("held-long", "report-check")]


def test_an_undone_replay_is_no_news(bench: Bench) -> None:
    from dispatcher.service.replay import plan_replay, replay, undo

    lis = Lis(bench, events=["failed"])
    failed = sent(bench)
    notice(bench, dsn(bench.get(failed).message_id, DURAND, "failed"))
    done = replay(bench.store, bench.clock, plan_replay(bench.store, ids=[failed]), reason="x", actor=EVE)
    undo(bench.store, bench.clock, done.batches[0], reason="y", actor=EVE)
    assert bench.get(failed).state is State.FAILED
    assert lis.events() == [("failed", "csv")]


# ------------------------------------------------------------------------------------------------ HL7, HPRIM


def test_hl7_acknowledges_the_file_the_delivery_and_the_reading(on_both: Bench) -> None:
    bench, lis = on_both, Lis(on_both, formats=["hl7"])
    dispatch = bench.get(sent(bench, control="CTRL-77"))
    notice(bench, dsn(dispatch.message_id, DURAND))
    notice(bench, mdn(dispatch.message_id, DURAND))
    lis.answer()
    lis.messages()
    ack, *zams = (content.decode() for content in lis.files().values())
    assert "|ACK^R01^ACK|" in ack and "MSA|AA|CTRL-77" in ack
    assert all("OBX|1|CWE|" in zam and "|CTRL-77|Y^^expandedYes-NoIndicator" in zam for zam in zams)
    assert all(f"^^X.400^{DURAND}" in zam for zam in zams)
    assert {re.search(r"ZAM\^(Z0\d)\^ZAM_Z01", zam)[1] for zam in zams} == {"Z02", "Z03"}  # type: ignore[index]
    ids = {row.id for row in lis.rows()}
    assert {message.split("|")[9] for message in (ack, *zams)} == ids, "one control id an answer"


def test_each_report_is_answered_for_its_own_message(bench: Bench) -> None:
    lis = Lis(bench, formats=["hl7"])
    two = oru("R1", control="FIRST") + oru("R2", control="SECOND", to="D002^PETIT")
    bench.bring(two)
    bench.batch()
    bench.send()
    for dispatch in bench.dispatches():
        notice(bench, dsn(dispatch.message_id, dispatch.address))
    lis.answer()
    lis.messages()
    ack = next(content.decode() for name, content in lis.files().items() if name.startswith("ack"))
    assert re.findall(r"MSA\|AA\|(\w+)", ack) == ["FIRST", "SECOND"]
    zams = [content.decode() for name, content in lis.files().items() if name.startswith("zam")]
    told = {re.search(r"X\.400\^([^\r]+?)\|", zam)[1]: re.search(r"\|(FIRST|SECOND)\|", zam)[1] for zam in zams}  # type: ignore[index]
    with bench.real.reading() as uow:
        orders = {d.address: uow.reports.get(d.report_id).order_filler for d in bench.dispatches()}  # type: ignore[union-attr]
    assert {address: {"R1": "FIRST", "R2": "SECOND"}[order] for address, order in orders.items()} == told


def test_a_refused_hl7_file_is_answered_with_an_error(bench: Bench) -> None:
    lis = Lis(bench, formats=["hl7"])
    bench.bring(oru(control="BAD-1").replace(b"ORU^R01^ORU_R01", b"ADT^A01^ADT_A01"))
    lis.answer()
    (message,) = (content.decode() for content in lis.files().values())
    lis.messages()
    assert "MSA|AE|BAD-1" in message and "207^Application error^messageErrorCondition" in message


def test_a_failed_delivery_is_a_z02_with_its_code(bench: Bench) -> None:
    lis = Lis(bench, formats=["hl7"], events=["failed"])
    notice(bench, dsn(bench.get(sent(bench)).message_id, DURAND, "failed"))
    lis.answer()
    lis.messages()
    (message,) = (content.decode() for content in lis.files().values())
    assert "ZAM^Z02" in message and "|N^^expandedYes-NoIndicator" in message
    assert re.search(r"ERR\|\|\|207\^.*\|E\|550\^.*\^SMTPERRORCODE", message)


def test_hprim_answers_an_hprim_file_and_our_reader_reads_it(bench: Bench) -> None:
    from tests.service.samples import PDF

    lis = Lis(bench, formats=["hprim", "csv"])
    (bench.inbox / "TRACE01.PDF").write_bytes(PDF)
    bench.drop("GLY00313.HPR", hprim_with_document())
    bench.take()
    bench.prepare()
    lis.answer()
    name, content = next((n, c) for n, c in lis.files().items() if n.endswith(".HPR"))
    assert re.fullmatch(r"[0-9A-Z]{8}\.HPR", name)
    header, error, trailer = content.decode("latin-1").split("\r\n")[:3]
    fields = header.split("|")
    assert (fields[6], fields[4], fields[9].split("~")[0]) == ("ERR", "D001~Dr DURAND", "GLYCINES")
    assert error.split("|")[2:5:2] == ["GLY00313.HPR", "I"] and trailer.startswith("L|1")
    understood = read(content, ReadContext())
    assert [problem.code for problem in understood.problems] == ["hprim-error-report"]
    assert {line["message"] for line in lis.lines()} == {"GLY00313.HPR"}


def test_what_a_language_cannot_say_of_a_file_is_void_with_a_reason(bench: Bench) -> None:
    lis = Lis(bench, formats=["hl7", "hprim"])
    bench.drop("GLY00313.HPR", hprim_with_document().replace(b"FIC", b"ST"))
    bench.take()
    bench.prepare()
    assert lis.answer().ended == 1
    states = {row.format: (row.state, row.reason) for row in lis.rows()}
    assert states["hprim"][0] is AnswerState.SENT
    assert states["hl7"][0] is AnswerState.VOID and "pas un message HL7" in states["hl7"][1]


# ------------------------------------------------------------------------------------------------ statements


def test_a_batch_and_a_day_have_their_statement(on_both: Bench) -> None:
    bench, lis = on_both, Lis(on_both, statements=True, events=[])
    first = sent(bench)
    sent(bench, order="R2", control="M2")
    notice(bench, mdn(bench.get(first).message_id, DURAND))
    end_batches(bench.store, bench.clock)
    lis.answer()
    by_batch = {name: json.loads(content) for name, content in lis.files().items() if name.endswith(".json")}
    assert len(by_batch) == 2 and all(name.startswith("releve-sil-lot-L") for name in by_batch)
    sums = [one["sums"] for one in by_batch.values()]
    assert sum(one["in"] for one in sums) == 2
    assert sum(one["read"] for one in sums) == sum(one["sent"] for one in sums) == 1
    note(bench.desk, "sil", lis.settings)
    lis.answer()
    assert "releve-sil-jour-2026-03-10.json" in lis.files(), "a day with nothing is told too"
    bench.clock.advance(2 * 86400)
    note(bench.desk, "sil", lis.settings)
    note(bench.desk, "sil", lis.settings)
    lis.answer()
    day = json.loads(lis.files()["releve-sil-jour-2026-03-11.json"])
    assert day["sums"]["in"] == 2 and {one["filler"] for one in day["dispatches"]} == {"R1001", "R2"}
    assert "releve-sil-jour-2026-03-12.csv" in lis.files()
    rows = list(csv.reader(io.StringIO(lis.files()["releve-sil-jour-2026-03-11.csv"].decode()), delimiter=";"))
    totals = {row[1]: int(row[2]) for row in rows if row[0] == "total"}
    assert totals["in"] == sum(count for word, count in totals.items() if word != "in") == len(rows) - 1 - len(totals)


def test_the_days_of_a_stopped_service_are_made_up_for(bench: Bench) -> None:
    lis = Lis(bench, statements=True, events=[])
    note(bench.desk, "sil", lis.settings)
    bench.clock.advance(5 * 86400)
    assert note(bench.desk, "sil", lis.settings) == 10
    days = sorted({row.subject for row in lis.rows()})
    assert days == [f"2026-03-{day}" for day in range(10, 16)]


def test_a_clock_that_stood_in_the_future_stops_no_statement_and_no_answer(bench: Bench) -> None:
    lis = Lis(bench, statements=True, events=["taken"])
    bench.clock.step(400 * 86400)
    bench.bring(oru())
    note(bench.desk, "sil", lis.settings)
    bench.clock.step(-400 * 86400)
    assert lis.answer().given == 0
    with bench.real.transaction() as uow:
        assert uow.moments.bring_back(Longest())["answers"] == 3
    assert lis.answer().given == 3
    assert note(bench.desk, "sil", lis.settings) == 2
    assert {row.subject for row in lis.rows() if row.event == "day"} == {"2027-04-14", "2026-03-10"}


def test_a_day_is_that_of_paris(bench: Bench) -> None:
    lis = Lis(bench, statements=True, events=[])
    bench.clock.step((datetime(2026, 3, 29, 22, 30, tzinfo=UTC) - bench.clock.now()).total_seconds())
    note(bench.desk, "sil", lis.settings)  # 00:30 on the 30th in Paris, the day after the change of clocks
    (row, _) = lis.rows()
    assert (row.subject, row.at) == ("2026-03-29", datetime(2026, 3, 29, 22, 0, tzinfo=UTC))


# ------------------------------------------------------------------------------------------------ once, whole, durable


class Breaking(ReturnFolder):
    """A folder line that dies before or after it wrote."""

    def __init__(self, folder: Path, *, after: bool) -> None:
        super().__init__(folder)
        self.after = after

    def give(self, name: str, content: bytes) -> bytes:
        if self.after:
            super().give(name, content)
        raise Killed


@pytest.mark.parametrize("after", [True, False], ids=["after writing", "before writing"])
@pytest.mark.parametrize("formats", [["csv"], ["hl7"]], ids=["csv", "hl7"])
def test_a_stop_gives_the_same_answer_under_the_same_name(bench: Bench, formats: list[str], after: bool) -> None:
    lis = Lis(bench, formats=formats)
    sent(bench)
    way = ways_of("sil", lis.settings, {"folder": Breaking(lis.folder, after=after)})[0]
    with pytest.raises(Killed):
        answer(bench.desk, way)
    before = lis.files()
    assert bool(before) is after
    bench.reopen()
    bench.real._telling = {"sil": telling_to(lis.settings)}
    sent(bench, order="R2", control="M2")  # more to tell by now
    lis.answer()
    ids = [row.id for row in lis.rows()]
    for name, content in before.items():
        told = lis.files()[name]
        assert told == content or formats == ["hl7"], "same lines in the same file"
    if formats == ["csv"]:
        assert sorted(line["id"] for line in lis.lines()) == sorted(ids), "each once"
    else:
        assert len(lis.files()) == len(ids)


def test_a_missing_folder_loses_nothing_and_is_not_made(bench: Bench) -> None:
    lis = Lis(bench)
    sent(bench)
    lis.folder.rmdir()
    done = lis.answer()
    assert "introuvable" in done.fault and not lis.folder.exists()
    lis.folder.mkdir()
    assert lis.answer().rested, "it rests first"
    bench.clock.advance(5)
    assert lis.answer().given == 2


def test_nothing_half_written_is_seen(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    lis = Lis(bench)
    sent(bench)
    seen: list[list[str]] = []
    replace = Path.replace

    def renamed(self: Path, target: Path) -> Path:
        seen.append([path.name for path in lis.folder.iterdir() if not path.name.startswith(".")])
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", renamed)
    lis.answer()
    assert seen == [[]] and len(lis.files()) == 1


def test_a_move_that_is_rolled_back_is_not_told(bench: Bench) -> None:
    lis = Lis(bench)
    sent(bench)
    (dispatch,) = bench.dispatches()
    before = lis.rows()
    with pytest.raises(Killed), bench.real.transaction() as uow:
        uow.dispatches.move(dispatch.id, State.CLOSED)
        raise Killed
    assert lis.rows() == before


def test_answers_are_given_again_when_asked_for(bench: Bench) -> None:
    lis = Lis(bench)
    sent(bench)
    lis.answer()
    (row, *_) = lis.rows()
    for path in lis.folder.iterdir():
        path.unlink()
    with bench.real.transaction() as uow:
        assert uow.answers.again([row.id, "R404"], actor=EVE) == (row.id,)
    lis.answer()
    assert [line["id"] for line in lis.lines()] == [row.id]


# ------------------------------------------------------------------------------------------------ MLLP


class Server:
    """An MLLP line that is scripted: codes to say, or errors to raise."""

    def __init__(self, *script: object) -> None:
        self.script = list(script)
        self.given: list[str] = []

    def give(self, name: str, content: bytes) -> bytes:
        del name
        text = content.decode()
        self.given.append(text.split("\r", 1)[0].split("|")[9])
        said = self.script.pop(0) if self.script else "AA"
        if isinstance(said, BaseException):
            raise said
        if said == "wrong":
            return b"MSH|^~\\&|A|B|C|D|20260311||ACK|1|P|2.5\rMSA|AA|SOMETHING-ELSE\r"
        (message,) = cut(text).messages
        ack = acknowledge(origin_of(message.header), control_id="X", at=datetime(2026, 3, 11, tzinfo=UTC))
        return ack.replace("MSA|AA", f"MSA|{said}").encode()

    def close(self) -> None: ...


def by_mllp(bench: Bench, *script: object) -> tuple[Lis, Server, Way]:
    lis = Lis(bench, formats=["hl7", "csv"], events=["taken"], mllp=MllpSettings(host="127.0.0.1", port=2575))
    server = Server(*script)
    lines = {"folder": ReturnFolder(lis.folder), "mllp": server}
    folder, mllp = ways_of("sil", lis.settings, lines)
    lis.ways = [folder]
    return lis, server, mllp


def test_a_hanging_lis_does_not_hold_up_the_folder(bench: Bench) -> None:
    lis, server, way = by_mllp(bench, TryLater("x", stage="connect"))
    bench.bring(oru())
    assert answer(bench.desk, way).fault
    assert not anything_due(bench.desk, way)
    assert lis.answer().given == 1
    bench.clock.advance(6)
    assert answer(bench.desk, way).given == 1
    assert len(set(server.given)) == 1


def test_waits_grow_and_end(bench: Bench) -> None:
    _lis, _server, way = by_mllp(bench, *[TryLater("x", stage="connect")] * 12)
    bench.bring(oru())
    waits = []
    for _ in range(12):
        before = bench.clock.monotonic()
        assert answer(bench.desk, way).fault
        waits.append(round(way.rests_until - before))
        bench.clock.advance(waits[-1] + 1)
    assert waits[:4] == [5, 10, 20, 40] and waits[-1] == 600
    assert answer(bench.desk, way).given == 1


@pytest.mark.parametrize("fault", [OutcomeUnknown("x", stage="final-dot"), "wrong"])
def test_an_unknown_outcome_is_told_again_under_the_same_control_id(bench: Bench, fault: object) -> None:
    lis, server, way = by_mllp(bench, fault)
    bench.bring(oru())
    assert answer(bench.desk, way).fault
    bench.clock.advance(5)
    assert answer(bench.desk, way).given == 1
    assert len(server.given) == 2 and len(set(server.given)) == 1
    assert {row.state for row in lis.rows() if row.format == "hl7"} == {AnswerState.SENT}


def test_a_refused_answer_ends_and_the_next_is_given(bench: Bench) -> None:
    lis, _server, way = by_mllp(bench, "AE", "AA")
    bench.bring(oru(), oru("R2", control="M2"))
    done = answer(bench.desk, way)
    assert (done.given, done.ended, done.fault) == (1, 1, "")
    first, second = (row for row in lis.rows() if row.format == "hl7")
    assert (first.state, second.state) == (AnswerState.REFUSED, AnswerState.SENT) and "AE" in first.reason
    with bench.real.reading() as uow:
        assert [line.event for line in uow.journal.of_subject(first.id)] == ["answer.refused"]


def test_refused_for_now_comes_back_and_gives_up_in_the_end(bench: Bench) -> None:
    lis, server, way = by_mllp(bench, *["AR"] * 30)
    bench.bring(oru())
    for _ in range(25):
        answer(bench.desk, way)
        bench.clock.advance(601)
    assert len(server.given) == 20 and len(set(server.given)) == 1
    assert {row.state for row in lis.rows() if row.format == "hl7"} == {AnswerState.REFUSED}
