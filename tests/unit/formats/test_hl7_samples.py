"""What is understood of ``samples/hl7``: the table the README of the samples points at."""

from __future__ import annotations

import pytest

from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.formats.xdm.carried import pdf_beside
from dispatcher.report.model import Kind, Severity, Status, ValueType
from dispatcher.resources import sample


def read(name: str) -> ReadResult:
    return registry.read(sample("hl7", name).read_bytes(), ReadContext(file_name=name))


SET_ID = "6F1D2C30-9A4B-4C11-8E21-0D5B7A3C9E01"
"""Of the CDA documents without any order number: the same in every version."""

# name: (encoding, [(filler, birth name, status, results, prescriber id, copies)])
EXPECTED = {
    "bilan_utf8.hl7": ("utf-8", [("260311-0042-1", "MOREAU", "final", 11, "99700000013", 1)]),
    "bilan_25_resultats.hl7": ("utf-8", [("260402-0117-1", "BIHAN", "final", 25, "99700000013", 1)]),
    "bilan_corrige.hl7": ("utf-8", [("260311-0042-1", "MOREAU", "corrected", 11, "99700000013", 1)]),
    "bilan_partiel.hl7": ("utf-8", [("260312-0019", "LŒUILLET", "partial", 2, "99700000021", 0)]),
    "bilan_definitif.hl7": ("utf-8", [("260312-0019", "LŒUILLET", "final", 2, "99700000021", 0)]),
    "bilan_latin1_231.hl7": ("iso8859-1", [("G260318031", "GUÉGUEN", "final", 8, "D003", 1)]),
    "lot_trois_patients.hl7": (
        "utf-8",
        [
            ("260313-0101", "MOREAU", "final", 2, "99700000054", 0),
            ("260313-0102", "GARÇON", "final", 2, "99700000096", 1),
            ("260313-0103", "N'DIAYE", "final", 2, "D009", 0),
        ],
    ),
    "dos_a_dos_mllp.hl7": (
        "utf-8",
        [
            ("260320-0001", "N'DIAYE", "final", 2, "99700000013", 0),
            ("260320-0002", "BŒUF-LE GALL", "final", 2, "99700000021", 0),
        ],
    ),
    "pdf_joint.hl7": ("utf-8", [("260314-0007", "LŒUILLET", "final", 4, "99700000013", 0)]),
    "ecbu_antibiogramme.hl7": ("utf-8", [("260314-0188-1", "GARÇON", "final", 11, "99700000096", 1)]),
    "antibiogramme_sans_loinc.hl7": ("utf-8", [("260318-0190-1", "GARÇON", "final", 10, "99700000096", 1)]),
    "hemoculture_deux_germes.hl7": ("utf-8", [("260315-0009", "BŒUF-LE GALL", "final", 6, "99700000120", 0)]),
    "document_mdm.hl7": ("utf-8", [("260319-0004", "LŒUILLET", "final", 1, "99700000013", 0)]),
    "homonyme_sans_numero.hl7": ("iso8859-1", [("G260318032", "PÉRON", "final", 8, "", 0)]),
    "domaine_hors_espace.hl7": ("iso8859-1", [("G260318033", "PÉRON", "final", 8, "D008", 0)]),
    "boite_fermee.hl7": ("iso8859-1", [("G260318034", "GUÉGUEN", "final", 8, "D011", 0)]),
    "volet_niveaux_1_et_3.hl7": ("utf-8", [("260320-0031", "LŒUILLET", "final", 2, "99700000013", 0)]),
    "volet_mdm_remplacement.hl7": ("utf-8", [(SET_ID, "LŒUILLET", "corrected", 1, None, 0)]),
    "volet_mdm_suppression.hl7": ("utf-8", [(SET_ID, "LŒUILLET", "cancelled", 1, None, 0)]),
    "hemoculture_deux_antibiogrammes.hl7": (
        "utf-8",
        [("260318-0077-1", "GARÇON", "final", 10, "99700000096", 1)],
    ),
    "demande_annulee.hl7": ("utf-8", [("260323-0012", "PÉRON", "cancelled", 2, "99700000013", 0)]),
    "resultats_retires.hl7": ("utf-8", [("260324-0031", "PÉRON", "cancelled", 2, "99700000013", 0)]),
    "dialecte_28_separateurs.hl7": ("iso8859-15", [("NL-451-1", "GUÉGUEN", "partial", 6, "D003", 2)]),
    "sous_traitance_oul.hl7": ("utf-8", [("CL-26-0901", "PÉRON", "final", 2, "99700000013", 0)]),
    "jamais_lu.hl7": ("iso8859-1", [("G260318035", "PÉRON", "final", 8, "D012", 0)]),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_sample(name: str) -> None:
    result = read(name)
    encoding, rows = EXPECTED[name]
    assert result.readable
    assert not [p for r in result.reports for p in r.problems if p.severity is not Severity.INFO]
    found = [
        (
            r.order.filler,
            r.patient.birth_name,
            r.status.value,
            len(r.observations),
            r.prescriber and r.prescriber.id,
            len(r.copies),
        )
        for r in result.reports
    ]
    assert (result.encoding, found) == (encoding, rows)


def test_every_sample_is_in_the_table() -> None:
    names = {item.name for item in sample("hl7").iterdir() if item.name.endswith(".hl7")}
    assert names == {*EXPECTED, "tronque.hl7"}


def test_the_truncated_file_is_refused() -> None:
    result = read("tronque.hl7")
    assert not result.readable
    assert [p.code for p in result.problems if p.severity is Severity.ERROR] == ["truncated"]
    assert not registry.is_complete(sample("hl7", "tronque.hl7").read_bytes(), "tronque.hl7").complete


def test_the_correction_replaces_one_value_of_the_same_order() -> None:
    first, second = (read(name).reports[0] for name in ("bilan_utf8.hl7", "bilan_corrige.hl7"))
    assert first.order == second.order
    changed = [
        (a.code.code, a.value, b.value, b.status)
        for a, b in zip(first.observations, second.observations, strict=True)
        if a.value != b.value
    ]
    assert changed == [("K", "5.9", "4.6", "C")]
    assert second.status is Status.CORRECTED
    assert "HH" in next(one.flags for one in first.observations if one.code.code == "K")


def test_ins_is_qualified_and_traits_are_all_there() -> None:
    found = read("bilan_utf8.hl7").reports[0].patient
    assert found.ins is not None
    assert (found.ins.matricule, found.ins.qualified, found.birth_place) == ("279035121518989", True, "51215")
    assert (found.used_name, found.given_names) == ("LE BIHAN", ("Hélène", "Marie", "Zoé"))


def test_antibiograms_point_at_their_organism() -> None:
    ecbu = read("ecbu_antibiogramme.hl7").reports[0].observations
    assert [one.parent for one in ecbu] == [None, None, None, None, 2, 2, 2, 2, 2, 2, 2]
    two = read("hemoculture_deux_germes.hl7").reports[0].observations
    assert [one.parent for one in two] == [None, 0, 0, None, 3, 3]
    assert read("hemoculture_deux_germes.hl7").reports[0].urgent


def test_the_laboratory_s_pdf_is_found() -> None:
    structured, document = read("pdf_joint.hl7").reports[0], read("document_mdm.hl7").reports[0]
    assert (structured.kind, document.kind) == (Kind.STRUCTURED, Kind.DOCUMENT)
    for report in (structured, document):
        assert report.own_pdf is not None
        assert report.own_pdf.content.startswith(b"%PDF-1.4")
    assert [one.address for one in document.recipients] == ["paul.durand@sandbox.mssante.test"]


def test_the_dialect_of_the_second_laboratory() -> None:
    found = {one.code.code: one for one in read("bilan_latin1_231.hl7").reports[0].observations}
    assert (found["GB"].value, found["GB"].low, found["GB"].high, found["GB"].unit) == ("11.8", "4.0", "10.0", "10^9/L")
    assert (found["PLQ"].value, found["PLQ"].high) == ("245000", "400000")
    assert (found["VS"].comparator, found["VS"].high) == ("<", "20")
    assert (found["PCT"].comparator, found["PCT"].value) == ("<", "0.05")
    assert found["CONC"].value == "Hyperleucocytose modérée,\nà contrôler après l'épisode infectieux."


def test_the_sample_of_25_results_is_read_to_the_last_detail() -> None:
    (report,) = read("bilan_25_resultats.hl7").reports
    assert [battery.title for battery in report.batteries] == [
        *("Numération formule sanguine", "Vitesse de sédimentation", "Biochimie", "Bilan lipidique"),
        "Bilan thyroïdien",
    ]
    found = {o.code.code: (o.comparator, o.value, o.unit, o.low, o.high, o.flags) for o in report.observations}
    assert found["GB"] == ("", "11.84", "G/L", "4.00", "10.00", ("H",))
    assert found["CRP"] == (">", "160", "mg/L", "", "5.0", ("HH",))
    assert found["DFG"][:5] == ("", "81", "mL/min/1,73m²", "60", "")
    assert found["TSH"][5] == ("L",)
    crp = next(o for o in report.observations if o.code.code == "CRP")
    assert crp.comments and "Médecin prévenu" in crp.comments[0]
    assert report.patient.used_name == "MARTINEAU" and report.patient.ins is not None and report.patient.ins.qualified


def test_the_volet_says_who_may_see_it_and_where_it_goes() -> None:
    (report,) = read("volet_niveaux_1_et_3.hl7").reports
    asked = report.handling
    assert (asked.hidden_from_patient, asked.hidden_from_professionals, asked.to_dmp) == (True, False, True)
    assert (asked.to_professionals, asked.to_patient) == (True, False)
    assert (asked.delivery_notice, asked.read_notice, asked.reply_to) == (
        True,
        True,
        "secretariat@sandbox.mssante.test",
    )
    assert asked.mail_text.startswith("Cher confrère,\nle bilan lipidique")
    assert [one.address for one in report.recipients] == ["paul.durand@sandbox.mssante.test"]
    assert [b"structuredBody" in one.content for one in report.own_cdas] == [True]
    assert pdf_beside(report) is not None
    assert report.source_document is not None
    assert (report.source_document.set_id, report.source_document.version) == (SET_ID, 1)


def test_replacement_and_deletion_of_a_document() -> None:
    second, gone = (read(f"volet_mdm_{name}.hl7").reports[0] for name in ("remplacement", "suppression"))
    for report in (second, gone):
        assert report.source_document is not None
        assert report.source_document.version == 2
        assert report.source_document.replaces == "0B7C5A10-5D2E-4F60-9C4A-31F0A1B2C301"
        assert report.order.filler == SET_ID


def test_each_antibiogram_of_two_points_at_its_organism() -> None:
    (report,) = read("hemoculture_deux_antibiogrammes.hl7").reports
    assert [one.parent for one in report.observations] == [None, None, 0, 0, 0, 0, 1, 1, 1, 1]
    assert report.batteries[0].comments == ("Prélèvement au pic fébrile.",)
    found = {one.code.code: (one.type, one.comparator, one.value) for one in report.observations}
    assert found["CTXCMI"] == (ValueType.NUMERIC, "<=", "0.5")
    assert found["SXTCMI"] == (ValueType.TEXT, "", ">4/76")


def test_withdrawn_results_keep_their_reason() -> None:
    (report,) = read("resultats_retires.hl7").reports
    assert [one.status for one in report.observations] == ["W", "D"]
    assert report.observations[0].comments == ("Résultat retiré : erreur d’identification du tube.",)
    (cancelled,) = read("demande_annulee.hl7").reports
    assert [(one.value, one.status) for one in cancelled.observations] == [("", "X"), ("", "X")]


def test_separators_of_their_own_and_a_truncation_character() -> None:
    (report,) = read("dialecte_28_separateurs.hl7").reports
    found = {one.code.code: one for one in report.observations}
    assert (found["HB"].value, found["HB"].low, found["HB"].high, found["HB"].flags) == (
        "11.2",
        "11.5",
        "16.0",
        ("L", "N"),
    )
    assert (found["PLQ"].comparator, found["PLQ"].unit, found["PLQ"].high) == (">=", "10*9/L", "400")
    assert found["FRO"].value == "Anisocytose\nPoïkilocytose"
    assert found["CONC"].value == "Anémie modérée ? à recontrôler\ndans 15 jours % ferritinémie."
    assert (found["HB"].method, found["HB"].validated_by) == ("Cytométrie", "ESSAI Camille")
    assert [one.id for one in report.copies] == ["D004", "D005"]
    assert (report.urgent, report.patient.used_name) == (True, "LE BIHAN")


def test_results_of_a_sub_contractor_by_specimen() -> None:
    (report,) = read("sous_traitance_oul.hl7").reports
    assert [b.specimen and b.specimen.code for b in report.batteries] == ["SER", "UR"]
    performer = report.observations[0].performer
    assert performer is not None
    assert (performer.organisation, performer.organisation_id) == ("LABO CENTRAL", "990000028")
