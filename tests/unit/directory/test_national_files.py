"""PS_LibreAcces, FINESS and ADELI-RPPS files: recognised by their header, every layout met, odd lines told."""

from __future__ import annotations

import io
import os
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatcher.directory.bulk import text
from dispatcher.directory.bulk.columns import fold_header
from dispatcher.directory.bulk.importing import KINDS, import_file
from dispatcher.directory.directories import Directories
from dispatcher.directory.local.table import LocalTable
from dispatcher.directory.snapshots.writing import ImportReport
from dispatcher.errors import DirectoryError
from dispatcher.report.identifiers import luhn_ok
from dispatcher.report.model import IdType
from dispatcher.resources import sample
from tests.tools.big_directories import PEOPLE

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
NAMES = PEOPLE.rstrip("|").split("|")
NEWER = (
    PEOPLE.replace("Libellé civilité d'exercice", "Libellé civilité exercice")
    .replace("Code civilité d'exercice", "Code civilité exercice")
    .replace("Indice répétition voie (coord. structure)", "Indice répétition voie (coord. Structure)")
    .replace("Libellé Département (structure)", "Libellé département (coord. structure)")
    + "Code fonction|Libellé fonction|Code genre d'activité|Libellé genre d'activité|"
)


def activity(**values: str) -> dict[str, str]:
    row = dict.fromkeys(NAMES, "")
    return row | {
        "Type d'identifiant PP": "8",
        "Identifiant PP": "99700000013",
        "Identification nationale PP": "899700000013",
        "Code civilité d'exercice": "DR",
        "Nom d'exercice": "DURAND",
        "Prénom d'exercice": "Paul",
        "Libellé profession": "Médecin",
        "Libellé savoir-faire": "Cardiologie",
        "Numéro FINESS site": "990004012",
        "Raison sociale site": "CABINET DU PORT",
        "Bureau cedex (coord. structure)": "29000 QUIMPER CEDEX",
        **values,
    }


def of(rpps: str) -> dict[str, str]:
    return activity(**{"Identifiant PP": rpps, "Identification nationale PP": f"8{rpps}"})


def many(count: int = 100) -> bytes:
    """Pairs of the old numbers 990000000 and up, each with a new one whose key holds."""
    keyed = [f"{number}{key}" for number in range(9970000000, 9970000000 + count) for key in range(10)]
    rpps = [one for one in keyed if luhn_ok(one)]
    return "".join(["ADELI;RPPS\n", *(f"99{place:07d};{one}\n" for place, one in enumerate(rpps))]).encode()


def people(*rows: dict[str, str], header: str = PEOPLE, end: str = "|\n") -> bytes:
    width = len(header.rstrip("|").split("|"))
    lines = ["|".join([*(row[name] for name in NAMES), *[""] * width][:width]) for row in rows]
    return ("\n".join([header, *(line + end.rstrip("\n") for line in lines)]) + "\n").encode()


def take(folder: Path, data: bytes, name: str = "fichier_202611200600.txt", **options: object) -> ImportReport:
    source = folder / name
    source.write_bytes(data)
    return import_file(source, folder / "held", now=NOW, **options)  # type: ignore[arg-type]


def door(folder: Path) -> Directories:
    return Directories(folder / "held", LocalTable(folder / "none.csv"))


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


SKILLS = "Type d'identifiant PP|Identifiant PP|Nom d'exercice|Prénom d'exercice|Code profession|Libellé profession|\n"


