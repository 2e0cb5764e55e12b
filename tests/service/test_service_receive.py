"""Receiving: a file is taken once it is whole, once, and leaves the folder only when it is safe in the store."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from dispatcher.errors import IntakeError, StoreError
from dispatcher.outbox.states import FileState
from dispatcher.service.receive import receive
from tests.fakes import FakeSpool, FaultyStore, Killed
from tests.rights import file_rights_count
from tests.service.bench import Bench
from tests.service.conftest import Watch
from tests.service.samples import OTHER_VALUE, PDF, ZOE, hprim_with_document, oru


def waiting(bench: Bench) -> list[str]:
    return [file.reason for file in bench.files(FileState.WAITING)]


# ------------------------------------------------------------------------------------------------ whole or not


def test_a_growing_file_is_shown_as_waiting_and_taken_when_it_rests(bench: Bench) -> None:
    whole = oru()
    for end in (100, 200, len(whole)):
        bench.drop("r.hl7", whole[:end])
        assert bench.scan().waiting == 1
        assert waiting(bench) == ["vient d'être écrit, ou s'écrit encore"]
        bench.clock.advance(5)
    assert len(bench.files()) == 1, "one row for one file, however often it is looked at"
    assert bench.scan().taken == 1
    assert bench.file_states() == [FileState.RECEIVED], "the waiting row is gone"
    assert bench.payload(bench.files()[0].id, "original") == whole
    assert list(bench.inbox.iterdir()) == []


def test_a_file_that_vanishes_while_it_waits_is_forgotten(bench: Bench) -> None:
    path = bench.drop("r.hl7", oru())
    bench.scan()
    path.unlink()
    bench.scan()
    assert bench.files() == ()


@pytest.mark.parametrize("name", ["r.OK", "r.hpr.OK", "r.hpr.ok"])
def test_the_done_file_says_what_is_whole(bench: Bench, name: str) -> None:
    bench.set_source(contract="done-file")
    bench.drop("r.hpr", oru())
    for _ in range(3):
        assert bench.scan().waiting == 1
        bench.clock.advance(60)
    assert waiting(bench) == ["attend son fichier de fin d'écriture"]
    (bench.inbox / name).touch()
    assert bench.scan().taken == 1
    assert list(bench.inbox.iterdir()) == [], "the done-file leaves with its file"


def test_the_done_file_does_not_vouch_for_the_next_file_of_that_name(bench: Bench) -> None:
    """A stop right after the commit: the folder is cleared by the next pass, the done-file first."""
    bench.set_source(contract="done-file")
    bench.drop("r.hpr", oru())
    (bench.inbox / "r.OK").touch()
    bench.use(FaultyStore(bench.real, lambda number, when: Killed() if when == "after" else None))
    with pytest.raises(Killed):
        bench.scan()
    bench.use(bench.real)
    bench.scan()
    assert list(bench.inbox.iterdir()) == []
    bench.drop("r.hpr", oru(value=OTHER_VALUE))
    assert bench.scan().taken == 0


def test_incomplete_content_waits_then_is_quarantined_with_line_field_found_and_expected(bench: Bench) -> None:
    cut = hprim_with_document("X.PDF").replace(b"OBX|2|FIC", b"OBX|2|ST").rpartition(b"L|1")[0]
    bench.drop("r.hpr", cut)
    assert bench.take().waiting == 1
    assert waiting(bench) == ["segment de fin L absent"]
    bench.clock.advance(61)
    assert bench.scan().taken == 1
    (prepared,) = bench.prepare()
    assert prepared.file.state is FileState.QUARANTINED
    assert "ligne 5" in prepared.file.reason
    assert "segment de fin L manque" in prepared.file.reason
    assert bench.dispatches() == ()


def test_a_pdf_alone_waits_for_the_message_that_announces_it(bench: Bench) -> None:
    bench.drop("TRACE01.PDF", PDF)
    bench.take()
    assert waiting(bench) == ["attend le message ou l'index qui l'annonce"]
    bench.drop("g.hpr", hprim_with_document("TRACE01.PDF"))
    bench.take()
    assert bench.file_states() == [FileState.RECEIVED], "no row for the document, which came with its message"
    assert bench.payload(bench.files()[0].id, "sibling:TRACE01.PDF") == PDF
    assert list(bench.inbox.iterdir()) == []


def test_a_pdf_nobody_announces_is_quarantined_after_patience(bench: Bench) -> None:
    bench.drop("seul.pdf", PDF)
    bench.take()
    bench.clock.advance(60)
    assert bench.scan().taken == 1
    (prepared,) = bench.prepare()
    assert prepared.file.state is FileState.QUARANTINED
    assert "PDF" in prepared.file.reason


# ------------------------------------------------------------------------------------------------ documents beside


def test_a_message_waits_for_its_document(bench: Bench) -> None:
    bench.drop("g.hpr", hprim_with_document())
    bench.take()
    assert waiting(bench) == ["attend 1 fichier joint annoncé"]


def test_a_document_still_being_written_is_not_sent_cut_in_half(bench: Bench) -> None:
    """The message is small and whole at once; its document takes longer to arrive over the network."""
    whole = PDF[:-10] + b"%" * 500 + PDF[-10:]
    bench.drop("g.hpr", hprim_with_document())
    bench.drop("TRACE01.PDF", whole[:40])
    bench.take()
    assert bench.file_states() == [FileState.WAITING]
    bench.clock.advance(10)
    bench.scan()
    assert bench.file_states() == [FileState.WAITING], "quiet, but without its end"
    bench.drop("TRACE01.PDF", whole)
    bench.take()
    assert bench.file_states() == [FileState.RECEIVED]
    assert bench.payload(bench.files()[0].id, "sibling:TRACE01.PDF") == whole


def test_half_a_document_is_left_out_after_patience_and_the_report_held(bench: Bench) -> None:
    bench.drop("g.hpr", hprim_with_document())
    bench.drop("TRACE01.PDF", PDF[:40])
    bench.take()
    bench.clock.advance(60)
    bench.take()
    bench.prepare()
    dispatch = bench.one()
    assert dispatch.hold_code == "report-check"
    assert "absent" in dispatch.reason
    half = bench.files(FileState.QUARANTINED)[0]
    assert bench.payload(half.id, "original") == PDF[:40], "kept for a person to see"


def test_two_messages_may_share_a_document(bench: Bench) -> None:
    """One report to two doctors, as two messages."""
    bench.drop("a.hpr", hprim_with_document(order="T1"))
    bench.drop("b.hpr", hprim_with_document(order="T2"))
    bench.drop("TRACE01.PDF", PDF)
    bench.take()
    assert [bench.payload(file.id, "sibling:TRACE01.PDF") for file in bench.files()] == [PDF, PDF]
    assert list(bench.inbox.iterdir()) == []


def test_a_shared_document_stays_while_another_message_needs_it(bench: Bench) -> None:
    whole = hprim_with_document(order="T2")
    bench.drop("a.hpr", hprim_with_document(order="T1"))
    bench.drop("b.hpr", whole.rpartition(b"L|1")[0])
    bench.drop("TRACE01.PDF", PDF)
    bench.take()
    assert len(bench.files(FileState.RECEIVED)) == 1
    assert waiting(bench) == ["segment de fin L absent"]
    assert (bench.inbox / "TRACE01.PDF").exists()
    bench.drop("b.hpr", whole)
    bench.take()
    assert [bench.payload(file.id, "sibling:TRACE01.PDF") for file in bench.files(FileState.RECEIVED)] == [PDF, PDF]
    assert list(bench.inbox.iterdir()) == []


@pytest.mark.parametrize("name", ["g.hpr", "autre.hl7"])
def test_a_message_cannot_swallow_itself_or_another_one(bench: Bench, name: str) -> None:
    """A wrong name after FIC must not make another patient's message disappear."""
    bench.drop("autre.hl7", oru())
    bench.drop("g.hpr", hprim_with_document(name))
    bench.take()
    bench.clock.advance(61)
    bench.take()
    assert len(bench.files(FileState.RECEIVED)) == 2
    for file in bench.files():
        assert bench.payload(file.id, f"sibling:{name}") is None


