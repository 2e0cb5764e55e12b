"""Which code a result gets, and above all which it does not get."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.errors import ConfigError
from dispatcher.report.model import (
    AltValue,
    Attachment,
    Battery,
    Code,
    Observation,
    Patient,
    Report,
    Specimen,
    ValueType,
)
from dispatcher.resources import mapping_text
from dispatcher.terminology.entries import Missing, MissingKind
from dispatcher.terminology.tables import DEFAULT_CHAPTER, Terminology, TerminologyTexts, load

HEADER = "source;code;libelle;unite;specimen;loinc;confirme_par;confirme_le;commentaire\n"
CODES = HEADER + (
    ";GLYJ;Glycémie à jeun;g/L;;2345-7;Dr Test;2026-01-05;\n"
    ";GLYJ;Glycémie à jeun;mmol/L;;14749-6;Dr Test;05/01/2026;\n"
    "labo-b;HB;Hémoglobine;;;718-7;Dr Test;2026-01-05;\n"
    ";HB;Hémoglobine;;;20509-6;Dr Test;2026-01-05;\n"
    ";K;Potassium;;sérum;2823-3;Dr Test;2026-01-05;\n"
    ";COM;Commentaire;;;-;Dr Test;2026-01-05;\n"
    ";CREA;Créatinine;;;14682-9;Dr Test;;\n"
    ";MOL;Glucose;;;14749-6;Dr Test;2026-01-05;\n"
)


def make(**own: str) -> Terminology:
    texts = TerminologyTexts.collect(
        lambda name: mapping_text("terminology", name), lambda name: own.get(name.removesuffix(".csv"))
    )
    return load(texts)


@pytest.fixture(scope="module")
def terms() -> Terminology:
    return make(
        codes=CODES,
        unites="texte;ucum\nMG/DL;mg/dL\nZZ;-\n",
        drapeaux="texte;code\nB;L\n*;A\n",
        specimens="texte;code\nTube jaune;SER\n",
        chapitres="texte;loinc;titre\nHORMONES;92895-2;Hormonologie du laboratoire\n",
    )


def result(code: str = "", text: str = "", system: str = "L", unit: str = "", **more: object) -> Observation:
    fields: dict[str, object] = {"code": Code(code=code, text=text, system=system), "unit": unit, "value": "1"}
    return Observation(**(fields | {"type": ValueType.NUMERIC} | more))  # type: ignore[arg-type]


def coded(
    terms: Terminology, observation: Observation, source: str = "", specimen: Specimen | None = None
) -> tuple[Observation, tuple[Missing, ...]]:
    report = Report(patient=Patient(), batteries=(Battery(specimen=specimen, observations=(observation,)),))
    done, missing = terms.code(report, source)
    return done.observations[0], missing


def test_a_french_label_alone_never_gives_a_code(terms: Terminology) -> None:
    for label in ("Hémoglobine", "GLYCEMIE", "Potassium", "TSH"):
        observation, missing = coded(terms, result("X1", label, unit="g/dL"))
        assert observation.loinc is None
        assert [gap.kind for gap in missing] == [MissingKind.CODE]
        assert (missing[0].code, missing[0].label) == ("X1", label)


def test_loinc_of_the_file_is_taken_from_either_coding(terms: Terminology) -> None:
    first, _ = coded(terms, result("718-7", "Hb", "LN", "g/dL"))
    second = result("HEMO", "Hb", "L", "g/dL", alternate=Code(code="718-7", system="LN"))
    assert first.loinc == coded(terms, second)[0].loinc == "718-7"
    assert coded(terms, result("718-7", "Hb", "", "g/dL"))[0].loinc == "718-7"


def test_a_loinc_code_with_a_wrong_key_is_not_sent(terms: Terminology) -> None:
    observation, missing = coded(terms, result("718-8", "Hb", "LN", "g/dL"))
    assert observation.loinc is None
    assert MissingKind.LOINC in {gap.kind for gap in missing}
    assert "718-8" in {gap.text for gap in missing}


def test_a_local_code_that_looks_like_loinc_is_not_loinc(terms: Terminology) -> None:
    assert coded(terms, result("718-7", "Hb", "L", "g/dL"))[0].loinc is None


def test_unit_chooses_between_two_confirmed_lines(terms: Terminology) -> None:
    assert coded(terms, result("GLYJ", "Glycémie", unit="g/l"))[0].loinc == "2345-7"
    assert coded(terms, result("GLYJ", "Glycémie", unit="mmol/L"))[0].loinc == "14749-6"
    other, missing = coded(terms, result("GLYJ", "Glycémie", unit="mg/dL"))
    assert other.loinc is None
    assert "unité" in missing[0].reason


def test_a_line_for_this_source_wins_over_one_for_all(terms: Terminology) -> None:
    assert coded(terms, result("HB"), "labo-b")[0].loinc == "718-7"
    assert coded(terms, result("HB"), "labo-a")[0].loinc == "20509-6"


def test_a_line_for_a_specimen_holds_for_that_specimen_only(terms: Terminology) -> None:
    assert coded(terms, result("K"), specimen=Specimen(text="SERUM"))[0].loinc == "2823-3"
    assert coded(terms, result("K"), specimen=Specimen(text="tube jaune"))[0].loinc == "2823-3"
    assert coded(terms, result("K"), specimen=Specimen(text="urines"))[0].loinc is None
    assert coded(terms, result("K"))[0].loinc is None


def test_a_line_nobody_confirmed_is_not_used_and_is_told(terms: Terminology) -> None:
    assert coded(terms, result("CREA"))[0].loinc is None
    assert any("CREA" in note and "non confirmé" in note for note in terms.notes)


def test_confirmed_to_have_no_code_is_no_longer_missing(terms: Terminology) -> None:
    observation, missing = coded(terms, result("COM"))
    assert observation.loinc is None
    assert missing == ()


def test_a_unit_that_contradicts_a_confirmed_line_stops_the_code_not_the_report(terms: Terminology) -> None:
    observation, missing = coded(terms, result("MOL", unit="g/L"))
    assert observation.loinc is None
    assert observation.ucum == "g/L"
    assert [gap.kind for gap in missing] == [MissingKind.UNIT_CONFLICT]


def test_a_unit_that_contradicts_the_files_own_loinc_is_told_and_left(terms: Terminology) -> None:
    observation, missing = coded(terms, result("14749-6", "Glucose", "LN", "g/L"))
    assert observation.loinc == "14749-6"
    assert [gap.kind for gap in missing] == [MissingKind.UNIT_CONFLICT]


def test_two_lines_that_contradict_each_other_give_nothing() -> None:
    terms = make(codes=HEADER + ";A;a;g/L;;2345-7;x;2026-01-01;\n;A;a;;sérum;53049-3;x;2026-01-01;\n")
    observation, missing = coded(terms, result("A", unit="g/L"), specimen=Specimen(text="sérum"))
    assert observation.loinc is None
    assert "2, 3" in missing[0].reason


def test_the_analysis_decides_its_unit(terms: Terminology) -> None:
    assert coded(terms, result("1742-6", "ALAT", "LN", "UI/L"))[0].ucum == "U/L"
    assert coded(terms, result("3016-3", "TSH", "LN", "mUI/L"))[0].ucum == "m[IU]/L"
    assert coded(terms, result("4537-7", "VS", "LN", "mm"))[0].ucum == "mm/h"
    assert coded(terms, result("X", "x", "L", "mm"))[0].ucum == "mm"


@pytest.mark.parametrize(
    ("text", "ucum"),
    [
        ("g/l", "g/L"),
        (" mmol / l ", "mmol/L"),
        ("\u03bcmol/L", "umol/L"),
        ("umol/L", "umol/L"),
        ("G/L", "10*9/L"),
        ("10⁹/L", "10*9/L"),
        ("mL/min/1,73 m²", ""),
        ("INR", ""),
        ("MG/DL", "mg/dL"),
        ("ZZ", ""),
        ("10*3/uL", "10*3/uL"),
        ("MU/L", None),
        ("inconnue", None),
        ("", None),
    ],
)
def test_units(terms: Terminology, text: str, ucum: str | None) -> None:
    observation, missing = coded(terms, result("COM", unit=text))
    assert observation.ucum == ucum
    assert [gap.text for gap in missing] == ([text] if text and ucum is None else [])


def test_second_value_gets_its_own_unit(terms: Terminology) -> None:
    alt = AltValue(value="7.3", unit="mmol/l")
    observation, _ = coded(terms, result("2345-7", "Glucose", "LN", "g/L", alt=alt))
    assert observation.alt is not None
    assert observation.alt.ucum == "mmol/L"


def test_annotation_is_offered_where_no_unit_is_legal(terms: Terminology) -> None:
    unit = terms.unit("copies/mL")
    assert unit is not None
    assert (unit.ucum, unit.annotated) == ("", "{copies}/mL")
    assert terms.ucum_ok("{copies}/mL")
    assert not terms.ucum_ok("G/L")
    assert not terms.ucum_ok("")


def test_flags_become_letters_and_no_alarm_is_lost(terms: Terminology) -> None:
    observation, missing = coded(terms, result("COM", flags=("h", "Élevé", "LL", "*", "zz", '""', "MS")))
    assert observation.flags == ("H", "LL", "A", "zz", "MS")
    assert [gap.text for gap in missing] == ["zz"]


def test_local_habits_are_read_only_when_the_laboratory_says_so(terms: Terminology) -> None:
    plain = make()
    better = plain.flag("B")
    assert better is not None
    assert better.display == "Amélioration"
    assert plain.flag("*") is None
    lower = terms.flag("b")
    assert lower is not None
    assert lower.code == "L"


def test_flags_without_equal_have_no_code(terms: Terminology) -> None:
    assert terms.flag("NULL") is None
    susceptible = terms.flag("VS")
    assert susceptible is not None
    assert (susceptible.code, susceptible.display) == ("S", "Sensible")


def test_doubtful_specimens_are_left_to_a_person(terms: Terminology) -> None:
    observation, missing = coded(terms, result("COM"), specimen=Specimen(text="PV"))
    assert [gap.kind for gap in missing] == [MissingKind.SPECIMEN]
    report = Report(
        patient=Patient(), batteries=(Battery(specimen=Specimen(text="Urines"), observations=(observation,)),)
    )
    coded_report, _ = terms.code(report)
    specimen = coded_report.batteries[0].specimen
    assert specimen is not None
    assert (specimen.text, specimen.code) == ("Urines", "UR")


def test_a_document_is_not_asked_for_codes(terms: Terminology) -> None:
    document = Attachment(media_type="application/pdf", content=b"%PDF")
    _, missing = coded(terms, result("PDF", "Compte rendu", type=ValueType.DOCUMENT, document=document))
    assert missing == ()


@pytest.mark.parametrize(
    ("battery", "loinc", "title"),
    [
        (Battery(chapter="BIOCHIMIE"), "18719-5", "Biochimie"),
        (Battery(chapter="hormones"), "92895-2", "Hormonologie du laboratoire"),
        (Battery(chapter="HM"), "18723-7", "Hématologie"),
        (Battery(title="Groupe sanguin"), "18717-9", "Immuno-hématologie"),
        (Battery(title="NFS", observations=(Observation(code=Code(), loinc="718-7"),)), "18723-7", "Hématologie"),
        (Battery(chapter="SECTEUR 7"), DEFAULT_CHAPTER.loinc, "SECTEUR 7"),
        (Battery(), DEFAULT_CHAPTER.loinc, DEFAULT_CHAPTER.title),
    ],
)
def test_chapters(terms: Terminology, battery: Battery, loinc: str, title: str) -> None:
    chapter = terms.chapter_for(battery)
    assert (chapter.loinc, chapter.title) == (loinc, title)


def test_names_shown_beside_a_code(terms: Terminology) -> None:
    assert terms.display("718-7") == "Hémoglobine [Masse/Volume] Sang ; Numérique"
    assert terms.display("1742-6") == "Alanine aminotransferase [Enzymatic activity/volume] in Serum or Plasma"
    assert terms.display("18719-5") == "Biochimie"
    assert terms.display("99999-9") == ""


def test_organisms_and_antibiotics_by_name_or_unshared_abbreviation(terms: Terminology) -> None:
    organism = terms.organism("E. coli")
    assert organism is not None
    assert (organism.snomed, organism.ncbi) == ("", "562")
    antibiotic = terms.antibiotic("amoxicilline")
    assert antibiotic is not None
    assert antibiotic.loinc == "18861-5"
    assert terms.organism("Martinus inventus") is None


def test_proposals_need_a_unit_that_fits_and_say_they_are_proposals(terms: Terminology) -> None:
    gap = Missing(kind=MissingKind.CODE, code="Z", label="GLYCEMIE", unit="mmol/L")
    offered = terms.propose(gap)
    assert offered[0].loinc == "14749-6"
    assert all("À confirmer" in proposal.reason for proposal in offered)
    assert terms.propose(Missing(kind=MissingKind.CODE, label="Sodium", unit="g/L")) == ()
    urine = terms.propose(Missing(kind=MissingKind.CODE, label="Sodium", unit="mmol/L", specimen="UR"))
    assert urine
    assert {proposal.specimen for proposal in urine} == {"UR"}


def test_all_faults_of_the_laboratorys_tables_are_told_at_once() -> None:
    codes = HEADER + (
        ";A;a;;;718-8;Dr X;2026-01-01;\n;;b;;;718-7;Dr X;2026-01-01;\n;C;c;mmol/L;;2345-7;Dr X;2026-01-01;\n"
        ";D;d;;;718-7;Dr X;1er mai;\n;E;e;;;718-7;Dr X;2026-01-01;\n;E;e;;;2345-7;Dr X;2026-01-01;\n"
    )
    with pytest.raises(ConfigError) as caught:
        make(codes=codes, unites="texte;ucum\nG/L;G/L\n", drapeaux="texte;valeur\n*;A\n", specimens="")
    faults = caught.value.faults
    for start in (
        "codes.csv, ligne 2, colonne « loinc » : trouvé « 718-8 »",
        "codes.csv, ligne 3, colonne « code » : trouvé « rien »",
        "codes.csv, ligne 4, colonne « unite » : trouvé « mmol/L »",
        "codes.csv, ligne 5, colonne « confirme_le » : trouvé « 1er mai »",
        "codes.csv, ligne 7, colonne « loinc » : trouvé « 2345-7 », attendu 718-7, comme ligne 6",
        "unites.csv, ligne 2, colonne « ucum » : trouvé « G/L »",
        "drapeaux.csv, ligne 1, colonne « code » : trouvé « aucune colonne de ce nom »",
        "specimens.csv, ligne 1 : trouvé « un fichier vide »",
    ):
        assert any(fault.startswith(start) for fault in faults), (start, faults)


def test_tables_saved_by_a_spreadsheet_are_read() -> None:
    terms = make(codes="\ufeff" + CODES.replace("\n", "\r\n").replace("libelle", "Libellé").replace(";\r", ";;;\r"))
    assert coded(terms, result("HB"), "labo-b")[0].loinc == "718-7"


@given(st.text(max_size=80), st.text(max_size=20), st.text(max_size=20))
def test_nothing_a_file_holds_stops_a_report(text: str, unit: str, flag: str) -> None:
    terms = _SHARED
    observation, _ = coded(terms, result(text, text, text[:2], unit, flags=(flag,)), text, Specimen(text=unit))
    assert observation.unit == unit
    terms.chapter_for(Battery(chapter=text, title=unit))
    terms.propose(Missing(kind=MissingKind.CODE, code=text, label=flag, unit=unit))


_SHARED = make(codes=CODES)