@pytest.mark.parametrize(
    "data",
    [
        people(activity()),
        b"\xef\xbb\xbf" + people(activity()),
        people(activity(), end="\n"),
        people(activity()).replace(b"\n", b"\r\n"),
        people(activity(), header="|".join(NAMES[:48]) + "|"),
        people(activity(), header=NEWER),
        people(activity(), header=PEOPLE.upper()),
        zipped(
            {
                "PS_LibreAcces_Dipl_AutExerc_202611200600.txt": SKILLS.encode(),
                "PS_LibreAcces_Personne_activite_202611200600.txt": people(activity()),
                "PS_LibreAcces_SavoirFaire_202611200600.txt": SKILLS.encode(),
            }
        ),
    ],
    ids=["52", "bom", "no-last-bar", "crlf", "48", "56", "capitals", "zip-of-three"],
)
def test_every_layout_of_people_gives_the_same_person(tmp_path: Path, data: bytes) -> None:
    report = take(tmp_path, data)
    assert (report.kind, report.rows, report.addresses, report.bad_count, report.notes) == ("people", 1, 0, 0, ())
    (found,) = door(tmp_path).people(IdType.RPPS, "899700000013")
    assert (found.title, found.family, found.given, found.profession) == (
        "DR", "DURAND", "Paul", "Médecin (Cardiologie)",
    )  # fmt: skip
    assert (found.structure_id, found.structure_name) == ("990004012", "CABINET DU PORT")
    assert (found.postcode, found.town, found.address, found.source) == ("29000", "QUIMPER CEDEX", "", "people")
    assert door(tmp_path).people(IdType.FINESS, "990004012") == (found,)
    assert door(tmp_path).by_identifier(IdType.RPPS, "99700000013") == (), "no box, so nobody to write to"


def test_each_activity_is_a_row_and_bad_lines_are_told_without_their_content(tmp_path: Path) -> None:
    second = activity(
        **{
            "Numéro FINESS site": "",
            "Numéro SIRET site": "99900001100018",
            "Bureau cedex (coord. structure)": "",
            "Code postal (coord. structure)": "35000",
            "Libellé commune (coord. structure)": "RENNES",
        }
    )
    nobody = activity(**{"Identifiant PP": "", "Identification nationale PP": ""})
    nameless = activity(**{"Nom d'exercice": ""})
    data = people(activity(), second, nobody, nameless) + b"8|SECRET\n" + b"8|SE\0CRET\n" + b"A" * 200_000 + b"\n"
    report = take(tmp_path, data + people(activity()).splitlines()[1])
    assert (report.rows, report.bad_count) == (3, 5)
    assert [bad.line for bad in report.bad] == [4, 5, 6, 7, 8]
    told = " ".join(bad.reason for bad in report.bad)
    assert "SECRET" not in told
    for reason in ("identifiant", "nom d'exercice", "2 champs, 52 attendus", "octets nuls", "trop longue"):
        assert reason in told
    assert {entry.town for entry in door(tmp_path).people(IdType.RPPS, "99700000013")} == {"QUIMPER CEDEX", "RENNES"}
    assert [entry.town for entry in door(tmp_path).people(IdType.SIRET, "99900001100018")] == ["RENNES"]


def test_padded_fields_and_dropped_columns_of_a_newer_layout_are_read(tmp_path: Path) -> None:
    padded = activity(**{"Nom d'exercice": "  DURAND ", "Raison sociale site": "CABINET DU PORT "})
    gone = [place for place, name in enumerate(NAMES) if "savoir-faire" in name]
    lines = people(padded).decode().splitlines()
    kept = ["|".join(part for place, part in enumerate(one.split("|")) if place not in gone) for one in lines]
    take(tmp_path, "\n".join(kept).encode())
    (found,) = door(tmp_path).people(IdType.RPPS, "99700000013")
    assert (found.family, found.structure_name, found.profession) == ("DURAND", "CABINET DU PORT", "Médecin")


def test_a_header_of_two_kinds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DirectoryError, match="plusieurs fichiers"):
        take(tmp_path, b"Adresse BAL;ADELI;RPPS\np@dest.test;990010001;99700000013\n")


def test_the_other_files_of_the_archive_are_not_taken_for_people(tmp_path: Path) -> None:
    with pytest.raises(DirectoryError, match="aucun annuaire connu") as caught:
        take(tmp_path, SKILLS.encode())
    assert "PS_LibreAcces_Personne_activite" in caught.value.hint


