"""Where a place is looked for, what wins over what, and what is told when a file does not keep to its dialect."""

from __future__ import annotations

import pytest

from dispatcher.dialects.model import Numbers
from dispatcher.dialects.words import fits, person_of
from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext
from dispatcher.formats.dialect.numbers import plain_number, without_thousands
from dispatcher.formats.dialect.people import split_joined
from dispatcher.report.model import Severity
from tests.unit.dialects.messages import HL7, MEDECINS, SANTE, dialect, read, report

TWO_ORDERS = """MSH|^~\\&|SIL|LABO X|||202604021130||ORU^R01|X1|P|2.5|||||FRA|UNICODE UTF-8
PID|1||P1||LE GOFF^Anne||19790312|F
ORC|RE||A1
OBR|1|||NFS^Numération^L|||202604020800|||||||||D014^CARIOU^Yves||||||202604021000||HM|F
ZOR|N1|D7^ROUX
OBX|1|NM|HB^Hémoglobine^L||10.9|g/dL||||F|F|||202604020805
ORC|RE||A2
OBR|2|||GLY^Glycémie^L|||202604020800|||||||||D015^PETIT^Luc||||||202604021000||CH|F
ZOR|N2|D8^LEROY
OBX|1|NM|GLY^Glycémie^L||1.1|g/L||||F|F|||202604020905
PID|2||P2||TANGUY^Erwan||19750311|M
OBR|1||A3|GLY^Glycémie^L|||202604020800|||||||||D016^MARZIN||||||202604021000||CH|F
OBX|1|NM|GLY^Glycémie^L||1.0|g/L||||F|F
"""


def test_a_place_is_that_of_its_own_order_and_patient() -> None:
    reports = read(TWO_ORDERS, '[fields]\nfiller = "ZOR-1"\n[copies]\nfields = ["ZOR-2"]').reports
    assert [(r.order.filler, [c.id for c in r.copies]) for r in reports] == [
        ("N1", ["D7"]),
        ("N2", ["D8"]),
        ("", []),
    ]


def test_a_place_below_gives_the_first_that_has_a_value() -> None:
    reports = read(TWO_ORDERS, '[fields]\ncollected = "OBX-14"').reports
    assert [r.collected_at and r.collected_at.strftime("%H:%M") for r in reports] == ["08:05", "09:05", None]


def test_what_stands_elsewhere_is_not_read_from_the_usual_place() -> None:
    """An order number that means something else must never tie two reports together."""
    assert report(HL7, '[fields]\nfiller = "OBR-50"').order.filler == ""
    assert report(HL7, '[fields]\nprescriber = "OBR-50"').prescriber is None


def test_two_places_may_be_exchanged() -> None:
    found = report(MEDECINS, '[fields]\nfiller = "L1"\npatient_id = "L9"', "hprim-medecins")
    assert (found.order.filler, [one.value for one in found.patient.local_ids]) == ("P77", ["F1"])


def test_a_repetition_and_a_subcomponent() -> None:
    text = HL7.replace("A18", "A1~B2^x&y")
    assert report(text, '[fields]\nfiller = "OBR-18(2)"').order.filler == "B2"
    assert report(text, '[fields]\nfiller = "OBR-18(2).2.2"').order.filler == "y"
    assert report(text, '[fields]\nfiller = "OBR-18(3)"').order.filler == ""


def test_a_constant_wins_over_the_file_a_default_does_not() -> None:
    toml = 'defaults = { OBR-24 = "A", OBR-20 = "x" }\nconstants = { "OBR-16.2" = "RO|UX" }'
    found = report(HL7, toml)
    assert found.batteries[0].chapter == "HM"
    assert found.prescriber is not None
    assert (found.prescriber.id, found.prescriber.family, found.prescriber.given) == ("D014", "RO|UX", "Yves")


