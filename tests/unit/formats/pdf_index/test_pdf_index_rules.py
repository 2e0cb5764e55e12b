"""Indexes of PDFs: what is read, what is refused, and where; nothing about a patient is ever guessed."""

from __future__ import annotations

import json
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.errors import ConfigError
from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.formats.pdf_index.dates import read_birth, read_moment
from dispatcher.formats.pdf_index.rules import IndexRules, rules_of, said_by_name
from dispatcher.formats.pdf_index.words import field_of, labels, nested
from dispatcher.report.model import IdType, Report, Severity, Status
from dispatcher.resources import mapping_text, sample
from dispatcher.settings.index import IndexSettings

PDF = sample("pdf", "compte_rendu.pdf").read_bytes()
HEAD = "fichier;nom_naissance;prenom;date_naissance;dossier;rpps"
ROW = "a.pdf;MORVAN;Lena;12/03/1979;77;99700000013"


def read(text: str | bytes, name: str = "index.csv", index: IndexRules | None = None, pdf: bytes = PDF) -> ReadResult:
    data = text.encode() if isinstance(text, str) else text

    def beside(asked: str) -> bytes | None:
        return pdf if asked.lower().endswith(".pdf") else None

    return registry.read(data, ReadContext(file_name=name, sibling=beside, index=index))


def one(text: str | bytes, **more: object) -> Report:
    (report,) = read(text, **more).reports  # type: ignore[arg-type]
    return report


def errors(report: Report) -> list[tuple[str, str]]:
    return [(p.code, p.where) for p in report.problems if p.severity is Severity.ERROR]


# ------------------------------------------------------------------------------------------------ delimiter, header