ESTABLISHMENT = (
    "990004012;990000010;EHPAD LES TILLEULS;EHPAD RÉSIDENCE LES TILLEULS;;;12;R;DES ESSAIS;;;001;99;EXEMPLE;99002 "
    "SAINT-TEST-SUR-MER;0100000000;;500;EHPAD;4401;EHPAD;99900001100018;8710A;;;;;2001-01-01;;2026-01-01;"
)
FINESS = (
    "nofinesset;nofinessej;rs;rslongue;complrs;compldistrib;numvoie;typvoie;voie;compvoie;lieuditbp;commune;departement;"
    "libdepartement;ligneacheminement;telephone;telecopie;categetab;libcategetab;categagretab;libcategagretab;siret;"
    "codeape;codemft;libmft;codesph;libsph;dateouv;dateautor;datemaj;numuai"
)
ETALAB = (
    f"finess;etalab;111;2026-11-12\nstructureet;{ESTABLISHMENT}\ngeolocalisation;990004012;1.5;2.5;1,ATLASANTE;2026\n"
)


@pytest.mark.parametrize(
    "data",
    [
        f"{FINESS}\n{ESTABLISHMENT}\n".encode(),
        f"{FINESS}\r\n{ESTABLISHMENT}\r\n".encode("latin-1"),
        ETALAB.encode(),
        ETALAB.replace("2026-01-01;\n", "2026-01-01\n").encode("latin-1"),
    ],
    ids=["header", "header-latin", "published", "published-latin-short"],
)
def test_every_form_of_finess_gives_the_same_structure(tmp_path: Path, data: bytes) -> None:
    report = take(tmp_path, data)
    assert (report.kind, report.rows, report.bad_count, report.notes) == ("structures", 1, 0, ())
    (found,) = door(tmp_path).people(IdType.FINESS, "990004012")
    assert (found.structure_name, found.profession) == ("EHPAD RÉSIDENCE LES TILLEULS", "EHPAD")
    assert (found.postcode, found.town, found.box_type) == ("99002", "SAINT-TEST-SUR-MER", "ORG")


def test_the_published_finess_says_its_own_date(tmp_path: Path) -> None:
    assert take(tmp_path, ETALAB.encode(), "finess.csv").source_date == datetime(2026, 11, 11, 23, 0, tzinfo=UTC)


def test_mangled_text_and_shortened_numbers_of_finess_are_told(tmp_path: Path) -> None:
    mangled = ESTABLISHMENT.encode().decode("latin-1")
    short = ESTABLISHMENT.replace("990004012", "10004012")
    report = take(tmp_path, f"{FINESS}\n{ESTABLISHMENT}\n{mangled}\n{short}\n".encode())
    assert report.notes[0].startswith("1 ligne(s) au texte mal décodé")
    assert [(bad.line, bad.reason) for bad in report.bad] == [(4, "numéro FINESS qui n'a pas 9 caractères")]


PAIRS = "N° ADELI;N° RPPS\r\n990010001;99700000013\r\n9900100 02;899700000021\r\n2A0010003;99700000039\r\n"


@pytest.mark.parametrize(
    "data",
    [PAIRS.encode(), PAIRS.encode("latin-1"), PAIRS.replace("N° ADELI", "Numéro ADELI").encode("utf-8-sig")],
    ids=["utf-8", "latin", "other-wording"],
)
def test_old_and_new_numbers_are_found_from_both_sides(tmp_path: Path, data: bytes) -> None:
    report = take(tmp_path, data)
    assert (report.kind, report.rows, report.pairs, report.bad_count) == ("adeli", 0, 6, 0)
    held = door(tmp_path)
    assert held.equivalents(IdType.ADELI, "0990010001") == ((IdType.RPPS, "99700000013"),)
    assert held.equivalents(IdType.RPPS, "899700000021") == ((IdType.ADELI, "990010002"),)
    assert held.equivalents(IdType.RPPS, "990010001") == ()
    assert held.equivalents(IdType.ADELI, "2A0010003") == ((IdType.RPPS, "99700000039"),)


