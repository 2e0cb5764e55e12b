"""An accredited report: earlier results, sub-contractors, images, long things; a laboratory's own layout."""

from __future__ import annotations

import re
import struct
import zlib
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.errors import ConfigError, RenderError
from dispatcher.formats.pdf import content, images
from dispatcher.formats.pdf.glyphs import Glyphs
from dispatcher.formats.pdf.selfcheck import check
from dispatcher.formats.pdf.trial import trial
from dispatcher.formats.pdf.writer import PdfWriter
from dispatcher.report.model import (
    AltValue,
    Attachment,
    Battery,
    Code,
    Observation,
    Practitioner,
    PreviousResult,
    Report,
    Status,
    ValueType,
)
from dispatcher.settings import PdfSettings
from dispatcher.wiring.layouts import pdf_layout
from tests.unit.formats.pdf.pdf_reports import ECBU, REPORT, context, layout, numeric, words, writer
from tests.unit.formats.pdf.test_pdf_writer import bare, render, strings, text_of


def of(*observations: Observation, **battery: object) -> Report:
    fields = {"title": "Série", "chapter": "BIOCHIMIE"} | battery
    return replace(REPORT, batteries=(Battery(observations=observations, **fields),), comments=())  # type: ignore[arg-type]


def data(report: Report) -> content.Data:
    return content.build(report, context(), Glyphs.parse(layout().coverage))


# ------------------------------------------------------------------------------------------------ what it shows


def test_earlier_results_have_a_column_only_when_there_are_some() -> None:
    earlier = (
        PreviousResult(value="1.18", at=date(2025, 12, 4)),
        PreviousResult(value="0.5", comparator="<", at=date(2025, 3, 4), unit="mg/L"),
    )
    text = bare(text_of(render(of(numeric("CRP", "1.32", "g/L", previous=earlier))), "-layout"))
    assert "Antériorités" in text
    assert bare("CRP 1,32 g/L 1,18 (04/12/2025)") in text
    assert bare("< 0,5 mg/L (04/03/2025)") in text, "another unit is said"
    assert "Antériorités" not in text_of(render(of(numeric("CRP", "1.32", "g/L"))))


@pytest.mark.parametrize("value", ["Négatif", "Un texte assez long pour prendre\nplusieurs lignes du tableau."])
def test_earlier_words_are_shown_too(value: str) -> None:
    earlier = (PreviousResult(value="Positif", type=ValueType.TEXT, at=date(2025, 12, 4)),)
    assert bare("Positif (04/12/2025)") in bare(text_of(render(of(words("Recherche", value, previous=earlier)))))


def test_a_result_of_several_lines_keeps_its_unit_comparator_range_and_second_unit() -> None:
    titre = words(
        "Charge virale",
        "4,2 log\nsoit 15 800",
        unit="copies/mL",
        comparator=">",
        range_text="<20",
        alt=AltValue(value="7.9", unit="UI/mL", low="1", high="2"),
        previous=(PreviousResult(value="3,9 log", type=ValueType.TEXT, at=date(2025, 12, 4)),),
    )
    text = bare(text_of(render(of(titre)), "-layout"))
    assert bare("> 4,2 log") in text
    assert bare("soit 15 800 copies/mL") in text
    assert bare("7,9 UI/mL 1 – 2") in text
    assert bare("3,9 log (04/12/2025)") in text


@pytest.mark.parametrize(
    ("value", "said"), [("", "Examen non réalisé"), ("Tube coagulé", "Tube coagulé – examen non réalisé")]
)
def test_a_test_that_was_not_done_says_so_once(value: str, said: str) -> None:
    one = words("Chlore", value, status="X")
    assert data(of(one))["chapters"][0]["batteries"][0]["rows"][0]["result"] == said