def test_the_first_rule_that_fits_says_the_kind_of_a_number() -> None:
    rules = '[practitioners]\nnumbers = [{ type = "local", mask = "29*" }, { type = "ADELI", mask = "#########" }]'
    for number, kind in (("291234567", "local"), ("561234567", "ADELI"), ("D9", "local")):
        found = report(HL7.replace("D014", number), rules).prescriber
        assert found is not None
        assert (found.id, found.id_type.value) == (number, kind)


def test_a_validator_in_subcomponents() -> None:
    text = HL7.replace("||HM|F\n", "||HM|F|||||||BIO&Léa&ESSAI\n")
    (found,) = report(text, '[practitioners]\nname_order = "given-family"').validators
    assert (found.id, found.family, found.given) == ("BIO", "ESSAI", "Léa")


def test_null_words_never_touch_a_result() -> None:
    text = HL7.replace("|NM|HB^Hémoglobine^L||10.9|g/dL|13.0 - 17.0|L|", "|ST|HB^Hémoglobine^L||Néant|-|-|-|")
    (one,) = report(text, 'null_words = ["NEANT", "Néant", "-"]').observations
    assert (one.value, one.unit, one.range_text, one.flags) == ("Néant", "", "", ("-",))


def test_a_number_not_of_this_habit_is_told() -> None:
    result = read(HL7, '[numbers]\ndecimal = ","')
    (found,) = result.reports
    assert [(p.code, p.severity) for p in found.problems] == [("dialect-number", Severity.WARNING)]
    assert found.observations[0].value == "10.9"
    for format_, text in (("hprim-sante", SANTE), ("hprim-medecins", MEDECINS)):
        problems = report(text, '[numbers]\ndecimal = ","', format_).problems
        assert [p.code for p in problems if p.code == "dialect-number"] == ["dialect-number"]


@pytest.mark.parametrize(("text", "format_"), [(HL7, "hl7v2"), (SANTE, "hprim-sante")])
def test_a_number_keeps_its_text_as_written(text: str, format_: str) -> None:
    found = report(text.replace("|10.9|", "| 1.010,9|"), '[numbers]\ndecimal = ","\nthousands = "."', format_)
    assert [(o.value, o.raw.strip()) for o in found.observations] == [("1010.9", "1.010,9")]


def test_a_list_of_copies_that_cannot_be_read_holds_the_report() -> None:
    text = HL7.replace("À contrôler.", "CC: D7 ROUX; X")
    result = read(text, '[copies]\ncomments = ["CC:"]')
    (found,) = result.reports
    assert found.copies == ()
    assert [(p.code, p.severity, p.where) for p in found.problems] == [
        ("dialect-copy", Severity.ERROR, "ligne 7, NTE-3")
    ]
    assert found.observations[0].comments == ("CC: D7 ROUX; X",)


def test_copies_told_for_the_patient_reach_every_order() -> None:
    text = TWO_ORDERS.replace("ORC|RE||A1\n", "NTE|1|L|CC: D7 ROUX\nORC|RE||A1\n", 1)
    reports = read(text, '[copies]\ncomments = ["CC:"]').reports
    assert [[c.id for c in r.copies] for r in reports] == [["D7"], ["D7"], []]
    assert all(not r.comments for r in reports)


def test_a_conclusion_stays_with_its_order() -> None:
    text = TWO_ORDERS.replace("ORC|RE||A2", "OBX|2|TX|CCL||Un.||||||F\nOBX|3|TX|CCL||Deux.||||||F\nORC|RE||A2")
    reports = read(text, '[results]\nconclusions = ["CCL"]').reports
    assert [[b.comments for b in r.batteries] for r in reports] == [[("Un.\nDeux.",)], [()], [()]]


def test_documents_are_never_turned_into_comments() -> None:
    text = HL7.replace(
        "OBX|1|NM|HB^Hémoglobine^L||10.9", "OBX|1|ED|PDF^Compte rendu||^AP^PDF^Base64^JVBERi0xLjQKJSVFT0Y="
    )
    (one,) = report(text, '[results]\ncomments = ["PDF"]').observations
    assert one.document is not None