def test_an_old_number_with_two_new_ones_gives_both_and_is_told(tmp_path: Path) -> None:
    data = (
        "N° ADELI;N° RPPS\n990010001;99700000013\n990010001;99700000021\n990010001;99700000021\n12;34\n990010001;34\n"
    )
    report = take(tmp_path, data.encode())
    assert len(door(tmp_path).equivalents(IdType.ADELI, "990010001")) == 2
    assert "1 numéro(s) ADELI mènent à plusieurs RPPS" in report.notes[0]
    assert [(bad.line, bad.reason) for bad in report.bad] == [
        (5, "numéro ADELI qui n'a pas 9 caractères"),
        (6, "numéro RPPS qui n'a pas 11 chiffres"),
    ]


def test_a_line_whose_two_numbers_are_not_one_person_s_is_left_out_and_told(tmp_path: Path) -> None:
    two = activity(**{"Identification nationale PP": "899700000021"})
    untyped = two | {"Type d'identifiant PP": ""}
    other_kind = activity(**{"Identification nationale PP": "0990010001"})
    bare = activity(**{"Identification nationale PP": "99700000013"})
    spaced = activity(**{"Identification nationale PP": "8 997 0000 0013"})
    report = take(tmp_path, people(activity(), two, untyped, other_kind, bare, spaced))
    assert (report.rows, [bad.line for bad in report.bad]) == (3, [3, 4, 5])
    assert {bad.reason for bad in report.bad} == {
        "« Identifiant PP » et « Identification nationale PP » ne désignent pas la même personne"
    }
    assert door(tmp_path).people(IdType.RPPS, "99700000021") == ()


def test_an_old_number_whose_new_one_has_a_wrong_key_is_left_out_and_told(tmp_path: Path) -> None:
    report = take(tmp_path, PAIRS.replace("99700000039", "99700000038").encode())
    assert (report.pairs, [(bad.line, bad.reason) for bad in report.bad]) == (
        4,
        [(4, "numéro RPPS dont la clé est fausse")],
    )


def test_a_kind_can_be_forced_and_its_missing_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(DirectoryError, match="« nofinesset »"):
        take(tmp_path, PAIRS.encode(), kind="structures")
    assert take(tmp_path, PAIRS.encode(), kind="adeli").kind == "adeli"


def test_a_smaller_list_of_pairs_is_refused_too(tmp_path: Path) -> None:
    take(tmp_path, many())
    with pytest.raises(DirectoryError, match=r"3 correspondances au lieu de 100, soit 97,0 % de moins \(5 % permis\)"):
        take(tmp_path, PAIRS.encode())
    report = take(tmp_path, PAIRS.encode(), force=True)
    assert (report.previous_rows, report.added, report.removed) == (100, 3, 100)


def test_what_changed_is_counted(tmp_path: Path) -> None:
    take(tmp_path, people(activity(), of("99700000021")))
    report = take(tmp_path, people(activity(), of("99700000039"), activity()))
    assert (report.previous_rows, report.added, report.removed) == (2, 1, 1)


def test_a_line_without_end_is_read_past_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    longest = 0

    class Endless(io.BytesIO):
        def readline(self, size: int | None = -1, /) -> bytes:
            nonlocal longest
            piece = super().readline(size)
            longest = max(longest, len(piece))
            return piece

    lines = list(text.numbered(Endless(b"x" * 5_000_000 + b"\nlast\n")))
    assert lines == [(2, None), (3, b"last\n")]
    assert longest == text.MAX_LINE_BYTES
    monkeypatch.setattr(text, "MAX_TEXT_BYTES", 1_000_000)
    with pytest.raises(DirectoryError, match="dépasse"):
        list(text.numbered(Endless(b"x" * 5_000_000)))


