"""Sub-chapters, earlier results, second units, methods, kits, people, germs, documents: what stands in the document."""

from __future__ import annotations

import base64
import threading
from dataclasses import replace
from datetime import datetime

import pytest

from dispatcher.clock import PARIS
from dispatcher.formats.cda.times import stamp
from dispatcher.formats.cda.writer import CdaWriter
from dispatcher.report.model import Battery, Code, Practitioner, Status, ValueType
from dispatcher.terminology.tables import Options
from tests.unit.formats.cda.cases import (
    CONTEXT,
    GLUCOSE,
    IDS,
    LAB,
    OTHER_PDF,
    PDF,
    REPORT,
    many_kinds,
    number,
    terminology,
    with_results,
    words,
)
from tests.unit.formats.cda.full_cases import (
    PETIT,
    ROUX,
    TSH,
    earlier,
    methods,
    pictures_and_pdfs,
    subchapters,
    subcontracted,
    two_units,
    urine_culture,
    validated,
    with_batteries,
)
from tests.unit.formats.cda.test_cda_writer import Tree, at, every, observation, problems, written

CHAPTER, SUB = "1.3.6.1.4.1.19376.1.3.3.2.1", "1.3.6.1.4.1.19376.1.3.3.2.2"
PERFORMER, VALIDATOR = "1.2.250.1.213.1.1.3.23", "1.3.6.1.4.1.19376.1.3.3.1.5"


def section(tree: Tree, title: str) -> Tree:
    """The only section of this title that has a text of its own."""
    return at(tree, f"//h:section[h:title='{title}'][h:text]")


def row_of(tree: Tree, name: str) -> list[str]:
    """The cells of the line of a result, as read."""
    (row,) = every(tree, f"//h:tr[h:td[1]/h:content[1]='{name}']")
    return ["".join(cell.itertext()) for cell in every(row, "h:td")]


def heads(tree: Tree, name: str) -> list[str]:
    """The column titles of the table a result stands in."""
    return every(tree, f"//h:table[.//h:td[1]/h:content[1]='{name}']/h:thead/h:tr[last()]/h:th/text()")


# ------------------------------------------------------------------------------------------------ sub-chapters


def test_a_chapter_with_sub_chapters_holds_nothing_else() -> None:
    tree = written(subchapters(), terminology=terminology())
    biochemistry, haematology = every(tree, f"//h:section[h:templateId/@root='{CHAPTER}']")
    assert every(biochemistry, "h:text | h:entry") == []
    parts = every(biochemistry, f"h:component/h:section[h:templateId/@root='{SUB}']")
    assert [at(part, "h:title").text for part in parts] == [
        "Bilan thyroïdien",
        "Biochimie",
        "Électrophorèse des protéines",
    ]
    assert [len(every(part, "h:entry")) for part in parts] == [1, 1, 1]
    assert [at(part, "h:code/@code") for part in parts] == ["18719-5", "18719-5", "14340-4"]
    assert every(haematology, "h:component") == [] and len(every(haematology, "h:entry")) == 1


def test_batteries_of_one_sub_chapter_stand_together_whatever_its_case() -> None:
    part = section(written(subchapters()), "Bilan thyroïdien")
    assert every(part, "h:text//h:td[1]/h:content/text()")[-2:] == ["TSH", "T4 libre"]
    assert len(every(part, "h:entry/h:act/h:entryRelationship/h:organizer")) == 2


def test_a_section_that_is_a_sub_chapter_of_the_tables_goes_under_its_chapter() -> None:
    lipids = Battery(chapter="BILAN LIPIDIQUE", observations=(number("Cholestérol", "2.1"),))
    tree = written(with_batteries(lipids), terminology=terminology())
    assert at(tree, f"//h:section[h:templateId/@root='{CHAPTER}']/h:code/@code") == "18719-5"
    assert at(tree, f"//h:section[h:templateId/@root='{SUB}']/h:code/@code") == "57698-3"
    assert at(tree, "/*/h:documentationOf/h:serviceEvent/h:code/@code") == "18719-5"