@pytest.mark.parametrize("mark", [";", ",", "\t", "|"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("quoted", [False, True])
def test_delimiter_quotes_and_character_set_are_found_out(mark: str, codec: str, quoted: bool) -> None:
    cells = [HEAD.split(";"), ROW.replace("Lena", "Lénà").split(";")]
    text = "\r\n".join(mark.join(f'"{cell}"' if quoted else cell for cell in row) for row in cells) + "\r\n"
    report = one(text.encode(codec))
    assert (report.patient.birth_name, report.patient.first_given) == ("MORVAN", "Lénà")
    assert report.patient.birth_date == date(1979, 3, 12)
    assert errors(report) == []


def test_a_spreadsheets_first_line_and_comments_are_no_header() -> None:
    assert one(f"sep=;\n# export\n{HEAD}\n{ROW}\n").order.filler == "77"


def refused(result: ReadResult) -> list[tuple[str, str]]:
    """Errors on the file, of which nothing was read."""
    assert result.reports == ()
    return [(p.code, p.where) for p in result.problems if p.severity is Severity.ERROR]


def test_a_cell_may_hold_a_delimiter() -> None:
    report = one(f'{HEAD};titre\n{ROW};"Bilan ; suite"\n')
    assert report.own_pdf is not None
    assert report.batteries[0].title == "Bilan ; suite"
    assert errors(report) == []


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_an_open_quote_gives_no_pdf_to_the_patient_of_the_next_line(end: str) -> None:
    rows = [
        "fichier;titre;nom_naissance;prenom;date_naissance;dossier",
        'a.pdf;"Bilan;DURAND;ANNE;01/02/1980;1',
        'b.pdf;Suite";MARTIN;PAUL;03/04/1975;2',
    ]
    assert refused(read(end.join(rows))) == [("index-quotes", "ligne 2")]


@pytest.mark.parametrize(
    "cell", ['"deux lignes ;\ndont une"', '"un\x0bdeux"', '"Bilan;B.PDF;x"', '"a;b;c;d;e;f;g;h"', '"Bilan"x']
)
def test_a_cell_that_may_hold_another_line_refuses_the_file(cell: str) -> None:
    assert refused(read(f"{HEAD};titre\n{ROW.replace('a.pdf', 'c.pdf')};\n{ROW};{cell}\n"))[0] == (
        "index-quotes",
        "ligne 3",
    )


def test_a_delimiter_at_the_end_is_dropped_when_every_line_has_it() -> None:
    result = read(f"{HEAD}\n{ROW};\n{ROW.replace('a.pdf', 'b.pdf').replace('77', '78')};\n")
    assert [errors(report) for report in result.reports] == [[], []]


def test_a_line_shifted_over_its_empty_last_cell_is_refused() -> None:
    head = "fichier;date_naissance;nom_naissance;prenom;dossier;commentaire"
    assert refused(read(f"{head}\na.pdf;12/03/1979;MOR;VAN;Lena;77;\n")) == [("index-columns", "ligne 2")]


def test_a_header_run_into_the_first_line_quotes_nobody() -> None:
    result = read(f"{HEAD}{ROW}\n")
    assert refused(result) == [("index-no-header", "ligne 1")]
    assert not any("MORVAN" in p.message for p in result.problems)


def test_a_header_alone_is_told() -> None:
    assert refused(read(f"{HEAD};truc\n")) == [("index-empty", "")]


def test_without_header_the_columns_of_the_source_decide() -> None:
    rules = rules_of(IndexSettings(columns=["nom_naissance", "prenom", "ddn", "-", "fichier", "dossier"]))
    report = one("MORVAN;Lena;19790312;ignoré;a.pdf;77\n", index=rules)
    assert (report.patient.birth_name, report.order.filler) == ("MORVAN", "77")
    assert report.own_pdf is not None


def test_without_header_and_without_columns_the_file_is_refused_and_nobody_quoted() -> None:
    result = read("MORVAN;Lena;19790312;a.pdf;77\n")
    (problem,) = result.problems
    assert (problem.code, problem.where, result.readable) == ("index-no-header", "ligne 1", False)
    assert "5 colonne(s) (séparateur : point-virgule)" in problem.message
    assert "MORVAN" not in problem.message


def test_a_line_with_a_delimiter_too_many_refuses_the_file() -> None:
    result = read(f"{HEAD}\n{ROW.replace('MORVAN', 'MOR;VAN')}\n{ROW.replace('a.pdf', 'b.pdf')}\n")
    assert refused(result) == [("index-columns", "ligne 2")]
    assert "7 colonnes trouvées, 6 attendues" in result.problems[0].message


def test_an_open_quote_hides_no_line() -> None:
    result = read(f'{HEAD}\n{ROW}\nb.pdf;"MORVAN;Lena;12/03/1979;78;99700000013\n{ROW}\n')
    assert refused(result) == [("index-quotes", "ligne 3")]


@pytest.mark.parametrize("first", ["#123.pdf", "sep=1.pdf"])
def test_a_line_after_the_header_is_never_a_comment(first: str) -> None:
    result = read(f"# export\n{HEAD}\n{ROW}\n{ROW.replace('a.pdf', first).replace('77', '78')}\n")
    assert [report.own_pdf and report.own_pdf.name for report in result.reports] == ["a.pdf", first]


def test_without_header_a_line_that_is_cut_like_the_others_is_no_comment() -> None:
    rules = rules_of(IndexSettings(columns=HEAD.split(";")))
    text = f"# export\n{ROW.replace('a.pdf', '#1.pdf').replace('77', '78')}\n{ROW}\n"
    assert [r.own_pdf and r.own_pdf.name for r in read(text, index=rules).reports] == ["#1.pdf", "a.pdf"]


def test_columns_nobody_knows_are_told_and_a_map_names_them() -> None:
    text = "PDF_PATH;PAT_A;PAT_B;DDN;REF;RPPS\na.pdf;MORVAN;Lena;12/03/1979;77;99700000013\n"
    result = read(text)
    assert [p.code for p in result.problems if p.severity is Severity.ERROR] == ["index-missing-column"]
    assert "nom de naissance, liste des prénoms" in result.problems[-1].message
    rules = rules_of(IndexSettings(fields={"PDF_PATH": "file", "pat a": "birth_name", "PAT_B": "first_given"}))
    assert one(text, index=rules).patient.birth_name == "MORVAN"


def test_the_same_file_twice_is_an_error_of_both_and_nobody_gets_it() -> None:
    result = read(f"{HEAD}\n{ROW}\n{ROW.replace('MORVAN', 'MORVAND').replace('a.pdf', 'x/A.PDF')}\n")
    assert [errors(report) for report in result.reports] == [
        [("index-file-twice", "ligne 2, colonne 1 (fichier)")],
        [("index-file-twice", "ligne 3, colonne 1 (fichier)")],
    ]
    assert all(report.own_pdf is None for report in result.reports)


def test_two_documents_of_one_order_need_two_titles() -> None:
    rows = f"{ROW};Biopsie\n{ROW.replace('a.pdf', 'b.pdf')};%s\n"
    result = read(f"{HEAD};titre\n{rows % 'Biopsie'}")
    assert {code for report in result.reports for code, _ in errors(report)} == {"index-report-twice"}
    assert not [e for report in read(f"{HEAD};titre\n{rows % 'Cytologie'}").reports for e in errors(report)]


# ------------------------------------------------------------------------------------------------ whose it is


def test_nothing_of_the_pdf_tells_the_patient() -> None:
    """The sample PDF names LE BIHAN; an index without a name leaves the report without one."""
    report = one("fichier;nom;prenom;ddn\na.pdf;;;\n")
    assert (report.patient.birth_name, report.patient.first_given, report.patient.birth_date) == ("", "", None)


@pytest.mark.parametrize(
    ("columns", "cells", "expected"),
    [
        ("nom;prenom", "MORVAN;Lena", ("MORVAN", "", ("Lena",))),
        ("nom;nom_naissance;prenom", "RIO;MORVAN;Lena", ("MORVAN", "RIO", ("Lena",))),
        ("nom;nom_naissance;prenom", "Morvan;MORVAN;Lena", ("MORVAN", "", ("Lena",))),
        ("nom_naissance;nom_usage;prenoms", "MORVAN;RIO;Lena Marie", ("MORVAN", "RIO", ("Lena", "Marie"))),
        ("nom;prenom;prenoms", "MORVAN;Anne Lise;Anne Lise Marie", ("MORVAN", "", ("Anne Lise", "Marie"))),
        ("last name;first name", "MORVAN;Anne Lise", ("MORVAN", "", ("Anne Lise",))),
    ],
)
def test_names(columns: str, cells: str, expected: tuple[object, ...]) -> None:
    patient = one(f"fichier;ddn;{columns}\na.pdf;12/03/1979;{cells}\n").patient
    assert (patient.birth_name, patient.used_name, patient.given_names) == expected


def test_a_first_name_that_does_not_open_the_list_is_an_error() -> None:
    report = one("fichier;ddn;nom;prenom;prenoms\na.pdf;12/03/1979;MORVAN;Lena;Marie Lena\n")
    assert errors(report) == [("index-contradiction", "ligne 2, colonne 4 (prenom)")]


def test_two_columns_that_disagree_are_an_error() -> None:
    text = "fichier;nom_naissance;prenom;ddn;date de naissance\na.pdf;MORVAN;Lena;12/03/1979;13/03/1979\n"
    assert errors(one(text)) == [("index-contradiction", "ligne 2, colonne 5 (date de naissance)")]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("12/03/1979", date(1979, 3, 12)),
        ("12-03-1979", date(1979, 3, 12)),
        ("12.03.1979", date(1979, 3, 12)),
        ("2/3/1979", date(1979, 3, 2)),
        ("1979-03-12", date(1979, 3, 12)),
        ("19790312", date(1979, 3, 12)),
        ("12031979", date(1979, 3, 12)),
        ("12 mars 1979", date(1979, 3, 12)),
        ("1er août 1979", date(1979, 8, 1)),
        ("lundi 12 févr. 1979", date(1979, 2, 12)),
        ("12/03/1979 00:00:00", date(1979, 3, 12)),
        ("1979-03-12T00:00:00", date(1979, 3, 12)),
        ("12/03/79", date(1979, 3, 12)),
        ("3/25/1979", None),
        ("28926", None),
        ("12 brumaire 1979", None),
        ("30/02/1979", None),
        ("15/42/1979", None),
        ("12/03/1979 MORVAN", None),
    ],
)
def test_birth_dates(text: str, day: date | None) -> None:
    assert read_birth(text, date(2026, 3, 18))[0] == day


