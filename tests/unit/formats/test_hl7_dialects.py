"""How laboratories and vendors of many countries write their results: shapes met in public messages."""

from __future__ import annotations

import pytest

from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.report.model import Report, Severity, Status

MSH = "MSH|^~\\&|LIS|LAB|||20260509120000||ORU^R01^ORU_R01|M1|P|2.5.1"
PID = "PID|1||P1^^^LAB^PI||ESSAI^Zoé||19800101|F"


def read(*segments: str, end: str = "\r") -> ReadResult:
    return registry.read((end.join(segments) + end).encode(), ReadContext(file_name="a.hl7"))


def one(*segments: str, msh: str = MSH) -> Report:
    result = read(msh, PID, *segments)
    assert len(result.reports) == 1, [p.message for p in result.problems]
    return result.reports[0]


def obr(
    code: str = "A^Analyse^L", status: str = "F", parent: str = "", link: str = "", number: str = "F1", more: str = ""
) -> str:
    cells = ["OBR", "1", "", number, code, *[""] * 25]
    cells[7], cells[16], cells[22], cells[25], cells[26], cells[29] = (
        "20260508",
        "D1^A^B",
        "20260509",
        status,
        parent,
        link,
    )
    return "|".join(cells) + more


def obx(kind: str, value: str, *, code: str = "A^Analyse^L", sub: str = "", flags: str = "", rest: str = "") -> str:
    return f"OBX|1|{kind}|{code}|{sub}|{value}|g/L|{rest}|{flags}|||F"


# ------------------------------------------------------------------------------------------------ values


@pytest.mark.parametrize(
    ("kind", "raw", "type_", "comparator", "value"),
    [
        ("SN", "^182", "numeric", "", "182"),
        ("SN", ">^100", "numeric", ">", "100"),
        ("SN", "=^16", "numeric", "", "16"),
        ("SN", ">=^1,5", "numeric", ">=", "1.5"),
        ("SN", "^100^-^200", "text", "", "100-200"),
        ("SN", "^1^:^128", "text", "", "1:128"),
        ("SN", "^2^+", "text", "", "2+"),
        ("SN", "=^8^/^152", "text", "", "8/152"),
        ("SN", "<>^3", "text", "", "<>3"),
        ("SN", "103.4", "numeric", "", "103.4"),
        ("SN", "<5", "numeric", "<", "5"),
        ("NM", "1,2~< 1.4", "text", "", "1.2\n<1.4"),
        ("NM", '""', "text", "", ""),
        ("NM", "+12", "numeric", "", "12"),
        ("TS", "20260509103000+0100", "text", "", "2026-05-09T10:30:00+01:00"),
        ("DTM", "202605091030", "text", "", "2026-05-09T10:30:00+02:00"),
        ("DT", "20260509", "text", "", "2026-05-09"),
        ("TM", "1030", "text", "", "10:30"),
        ("CE", "POS^Positif^L~FAI^Faiblement^L", "coded", "", "Positif\nFaiblement"),
        ("CWE", "^^^^^^^^Texte original", "coded", "", "Texte original"),
        ("CWE", "LA21325-8^A^LN^A1^Groupe A^L", "coded", "", "A"),
        ("", "POS^Positif^L", "coded", "", "Positif"),
        ("", "texte libre ^ avec chapeau", "text", "", "texte libre ^ avec chapeau"),
        ("", "12.5", "numeric", "", "12.5"),
        ("TX", "ligne 1~ligne 2", "text", "", "ligne 1\nligne 2"),
        ("FT", "ligne 1\\.br\\ligne 2\\T\\fin", "text", "", "ligne 1\nligne 2&fin"),
        ("XPN", "NOM^Prénom", "text", "", "NOM Prénom"),
    ],
)
def test_values(kind: str, raw: str, type_: str, comparator: str, value: str) -> None:
    (found,) = one(obr(), obx(kind, raw)).observations
    assert (found.type.value, found.comparator, found.value) == (type_, comparator, value)


