"""After a purge nothing of the patient is left in any file of the installation, and what is left says so."""

from __future__ import annotations

import io
import json
import logging
import sqlite3
import zipfile
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dispatcher.errors import StoreError
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import Kept, Weight
from dispatcher.report import versions
from dispatcher.report.model import IdType
from dispatcher.routing.route import RecipientRole, Wanted
from dispatcher.service import overview
from dispatcher.service.chosen import keep
from dispatcher.service.originals import read_file
from dispatcher.service.prove import Proving, Wish, prove
from dispatcher.service.purge import Retention, purge
from dispatcher.service.replay import plan_replay
from dispatcher.wiring.proving import evidence_printer
from tests.service.bench import DURAND, Bench
from tests.service.samples import LEO, OTHER_VALUE, PEOPLE, SECRETS, ZOE, dsn, hprim_with_document, mdn, oru
from tests.service.test_service_anchor import anchoring
from tests.service.test_service_patients import asked, patients

RETENTION = Retention(
    contents=timedelta(days=90), unmatched=timedelta(days=90), answers=timedelta(days=90), proof=timedelta(days=3650)
)


def later(bench: Bench, days: int = 91) -> None:
    bench.clock.advance(days * 86400)


def read_by_everybody(bench: Bench) -> None:
    """Every mail that left comes back delivered and read, the notice quoting the patient."""
    for number, handed in enumerate(bench.transport.accepted):
        if bench_knows(bench, handed.mail.message_id):
            quoted = mdn(handed.mail.message_id, handed.mail.recipient, number=number)
            bench.mailbox.arrive(quoted.replace(b"\nLu.\n", f"\nLu : {ZOE.family} {ZOE.given}\n".encode()))
    bench.collect()


def bench_knows(bench: Bench, message_id: str) -> bool:
    return any(one.message_id == message_id and one.state is State.SENT for one in bench.dispatches())


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def spellings(text: str) -> set[bytes]:
    """As it may stand in a file."""
    return {
        form
        for one in (text, text.upper(), text.lower(), text.title())
        for form in (one.encode(), one.encode("latin-1"), one.encode("utf-16-le"), one.encode("utf-16-be"))
    } | {json.dumps(text).strip('"').encode()}


def stored(bench: Bench) -> set[bytes]:
    """The beginning of everything encrypted, and every keyed hash: with the master key they tell of a person."""
    found: set[bytes] = set()
    with closing(sqlite3.connect(bench.database)) as database:
        kept = (
            "kind NOT IN ('certificate', 'dispatches') AND owner NOT IN (SELECT id FROM receipts WHERE kind = 'smtp')"
        )
        found |= {bytes(row[0])[:24] for row in database.execute(f"SELECT content FROM payloads WHERE {kept}")}
        found |= {bytes(row[0])[:24] for row in database.execute("SELECT names FROM files")}
        for column, table in (("path_hash", "files"), ("patient_hash", "reports")):
            found |= {row[0].encode() for row in database.execute(f"SELECT {column} FROM {table}")}
    return found


def test_nothing_of_a_patient_is_left_in_any_file(bench: Bench, tmp_path: Path) -> None:
    log = logging.FileHandler(bench.folder / "dispatcher.log")
    logging.getLogger().addHandler(log)
    bench.desk = replace(bench.desk, policy=patients(bench))
    bench.drop(f"{ZOE.family}_{ZOE.given}.hl7", oru(who=ZOE, copies="S001^BOB"))
    bench.drop(f"{LEO.family} {LEO.born}.hl7", oru("R2", who=LEO, result="voir texte"))
    bench.drop("patient.hl7", asked("DESTMSSANTEPS=Y", "DESTMSSANTEPAT=Y", order="R7"))
    bench.drop("TRACE01.PDF", b"%PDF-1.4 " + LEO.family.encode())
    bench.drop("glycines.hpr", hprim_with_document())
    bench.run()
    bench.clock.advance(60)
    bench.drop(f"{ZOE.family}_2.hl7", oru(who=ZOE, copies="S001^BOB"))  # the same bytes once more
    bench.run()
    bench.mailbox.arrive(dsn("<jamais@vu.test>", DURAND))  # a notice of nobody
    read_by_everybody(bench)
    for one in bench.dispatches():
        if one.state not in {State.READ, State.WITHDRAWN}:
            with bench.store.transaction() as uow:
                uow.dispatches.move(one.id, State.CLOSED, reason="essai", actor="operator:eve")
    for file in bench.files(FileState.QUARANTINED):
        with bench.store.transaction() as uow:
            uow.files.move(file.id, FileState.DONE, reason="illisible, mis de côté", actor="operator:eve")
    with bench.store.transaction() as uow:
        (nobodys,) = uow.receipts.unmatched()
        assert uow.receipts.close(nobodys.id, bench.clock.now(), by="eve", why="lu")
    before = stored(bench)
    assert len(before) > 20 and {f.state for f in bench.files()} <= {FileState.DONE, FileState.DUPLICATE}
    later(bench)
    done = purge(bench.store, bench.clock, RETENTION)
    logging.getLogger().removeHandler(log)
    log.close()
    assert done.weights[Kept.FILES].count == len(bench.files()) >= 5
    assert done.weights[Kept.ADDRESSES] == Weight(1, done.weights[Kept.ADDRESSES].size) and done.tidy
    needles = {form for secret in SECRETS for form in spellings(secret)} | (before - {b""})
    for person in PEOPLE:
        text = versions.identity_text(person.family, person.given, None, person.born)
        needles |= {bench.desk.cipher.hash(text).encode()}
    files = everything(bench.folder)
    assert len(files) >= 2
    assert [(name, needle) for name, content in files.items() for needle in needles if needle in content] == []