def test_a_sub_chapter_named_like_its_chapter_divides_nothing() -> None:
    report = with_results(GLUCOSE, subchapter="biochimie")
    assert every(written(report), f"//h:section[h:templateId/@root='{SUB}']") == []


# ------------------------------------------------------------------------------------------------ earlier results


def test_earlier_results_refer_to_the_same_test_with_date_value_and_status() -> None:
    first, second = every(
        observation(written(earlier()), "Glycémie"), "h:entryRelationship[@typeCode='REFR']/h:observation"
    )
    assert (at(first, "h:code/@code"), at(first, "h:statusCode/@code")) == ("14749-6", "completed")
    assert at(first, "h:effectiveTime/@value") == "20250912081500+0200"
    assert (at(first, "h:value/@value"), at(first, "h:value/@unit")) == ("6.1", "mmol/L")
    assert (at(second, "h:value/h:high/@value"), at(second, "h:value/h:high/@inclusive")) == ("5", "false")


def test_an_earlier_result_in_words_points_at_them_and_an_empty_one_is_left_out() -> None:
    tree = written(earlier())
    links = every(observation(tree, "Aspect"), "h:entryRelationship[@typeCode='REFR']/h:observation")
    assert [at(link, "h:effectiveTime").attrib for link in links] == [{"value": "20250102"}, {"nullFlavor": "UNK"}]
    keys = [at(link, "h:value/h:originalText/h:reference/@value")[1:] for link in links]
    assert ["".join(at(tree, f"//h:content[@ID='{key}']").itertext()) for key in keys] == ["Trouble", "Limpideincolore"]


def test_the_column_of_earlier_results_is_there_only_when_some_line_has_one() -> None:
    tree = written(earlier())
    assert heads(tree, "TSH")[-1] == "Résultat antérieur"
    assert row_of(tree, "Glycémie")[-1] == "6,1 mmol/L (12/09/2025 à 08:15)< 5 mmol/L (03/01/2024)"
    assert row_of(tree, "TSH")[-1] == ""
    assert "Résultat antérieur" not in heads(written(), "Glycémie")


def test_a_cancelled_report_shows_no_earlier_value() -> None:
    tree = written(replace(earlier(), status=Status.CANCELLED))
    assert every(tree, "//h:entryRelationship[@typeCode='REFR']") == []
    assert "6,1" not in "".join(tree.itertext())


# ------------------------------------------------------------------------------------------------ second units


@pytest.mark.parametrize(("loinc", "codes"), [("2345-7", ["14749-6", "2345-7"]), (None, ["14749-6"])])
def test_a_second_unit_has_its_own_code_or_none(loinc: str | None, codes: list[str]) -> None:
    tree = written(two_units(loinc))
    (key,) = every(tree, "//h:content[.='Glycémie']/@ID")
    both = every(tree, f"//h:component/h:observation[h:code/h:originalText/h:reference/@value='#{key}']")
    assert [code for one in both for code in every(one, "h:code/@code")] == codes
    assert [at(one, "h:value/@unit") for one in both] == ["mmol/L", "g/L"]
    assert row_of(tree, "Glycémie")[1:3] == ["5,500,99", "mmol/Lg/L"]


def test_what_belongs_to_the_first_value_is_not_said_again_of_the_second() -> None:
    second = every(written(two_units()), "//h:component/h:observation")[1]
    assert every(second, "h:entryRelationship") == []
    assert at(second, "h:referenceRange//h:low/@value") == "0.70"


def test_a_second_value_in_words_points_at_its_own_words() -> None:
    tree = written(two_units())
    first, second = (
        at(one, "h:value/h:originalText/h:reference/@value")[1:]
        for one in every(tree, "//h:observation[h:code/h:translation/@code='GROUPE']")
    )
    assert [at(tree, f"//h:content[@ID='{key}']").text for key in (first, second)] == ["A", "A positif"]


def test_a_unit_printed_otherwise_than_coded_is_kept_and_an_equal_one_is_not_repeated() -> None:
    tree = written(with_results(TSH, GLUCOSE))
    tsh = at(observation(tree, "TSH"), "h:value")
    assert (tsh.get("unit"), at(tsh, "h:translation/h:originalText").text) == ("m[IU]/L", "mUI/L")
    assert len(at(observation(tree, "Glycémie"), "h:value")) == 0


