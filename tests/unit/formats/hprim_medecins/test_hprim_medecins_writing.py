"""What a doctor and his software receive: header, layout, coded lines, guards. Everybody here is invented."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from dispatcher.errors import RenderError
from dispatcher.formats.base import DocumentIds, LaboratoryIdentity, ReadContext, WriteContext
from dispatcher.formats.hprim_medecins.check import check
from dispatcher.formats.hprim_medecins.reader import HprimMedecinsReader
from dispatcher.formats.hprim_medecins.writer import HprimMedecinsWriter
from dispatcher.report.model import (
    Address,
    Addressee,
    AltValue,
    Attachment,
    Battery,
    Code,
    IdType,
    Ins,
    Kind,
    Laboratory,
    LocalId,
    Observation,
    Order,
    Patient,
    Practitioner,
    PreviousResult,
    Report,
    Sex,
    Specimen,
    Status,
    ValueType,
)

LAB = LaboratoryIdentity(
    name="Laboratoire Boizé",
    finess="290000017",
    oid="1.2.250.1.999.7",
    address=Address(lines=("3 quai de l’Odet",), postcode="29000", town="QUIMPER"),
    phone="02 98 00 00 00",
    biologist=Practitioner(id="10000000000", id_type=IdType.RPPS, family="LE GALL", given="Anne", title="Dr"),
    cofrac="8-0000",
)
CONTEXT = WriteContext(
    laboratory=LAB,
    ids=DocumentIds(document="7A1E0000-0000-4000-8000-000000000001", set_id="S1"),
    created_at=datetime(2024, 3, 11, 18, 30, tzinfo=UTC),
    recipient=Practitioner(id="D001", family="DURAND", given="Paul", title="Dr"),
)
PATIENT = Patient(
    birth_name="BIHAN",
    used_name="Martineau",
    given_names=("Claire", "Anne"),
    birth_date=date(1961, 7, 4),
    sex=Sex.FEMALE,
    local_ids=(LocalId(value="P 0000.042", type="PI"),),
    address=Address(lines=("12 rue des Lilas", "Bât. B", "Esc. 2"), postcode="29000", town="Quimper"),
)


def result(text: str, value: str, **more: Any) -> Observation:
    code = Code(code=more.pop("code", text[:4].upper()), text=text, system="L")
    kind = more.pop("type", ValueType.NUMERIC)
    return Observation(code=code, value=value, raw=value, type=kind, **({"status": "F"} | more))


def report(*observations: Observation, **more: Any) -> Report:
    battery = Battery(title=more.pop("title", ""), chapter=more.pop("chapter", ""), observations=observations)
    return Report(
        **({"patient": PATIENT, "order": Order(filler="B1"), "reported_at": date(2024, 3, 11)} | more),
        batteries=(battery,) if observations else (),
    )


GLUCOSE = result("Glycémie à jeun", "1.32", unit="g/L", low="0.70", high="1.10", flags=("H",))


def written(value: Report, context: WriteContext = CONTEXT) -> list[str]:
    rendition = HprimMedecinsWriter().write(value, context)
    assert rendition.content.endswith(b"****FIN****\r\n****FINFICHIER****\r\n")
    encoding = rendition.media_type.partition("charset=")[2]
    return rendition.content.decode(encoding).removesuffix("\r\n").split("\r\n")


def free_part(lines: list[str]) -> list[str]:
    return lines[13 : lines.index("****LAB****") if "****LAB****" in lines else lines.index("****FIN****")]


def test_the_twelve_lines() -> None:
    lines = written(report(GLUCOSE))
    assert lines[:13] == [
        "P0000042",
        "MARTINEAU",
        "Claire",
        "12 rue des Lilas",
        "Bât. B Esc. 2",
        "29000 Quimper",
        "04/07/1961",
        "",
        "B1",
        "11/03/2024",
        "290000017  Laboratoire Boizé",
        "D001       Dr DURAND Paul",
        "",
    ]


def test_own_files_pass_our_check_and_have_no_trailing_blanks() -> None:
    rendition = HprimMedecinsWriter().write(report(GLUCOSE), CONTEXT)
    assert check(rendition.content) == []
    assert not re.search(rb"[ \t]\r\n", rendition.content)
    assert b"\n" not in rendition.content.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    ("nss", "ins", "line"),
    [
        ("2 61 07 29 232 001 46", None, "2610729232001 46"),
        ("2610729232001", None, "2610729232001 46"),
        ("261072923200147", None, ""),
        ("rien", None, ""),
        ("", Ins(matricule="279035121518989", oid="1.2.250.1.213.1.4.8", qualified=True), "2790351215189 89"),
        ("", Ins(matricule="279035121518989", oid="1.2.250.1.213.1.4.8", qualified=False), ""),
        ("", Ins(matricule="279035121518989", oid="1.2.250.1.213.1.4.9", qualified=True), ""),
    ],
)
def test_the_social_number_is_written_only_when_it_holds(nss: str, ins: Ins | None, line: str) -> None:
    assert written(report(GLUCOSE, patient=replace(PATIENT, nss=nss, ins=ins)))[7] == line


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"local_ids": (LocalId(value="é", type="PI"), LocalId(value="X/12_a-b", type="VN"))}, "X/12_a-b"),
        ({"local_ids": ()}, "B1"),
    ],
)
def test_the_first_line_is_never_empty(change: dict[str, Any], code: str) -> None:
    assert written(report(GLUCOSE, patient=replace(PATIENT, **change)))[0] == code


def test_the_first_line_falls_back_on_the_document() -> None:
    bare = report(GLUCOSE, patient=replace(PATIENT, local_ids=()), order=Order())
    assert written(bare)[0] == "0000000001"


@pytest.mark.parametrize(
    ("recipient", "address", "addressee", "line"),
    [
        (Practitioner(id="10001234567", id_type=IdType.RPPS, family="DURAND"), "", None, ".          DURAND"),
        (None, "", Addressee(id="D9", label="Dr PETIT"), "D9         Dr PETIT"),
        (None, "paul.durand@exemple.mssante.fr", None, ".          paul.durand"),
        (None, "", None, ".          ."),
    ],
)
def test_the_recipient_line_is_never_empty(
    recipient: Practitioner | None, address: str, addressee: Addressee | None, line: str
) -> None:
    context = replace(CONTEXT, recipient=recipient, recipient_address=address)
    assert written(report(GLUCOSE, addressee=addressee), context)[11] == line


def test_the_senders_own_code_comes_first() -> None:
    assert written(report(GLUCOSE, laboratory=Laboratory(id="LABOIZE")))[10] == "LABOIZE    Laboratoire Boizé"


def test_a_result_in_two_units_in_text_and_code() -> None:
    alt = AltValue(value="7.33", unit="mmol/L", low="3.89", high="6.11")
    lines = written(report(replace(GLUCOSE, alt=alt), title="Glycémie", chapter="Biochimie"))
    text = free_part(lines)
    assert "                               B I O C H I M I E" in text
    assert "GLYCÉMIE" in text
    at = text.index("  Glycémie à jeun                           1,32 *  g/L        0,70 à 1,10")
    assert text[at + 1] == "                                            7,33    mmol/L     3,89 à 6,11"
    coded = lines[lines.index("****LAB****") :]
    at = coded.index("RES|Glycémie à jeun|GLYC|N|1.32|g/L|0.70|1.10|H|F|7.33|mmol/L|3.89|6.11|")
    assert coded[at - 1] == "TEX|                                            7,33    mmol/L     3,89 à 6,11"
    assert all(line.count("|") == 14 for line in coded if line.startswith("RES"))


def test_a_second_unit_has_its_own_comparator() -> None:
    alt = AltValue(comparator="<", value="0.05", unit="mmol/L")
    lines = written(report(replace(GLUCOSE, alt=alt)))
    assert any("< 0,05    mmol/L" in line for line in free_part(lines))
    [coded] = [line for line in lines if line.startswith("RES|")]
    assert coded.split("|")[10:12] == ["< 0.05", "mmol/L"]


def test_coded_part_repeats_the_text() -> None:
    lines = written(report(GLUCOSE, comments=("Prochain contrôle dans 3 mois.",)))
    text = free_part(lines)
    repeated = [line[4:] for line in lines if line.startswith("TEX|")]
    assert repeated == text[:-1]
    assert text[-1] == ""


@pytest.mark.parametrize(
    ("status", "field"),
    [("F", "F"), ("", "F"), ("C", "C"), ("R", "R"), ("P", "R"), ("D", None), ("X", None), ("I", None), ("U", None)],
)
def test_status_of_a_result(status: str, field: str | None) -> None:
    lines = written(report(result("Sodium", "140", status=status), GLUCOSE))
    coded = [line.split("|") for line in lines if line.startswith("RES|Sodium")]
    assert [fields[9] for fields in coded] == ([field] if field else [])
    assert any("Sodium" in line for line in free_part(lines))


@pytest.mark.parametrize(
    ("observation", "line"),
    [
        (result("CRP", "0.5", comparator="<", unit="mg/L", high="5"), "RES|CRP|CRP|A|< 0.5|mg/L||5||F|||||"),
        (result("CRP", "12", flags=("HH", "A")), "RES|CRP|CRP|N|12||||HH|F|||||"),
        (result("CRP", "12", flags=("A",)), "RES|CRP|CRP|N|12|||||F|||||"),
        (result("A|B\nC", "x|y", type=ValueType.TEXT, code="Z|9"), "RES|A/B C|Z/9|A|x/y|||||F|||||"),
        (result("pH", "7.4", low="env. 7", high="8"), "RES|pH|PH|N|7.4|||8||F|||||"),
    ],
)
def test_coded_line(observation: Observation, line: str) -> None:
    assert line in written(report(observation))


def test_the_laboratory_s_code_goes_before_loinc() -> None:
    loinc = Code(code="2345-7", text="Glucose", system="LN")
    local = Code(code="GLYJ", text="Glycémie", system="L")
    one = Observation(code=loinc, alternate=local, type=ValueType.NUMERIC, value="1", status="F")
    assert any(line.startswith("RES|Glucose|GLYJ|N|1|") for line in written(report(one)))


def test_wide_texts_are_wrapped_in_80_columns() -> None:
    long = "Interprétation délicate en raison d'un traitement en cours ; " * 4
    lines = written(
        report(
            replace(GLUCOSE, comments=(long,)),
            result("Estimation du débit de filtration glomérulaire selon CKD-EPI 2009", "76.1", unit="mL/min/1,73 m²"),
            result("Aspect", long, type=ValueType.TEXT),
            result("Pression partielle en dioxyde", "123456789012345.6", unit="unités très longues", low="1", high="2"),
            title="Un titre de bilan si long qu'il ne tient pas du tout sur une ligne de quatre-vingts colonnes",
            chapter="Un chapitre lui aussi beaucoup trop long pour être espacé",
            comments=(long,),
        )
    )
    text = free_part(lines)
    assert max(map(len, text)) <= 80
    assert " ".join(" ".join(text).split()).count(" ".join(long.split())) == 3


def test_a_small_table_in_a_comment_keeps_its_columns() -> None:
    table = "Témoin     0,9\nPatient    1,3"
    assert {"    Témoin     0,9", "    Patient    1,3"} <= set(written(report(replace(GLUCOSE, comments=(table,)))))


def test_antibiogram_under_its_organism() -> None:
    organism = result("Germe isolé", "Escherichia coli", type=ValueType.CODED)
    lines = written(
        Report(
            patient=PATIENT,
            batteries=(
                Battery(
                    title="ECBU", chapter="Microbiologie", specimen=Specimen(text="Urines"), observations=(organism,)
                ),
                Battery(
                    title="Antibiogramme E. coli",
                    chapter="Microbiologie",
                    observations=(
                        result("Amoxicilline", "R", type=ValueType.CODED, flags=("R",), parent=0),
                        result("Céfotaxime", "0.5", comparator="<=", unit="mg/L", flags=("S",), parent=0),
                        result("Ciprofloxacine", "I", type=ValueType.TEXT, parent=0),
                    ),
                ),
            ),
        )
    )
    text = free_part(lines)
    at = text.index("  Germe isolé                       Escherichia coli")
    assert text[at + 1 : at + 5] == [
        "    Antibiogramme",
        "      Amoxicilline               Résistant",
        "      Céfotaxime                 Sensible                    CMI <= 0,5 mg/L",
        "      Ciprofloxacine             Sensible à forte posologie",
    ]
    assert "  Prélèvement : Urines" in text
    assert "RES|Céfotaxime|CÉFO|A|Sensible CMI <= 0,5 mg/L|||||F|||||" in lines
    assert not any("ANTIBIOGRAMME E. COLI" in line for line in text)


def test_the_same_antibiogram_under_two_organisms_is_printed_twice() -> None:
    answer = {"type": ValueType.CODED, "flags": ("S",)}
    battery = Battery(
        observations=(
            result("Germe 1", "Escherichia coli", type=ValueType.CODED),
            result("Amoxicilline", "S", parent=0, **answer),
            result("Germe 2", "Proteus mirabilis", type=ValueType.CODED),
            result("Amoxicilline", "S", parent=2, **answer),
        )
    )
    text = free_part(written(Report(patient=PATIENT, batteries=(battery,))))
    organisms = [line.split()[0] for line in text if line.strip().startswith(("Germe", "Amoxicilline"))]
    assert organisms == ["Germe", "Amoxicilline", "Germe", "Amoxicilline"]


@pytest.mark.parametrize(
    ("status", "version", "neutral", "said"),
    [
        (Status.PARTIAL, 1, False, "COMPTE RENDU PARTIEL : d'autres résultats suivront."),
        (
            Status.CORRECTED,
            2,
            False,
            "COMPTE RENDU CORRIGÉ (version 2) : annule et remplace le compte rendu déjà transmis.",
        ),
        (
            Status.CANCELLED,
            2,
            False,
            "COMPTE RENDU ANNULÉ (version 2) : ne pas tenir compte du compte rendu déjà transmis.",
        ),
        (Status.FINAL, 2, False, "COMPTE RENDU COMPLET (version 2) : annule et remplace la version précédente."),
        (
            Status.FINAL,
            1,
            True,
            "DOCUMENT D'ESSAI : laboratoire non configuré, à ne pas classer au dossier d'un patient.",
        ),
    ],
)
def test_notices_stand_first(status: Status, version: int, neutral: bool, said: str) -> None:
    context = replace(CONTEXT, laboratory=replace(LAB, neutral=neutral), ids=replace(CONTEXT.ids, version=version))
    text = free_part(written(report(GLUCOSE, status=status), context))
    assert text[0] == "=" * 80
    assert said in " ".join(text[1 : text.index("=" * 80, 1)])


def test_an_ordinary_report_has_no_notice() -> None:
    assert free_part(written(report(GLUCOSE)))[0] == "Laboratoire Boizé"


def test_a_cancelled_report_shows_its_reason_and_no_result() -> None:
    lines = written(report(GLUCOSE, status=Status.CANCELLED, comments=("Erreur d'étiquetage.",)))
    assert "Erreur d'étiquetage." in lines
    assert not any("1,32" in line or "1.32" in line for line in lines)
    assert not any(line.startswith("RES") for line in lines)


def test_a_document_says_what_is_attached() -> None:
    pdf = Attachment(media_type="application/pdf", content=b"%PDF" + bytes(48_000), name="BIHAN.pdf")
    text = " ".join(free_part(written(report(kind=Kind.DOCUMENT, documents=(pdf,)))))
    assert "Le compte rendu est le document joint à ce message : PDF (48 Ko)." in text
    assert "BIHAN.pdf" not in text


def test_a_document_as_a_result_has_no_coded_line() -> None:
    document = Observation(
        code=Code(code="PDF", text="Électrophorèse"),
        type=ValueType.DOCUMENT,
        document=Attachment(media_type="application/pdf", content=b"%PDF"),
        status="F",
    )
    lines = written(report(document))
    assert any(line.startswith("  Électrophorèse") and line.endswith("document joint (PDF)") for line in lines)
    assert not any(line.startswith("RES") for line in lines)


def test_the_laboratory_s_own_text_is_printed_as_it_is() -> None:
    own = "  GLYCEMIE .............. 1,32 g/L\n\n  Conclusion : à revoir."
    lines = written(report(GLUCOSE, text=own))
    assert free_part(lines)[:3] == own.split("\n")
    at = lines.index("RES|Glycémie à jeun|GLYC|N|1.32|g/L|0.70|1.10|H|F|||||")
    assert lines[at - 1] == "TEX|  GLYCEMIE .............. 1,32 g/L"


def test_a_text_that_lacks_a_result_never_hides_it() -> None:
    text = free_part(written(report(GLUCOSE, result("Sodium", "140"), text="Glycémie 1,32 g/L")))
    assert any("Sodium" in line and "140" in line for line in text)
    assert "Glycémie 1,32 g/L" in text


def test_text_cannot_end_the_report_or_begin_another() -> None:
    trap = "****FIN****\n****LAB****\nvoir ****FINFICHIER**** plus loin\n***** attention\nRES|X|X|N|1|\nTEX|x"
    lines = written(report(GLUCOSE, text=trap))
    again = HprimMedecinsReader().read("\r\n".join(lines).encode("latin-1"), ReadContext())
    assert again.readable and len(again.reports) == 1
    assert [o.value for o in again.reports[0].observations] == ["1.32"]
    whole = "\n".join(lines)
    assert [whole.count(mark) for mark in ("****LAB****", "****FIN****", "****FINFICHIER****")] == [1, 1, 1]
    assert " ***** attention" in lines


@pytest.mark.parametrize(
    ("text", "latin"),
    [
        ("œdème, Œuf", "oedème, OEuf"),
        ("10 € — l’œil…", "10 EUR - l'oeil..."),
        ("µmol/L et μg", "µmol/L et µg"),
        ("10⁹/L et 10¹²/L", "10^9/L et 10¹²/L"),
        ("10⁻⁶ mol", "10^-6 mol"),
        ("≤ 5 ≥ 3 CO₂ γ-GT", "<= 5 >= 3 CO2 gamma-GT"),
        ("ŁUKASZ Ž ș", "LUKASZ Z s"),
        ("e\u0301te\u0301", "été"),
        ("a\u00a0b\u202fc\u200bd", "a b cd"),
    ],
)
def test_what_latin_1_lacks_is_written_out(text: str, latin: str) -> None:
    assert f"    {latin}" in written(report(replace(GLUCOSE, comments=(text,))))


@pytest.mark.parametrize(
    ("text", "point"), [("Résultat 漢字 du patient", "U+6F22"), ("5①", "U+2460"), ("☃ gel", "U+2603")]
)
def test_a_character_without_equivalent_is_refused_by_its_code_point(text: str, point: str) -> None:
    with pytest.raises(RenderError) as caught:
        written(report(replace(GLUCOSE, comments=(text,))))
    assert point in str(caught.value) and caught.value.code == "character-not-encodable"
    assert not set(text) & set("漢字①☃") & set(str(caught.value)) and "patient" not in caught.value.message


def test_utf_8_on_request() -> None:
    context = replace(CONTEXT, encoding="utf-8")
    rendition = HprimMedecinsWriter().write(report(replace(GLUCOSE, comments=("œ 漢",))), context)
    assert "    œ 漢\r\n".encode() in rendition.content
    assert rendition.media_type == "text/plain; charset=utf-8"


@pytest.mark.parametrize("encoding", ["utf-16", "klingon", "base64"])
def test_an_unfit_character_set_is_refused(encoding: str) -> None:
    with pytest.raises(RenderError, match="Jeu de caractères"):
        HprimMedecinsWriter().write(report(GLUCOSE), replace(CONTEXT, encoding=encoding))


@pytest.mark.parametrize(
    "change",
    [{"birth_name": "", "used_name": ""}, {"given_names": ()}, {"given_names": (" ",)}, {"birth_date": None}],
)
def test_no_header_without_identity(change: dict[str, Any]) -> None:
    with pytest.raises(RenderError) as caught:
        written(report(GLUCOSE, patient=replace(PATIENT, **change)))
    assert caught.value.code == "incomplete-identity"
    assert "BIHAN" not in str(caught.value)


@pytest.mark.parametrize("empty", [report(), report(result("Sodium", "", status="I")), report(comments=("  ",))])
def test_no_mail_without_medical_content(empty: Report) -> None:
    with pytest.raises(RenderError) as caught:
        written(empty)
    assert caught.value.code == "no-medical-content"


def test_the_file_name_is_neutral() -> None:
    rendition = HprimMedecinsWriter().write(report(GLUCOSE), CONTEXT)
    assert rendition.file_name == "7A1E0000-0000-4000-8000-000000000001.hpr"
    assert rendition.format == "hprim-medecins"


def test_capitals_stay_in_the_character_set() -> None:
    lines = written(report(GLUCOSE, title="Dosage en µg", patient=replace(PATIENT, used_name="L'Haÿ-Weiß")))
    assert "DOSAGE EN µG" in lines
    assert lines[1] == "L'HAÿ-WEIß"


def test_the_coded_flag_never_denies_the_star_of_the_text() -> None:
    lines = written(report(result("pH", "7.4", flags=("N", "A")), result("CRP", "12", flags=("N", "H"))))
    assert "RES|pH|PH|N|7.4|||||F|||||" in lines
    assert "RES|CRP|CRP|N|12||||H|F|||||" in lines
    assert all(
        any(line.split() == [name, value, "*"] for line in lines) for name, value in (("pH", "7,4"), ("CRP", "12"))
    )


def test_dates_read_as_people_write_them() -> None:
    lines = written(
        report(
            result("Date dernières règles", "2026-10-01", type=ValueType.TEXT),
            result("Heure de la prise", "2026-11-03T07:30:00+01:00", type=ValueType.TEXT),
        )
    )
    assert any(line.split()[-1:] == ["01/10/2026"] for line in lines)
    assert any(line.endswith("03/11/2026 à 07:30") for line in lines)
    assert not any("2026-1" in line for line in lines)


def test_a_withdrawn_value_shows_neither_earlier_results_nor_second_unit() -> None:
    back = result(
        "Sodium",
        "140",
        status="W",
        flags=("H",),
        alt=AltValue(value="141", unit="mEq/L"),
        previous=(PreviousResult(value="142"),),
    )
    text = "\n".join(free_part(written(report(back, GLUCOSE))))
    assert "résultat annulé" in text
    assert not any(number in text for number in ("140", "141", "142"))


def test_a_withdrawn_value_is_never_shown() -> None:
    text = "\n".join(free_part(written(report(result("Sodium", "140", status="D", unit="mmol/L"), GLUCOSE))))
    assert "  Sodium                            résultat annulé" in text
    assert "140" not in text


@pytest.mark.parametrize(
    ("status", "note"), [("P", "Résultat provisoire."), ("R", "Résultat non validé."), ("C", "Résultat corrigé.")]
)
def test_an_unfinished_or_corrected_result_says_so(status: str, note: str) -> None:
    assert f"    {note}" in written(report(result("Sodium", "140", status=status)))


def test_twice_the_same_result_keeps_two_places() -> None:
    own = "Sodium    140\nSodium    140"
    lines = written(report(result("Sodium", "140"), result("Sodium", "140"), text=own))
    coded = [line[:3] for line in lines[lines.index("****LAB****") + 1 : -2]]
    assert coded == ["TEX", "RES", "TEX", "RES"]


def test_a_withdrawn_antibiotic_is_not_printed_as_an_answer() -> None:
    germ = Observation(code=Code(code="G", text="Germe"), type=ValueType.CODED, value="E. coli", status="F")
    kept = Observation(code=Code(code="CTX", text="Céfotaxime"), value="S", flags=("S",), status="C", parent=0)
    gone = Observation(code=Code(code="AMX", text="Amoxicilline"), value="R", flags=("R",), status="D", parent=0)
    lines = written(report(germ, kept, gone))
    assert not any("Résistant" in line or "AMX" in line for line in lines)
    assert any(line.split() == ["Amoxicilline", "résultat", "annulé"] for line in lines)
    assert any(line.strip() == "Résultat corrigé." for line in lines)


def test_what_explains_a_result_stands_below_it() -> None:
    rich = replace(
        GLUCOSE,
        method="Hexokinase",
        kit=Code(code="K1", text="Kit Gluco"),
        performer=Practitioner(organisation="Laboratoire Lointain"),
        previous=(
            PreviousResult(value="1.18", at=date(2024, 1, 12), unit="g/L"),
            PreviousResult(value="6.2", at=date(2023, 6, 3), unit="mmol/L", comparator="<"),
        ),
    )
    lines = free_part(written(report(rich)))
    at = next(n for n, line in enumerate(lines) if "1,32" in line)
    below = [line.strip() for line in lines[at : at + 6]]
    assert "Antériorités : 1,18 le 12/01/2024 ; < 6,2 mmol/L le 03/06/2023" in below
    assert {"Méthode : Hexokinase", "Réactif : Kit Gluco"} <= set(below)
    assert "Examen sous-traité, réalisé par : Laboratoire Lointain" in below


def test_a_measure_off_the_scale_never_reads_as_measured() -> None:
    lines = written(report(replace(GLUCOSE, value="5", flags=("<",), alt=None)))
    assert any("< 5 " in line for line in lines if not line.startswith(("RES", "TEX")))
    [coded] = [line.split("|") for line in lines if line.startswith("RES|")]
    assert coded[3:5] == ["A", "< 5"] and coded[8] == ""
