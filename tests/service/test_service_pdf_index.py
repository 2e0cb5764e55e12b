"""PDFs and their index through a source folder: paired, prepared, sent; nothing lost, guessed or doubled."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from email import message_from_bytes, policy

import pytest

from dispatcher.formats.cda.check import check as check_cda
from dispatcher.outbox.states import FileState, State
from dispatcher.report.model import Severity
from dispatcher.resources import sample
from dispatcher.settings.index import IndexSettings
from tests.service import handed
from tests.service.bench import Bench
from tests.service.samples import AMA, LEO, ZOE, Person

PDF = sample("pdf", "compte_rendu.pdf").read_bytes()
OTHER = sample("pdf", "lot_1.pdf").read_bytes()
HEAD = "fichier;nom_naissance;prenom;date_naissance;sexe;dossier;code_prescripteur;date_compte_rendu;titre"


def row(name: str, who: Person = ZOE, *, order: str = "R1001", to: str = "D001", day: str = "18/03/2026") -> str:
    return f"{name};{who.family};{who.given};{who.born};{who.sex};{order};{to};{day};Cytologie"


def index(*rows: str) -> bytes:
    return "\r\n".join((HEAD, *rows, "")).encode("cp1252")


def waiting(bench: Bench) -> list[str]:
    return [file.reason for file in bench.files(FileState.WAITING)]


def test_an_index_waits_for_its_pdf_and_a_pdf_for_its_index(bench: Bench) -> None:
    bench.drop("a.pdf", PDF)
    bench.take()
    assert waiting(bench) == ["attend le message ou l'index qui l'annonce"]
    bench.drop("lot.csv", index(row("a.pdf"), row("b.pdf", LEO, order="R1002")))
    bench.take()
    assert waiting(bench) == ["attend 1 fichier joint annoncé"]
    bench.drop("b.pdf", OTHER)
    bench.take()
    assert bench.file_states() == [FileState.RECEIVED]
    assert list(bench.inbox.iterdir()) == []
    bench.prepare()
    assert bench.states() == [State.READY, State.READY]
    assert [len(file.name) for file in bench.files()] == [len("lot.csv")]


@pytest.mark.parametrize("name", ["cr.csv", "cr.pdf.csv", "CR.TXT"])
def test_an_index_of_the_same_name_finds_its_pdf(bench: Bench, name: str) -> None:
    text = (
        f"Nom de naissance : {ZOE.family}\nPrénom : {ZOE.given}\nDDN : {ZOE.born}\nDossier : R1001\n"
        "Code médecin : D001\n"
        if name.endswith("TXT")
        else index(row("")).decode("cp1252")
    )
    bench.drop(name, text.encode("cp1252"))
    bench.drop("cr.pdf", PDF)
    bench.run()
    assert bench.states() == [State.SENT]
    assert list(bench.inbox.iterdir()) == []


def test_a_missing_pdf_holds_its_own_report_only(bench: Bench) -> None:
    bench.drop("lot.csv", index(row("a.pdf"), row("b.pdf", LEO, order="R1002")))
    bench.drop("a.pdf", PDF)
    bench.take()
    bench.clock.advance(61)
    bench.take()
    bench.prepare()
    held, ready = sorted(bench.dispatches(), key=lambda d: d.state)
    assert (held.state, ready.state) == (State.HELD, State.READY)
    assert "ligne 3, colonne 1 (fichier)" in held.reason
    assert "n'est pas à côté de l'index" in held.reason
    bench.drop("b.pdf", OTHER)
    bench.take()
    assert waiting(bench) == ["attend le message ou l'index qui l'annonce"], "visible, and kept"


def test_the_whole_exported_again_sends_the_missing_one_only(bench: Bench) -> None:
    test_a_missing_pdf_holds_its_own_report_only(bench)
    bench.drop("lot.csv", index(row("a.pdf"), row("b.pdf", LEO, order="R1002")))
    bench.drop("a.pdf", PDF)
    bench.take()
    bench.prepare()
    assert sorted(d.state for d in bench.dispatches()) == [State.READY, State.READY, State.WITHDRAWN]


def test_the_same_index_twice_sends_nothing_twice(bench: Bench) -> None:
    for _ in range(2):
        bench.drop("a.pdf", PDF)
        bench.drop("lot.csv", index(row("a.pdf")))
        bench.run()
    assert bench.states() == [State.SENT]
    assert bench.file_states()[-1] is FileState.DUPLICATE


def test_a_pdf_alone_is_held_for_a_person(bench: Bench) -> None:
    bench.drop("scan.pdf", PDF)
    bench.take()
    bench.clock.advance(61)
    bench.take()
    bench.prepare()
    dispatch = bench.one()
    assert dispatch.state is State.HELD
    assert "Nom de naissance absent" in dispatch.reason


@pytest.mark.parametrize("second", ["lot2.csv", "a.csv"])
def test_two_indexes_that_claim_one_pdf_both_wait_for_a_person(bench: Bench, second: str) -> None:
    bench.drop("a.pdf", PDF)
    bench.drop("lot.csv", index(row("a.pdf")))
    bench.drop(second, index(row("a.pdf" if second != "a.csv" else "", LEO, order="R1002")))
    bench.take()
    bench.prepare()
    assert bench.states() == [State.HELD, State.HELD]
    assert all("un autre index" in dispatch.reason for dispatch in bench.dispatches())
    bench.clock.advance(61)
    bench.take()
    bench.prepare()
    assert set(bench.states()) == {State.HELD}, "the PDF itself names nobody"


def test_two_lines_for_one_pdf_send_nothing(bench: Bench) -> None:
    bench.drop("a.pdf", PDF)
    bench.drop("lot.csv", index(row("a.pdf"), row("a.pdf", LEO, order="R1002")))
    bench.run()
    assert bench.states() == [State.HELD, State.HELD]


def test_a_correction_replaces_and_follows(bench: Bench) -> None:
    bench.drop("a.pdf", PDF)
    bench.drop("a.csv", index(row("a.pdf")))
    bench.run()
    bench.drop("a_corrige.pdf", OTHER)
    text = index(row("a_corrige.pdf", day="19/03/2026") + ";corrigé").replace(b";titre\r\n", b";titre;etat\r\n")
    bench.drop("a_corrige.csv", text)
    bench.run()
    first, second = bench.dispatches()
    assert (first.version, second.version, second.state) == (1, 2, State.SENT)
    assert first.chain == second.chain


def test_a_name_says_it_all(bench: Bench) -> None:
    bench.set_source(
        index=IndexSettings(file_name="{dossier}_{nom_naissance}_{prenom}_{ddn:%Y%m%d}_{code_medecin}.pdf")
    )
    bench.drop(f"R1001_{AMA.family}_{AMA.given}_{AMA.born}_D001.pdf", PDF)
    bench.drop("autre.pdf", OTHER)
    bench.run()
    assert bench.states() == [State.SENT]
    assert waiting(bench) == ["attend le message ou l'index qui l'annonce"]


def attached(mail: bytes) -> Iterator[tuple[str, bytes]]:
    for part in message_from_bytes(mail, policy=policy.default).walk():
        if not part.is_multipart():
            yield part.get_content_type(), part.get_payload(decode=True)  # type: ignore[misc]


def test_it_leaves_as_a_level_1_document_with_the_pdf_beside(bench: Bench) -> None:
    bench.drop("a.pdf", PDF)
    bench.drop("a.csv", index(row("a.pdf", LEO, to="M001")))
    bench.take()
    bench.prepare()
    dispatch = bench.one()
    assert (dispatch.state, dispatch.format) == (State.READY, "cda"), dispatch.reason
    sealed = bench.payload(dispatch.id, "sealed")
    assert sealed is not None
    parts = dict(attached(sealed))
    assert parts["application/pdf"] == PDF
    (archive,) = (content for kind, content in parts.items() if "zip" in kind)
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        (cda,) = (opened.read(name) for name in opened.namelist() if name.upper().endswith("CDA.XML") or "DOC" in name)
    assert b"nonXMLBody" in cda
    assert not [problem for problem in check_cda(cda) if problem.severity is Severity.ERROR]


def test_it_leaves_as_hprim_with_a_note_and_the_pdf(bench: Bench) -> None:
    bench.drop("a.pdf", PDF)
    bench.drop("a.csv", index(row("a.pdf")))
    bench.take()
    bench.prepare()
    dispatch = bench.one()
    assert dispatch.format == "hprim-medecins"
    text = (bench.payload(dispatch.id, "rendition:hprim-medecins") or b"").decode("latin-1")
    assert text.splitlines()[1].strip() == ZOE.family.upper()
    assert "PDF" in text
    assert "****FIN****" in text
    sealed = bench.payload(dispatch.id, "sealed")
    assert PDF in dict(attached(sealed or b"")).values()


def test_a_bulk_send_pairs_them_too(bench: Bench) -> None:
    from dispatcher.intake import by_hand

    folder = bench.folder / "envoi"
    folder.mkdir()
    (folder / "lot.csv").write_bytes(index(row("a.pdf"), row("b.pdf", LEO, order="R1002")))
    (folder / "a.pdf").write_bytes(PDF)
    (folder / "b.pdf").write_bytes(OTHER)
    gathered = by_hand.gather([folder])
    assert [(one.found.name, sorted(one.siblings)) for one in gathered.taken] == [("lot.csv", ["a.pdf", "b.pdf"])]
    (planned,) = handed.plan(bench.desk, gathered.taken, ())
    assert [d.state for d in planned.dispatches] == [State.READY, State.READY]
    (folder / "a.csv").write_bytes(index(row("", LEO)))
    by_name = {one.found.name: sorted(one.siblings) for one in by_hand.gather([folder]).taken}
    assert by_name == {"lot.csv": ["b.pdf"], "a.csv": []}, "claimed twice: nobody's"


def test_a_pdf_named_alone_brings_its_index(bench: Bench) -> None:
    from dispatcher.intake import by_hand

    (bench.folder / "cr.pdf").write_bytes(PDF)
    (bench.folder / "cr.csv").write_bytes(index(row("cr.pdf")))
    (taken,) = by_hand.gather([bench.folder / "cr.pdf"]).taken
    assert (taken.found.name, sorted(taken.siblings)) == ("cr.pdf", ["cr.csv"])
    (planned,) = handed.plan(bench.desk, (taken,), ())
    assert [d.state for d in planned.dispatches] == [State.READY]
