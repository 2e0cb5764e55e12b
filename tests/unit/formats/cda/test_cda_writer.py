"""What stands in the documents the CDA writer makes. The official rules have their own test (acceptance)."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from dispatcher.errors import RenderError
from dispatcher.formats.base import WriteContext
from dispatcher.formats.cda.check import check
from dispatcher.formats.cda.writer import CdaWriter
from dispatcher.report.model import (
    Address,
    AltValue,
    Attachment,
    Battery,
    Code,
    Kind,
    LocalId,
    Observation,
    Patient,
    Practitioner,
    Report,
    Sex,
    Specimen,
    Status,
    ValueType,
)
from dispatcher.terminology.tables import Options
from tests.unit.formats.cda.cases import (
    CASES,
    CONTEXT,
    GLUCOSE,
    IDS,
    LAB,
    OTHER_PDF,
    PDF,
    REPORT,
    many_kinds,
    microbiology,
    number,
    terminology,
    with_patient,
    with_results,
    words,
)
from tests.unit.formats.cda.full_cases import FULL_CASES

NS = {
    "h": "urn:hl7-org:v3",
    "lab": "urn:oid:1.3.6.1.4.1.19376.1.3.2",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
Tree = etree._Element


def written(report: Report = REPORT, level: Any = 3, **context: Any) -> Tree:
    """The document, parsed."""
    content = CdaWriter(level).write(report, replace(CONTEXT, **context)).content
    return etree.fromstring(content, etree.XMLParser(huge_tree=True))


def problems(report: Report, **context: Any) -> set[str]:
    return {p.code for p in CdaWriter().write(report, replace(CONTEXT, **context)).problems}


def at(tree: Tree, path: str) -> Tree:
    """The only element of a path."""
    (found,) = tree.xpath(path, namespaces=NS)
    return found


def every(tree: Tree, path: str) -> list[Any]:
    return list(tree.xpath(path, namespaces=NS))


def observation(tree: Tree, name: str) -> Tree:
    """The coded result whose code points at the text ``name`` in the narrative."""
    (key,) = every(tree, f"//h:content[.='{name}']/@ID")
    return every(tree, f"//h:observation[h:code/h:originalText/h:reference/@value='#{key}']")[0]


# ------------------------------------------------------------------------------------------------ document


EVERY_CASE = CASES | FULL_CASES


@pytest.mark.parametrize("name", EVERY_CASE)
def test_own_check_finds_nothing_wrong_in_what_the_writer_makes(name: str) -> None:
    case = EVERY_CASE[name]()
    rendition = CdaWriter(1 if case.level == 1 else 3).write(case.report, case.context)
    assert check(rendition.content) == []


def test_same_report_and_context_give_the_same_bytes() -> None:
    first, second = (CdaWriter().write(many_kinds(), CONTEXT).content for _ in range(2))
    assert first == second
    other = replace(CONTEXT, ids=replace(IDS, document="88BEB395-3B4C-37F5-9A31-03BEA73A8D8B"))
    assert CdaWriter().write(many_kinds(), other).content != first


def test_file_name_tells_the_document_id_and_nobody() -> None:
    rendition = CdaWriter().write(REPORT, CONTEXT)
    assert rendition.file_name == "CR-BIO_770B0DC2-A6B8-468E-8432-632B18D35F68.xml"
    assert (rendition.format, rendition.media_type) == ("cda", "text/xml")


def test_moments_are_written_in_paris_time_to_the_second() -> None:
    tree = written(created_at=datetime(2026, 7, 1, 8, 5, 7, tzinfo=UTC))
    assert at(tree, "/*/h:effectiveTime/@value") == "20260701100507+0200"
    assert at(tree, "//h:participant[@typeCode='REF']/h:time/h:high/@value") == "20260310"


def test_version_set_and_replaced_document() -> None:
    ids = replace(IDS, document="1.2.250.1.999.7.2", set_id="dossier 12", version=2, replaces=IDS.document.lower())
    tree = written(replace(REPORT, status=Status.CORRECTED), ids=ids)
    assert dict(at(tree, "/*/h:id").attrib) == {"root": "1.2.250.1.999.7.2"}
    assert dict(at(tree, "/*/h:setId").attrib) == {"root": LAB.oid, "extension": "dossier 12"}
    assert at(tree, "/*/h:versionNumber/@value") == "2"
    related = at(tree, "/*/h:relatedDocument[@typeCode='RPLC']/h:parentDocument/h:id/@root")
    assert related == IDS.document
    assert "Annule et remplace la version précédente" in "".join(tree.itertext())


def test_neutral_identity_is_told_in_the_text_and_in_every_name() -> None:
    tree = written(laboratory=replace(LAB, neutral=True))
    assert "Ne pas utiliser pour les soins" in "".join(at(tree, "(//h:section)[1]").itertext())
    names = every(tree, "//h:representedOrganization/h:name/text()")
    assert names and all("identité neutre" in name for name in names)
    assert "identité neutre" not in etree.tostring(written(), encoding="unicode")


def test_prescriber_recipient_and_validators_are_named() -> None:
    tree = written(
        replace(REPORT, validators=(Practitioner(id="AB", family="LOCAL"),)),
        recipient=REPORT.prescriber,
        recipient_address="luc.martin@medecin.essai.mssante.fr",
    )
    assert at(tree, "//h:participant[@typeCode='REF']/h:associatedEntity/h:id/@extension") == "810002345678"
    assert at(tree, "//h:intendedRecipient/h:telecom/@value") == "mailto:luc.martin@medecin.essai.mssante.fr"
    assert at(tree, "//h:intendedRecipient//h:receivedOrganization/h:id/@extension") == "1750000026"
    assert every(tree, "/*/h:authenticator") == []  # a validator without national number has no place in the header


def test_partial_report_is_active_and_says_so() -> None:
    tree = written(replace(REPORT, status=Status.PARTIAL))
    assert at(tree, "//lab:statusCode/@code") == "active"
    assert at(tree, "//h:entry/h:act/h:statusCode/@code") == "active"
    assert every(tree, "//h:serviceEvent/h:effectiveTime/h:high") == []
    assert "Compte rendu partiel" in "".join(tree.itertext())


# ------------------------------------------------------------------------------------------------ patient


def test_qualified_ins_goes_first_with_its_traits() -> None:
    role = at(written(), "//h:patientRole")
    assert [dict(i.attrib) for i in every(role, "h:id")] == [
        {"root": "1.2.250.1.213.1.4.10", "extension": "279035121518989"},
        {"root": LAB.oid, "extension": "P123"},
    ]
    assert at(role, ".//h:given[not(@qualifier)]").text == "Marie Louise"
    assert at(role, ".//h:given[@qualifier='BR']").text == "Marie"
    assert at(role, ".//h:birthplace//h:county").text == "51215"
    assert [t.get("value") for t in every(role, "h:telecom")] == ["tel:0612345678", "tel:0140000002"]


@pytest.mark.parametrize(
    "changes",
    [
        {"birth_place": ""},
        {"birth_name": "", "used_name": "ESSAI"},
        {"given_names": ()},
        {"ins": replace(REPORT.patient.ins, matricule="279035121518900")},  # type: ignore[type-var]
        {"ins": replace(REPORT.patient.ins, oid="1.2.3")},  # type: ignore[type-var]
    ],
)
def test_ins_is_left_out_and_told_when_a_trait_is_missing(changes: dict[str, Any]) -> None:
    report = with_patient(**changes)
    assert "ins-left-out" in problems(report)
    assert [i.get("root") for i in every(written(report), "//h:patientRole/h:id")] == [LAB.oid]


def test_ins_that_nobody_qualified_never_goes_in() -> None:
    report = with_patient(ins=replace(REPORT.patient.ins, qualified=False))  # type: ignore[type-var]
    assert "279035121518989" not in CdaWriter().write(report, CONTEXT).content.decode()
    assert problems(report) == set()


def test_stay_number_is_an_encounter_number_not_a_patient_number() -> None:
    tree = written()
    assert at(tree, "//h:encompassingEncounter/h:id/@extension") == "V9"
    assert "V9" not in every(tree, "//h:patientRole/h:id/@extension")


@pytest.mark.parametrize(("sex", "code"), [(Sex.MALE, "M"), (Sex.FEMALE, "F"), (Sex.UNKNOWN, "UN")])
def test_sex(sex: Sex, code: str) -> None:
    assert at(written(with_patient(sex=sex)), "//h:administrativeGenderCode/@code") == code


@pytest.mark.parametrize(
    ("raw", "value"), [("19450013", "1945"), ("1945-06-31", "194506"), ("31/02/1938", "193802"), ("00/00/1938", "1938")]
)
def test_a_birth_date_that_is_no_date_keeps_what_can_be_said(raw: str, value: str) -> None:
    tree = written(with_patient(birth_date=None, birth_date_raw=raw))
    assert at(tree, "//h:birthTime/@value") == value


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (with_patient(birth_date=None, birth_date_raw="inconnue"), "render-no-birth-date"),
        (with_patient(birth_name=" ", used_name=""), "render-no-patient-name"),
    ],
)
def test_a_patient_nobody_could_file_is_refused(report: Report, code: str) -> None:
    with pytest.raises(RenderError) as caught:
        CdaWriter().write(report, CONTEXT)
    assert caught.value.code == code and caught.value.hint


@pytest.mark.parametrize(
    "changes",
    [
        {"oid": "pas un OID"},
        {"finess": "12"},
        {"biologist": Practitioner(id="12", family="DURAND")},
        {"biologist": replace(LAB.biologist, family="")},
        {"biologist_profession": "G15_60"},
    ],
)
def test_an_incomplete_laboratory_is_refused_with_the_setting_to_correct(changes: dict[str, Any]) -> None:
    with pytest.raises(RenderError) as caught:
        CdaWriter().write(REPORT, replace(CONTEXT, laboratory=replace(LAB, **changes)))
    assert caught.value.message and caught.value.hint


# ------------------------------------------------------------------------------------------------ results


def test_number_with_unit_range_and_interpretation() -> None:
    result = observation(written(), "Glycémie")
    value = at(result, "h:value")
    assert (value.get(TYPE), value.get("value"), value.get("unit")) == ("PQ", "5.50", "mmol/L")
    assert at(result, "h:code/@code") == "14749-6"
    assert at(result, "h:code/h:translation[@codeSystem='1.2.250.1.999.1']/@code") == "GLYCÉMIE"
    assert at(result, "h:interpretationCode/@code") == "N"
    assert at(result, "h:referenceRange//h:low/@value") == "4.0"
    assert at(result, "h:referenceRange//h:high/@unit") == "mmol/L"


def test_what_is_remembered_of_an_analysis_is_that_of_its_laboratory_and_tables() -> None:
    def code(**context: Any) -> tuple[str | None, str | None]:
        found = at(observation(written(with_results(GLUCOSE), **context), "Glycémie"), "h:code")
        return found.get("displayName"), at(found, "h:translation").get("codeSystem")

    other = replace(LAB, oid="1.2.250.1.999.2")
    assert [code(), code(laboratory=other), code()] == [("Glycémie", oid) for oid in (LAB.oid, other.oid, LAB.oid)]
    named, _own = code(terminology=terminology())
    assert named and named != "Glycémie"
    assert code() == ("Glycémie", LAB.oid)


@pytest.mark.parametrize(
    ("comparator", "bound", "inclusive"),
    [("<", "high", "false"), ("<=", "high", "true"), (">", "low", "false"), (">=", "low", "true")],
)
def test_comparators_become_open_intervals(comparator: str, bound: str, inclusive: str) -> None:
    tree = written(with_results(replace(GLUCOSE, comparator=comparator)))
    value = at(observation(tree, "Glycémie"), "h:value")
    assert value.get(TYPE) == "IVL_PQ"
    (only,) = list(value)
    assert (etree.QName(only).localname, only.get("inclusive"), only.get("unit")) == (bound, inclusive, "mmol/L")


def test_number_without_unit_is_real_and_unit_without_ucum_stays_readable() -> None:
    tree = written(many_kinds())
    assert at(observation(tree, "INR"), "h:value").get(TYPE) == "REAL"
    value = at(observation(tree, "DFG"), "h:value")
    assert (value.get(TYPE), value.get("value"), value.get("unit")) == ("PQ", "90", None)
    assert at(value, "h:translation/h:originalText").text == "mL/min/1,73 m²"
    assert "unit-not-in-official-list" in problems(many_kinds())  # T/L, given by a wrong mapping
    assert at(observation(tree, "Faux UCUM"), "h:value").get("unit") is None


def test_unit_with_an_annotation_keeps_what_the_rule_understands() -> None:
    report = with_results(number("Charge virale", "200", unit="copies/mL", ucum=""))
    assert at(written(report, terminology=terminology()), "//h:observation/h:value[@value]/@unit") == "{copies}/mL"
    assert every(written(report), "//h:observation/h:value[@value]/@unit") == []


def test_words_and_codes() -> None:
    tree = written(many_kinds())
    free = at(observation(tree, "Aspect"), "h:value")
    assert free.get(TYPE) == "CD" and free.get("code") is None
    key = at(free, "h:originalText/h:reference/@value")[1:]
    assert at(tree, f"//h:content[@ID='{key}']").text == "Limpide"
    local = at(observation(tree, "VIH"), "h:value")
    assert (local.get("code"), at(local, "h:translation/@code")) == (None, "NEG_1")
    public = at(observation(tree, "Groupe"), "h:value")
    assert (public.get("code"), public.get("codeSystem")) == ("112144000", "2.16.840.1.113883.6.96")


def test_local_code_has_no_code_attribute_and_a_loinc_with_a_wrong_key_is_not_sent() -> None:
    tree = written(many_kinds())
    code = at(observation(tree, "LOINC faux"), "h:code")
    assert dict(code.attrib) == {}
    assert "14749-5" not in etree.tostring(tree, encoding="unicode")


def test_second_unit_is_a_second_result_on_the_same_line_without_the_first_ones_loinc() -> None:
    report = with_results(replace(GLUCOSE, alt=AltValue(value="0.99", unit="g/L", ucum="g/L", high="1.10")))
    tree = written(report)
    (key,) = every(tree, "//h:content[.='Glycémie']/@ID")
    first, second = every(tree, f"//h:observation[h:code/h:originalText/h:reference/@value='#{key}']")
    assert (at(first, "h:code/@code"), every(second, "h:code/@code")) == ("14749-6", [])
    assert (at(second, "h:value/@value"), at(second, "h:value/@unit")) == ("0.99", "g/L")
    assert at(second, "h:referenceRange//h:high/@value") == "1.10"


@pytest.mark.parametrize("first", ["", "<", ">"])
def test_a_second_unit_has_its_own_comparator(first: str) -> None:
    alt = AltValue(comparator="<", value="0.05", unit="g/L", ucum="g/L")
    tree = written(with_results(replace(GLUCOSE, comparator=first, alt=alt)))
    (key,) = every(tree, "//h:content[.='Glycémie']/@ID")
    _, second = every(tree, f"//h:observation[h:code/h:originalText/h:reference/@value='#{key}']")
    assert at(second, "h:value/@xsi:type") == "IVL_PQ"
    assert (at(second, "h:value/h:high/@value"), at(second, "h:value/h:high/@inclusive")) == ("0.05", "false")
    assert every(tree, f"//h:content[@ID='{key}w']/text()") == ["< 0,05"]


@pytest.mark.parametrize(
    ("status", "value", "coded", "shown"),
    [
        ("X", "", "aborted", "Non réalisé"),
        ("I", "", None, "Résultat à suivre"),
        ("D", "789", None, "Résultat annulé"),
        ("W", "789", None, "Résultat annulé"),
        ("N", "12", None, None),
        ("C", "12", "completed", "Résultat corrigé"),
        ("P", "12", "completed", "Résultat provisoire"),
        ("F", "", None, "Analyse muette"),
        ("F", "2026-10-02T09:41:00+02:00", "completed", "02/10/2026 à 09:41"),
    ],
)
def test_what_becomes_of_a_result_depends_on_its_status(
    status: str, value: str, coded: str | None, shown: str | None
) -> None:
    tree = written(with_results(GLUCOSE, words("Analyse muette", value, status=status)))
    text = "".join(at(tree, "//h:section[h:code/@code='26436-6']/h:text").itertext())
    assert (shown in text) if shown else ("Analyse muette" not in text)
    assert "789" not in text
    found = [
        o for o in every(tree, "//h:observation") if every(o, "h:code/h:translation[@displayName='Analyse muette']")
    ]
    assert [at(o, "h:statusCode/@code") for o in found] == ([coded] if coded else [])
    if coded == "aborted":
        assert every(found[0], "h:value") == []


def test_range_in_disorder_goes_as_text_and_an_empty_one_not_at_all() -> None:
    tree = written(many_kinds())
    turned = at(observation(tree, "Bornes inversées"), "h:referenceRange/h:observationRange")
    assert at(turned, "h:text").text == "9 – 2" and every(turned, "h:value") == []
    assert every(observation(tree, "Inconnue"), "h:referenceRange") == []
    assert at(observation(tree, "INR"), "h:referenceRange//h:text").text == "2 à 3 sous AVK"


def test_alarms_are_coded_and_shown_with_sign_and_letter() -> None:
    tree = written(many_kinds())
    result = observation(tree, "HCG")
    assert every(result, "h:interpretationCode/@code") == ["HH", ">"]
    (row,) = every(tree, "//h:tr[h:td/h:content='HCG']")
    assert "↑↑ HH (Très anormalement haut, alerte)" in "".join(row.itertext())


def test_comments_hang_on_their_result_and_point_into_the_text() -> None:
    tree = written(many_kinds())
    acts = every(observation(tree, "Conclusion"), "h:entryRelationship[@typeCode='SUBJ']/h:act")
    keys = [at(act, "h:text/h:reference/@value")[1:] for act in acts]
    assert ["".join(at(tree, f"//h:content[@ID='{key}']").itertext()) for key in keys] == ["Un", "Deuxlignes"]
    assert "Finde rapport" in "".join(at(tree, "//h:section[h:title='Commentaire']/h:text").itertext())


def test_batteries_of_one_chapter_stand_together_in_file_order() -> None:
    tree = written(many_kinds(), terminology=terminology())
    chapters = every(tree, "//h:section[h:templateId/@root='1.3.6.1.4.1.19376.1.3.3.2.1']/h:code/@code")
    assert chapters == ["18719-5", "18723-7", "18727-8"]
    assert every(tree, "/*/h:documentationOf/h:serviceEvent/h:code/@code") == chapters
    general = every(
        written(many_kinds()), "//h:section[h:templateId/@root='1.3.6.1.4.1.19376.1.3.3.2.1']/h:title/text()"
    )
    assert general == ["BIOCHIMIE", "HEMATOLOGIE", "SEROLOGIE"]


def test_specimens_once_each_with_their_kind() -> None:
    tree = written(many_kinds())
    first, second = every(tree, "//h:procedure")
    assert at(first, ".//h:playingEntity/h:code/@code") == "SER"
    assert at(first, ".//h:participantRole/h:id/@extension") == "26031100123-1"
    assert at(second, ".//h:playingEntity/h:code/@nullFlavor") == "OTH"
    assert at(second, "h:entryRelationship/h:act/h:effectiveTime/@value") == "20260311080000+0100"


# ------------------------------------------------------------------------------------------------ microbiology


def test_each_germ_has_its_count_and_antibiogram() -> None:
    tree = written(microbiology())
    first, second = every(tree, "//h:organizer[@classCode='CLUSTER'][h:specimen]")
    germ = at(first, ".//h:specimenPlayingEntity/h:code")
    assert (germ.get("code"), germ.get("codeSystem")) == ("112283007", "2.16.840.1.113883.6.96")
    assert at(first, "h:component/h:observation/h:value/@value") == "120000"
    lines = every(first, "h:component/h:organizer/h:component/h:observation")
    assert [at(line, "h:interpretationCode/@code") for line in lines] == ["R", "S"]
    assert at(second, ".//h:organizer/h:component/h:observation/h:interpretationCode/@code") == "S"
    assert at(second, ".//h:specimenPlayingEntity/h:code").get("code") is None
    assert [c.get("code") for c in every(tree, "//h:organizer/h:code[@code='18769-0']")] == ["18769-0"] * 2


def test_a_germ_known_by_name_gets_the_free_taxonomy_and_no_licensed_code() -> None:
    report = with_results(words("Germe", "Klebsiella pneumoniae"), words("Amoxicilline", "R", parent=0))
    germ = at(written(report, terminology=terminology()), "//h:specimenPlayingEntity/h:code")
    assert germ.get("code") is None
    assert at(germ, "h:translation/@code") == "573"


def test_a_licensed_germ_code_leaves_when_the_laboratory_may_use_it() -> None:
    terms = replace(terminology(), options=Options(snomed=True))
    report = with_results(words("Germe", "Klebsiella pneumoniae"), words("Amoxicilline", "R", parent=0))
    germ = at(written(report, terminology=terms), "//h:specimenPlayingEntity/h:code")
    assert (germ.get("code"), germ.get("displayName")) == ("56415008", "Klebsiella pneumoniae")
    assert at(germ, "h:translation/@code") == "573"


@pytest.mark.parametrize("parents", [(0, None), (5, None), (1, 0), (-1, None)])
def test_broken_parent_links_lose_no_result(parents: tuple[int | None, int | None]) -> None:
    first, second = parents
    report = with_results(words("Premier", "un", parent=first), words("Second", "deux", parent=second))
    tree = written(report)
    text = "".join(tree.itertext())
    assert "un" in text and "deux" in text
    assert len(every(tree, "//h:originalText/h:reference[starts-with(@value, '#o')]")) >= 2


# ------------------------------------------------------------------------------------------------ documents


def test_pdf_copy_is_the_one_given_and_further_pdfs_follow() -> None:
    documents = (PDF, OTHER_PDF, OTHER_PDF)
    rows = [words(f"D{n}", "", type=ValueType.DOCUMENT, document=d) for n, d in enumerate(documents)]
    tree = written(with_results(GLUCOSE, *rows))
    found = every(tree, "//h:observationMedia/h:value[@mediaType='application/pdf']")
    assert sorted(base64.b64decode(v.text) for v in found) == sorted([PDF.content, OTHER_PDF.content])
    copies = every(tree, "//h:section[h:templateId/@root='1.2.250.1.213.1.1.2.243']//h:observationMedia/h:value")
    assert [base64.b64decode(v.text) for v in copies] == [PDF.content]


def test_an_alarm_on_the_germ_itself_is_coded_and_shown() -> None:
    report = with_results(
        words("Germe", "Salmonella", flags=("AA",), loinc="6463-4"), words("Ampicilline", "R", parent=0)
    )
    tree = written(report)
    assert every(tree, "//h:organizer[@classCode='CLUSTER']/h:component/h:observation/h:interpretationCode/@code") == [
        "AA"
    ]
    assert "!! AA (Très anormal, alerte)" in "".join(tree.itertext())


def test_beside_one_germ_only_counts_move_into_the_isolate() -> None:
    """Many files give sub-id 1 to every line."""
    rows = [
        words("Germe", "Escherichia coli", sub_id="1"),
        number("Leucocytes", "50000", sub_id="1", unit="/mL"),
        number("Dénombrement", "100000", sub_id="1", unit="UFC/mL"),
        words("Ampicilline", "R", parent=0, sub_id="1"),
    ]
    tree = written(with_results(*rows))
    cluster = at(tree, "//h:organizer[@classCode='CLUSTER'][h:specimen]")
    assert every(cluster, "h:component/h:observation/h:value/@value") == ["100000"]
    assert at(tree, "//h:organizer[@classCode='BATTERY']/h:component/h:observation/h:value/@value[.='50000']")


def test_a_loinc_code_that_the_file_itself_carries_is_used() -> None:
    report = with_results(replace(GLUCOSE, loinc=None, code=Code(code="14749-6", text="Glycémie", system="LN")))
    code = at(observation(written(report), "Glycémie"), "h:code")
    assert (code.get("code"), every(code, "h:translation")) == ("14749-6", [])


def test_digits_of_another_script_are_words() -> None:
    tree = written(with_results(number("Dosage", "١٢")))
    assert at(observation(tree, "Dosage"), "h:value").get(TYPE) == "CD"


def test_a_number_that_is_no_number_and_a_mail_that_is_no_mail_are_left_out() -> None:
    tree = written(with_patient(phones=("a@b c<d>", "non communiqué", "مكتب ١٢٣٤٥")), recipient_address="x y@z")
    assert [dict(t.attrib) for t in every(tree, "//h:patientRole/h:telecom")] == [{"nullFlavor": "UNK"}]
    assert every(tree, "//h:intendedRecipient/h:telecom/@value") == []


def test_without_a_pdf_the_document_is_refused_and_told_how_to_get_one() -> None:
    for level in (1, 3):
        with pytest.raises(RenderError, match="PDF") as caught:
            CdaWriter(level).write(REPORT, replace(CONTEXT, pdf=None))
        assert caught.value.code == "render-no-pdf"
    with pytest.raises(RenderError):
        CdaWriter().write(REPORT, replace(CONTEXT, pdf=Attachment(media_type="application/pdf", content=b"MZ")))


def test_report_that_is_a_document_becomes_level_1_with_its_own_pdf() -> None:
    report = replace(REPORT, kind=Kind.DOCUMENT, batteries=(), documents=(OTHER_PDF,))
    rendition = CdaWriter(3).write(report, replace(CONTEXT, pdf=None))
    assert rendition.format == "cda-n1"
    tree = etree.fromstring(rendition.content)
    assert base64.b64decode(at(tree, "//h:nonXMLBody/h:text").text) == OTHER_PDF.content
    assert len(every(tree, "/*/h:templateId")) == 3


def test_level_1_tells_the_chapters_it_knows() -> None:
    tree = written(level=1, terminology=terminology())
    assert at(tree, "//h:serviceEvent/h:code/@code") == "18719-5"


# ------------------------------------------------------------------------------------------------ bad data


def test_forbidden_characters_are_taken_out_and_told() -> None:
    report = with_results(words("Asp\x00ect", "Lim\x0bpide \ud800\ufffe«é»"))
    rendition = CdaWriter().write(report, CONTEXT)
    assert [p.code for p in rendition.problems] == ["illegal-characters"]
    assert "Limpide «é»" in rendition.content.decode()


def test_markup_in_data_stays_data() -> None:
    tree = written(with_results(words("a<b>&c", "]]> <x/>\n&amp;")))
    assert at(tree, "//h:content[.='a<b>&c']") is not None
    assert "]]> <x/>" in "".join(tree.itertext()) and "&amp;" in "".join(tree.itertext())


TEXT = st.text(max_size=12)
SHORT = st.one_of(TEXT, st.sampled_from(["", "5.5", "-1", "1e5", "1 000", "F", "X", "LN", "SCT", "H", "é", "A B"]))


@st.composite
def any_observation(draw: st.DrawFn) -> Observation:
    return Observation(
        code=Code(code=draw(SHORT), text=draw(SHORT), system=draw(SHORT)),
        alternate=draw(st.none() | st.builds(Code, code=SHORT, text=SHORT, system=SHORT)),
        loinc=draw(st.sampled_from([None, "14749-6", "14749-5", "x"])),
        type=draw(st.sampled_from([ValueType.NUMERIC, ValueType.TEXT, ValueType.CODED])),
        value=draw(SHORT),
        raw=draw(SHORT),
        comparator=draw(st.sampled_from(["", "<", ">=", "~"])),
        value_code=draw(st.none() | st.builds(Code, code=SHORT, text=SHORT, system=SHORT)),
        unit=draw(SHORT),
        ucum=draw(st.sampled_from([None, "", "g/L", "G/L", "a b", "{x"])),
        low=draw(SHORT),
        high=draw(SHORT),
        range_text=draw(TEXT),
        flags=tuple(draw(st.lists(SHORT, max_size=2))),
        status=draw(SHORT),
        comments=tuple(draw(st.lists(TEXT, max_size=2))),
        sub_id=draw(st.sampled_from(["", "1", "2"])),
        parent=draw(st.none() | st.integers(-1, 5)),
        method=draw(TEXT),
        performer=draw(st.none() | st.builds(Practitioner, organisation=TEXT)),
        alt=draw(st.none() | st.builds(AltValue, comparator=SHORT, value=SHORT, unit=TEXT, low=SHORT)),
    )


@st.composite
def any_report(draw: st.DrawFn) -> Report:
    specimens = st.none() | st.builds(Specimen, id=SHORT, text=TEXT, code=SHORT)
    battery = st.builds(
        Battery,
        title=SHORT,
        chapter=SHORT,
        specimen=specimens,
        comments=st.tuples(TEXT),
        observations=st.lists(any_observation(), max_size=4).map(tuple),
    )
    patient = Patient(
        birth_name="X" + draw(TEXT),
        given_names=tuple(draw(st.lists(TEXT, max_size=2))),
        birth_date=date(1950, 1, 2),
        local_ids=(LocalId(value=draw(TEXT), type=draw(SHORT)),),
        phones=(draw(TEXT),),
        address=Address(lines=(draw(TEXT), draw(TEXT)), town=draw(TEXT)),
    )
    who = st.none() | st.builds(Practitioner, id=TEXT, family=TEXT, given=TEXT, title=TEXT, organisation=TEXT)
    batteries = tuple(draw(st.lists(battery, min_size=1, max_size=3)))
    return Report(patient=patient, batteries=batteries, prescriber=draw(who), comments=(draw(TEXT),), text=draw(TEXT))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(any_report(), st.sampled_from([CONTEXT, replace(CONTEXT, terminology=terminology())]))
def test_whatever_a_file_brings_the_document_holds_together(report: Report, context: WriteContext) -> None:
    assert check(CdaWriter().write(report, context).content) == []


def test_three_hundred_results_all_arrive() -> None:
    rows = [number(f"Analyse {n}", str(n)) for n in range(300)]
    tree = written(with_results(*rows))
    assert [v.get("value") for v in every(tree, "//h:observation/h:value[@value]")] == [str(n) for n in range(300)]
