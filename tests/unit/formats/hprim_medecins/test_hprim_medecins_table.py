"""One table of HPRIM Médecins files drives reading and writing; everybody in it is invented.

A row says what the file holds and what must be understood. A row marked ``canonical`` is in the form we write: the
report read from it must be written back as the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pytest

from dispatcher.formats.base import DocumentIds, LaboratoryIdentity, ReadContext, WriteContext
from dispatcher.formats.hprim_medecins.check import check
from dispatcher.formats.hprim_medecins.reader import HprimMedecinsReader
from dispatcher.formats.hprim_medecins.writer import HprimMedecinsWriter
from dispatcher.report.model import Address, Practitioner, Severity

LAB = LaboratoryIdentity(
    name="Laboratoire Boizé",
    finess="290000017",
    oid="1.2.250.1.999.7",
    address=Address(lines=("3 quai de l'Odet",), postcode="29000", town="QUIMPER"),
    phone="02 98 00 00 00",
    biologist=Practitioner(family="LE GALL", given="Anne", title="Dr"),
)
CONTEXT = WriteContext(
    laboratory=LAB,
    ids=DocumentIds(document="7A1E0000-0000-4000-8000-000000000001", set_id="S1"),
    created_at=datetime(2024, 3, 11, 18, 30, tzinfo=UTC),
)
HEADER = [
    "P0000042",
    "MARTINEAU",
    "CLAIRE",
    "12 RUE DES LILAS",
    "",
    "29000 QUIMPER",
    "04/07/1961",
    "2610729232001 46",
    "B240311-0007",
    "11/03/2024",
    "LABOIZE    Laboratoire Boizé",
    "D001       Dr DURAND Paul",
]
GLUCOSE = "   GLYCEMIE A JEUN            1,32 * g/l      0,70 a 1,10"
TEXT = [GLUCOSE, "                              7,33   mmol/l   3,89 a 6,11"]
RES = "RES|GLYCEMIE A JEUN|GLYJ|N|1.32|g/l|0.70|1.10|H|F|7.33|mmol/l|3.89|6.11|"
TAIL = ["****FIN****", "****FINFICHIER****"]


def header(**changes: str) -> list[str]:
    """The usual header with some lines replaced: ``header(l7="")``."""
    lines = list(HEADER)
    for place, text in changes.items():
        lines[int(place[1:]) - 1] = text
    return lines


def coded(*lines: str) -> list[str]:
    return ["****LAB****", *lines]


@dataclass(frozen=True)
class Row:
    name: str
    lines: list[str]
    reads: dict[str, Any] = field(default_factory=dict)
    problems: frozenset[str] = frozenset()
    readable: bool = True
    canonical: bool = False
    end: str = "\r\n"
    encoding: str = "iso-8859-1"

    @property
    def data(self) -> bytes:
        return "".join(line + self.end for line in self.lines).encode(self.encoding)


USUAL = {
    "patient.birth_name": "MARTINEAU",
    "patient.first_given": "CLAIRE",
    "patient.birth_date": date(1961, 7, 4),
    "patient.sex": "F",
    "patient.nss": "261072923200146",
    "patient.ins": None,
    "patient.local_ids.0.value": "P0000042",
    "patient.address.postcode": "29000",
    "patient.address.town": "QUIMPER",
    "order.filler": "B240311-0007",
    "reported_at": date(2024, 3, 11),
    "laboratory.id": "LABOIZE",
    "laboratory.name": "Laboratoire Boizé",
    "addressee.id": "D001",
    "addressee.label": "Dr DURAND Paul",
}
SURE = {
    name: USUAL[name]
    for name in (
        "patient.birth_name",
        "patient.first_given",
        "patient.birth_date",
        "patient.local_ids.0.value",
        "reported_at",
        "laboratory.id",
        "addressee.id",
    )
} | {"observations.0.value": "1.32"}
"""What must hold whichever other line of the header is missing."""
WHOLE = [*HEADER, "", *TEXT, "", *coded(*(f"TEX|{t}" for t in TEXT), RES), *TAIL]

ROWS = [
    Row(
        "text and one result in two units",
        WHOLE,
        USUAL
        | {
            "text": "\n".join(TEXT),
            "observations.0.code.text": "GLYCEMIE A JEUN",
            "observations.0.code.code": "GLYJ",
            "observations.0.type": "numeric",
            "observations.0.value": "1.32",
            "observations.0.unit": "g/l",
            "observations.0.low": "0.70",
            "observations.0.high": "1.10",
            "observations.0.flags": ("H",),
            "observations.0.status": "F",
            "observations.0.alt.value": "7.33",
            "observations.0.alt.unit": "mmol/l",
            "observations.0.alt.low": "3.89",
            "observations.0.alt.high": "6.11",
            "status": "final",
        },
        canonical=True,
    ),
    Row(
        "text only",
        [*HEADER, "", "  Frottis : absence de cellules suspectes.", *TAIL],
        {"text": "  Frottis : absence de cellules suspectes.", "batteries": ()},
    ),
    Row(
        "text only, repeated for receivers that show nothing without a coded section",
        [
            *HEADER,
            "",
            "  Frottis : absence de cellules suspectes.",
            "",
            *coded("TEX|  Frottis : absence de cellules suspectes."),
            *TAIL,
        ],
        {"text": "  Frottis : absence de cellules suspectes.", "batteries": ()},
        canonical=True,
    ),
    Row(
        "words, coded words, a comparator kept as text",
        [
            *HEADER,
            "",
            "ASPECT DU SERUM        Limpide",
            "CRP                    < 0.12 mg/l",
            "GROUPE                 A POS",
            "",
            *coded(
                "TEX|ASPECT DU SERUM        Limpide",
                "RES|ASPECT DU SERUM|ASP|A|Limpide|||||F|||||",
                "TEX|CRP                    < 0.12 mg/l",
                "RES|CRP|CRPS|A|< 0.12 mg/l|||||F|||||",
                "TEX|GROUPE                 A POS",
                "RES|GROUPE|GRP|C|A POS|||||C|||||",
            ),
            *TAIL,
        ],
        {
            "observations.0.type": "text",
            "observations.0.value": "Limpide",
            "observations.1.type": "text",
            "observations.1.value": "< 0.12 mg/l",
            "observations.1.comparator": "",
            "observations.2.type": "coded",
            "observations.2.value": "A POS",
            "status": "corrected",
        },
    ),
    Row(
        "no thirteenth blank line",
        [*HEADER, *TEXT, *coded(f"TEX|{GLUCOSE}", RES), *TAIL],
        USUAL | {"text": "\n".join(TEXT), "observations.0.value": "1.32"},
    ),
    Row("LF line ends", WHOLE, USUAL, end="\n"),
    Row("CR line ends of old Macs", WHOLE, USUAL, end="\r"),
    Row("UTF-8", WHOLE, USUAL, encoding="utf-8"),
    Row("UTF-8 with mark", WHOLE, USUAL, encoding="utf-8-sig"),
    Row("UTF-16 with mark", WHOLE, USUAL, encoding="utf-16"),
    Row("mail marker before the header", ["[apicrypt]", *WHOLE], USUAL),
    Row("blank line before the header", ["", *WHOLE], USUAL),
    Row(
        "first line left out",
        WHOLE[1:],
        {"patient.birth_name": "MARTINEAU", "patient.birth_date": date(1961, 7, 4), "patient.local_ids": ()},
        frozenset({"header-shifted"}),
    ),
    *(
        Row(
            f"header line {number} left out",
            [*WHOLE[: number - 1], *WHOLE[number:]],
            SURE,
            frozenset({"header-shifted"}),
        )
        for number in (4, 5, 6, 8, 9)
    ),
    Row("address left out", [*WHOLE[:3], *WHOLE[6:]], SURE, frozenset({"header-shifted"})),
    Row("number and order left out", [*WHOLE[:7], *WHOLE[9:]], SURE, frozenset({"header-shifted"})),
    Row("address on four lines", [*WHOLE[:5], "BP 12", *WHOLE[5:]], SURE, frozenset({"header-shifted"})),
    Row("no given name line", [*WHOLE[:2], *WHOLE[3:]], {}, frozenset({"header-shifted", "header-doubtful"})),
    Row("no name line", [*WHOLE[:1], *WHOLE[2:]], {}, frozenset({"header-shifted", "header-doubtful"})),
    Row("line 1 in columns", [*header(l1=f"LABOIZE{'DURA':>40}"), *WHOLE[12:]], {"patient.local_ids": ()}),
    Row(
        "mail preamble before the header",
        ["Bonjour,", "", "Veuillez trouver ci-dessous un résultat.", "", *WHOLE],
        USUAL,
        frozenset({"header-shifted"}),
    ),
    Row("marker with a leading blank", [*HEADER, "", GLUCOSE, " ****LAB****", RES, "  ****FIN****", TAIL[1]], USUAL),
    Row("markers in lower case with blanks", [*HEADER, "", GLUCOSE, "**** fin ****", "****fin fichier****"], USUAL),
    Row(
        "birth date with two-digit year before the report",
        [*header(l7="04/07/61"), *WHOLE[12:]],
        {"patient.birth_date": date(1961, 7, 4)},
        frozenset({"two-digit-year"}),
    ),
    Row(
        "birth date with two-digit year of a child",
        [*header(l7="04/07/19"), *WHOLE[12:]],
        {"patient.birth_date": date(2019, 7, 4), "patient.sex": "U"},
        frozenset({"two-digit-year"}),
    ),
    Row(
        "birth date as ISO",
        [*header(l7="1961-07-04"), *WHOLE[12:]],
        {"patient.birth_date": date(1961, 7, 4)},
        frozenset({"date-form"}),
    ),
    Row(
        "birth date without slashes",
        [*header(l7="04071961"), *WHOLE[12:]],
        {"patient.birth_date": date(1961, 7, 4)},
        frozenset({"date-form"}),
    ),
    Row(
        "pseudo month in the birth date",
        [*header(l7="04/42/1961"), *WHOLE[12:]],
        {"patient.birth_date": None, "patient.birth_date_raw": "04/42/1961"},
        frozenset({"birth-date-not-calendar"}),
    ),
    Row(
        "no birth date",
        [*header(l7=""), *WHOLE[12:]],
        {"patient.birth_date": None, "patient.birth_name": "MARTINEAU"},
        frozenset({"missing-birth-date"}),
    ),
    Row(
        "unreadable birth date",
        [*header(l7="inconnue"), *WHOLE[12:]],
        {"patient.birth_date": None, "patient.birth_date_raw": "inconnue"},
        frozenset({"unreadable-birth-date"}),
    ),
    Row(
        "no given name",
        [*header(l3=""), *WHOLE[12:]],
        {"patient.given_names": (), "patient.birth_name": "MARTINEAU"},
        frozenset({"missing-first-given"}),
    ),
    Row(
        "report date of two digits",
        [*header(l10="11/03/24"), *WHOLE[12:]],
        {"reported_at": date(2024, 3, 11)},
        frozenset({"date-form"}),
    ),
    Row(
        "report date inside words",
        [*header(l10="le 11/03/2024 (urgent)"), *WHOLE[12:]],
        {"reported_at": date(2024, 3, 11)},
        frozenset({"date-form"}),
    ),
    Row(
        "no report date",
        [*header(l10=""), *WHOLE[12:]],
        {"reported_at": None, "patient.birth_date": date(1961, 7, 4)},
        frozenset({"missing-report-date"}),
    ),
    Row(
        "number of the insured, not of the patient",
        [*header(l8="1351229232001 92"), *WHOLE[12:]],
        {"patient.nss": "135122923200192", "patient.sex": "U", "patient.ins": None},
    ),
    Row(
        "number with a wrong key",
        [*header(l8="261072923200147"), *WHOLE[12:]],
        {"patient.nss": "261072923200147", "patient.sex": "F"},
        frozenset({"nss-key"}),
    ),
    Row(
        "maiden name on line 2",
        [*header(l2="MARTINEAU NEE BIHAN"), *WHOLE[12:]],
        {"patient.birth_name": "BIHAN", "patient.used_name": "MARTINEAU"},
        frozenset({"two-names"}),
    ),
    Row(
        "two zeros mean no norms",
        [*HEADER, "", "TSH 2,1", *coded("RES|TSH|TSH|N|2.1|mUI/l|0|0|N|F"), *TAIL],
        {"observations.0.low": "", "observations.0.high": "", "observations.0.flags": ("N",)},
    ),
    Row(
        "a lower norm of zero is a norm",
        [*HEADER, "", "IGE 164", *coded("RES|IGE|IGE|N|164|UI/ml|0|3000|N|F"), *TAIL],
        {"observations.0.low": "0", "observations.0.high": "3000"},
    ),
    Row(
        "comma, blank between thousands, star, comparator in a number",
        [
            *HEADER,
            "",
            "texte",
            *coded("RES|A|A|N|1,32|g/l", "RES|B|B|N|4 450 000|/mm3", "RES|C|C|N|12.9*|g/dl", "RES|D|D|N|> 90|ml/min"),
            *TAIL,
        ],
        {
            "observations.0.value": "1.32",
            "observations.1.value": "4450000",
            "observations.2.value": "12.9",
            "observations.3.value": "90",
            "observations.3.comparator": ">",
        },
        frozenset({"number-form"}),
    ),
    Row(
        "words where a number was announced",
        [*HEADER, "", "texte", *coded("RES|HIV|HIV|N|négatif||||N|F"), *TAIL],
        {"observations.0.type": "text", "observations.0.value": "négatif"},
        frozenset({"not-a-number"}),
    ),
    Row(
        "norms in one field, norms in words",
        [
            *HEADER,
            "",
            "texte",
            *coded("RES|K|K|N|4.2|mmol/l|3,5-5,1|||F", "RES|L|L|N|4.2|mmol/l|selon l'âge|||F"),
            *TAIL,
        ],
        {
            "observations.0.low": "3.5",
            "observations.0.high": "5.1",
            "observations.0.range_text": "3,5-5,1",
            "observations.1.low": "",
            "observations.1.range_text": "selon l'âge",
        },
        frozenset({"norms-in-words"}),
    ),
    Row(
        "second unit on a line of its own",
        [*HEADER, "", "texte", *coded("RES|GLU|GLU|N|1.4|g/l|0.7|1.1|H|F", "RES|soit||N|7.8|mmol/l|3.9|6.1"), *TAIL],
        {"observations.0.alt.value": "7.8", "observations.0.alt.unit": "mmol/l", "observations.1": None},
    ),
    Row(
        "second units below a limit, on the line and on a line of their own",
        [
            *HEADER,
            "",
            "texte",
            *coded(
                "RES|GLU|GLU|N|1.4|g/l|||H|F|<0,05|mmol/l|||",
                "RES|TSH|TSH|N|1.4|mUI/l|||H|F",
                "RES|soit||N|< 7.8|µUI/ml||",
            ),
            *TAIL,
        ],
        {
            "observations.0.alt.comparator": "<",
            "observations.0.alt.value": "0.05",
            "observations.1.alt.comparator": "<",
            "observations.1.alt.value": "7.8",
        },
        frozenset({"second-unit-line"}),
    ),
    Row(
        "a line with only a code carries the text above it",
        [
            *HEADER,
            "",
            "IGE 164",
            "  adultes : 0 a 100",
            *coded("TEX|IGE 164", "RES|IGE|IGE0|N|164", "TEX|  adultes : 0 a 100", "RES||IGE5|A"),
            *TAIL,
        ],
        {"observations.1.code.code": "IGE5", "observations.1.value": "adultes : 0 a 100"},
    ),
    Row(
        "a result cut after three fields stays readable",
        [*HEADER, "", "texte", *coded("RES|GLU|GLU", "RES|NA|NA|N|140"), *TAIL],
        {"observations.0.code.code": "NA", "observations.1": None, "comments": ("RES|GLU|GLU",)},
        frozenset({"short-result-line"}),
    ),
    Row(
        "chapters and titles from the printed lines",
        [
            *HEADER,
            "",
            *coded(
                "TEX|                    H E M A T O L O G I E",
                "TEX|HEMOGRAMME",
                "TEX|LEUCOCYTES   2.920",
                "RES|LEUCOCYTES|GB|N|2920",
                "TEX|               M A R Q U E U R S  -  V I T A M I N E S",
                "TEX|CA 15-3   20,4",
                "RES|CA 15-3|CA|N|20.4",
            ),
            *TAIL,
        ],
        {
            "batteries.0.chapter": "HEMATOLOGIE",
            "batteries.0.title": "HEMOGRAMME",
            "batteries.1.chapter": "MARQUEURS - VITAMINES",
            "batteries.2": None,
        },
    ),
    Row(
        "coded lines without their marker",
        [*HEADER, "", "Texte libre", "TEX|NA 140", "RES|NA|NA|N|140|mmol/l", *TAIL],
        {"observations.0.value": "140", "text": "Texte libre\n\nNA 140"},
        frozenset({"missing-lab-marker"}),
    ),
    Row(
        "HTML in the text",
        [*HEADER, "", "R&eacute;sultat<br />n&#233;gatif", *coded("RES|R&eacute;sultat|R|A|n&eacute;gatif"), *TAIL],
        {"text": "Résultat\nnégatif", "observations.0.code.text": "Résultat", "observations.0.value": "négatif"},
        frozenset({"html-in-text"}),
    ),
    Row(
        "HTML entities in names, a pipe hidden in one",
        [*header(l3="EL&Eacute;ONORE"), "", "texte", *coded("RES|A&#124;B|AB|A|x&#10;y|||||F"), *TAIL],
        {
            "patient.first_given": "ELÉONORE",
            "observations.0.code.text": "A/B",
            "observations.0.code.code": "AB",
            "observations.0.value": "x y",
        },
        frozenset({"html-in-text"}),
    ),
    Row(
        "an opening bracket is not HTML",
        [*HEADER, "", "SODIUM a<b> 140", *TAIL],
        {"text": "SODIUM a<b> 140"},
    ),
    Row(
        "unvalidated result makes a partial report",
        [*HEADER, "", "NA 140", *coded("RES|NA|NA|N|140|mmol/l||||R"), *TAIL],
        {"status": "partial", "observations.0.status": "R"},
    ),
    Row(
        "signature after the end",
        [*WHOLE, "", "-- ", "Secrétariat"],
        {"comments": ("--\nSecrétariat",)},
        frozenset({"text-after-end"}),
    ),
    Row("markers swapped", [*HEADER, "", GLUCOSE, *reversed(TAIL)], USUAL, frozenset({"markers-swapped"})),
    Row("end of file marker only", [*HEADER, "", GLUCOSE, TAIL[1]], USUAL, frozenset({"missing-fin"})),
    Row("truncated in the text", WHOLE[:14], USUAL, frozenset({"truncated"}), readable=False),
    Row("truncated in the coded part", WHOLE[:-2], USUAL, frozenset({"truncated"}), readable=False),
    Row(
        "two reports of which the first lost its end",
        [*WHOLE[:-2], *header(l1="P77", l2="BERNARD"), *WHOLE[12:]],
        {"patient.birth_name": "MARTINEAU", "observations.1": None},
        frozenset({"missing-end-marker"}),
        readable=False,
    ),
    Row(
        "a second coded section in one report",
        [*WHOLE[:-2], "****LAB****", RES, *TAIL],
        {},
        frozenset({"second-coded-section"}),
        readable=False,
    ),
]


def get(value: Any, path: str) -> Any:
    """``get(report, "observations.0.value")``; None when an index is past the end."""
    for part in path.split("."):
        if value is None:
            return None
        if part.isdigit():
            value = value[int(part)] if int(part) < len(value) else None
        else:
            value = getattr(value, part)
    return value


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_reads_what_the_table_says(row: Row) -> None:
    result = HprimMedecinsReader().read(row.data, ReadContext())
    assert result.format == "hprim-medecins"
    assert result.readable is row.readable, result.problems
    report = result.reports[0]
    assert {path: get(report, path) for path in row.reads} == row.reads
    codes = {problem.code for problem in (*result.problems, *report.problems)}
    assert row.problems <= codes
    assert row.problems or not codes - {"missing-finfichier", "two-names", "second-unit-line"}, codes


@pytest.mark.parametrize("row", [row for row in ROWS if row.canonical], ids=lambda row: row.name)
def test_writes_back_the_same_bytes(row: Row) -> None:
    report = HprimMedecinsReader().read(row.data, ReadContext()).reports[0]
    rendition = HprimMedecinsWriter().write(report, CONTEXT)
    assert rendition.content == row.data
    assert check(rendition.content) == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_we_write_from_any_of_them_is_conformant_and_stable(row: Row) -> None:
    reader, writer = HprimMedecinsReader(), HprimMedecinsWriter()
    report = reader.read(row.data, ReadContext()).reports[0]
    if report.patient.birth_date is None or not report.patient.given_names:
        return
    first = writer.write(report, CONTEXT).content
    assert [p for p in check(first) if p.severity is not Severity.INFO] == []
    again = reader.read(first, ReadContext())
    assert again.readable and len(again.reports) == 1
    second = writer.write(again.reports[0], CONTEXT).content
    assert second == first
    assert reader.read(second, ReadContext()).reports == again.reports


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_no_problem_tells_who_or_what(row: Row) -> None:
    result = HprimMedecinsReader().read(row.data, ReadContext())
    said = " ".join(p.message for p in (*result.problems, *(p for r in result.reports for p in r.problems)))
    for secret in ("MARTINEAU", "BIHAN", "CLAIRE", "1,32", "1.32", "26107", "QUIMPER", "négatif", "04/42"):
        assert secret not in said


def test_a_star_or_plus_is_a_flag_that_is_kept() -> None:
    lines = [*HEADER, "", "****LAB****", "RES|GLY|G|N|1.32*|g/l|", "RES|GLY|G|N|1.32|g/l|||++|", *TAIL]
    data = "\r\n".join([*lines, ""]).encode()
    [report] = HprimMedecinsReader().read(data, ReadContext()).reports
    assert [(one.value, one.flags) for one in report.observations] == [("1.32", ("A",)), ("1.32", ("++",))]


def test_reads_several_reports_in_one_file() -> None:
    other = header(l1="P77", l2="BERNARD", l3="LUC", l7="12/03/1950", l8="", l9="B240311-0008")
    lines = [*WHOLE[:-1], *other, "", "  Deuxième", TAIL[0], "", *header(l1="", l2="CALVEZ"), "", "  Tiers", *TAIL]
    result = HprimMedecinsReader().read(Row("", lines).data, ReadContext())
    assert result.readable and not result.problems
    assert [r.patient.birth_name for r in result.reports] == ["MARTINEAU", "BERNARD", "CALVEZ"]
    assert [r.text for r in result.reports[1:]] == ["  Deuxième", "  Tiers"]
    assert [len(r.observations) for r in result.reports] == [1, 0, 0]
    assert not any(r.problems for r in result.reports)


@pytest.mark.parametrize(
    ("line", "code", "label"),
    [
        ("LABOIZE    Laboratoire Boizé", "LABOIZE", "Laboratoire Boizé"),
        (".          paul.durand", "", "paul.durand"),
        ("         C LabFactice     ", "C", "LabFactice"),
        ("     FAKFAK FAUX.NOM", "FAKFAK", "FAUX.NOM"),
        ("labo.faux Institut factice", "labo.faux", "Institut factice"),
        ("HUJHY      _", "HUJHY", ""),
        ("Dr DURAND Paul", "", "Dr DURAND Paul"),
        ("DUR01 Dr DURAND Paul", "DUR01", "Dr DURAND Paul"),
        ("1234567890 LBM DES SAULES", "1234567890", "LBM DES SAULES"),
        ("Laboratoire Boizé", "", "Laboratoire Boizé"),
        ("D001", "D001", ""),
        ("", "", ""),
    ],
)
def test_sender_and_recipient_lines_as_met(line: str, code: str, label: str) -> None:
    data = Row("", [*header(l11=line), *WHOLE[12:]]).data
    laboratory = HprimMedecinsReader().read(data, ReadContext()).reports[0].laboratory
    assert (laboratory.id, laboratory.name) == (code, label)
