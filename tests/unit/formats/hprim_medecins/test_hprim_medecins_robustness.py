"""Any bytes give an answer; any report that may be written is read back as itself; samples say what they show."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.errors import RenderError
from dispatcher.formats.base import DocumentIds, LaboratoryIdentity, ReadContext, ReadResult, WriteContext
from dispatcher.formats.hprim_medecins import grammar
from dispatcher.formats.hprim_medecins.check import check, score
from dispatcher.formats.hprim_medecins.reader import HprimMedecinsReader
from dispatcher.formats.hprim_medecins.writer import HprimMedecinsWriter
from dispatcher.report.model import (
    Address,
    AltValue,
    Battery,
    Code,
    Observation,
    Patient,
    Practitioner,
    Report,
    Severity,
    Status,
    ValueType,
)
from dispatcher.resources import sample

CONTEXT = WriteContext(
    laboratory=LaboratoryIdentity(
        name="Laboratoire d'essai",
        finess="290000017",
        oid="1.2.250.1.999.7",
        address=Address(),
        phone="",
        biologist=Practitioner(),
    ),
    ids=DocumentIds(document="D-1", set_id="S-1"),
    created_at=datetime(2024, 3, 11, 18, 30, tzinfo=UTC),
)
LINES = st.sampled_from(
    [
        *("P1", "DURAND", "PAUL", "", " ", "29000 QUIMPER", "04/07/1961", "04/07/61", "04071961", "11/03/2024"),
        *("2610729232001 46", "LABO       Labo", ".          .", "texte", "[apicrypt]", "H E M A T O", "\0", "|"),
        *("****LAB****", " ****lab****", "****FIN****", "****FINFICHIER****", "****", "TEX", "TEX|  GLYCEMIE  1,3"),
        *("RES|GLYCEMIE|GLY|N|1.3|g/l|0.7|1.1|H|F|7|mmol/l|3|6|", "RES|", "RES|a|b|c", "RES|soit||N|2", "RES||X|A"),
        *("&eacute;<br/>", "RES|" + "|" * 40),
    ]
)
GOOD_HEADER = "P1\nDURAND\nPAUL\n\n\n\n04/07/1961\n\nD1\n11/03/2024\nL          Labo\n.          Dr\n\n"


@given(st.binary(max_size=600))
def test_any_bytes_give_an_answer(data: bytes) -> None:
    result = HprimMedecinsReader().read(data, ReadContext())
    assert isinstance(result, ReadResult)
    assert result.reports or any(p.severity is Severity.ERROR for p in result.problems)
    assert 0 <= HprimMedecinsReader().sniff(data) <= 1
    assert isinstance(check(data), list)


@settings(max_examples=60, deadline=None)
@given(st.lists(LINES, max_size=45), st.booleans(), st.sampled_from(["\r\n", "\n", "\r"]))
def test_any_arrangement_of_real_lines_gives_an_answer(lines: list[str], headed: bool, end: str) -> None:
    text = (GOOD_HEADER if headed else "").replace("\n", end) + end.join(lines)
    result = HprimMedecinsReader().read(text.encode("latin-1"), ReadContext())
    assert not headed or result.reports
    check(text.encode("latin-1"))
    for report in result.reports if result.readable else ():
        try:
            first = HprimMedecinsWriter().write(report, CONTEXT).content
        except RenderError:
            continue
        assert not [p for p in check(first) if p.severity is Severity.ERROR]
        again = HprimMedecinsReader().read(first, ReadContext())
        assert again.readable and len(again.reports) == 1


WORDS = st.text("abcdeéèàçÉµ°²ÿß RESTX01259.,-/%()*|<>=:;&'+[]", min_size=1, max_size=20)
NUMBERS = st.from_regex(r"-?[0-9]{1,6}(\.[0-9]{1,4})?", fullmatch=True)
OBSERVATIONS = st.builds(
    Observation,
    code=st.builds(Code, code=WORDS, text=WORDS, system=st.just("L")),
    type=st.sampled_from([ValueType.NUMERIC, ValueType.TEXT, ValueType.CODED]),
    value=st.one_of(NUMBERS, WORDS, st.just("")),
    comparator=st.sampled_from(["", "<", ">="]),
    unit=st.one_of(WORDS, st.just("g/L")),
    low=st.one_of(NUMBERS, st.just("")),
    high=st.one_of(NUMBERS, st.just("")),
    range_text=st.one_of(WORDS, st.just("")),
    flags=st.sampled_from([(), ("H",), ("LL",), ("S",), ("A",)]),
    status=st.sampled_from(["F", "C", "P", "X", "D", ""]),
    comments=st.lists(WORDS, max_size=2).map(tuple),
    parent=st.sampled_from([None, None, 0, 1, 99]),
    alt=st.one_of(
        st.none(), st.builds(AltValue, comparator=st.sampled_from(["", "<", ">="]), value=NUMBERS, unit=WORDS)
    ),
)
REPORTS = st.builds(
    Report,
    patient=st.builds(
        Patient,
        birth_name=st.just("BIHAN"),
        given_names=st.just(("Claire",)),
        birth_date=st.dates(date(1900, 1, 1), date(2024, 1, 1)),
    ),
    status=st.sampled_from(Status),
    reported_at=st.just(date(2024, 3, 11)),
    batteries=st.lists(
        st.builds(
            Battery,
            title=st.one_of(WORDS, st.just("")),
            chapter=st.one_of(WORDS, st.just("")),
            comments=st.lists(WORDS, max_size=1).map(tuple),
            observations=st.lists(OBSERVATIONS, max_size=4).map(tuple),
        ),
        max_size=3,
    ).map(tuple),
    comments=st.lists(WORDS, max_size=2).map(tuple),
    text=st.one_of(st.just(""), st.lists(WORDS, max_size=4).map("\n".join)),
)


@settings(max_examples=60, deadline=None)
@given(REPORTS)
def test_what_is_written_is_conformant_and_settles(report: Report) -> None:
    reader, writer = HprimMedecinsReader(), HprimMedecinsWriter()
    try:
        first = writer.write(report, CONTEXT).content
    except RenderError as refused:
        assert refused.code == "no-medical-content"
        return
    assert not [p for p in check(first) if p.severity is not Severity.INFO]
    read = reader.read(first, ReadContext())
    assert read.readable and len(read.reports) == 1
    coded = sum(line.startswith(b"RES|") for line in first.split(b"\r\n"))
    assert len(read.reports[0].observations) == coded
    content = first
    for _ in range(3):
        # One more edition may print what the text lacked; then nothing changes any more.
        previous, content = content, writer.write(reader.read(content, ReadContext()).reports[0], CONTEXT).content
    assert content == previous


def test_grammar_tables_are_numbered_without_a_hole() -> None:
    assert [line.number for line in grammar.HEADER] == list(range(1, 13))
    assert [item.number for item in grammar.RES_FIELDS] == list(range(1, 15))
    assert grammar.header_line(7).name == "date de naissance" and grammar.RES_FIELDS[8].name == "anormalité"


@pytest.mark.parametrize(
    ("head", "least", "most"),
    [
        (GOOD_HEADER.encode(), 0.9, 1),
        (GOOD_HEADER.partition("\n")[2].encode(), 0.7, 0.9),
        (b"H|~^\\&|A|||LAB||ORU|||EHPAD||P|H2.1~C|202403111830\r\n", 0, 0),
        (b"MSH|^~\\&|LAB|X|\rPID|1\r", 0, 0),
        (b"<?xml version='1.0'?><ClinicalDocument/>", 0, 0),
        (b"%PDF-1.7\n", 0, 0),
        (b"bonjour\n****FIN****\n", 0.1, 0.6),
        (b"", 0, 0),
        (GOOD_HEADER.replace("11/03/2024", "").encode() + b"texte\n" * 700, 0.4, 0.6),
        ("\ufeff".encode() + GOOD_HEADER.encode(), 0.9, 1),
        (GOOD_HEADER.encode("utf-16"), 0.9, 1),
    ],
)
def test_sniffs(head: bytes, least: float, most: float) -> None:
    assert least <= HprimMedecinsReader().sniff(head) <= most


@pytest.mark.parametrize(
    ("change", "code", "severity"),
    [
        (("P0000042", "P 42 é"), "header-line-1", "warning"),
        (("MARTINEAU", ""), "header-line-2", "error"),
        (("04/07/1961", "04/07/61"), "header-line-7", "error"),
        (("04/07/1961", "04/07/1961 "), "header-line-7", "warning"),
        (("11/03/2024", "2024"), "header-line-10", "error"),
        (("D001       Dr DURAND Paul", ""), "header-line-12", "error"),
        (("****FIN****\r\n", ""), "missing-fin", "error"),
        (("****FINFICHIER****", ""), "missing-finfichier", "error"),
        (("****FINFICHIER****\r\n", "****FINFICHIER****\r\nsignature\r\n"), "text-after-end", "error"),
        (("****FIN****", " ****FIN****"), "marker-form", "warning"),
        (("|6.11|", "|6.11"), "res-pipes", "warning"),
        (("|N|1.32|", "|N|1,32|"), "res-number", "error"),
        (("|0.70|", "|0,70|"), "res-norm", "warning"),
        (("|H|F|", "|+|F|"), "res-flag", "warning"),
        (("|H|F|", "|H||"), "res-status", "info"),
        (("|N|1.32|", "||1.32|"), "res-type", "warning"),
        (("****LAB****\r\n", ""), "coded-line-outside", "warning"),
        (("\r\n", "\n"), "line-ends", "info"),
        (("2610729232001 46", "261"), "header-line-8", "warning"),
    ],
)
def test_the_check_names_each_fault(change: tuple[str, str], code: str, severity: str) -> None:
    good = sample("hprim_medecins", "glycemie.hpr").read_bytes()
    assert check(good) == []
    bad = good.decode("latin-1").replace(*change).encode("latin-1")
    assert (code, severity) in {(p.code, p.severity.value) for p in check(bad)}


def test_the_score_of_medshake() -> None:
    lines = sample("hprim_medecins", "glycemie.hpr").read_bytes().decode("latin-1").split("\r\n")
    assert score(lines) == 3 + 1 + 1 + 1 + 8 - 3 + 4  # its own test wants the social number without a blank
    lines[7] = lines[7].replace(" ", "")
    assert score(lines) == 21
    lines[6] = "04071961"
    assert score(lines) == 5 and any(p.code == "low-recognition-score" for p in check("\r\n".join(lines).encode()))


@pytest.mark.parametrize(
    ("name", "readable", "results", "codes"),
    [
        ("glycemie.hpr", True, [1], set()),
        ("hemogramme_ancien_mac.hpr", True, [5], set()),
        ("trois_patients.hpr", True, [1, 0, 2], set()),
        ("texte_seul.hpr", True, [0], set()),
        ("premiere_ligne_absente.hpr", True, [1], {"header-shifted"}),
        ("marqueurs_oublies_html.hpr", True, [4], {"missing-lab-marker", "html-in-text", "second-unit-line"}),
        ("mois_impossible.hpr", True, [1], {"birth-date-not-calendar"}),
        ("tronque.hpr", False, [1], {"truncated"}),
        ("utf16_bom.hpr", True, [1], set()),
        ("messagerie_treize_lignes.hpr", True, [1], {"text-after-end", "date-form"}),
        ("res_de_toutes_longueurs.hpr", True, [5], {"short-result-line", "number-form"}),
        ("ancien_dos_cp850.hpr", True, [1], {"doubtful-accents", "damaged-name"}),
        ("fin_perdue_deux_patients.hpr", False, [1, 1], {"missing-end-marker"}),
    ],
)
def test_samples_show_what_their_list_says(name: str, readable: bool, results: list[int], codes: set[str]) -> None:
    data = sample("hprim_medecins", name).read_bytes()
    reader = HprimMedecinsReader()
    assert reader.sniff(data[:4096]) >= 0.8
    result = reader.read(data, ReadContext(file_name=name))
    assert result.readable is readable
    assert [len(report.observations) for report in result.reports] == results
    assert codes <= {p.code for p in (*result.problems, *(p for r in result.reports for p in r.problems))}


@pytest.mark.parametrize(
    "before",
    ["", "[apicrypt]\n", "\n", "\n\n\n", "[apicrypt]\n\n\n", "\n[apicrypt]\n", "\n\n[Apicrypt]\n\n"],
)
@pytest.mark.parametrize("code", ["P1", ""])
def test_what_mail_leaves_above_a_header(before: str, code: str) -> None:
    data = (
        before + GOOD_HEADER.replace("P1", code, 1).replace("04/07/1961", "1961-07-04") + "texte\n****FIN****\n"
    ).encode()
    [report] = HprimMedecinsReader().read(data, ReadContext()).reports
    assert (report.patient.birth_name, report.patient.birth_date) == ("DURAND", date(1961, 7, 4))
    assert [one.value for one in report.patient.local_ids] == ([code] if code else [])
    assert HprimMedecinsReader().sniff(data) >= 0.8


def sampled(name: str, encoding: str | None = None) -> Report:
    data = sample("hprim_medecins", name).read_bytes()
    [report] = HprimMedecinsReader().read(data, ReadContext(file_name=name, encoding=encoding)).reports
    return report


def test_accents_of_old_dos_files_on_request() -> None:
    """Read without the laboratory's setting, the patient's name is wrong: the report is held."""
    right = sampled("ancien_dos_cp850.hpr", "cp850")
    assert (right.patient.birth_name, right.patient.first_given) == ("HÉNAFF", "HÉLÈNE")
    assert right.observations[0].code.text == "Hémoglobine glyquée" and not right.problems
    wrong = sampled("ancien_dos_cp850.hpr")
    assert ("damaged-name", Severity.ERROR) in {(p.code, p.severity) for p in wrong.problems}


def test_samples_are_read_to_the_letter() -> None:
    wide = sampled("utf16_bom.hpr")
    assert (wide.patient.first_given, wide.observations[0].value) == ("ANAÏS", "2.10")
    mailed = sampled("messagerie_treize_lignes.hpr")
    assert mailed.patient.birth_date == date(1947, 2, 28) and mailed.comments[0].endswith("envoyé automatiquement")
    assert mailed.observations[0].flags == ("HH",) and mailed.observations[0].high == "5"
    sodium, potassium, aspect, urea, conclusion = sampled("res_de_toutes_longueurs.hpr").observations
    assert (sodium.value, sodium.unit, potassium.value, potassium.low) == ("141", "", "4.1", "3.5")
    assert (aspect.value, conclusion.value) == ("limpide", "Conclusion : ionogramme normal.")
    assert urea.alt is not None and (urea.alt.value, urea.alt.high) == ("5.2", "7.5")


@pytest.mark.parametrize(
    ("line", "held"),
    [
        ("RES|PIPE dans | libelle|x|N|5|g/l|1|2|H|F", True),
        ("RES|PIPE dans | libelle|x|N|5|g/l|||| |F", True),
        ("RES|Aspect | trouble|x|A|Limpide|||||F", True),
        ("RES|PIPE dans | libelle||N|5|g/l|1|2|H|F", True),
        ("RES|GLYCEMIE|x|N|5|g/l|1|2|H|F", False),
        ("RES|GROUPE|x||A|||||F", False),
        ("RES|GLYCEMIE|x|X|5|g/l|1|2|*|F", False),
    ],
)
def test_a_line_moved_by_a_bar_in_its_label_is_held(line: str, held: bool) -> None:
    head = "P42\nNOM\nAnne\n\n\n29000 QUIMPER\n04/07/1961\n\nB1\n11/03/2024\nLABO       Labo\nMED        Med\n\nTexte\n"
    data = f"{head}****LAB****\n{line}\n****FIN****\n****FINFICHIER****\n".replace("\n", "\r\n").encode()
    (report,) = HprimMedecinsReader().read(data, ReadContext()).reports
    found = [p for p in report.problems if p.code == "shifted-result-line"]
    assert bool(found) is held
    assert (line in "\n".join(report.comments)) is held
    assert (not report.observations) is held
    assert all(p.severity is Severity.ERROR for p in found)