def test_a_document_is_found_whatever_its_case(bench: Bench) -> None:
    bench.drop("g.hpr", hprim_with_document("TRACE01.PDF"))
    bench.drop("trace01.pdf", PDF)
    bench.take()
    assert bench.payload(bench.files()[0].id, "sibling:TRACE01.PDF") == PDF
    assert list(bench.inbox.iterdir()) == []


# ------------------------------------------------------------------------------------------------ same and other


def test_two_different_files_of_the_same_name_are_both_kept(bench: Bench) -> None:
    bench.drop("r.hl7", oru())
    bench.take()
    bench.drop("r.hl7", oru("R1002"))
    bench.take()
    assert bench.file_states() == [FileState.RECEIVED] * 2
    originals = {bench.payload(file.id, "original") for file in bench.files()}
    assert originals == {oru(), oru("R1002")}


def test_another_file_with_the_same_name_size_and_time_is_another_file(bench: Bench) -> None:
    """A share that keeps times to the second, a LIS that always writes RESULT.HPR."""
    first = bench.drop("r.hl7", oru(order="R1001"))
    info = first.stat()
    bench.take()
    bench.drop("r.hl7", oru(order="R1002"))
    os.utime(first, ns=(info.st_mtime_ns, info.st_mtime_ns))
    assert first.stat().st_size == info.st_size
    bench.take()
    assert bench.file_states() == [FileState.RECEIVED] * 2
    assert {bench.payload(file.id, "original") for file in bench.files()} == {oru("R1001"), oru("R1002")}