def test_counts_of_the_trailer_are_those_of_the_file() -> None:
    toml = '[results]\ntitles = ["HB"]'
    result = read(SANTE, toml, "hprim-sante")
    assert "trailer-count" not in {p.code for r in result.reports for p in r.problems}


def test_places_in_problems_are_those_of_the_file() -> None:
    text = HL7.replace("|10.9|", "|dix|")
    assert [p.where for p in report(text, 'ignore = ["OBR-24"]').problems] == ["ligne 6, OBX-5"]


@pytest.mark.parametrize("text", [HL7, SANTE, MEDECINS])
def test_a_dialect_of_another_format_is_told_and_not_used(text: str) -> None:
    wanted = {HL7: "hprim-sante", SANTE: "hprim-medecins", MEDECINS: "hl7v2"}[text]
    result = registry.read(text.encode("cp1252"), ReadContext(dialect=dialect('charset = "cp850"', wanted)))
    assert [p.code for p in result.problems if p.code == "dialect-format"] == ["dialect-format"]
    assert (result.dialect, result.encoding != "cp850", bool(result.reports)) == ("", True, True)


def test_documents_beside_the_results_are_no_misfit() -> None:
    result = registry.read(b"%PDF-1.4\n%%EOF", ReadContext(dialect=dialect("")))
    assert "dialect-format" not in {p.code for p in result.problems}


def test_an_empty_dialect_changes_nothing() -> None:
    for format_, text in (("hl7v2", HL7), ("hprim-sante", SANTE), ("hprim-medecins", MEDECINS)):
        assert report(text, "", format_) == report(text, None, format_)


@pytest.mark.parametrize(
    ("text", "decimal", "thousands", "found"),
    [
        ("1.234,5", ",", ".", "1234.5"),
        ("< 1.234", ",", ".", "< 1234"),
        ("-12,5", ",", "", "-12.5"),
        ("1 234,5", ",", "", "1234.5"),
        ("12.5", ",", ".", None),
        ("0.100", ",", ".", None),
        ("012.100", ",", ".", None),
        ("1.23", ",", ".", None),
        ("1.2345", ",", ".", None),
        ("12,", ",", "", None),
        ("négatif", ",", ".", None),
        ("1'234.5", ".", "'", "1234.5"),
        ("1,234", ".", ",", "1234"),
    ],
)
def test_numbers(text: str, decimal: str, thousands: str, found: str | None) -> None:
    assert plain_number(text, Numbers(decimal=decimal, thousands=thousands)) == found  # type: ignore[arg-type]


LINES = [  # value, range, unit; what is read (None: held, nothing changed)
    ("0.100", "0.060 - 0.120", "g/L", None),
    ("0,100", "0.060 - 0.120", "g/L", None),
    ("1.005", "0.060 - 0.120", "g/L", None),
    ("1.005", "1.005 - 1.030", "", None),
    ("245.000", "150.000 - 400.000", "G/L", None),
    ("1.005", "", "g/L", None),
    ("1.005", "négatif", "/mm3", None),
    ("7.250", "4 - 10", "/mm3", None),
    ("7.250", "", "10^3/mm3", None),
    ("1.284", "< 5,0", "UI/L", None),
    ("1,015", "1.005 - 1.030", "", None),
    ("1.005", "0.5 - 1.5", "mg/L", None),
    ("1.284", "15 - 150", "µg/L", ("1284", "15", "150")),
    ("1.284", "15,0 à 1.500,0", "µg/L", ("1284", "15.0", "1500.0")),
    ("245.000", "150.000 - 400.000", "/mm3", ("245000", "150000", "400000")),
    ("7.250", "", "/µL", ("7250", "", "")),
    ("1.234.567", "", "UI/L", ("1234567", "", "")),
    ("1.284,5", "", "µg/L", ("1284.5", "", "")),
    ("900", "150 - 1.000", "U/L", ("900", "150", "1000")),
]


