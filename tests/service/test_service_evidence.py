"""Evidence handed to somebody else says nothing a person typed, and proves the same."""

from __future__ import annotations

import io
import zipfile
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest

from dispatcher.outbox.dispatch import Dispatch, JournalLine
from dispatcher.outbox.states import State
from dispatcher.receipts.archive import pack, unpack
from dispatcher.receipts.evidence_check import check
from dispatcher.sealing.proof import fingerprint
from dispatcher.service import operate
from dispatcher.service.anchor import Anchoring
from dispatcher.service.prove import Proven, Proving, Wish, prove
from dispatcher.service.release import release
from dispatcher.wiring.proving import evidence_printer
from tests.fakes import KnownCertificates
from tests.service.bench import BOB, Bench
from tests.service.samples import dsn, mdn, oru
from tests.service.test_service_notices_for_people import letter
from tests.unit.formats.pdf.test_pdf_writer import text_of

EVE = "operator:eve"
NAME = "Mme Ondine CASSEPIPE"
TO_BOB = "S001^BOB^Robert"


@pytest.fixture(autouse=True)
def _certificate(bench: Bench) -> None:
    """With its true fingerprint: the evidence compares it."""
    known = bench.tools.certificate
    shown = fingerprint(known.certificate)
    bench.certificates = KnownCertificates({BOB: replace(known, fingerprint=shown)})
    bench.restart()


def proof(bench: Bench, dispatch_id: str, *, content: bool = False) -> tuple[Proven, dict[str, bytes]]:
    with ExitStack() as closing:
        proving = Proving(
            store=bench.real,
            clock=bench.clock,
            anchoring=Anchoring(
                store=bench.real, clock=bench.clock, signer=lambda _: bench.tools.signer, every=timedelta(hours=24)
            ),
            printer=evidence_printer(closing),
            laboratory="Laboratoire d'essai",
        )
        made = prove(proving, dispatch_id, Wish(actor=EVE, content=content, reason="plainte" if content else ""))
    assert made is not None
    with zipfile.ZipFile(io.BytesIO(made.archive)) as archive:
        files = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    return made, files


def says(files: dict[str, bytes], text: str) -> list[str]:
    """Files that hold it."""
    shown = files | {"resume.pdf": text_of(files["resume.pdf"]).encode()}
    return sorted(name for name, content in shown.items() if text in content.decode("utf-8", "replace"))


def sent(bench: Bench) -> Dispatch:
    bench.bring(oru(to=TO_BOB))
    bench.run()
    one = bench.one()
    assert one.state is State.SENT
    return one


def test_a_reason_a_person_typed_goes_in_only_with_the_content(bench: Bench) -> None:
    one = sent(bench)
    operate.close(bench.real, [one.id], reason=f"{NAME} n'est plus suivie ici", actor=EVE)
    made, files = proof(bench, one.id)
    assert says(files, "CASSEPIPE") == []
    found = check(made.archive)
    assert (found.faults, found.kept_back) == ((), 1)
    (line,) = [line for line in bench_lines(bench, one.id) if line.event == "dispatch.closed"]
    assert line.digest in files["journal/liens.txt"].decode(), "its digest and its way are there"
    assert f"journal/ligne-{line.number:012d}.chemin" in files
    assert "non donnée" in files["LISEZMOI.txt"].decode()
    _, whole = proof(bench, one.id, content=True)
    assert "resume.pdf" in says(whole, "CASSEPIPE") and f"journal/ligne-{line.number:012d}.json" in whole


def bench_lines(bench: Bench, subject: str) -> tuple[JournalLine, ...]:
    with bench.real.reading() as uow:
        return uow.journal.of_subject(subject)


def test_nor_where_the_program_repeats_it(bench: Bench) -> None:
    one = sent(bench)
    with bench.real.transaction() as uow:
        uow.journal.write(one.id, "dispatch.acknowledged", actor=EVE, reason=NAME)
        uow.journal.write(one.id, "dispatch.test", reason=f"Remarque. {NAME} Suite.")
    made, files = proof(bench, one.id)
    assert says(files, "CASSEPIPE") == [] and check(made.archive).kept_back == 2


def test_what_was_sealed_for_a_release_is_proved_without_its_reason(bench: Bench) -> None:
    bench.bring(oru(to=TO_BOB))
    one = bench.one()
    operate.hold(bench.real, [one.id], reason="attendre", actor=EVE)
    assert release(bench.desk, one.id, reason=f"vu avec {NAME}", actor=EVE).released
    bench.run()
    (last,) = [one for one in bench.dispatches() if one.state is State.SENT]
    made, files = proof(bench, last.id)
    assert check(made.archive).faults == () and last.sealed_sha256 in files["envoi.json"].decode()
    assert says(files, "CASSEPIPE") == []


def test_a_line_taken_away_is_not_a_line_kept_back(bench: Bench) -> None:
    made, files = proof(bench, sent(bench).id)
    name = next(one for one in sorted(files) if one.endswith(".json") and one.startswith("journal/"))
    packed, _ = unpack(made.archive)
    without = pack({path: content for path, content in packed.items() if not path.endswith(name)})
    assert any(name in fault for fault in check(without).faults)


@pytest.mark.parametrize("what", ["letter", "read"])
def test_a_persons_words_are_never_given_whole(bench: Bench, what: str) -> None:
    one = sent(bench)
    text = f"{NAME} n'est plus ma patiente."
    typed = mdn(one.message_id, one.address).replace(b"\nLu.\n", f"\n{text}\n".encode())
    assert text.encode() in typed
    bench.mailbox.arrive(letter(one, text) if what == "letter" else typed)
    assert bench.collect().matched == 1
    _, files = proof(bench, one.id)
    assert says(files, "CASSEPIPE") == []
    assert [name for name in files if name.startswith("accuses/extraits/")] != []


def test_what_software_says_is_given_as_it_came(bench: Bench) -> None:
    one = sent(bench)
    for content in (dsn(one.message_id, one.address), mdn(one.message_id, one.address)):
        bench.mailbox.arrive(content)
    assert bench.collect().matched == 2
    _, files = proof(bench, one.id)
    given = sorted(name.rpartition("-")[2] for name in files if name.startswith("accuses/A"))
    assert given == ["dsn.eml", "mdn.eml"]
