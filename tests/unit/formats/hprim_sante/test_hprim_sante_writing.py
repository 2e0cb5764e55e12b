"""What the HPRIM Santé writer puts where, case by case, and what it refuses."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dispatcher.clock import PARIS
from dispatcher.errors import RenderError
from dispatcher.formats.base import DocumentIds
from dispatcher.formats.hprim_sante.version import Version
from dispatcher.report.identifiers import InsOid, nir_key
from dispatcher.report.model import (
    Addressee,
    AltValue,
    Attachment,
    Battery,
    Code,
    Handling,
    IdType,
    Ins,
    LocalId,
    Observation,
    Practitioner,
    PreviousResult,
    Report,
    Status,
    ValueType,
)
from tests.unit.formats.hprim_sante.writing import (
    CONTEXT,
    GLUCOSE,
    PATIENT,
    REPORT,
    read_back,
    segments_of,
    text_of,
    with_results,
    write,
)

NIR = "2610729232001"
INS = Ins(matricule=NIR + str(nir_key(NIR)), oid=InsOid.TEST, qualified=True)
QUALIFIED = replace(REPORT, patient=replace(PATIENT, ins=INS, birth_place="29232"))
PDF = b"%PDF-1.7\n%%EOF\n"


def test_the_frame_of_a_message() -> None:
    written = write(REPORT)
    [header], [patient], [trailer] = (segments_of(written, name) for name in ("H", "P", "L"))
    assert header[1] == "~^\\&" and re.fullmatch(r"[A-Z0-9]{8}\.HPR", header[2]) and header[2] == written.file_name
    assert header[4] == "290000017~Laboratoire d'essai" and header[5] == "1 rue du Port~~QUIMPER~~29000"
    assert (header[6], header[11], header[12], header[13]) == ("ORU", "P", "H2.1~C", "20240311193000")
    assert patient[1:9] == ["1", "PT42", "", "", "MARTINEAU~Claire~Anne", "BIHAN", "19610704", "F"]
    assert trailer == ["L", "1", "", "1", "5"]
    assert written.content.endswith(b"\r\n") and b"\n" not in written.content.replace(b"\r\n", b"")
    assert written.media_type == "text/plain; charset=iso-8859-1" and written.companions == ()


@pytest.mark.parametrize(
    ("recipient", "address", "addressee", "field"),
    [
        (Practitioner(id="E001", organisation="EHPAD Les Tilleuls"), "", None, "E001~EHPAD Les Tilleuls"),
        (None, "", Addressee(id="D9", label="Dr PETIT"), "D9~Dr PETIT"),
        (None, "cabinet@dest.test", None, "~cabinet"),
        (None, "", None, "~Non indiqué"),
    ],
)
def test_a_message_always_names_its_receiver(
    recipient: Practitioner | None, address: str, addressee: Addressee | None, field: str
) -> None:
    context = replace(CONTEXT, recipient=recipient, recipient_address=address)
    [header] = segments_of(write(replace(REPORT, addressee=addressee), context), "H")
    assert header[9] == field


def test_a_request_and_its_result() -> None:
    written = write(REPORT)
    [request], [line] = segments_of(written, "OBR"), segments_of(written, "OBX")
    assert (request[2], request[3], request[4]) == ("~D5501", "E9001~B2403110007", "GLYJ~Glycémie à jeun~L")
    assert (request[5], request[7], request[15], request[16]) == (
        "R",
        "20240311074500",
        "~Sérum",
        "10000000009~DR DURAND&Paul~R",
    )
    assert (request[22], request[25]) == ("20240311181500", "F")
    assert line[1:12] == ["1", "NM", "GLYJ~Glycémie à jeun~L", "", "1.32", "g/L", "0.70 - 1.10", "H", "", "", "F"]
    assert line[15] == "BIOCHIMIE~10"


def test_the_same_document_has_the_same_name_and_another_has_another() -> None:
    other = replace(CONTEXT, ids=DocumentIds(document="D-2", set_id="S-1"))
    assert write(REPORT).content == write(REPORT).content
    assert write(REPORT).file_name != write(REPORT, other).file_name
    assert "BIHAN" not in write(REPORT).file_name


@pytest.mark.parametrize(
    ("report", "asked", "written", "ins"),
    [
        (REPORT, None, "H2.1~C", False),
        (QUALIFIED, None, "H2.5~C", True),
        (QUALIFIED, Version.V2_1, "H2.1~C", False),
        (REPORT, Version.V2_5, "H2.5~C", False),
        (replace(REPORT, patient=replace(PATIENT, ins=replace(INS, qualified=False))), None, "H2.1~C", False),
        (replace(REPORT, patient=replace(PATIENT, ins=replace(INS, qualified=False))), Version.V2_5, "H2.5~C", False),
    ],
)
def test_the_version_and_the_ins(report: Report, asked: Version | None, written: str, ins: bool) -> None:
    rendition = write(report, version=asked)
    [header], [patient] = segments_of(rendition, "H"), segments_of(rendition, "P")
    assert header[12] == written
    assert (INS.matricule in text_of(rendition)) is ins
    if ins:
        assert patient[6] == "BIHAN~Claire~Claire Anne"
        assert patient[11] == f"{INS.matricule}~INS-NIR~~~~{InsOid.TEST}"
        assert (patient[34], patient[38]) == ("~29232", "VALI")
        assert read_back(rendition).patient.ins == INS
    else:
        assert read_back(rendition).patient.ins is None


def test_a_billing_number_is_never_written() -> None:
    report = replace(REPORT, patient=replace(PATIENT, nss=INS.matricule))
    for version in Version:
        assert INS.matricule not in text_of(write(report, version=version))


@pytest.mark.parametrize(
    ("change", "kind", "value"),
    [
        ({}, "NM", "1.32"),
        ({"comparator": "<", "value": "0.5"}, "ST", "< 0.5"),
        ({"type": ValueType.TEXT, "value": "absence"}, "ST", "absence"),
        ({"type": ValueType.TEXT, "value": "12"}, "TX", "12"),
        ({"type": ValueType.TEXT, "value": "une\ndeux"}, "TX", "une^deux"),
        ({"type": ValueType.TEXT, "value": "10^6 | A&B"}, "ST", r"10\R\6 \F\ A\T\B"),
        ({"type": ValueType.CODED, "value": "Négatif"}, "CE", "~Négatif"),
        (
            {"type": ValueType.CODED, "value": "Négatif", "value_code": Code(code="NEG", system="L")},
            "CE",
            "NEG~Négatif~L",
        ),
    ],
)
def test_values(change: dict[str, object], kind: str, value: str) -> None:
    written = write(with_results(replace(GLUCOSE, **change)))  # type: ignore[arg-type]
    [line] = segments_of(written, "OBX")
    assert (line[2], line[5]) == (kind, value)
    [back] = read_back(written).observations
    wanted = replace(GLUCOSE, **change)  # type: ignore[arg-type]
    assert (back.type, back.value, back.comparator) == (wanted.type, wanted.value, wanted.comparator)


def test_a_second_unit_stands_below_as_soit() -> None:
    alt = AltValue(value="7.33", unit="mmol/L", low="3.89", high="6.11")
    written = write(with_results(replace(GLUCOSE, alt=alt, comments=("À contrôler.",))))
    first, second = segments_of(written, "OBX")
    assert first[3] == "GLYJ~Glycémie à jeun~L"
    assert second[3:8] == ["GLYJ~soit~L", "U2", "7.33", "mmol/L", "3.89 - 6.11"]
    [back] = read_back(written).observations
    assert back.alt == alt and back.comments == ("À contrôler.",)


@pytest.mark.parametrize(("first", "second"), [("<", "<"), ("", ">="), (">", "")])
def test_a_second_unit_has_its_own_comparator(first: str, second: str) -> None:
    alt = AltValue(comparator=second, value="0.05", unit="mmol/L")
    [back] = read_back(write(with_results(replace(GLUCOSE, comparator=first, alt=alt)))).observations
    assert (back.comparator, back.alt) == (first, alt)


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [("<5", "", "<5"), ("1 000", "2 000", "1 000 - 2 000"), ("1 000", "", "> 1 000"), ("10", "5", "10 - 5")],
)
def test_bounds_that_are_no_plain_numbers_are_written_as_they_are(low: str, high: str, shown: str) -> None:
    one = replace(GLUCOSE, low=low, high=high, range_text="")
    assert segments_of(write(with_results(one)), "OBX")[0][7] == shown


@pytest.mark.parametrize(("kind", "told"), [("PI", []), ("SS", ["identifiers-not-carried"])])
def test_identifiers_without_a_field_are_told(kind: str, told: list[str]) -> None:
    more = (*REPORT.patient.local_ids, LocalId(value="N2", type=kind))
    written = write(replace(REPORT, patient=replace(REPORT.patient, local_ids=more)))
    assert [one.code for one in written.problems] == told


def test_handling_wishes_are_told() -> None:
    written = write(replace(REPORT, handling=Handling(hidden_from_patient=True)))
    assert [one.code for one in written.problems] == ["handling-not-carried"]


def test_two_quotes_are_a_text() -> None:
    [back] = read_back(write(with_results(replace(GLUCOSE, type=ValueType.TEXT, value='""')))).observations
    assert back.value == '""'


def test_what_has_no_field_is_said_in_comments() -> None:
    rich = replace(
        GLUCOSE,
        method="Hexokinase",
        kit=Code(code="K1", text="Kit Gluco"),
        performer=Practitioner(organisation="Laboratoire Lointain"),
        previous=(PreviousResult(value="1.18", at=datetime(2024, 1, 12, tzinfo=UTC), unit="g/L"),),
        range_text="0,70 à 1,10 (adulte à jeun)",
    )
    said = [line[3] for line in segments_of(write(with_results(rich)), "C")]
    assert said == [
        "Valeurs de référence : 0,70 à 1,10 (adulte à jeun)",
        "Antériorité : 1,18 le 12/01/2024",
        "Méthode : Hexokinase",
        "Réactif : Kit Gluco",
        "Examen sous-traité, réalisé par : Laboratoire Lointain",
    ]


def test_an_antibiogram_is_numbered_under_its_germs() -> None:
    germ = Observation(
        code=Code(code="GERME", text="Germe", system="L"), type=ValueType.CODED, value="E. coli", status="F"
    )
    line = Observation(code=Code(code="AMOX", text="Amoxicilline", system="L"), value="R", flags=("R",), status="F")
    report = with_results(
        germ,
        replace(germ, value="K. pneumoniae"),
        replace(line, parent=0),
        replace(line, parent=1, value="S", flags=("S",)),
    )
    written = write(report)
    assert [fields[4] for fields in segments_of(written, "OBX")] == ["1", "2", "1.1", "2.1"]
    assert [one.parent for one in read_back(written).observations] == [None, None, 0, 1]


def test_an_antibiogram_in_a_request_of_its_own_finds_its_germ() -> None:
    germ = Observation(
        code=Code(code="GERME", text="Germe", system="L"), type=ValueType.CODED, value="E. coli", status="F"
    )
    line = Observation(
        code=Code(code="AMOX", text="Amoxicilline", system="L"), value="R", flags=("R",), status="F", parent=0
    )
    culture, tested = (Battery(title=title, observations=(own,)) for title, own in (("Culture", germ), ("Tests", line)))
    other = replace(germ, value="S. aureus")
    report = replace(REPORT, batteries=(culture, replace(culture, observations=(other,)), tested))
    assert [one.parent for one in read_back(write(report)).observations] == [None, None, 0]


def test_documents_lie_beside_the_message_under_neutral_names() -> None:
    trace = Observation(
        code=Code(code="TRACE", text="Tracé", system="L"),
        type=ValueType.DOCUMENT,
        document=Attachment(media_type="application/pdf", content=PDF, name="BIHAN_Claire.pdf"),
    )
    note = Attachment(media_type="text/plain", content=b"note", name="note.txt")
    report = replace(with_results(GLUCOSE, trace), documents=(note,))
    written = write(report)
    stem = written.file_name[:8]
    assert [companion.name for companion in written.companions] == [f"{stem}.PDF", f"{stem[:5]}001.TXT"]
    assert [line[5] for line in segments_of(written, "OBX") if line[2] == "FIC"] == [
        f"~{stem}.PDF~PDF",
        f"~{stem[:5]}001.TXT~TXT",
    ]
    assert b"BIHAN_Claire" not in written.content
    assert [document.content for document in read_back(written).documents] == [PDF, b"note"]


@pytest.mark.parametrize(
    ("status", "ids", "order", "result", "value", "said"),
    [
        (Status.FINAL, {}, "F", "F", "1.32", []),
        (Status.FINAL, {"version": 2}, "F", "F", "1.32", ["annule et remplace"]),
        (Status.PARTIAL, {}, "P", "P", "1.32", ["PARTIEL"]),
        (Status.CORRECTED, {"version": 3}, "C", "C", "1.32", ["version 3", "annule et remplace"]),
        (Status.CANCELLED, {"version": 2}, "X", "D", "", ["ANNULÉ", "ne pas tenir compte"]),
    ],
)
def test_status_and_what_is_said_of_it(
    status: Status, ids: dict[str, int], order: str, result: str, value: str, said: list[str]
) -> None:
    report = replace(with_results(replace(GLUCOSE, status="")), status=status)
    report = replace(report, batteries=(replace(report.batteries[0], status=""),))
    context = replace(CONTEXT, ids=DocumentIds(document="D-9", set_id="S-1", **ids))
    written = write(report, context)
    [request], [line] = segments_of(written, "OBR"), segments_of(written, "OBX")
    assert (request[25], line[11], line[5]) == (order, result, value)
    notices = " ".join(fields[3] for fields in segments_of(written, "C"))
    assert all(word in notices for word in said) and bool(notices) is bool(said)
    assert read_back(written).status is status


def test_a_withdrawal_bears_the_key_the_result_was_sent_under() -> None:
    germ = Observation(code=Code(text="Germe"), type=ValueType.CODED, value="E. coli", status="F")
    line = Observation(code=Code(code="AMOX", text="Amoxicilline"), value="R", flags=("R",), status="F", parent=0)
    sent = with_results(GLUCOSE, germ, replace(line, parent=1))
    taken_back = replace(sent, status=Status.CANCELLED)

    def keys(report: Report) -> list[tuple[str, str]]:
        return [(fields[3], fields[4]) for fields in segments_of(write(report), "OBX")]

    assert keys(sent) == keys(taken_back)


def test_a_trial_laboratory_marks_its_messages() -> None:
    neutral = replace(CONTEXT, laboratory=replace(CONTEXT.laboratory, neutral=True))
    written = write(REPORT, neutral)
    assert segments_of(written, "H")[0][11] == "T"
    assert "DOCUMENT D'ESSAI" in segments_of(written, "C")[0][3]


def test_the_hour_that_autumn_brings_twice() -> None:
    twice = [datetime(2024, 10, 27, 2, 30, tzinfo=PARIS, fold=fold) for fold in (0, 1)]
    for when in twice:
        back = read_back(write(replace(REPORT, reported_at=when))).reported_at
        assert isinstance(back, datetime) and back.astimezone(UTC) == when.astimezone(UTC)


def test_long_lines_go_on_in_a_lines_cut_at_a_field() -> None:
    report = replace(REPORT, comments=("mot " * 100,))
    lines = write(report).content.decode("latin-1").split("\r\n")
    assert max(map(len, lines)) <= 220 and any(line.startswith("A|") for line in lines)
    assert all(line == line.strip() for line in lines)
    wide = replace(REPORT, copies=tuple(Practitioner(id=f"C{n}", family=f"CORRESPONDANT{n}") for n in range(9)))
    cut = [line for line in write(wide).content.decode("latin-1").split("\r\n") if line.startswith("A|")]
    assert cut and len(read_back(write(wide)).copies) == 9


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (replace(REPORT, patient=replace(PATIENT, birth_name="", used_name="")), "incomplete-identity"),
        (replace(REPORT, patient=replace(PATIENT, birth_name="12", used_name="")), "incomplete-identity"),
        (replace(REPORT, patient=replace(PATIENT, given_names=())), "incomplete-identity"),
        (replace(REPORT, patient=replace(PATIENT, birth_date=None)), "incomplete-identity"),
        (replace(REPORT, batteries=()), "no-medical-content"),
        (with_results(replace(GLUCOSE, type=ValueType.TEXT, value="漢")), "character-not-encodable"),
    ],
)
def test_refuses_what_nobody_could_file(report: Report, code: str) -> None:
    with pytest.raises(RenderError) as refused:
        write(report)
    assert refused.value.code == code and "BIHAN" not in str(refused.value)


def test_a_lunar_birth_date_goes_as_it_is() -> None:
    lunar = replace(REPORT, patient=replace(PATIENT, birth_date=None, birth_date_raw="19610000"))
    assert read_back(write(lunar)).patient.birth_date_raw == "19610000"


def test_structures_and_local_codes_of_correspondents() -> None:
    copies = (
        Practitioner(
            id="290000017", id_type=IdType.FINESS, organisation="EHPAD Les Tilleuls", organisation_id="290000017"
        ),
        Practitioner(id="D001", family="LE GALL", given="Anne", organisation="Service de médecine"),
        Practitioner(organisation="Pharmacie du Port"),
    )
    for version in Version:
        assert read_back(write(replace(REPORT, copies=copies), version=version)).copies == copies
