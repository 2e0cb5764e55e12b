"""What is understood of ``samples/cda``: the table the README of the samples points at."""

from __future__ import annotations

import pytest

from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.report.identifiers import nir_ok
from dispatcher.report.model import Code, ExplicitRecipient, Kind, Observation, Report, Severity, ValueType
from dispatcher.resources import sample
from tests.random_reports import terminology

LAB = "1.2.250.1.999.1"


def read(name: str) -> ReadResult:
    return registry.read(sample("cda", name).read_bytes(), ReadContext(file_name=name))


def report(name: str) -> Report:
    (found,) = read(name).reports
    return found


# name: (encoding, filler, birth name, status, kind, results, document id, version, replaces, problem codes)
EXPECTED = {
    "bilan_n3.xml": ("utf-8", "260311-0042", "MOREAU", "final", "structured", 6, "42.1", 1, "", []),
    "archive_xdm.zip": ("utf-8", "260311-0042", "MOREAU", "final", "structured", 6, "42.1", 1, "", []),
    "ecbu_deux_germes.xml": ("utf-8", "260314-0188", "GARÇON", "final", "structured", 9, "188.1", 1, "", []),
    "ecbu_remplace.xml": ("utf-8", "260314-0188", "GARÇON", "corrected", "structured", 9, "188.2", 2, "188.1", []),
    "partiel.xml": ("utf-8", "260312-0050", "MOREAU", "partial", "structured", 1, "50.1", 1, "", []),
    "pdf_n1.xml": ("utf-8", "260316-0060", "GARÇON", "final", "document", 0, "60.1", 1, "", []),
    "autopresentable_2021.xml": ("iso8859-1", "210401-0070", "MOREAU", "final", "structured", 2, "70.1", 1, "", []),
    "lettre_de_liaison.xml": (
        *("utf-8", "260318-0080", "MOREAU", "final", "document", 0, "80.1", 1, ""),
        ["cda-other-type"],
    ),
    "sans_modele.xml": (
        *("utf-8", "", "N'DIAYE", "final", "structured", 2, "2.25.260317000900001", 1, ""),
        ["restricted-document"],
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_sample(name: str) -> None:
    result = read(name)
    encoding, filler, family, status, kind, count, document, version, replaces, codes = EXPECTED[name]
    assert (result.format, result.encoding, result.readable) == ("cda", encoding, True)
    (found,) = result.reports
    source = found.source_document
    assert source is not None
    assert (found.order.filler, found.patient.birth_name, found.status, found.kind) == (filler, family, status, kind)
    assert len(found.observations) == count
    root = f"{LAB}.5."
    assert (source.id.removeprefix(root), source.version, source.replaces.removeprefix(root)) == (
        document,
        version,
        replaces,
    )
    assert [p.code for p in found.problems] == codes
    assert found.patient.ins is None or (found.patient.ins.qualified and nir_ok(found.patient.ins.matricule))


def test_a_cut_sample_is_refused() -> None:
    result = read("tronque.xml")
    assert (result.format, result.reports) == ("cda", ())
    assert [(p.code, p.severity) for p in result.problems] == [("xml-malformed", Severity.ERROR)]
    assert not registry.is_complete(sample("cda", "tronque.xml").read_bytes(), "tronque.xml").complete


def test_every_sample_is_a_whole_message() -> None:
    for name in EXPECTED:
        data = sample("cda", name).read_bytes()
        assert registry.is_message(data), name
        assert registry.is_complete(data, name).complete, name


def of(name: str, text: str) -> Observation:
    return next(o for o in report(name).observations if o.code.text == text)


def test_a_result_in_full() -> None:
    tsh = of("bilan_n3.xml", "Thyréostimuline (TSH)")
    assert (tsh.code.code, tsh.code.system, tsh.loinc) == ("3016-3", "LN", "3016-3")
    assert tsh.alternate == Code(code="TSH", text="TSH", system=f"{LAB}.6")
    assert (tsh.type, tsh.value, tsh.unit, tsh.ucum) == (ValueType.NUMERIC, "6.12", "mUI/L", "m[IU]/L")
    assert (tsh.low, tsh.high, tsh.flags, tsh.status) == ("0.27", "4.20", ("H",), "F")
    assert tsh.method == "Électrochimiluminescence"
    assert tsh.kit is not None
    assert (tsh.kit.code, tsh.kit.text) == ("A7X01", "Réactif TSH inventé")
    assert tsh.comments == ("Contrôlé sur le même prélèvement.",)
    (earlier,) = tsh.previous
    assert (earlier.value, earlier.unit, earlier.ucum) == ("4.80", "mUI/L", "m[IU]/L")
    assert earlier.at is not None
    assert earlier.at.isoformat() == "2025-09-12T08:15:00+02:00"


def test_comparator_ratio_words_and_what_was_not_done() -> None:
    t4, inr = of("bilan_n3.xml", "Thyroxine libre (T4L)"), of("bilan_n3.xml", "INR")
    assert (t4.comparator, t4.value, t4.unit, t4.flags) == ("<", "5.1", "pmol/L", ("L",))
    assert (inr.type, inr.value, inr.unit, inr.range_text) == (ValueType.NUMERIC, "2.4", "", "2 à 3 sous AVK")
    aspect, potassium = of("bilan_n3.xml", "Aspect du plasma"), of("bilan_n3.xml", "Potassium")
    assert (aspect.code.code, aspect.loinc, aspect.value) == ("ASP", None, "Lactescent")
    assert (potassium.status, potassium.value) == ("X", "")
    assert potassium.comments == ("Prélèvement hémolysé : à refaire.",)


def test_one_row_with_two_units_is_one_result() -> None:
    glucose = of("bilan_n3.xml", "Glucose à jeun")
    assert (glucose.value, glucose.unit, glucose.low, glucose.high) == ("5.55", "mmol/L", "3.90", "6.10")
    assert glucose.alt is not None
    assert (glucose.alt.value, glucose.alt.unit, glucose.alt.ucum) == ("1.00", "g/L", "g/L")
    assert (glucose.alt.low, glucose.alt.high, glucose.alt.loinc) == ("0.70", "1.10", "1558-6")


def test_chapters_samples_and_people() -> None:
    found = report("bilan_n3.xml")
    assert [(b.chapter, b.subchapter) for b in found.batteries] == [
        ("BIOCHIMIE", "Bilan thyroïdien"),
        ("BIOCHIMIE", "Biochimie sanguine"),
    ]
    assert found.batteries[0].specimen is None
    specimen = found.batteries[1].specimen
    assert specimen is not None
    assert (specimen.id, specimen.text, specimen.code) == ("26031100421", "Plasma fluoré", "PLAS")
    assert {o.validated_by for o in found.batteries[1].observations} == {"Dr D'ALMEIDA Marie-Hélène"}
    assert [v.label for v in found.validators] == ["DR D'ALMEIDA Marie-Hélène"]
    (copy,) = found.copies
    assert (copy.id, copy.id_type, copy.organisation_id) == ("99700000021", "RPPS", "99900001100018")
    assert found.recipients == (ExplicitRecipient(address="sophie.petit@cabinets.mssante.test", practitioner=copy),)
    assert found.comments == ("Non conformité : Tube EDTA insuffisant : hémogramme à reprélever.",)
    assert (found.patient.used_name, found.patient.used_given) == ("LE BIHAN", "")


def test_two_germs_and_their_antibiograms() -> None:
    found = report("ecbu_remplace.xml")
    assert [(o.code.text, o.comparator + o.value, o.flags, o.parent) for o in found.observations[1:]] == [
        ("Examen direct", "Bacilles à Gram négatif\nCocci à Gram positif", (), None),
        ("Germe identifié", "Escherichia coli", (), None),
        ("Dénombrement", "100000", (), 2),
        ("Amoxicilline", ">8", ("R",), 2),
        ("Ciprofloxacine", "1", ("R",), 2),
        ("Germe identifié", "Enterococcus faecalis", (), None),
        ("Dénombrement", "10000", (), 6),
        ("Amoxicilline", "0.5", ("S",), 6),
    ]
    assert found.observations[6].value_code == Code(code="1351", text="Enterococcus faecalis", system="NCBI")
    assert found.comments == ("Infection urinaire à deux germes : avis spécialisé conseillé.",)


def test_what_is_only_in_the_words_is_kept() -> None:
    assert report("partiel.xml").batteries[0].comments == ("Procalcitonine : résultat à suivre",)
    assert report("autopresentable_2021.xml").batteries[0].comments == ("Motif : bilan préopératoire.",)


def test_level_1_carries_its_pdf_and_another_type_itself() -> None:
    (pdf,) = report("pdf_n1.xml").documents
    assert (pdf.media_type, pdf.content[:5]) == ("application/pdf", b"%PDF-")
    letter = report("lettre_de_liaison.xml")
    (document,) = letter.documents
    assert document.is_cda
    assert document.content == sample("cda", "lettre_de_liaison.xml").read_bytes()
    assert "Surveillance après intervention.\nReprise d'appui\nKinésithérapie" in letter.text
    assert letter.batteries == ()
    assert letter.kind is Kind.DOCUMENT


def test_a_report_without_templates() -> None:
    found = report("sans_modele.xml")
    creatinine, antigen = found.observations
    assert (creatinine.loinc, creatinine.code.text, creatinine.value) == ("2160-0", "Créatinine", "71")
    assert (creatinine.low, creatinine.high, creatinine.unit) == ("44", "80", "umol/L")
    assert (antigen.type, antigen.value) == (ValueType.TEXT, "Négatif")
    assert found.patient.given_names == ("Awa", "Marie")
    assert found.patient.ins is None
    assert [(n.value, n.authority) for n in found.patient.local_ids] == [("X-77", "1.2.250.1.213.1.4.5")]


@pytest.mark.parametrize("name", [n for n, row in EXPECTED.items() if row[4] == Kind.STRUCTURED])
def test_the_tables_leave_the_codes_of_the_file_alone(name: str) -> None:
    before = report(name)
    coded, _ = terminology().code(before)
    for was, now in zip(before.observations, coded.observations, strict=True):
        assert was.loinc is None or now.loinc == was.loinc
        assert was.ucum is None or now.ucum == was.ucum
        assert now.code == was.code
        assert was.alt is None or (now.alt is not None and now.alt == was.alt)