def test_the_samples_are_taken_whole_and_answer_together(tmp_path: Path) -> None:
    names = [item.name for item in sample("directory").iterdir() if item.name != "destinataires.csv"]
    reports = {}
    for name in sorted(names):
        if name.endswith((".txt", ".csv")):
            report = take(tmp_path, sample("directory", name).read_bytes(), name)
            reports[report.kind] = report
    assert set(reports) == {"mssante", "people", "structures", "adeli"}
    assert all(report.bad_count == 0 for report in reports.values())
    held = door(tmp_path)
    (old,) = held.by_identifier(IdType.ADELI, "990010001")
    ((_, new),) = held.equivalents(IdType.ADELI, "990010001")
    (activity,) = held.people(IdType.RPPS, new)
    assert (old.family, activity.family, activity.address) == ("ANCIENNE", "ANCIENNE", "")
    assert len(held.equivalents(IdType.ADELI, "990010019")) == 2
    (alone,) = held.search("sansboite")
    assert (alone.given, alone.address) == ("Victor", "")
    assert [entry.structure_name for entry in held.search("clinique sans boite")] == ["CLINIQUE SANS BOÎTE DE L'ESSAI"]
    assert held.search("eloise lefevre exemple"), "found by both, each box once"
    boxes = [entry.address for entry in held.search("lefevre eloise")]
    assert len(boxes) == len(set(boxes)) == 2


@given(st.text(min_size=1, max_size=30))
def test_folded_names_stay_folded_and_ignore_case(name: str) -> None:
    folded = fold_header(name)
    assert fold_header(folded) == folded
    assert fold_header(f"  {name} ") == folded


ANY = st.one_of(
    st.binary(max_size=400),
    st.binary(max_size=200).map(lambda tail: people(activity())[:-30] + tail),
    st.binary(max_size=200).map(lambda tail: PAIRS.encode() + tail),
    st.binary(max_size=200).map(lambda tail: ETALAB.encode() + tail),
    st.tuples(st.integers(0, 400), st.binary(max_size=8)).map(
        lambda cut: (data := zipped({"a.txt": PAIRS.encode()}))[: cut[0]] + cut[1] + data[cut[0] + len(cut[1]) :]
    ),
    st.integers(0, 400).map(lambda cut: zipped({"a.txt": PAIRS.encode()})[:cut]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=ANY, kind=st.sampled_from([None, *(kind.name for kind in KINDS)]))
def test_no_file_gives_a_traceback_or_replaces_more_by_less(tmp_path: Path, data: bytes, kind: str | None) -> None:
    held = tmp_path / "held"
    if not held.exists():
        take(tmp_path, many())
    try:
        report = take(tmp_path, data, "any.bin", kind=kind)
    except DirectoryError as error:
        assert error.hint
    else:
        assert report.kind != "adeli" or report.pairs >= 190
        assert report.rows + report.pairs > 0
    assert len(door(tmp_path).equivalents(IdType.ADELI, "990000042")) == 1
    assert not [path.name for path in held.iterdir() if path.name.startswith(".")]


def test_the_same_bytes_without_a_date_of_their_own_do_not_grow_younger(tmp_path: Path) -> None:
    data = PAIRS.encode()
    source = tmp_path / "adeli.csv"
    dates = []
    for days in (20, 0):
        source.write_bytes(data)
        written = (NOW - timedelta(days=days)).timestamp()
        os.utime(source, (written, written))
        dates.append(import_file(source, tmp_path / "held", now=NOW).source_date)
    assert dates == [NOW - timedelta(days=20)] * 2
    assert take(tmp_path, data, "adeli_202611200600.csv").source_date > dates[0], "a date in the name is believed"