def test_the_same_bytes_again_are_a_duplicate_and_no_second_mail(bench: Bench) -> None:
    bench.drop("a.hl7", oru())
    bench.run()
    bench.drop("b.hl7", oru())
    bench.run()
    first, second = bench.files()
    assert (second.state, second.duplicate_of) == (FileState.DUPLICATE, first.id)
    assert first.id in second.reason
    assert len(bench.transport.accepted) == 1


def test_the_same_bytes_twice_in_one_pass_are_a_duplicate(bench: Bench) -> None:
    bench.drop("a.hl7", oru())
    bench.drop("b.hl7", oru())
    received = bench.take()
    assert (received.taken, received.duplicates) == (1, 1)


def test_the_same_message_with_another_document_is_not_a_duplicate(bench: Bench) -> None:
    for document in (PDF, PDF.replace(b"Catalog", b"Catalpa")):
        bench.drop("g.hpr", hprim_with_document())
        bench.drop("TRACE01.PDF", document)
        bench.take()
    assert bench.file_states() == [FileState.RECEIVED] * 2


def test_bytes_that_were_quarantined_are_read_again(bench: Bench) -> None:
    for name in ("a.txt", "b.txt"):
        bench.drop(name, b"rien de lisible")
        bench.take()
        bench.clock.advance(60)
        bench.scan()
        bench.prepare()
    assert bench.file_states() == [FileState.QUARANTINED] * 2


# ------------------------------------------------------------------------------------------------ stops and faults


@pytest.mark.parametrize("when", ["finish", "before", "after"])
def test_a_stop_between_commit_and_clearing_takes_nothing_twice(bench: Bench, when: str) -> None:
    spool = FakeSpool()
    spool.drop("a.hl7", oru(), siblings={"DOC.PDF": PDF})
    if when == "finish":
        spool.stuck = Killed()
        store = FaultyStore(bench.real)
    else:  # the second transaction writes down that the folder is cleared
        store = FaultyStore(bench.real, lambda number, at: Killed() if (number, at) == (2, when) else None)
    with pytest.raises(Killed):
        receive(spool, store, bench.clock)
    spool.stuck = None
    received = receive(spool, bench.real, bench.clock)
    assert (received.taken, received.duplicates) == (0, 0)
    assert bench.file_states() == [FileState.RECEIVED]
    assert spool.files == {}
    assert spool.finished[-1] == ("/entree/a.hl7", ("DOC.PDF",))
    receive(spool, bench.real, bench.clock)
    with bench.real.reading() as uow:
        assert uow.files.not_removed("sil") == ()


def test_a_stop_before_the_commit_loses_nothing(bench: Bench) -> None:
    spool = FakeSpool()
    spool.drop("a.hl7", oru())
    with pytest.raises(Killed):
        receive(spool, FaultyStore(bench.real, lambda number, when: Killed()), bench.clock)
    assert bench.files() == ()
    assert receive(spool, bench.real, bench.clock).taken == 1


def test_a_file_written_again_between_reading_and_clearing_is_not_lost(bench: Bench) -> None:
    """The LIS replaces the file while the first bytes are being committed."""

    def write_again(number: int, when: str) -> None:
        if (number, when) == (bench.store.number, "before") and bench.files(FileState.RECEIVED) == ():  # type: ignore[attr-defined]
            bench.drop("r.hl7", oru(value=OTHER_VALUE, control="M2"))

    bench.drop("r.hl7", oru())
    bench.scan()
    bench.clock.advance(1.5)
    spool = bench.spools["sil"]
    bench.store = FaultyStore(bench.real, write_again)  # type: ignore[arg-type]
    assert receive(spool, bench.store, bench.clock).taken == 1
    assert (bench.inbox / "r.hl7").exists(), "the new content is not in the store"
    bench.store = bench.real
    bench.take()
    originals = [bench.payload(file.id, "original") for file in bench.files()]
    assert originals == [oru(), oru(value=OTHER_VALUE, control="M2")]


def test_a_folder_that_does_not_let_go_takes_nothing_twice_and_keeps_no_other_back(bench: Bench) -> None:
    spool = FakeSpool()
    spool.stuck = IntakeError("Dossier en lecture seule.", code="not-removed")
    for number in range(60):
        spool.drop(f"{number}.hl7", oru(f"R{number}"))
    first = receive(spool, bench.real, bench.clock)
    assert first.taken == 60
    assert first.faults == ["Dossier en lecture seule."], "told once a pass"
    second = receive(spool, bench.real, bench.clock)
    assert (second.taken, second.duplicates) == (0, 0)
    assert second.faults
    spool.stuck = None
    receive(spool, bench.real, bench.clock)
    assert spool.files == {}


