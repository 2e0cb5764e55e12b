"""``samples/dialects``: each file read without its dialect and with it, as the README of the samples says."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from dispatcher.dialects import shelf
from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.report.model import Report, Severity
from dispatcher.resources import sample


def read(name: str, dialect: str = "") -> ReadResult:
    context = ReadContext(file_name=name, dialect=shelf.load(dialect) if dialect else None)
    return registry.read(sample("dialects", name).read_bytes(), context)


def values(report: Report) -> list[tuple[str, str, str, str, str]]:
    return [(o.code.code, o.value, o.low, o.high, "/".join(o.flags)) for o in report.observations]


@dataclass(frozen=True)
class Expected:
    """What one reading gives; ``warned`` are the codes of warnings and errors."""

    encoding: str
    status: str
    filler: str
    values: list[tuple[str, str, str, str, str]]
    warned: set[str]


CASES = {
    ("virgule_milliers.hl7", "hl7-virgule-cp1252"): (
        Expected(
            "cp1252",
            "final",
            "D260402001",
            [
                ("HB", "13.2", "12.0", "16.0", "N"),
                ("PLQ", "245.000", "150.000", "400.000", "N"),
                ("FERR", "1.284,5", "15.0", "150.0", "H"),
                ("CRP", "0.5", "", "5.0", ""),
            ],
            {"charset-mismatch"},
        ),
        Expected(
            "cp1252",
            "final",
            "D260402001",
            [
                ("HB", "13.2", "12.0", "16.0", "N"),
                ("PLQ", "245000", "150000", "400000", "N"),
                ("FERR", "1284.5", "15.0", "150.0", "H"),
                ("CRP", "0.5", "", "5.0", ""),
            ],
            set(),
        ),
    ),
    ("obx_de_service.hl7", "hl7-obx-de-service"): (
        Expected(
            "utf-8",
            "partial",
            "TUBE-77",
            [
                ("TIT1", "", "", "", ""),
                ("HB", "10.9", "13.0", "17.0", "-"),
                ("RQ1", "Résultat contrôlé.", "", "", ""),
                ("TIT2", "", "", "", ""),
                ("GLY", "1.32", "0.70", "1.10", "+"),
                ("POT", "4.1", "3.5", "5.0", ""),
                ("CONCL", "Anémie à explorer.\nPrévoir un bilan martial.", "", "", ""),
                ("SIGN", "10000000009^ESSAI^Camille", "", "", ""),
                ("COT_B", "B45", "", "", ""),
            ],
            {"unknown-status"},
        ),
        Expected(
            "utf-8",
            "final",
            "D260402004",
            [
                ("HB", "10.9", "13.0", "17.0", "L"),
                ("GLY", "1.32", "0.70", "1.10", "H"),
                ("POT", "4.1", "3.5", "5.0", ""),
            ],
            set(),
        ),
    ),
    ("statut_vide.hpr", "hprim-statut-vide"): (
        Expected(
            "cp1252",
            "partial",
            "D260402005",
            [
                ("GLY", "1.32", "0.70", "1.10", "+"),
                ("K", "6.4", "3.5", "5.0", "++"),
                ("ASP", "hémolysé", "", "", "*"),
            ],
            {"unknown-status"},
        ),
        Expected(
            "cp1252",
            "final",
            "D260402005",
            [
                ("GLY", "1.32", "0.70", "1.10", "H"),
                ("K", "6.4", "3.5", "5.0", "HH"),
                ("ASP", "hémolysé", "", "", "A"),
            ],
            set(),
        ),
    ),
    ("dos_cp850.hpr", "hprim-medecins-cp850"): (
        Expected(
            "cp1252",
            "final",
            "D260402006",
            [("PLQ", "245.000", "150.000", "400.000", "N"), ("FERR", "1.284,5", "15.0", "150.0", "H")],
            {"damaged-name", "not-a-number"},
        ),
        Expected(
            "cp850",
            "final",
            "D260402006",
            [("PLQ", "245000", "150000", "400000", "N"), ("FERR", "1284.5", "15.0", "150.0", "H")],
            set(),
        ),
    ),
    ("ancien_mac.hpr", "hprim-medecins-macroman"): (
        Expected("cp1252", "final", "D-4417", [("CREA", "142", "49", "90", "+")], {"damaged-name"}),
        Expected("mac-roman", "final", "D260402007", [("CREA", "142", "49", "90", "H")], set()),
    ),
}


@pytest.mark.parametrize(("name", "dialect"), CASES)
def test_without_the_dialect_and_with_it(name: str, dialect: str) -> None:
    for spoken, expected in zip(("", dialect), CASES[name, dialect], strict=True):
        result = read(name, spoken)
        (report,) = result.reports
        problems = (*result.problems, *report.problems)
        found = Expected(
            result.encoding,
            report.status.value,
            report.order.filler,
            values(report),
            {p.code for p in problems if p.severity is not Severity.INFO},
        )
        assert found == expected
        assert (result.readable, result.dialect) == (True, spoken)


def test_the_text_as_written_is_kept() -> None:
    (report,) = read("virgule_milliers.hl7", "hl7-virgule-cp1252").reports
    assert [o.raw for o in report.observations] == ["13,2", "245.000", "1.284,5", "<^0,5"]


def test_codes_of_99lab_are_loinc() -> None:
    (without,) = read("codes_99lab.hl7").reports
    assert [o.loinc for o in without.observations] == [None, None, None]
    (report,) = read("codes_99lab.hl7", "hl7-codes-99lab-loinc").reports
    assert [(o.loinc, o.alternate and o.alternate.code) for o in report.observations] == [
        ("718-7", "HB"),
        ("2276-4", "FERR"),
        (None, "XLOC"),
    ]
    assert [p.code for p in report.problems] == ["invalid-loinc"]
    assert report.batteries[0].code.system == "L"


def test_copies_written_as_comments() -> None:
    (without,) = read("copies_en_nte.hl7").reports
    assert not without.copies
    (report,) = read("copies_en_nte.hl7", "hl7-copies-en-nte").reports
    assert [(c.id, c.id_type.value, c.title, c.family, c.given) for c in report.copies] == [
        ("D021", "local", "DR", "ABGRALL", "Nolwenn"),
        ("D002", "local", "DR", "LEROY", "Anne"),
        ("99700000054", "RPPS", "DR", "PETIT", "Luc"),
    ]
    assert report.prescriber is not None
    assert (report.prescriber.family, report.prescriber.given) == ("CARIOU", "Yves")
    assert [o.comments for o in report.observations] == [("À jeun depuis 12 heures.",)]


def test_lines_that_are_no_results() -> None:
    result = read("obx_de_service.hl7", "hl7-obx-de-service")
    (report,) = result.reports
    assert [(b.title, b.chapter, b.comments) for b in report.batteries] == [
        ("Hématologie", "", ()),
        ("Biochimie", "", ("Anémie à explorer.\nPrévoir un bilan martial.",)),
    ]
    assert report.batteries[0].observations[0].comments == ("Résultat contrôlé.",)
    assert [(v.id, v.family, v.given) for v in report.validators] == [("10000000009", "ESSAI", "Camille")]
    assert report.patient.address is None
    assert [p.code for p in report.problems] == ["dialect-dropped"]


def test_names_of_an_old_mac() -> None:
    (report,) = read("ancien_mac.hpr", "hprim-medecins-macroman").reports
    assert (report.patient.birth_name, report.patient.first_given) == ("SALAÜN", "FRANÇOIS")
    assert [one.value for one in report.patient.local_ids] == ["D-4417"]


def test_every_sample_and_every_shipped_dialect_is_in_a_test() -> None:
    files = {item.name for item in sample("dialects").iterdir()}
    assert files == {name for name, _ in CASES} | {"codes_99lab.hl7", "copies_en_nte.hl7"}
    shipped = {dialect for _, dialect in CASES} | {"hl7-codes-99lab-loinc", "hl7-copies-en-nte"}
    assert set(shelf.names()) == shipped
