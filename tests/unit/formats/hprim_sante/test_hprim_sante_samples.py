"""What is understood of ``samples/hprim_sante``: the table the README of the samples points at."""

from __future__ import annotations

import pytest

from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.report.model import Severity, Status
from dispatcher.resources import sample


def beside(name: str) -> bytes | None:
    file = sample("hprim_sante", name)
    return file.read_bytes() if file.is_file() else None


def read(name: str) -> ReadResult:
    return registry.read(sample("hprim_sante", name).read_bytes(), ReadContext(file_name=name, sibling=beside))


# name: [(filler, birth name, status, results, prescriber id, copies)], codes of problems that are no notes
EXPECTED: dict[str, tuple[list[tuple[str, str, str, int, str, int]], list[str]]] = {
    "bilan_ehpad.hpr": ([("G260318101", "LE FLOC'H", "final", 5, "D001", 1)], []),
    "bilan_ehpad_corrige.hpr": ([("G260318101", "LE FLOC'H", "corrected", 5, "D001", 1)], []),
    "continuation.hpr": ([("G260318102", "COËFFIC", "final", 5, "D002", 0)], []),
    "fichier_joint.hpr": ([("G260318103", "TRAN", "final", 2, "D001", 0)], []),
    "ins_deux_patients.hpr": (
        [
            ("G260318107", "MOREAU", "final", 1, "99700000054", 0),
            ("G260318108", "LOEUILLET", "final", 1, "99700000054", 0),
        ],
        [],
    ),
    "separateurs_antislash.hpr": ([("G260318105", "ROPARS", "final", 1, "D005", 0)], []),
    "en_tete_decale.hpr": ([("G260318106", "LAGADEC", "final", 1, "D009", 0)], ["shifted-header"]),
    "tronque.hpr": ([("G260318104", "ABGRALL", "final", 1, "D004", 0)], ["truncated"]),
    "rapport_erreurs.hpr": ([], ["hprim-error-report"]),
    "annulation_resultats.hpr": ([("G260318101", "LE FLOC'H", "cancelled", 2, "D001", 0)], []),
    "demande_orm_par_erreur.hpr": ([], ["unsupported-message"]),
    "paires_hors_echelle_soit.hpr": ([("G260319121", "QUÉMÉNER", "final", 4, "D001", 0)], []),
    "ins_versions_23_et_24.hpr": (
        [
            ("G260319122", "BIHAN", "final", 1, "10000000009", 0),
            ("G260319123", "BIHAN", "final", 1, "10000000009", 0),
        ],
        [],
    ),
    "version_20_retours_mac.hpr": ([("L260319044", "CADIOU", "final", 3, "D007", 0)], []),
    "quatre_separateurs_utf8.hpr": ([("G260319124", "LE ROUX", "corrected", 1, "D001", 0)], []),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_sample(name: str) -> None:
    result = read(name)
    rows, codes = EXPECTED[name]
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
    assert found == rows
    told = [*result.problems, *(problem for report in result.reports for problem in report.problems)]
    assert [p.code for p in told if p.severity is not Severity.INFO] == codes
    assert result.encoding == ("utf-8" if "utf8" in name else "cp1252")
    assert result.readable is (bool(rows) and "truncated" not in codes)


def test_pairs_off_scale_flags_and_second_units() -> None:
    tsh, glucose, pressure, crp = read("paires_hors_echelle_soit.hpr").reports[0].observations
    assert (tsh.comparator, tsh.value, tsh.flags) == ("<", "0.01", ("<", "LL"))
    assert glucose.alt is not None and (glucose.value, glucose.alt.value, glucose.alt.unit) == (
        "1.05",
        "5.83",
        "mmol/L",
    )
    assert (pressure.value, pressure.type.value) == ("13 / 8", "text")
    assert (crp.comparator, crp.value, crp.low, crp.high) == ("<", "0.3", "", "5.0")


def test_national_numbers_of_2_3_and_2_4() -> None:
    first, second = (report.patient for report in read("ins_versions_23_et_24.hpr").reports)
    assert first.ins is None and "0123456789012345678901" in {one.value for one in first.local_ids}
    assert second.ins is not None and not second.ins.qualified
    assert {one.type for one in second.local_ids} == {"PI", "INS-C"}


def test_backslash_as_component_and_four_delimiters() -> None:
    old = read("version_20_retours_mac.hpr").reports[0]
    assert (old.laboratory.name, old.order.placer, old.urgent) == ("LABORATOIRE DU MOLE", "8801", True)
    assert old.observations[2].value == "Hyperleucocytose modérée.\nA contrôler."
    new = read("quatre_separateurs_utf8.hpr").reports[0]
    assert "15 h 40 & confirmé" in new.observations[0].comments[0]
    assert new.patient.given_names == ("Noëlle", "Aïcha")


def test_every_sample_is_in_the_table() -> None:
    assert {item.name for item in sample("hprim_sante").iterdir() if item.name.endswith(".hpr")} == set(EXPECTED)


def test_the_file_beside_is_the_pdf() -> None:
    name = "fichier_joint.hpr"
    assert registry.referenced_files(sample("hprim_sante", name).read_bytes()) == ("ELEC0103.PDF",)
    document = read(name).reports[0].own_pdf
    assert document is not None
    assert document.content == beside("ELEC0103.PDF")


def test_continuation_and_antibiogram() -> None:
    found = read("continuation.hpr").reports[0]
    assert found.batteries[0].title == "Examen cytobactériologique des urines"
    assert [one.parent for one in found.observations] == [None, None, 0, 0, None]
    assert found.observations[4].value.endswith("\nContrôle inutile si l'évolution est favorable.")
    assert found.urgent


def test_one_identity_validated_one_not() -> None:
    patients = [report.patient for report in read("ins_deux_patients.hpr").reports]
    assert [(p.ins and p.ins.qualified, p.birth_place) for p in patients] == [(True, "51215"), (False, "63220")]


def test_correction_of_one_value() -> None:
    first, second = (read(name).reports[0] for name in ("bilan_ehpad.hpr", "bilan_ehpad_corrige.hpr"))
    assert first.order == second.order
    assert [
        (b.code.code, b.value)
        for a, b in zip(first.observations, second.observations, strict=True)
        if a.value != b.value
    ] == [("CREA", "84")]
    assert second.status is Status.CORRECTED