def test_a_read_only_folder_is_told(bench: Bench) -> None:
    bench.drop("r.hl7", oru())
    bench.inbox.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        with file_rights_count():
            received = bench.take()
    finally:
        bench.inbox.chmod(stat.S_IRWXU)
    assert received.taken == 1
    assert "ne peut pas être retiré" in received.faults[0]


def test_the_spool_tells_a_folder_that_does_not_let_go(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied")

    bench.drop(f"{ZOE.family}.hl7", oru())
    monkeypatch.setattr(Path, "unlink", refuse)
    received = bench.take()
    assert received.taken == 1
    assert "ne peut pas être retiré" in received.faults[0]
    assert ZOE.family not in received.faults[0]


def test_a_file_too_large_is_visible_with_its_reason(bench: Bench) -> None:
    bench.set_source(max_bytes=100)
    bench.drop("gros.hl7", oru())
    bench.drop("petit.hl7", oru()[:90])
    received = bench.take()
    bench.scan()
    assert (received.taken, received.waiting) == (0, 2)
    reasons = sorted(waiting(bench))
    assert reasons[0].startswith("Fichier trop gros dans la source « sil » :")
    assert "maximum 100" in reasons[0]
    assert "max_bytes" in reasons[0]
    assert len(reasons) == 2


def test_a_folder_that_is_gone_is_one_fault(bench: Bench) -> None:
    bench.inbox.rmdir()
    with pytest.raises(IntakeError) as error:
        bench.scan()
    assert error.value.code == "folder-unreachable"
    assert "« sil »" in error.value.message


def test_one_source_that_is_gone_does_not_stop_the_others(bench: Bench) -> None:
    from types import SimpleNamespace
    from typing import Any, cast

    from dispatcher.daemon import steps

    gone, there = FakeSpool("parti"), FakeSpool("sil")
    gone.gone = IntakeError("Dossier inaccessible.")
    there.drop("a.hl7", oru())
    office = SimpleNamespace(store=bench.real, clock=bench.clock)
    total = steps.scan(cast(Any, office), cast(Any, [gone, there]))
    assert total.taken == 1
    assert total.faults == ["Dossier inaccessible."]


def test_a_store_that_fails_leaves_the_folder_as_it_is(bench: Bench) -> None:
    bench.drop("r.hl7", oru())
    bench.scan()
    bench.clock.advance(1.5)
    spool = bench.spools["sil"]
    with pytest.raises(StoreError):
        receive(spool, FaultyStore(bench.real, lambda number, when: StoreError("Disque plein.")), bench.clock)
    assert (bench.inbox / "r.hl7").exists()
    assert receive(spool, bench.real, bench.clock).taken == 1


# ------------------------------------------------------------------------------------------------ archive, odd entries


def test_archived_files_of_one_name_are_all_kept(bench: Bench) -> None:
    archive = bench.folder / "archive"
    bench.set_source(after="archive", archive=archive)
    for order in ("R1", "R2", "R3"):
        bench.drop("r.hl7", oru(order))
        bench.take()
    kept = {path.read_bytes() for path in archive.iterdir()}
    assert kept == {oru("R1"), oru("R2"), oru("R3")}
    assert list(bench.inbox.iterdir()) == []


def test_symlinks_folders_and_hidden_files_are_left_alone(bench: Bench) -> None:
    outside = bench.folder / "dehors.hl7"
    outside.write_bytes(oru())
    (bench.inbox / "lien.hl7").symlink_to(outside)
    (bench.inbox / "dossier.hl7").mkdir()
    (bench.inbox / ".cache.hl7").write_bytes(oru())
    (bench.inbox / "en_cours.tmp").write_bytes(oru())
    received = bench.take()
    assert (received.taken, received.waiting) == (0, 0)
    assert outside.exists()


def test_a_document_that_is_a_link_is_not_followed(bench: Bench) -> None:
    outside = bench.folder / "secret.pdf"
    outside.write_bytes(PDF)
    (bench.inbox / "TRACE01.PDF").symlink_to(outside)
    bench.drop("g.hpr", hprim_with_document())
    bench.take()
    bench.clock.advance(61)
    bench.take()
    (file,) = bench.files(FileState.RECEIVED)
    assert bench.payload(file.id, "sibling:TRACE01.PDF") is None
    assert outside.exists()


def test_file_names_that_hold_a_patient_stay_out_of_logs_and_tables(bench: Bench, watch: Watch) -> None:
    """The fixtures look at everything written; this test only makes sure there is something to see."""
    bench.drop(f"{ZOE.family} {ZOE.given} {ZOE.born}.hl7", oru())
    bench.run()
    assert "taken in" in watch.text
    assert bench.files()[0].name.startswith(ZOE.family)