def test_the_printed_range_stands_beside_its_bounds() -> None:
    spoken = at(observation(written(), "Glycémie"), "h:referenceRange/h:observationRange")
    assert at(spoken, "h:text").text == "4,0 à 6,0"
    assert at(spoken, "h:value/h:low/@value") == "4.0"


# ------------------------------------------------------------------------------------------------ methods and kits


def test_a_method_of_the_official_table_is_coded_another_one_is_a_translation() -> None:
    tree = written(methods())
    listed, own, unlisted = (at(observation(tree, name), "h:methodCode") for name in ("Glycémie", "TSH", "Créatinine"))
    assert (listed.get("code"), listed.get("codeSystem")) == ("DEI", "1.2.250.1.213.2.3.5")
    assert (own.get("code"), at(own, "h:translation/@code"), at(own, "h:translation/@codeSystem")) == (
        None,
        "ECL_1",
        LAB.oid,
    )
    assert (unlisted.get("code"), at(unlisted, "h:translation/@code")) == (None, "XYZ")
    keys = [at(m, "h:originalText/h:reference/@value")[1:] for m in (listed, own)]
    assert [at(tree, f"//h:content[@ID='{key}']").text for key in keys] == ["(UV hexokinase)", "(ECL Modular)"]


def test_a_code_of_the_laboratory_is_not_taken_for_one_of_the_official_table() -> None:
    own = Code(code="DEI", text="Dosage enzymatique interne", system="L")
    method = at(observation(written(with_results(replace(GLUCOSE, method_code=own))), "Glycémie"), "h:methodCode")
    assert method.get("code") is None
    assert at(method, "h:translation/@codeSystem") == LAB.oid


def test_a_kit_is_a_device_that_took_part() -> None:
    tree = written(methods())
    device = at(observation(tree, "TSH"), "h:participant[@typeCode='DEV']/h:participantRole/h:playingDevice")
    assert (at(device, "h:code/@code"), at(device, "h:manufacturerModelName").text) == (
        "K_123",
        "Trousse TSH ultrasensible",
    )
    assert "Réactif : Trousse TSH ultrasensible" in row_of(tree, "TSH")[0]
    assert every(observation(tree, "Créatinine"), "h:participant") == []  # a kit without code or name


# ------------------------------------------------------------------------------------------------ people


def test_a_sub_contractor_of_some_results_stands_on_these_and_one_of_all_on_the_act() -> None:
    tree = written(subcontracted())
    bilan, serology = section(tree, "BIOCHIMIE"), section(tree, "SEROLOGIE")
    assert every(bilan, "h:entry/h:act/h:performer") == []
    assert every(observation(tree, "Glycémie"), "h:performer") == []
    organisation = at(observation(tree, "TSH"), "h:performer/h:assignedEntity/h:representedOrganization")
    assert at(organisation, "h:id/@extension") == "1740000017"
    assert at(organisation, "h:telecom/@value") == "tel:0450000000"
    assert [at(tree, f"(//h:performer/h:templateId[@root='{PERFORMER}'])[1]/@root")] == [PERFORMER]
    assert at(serology, "h:entry/h:act/h:performer//h:representedOrganization/h:name").text == "Laboratoire du Lac"
    assert every(serology, ".//h:observation/h:performer") == []


def test_a_sub_contractor_is_named_in_the_text_with_where_to_reach_it() -> None:
    tree = written(subcontracted())
    assert row_of(tree, "TSH")[0] == "TSHSous-traité : Laboratoire du Lac"
    told = every(section(tree, "BIOCHIMIE"), "h:text/h:paragraph/text()")
    where = "Laboratoire du Lac (FINESS 740000017), 1 quai du Lac 74000 ANNECY, tél. 04 50 00 00 00"
    assert f"Examens sous-traités, réalisés par : {where}" in told
    assert "Examens sous-traités, réalisés par : Laboratoire du Port, Dr LEROY Paul" in told


