"""Which line of an antibiogram gets a code, and which germ (docs/adr/0008)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatcher.errors import ConfigError
from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext
from dispatcher.report.model import Battery, Code, Observation, Patient, Report, ValueType
from dispatcher.resources import mapping_text, sample
from dispatcher.terminology.entries import Missing
from dispatcher.terminology.microbiology import drug_key, split_method
from dispatcher.terminology.tables import Options, Terminology, TerminologyTexts, load

HEADER = "source;code;libelle;unite;specimen;loinc;confirme_par;confirme_le;commentaire\n"
GERM = Observation(
    code=Code(code="GERME", text="Germe identifié", system="L"),
    type=ValueType.CODED,
    value="Escherichia coli",
    value_code=Code(code="ECOL", text="Escherichia coli", system="L"),
)
LINE = Observation(
    code=Code(code="AMX", text="Amoxicilline", system="L"), value="R", flags=("R",), parent=0, type=ValueType.TEXT
)
NUMBER = replace(LINE, type=ValueType.NUMERIC, value="0.5", flags=())


def make(options: Options | None = None, **own: str) -> Terminology:
    texts = TerminologyTexts.collect(
        lambda name: mapping_text("terminology", name), lambda name: own.get(name.removesuffix(".csv"))
    )
    return load(texts, options or Options())


PLAIN = make()


def coded(line: Observation, germ: Observation = GERM, terms: Terminology = PLAIN) -> tuple[str | None, list[Missing]]:
    """The code of ``line`` under ``germ``, and what is missing for it."""
    report = Report(patient=Patient(), batteries=(Battery(observations=(germ,)), Battery(observations=(line,))))
    done, missing = terms.code(report)
    return done.observations[1].loinc, [gap for gap in missing if gap.code == line.code.code]


def named(text: str, base: Observation = LINE, **more: str) -> Observation:
    return replace(base, code=Code(code="X", text=text, system="L"), **more)  # type: ignore[arg-type]


def test_the_value_chooses_between_the_three_codes_of_a_drug() -> None:
    assert coded(LINE) == ("18861-5", [])
    assert coded(replace(NUMBER, unit="mg/L"))[0] == "16-6"
    assert coded(replace(NUMBER, unit="µg/ml"))[0] == "16-6"
    assert coded(replace(NUMBER, unit="mm"))[0] == "17-4"
    assert coded(replace(NUMBER, unit="mm", flags=("S",)))[0] == "17-4"
    assert coded(named("Amoxicilline (CMI)"))[0] == "16-6"
    assert coded(replace(LINE, method="Diamètre"))[0] == "17-4"


@pytest.mark.parametrize(
    ("label", "loinc"),
    [
        ("AMOXICILLINE/ACIDE CLAVULANIQUE", "18862-3"),
        ("Ac. clavulanique - amoxicilline", "18862-3"),
        ("Cotrimoxazole", "18998-5"),
        ("Sulfaméthoxazole + triméthoprime", "18998-5"),
        ("Gentamicine", "18928-2"),
        ("CMI de la vancomycine", "524-9"),
        ("Amoxicillin", "18861-5"),
    ],
)
def test_the_whole_name_is_known_however_it_is_joined(label: str, loinc: str) -> None:
    assert coded(named(label))[0] == loinc


def test_a_high_level_test_is_not_the_ordinary_one() -> None:
    high = coded(named("Gentamicine (haut niveau)"))[0]
    assert high not in (None, "18928-2")


@pytest.mark.parametrize(
    "line",
    [
        replace(LINE, parent=None),
        replace(LINE, parent=1),
        replace(LINE, parent=7),
        replace(LINE, value="voir commentaire", flags=()),
        NUMBER,
        replace(NUMBER, unit="UFC/mL"),
        replace(NUMBER, unit="%", flags=("S",)),
        named("Amoxicilline 25 µg"),
        named("AMX"),
        named("NA"),
        named("Amoxicilline (CMI)", NUMBER, unit="mm"),
        replace(LINE, alternate=Code(code="Y", text="Ampicilline", system="99X")),
    ],
)
def test_whatever_is_not_certain_gets_no_code_and_is_told(line: Observation) -> None:
    loinc, missing = coded(line)
    assert loinc is None
    assert len(missing) == 1


@pytest.mark.parametrize(
    "germ",
    [
        replace(GERM, type=ValueType.NUMERIC, value="3", value_code=None),
        replace(GERM, value="", value_code=None),
        replace(GERM, value="R", flags=("R",)),
        replace(GERM, parent=1),
    ],
)
def test_a_line_under_what_is_no_germ_gets_no_code(germ: Observation) -> None:
    assert coded(LINE, germ)[0] is None


def test_file_and_confirmed_lines_come_first() -> None:
    assert coded(replace(LINE, alternate=Code(code="28-1", system="LN")))[0] == "28-1"
    assert coded(LINE, terms=make(codes=HEADER + ";AMX;x;;;28-1;Dr T;2026-01-01;\n"))[0] == "28-1"
    assert coded(LINE, terms=make(codes=HEADER + ";AMX;x;;;-;Dr T;2026-01-01;\n")) == (None, [])


def test_the_laboratory_can_switch_it_off() -> None:
    loinc, missing = coded(LINE, terms=make(Options(antibiograms=False)))
    assert (loinc, len(missing)) == (None, 1)


def test_the_laboratory_names_its_own_abbreviations() -> None:
    terms = make(
        antibiotiques="texte;antibiotique\nAMX;Amoxicilline\nC.N.;Gentamicine\n", germes="texte;germe\nECOL;E. coli\n"
    )
    assert coded(replace(LINE, code=Code(code="AMX", system="L")), terms=terms)[0] == "18861-5"
    assert coded(named("c.n."), terms=terms)[0] == "18928-2"
    bare = replace(GERM, value="colibacille BLSE", value_code=Code(code="ECOL", system="L"))
    assert PLAIN.organism_found(bare) is None
    found = terms.organism_found(bare)
    assert found is not None and found.ncbi == "562"
    with pytest.raises(ConfigError) as caught:
        make(antibiotiques="texte;antibiotique\nX;Panacée\n", germes="texte;germe\nX;Inventus\n")
    assert len(caught.value.faults) == 2


def test_snomed_leaves_only_when_allowed_and_sure() -> None:
    allowed = make(Options(snomed=True))
    for name in ("Escherichia coli", "E.coli"):
        free, licensed = PLAIN.organism(name), allowed.organism(name)
        assert free is not None and licensed is not None
        assert (free.snomed, free.snomed_name, free.ncbi) == ("", "", "562")
        assert (licensed.snomed, licensed.ncbi) == ("112283007", "562")
    doubtful = allowed.organism("Enterobacter cloacae")
    assert doubtful is not None
    assert (doubtful.snomed, doubtful.ncbi) == ("", "550")


def test_a_message_without_any_loinc_code_of_its_own() -> None:
    content = sample("hl7", "antibiogramme_sans_loinc.hl7").read_bytes()
    report, missing = PLAIN.code(registry.read(content, ReadContext()).reports[0])
    lines = {o.code.code: o.loinc for o in report.observations if o.parent is not None}
    assert lines == {
        "AMX": "18861-5",
        "AMC": "18862-3",
        "CIPCMI": "185-9",
        "CTX": "109-9",
        "CN": None,
        "SXT": "18998-5",
    }
    assert "antibiotiques.csv" in next(gap.reason for gap in missing if gap.code == "CN")


def test_every_code_of_an_antibiotic_has_a_name() -> None:
    assert PLAIN.display("28-1") == "Ampicilline [Sensibilité] Isolat ; Alphanumérique ; CMI"
    assert PLAIN.display("18928-2") == "Gentamicine [Sensibilité] Isolat ; Alphanumérique"
    assert PLAIN.display("267-5").endswith("; CMI")
    assert PLAIN.display("29-9") == "Ampicillin [Susceptibility] by Disk diffusion (KB)"


def test_every_shipped_name_means_one_drug() -> None:
    drugs = {drug.loinc: drug for drug in PLAIN.antibiotics.by_name.values()}
    assert len(drugs) == 88
    for drug in drugs.values():
        assert PLAIN.drug(drug.name) is drug
        assert PLAIN.drug(drug.long_name.partition(" [")[0]) is drug
        assert split_method(drug.name)[1] is None
        assert drug_key(drug.name) == drug_key(drug.name.upper().replace(" + ", "/"))