def test_two_digits_of_a_year_are_never_read_without_a_day_to_compare() -> None:
    assert read_birth("12/03/79", None)[0] is None
    assert read_birth("12/03/25", date(2026, 3, 18))[0] == date(2025, 3, 12)
    assert read_birth("12/03/27", date(2026, 3, 18))[0] == date(1927, 3, 12)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("18/03/2026 08:10", "2026-03-18T08:10:00+01:00"),
        ("18/07/2026 08:10", "2026-07-18T08:10:00+02:00"),
        ("18/03/2026 à 8h", "2026-03-18T08:00:00+01:00"),
        ("18 mars 2026 8h05", "2026-03-18T08:05:00+01:00"),
        ("2026-03-18T08:10:00Z", "2026-03-18T08:10:00+00:00"),
        ("202603180810", "2026-03-18T08:10:00+01:00"),
        ("18/03/2026", "2026-03-18"),
        ("18/03/26", "2026-03-18"),
        ("18/03/2026 25:10", None),
        ("demain", None),
    ],
)
def test_moments(text: str, moment: str | None) -> None:
    when = read_moment(text)
    assert (when.isoformat() if when else None) == moment


def test_an_hour_may_stand_apart() -> None:
    report = one(f"{HEAD};date_prelevement;heure_prelevement\n{ROW};18/03/2026;7h45\n")
    assert report.collected_at is not None
    assert report.collected_at.isoformat() == "2026-03-18T07:45:00+01:00"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("28926", "unreadable-birth-date"),
        ("15/42/1979", "birth-date-not-calendar"),
        ("1/1/79", "birth-year-short"),
    ],
)
def test_a_birth_date_that_is_none_holds_the_report_at_its_place(text: str, code: str) -> None:
    assert errors(one(f"{HEAD}\n{ROW.replace('12/03/1979', text)}\n")) == [
        (code, "ligne 2, colonne 4 (date_naissance)")
    ]


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Définitif", Status.FINAL),
        ("partiel", Status.PARTIAL),
        ("ANNULÉ", Status.CANCELLED),
        ("Rectificatif", Status.CORRECTED),
        ("annule et remplace", Status.CORRECTED),
        ("", Status.FINAL),
    ],
)
def test_status(word: str, status: Status) -> None:
    report = one(f"{HEAD};etat\n{ROW};{word}\n")
    assert (report.status, errors(report)) == (status, [])