@pytest.mark.parametrize(("value", "bounds", "unit", "found"), LINES)
@pytest.mark.parametrize("format_", ["hl7v2", "hprim-sante", "hprim-medecins"])
def test_one_group_is_thousands_only_where_the_line_bears_it_out(
    format_: str, value: str, bounds: str, unit: str, found: tuple[str, str, str] | None
) -> None:
    toml = '[numbers]\ndecimal = ","\nthousands = "."'
    if format_ == "hprim-medecins":
        low, _, high = bounds.partition(" à " if "à" in bounds else " - ")
        text = MEDECINS.replace("|10.9|g/dl|13.0|17.0|L|", f"|{value}|{unit}|{low}|{high}|L|")
    else:
        unit = unit.replace("^", "\\S\\") if format_ == "hl7v2" else unit
        text = {"hl7v2": HL7, "hprim-sante": SANTE}[format_].replace(
            "|10.9|g/dL|13.0 - 17.0|", f"|{value}|{unit}|{bounds}|"
        )
    got = report(text, toml, format_)
    told = [p.severity for p in got.problems if p.code == "dialect-number"]
    (one,) = got.observations
    if found is not None:
        assert (one.value, one.low, one.high, told) == (*found, [])
        return
    (plain,) = report(text, None, format_).observations
    assert told == [Severity.ERROR]
    assert (one.value, one.low, one.high) == (plain.value, plain.low, plain.high)


def test_a_number_in_doubt_is_told_beside_one_of_another_habit() -> None:
    more = "OBX|2|NM|DEN^Densité^L||1.005||||||F\nNTE|1"
    problems = report(HL7.replace("NTE|1", more), '[numbers]\ndecimal = ","\nthousands = "."').problems
    found = [(p.severity, p.where) for p in problems if p.code == "dialect-number"]
    assert found == [(Severity.WARNING, "ligne 6, OBX-5"), (Severity.ERROR, "ligne 7, OBX-5")]


def test_thousands_of_a_range_only() -> None:
    rules = Numbers(decimal=",", thousands=".")
    assert without_thousands("0.060 - 0.120", rules) == "0.060 - 0.120"
    assert without_thousands("150.000 à 1.400.000", rules) == "150000 à 1400000"
    assert without_thousands("de 1.234,5 à 12.5", rules) == "de 1234,5 à 12.5"
    assert without_thousands("v1.2.345", rules) == "v1.2.345"


@pytest.mark.parametrize(
    ("text", "given_first", "found"),
    [
        ("LE GOFF Anne-Marie", False, ("LE GOFF", "Anne-Marie")),
        ("Dr D'ARC Jeanne", False, ("Dr D'ARC", "Jeanne")),
        ("DR Jean DE LA TOUR", True, ("DR DE LA TOUR", "Jean")),
        ("DURAND PAUL", False, ("DURAND PAUL", "")),
        ("durand paul", False, ("durand paul", "")),
        ("DURAND", False, ("DURAND", "")),
        ("LE Goff ANNE", False, ("LE Goff ANNE", "")),
        ("", False, ("", "")),
    ],
)
def test_names_written_in_one_piece(text: str, given_first: bool, found: tuple[str, str]) -> None:
    assert split_joined(text, given_first=given_first) == found


def test_masks_and_templates() -> None:
    assert fits("D12", "d##")
    assert not fits("D1", "D##")
    assert fits("RQ.1", "rq.*")
    assert not fits("RQX1", "RQ.*")
    assert person_of("D7  Dr ROUX", "{id} {name}") == {"id": "D7", "name": "Dr ROUX"}
    assert person_of("ROUX Luc (D7)", "{name} ({id})") == {"id": "D7", "name": "ROUX Luc"}
    assert person_of("ROUX", "{id} {name}") is None


