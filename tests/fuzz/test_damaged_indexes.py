"""One character put into or taken out of a CSV index: no PDF ever goes with a patient of another line."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext
from dispatcher.resources import sample

PDF = sample("pdf", "compte_rendu.pdf").read_bytes()
HEAD = ("fichier", "titre", "nom_naissance", "prenom", "date_naissance", "dossier", "commentaire")
TITLES = ("", "Bilan", "Bilan ; suite", 'Dit "large"', "# 2", "Bilan, suite", 'Sonde 3"')


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """Rows whose every cell bears the letter of its row, one character of the text changed."""
    mark = draw(st.sampled_from(";,\t|"))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    always = draw(st.booleans())
    rows: list[tuple[str, ...]] = [HEAD]
    for at, letter in enumerate("ABCD"[: draw(st.integers(1, 4))]):
        title, remark = draw(st.sampled_from(TITLES)), draw(st.sampled_from(TITLES))
        start = draw(st.sampled_from(["", "#"]))
        rows.append((f"{start}{letter}.pdf", title, letter * 5, letter * 4, f"0{at + 1}/02/1980", letter * 3, remark))

    def cell(text: str) -> str:
        if always or mark in text or text.startswith('"'):
            return '"' + text.replace('"', '""') + '"'
        return text

    text = end.join(mark.join(map(cell, row)) for row in rows) + draw(st.sampled_from(["", end]))
    marks = ('"', mark, "\n", "\r", "#")
    places = [at for at, char in enumerate(text) if char in marks]
    if draw(st.booleans()):
        at = draw(st.sampled_from(places))
        return text[:at] + text[at + 1 :]
    at = draw(st.integers(0, len(text)))
    return text[:at] + draw(st.sampled_from(marks)) + text[at:]


@settings(max_examples=1500, deadline=None)
@given(damaged())
def test_no_pdf_goes_with_the_patient_of_another_line(text: str) -> None:
    there = {f"{start}{letter}.pdf" for letter in "ABCD" for start in ("", "#")}
    context = ReadContext(file_name="index.csv", sibling=lambda name: PDF if name in there else None)
    for report in registry.read(text.encode(), context).reports:
        if report.own_pdf is None:
            continue
        (owner,) = set(report.own_pdf.name) & set("ABCD")
        patient = report.patient
        said = " ".join((patient.birth_name, patient.used_name, *patient.given_names, report.order.filler))
        assert not any(other * 2 in said for other in set("ABCD") - {owner})
        assert patient.birth_date is None or patient.birth_date.day == "ABCD".index(owner) + 1