def test_a_status_nobody_knows_holds_the_report() -> None:
    assert errors(one(f"{HEAD};etat\n{ROW};Z9\n")) == [("unknown-status", "ligne 2, colonne 7 (etat)")]


def test_a_cancelled_report_needs_no_pdf() -> None:
    report = one(f"{HEAD};etat\n{ROW.replace('a.pdf', '')};annulé\n", name="lot.txt", pdf=b"")
    assert report.status is Status.CANCELLED
    assert "missing-document" not in [code for code, _ in errors(report)]


def test_who_gets_it() -> None:
    report = one(
        f"{HEAD.replace('rpps', 'prescripteur')};copie;copie1_rpps;copie1_nom;adresse_messagerie\n"
        f"{ROW};99700000021, D005;99700000070;HAMON;a@x.test, b@y.test\n"
    )
    assert report.prescriber is not None
    assert (report.prescriber.id_type, report.prescriber.id) == (IdType.RPPS, "99700000013")
    assert [(c.id_type, c.id, c.family) for c in report.copies] == [
        (IdType.RPPS, "99700000021", ""),
        (IdType.LOCAL, "D005", ""),
        (IdType.RPPS, "99700000070", "HAMON"),
    ]
    assert [r.address for r in report.recipients] == ["a@x.test", "b@y.test"]


def test_a_bare_number_is_believed_by_its_key_only() -> None:
    report = one(f"{HEAD.replace('rpps', 'prescripteur')}\n{ROW.replace('99700000013', '99700000014')}\n")
    assert report.prescriber is not None
    assert report.prescriber.id_type is IdType.LOCAL
    told = one(f"{HEAD.replace('rpps', 'prescripteur')}\n{ROW.replace('99700000013', 'adeli:291012345')}\n").prescriber
    assert told is not None
    assert (told.id_type, told.id) == (IdType.ADELI, "291012345")


def test_an_address_that_is_none_holds_the_report() -> None:
    assert errors(one(f"{HEAD};email\n{ROW};dupont chez wanadoo\n"))[0][0] == "recipient-address"


def test_what_is_no_pdf_does_not_leave() -> None:
    assert errors(one(f"{HEAD}\n{ROW}\n", pdf=b"PK\x03\x04 a document")) == [
        ("pdf-unreadable", "ligne 2, colonne 1 (fichier)")
    ]


# ------------------------------------------------------------------------------------------------ XML, JSON, text


def test_a_report_that_names_its_patient_in_its_text_is_no_index() -> None:
    header = "77\nMORVAN\nLena\n\n\n\n12/03/1979\n\n77\n18/03/2026\nLABO\nD001\n"
    text = header + "Nom : MORVAN\nPrénom : Lena\nDDN : 12/03/1979\nSexe : F\nPrescripteur : Dr DURAND\n****FIN****\n"
    assert read(text, name="r.hpr").format == "hprim-medecins"
    assert registry.read(b"Bonjour,\nNom : MORVAN\nSexe : F\nDDN : 12/03/1979\n", ReadContext()).format == "unknown"