def finished(bench: Bench) -> str:
    """One mail, read; gives its id."""
    bench.drop("resultat.hl7", oru())
    bench.run()
    read_by_everybody(bench)
    return bench.one().id


def test_show_and_evidence_say_that_it_is_purged(bench: Bench) -> None:
    one = finished(bench)
    later(bench)
    purge(bench.store, bench.clock, RETENTION)
    view = overview.show(bench.store, one)
    assert view is not None and view.file is not None and view.file.purged_at == bench.clock.now()
    assert [line.event for line in view.timeline][-1] == "dispatch.read" and len(view.receipts) == 2
    fonts = ExitStack()
    proving = Proving(
        store=bench.store,
        clock=bench.clock,
        anchoring=anchoring(bench),
        printer=evidence_printer(fonts),
        laboratory="Essai",
    )
    proven = prove(proving, one, Wish(actor="operator:eve", content=True, reason="essai"))
    fonts.close()
    assert proven is not None
    assert proven.missing[0].startswith("le contenu a été purgé le ") and any(
        "extrait" in told for told in proven.missing
    )
    with zipfile.ZipFile(io.BytesIO(proven.archive)) as archive:
        texts = {name: archive.read(name) for name in archive.namelist()}
    assert any(b"disposition-notification" in content for content in texts.values())
    assert not any(ZOE.family.encode() in content for content in texts.values())


def test_a_replay_of_what_is_purged_is_refused(bench: Bench) -> None:
    one = finished(bench)
    later(bench)
    purge(bench.store, bench.clock, RETENTION)
    assert plan_replay(bench.store, ids=[one]).count == 0
    (file,) = bench.files()
    with pytest.raises(StoreError, match="a été purgé le 10/06/2026") as refused:
        read_file(bench.desk, file)
    assert refused.value.code == "purged" and "SIL" in refused.value.hint
    bench.drop("encore.hl7", oru())
    bench.run()
    again = bench.files()[-1]
    assert again.state is FileState.DUPLICATE and "purgé depuis (10/06/2026)" in again.reason
    assert len(bench.dispatches()) == 1


def test_a_correction_of_what_is_purged_waits_for_a_person(bench: Bench) -> None:
    finished(bench)
    later(bench)
    purge(bench.store, bench.clock, RETENTION)
    (prepared,) = bench.bring(oru(value=OTHER_VALUE, status="C", at="20260610083000", control="M2"))
    assert prepared.reports[0].version == 2
    held = bench.one(states=(State.HELD,))
    assert held.hold_code == "purged-version" and "purgé" in held.reason


def test_the_same_content_in_other_bytes_goes_to_whom_a_person_names(bench: Bench) -> None:
    """As « dispatcher send FICHIER --to » does, which the refusal names."""
    finished(bench)
    later(bench)
    purge(bench.store, bench.clock, RETENTION)
    bench.drop("encore.hl7", oru(control="M9"))
    bench.take()
    wanted = Wanted(role=RecipientRole.ADDED, id_type=IdType.LOCAL, id="D002", label="Dr PETIT")
    with bench.store.transaction() as uow:
        keep(uow, bench.files(FileState.RECEIVED)[0].id, (wanted,))
    bench.prepare()
    assert len(bench.dispatches()) == 2