def test_no_dialect_touches_who_may_see_a_document() -> None:
    document = "OBX|1|ED|11502-2^CR^LN||^TEXT^XML^Base64^JVBERi0xLjQKJSVFT0Y=||||||F\n"
    wish = "OBX|2|CE|MASQUE_PS^Masqué^MetaDMPMSS||Y^^expandedYes-NoIndicator||||||F\n"
    text = HL7.replace("OBX|1|NM", document + wish + "OBX|3|NM")
    toml = """null_words = ["Y", "MASQUE_PS"]
[codes]
systems = { MetaDMPMSS = "local" }
first = "ignore"
[results]
drop = ["MASQUE*"]
"""
    assert report(text).handling.hidden_from_professionals
    assert report(text, toml).handling == report(text).handling


@pytest.mark.parametrize(("text", "format_"), [(HL7, "hl7v2"), (SANTE, "hprim-sante")])
@pytest.mark.parametrize("letter", ["D", "W", "X", "I"])
@pytest.mark.parametrize("rule", ["comments", "conclusions", "titles"])
def test_a_withdrawn_line_stays_a_result(rule: str, letter: str, text: str, format_: str) -> None:
    mark = "^" if format_ == "hl7v2" else "~"
    note = "NTE|1" if format_ == "hl7v2" else "C|1"
    text = text.replace(note, f"OBX|2|TX|COM{mark}Remarque{mark}L||Texte.||||||{letter}\n{note}")
    plain, found = report(text, None, format_), report(text, f'[results]\n{rule} = ["COM"]', format_)
    assert [(o.code.code, o.status) for o in found.observations] == [("HB", "F"), ("COM", letter)]
    assert found.status == plain.status


@pytest.mark.parametrize(("kind", "value", "unit"), [("NM", "10.9", "g/dL"), ("NM", "3", ""), ("ST", "10.9", "g/dL")])
def test_a_measured_result_is_no_comment_and_a_title_only_with_a_word(kind: str, value: str, unit: str) -> None:
    text = HL7.replace("NTE|1", f"OBX|2|{kind}|X1^Dosage^L||{value}|{unit}|||||F\nNTE|1")
    for rule in ("comments", "conclusions"):
        found = report(text, f'[results]\n{rule} = ["X1"]')
        assert [o.code.code for o in found.observations] == ["HB", "X1"]
    found = report(text, '[results]\ntitles = ["X1"]')
    assert [o.code.code for o in found.observations] == ["HB"]
    told = [(p.severity, p.where) for p in found.problems if p.code == "dialect-dropped"]
    assert told == [(Severity.WARNING, "ligne 7, OBX-3")]


def test_a_title_is_no_loss_and_a_document_no_title() -> None:
    text = HL7.replace("NTE|1", "OBX|2|ST|TIT^Groupe^L||Groupe||||||F\nNTE|1")
    assert "dialect-dropped" not in {p.code for p in report(text, '[results]\ntitles = ["TIT"]').problems}
    text = HL7.replace("NTE|1", "OBX|2|ED|TIT^CR^L||^AP^PDF^Base64^JVBERi0xLjQKJSVFT0Y=||||||F\nNTE|1")
    assert any(one.document for one in report(text, '[results]\ntitles = ["TIT"]').observations)


def test_null_words_never_touch_a_state() -> None:
    toml = 'null_words = ["D"]\n[status]\nresult = { "" = "F" }\norder = { "" = "F" }'
    for format_, text in (("hl7v2", HL7), ("hprim-sante", SANTE)):
        assert report(text.replace("|L|||F", "|L|||D"), toml, format_).observations[0].status == "D"
    toml = 'null_words = ["D"]\n[status]\nresult = { "" = "F" }'
    assert report(MEDECINS.replace("|L|F|", "|L|D|"), toml, "hprim-medecins").observations[0].status == "D"