def test_a_doctors_name_is_never_the_patients() -> None:
    xml = "<cr><fichier>a.pdf</fichier><medecin><nom>DURAND</nom><prenom>Paul</prenom></medecin><sexe>F</sexe></cr>"
    report = one(xml, index=None)
    assert (report.patient.birth_name, report.patient.given_names) == ("", ())
    assert report.prescriber is not None
    assert report.prescriber.family == "DURAND"


def test_a_tag_nobody_knows_lends_its_children_no_meaning() -> None:
    assert nested(("patient",), "nom") == "name"
    assert nested(("index", "document", "patient"), "nom") == "name"
    assert nested(("prescripteur",), "nom") == "prescriber_family"
    assert nested(("prelevement",), "date") == "collected_at"
    assert nested(("conjoint",), "nom") == ""
    assert nested(("patient", "conjoint"), "nom") == ""


def test_a_neighbour_without_its_file_lends_nothing() -> None:
    items = [
        {"fichier": "a.pdf", "nom": "MORVAN", "prenom": "Lena"},
        {"nom": "LE GALL", "prenom": "Yann", "dateNaissance": "1988-01-01"},
    ]
    first, second = read(json.dumps(items), name="lot.json").reports
    assert first.patient.birth_date is None
    assert (first.patient.birth_name, second.patient.birth_name) == ("MORVAN", "LE GALL")
    assert second.own_pdf is None


def test_one_patient_with_two_documents() -> None:
    xml = (
        "<envoi><patient><nom>MORVAN</nom><prenom>Lena</prenom><ddn>1979-03-12</ddn></patient>"
        '<document fichier="a.pdf" titre="Un"/><document fichier="b.pdf" titre="Deux"/></envoi>'
    )
    reports = read(xml, name="envoi.xml").reports
    assert [(r.patient.birth_name, r.own_pdf and r.own_pdf.name) for r in reports] == [
        ("MORVAN", "a.pdf"),
        ("MORVAN", "b.pdf"),
    ]


def test_a_json_key_given_twice_with_two_values_refuses_the_file() -> None:
    text = '{"fichier": "a.pdf", "nom": "MORVAN", "prenom": "Lena", "ddn": "12/03/1979", "nom": "%s"}'
    assert refused(read(text % "LE GALL", name="x.json")) == [("index-contradiction", "clé « nom »")]
    assert errors(one(text % "MORVAN", name="x.json")) == []


def test_two_patients_and_no_file_are_refused() -> None:
    items = [{"nom": "MORVAN", "dateNaissance": "1979-03-12", "sexe": "F"}, {"nom": "LE GALL", "sexe": "M"}]
    assert [p.code for p in read(json.dumps(items), name="x.json").problems] == ["index-no-file"]


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        ('{"fichier": "a.pdf", "nom": "X", "dateNaissance": "1"', "index-json", "ligne 1, colonne 54"),
        ("<cr>\n<fichier>a.pdf</fichier><nom>X</nom><ddn>1</ddn>\n", "index-xml", "ligne 3"),
    ],
)
def test_what_is_cut_is_refused_at_its_place(text: str, code: str, where: str) -> None:
    (problem,) = read(text, name="x").problems
    assert (problem.code, problem.where) == (code, where)


def test_an_entity_of_an_xml_reads_no_file() -> None:
    xml = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><cr><fichier>a.pdf</fichier><nom>&x;</nom><ddn>1</ddn></cr>'
    assert all(report.patient.birth_name == "" for report in read(xml, name="x.xml").reports)


# ------------------------------------------------------------------------------------------------ file names


def rules(pattern: str) -> IndexRules:
    made = rules_of(IndexSettings(file_name=pattern))
    assert made is not None
    return made


TEMPLATE = "{dossier}_{nom_naissance}_{prenom}_{date_naissance:%d%m%Y}_{rpps}.pdf"


