"""Letters for those who get their results on paper: cover sheets, cancellations, the list of a run, one PDF of all.

Plain data in, PDF bytes out. The address stands where the window of a DL or C5 envelope shows it (zone on the right;
six lines of 38 characters, NF Z 10-011).
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pikepdf

from dispatcher.errors import RenderError
from dispatcher.formats.base import LaboratoryIdentity
from dispatcher.formats.pdf import wording
from dispatcher.formats.pdf.engine import Engine, Layout, TypstEngine
from dispatcher.formats.pdf.glyphs import Glyphs
from dispatcher.report.model import Report
from dispatcher.report.moments import PARIS

COVER = ("Votre compte rendu d'examens de biologie médicale", "Vos comptes rendus d'examens de biologie médicale")
CANCELLATION = "ANNULATION d'un compte rendu déjà transmis"
ENCLOSED = (
    "Veuillez trouver ci-joint le compte rendu suivant.",
    "Veuillez trouver ci-joint les comptes rendus suivants.",
)
TAKEN_BACK = (
    "Le laboratoire annule le compte rendu ci-dessous, qui vous a été transmis. Ses résultats ne doivent plus être "
    "utilisés : merci de ne pas en tenir compte et de détruire le document reçu, papier ou électronique.",
    "Pour toute question, joindre le laboratoire.",
)
A4 = (595, 842)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A report of a letter, as its cover names it."""

    id: str
    """Of the dispatch."""
    order: str
    day: str
    version: int
    cancelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A letter on the list of the run."""

    number: int
    label: str
    address: tuple[str, ...]
    ids: tuple[str, ...]
    first: int
    last: int
    """Pages of the PDF."""


class LetterWriter:
    """Renders the sheets that the program adds; may be shared between threads."""

    def __init__(self, layout: Layout, engine: Engine | None = None) -> None:
        self._glyphs = Glyphs.parse(layout.coverage)
        self._engine = engine or TypstEngine(layout)

    def cover(
        self,
        laboratory: LaboratoryIdentity,
        address: Sequence[str],
        sheets: Sequence[Sheet],
        at: datetime,
        *,
        window: tuple[float, float],
    ) -> bytes:
        """The sheet that carries the address; ``window``: where it begins, in millimetres from the left and the top.

        Raises :class:`RenderError`.
        """
        left, top = window
        many = len(sheets) > 1
        return self._render(laboratory, at, "cover", COVER[many], [ENCLOSED[many]],
                            address=list(address), left=left, top=top,
                            reports=[_sheet(one) for one in sheets])  # fmt: skip

    def cancellation(self, laboratory: LaboratoryIdentity, report: Report, sheet: Sheet, at: datetime) -> bytes:
        """The letter that takes a report back: whose it was, and nothing of its results. Raises RenderError."""
        patient = report.patient
        name = " ".join(part for part in (patient.birth_name.upper(), patient.used_name, patient.first_given) if part)
        facts = (("Patient", name), ("Né(e) le", wording.day(patient.birth_date)), ("Dossier", sheet.order),
                 ("Édité le", sheet.day), ("Envoi", sheet.id))  # fmt: skip
        shown = [{"label": label, "value": value} for label, value in facts if value]
        return self._render(laboratory, at, "cancellation", CANCELLATION, list(TAKEN_BACK), facts=shown)

    def contents(self, laboratory: LaboratoryIdentity, run: str, lines: Sequence[Line], at: datetime) -> bytes:
        """The list of a run, for whoever puts the letters into envelopes. Raises RenderError."""
        told = [
            "À garder au laboratoire. Une fois tout imprimé et contrôlé : "
            f"« dispatcher paper printed {run} » ; une fois posté : « dispatcher paper posted {run} ».",
        ]
        letters = [
            {"number": str(one.number), "label": one.label, "address": list(one.address), "ids": list(one.ids),
             "pages": f"{one.first}-{one.last}"}
            for one in lines
        ]  # fmt: skip
        return self._render(laboratory, at, "contents", f"Tirage {run}", told, letters=letters)

    def _render(
        self, laboratory: LaboratoryIdentity, at: datetime, kind: str, title: str, paragraphs: list[str], **more: Any
    ) -> bytes:
        data = {
            "kind": kind,
            "title": title,
            "paragraphs": paragraphs,
            "place": f"{laboratory.address.town}, le {at.astimezone(PARIS):%d/%m/%Y}",
            "laboratory": {"name": laboratory.name, "lines": wording.laboratory_lines(laboratory)},
            "address": [],
            "left": 0,
            "top": 0,
            "reports": [],
            "facts": [],
            "letters": [],
        } | more
        return self._engine.render(self._glyphs.clean_all(data), at)


def _sheet(one: Sheet) -> dict[str, str]:
    note = " – ANNULATION" if one.cancelled else ""
    return {"order": one.order or "–", "day": one.day or "–", "version": str(one.version), "id": one.id, "note": note}


def pages_of(content: bytes) -> int:
    """How many pages. Raises :class:`RenderError`: damaged, or protected by a password."""
    with _opened(content) as pdf:
        return len(pdf.pages)


def joined(parts: Iterable[bytes], *, duplex: bool = False) -> tuple[bytes, int]:
    """One PDF of all, and its pages; ``duplex``: an empty page at the end when their number is odd.

    Raises :class:`RenderError`.
    """
    with pikepdf.new() as whole:
        for part in parts:
            with _opened(part) as pdf:
                whole.pages.extend(pdf.pages)
        if duplex and len(whole.pages) % 2:
            whole.add_blank_page(page_size=A4)
        count = len(whole.pages)
        out = io.BytesIO()
        whole.save(out, deterministic_id=True)
    return out.getvalue(), count


def _opened(content: bytes) -> pikepdf.Pdf:
    try:
        return pikepdf.open(io.BytesIO(content))
    except pikepdf.PdfError as error:
        raise RenderError(
            f"Ce PDF ne peut pas être imprimé avec les autres ({type(error).__name__}) : abîmé, ou protégé.",
            hint="Le faire réexporter sans mot de passe.",
            code="pdf-unprintable",
        ) from None
