"""``dispatcher directory search`` and ``resolve`` by the installed command."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from dispatcher.cli import output, search_show
from dispatcher.cli.main import app
from dispatcher.directory.bulk.importing import import_file
from dispatcher.directory.snapshots.tables import row_of
from dispatcher.directory.snapshots.writing import Origin, writing
from dispatcher.errors import ConfigError
from dispatcher.report.model import IdType
from dispatcher.resources import sample
from dispatcher.routing.candidates import Entry
from tests.integration.laboratory import Installation, install
from tests.integration.test_learning_commands import BOX, CHANNEL, EXTRACTION, HL7, RPPS
from tests.pki import pki


@pytest.fixture
def labo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    local = f"D001;;RPPS;{RPPS};;Dr DURAND;;;;;\nP9;;;;;Dr PAPIER;;;papier;;\n"
    installation = install(tmp_path, pki(), channel=CHANNEL, local=local)
    copy = tmp_path / EXTRACTION
    copy.write_bytes(sample("directory", EXTRACTION).read_bytes())
    import_file(copy, installation.office.settings.directory.folder, now=datetime(2026, 11, 21, tzinfo=UTC))
    monkeypatch.setenv("DISPATCHER_CONFIG", str(installation.config))
    return installation


def run(*words: str, rc: int = 0) -> Result:
    result = CliRunner().invoke(app, ["directory", *words])
    assert result.exit_code == rc, (result.output, result.exception)
    return result


def told(*words: str, rc: int = 0) -> Any:
    return json.loads(run(*words, "--json", rc=rc).stdout)


def report(folder: Path, to: str, copies: str = "") -> str:
    path = folder / "a_essayer.hl7"
    text = HL7.format(number="T1", to=to)
    if copies:
        text = text.replace("|HM|F\r", f"|HM|F||{copies}\r")
    path.write_text(text, encoding="utf-8", newline="")
    return str(path)


@pytest.mark.parametrize("what", [RPPS, "D001"])
def test_an_identifier_or_a_code_tells_box_rules_and_versions(labo: Installation, what: str) -> None:
    decision = told("resolve", what)
    assert decision["route"]["address"] == BOX
    assert decision["trace"]
    assert decision["versions"]["mssante"]
    text = run("resolve", what).stdout
    assert BOX in text
    assert "Données consultées" in text


@pytest.mark.parametrize(("what", "rc"), [(RPPS, 0), ("P9", 0), ("D999", 1)])
def test_exit_codes(labo: Installation, what: str, rc: int) -> None:
    run("resolve", what, rc=rc)


def test_a_number_the_table_holds_as_an_identifier_is_no_laboratory_code(labo: Installation) -> None:
    seen = told("resolve", RPPS)
    assert "Compris comme un RPPS, que donne la table" in seen["note"]
    assert told("resolve", "D001")["note"] == ""


def test_an_unknown_source_is_a_wrong_call(labo: Installation) -> None:
    result = CliRunner().invoke(app, ["directory", "resolve", RPPS, "--source", "autre"])
    assert isinstance(result.exception, ConfigError)


def test_nine_characters_ask_which_kind(labo: Installation) -> None:
    assert "--type FINESS" in run("resolve", "990009999", rc=1).stdout
    assert told("resolve", "990004012", "--type", "FINESS")["route"]


@pytest.mark.parametrize(
    ("what", "kind", "identifier"),
    [("990004012", "FINESS", "990004012"), ("1990004012", "FINESS", "990004012"), (f"8{RPPS}", "RPPS", RPPS)],
)
def test_what_the_directory_knows_is_no_laboratory_code(
    labo: Installation, what: str, kind: str, identifier: str
) -> None:
    decision = told("resolve", what)
    assert (decision["wanted"]["id_type"], decision["wanted"]["id"]) == (kind, identifier)
    assert decision["route"]
    assert kind in decision["note"]


def test_an_rpps_with_a_wrong_key_is_told_as_such(labo: Installation) -> None:
    text = " ".join(run("resolve", "99700000014", rc=1).output.split())
    assert "clé de contrôle est fausse" in text
    assert "code « 99700000014 »" not in text


def test_an_address_is_looked_at_as_an_address(labo: Installation) -> None:
    assert told("resolve", BOX)["route"]["address"] == BOX
    refused = told("resolve", "quelqu.un@gmail.test", rc=1)
    assert (refused["hold"]["code"], refused["wanted"]["id"]) == ("untrusted-domain", "")


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("", "Rien à chercher"),
        ("  ", "Rien à chercher"),
        ("absent/cr.hl7", "Aucun fichier"),
        ("cr.HL7", "Aucun fichier"),
    ],
)
def test_what_is_nobody_is_not_sent_to_the_table(labo: Installation, what: str, said: str) -> None:
    output = run("resolve", what, rc=1).output
    assert said in output
    assert "table des destinataires" not in output


def test_a_folder_is_no_report(labo: Installation, tmp_path: Path) -> None:
    assert "est un dossier" in " ".join(run("resolve", str(tmp_path), rc=1).output.split())


def test_a_report_tells_everybody_it_names(labo: Installation, tmp_path: Path) -> None:
    path = report(tmp_path, "D001^DURAND^Paul", "D999^INCONNU^Max")
    seen = told("resolve", path, "--source", "sil", rc=1)
    (one,) = seen["reports"]
    assert (seen["source"], one["order"]) == ("sil", "T1")
    found = [(who["wanted"]["id"], bool(who["route"])) for who in one["recipients"]]
    assert found == [("D001", True), ("D999", False)]
    text = " ".join(run("resolve", path, rc=1).stdout.split())
    assert "2 destinataires" in text
    assert "ESSAI" not in text, "no patient on this screen"
    assert labo.dispatches() == ()


def test_a_report_that_would_be_held_for_itself_says_so(labo: Installation, tmp_path: Path) -> None:
    path = Path(report(tmp_path, "D001^DURAND^Paul"))
    path.write_bytes(path.read_bytes().replace(b"|19800102|", b"||"))
    (one,) = told("resolve", str(path), rc=1)["reports"]
    assert one["held"]["code"] == "report-check"
    assert [bool(who["route"]) for who in one["recipients"]] == [True]
    said = " ".join(run("resolve", str(path), rc=1).stdout.split())
    assert "Rien n'en partirait : " in said and "report-check" not in said
    assert "ESSAI" not in said


def test_a_report_whose_recipients_are_all_known(labo: Installation, tmp_path: Path) -> None:
    run("resolve", report(tmp_path, "D001^DURAND^Paul"))


def test_a_file_that_is_no_report_is_a_failure_that_is_told(labo: Installation, tmp_path: Path) -> None:
    path = tmp_path / "lettre.txt"
    path.write_text("bonjour")
    assert told("resolve", str(path), rc=1)["problems"]


def test_search_counts_the_others(labo: Installation) -> None:
    everybody = told("search", "mssante", "--limit", "100")
    assert (everybody["more"], everybody["at_least"]) == (0, False)
    few = told("search", "mssante", "--limit", "3")
    assert (len(few["entries"]), few["more"]) == (3, len(everybody["entries"]) - 3)
    assert f"… et {few['more']} autres" in run("search", "mssante", "--limit", "3").stdout
    assert "Personne de ce nom" in run("search", "zzzzz").stdout
    assert "Personne sous ce numéro" in run("search", "99700009999").stdout
    assert "Personne sous ce numéro" in run("search", "RPPS 997 0000 9999").stdout
    assert "Aucune boîte à cette adresse" in run("search", "personne@sandbox.mssante.test").stdout
    assert "Rien à chercher" in run("search", "").stdout


def test_an_address_finds_its_box_and_no_line_of_the_table_beside_it(labo: Installation) -> None:
    with (labo.folder / "tables/destinataires.csv").open("a", encoding="utf-8") as table:
        table.write("E1;;;;autre@sandbox.mssante.test;Dr AUTRE;;;;;\n")
    assert [one["address"] for one in told("search", BOX)["entries"]] == [BOX]
    assert [one["address"] for one in told("search", "Autre@sandbox.mssante.test")["entries"]] == [
        "autre@sandbox.mssante.test"
    ]
    assert told("search", "p1@sandbox.mssante.test")["entries"] == [], "the words of a domain are no name"
    assert told("search", "e1")["entries"][0]["source"] == "local"


@pytest.mark.parametrize("words", ["comptoir", "sandbox", "mssante", "comptoir sandbox", "test"])
def test_the_words_of_an_address_of_the_table_are_no_name(labo: Installation, words: str) -> None:
    with (labo.folder / "tables/destinataires.csv").open("a", encoding="utf-8") as table:
        table.write("E1;;;;comptoir@sandbox.mssante.test;Dr AUTRE;;;;;\n")
    (line,) = told("search", "autre")["entries"]
    assert (line["source"], line["address"]) == ("local", "comptoir@sandbox.mssante.test"), "the label is a name"
    assert [one for one in told("search", words)["entries"] if one["source"] == "local"] == []


def test_the_words_of_an_address_typed_are_no_name(labo: Installation) -> None:
    """A label that holds the same words is somebody else's line: an address finds its own."""
    with (labo.folder / "tables/destinataires.csv").open("a", encoding="utf-8") as table:
        table.write("E1;;;;comptoir@sandbox.mssante.test;Accueil du site mssante, sandbox de test;;;;;\n")
    assert told("search", "accueil@sandbox.mssante.test")["entries"] == []
    assert told("search", "accueil")["entries"][0]["source"] == "local"


