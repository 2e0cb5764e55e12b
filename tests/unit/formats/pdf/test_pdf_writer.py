"""The rendered report: its words, its pages, its bytes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dispatcher.errors import ConfigError, RenderError
from dispatcher.formats.base import DocumentIds
from dispatcher.formats.pdf import content
from dispatcher.formats.pdf.engine import DATA, Layout, TypstEngine
from dispatcher.formats.pdf.glyphs import Glyphs
from dispatcher.formats.pdf.selfcheck import check
from dispatcher.formats.pdf.trial import trial
from dispatcher.formats.pdf.writer import PdfWriter
from dispatcher.report.model import Attachment, Battery, Code, Observation, Practitioner, Report, Status, ValueType
from tests.needs import needs_program
from tests.unit.formats.pdf.pdf_reports import (
    CREATED,
    ECBU,
    LABORATORY,
    REPORT,
    context,
    layout,
    numeric,
    rows,
    words,
    writer,
)


def text_of(data: bytes, *options: str) -> str:
    pdftotext = needs_program("pdftotext", "poppler-utils")
    made = subprocess.run([pdftotext, "-enc", "UTF-8", *options, "-", "-"], input=data, capture_output=True, check=True)
    return made.stdout.decode()


def render(report: Report, **changes: object) -> bytes:
    return writer().write(report, context(**changes)).content


def bare(text: str) -> str:
    return re.sub(r"[\s\u200b]+", "", text)


def strings(value: object) -> list[str]:
    """Every text the layout is given."""
    if isinstance(value, dict):
        return [text for key, item in value.items() if key not in {"kind", "created"} for text in strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [value] if isinstance(value, str) and value else []


def test_every_text_of_the_report_is_in_the_document() -> None:
    report = replace(
        REPORT,
        text="  GLYCEMIE     1,32 g/L\n  <b>pas de balise</b> #let $x$ *gras* _soul_ @ref // \\ `",
        validators=(Practitioner(family="Boize", given="Hélène", title="DR"),),
        documents=(Attachment(media_type="application/pdf", content=b"%PDF"),),
    )
    found = bare(text_of(render(report, recipient=Practitioner(family="Petit", title="DR")), "-raw")).upper()
    data = content.build(report, context(recipient=Practitioner(family="Petit", title="DR")), _glyphs())
    missing = [text for text in strings(data) if bare(text).upper() not in found and text != data["created_text"]]
    assert missing == []


def _glyphs() -> Glyphs:
    return Glyphs.parse(layout().coverage)


def test_rows_read_in_order_with_flag_unit_and_range() -> None:
    text = bare(text_of(render(REPORT), "-layout"))
    for row in (
        "Glycémie à jeun 1,32 ▲ H g/L 0,70 – 1,10",
        "< 7,33 mmol/L 3,89 – 6,11",
        "CRP < 5 mg/L Inf. à 5",
        "Potassium 6,8 ▲▲ HH mmol/L 3,5 – 5,1",
        "Plaquettes 98 000 ▼▼ LL /mm3 150 000 – 400 000",
    ):
        assert bare(row) in text
    order = [text.index(title) for title in ("BIOCHIMIE", "MICROBIOLOGIE", "COMMENTAIRES")]
    assert order == sorted(order)


@pytest.mark.parametrize(
    ("status", "ids", "said"),
    [
        (Status.PARTIAL, DocumentIds(document="X", set_id="Y"), "PARTIEL"),
        (Status.CORRECTED, DocumentIds(document="X", set_id="Y", version=2), "annule et remplace"),
        (Status.CANCELLED, DocumentIds(document="X", set_id="Y", version=2), "ANNULÉ"),
        (Status.FINAL, DocumentIds(document="X", set_id="Y", version=3, replaces="W"), "version 3"),
    ],
)
def test_the_kind_of_version_is_said_before_any_result(status: Status, ids: DocumentIds, said: str) -> None:
    text = text_of(render(replace(REPORT, status=status), ids=ids), "-raw")
    assert text.index(said) < text.index("Glycémie")


def test_the_neutral_identity_says_so_and_validates_nothing() -> None:
    text = text_of(render(REPORT, laboratory=replace(LABORATORY, neutral=True)), "-raw")
    assert "aucun laboratoire n'est configuré" in " ".join(text.split())
    assert "Biologiste responsable" not in text
    assert "Validé par" not in text


def test_no_validation_is_claimed_that_nobody_stated() -> None:
    assert "Validé par" not in text_of(render(REPORT))
    assert "Biologiste responsable : Dr BOIZE Hélène (RPPS 10001234565)" in " ".join(text_of(render(REPORT)).split())


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (1, 1), (120, 3), (500, 10)])
def test_every_page_names_the_patient_and_repeats_the_head_row(count: int, pages: int) -> None:
    made = render(rows(count))
    assert check(made, "a-1a").pages >= (pages if count else 1)
    sheets = text_of(made, "-layout").split("\f")[:-1]
    assert len(sheets) == check(made, "a-1a").pages
    for number, sheet in enumerate(sheets, 1):
        assert f"page {number} / {len(sheets)}" in sheet
        assert "LE GOFF Éloïse, 12/03/1979 – dossier n° B2603110007" in sheet
        if count and "Analyse numéro" in sheet:
            assert "Valeurs de référence" in sheet
            assert "BIOCHIMIE" in sheet
    assert len(re.findall(r"Analyse numéro \d+", "".join(sheets))) == count


def test_an_antibiogram_keeps_its_organism_on_the_next_page() -> None:
    germ = words("Germe isolé", "Escherichia coli")
    lines = tuple(words(f"Antibiotique {n}", "S", parent=0) for n in range(90))
    other = words("Germe isolé", "Proteus mirabilis")
    more = tuple(words(f"Molécule {n}", "R", parent=91) for n in range(3))
    end = words("Conclusion", "Deux germes.\nFin.")
    report = replace(REPORT, batteries=(replace(ECBU, observations=(germ, *lines, other, *more, end)),))
    sheets = text_of(render(report), "-layout").split("\f")[:-1]
    assert len(sheets) > 1
    for sheet in sheets:
        if "Antibiotique" in sheet:
            assert sheet.index("Antibiogramme : Escherichia coli") < sheet.index("Antibiotique")
        if "Molécule" in sheet:
            assert sheet.index("Antibiogramme : Proteus mirabilis") < sheet.index("Molécule")
    (end_sheet,) = (sheet for sheet in sheets if "Conclusion\n" in sheet)
    assert "Deux germes." in end_sheet
    assert "Antibiogramme" not in end_sheet[end_sheet.index("Conclusion\n") :]


def test_an_antibiogram_title_ends_with_its_antibiogram() -> None:
    germ, line = words("Germe isolé", "Escherichia coli"), words("Amoxicilline", "S", parent=0)
    after = tuple(words(f"Autre examen {n}", "Négatif") for n in range(90))
    report = replace(REPORT, batteries=(replace(ECBU, observations=(germ, line, *after)),))
    first, *others = text_of(render(report), "-layout").split("\f")[:-1]
    assert "Antibiogramme" in first
    assert others
    assert not any("Antibiogramme" in sheet for sheet in others)


def test_a_comment_stays_on_the_page_of_its_result() -> None:
    for count in range(36, 50):
        batteries = rows(count).batteries
        last = numeric("Potassium", "6.8", "mmol/L", comments=("Contrôlé sur un second tube.\nTéléphoné.",))
        report = replace(REPORT, batteries=(replace(batteries[0], observations=(*batteries[0].observations, last)),))
        for sheet in text_of(render(report), "-layout").split("\f"):
            assert ("Potassium" in sheet) == ("Téléphoné." in sheet) == ("6,8" in sheet)


def test_a_very_long_comment_runs_over_pages_without_losing_a_line() -> None:
    comment = "\n".join(f"Ligne {n} du commentaire." for n in range(150))
    report = replace(rows(1), comments=())
    last = replace(report.batteries[0].observations[0], comments=(comment,))
    found = text_of(render(replace(report, batteries=(replace(report.batteries[0], observations=(last,)),))))
    assert [n for n in range(150) if f"Ligne {n} du commentaire." not in found] == []


def test_a_report_that_is_only_text_is_printed_as_laid_out() -> None:
    text = "NUMERATION GLOBULAIRE\n\n   Leucocytes ........    7,2   G/L\n\tHématies .........    4,5   T/L"
    found = text_of(render(replace(REPORT, batteries=(), text=text)), "-layout")
    assert "Leucocytes ........" in found
    assert re.search(r"Leucocytes \.+\s+7,2\s+G/L", found.replace("\u00a0", " "))


def test_a_value_never_runs_under_its_neighbour() -> None:
    long = numeric("A" * 90, "1" * 40, "UNITE" * 8, range_text="B" * 70, flags=("H",))
    made = render(replace(REPORT, batteries=(Battery(observations=(long, words("x", "C" * 300))),)))
    boxes = text_of(made, "-bbox")
    right = [float(x) for x in re.findall(r'xMax="([\d.]+)"', boxes)]
    assert max(right) <= 595.28 - 42.5 + 1


def test_the_same_input_gives_the_same_bytes_in_another_process() -> None:
    script = (
        "import sys, hashlib; sys.path.insert(0, sys.argv[1])\n"
        "from tests.unit.formats.pdf.pdf_reports import REPORT, context, writer\n"
        "print(hashlib.sha256(writer().write(REPORT, context()).content).hexdigest())"
    )
    root = str(Path(__file__).resolve().parents[4])
    digests = {
        subprocess.run(
            [sys.executable, "-c", script, root],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Pacific/Auckland"))
    }
    assert len(digests) == 1
    assert render(REPORT) == render(REPORT)


def test_the_edition_time_is_the_only_clock() -> None:
    made = render(REPORT)
    assert b"D:20260311172000" in made
    assert made != render(REPORT, created_at=datetime(2026, 3, 12, tzinfo=UTC))


def test_title_and_author_name_nobody() -> None:
    made = render(REPORT)
    for secret in ("Goff", "GOFF", "MARTINEAU", "279035121518989"):
        assert secret.encode() not in made
        assert secret.encode("utf-16-be") not in made


def test_a_lost_sign_is_a_named_problem() -> None:
    with pytest.raises(RenderError, match=r"U\+2713"):
        render(replace(REPORT, comments=("fait ✓",)))


def test_the_engine_never_tells_the_text_it_could_not_draw() -> None:
    open_layout = replace(layout(), coverage="0-10FFFF")
    with pytest.raises(RenderError) as caught:
        PdfWriter(open_layout).write(replace(REPORT, comments=("MARTINEAU 漢",)), context())
    assert caught.value.code == "pdf-character"
    assert "MARTINEAU" not in str(caught.value)
    assert "漢" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_layout_at_fault_is_told_by_place() -> None:
    broken = Layout(source=b"#let data = 1\n#panic(sys.inputs.data)", fonts=layout().fonts, coverage=layout().coverage)
    with pytest.raises(RenderError, match="ligne 2, colonne 1") as caught:
        PdfWriter(broken).write(REPORT, context())
    assert caught.value.code == "pdf-layout"
    assert "GOFF" not in str(caught.value)
    assert TypstEngine(broken).complaints({"a": "x"}, CREATED)
    assert TypstEngine(layout()).complaints(content.build(REPORT, context(), _glyphs()), CREATED) == ()


@pytest.mark.parametrize(
    "text", ['a "b" \\ #panic() \\" \\u{41} é', "un\u2028deux\x85trois\nquatre\\", '"', "\\"], ids=ascii
)
def test_the_data_reach_the_layout_as_they_are(text: str) -> None:
    told = ", ".join(map(str, text.encode()))
    same = DATA + f"\n#assert.eq(array(bytes(data.at(0))), ({told},))\n#set document(title: [a])".encode()
    assert TypstEngine(replace(layout(), source=same)).complaints([text], CREATED) == ()  # type: ignore[arg-type]
    other = same.replace(b"(data.at(0))", b'(data.at(0) + ".")')
    assert TypstEngine(replace(layout(), source=other)).complaints([text], CREATED)  # type: ignore[arg-type]


def test_what_typst_keeps_of_other_reports_changes_no_byte() -> None:
    """The shipped layout takes the data by the line that lets it keep anything."""
    assert layout().source.count(DATA) == 1
    again = replace(REPORT, order=replace(REPORT.order, filler="AUTRE"), batteries=REPORT.batteries[:1])
    first = PdfWriter(layout()).write(REPORT, context()).content
    warm = PdfWriter(layout())
    others = [warm.write(one, context()).content for one in (again, rows(3), REPORT, again)]
    assert others[2] == first
    assert others[0] == others[3] == PdfWriter(layout()).write(again, context()).content


def test_a_layout_that_wants_the_network_is_refused() -> None:
    with pytest.raises(ConfigError, match="paquet"):
        TypstEngine(replace(layout(), source=b'#import "@preview/cetz:0.3.0": *'))


def test_a_layout_that_makes_no_archive_is_refused() -> None:
    class Plain:
        level = "a-1a"

        def render(self, data: object, created_at: object) -> bytes:
            del data, created_at
            return b"%PDF-1.7\n%%EOF\n"

    with pytest.raises(RenderError) as caught:
        PdfWriter(layout(), Plain()).write(REPORT, context())  # type: ignore[arg-type]
    assert caught.value.code == "pdf-selfcheck"


def test_threads_may_share_one_writer() -> None:
    made: list[bytes] = []
    threads = [threading.Thread(target=lambda: made.append(render(REPORT))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    assert len(set(made)) == 1


def test_the_small_level_is_smaller_and_claims_what_it_is() -> None:
    made = writer("a-1b").write(REPORT, context()).content
    assert check(made, "a-1b").faults == ()
    assert len(made) < len(render(REPORT))
    assert check(made, "a-1a").faults == ("pdfa-conformance",)


def test_a_report_without_anything_still_renders() -> None:
    empty = Report(patient=replace(REPORT.patient, ins=None, given_names=(), birth_date=None, birth_name=""))
    made = writer().write(empty, context(terminology=None))
    assert check(made.content, "a-1a").faults == ()
    assert made.file_name == "compte-rendu.pdf"


def test_a_document_in_a_result_is_listed_and_not_printed() -> None:
    document = Attachment(media_type="application/pdf", content=b"%PDF" * 1000, name="MARTINEAU.pdf")
    report = replace(
        REPORT,
        batteries=(
            Battery(observations=(Observation(code=Code(code="PDF"), type=ValueType.DOCUMENT, document=document),)),
        ),
    )
    data = content.build(report, context(), _glyphs())
    assert data["chapters"] == []
    assert data["documents"] == ["document PDF (3 ko)"]


def test_a_layout_is_tried_on_an_invented_report_first() -> None:
    assert trial(layout()) == ()
    (told,) = trial(replace(layout(), source=layout().source + b"\n#nobody-knows-this"))
    assert "unknown variable: nobody-knows-this" in told
    (told,) = trial(replace(layout(), coverage="20-7E"))
    assert "U+" in told