@pytest.mark.parametrize(
    ("text", "bounds"),
    [("70_105", ("70", "105")), ("4.0^10.0", ("4.0", "10.0")), ("135 - 145", ("135", "145")), ("A_B", ("", ""))],
)
def test_ranges(text: str, bounds: tuple[str, str]) -> None:
    (found,) = one(obr(), obx("NM", "5", rest=text)).observations
    assert (found.low, found.high, found.range_text) == (*bounds, text.replace("^", " - "))


def test_method_and_its_code() -> None:
    (found,) = one(obr(), obx("NM", "5") + "|||20260508||BIO^ESSAI^Camille|ENZ^Enzymatique^99LAB").observations
    assert (found.method, found.method_code and found.method_code.code, found.validated_by) == (
        "Enzymatique",
        "ENZ",
        "ESSAI Camille",
    )


# ------------------------------------------------------------------------------------------------ status


@pytest.mark.parametrize(("order", "control"), [("X", "RE"), ("F", "CA"), ("F", "OC")])
def test_a_cancelled_order_with_validated_results_waits(order: str, control: str) -> None:
    told = one(f"ORC|{control}||F1", obr(status=order), obx("NM", "5")).problems
    assert [(p.code, p.severity) for p in told] == [("mixed-status", Severity.ERROR)]


def test_a_cancelled_order_says_why() -> None:
    found = one("ORC|CA||F1", obr(status="X"), "OBX|1|NM|A^Analyse^L||||||||X", "NTE|1||Tube coagulé")
    assert (found.status, found.problems) == (Status.CANCELLED, ())
    assert found.observations[0].comments == ("Tube coagulé",)


# ------------------------------------------------------------------------------------------------ comments


def test_where_comments_go() -> None:
    result = read(
        MSH,
        "NTE|1||message",
        PID,
        "PD1||||D9^MEDECIN^Traitant",
        "NTE|1||patient",
        "PV1|1|O",
        "ORC|RE||F1",
        "NTE|1||avant OBR",
        obr(),
        "NTE|1||sous OBR",
        obx("NM", "5"),
        "NTE|1||sous OBX~suite",
        "NTE|2||encore",
        "SPM|1|||SER^Sérum^L",
        "NTE|1||sous SPM",
        obx("NM", "6", code="B^b^L"),
        "NTE|1||sous OBX 2",
    )
    (report,) = result.reports
    (battery,) = report.batteries
    assert report.comments == ("message", "patient")
    assert battery.comments == ("avant OBR", "sous OBR", "sous SPM")
    assert [o.comments for o in report.observations] == [("sous OBX\nsuite", "encore"), ("sous OBX 2",)]


def test_a_comment_under_a_repeated_pid_is_about_the_patient() -> None:
    (report,) = read(MSH, PID, obr(), obx("NM", "5"), PID, "NTE|1||du patient", obr("B^b^L"), obx("NM", "6")).reports
    assert report.comments == ("du patient",)
    assert not any(o.comments for o in report.observations)


# ------------------------------------------------------------------------------------------------ people


def test_copies_by_role_and_by_participation() -> None:
    found = one(
        "ORC|RE||F1",
        obr(),
        obx("NM", "5"),
        "ROL|1|UC|RCT|D2^COPIE^Deux",
        "ROL|2|UC|AT|D3^SOIGNANT^Trois",
        "PRT||UC||RCT|D4^COPIE^Quatre",
        "PRT||UC||SB|D5^EMETTEUR^Cinq",
    )
    assert [one.id for one in found.copies] == ["D2", "D4"]


# ------------------------------------------------------------------------------------------------ microbiology

ORGANISMS = (
    obx("CWE", "66543000^Campylobacter jejuni^SCT", code="625-4^Bactéries^LN", sub="1"),
    obx("CWE", "302620005^Salmonella^SCT", code="625-4^Bactéries^LN", sub="2"),
)


