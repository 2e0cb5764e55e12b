"""The table of critical analyses: what leaves as urgent though the LIS set no flag."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dispatcher import wiring
from dispatcher.report.model import AltValue, Code, Observation
from dispatcher.resources import mapping_text
from dispatcher.settings.file import TerminologySettings
from dispatcher.terminology import critical
from dispatcher.terminology.rows import Faults
from dispatcher.terminology.tables import Options, TerminologyTexts, load

SHIPPED = critical.parse(critical.FILE, mapping_text("terminology", critical.FILE), Faults())
HEADER = "loinc;code;source;analyse;ucum;sous;sur;regle\n"


def result(loinc: str, value: str, ucum: str | None = "mmol/L", **more: object) -> Observation:
    return Observation(**{"code": Code(code="X"), "loinc": loinc, "value": value, "ucum": ucum, **more})  # type: ignore[arg-type]


NOTHING_GREW = (
    *("0", "0,0", "0/4", "0 UFC/mL", "-", "--", "Neg", "Nég.", "NEG", "Culture nég. à J5", "Hémoculture : neg", "N"),
    *("Non", "non.", "Néant", "RAS", "R.A.S.", "Rien à signaler", "Absence", "Nulle", "Non détecté", "Not detected"),
    *("Pas d'anaérobies", "Absence de cocci, bacilles et levures", "Pas de cocci ni bacilles", "Aucun germe"),
    *("Recherche de Staphylococcus aureus négative", "Recherche de bacilles en cours"),
    *(
        "Levures : absence",
        "Absence de germe en culture aérobie et anaérobie après 5 jours d'incubation à 37°C",
        "Négatif (< 10 UFC/mL)",
        "No growth after 5 days",
        "Flacon 1 négatif, flacon 2 négatif",
        "Examen direct : absence de germes. Culture : négative à 5 jours",
        "Aucune croissance",
        "Anaérobie : stérile ; aérobie : stérile",
        "0 UFC/mL anaérobie, 0 UFC/mL aérobie",
        "Recherche de BAAR : négative",
        "NEGATIF A 48H",
        "Absence de germe\nCulture négative",
        "Culture impossible",
    ),
)
SOMETHING_GREW = (
    *(
        "1",
        "10",
        "+",
        "++",
        "1/4",
        "0,5",
        "Oui",
        "E. coli",
        "Cocci Gram +",
        "voir commentaire",
        "*",
        "Nég. à J2, E. coli à J5",
    ),
    *("Staphylocoque à coagulase négative", "Staph. coag. nég.", "Staphylococcus epidermidis, coagulase : négatif"),
    *("Escherichia coli, absence de levures", "Escherichia coli. Absence de levures.", "S. aureus. Pas de levure"),
    *(
        "Cocci à Gram positif en cours d'identification",
        "E. coli en cours d'identification",
        "Candida albicans (BLSE nég.)",
    ),
    *(
        "Klebsiella pneumoniae ; BLSE négatif",
        "Bacilles Gram nég",
        "Nocardia farcinica",
        "Anaérobie : stérile ; aérobie : E. coli",
    ),
    "Salmonella non typhique",
    *(
        "Neg à J1, Pos à J2",
        "Neg aérobie Pos anaérobie",
        "Culture neg à 24h, 1 flacon posit. à 48h",
        "Nég. BLSE ; Morganella morganii",
        "Nég en anaérobie ; aérobie : Corynebacterium",
        "0 UFC/mL anaérobie, 1000 UFC/mL aérobie",
        "0 UFC aérobie / 10^5 anaérobie",
        "0 colonie à 24h, 12 colonies à 48h",
        "0 UFC puis 10000",
        "BGN, identification en cours",
        "Identification en cours",
        "Mycobacterium tuberculosis. Autres: absence",
        "Corynebacterium, antibiogramme en cours",
        "Culture stérile à 24h; puis pousse",
        "Rien à 24h, pousse à 48h",
        "Négatif à 24h cocci à 48h",
        "Flacon 1 neg flacon 2 cocci",
        "Aérobie neg anaérobie cocci",
        "Négatif anaérobie, aérobie: staphylocoque",
        "Absence de BLSE, Klebsiella",
        "Absence de levures, Candida",
        "Absence de levures et présence de E. coli",
        "Absence de germe autre que E. coli",
        "Négatif (E. coli)",
        "Négatif/Positif",
        "neg+",
        "Absence de levures\nE. coli",
        "Recherche de salmonelles : présence",
        "flacon 1 : cocci ; flacon 2 : absence",
    ),
)


@pytest.mark.parametrize(
    ("one", "critical_"),
    [
        (result("2823-3", "6.3"), True),
        (result("2823-3", "6.2"), False),
        (result("2823-3", "2.7"), True),
        (result("2823-3", "4.1"), False),
        (result("2823-3", "10", comparator=">"), True),
        (result("2823-3", "6.2", comparator=">"), True),
        (result("2823-3", "2.8", comparator="<"), True),
        (result("2823-3", "10", comparator="<"), False),
        (result("2823-3", "6.3", "mg/L"), False),
        (result("2823-3", "6.3", None), False),
        (result("2823-3", "hémolysé"), False),
        (result("2823-3", "6.3", status="X"), False),
        (result("718-7", "6.5", "g/dL"), True),
        (result("718-7", "65", "g/L"), True),
        (result("718-7", "65", "g/dL"), True),
        (result("777-3", "36", "10*9/L"), True),
        (result("777-3", "36000", "/uL"), True),
        (result("777-3", "150000", "/uL"), False),
        (result("777-3", "8", "10*3/uL"), True),
        (result("6690-2", "45", "10*3/uL"), True),
        (result("26499-4", "0.4", "10*3/uL"), True),
        (result("751-8", "1.4", "10*3/uL"), False),
        (result("2345-7", "30", "mg/dL"), True),
        (result("17861-6", "5", "mg/dL"), True),
        (result("17861-6", "9.5", "mg/dL"), False),
        (result("6301-6", "5.4", ""), True),
        (result("6301-6", "5.0", None), False),
        (result("67151-1", "15", "ng/L", high="14"), True),
        (result("67151-1", "13", "ng/L", high="14"), False),
        (result("67151-1", "900", "ng/L"), False),
        (result("600-7", "Escherichia coli", None), True),
        (result("600-7", "Culture négative à 5 jours", None), False),
        (result("600-7", "Stérile", None), False),
        (result("600-7", "Bacilles à Gram négatif", None), True),
        (result("600-7", "Absence de bacilles à Gram négatif", None), False),
        (result("600-7", "Absence de cocci à Gram positif", None), False),
        (result("600-7", "Culture positive, identification en cours", None), True),
        (result("600-7", "Présence de Staphylococcus aureus. Absence de levures.", None), True),
        (result("600-7", "Pas de présence de germe", None), False),
        (result("600-7", "Culture en cours", None), False),
        (result("600-7", "", None), False),
        *[(result("600-7", text, None), False) for text in NOTHING_GREW],
        *[(result("600-7", text, None), True) for text in SOMETHING_GREW],
        (result("2345-7", "1.0", "g/L"), False),
        (result("2345-7", "0.45", "g/L"), True),
        (result("14749-6", "5", "mmol/L", alt=AltValue(value="30", ucum="mmol/L")), True),
        (result("9999-9", "6.3"), False),
    ],
    ids=lambda value: (
        f"{value.loinc} {value.comparator}{value.value} {value.ucum}" if isinstance(value, Observation) else ""
    ),
)
def test_a_result_outside_the_published_limits_in_its_own_unit(one: Observation, critical_: bool) -> None:
    assert SHIPPED.names(one, "sil") is critical_


def test_every_code_of_the_table_stands_in_ours_with_a_unit_it_may_have() -> None:
    terms = wiring.terminology()
    assert SHIPPED.by_loinc and set(SHIPPED.by_loinc) <= set(terms.analyses)
    for loinc, lines in SHIPPED.by_loinc.items():
        assert {line.ucum for line in lines} <= {"", *terms.ucum_list}, loinc


def test_the_laboratorys_table_stands_in_for_ours_and_knows_its_own_codes() -> None:
    def own(text: str) -> TerminologyTexts:
        return TerminologyTexts.collect(
            lambda name: mapping_text("terminology", name), lambda name: text if name == critical.OWN_FILE else None
        )

    terms = load(own(HEADER + ";KPLUS;labo1;Potassium;;;6,0;\n;PALU;;Paludisme;;;;presence\n;CYTO;;;;;;toujours\n"))
    local = replace(result("2823-3", "6.1"), code=Code(code="KPLUS"), loinc=None)
    assert terms.critical.names(local, "labo1") and not terms.critical.names(local, "labo2")
    assert not terms.critical.names(result("2823-3", "9"), "labo1"), "ours is replaced whole"
    assert terms.critical.names(replace(local, code=Code(code="CYTO"), value="vu"), "labo2")
    assert not load(own(HEADER + ";CYTO;;;;;;toujours\n"), Options(critical=False)).critical.by_code
    assert wiring.terminology(TerminologySettings(critical=False)).critical.by_loinc == {}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (";;;Potassium;;2;;", "loinc"),
        ("2823-4;;;Potassium;;2;;", "clé"),
        ("2823-3;;;Potassium;;deux;;", "nombre"),
        ("2823-3;;;Potassium;;;;", "limite"),
        ("2823-3;;;Potassium;;;;parfois", "toujours"),
    ],
)
def test_what_is_wrong_in_a_line_is_told_by_file_line_and_column(line: str, told: str) -> None:
    faults = Faults()
    assert not critical.parse(critical.OWN_FILE, HEADER + line + "\n", faults).by_loinc
    (fault,) = faults.faults
    assert "critiques.csv" in fault and "ligne 2" in fault and told in fault