@pytest.mark.parametrize(
    "own",
    [
        Practitioner(organisation="laboratoire des saules"),
        Practitioner(organisation="X", organisation_id="750 000 018"),
    ],
)
def test_the_laboratory_itself_is_no_sub_contractor(own: Practitioner) -> None:
    tree = written(with_results(replace(GLUCOSE, performer=own)))
    assert every(tree, "//h:entry//h:performer") == []
    assert "Sous-traité" not in "".join(tree.itertext())


def test_what_a_file_does_not_say_of_a_sub_contractor_is_unknown_never_guessed() -> None:
    tree = written(with_results(replace(GLUCOSE, performer=Practitioner(organisation="Labo X"))))
    entity = at(tree, "//h:entry/h:act/h:performer/h:assignedEntity")
    for path in (
        "h:id",
        "h:addr",
        "h:telecom",
        "h:representedOrganization/h:id",
        "h:representedOrganization/h:standardIndustryClassCode",
    ):
        assert at(entity, path).get("nullFlavor") == "UNK", path
    assert every(entity, "h:assignedPerson") == []


def test_one_validator_of_a_chapter_stands_on_its_act_several_on_their_results() -> None:
    tree = written(validated())
    first, second, third = (section(tree, name) for name in ("BIOCHIMIE", "HEMATOLOGIE", "SEROLOGIE"))
    assert (
        at(first, f"h:entry/h:act/h:participant[h:templateId/@root='{VALIDATOR}']/h:participantRole/h:id/@extension")
        == "810003456789"
    )
    assert every(second, "h:entry/h:act/h:participant") == []
    who = "h:participant[@typeCode='AUTHEN']/h:participantRole/h:id/@extension"
    assert at(observation(tree, "Leucocytes"), who) == "810004567891"
    assert at(observation(tree, "Hématies"), who) == "810003456789"
    assert every(observation(tree, "Plaquettes"), who) == []
    assert (
        at(third, "h:entry/h:act/h:participant/h:participantRole/h:playingEntity/h:name/h:family").text == "Dr INTERNE"
    )
    assert at(third, "h:entry/h:act/h:participant/h:participantRole/h:id").get("nullFlavor") == "UNK"
    assert "Résultats validés par Dr PETIT Zoé" in every(first, "h:text/h:paragraph/text()")
    assert "Validé par M. ROUX Émile" in row_of(tree, "Leucocytes")[0]


def test_two_people_of_one_name_are_not_confused() -> None:
    other = replace(PETIT, id="10005678912")
    report = replace(with_results(replace(GLUCOSE, validated_by="Dr PETIT Zoé")), validators=(PETIT, other))
    role = at(written(report), "//h:participant[@typeCode='AUTHEN']/h:participantRole")
    assert at(role, "h:id").get("nullFlavor") == "UNK"
    assert at(role, "h:playingEntity/h:name/h:family").text == "Dr PETIT Zoé"


def test_several_validators_of_a_report_are_given_no_result_of_their_own() -> None:
    tree = written(replace(REPORT, validators=(PETIT, ROUX)))
    assert every(tree, "//h:participant[@typeCode='AUTHEN']") == []
    assert every(tree, "/*/h:authenticator/h:assignedEntity/h:id/@extension") == ["810003456789", "810004567891"]


# ------------------------------------------------------------------------------------------------ germs


def test_direct_examination_is_read_before_the_culture() -> None:
    tree = written(urine_culture())
    titles = every(tree, "//h:text/h:paragraph/h:content[@styleCode='Bold']/text()")
    assert titles == ["Examen direct", "Culture"]
    organizers = every(tree, "//h:act/h:entryRelationship/h:organizer/@classCode")
    assert organizers == ["BATTERY", "CLUSTER", "CLUSTER"]


def test_each_germ_has_one_table_with_its_count_then_its_antibiogram() -> None:
    tree = written(urine_culture())
    first, second = every(tree, "//h:table[h:thead/h:tr/h:th[starts-with(., 'Isolat')]]")
    assert "".join(at(first, "h:thead/h:tr[1]/h:th").itertext()) == "Isolat n° 1 – Germe identifié : Escherichia coli"
    lines = ["".join(row.itertext()) for row in every(first, "h:tbody/h:tr")]
    assert lines[:3] == ["Souche productrice de BLSE", "Dénombrement1000000UFC/mL", "Antibiogramme"]
    assert lines[3] == "Amoxicilline> 8mg/LR (Résistant)"
    assert "".join(at(second, "h:thead/h:tr[1]/h:th").itertext()).endswith("Candida albicans")