def test_search_is_without_accents(labo: Installation) -> None:
    assert told("search", "lefevre eloise") == told("search", "LEFÈVRE Éloïse")


LONG = Entry(
    address="cabinet.medical.des.glycines.et.du.port@medecins.ile-de-france.mssante.fr",
    id_type=IdType.RPPS,
    identifier=RPPS,
    family="DE LA TOUR D'AUVERGNE",
    given="Marie-Bérengère",
    title="Dr",
    profession="Médecin",
    structure_name="MAISON DE SANTÉ PLURIPROFESSIONNELLE DU GRAND PORT",
    postcode="99001",
    town="SAINT-TEST-SUR-MER",
)


def test_the_address_of_a_red_listed_box_is_told_to_nobody(labo: Installation) -> None:
    entry = replace(LONG, identifier="99700000914", family="ROUGE", address="anonyme@dest.test", red_list=True)
    with writing(labo.office.settings.directory.folder / "people.sqlite3", now=datetime.now(UTC)) as snapshot:
        snapshot.add([row_of(entry)])
        snapshot.publish(Origin(source="people", as_of=datetime.now(UTC)))
    (found,) = told("search", "rouge")["entries"]
    assert (found["identifier"], found["address"], found["red_list"]) == ("99700000914", "", True)
    shown = run("search", "rouge").stdout
    assert "liste rouge" in shown
    assert "anonyme" not in shown