@pytest.mark.parametrize(
    "pattern",
    [TEMPLATE, r"(?P<dossier>\d+)_(?P<nom_naissance>[^_]+)_(?P<prenom>[^_]+)_(?P<ddn>\d{8})_(?P<rpps>\d{11})\.pdf"],
)
def test_a_template_and_an_expression_say_the_same(pattern: str) -> None:
    name = "77_LE GALL_Anne-Lise_12031979_99700000013.PDF"
    (report,) = registry.read(PDF, ReadContext(file_name=name, index=rules(pattern))).reports
    assert (report.order.filler, report.patient.birth_name, report.patient.first_given) == (
        "77",
        "LE GALL",
        "Anne-Lise",
    )
    assert report.patient.birth_date == date(1979, 3, 12)
    assert errors(report) == []


@pytest.mark.parametrize("name", ["77_LE_GALL_Anne_12031979_99700000013.pdf", "scan0001.pdf", "77_A_B_1979_9.pdf"])
def test_a_name_that_does_not_fit_is_held_and_never_quoted(name: str) -> None:
    (report,) = registry.read(PDF, ReadContext(file_name=name, index=rules(TEMPLATE))).reports
    assert [code for code, _ in errors(report)] == ["index-file-name"]
    assert report.patient.birth_name == ""
    assert not any("GALL" in problem.message + problem.where for problem in report.problems)


def test_an_impossible_day_in_a_name_is_held() -> None:
    name = "77_MORVAN_Lena_30021979_99700000013.pdf"
    (report,) = registry.read(PDF, ReadContext(file_name=name, index=rules(TEMPLATE))).reports
    assert [code for code, _ in errors(report)] == ["birth-date-not-calendar"]


def test_the_index_and_the_name_must_agree() -> None:
    name = "77_MORVAN_Lena_12031979_99700000013.pdf"
    text = f"{HEAD}\n{name};MORVAN;Léna;12 mars 1979;77;99700000013\n"
    assert errors(one(text, index=rules(TEMPLATE))) == []
    ((code, where),) = errors(one(text.replace(";MORVAN", ";MOREL"), index=rules(TEMPLATE)))
    assert (code, where) == ("index-name-disagrees", "ligne 2, colonne 2 (nom_naissance)")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"file_name": "{dossier}{nom}.pdf"}, "rien ne sépare « dossier »"),
        ({"file_name": "{dossierx}.pdf"}, "champ inconnu « dossierx »"),
        ({"file_name": "{dossier}_{ddn:%j}.pdf"}, "« %j » inconnu"),
        ({"file_name": "(?P<dossier>["}, "expression rationnelle refusée"),
        ({"file_name": "{dossier}_{dossier}.pdf"}, "champ répété"),
        ({"file_name": "compte_rendu.pdf"}, "aucun champ"),
        ({"fields": {"A": "nobody"}}, "champ inconnu « nobody »"),
        ({"columns": ["fichier", "truc"]}, "champ inconnu « truc »"),
    ],
)
def test_settings_at_fault_are_told(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        rules_of(IndexSettings.model_validate(wrong))
    assert any(said in fault for fault in caught.value.faults)


def test_dates_in_a_name_may_hold_an_hour() -> None:
    said = said_by_name(rules("{dossier}_{date_prelevement:%Y%m%d%H%M}.pdf"), "7_202603180810.pdf")
    assert said is not None
    when = read_moment(said["collected_at"])
    assert when is not None
    assert when.isoformat() == "2026-03-18T08:10:00+01:00"


# ------------------------------------------------------------------------------------------------ the tables, anything


def test_no_name_stands_for_two_fields() -> None:
    seen: dict[str, str] = {}
    for row in mapping_text("index", "champs.csv").splitlines()[1:]:
        field, _, names = row.split(";")
        if field == "-":
            continue
        for name in names.split("|"):
            assert field_of(name)[0] == field, name
            assert seen.setdefault(name, field) == field
    assert set(labels()) >= {"file", "birth_name", "birth_date"}


def test_no_text_stands_for_two_values() -> None:
    seen: dict[tuple[str, str], str] = {}
    for row in mapping_text("index", "valeurs.csv").splitlines()[1:]:
        field, value, texts = row.split(";")
        for text in texts.split("|"):
            assert seen.setdefault((field, text), value) == value, (field, text)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([HEAD, '[{"fichier": "a.pdf", "nom": "X", "ddn"', "<cr><fichier>", "Nom : A\nPrénom : B\nDDN : "]),
    st.binary(max_size=300),
)
def test_anything_gets_an_answer(start: str, junk: bytes) -> None:
    data = start.encode() + junk
    result = read(data, index=rules(TEMPLATE))
    assert result.reports or result.problems
    registry.referenced_files(data, "x.csv")
    registry.is_complete(data, "x.csv")