def test_a_germ_without_antibiogram_is_an_isolate_when_its_sub_id_sets_it_apart() -> None:
    tree = written(urine_culture(), terminology=terminology())
    germs = every(tree, "//h:specimenPlayingEntity/h:code/h:translation/@code")
    assert germs == ["562", "5476"]
    plain = with_results(
        words("Germe", "Escherichia coli"), words("Germe", "Flore"), words("Ampicilline", "R", parent=0)
    )
    assert len(every(written(plain), "//h:specimenPlayingEntity")) == 1


def test_antibiotics_are_coded_by_how_they_were_measured() -> None:
    coded, _missing = terminology().code(urine_culture())
    tree = written(coded, terminology=terminology())
    codes = {
        name: every(observation(tree, name), "h:code/@code")
        for name in ("Amoxicilline", "Gentamicine", "Ciprofloxacine")
    }
    known = {name: terminology().drug(name) for name in codes}
    assert codes == {
        "Amoxicilline": [known["Amoxicilline"].mic],  # type: ignore[union-attr]
        "Gentamicine": [known["Gentamicine"].disk],  # type: ignore[union-attr]
        "Ciprofloxacine": [known["Ciprofloxacine"].loinc],  # type: ignore[union-attr]
    }
    mic = at(observation(tree, "Amoxicilline"), "h:value/h:low")
    assert (mic.get("value"), mic.get("unit"), mic.get("inclusive")) == ("8", "mg/L", "false")


def test_the_letter_of_an_antibiogram_line_is_its_interpretation_and_nowhere_else() -> None:
    tree = written(urine_culture())
    assert at(observation(tree, "Fosfomycine"), "h:interpretationCode/@code") == "S"
    assert "S (Sensible)" in row_of(tree, "Fosfomycine")
    assert every(observation(written(with_results(words("Groupe", "R"))), "Groupe"), "h:interpretationCode") == []


def test_snomed_goes_in_only_when_switched_on() -> None:
    off, on = terminology(), replace(terminology(), options=Options(snomed=True))
    path = "(//h:specimenPlayingEntity)[1]/h:code"
    assert at(written(urine_culture(), terminology=off), path).get("code") is None
    germ = at(written(urine_culture(), terminology=on), path)
    assert (germ.get("code"), germ.get("codeSystem")) == ("112283007", "2.16.840.1.113883.6.96")
    assert at(germ, "h:translation/@codeSystem") == "2.16.840.1.113883.3.9471"


# ------------------------------------------------------------------------------------------------ documents


def test_results_in_pdf_have_their_section_and_the_report_its_copies() -> None:
    tree = written(pictures_and_pdfs())
    joined = section(tree, "Résultats de laboratoire joints (PDF)")
    assert at(joined, "h:templateId/@root") == "1.2.250.1.213.1.1.2.60"
    assert at(joined, "h:code/@code") == "101792-0"
    titles = every(joined, "h:text//h:content/text()")
    assert titles[0].startswith("Sérologie des rickettsies, réalisé par : Laboratoire du Lac")
    assert titles[1] == "Biologie moléculaire"
    first = base64.b64decode(every(joined, ".//h:observationMedia/h:value/text()")[0])
    assert first == OTHER_PDF.content
    copies = every(section(tree, "Copie du document"), ".//h:observationMedia/h:value/text()")
    assert [base64.b64decode(text)[:9] for text in copies] == [PDF.content[:9]] * 2


def test_pictures_of_three_kinds_and_a_document_that_stays_out_is_told() -> None:
    tree = written(pictures_and_pdfs())
    kinds = every(tree, "//h:observationMedia[h:templateId]/h:value/@mediaType")
    assert kinds == ["image/png", "image/jpeg", "image/gif"]
    assert row_of(tree, "Radio")[1] == "Document non transmis (format non admis)"
    assert row_of(tree, "Compte rendu")[1] == "Document joint au compte rendu"
    assert "document-left-out" in problems(pictures_and_pdfs())
    assert "document-left-out" not in problems(REPORT)