@pytest.mark.parametrize("status", ["D", "W"])
def test_a_result_taken_back_shows_nothing_of_itself(status: str) -> None:
    germ = words("Germe isolé", "Escherichia coli")
    back = numeric(
        "Amoxicilline",
        "64",
        "mg/L",
        flags=("R",),
        status=status,
        parent=0,
        high="8",
        alt=AltValue(value="65", unit="µg/mL"),
        previous=(PreviousResult(value="66"),),
    )
    made = data(of(germ, back))
    row = made["chapters"][0]["batteries"][0]["rows"][-1]
    assert row["result"] == "résultat annulé"
    assert not any(row[key] for key in ("flag", "unit", "range", "second", "previous", "bold"))
    assert not made["legend"]


def test_a_cancelled_report_shows_no_value_at_all() -> None:
    made = data(replace(of(numeric("Sodium", "139", "mmol/L", flags=("H",))), status=Status.CANCELLED))
    row = made["chapters"][0]["batteries"][0]["rows"][0]
    assert (row["result"], row["unit"], row["flag"]) == ("résultat annulé", "", "")
    assert "ANNULÉ" in made["banners"][0]


def test_a_sub_chapter_is_told_once_and_never_a_chapter_twice() -> None:
    one, other = (
        Battery(title=t, chapter="BIOCHIMIE", subchapter="Glucides", observations=(numeric(t, "1"),)) for t in "AB"
    )
    last = Battery(title="C", chapter="BIOCHIMIE", subchapter="Biochimie", observations=(numeric("C", "1"),))
    text = text_of(render(replace(REPORT, batteries=(one, other, last))))
    assert text.count("GLUCIDES") == 1
    assert text.count("BIOCHIMIE") == 1


def test_who_carried_it_out_and_with_what_is_said() -> None:
    away = Practitioner(organisation="Laboratoire Lointain")
    mixed = of(
        numeric("Sodium", "139"), numeric("Vitamine B1", "98", performer=away, kit=Code(text="Kit B1"), method="HPLC")
    )
    text = " ".join(text_of(render(mixed), "-raw").split())
    assert "Vitamine B1 (HPLC, Kit B1) Sous-traité : Laboratoire Lointain" in text
    whole = of(numeric("A", "1", performer=away), numeric("B", "2", performer=away))
    assert text_of(render(whole)).count("Laboratoire Lointain") == 1


def test_an_antibiogram_reads_down_one_column() -> None:
    germ = words("Germe isolé", "Escherichia coli")
    lines = (
        words("Amoxicilline", "R", flags=("R",), parent=0),
        numeric("Céfixime", "0.5", "mg/L", flags=("S",), parent=0),
        numeric("Ofloxacine", "22", "mm", flags=("I",), parent=0),
    )
    rows = data(of(germ, *lines))["chapters"][0]["batteries"][0]["rows"][2:]
    assert [(row["result"], row["unit"], row["bold"]) for row in rows] == [
        ("R", "", True),
        ("S", "CMI 0,5 mg/L", False),
        ("I", "Ø 22 mm", True),
    ]
    text = text_of(render(of(germ, *lines)))
    assert "R : résistant" in text
    assert "R : résistant" not in text_of(render(of(germ)))


# ------------------------------------------------------------------------------------------------ images