@pytest.mark.parametrize("width", [80, 120])
def test_what_is_found_fits_the_screen(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    screen = Console(width=width, record=True, highlight=False)
    for module in (output, search_show):
        monkeypatch.setattr(module, "console", lambda: screen)
    second = replace(LONG, address="second@dest.test", paperless=False)
    secret = "anonyme@dest.test"
    hidden = Entry(
        address=secret, id_type=IdType.RPPS, identifier="99700000021", family="CACHÉ", given="Ana", red_list=True
    )
    bare = Entry(address="", id_type=IdType.RPPS, identifier="99700000047", family="SANS", given="Boîte")
    search_show.show_found([LONG, second, hidden, bare])
    text = screen.export_text()
    assert max(map(len, text.splitlines())) <= width
    assert text.count(RPPS) == 1, "one person, two boxes"
    assert "refuse la" in text
    assert "liste rouge" in text
    assert "anonyme" not in text
    assert "pas de boîte connue" in text
    if width == 80:
        assert LONG.address in text, "an address is never cut in two"


def test_a_name_never_joins_two_people(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Console(width=80, record=True, highlight=False)
    for module in (output, search_show):
        monkeypatch.setattr(module, "console", lambda: screen)
    search_show.show_found([LONG, replace(LONG, identifier="99700000021", address="autre@dest.test")])
    assert "2. " in screen.export_text()