def test_a_level_1_document_tells_that_the_others_stay_out() -> None:
    rendition = CdaWriter(1).write(replace(REPORT, documents=(PDF, OTHER_PDF)), CONTEXT)
    assert "document-left-out" in {p.code for p in rendition.problems}
    assert "document-left-out" not in {
        p.code for p in CdaWriter(1).write(replace(REPORT, documents=(PDF,)), CONTEXT).problems
    }


def test_deleted_and_cancelled_documents_do_not_go_in() -> None:
    pdf = words("Annexe", "", type=ValueType.DOCUMENT, document=OTHER_PDF)
    deleted = replace(with_results(GLUCOSE, replace(pdf, status="D")), documents=(PDF,))
    cancelled = replace(with_results(GLUCOSE, pdf), documents=(PDF,), status=Status.CANCELLED)
    for report in (deleted, cancelled):
        assert len(every(written(report), "//h:observationMedia")) == 1
    assert row_of(written(cancelled), "Annexe")[1] == "Annulé"


# ------------------------------------------------------------------------------------------------ narrative


def test_a_table_shows_only_the_columns_some_line_uses() -> None:
    assert heads(written(with_results(words("Aspect", "Limpide"), words("Odeur", "Nulle"))), "Odeur") == [
        "Analyse",
        "Résultat",
    ]
    assert heads(written(), "Glycémie") == ["Analyse", "Résultat", "Unité", "Valeurs de référence", "Interprétation"]


def test_every_line_of_a_table_is_as_wide_as_its_head() -> None:
    everything = [many_kinds(), earlier(), two_units(), urine_culture(), pictures_and_pdfs(), validated()]
    for report in everything:
        for table in every(written(report, terminology=terminology()), "//h:table[h:thead]"):
            width = len(every(table, "h:thead/h:tr[last()]/h:th"))
            for row in every(table, "h:tbody/h:tr"):
                assert sum(int(cell.get("colspan", "1")) for cell in every(row, "h:td")) == width


def test_a_battery_named_like_its_one_result_is_headed_once() -> None:
    tree = written(with_results(GLUCOSE, title="Glycémie"))
    (key,) = every(tree, "//h:content[.='Glycémie']/@ID")
    organizer = at(tree, "//h:organizer[@classCode='BATTERY']")
    assert at(organizer, "h:code/h:originalText/h:reference/@value") == f"#{key}"


# ------------------------------------------------------------------------------------------------ copies of pieces


def test_pieces_made_once_never_carry_one_report_into_another() -> None:
    """Laboratory, codes and templates are kept and copied: another laboratory must not get the first one's."""
    first = CdaWriter().write(REPORT, CONTEXT).content
    other = replace(CONTEXT, laboratory=replace(LAB, name="Laboratoire du Puits", finess="690000015"))
    assert b"Laboratoire des Saules" not in CdaWriter().write(REPORT, other).content
    assert CdaWriter().write(REPORT, CONTEXT).content == first


def test_threads_write_the_same_bytes() -> None:
    wanted = CdaWriter().write(many_kinds(), CONTEXT).content
    found: list[bytes] = []
    threads = [
        threading.Thread(
            target=lambda: found.extend(CdaWriter().write(many_kinds(), CONTEXT).content for _ in range(5))
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [wanted] * 20


def test_the_two_half_past_two_of_a_clock_change_differ() -> None:
    early = datetime(2026, 10, 25, 2, 30, tzinfo=PARIS)
    assert (stamp(early), stamp(early.replace(fold=1))) == ("20261025023000+0200", "20261025023000+0100")


def test_replacement_is_coded_and_said() -> None:
    ids = replace(IDS, document="88BEB395-3B4C-37F5-9A31-03BEA73A8D8B", version=3, replaces=IDS.document)
    tree = written(replace(REPORT, status=Status.CORRECTED), ids=ids)
    assert at(tree, "/*/h:relatedDocument/@typeCode") == "RPLC"
    assert "Annule et remplace la version précédente de ce compte rendu (version 3)." in "".join(tree.itertext())