def png(
    samples: bytes, colour: int, width: int = 2, height: int = 2, more: tuple[tuple[bytes, bytes], ...] = ()
) -> bytes:
    size = len(samples) // height
    raw = b"".join(b"\0" + samples[start : start + size] for start in range(0, len(samples), size))
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)),
        *more,
        (b"IDAT", zlib.compress(raw)),
    ]
    packed = (
        struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in (*chunks, (b"IEND", b""))
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def pixels(made: bytes) -> bytes:
    found = dict(images._chunks(made))
    width, height, _, colour = struct.unpack(">IIBB", found[b"IHDR"][:10])
    raw = zlib.decompress(found[b"IDAT"])
    stride = width * (3 if colour == 2 else 1) + 1
    return b"".join(raw[start + 1 : start + stride] for start in range(0, stride * height, stride))


def picture(content_: bytes, kind: str = "image/png") -> Observation:
    return Observation(
        code=Code(text="Tracé"), type=ValueType.DOCUMENT, document=Attachment(media_type=kind, content=content_)
    )


GREY = png(b"\x00\x80\xff\x40", 0)
SEEN_THROUGH = png(b"\x00\x00\x00\xff\xff\x00\x00\x80\x00\x00\x00\x00\x10\x20\x30\xff", 6)


def test_an_image_is_drawn_and_stays_pdf_a() -> None:
    for image in (GREY, SEEN_THROUGH):
        made = render(of(numeric("Albumine", "60"), picture(image)))
        assert check(made, "a-1a").faults == ()
        assert made.count(b"/Subtype/Image") + made.count(b"/Subtype /Image") >= 1
        text = text_of(made)
        assert "Tracé" in text
        assert "Documents joints" not in text


def test_what_shines_through_is_laid_on_white() -> None:
    assert pixels(images.drawable(SEEN_THROUGH, "image/png") or b"") == (
        b"\x00\x00\x00\xff\x7f\x7f\xff\xff\xff\x10\x20\x30"
    )
    grey = png(b"\x00\xff\x40\x00", 4, width=2, height=1)
    assert pixels(images.drawable(grey, "image/png") or b"") == b"\x00\xff"
    coloured = png(b"\x00\x01", 3, height=1, more=((b"PLTE", b"\x00\x00\x00\xff\x00\x00"), (b"tRNS", b"\x00")))
    found = dict(images._chunks(images.drawable(coloured, "image/png") or b""))
    assert found[b"PLTE"] == b"\xff\xff\xff\xff\x00\x00"
    assert b"tRNS" not in found


@settings(max_examples=60)
@given(st.integers(0, 4), st.binary(min_size=24, max_size=24), st.binary(min_size=24, max_size=24))
def test_every_filter_of_png_is_undone(kind: int, row: bytes, before: bytes) -> None:
    filtered = bytearray(row)
    for place in range(24):
        left = row[place - 4] if place >= 4 else 0
        corner = before[place - 4] if place >= 4 else 0
        guess = (0, left, before[place], (left + before[place]) // 2, images._paeth(left, before[place], corner))[kind]
        filtered[place] = (row[place] - guess) & 255
    assert images._unfiltered(kind, bytes(filtered), before, 4) == row


@pytest.mark.parametrize(
    ("bad", "kind", "why"),
    [
        (GREY[:-20], "image/png", "coupé"),
        (GREY[:40], "image/png", "abîmé"),
        (GREY.replace(zlib.compress(b"\0\x00\x80\0\xff\x40"), b"\1" * 14), "image/png", "abîmé"),
        (b"GIF89a", "image/png", "pas un PNG"),
        (b"\xff\xd8\xff\xc0\x00\x14\x08\x00\x02\x00\x02\x04" + bytes(20), "image/jpeg", "quadrichromie"),
        (b"\xff\xd8\xff", "image/jpeg", "sans dimensions"),
    ],
)
def test_an_image_that_cannot_be_drawn_is_a_named_problem(bad: bytes, kind: str, why: str) -> None:
    with pytest.raises(RenderError, match=why) as caught:
        render(of(numeric("A", "1"), picture(bad, kind)))
    assert caught.value.code == "pdf-image"


@given(st.binary(max_size=200))
def test_any_bytes_are_an_image_or_a_named_problem(junk: bytes) -> None:
    for start, kind in (
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (SEEN_THROUGH[:33], "image/png"),
        (b"\xff\xd8", "image/jpeg"),
    ):
        try:
            images.drawable(start + junk, kind)
        except RenderError as error:
            assert error.code == "pdf-image"


def test_other_images_are_joined_and_said() -> None:
    assert "Documents joints" in text_of(render(of(numeric("A", "1"), picture(b"II*\0", "image/tiff"))))


# ------------------------------------------------------------------------------------------------ long things


def test_a_name_of_eighty_characters_and_a_comment_of_thirty_lines() -> None:
    name = "Recherche de l'antigène soluble de Legionella pneumophila du sérogroupe 1 urines"
    assert len(name) == 80
    comment = "\n".join(f"Ligne {number} du commentaire." for number in range(30))
    report = of(*(numeric(f"{name} {n}", "1.5", "mmol/L", comments=(comment,)) for n in range(4)))
    made = render(report)
    found = bare(text_of(made, "-raw"))
    assert [text for text in strings(data(report)["chapters"]) if bare(text).upper() not in found.upper()] == []
    right = [float(x) for x in re.findall(r'xMax="([\d.]+)"', text_of(made, "-bbox"))]
    assert max(right) <= 595.28 - 42.5 + 1
    assert check(made, "a-1a").faults == ()


def test_an_antibiogram_of_a_thousand_rows() -> None:
    germ = words("Germe isolé", "Escherichia coli")
    lines = tuple(words(f"Antibiotique {n}", "SIR"[n % 3], parent=0, flags=("SIR"[n % 3],)) for n in range(1000))
    made = (
        writer("a-1b")
        .write(replace(REPORT, batteries=(replace(ECBU, observations=(germ, *lines)),)), context())
        .content
    )
    assert check(made, "a-1b").faults == ()
    sheets = text_of(made, "-layout").split("\f")[:-1]
    assert len(re.findall(r"Antibiotique \d+", "".join(sheets))) == 1000
    for sheet in sheets:
        if "Antibiotique" in sheet:
            assert sheet.index("Antibiogramme : Escherichia coli") < sheet.index("Antibiotique")


# ------------------------------------------------------------------------------------------------ a laboratory's own

SETTINGS = """
#let ink = rgb("#0b4f6c")
#let logo = image("logo.png", height: 12mm)
#let below-laboratory = [Ouvert du lundi au samedi]
#let foot-note = [SELAS au capital de 100 000 €]
"""


def own(folder: Path, source: str = SETTINGS, name: str = "reglages.typ") -> PdfWriter:
    folder.joinpath(name).write_text(source, encoding="utf-8")
    folder.joinpath("logo.png").write_bytes(GREY)
    with ExitStack() as closing:
        chosen = pdf_layout(closing, PdfSettings(layout=folder))
        assert trial(chosen) == () or "#nothing" in source
        return PdfWriter(chosen)


def test_settings_are_laid_over_the_layout_and_the_rest_stays(tmp_path: Path) -> None:
    made = own(tmp_path).write(REPORT, context()).content
    assert check(made, "a-1a").faults == ()
    text = text_of(made)
    for shown in ("Ouvert du lundi au samedi", "SELAS au capital", "Glycémie à jeun", "LE GOFF"):
        assert shown in text
    assert made.count(b"/Subtype/Image") == 1
    assert "SELAS" not in text_of(render(REPORT))


def test_a_whole_layout_of_its_own_wins(tmp_path: Path) -> None:
    whole = (
        "#let data = json(bytes(sys.inputs.data))\n#set document(title: data.title)\n"
        '#set text(font: "Labo Sans", lang: "fr")\n= #data.title\nÀ nous'
    )
    (tmp_path / "reglages.typ").write_text("#let ink = red", encoding="utf-8")
    made = own(tmp_path, whole, "report.typ").write(REPORT, context()).content
    assert "À nous" in text_of(made)


def test_settings_may_ask_for_the_data_too(tmp_path: Path) -> None:
    asking = "#let foot-note = json(bytes(sys.inputs.data)).title + [ – demandé ici]"
    assert "Compte rendu d'examens biologiques – demandé ici" in text_of(
        own(tmp_path, asking).write(REPORT, context()).content
    )


def test_a_fault_in_the_settings_is_told_by_place(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=r"reglages\.typ est en faute, ligne 2, colonne 1"):
        own(tmp_path, "#let ink = black\n#nothing").write(REPORT, context())


def test_settings_that_want_the_network_or_a_folder_without_anything_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="paquet"):
        own(tmp_path, '#import("@preview/cetz:0.3.0"): *')
    empty = tmp_path / "vide"
    empty.mkdir()
    with ExitStack() as closing, pytest.raises(ConfigError, match=r"report\.typ » ou « reglages\.typ"):
        pdf_layout(closing, PdfSettings(layout=empty))