@pytest.mark.parametrize(
    ("parent", "index"),
    [
        ("625-4&Bactéries&LN^2", 1),
        ("625-4&Bactéries&LN^^Salmonella", 1),
        ("625-4&Bactéries&LN^^campylobacter  JEJUNI", 0),
        ("625-4&Bactéries&LN", None),
        ("625-4&Bactéries&LN^^Shigella", None),
        ("^1", 0),
    ],
)
def test_an_antibiogram_by_its_parent_result(parent: str, index: int | None) -> None:
    link = "PL-1&&1.2&ISO^F1&&1.3&ISO"
    found = one(
        obr("625-4^Culture^LN"),
        *ORGANISMS,
        obr("50545-3^ATB^LN", parent=parent, link=link, number="F2"),
        obx("ST", "S", code="28-1^Ampicilline^LN"),
    )
    assert found.observations[2].parent == index


@pytest.mark.parametrize("mark", [".", "-", "/"])
def test_two_isolates_in_one_battery(mark: str) -> None:
    found = one(
        obr(),
        obx("CE", "SAU^Staphylococcus aureus^L", code="ORG^Germe^L", sub="1"),
        obx("CE", "ECO^Escherichia coli^L", code="ORG^Germe^L", sub="2"),
        obx("ST", "S", code="VAN^Vancomycine^L", sub=f"1{mark}1"),
        obx("ST", "R", code="AMX^Amoxicilline^L", sub=f"2{mark}1"),
    )
    assert [o.parent for o in found.observations] == [None, None, 0, 1]


# ------------------------------------------------------------------------------------------------ envelopes


def test_oul_r22_reads_like_an_oru() -> None:
    msh = MSH.replace("ORU^R01^ORU_R01", "OUL^R22^OUL_R22")
    found = one(
        "PV1||O",
        "SPM|1|E1||BLDV^Sang veineux^HL70487|||||||||||||20260508080000",
        obr("NFS^Numération^L", number=""),
        "ORC|RE|PL1|F1",
        obx("NM", "8.2", code="718-7^Hb^LN"),
        obr("IONO^Ionogramme^L", number=""),
        "ORC|RE|PL2|F2",
        obx("NM", "140", code="2951-2^Na^LN"),
        "SPM|2|E2||UR^Urines^HL70487",
        obr("ECBU^ECBU^L", number=""),
        "ORC|RE|PL3|F3",
        obx("ST", "Négatif", code="C^Culture^L"),
        msh=msh,
    )
    assert [b.specimen and b.specimen.code for b in found.batteries] == ["BLDV", "BLDV", "UR"]
    assert [len(b.observations) for b in found.batteries] == [1, 1, 1]
    assert (found.order.filler, found.order.placer) == ("F1", "PL1")


@pytest.mark.parametrize(
    "version", ["2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5^FRA^2.11", "2.6", "2.7", "2.8.2", "2.9", ""]
)
@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_every_version_and_line_end(version: str, end: str) -> None:
    result = read(MSH.replace("2.5.1", version), PID, obr(), obx("NM", "5"), end=end)
    assert [o.value for o in result.reports[0].observations] == ["5"]
    assert not result.problems


@pytest.mark.parametrize("declared", ["^~\\&#", "^~\\&", "*!?%"])
def test_separators_of_the_sender_s_own(declared: str) -> None:
    component, repetition = declared[0], declared[1]
    lines = [MSH.replace("^~\\&", "@@"), PID, obr(), obx("CE", "POS^Positif^L~X^Faible^L")]
    lines = [line.replace("^", component).replace("~", repetition) for line in lines]
    lines[0] = lines[0].replace("@@", declared)
    (report,) = read(*lines).reports
    assert report.observations[0].value == "Positif\nFaible"
    assert report.patient.local_ids[0].authority == "LAB"
