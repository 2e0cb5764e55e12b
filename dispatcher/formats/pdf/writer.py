"""Writes the printable report: PDF/A-1, for the reader on screen or on paper, and as the copy inside the CDA."""

from __future__ import annotations

from dispatcher.errors import RenderError
from dispatcher.formats.base import Rendition, WriteContext
from dispatcher.formats.pdf import content, selfcheck
from dispatcher.formats.pdf.engine import Engine, Layout, TypstEngine
from dispatcher.formats.pdf.glyphs import Glyphs
from dispatcher.report.model import Report

MEDIA_TYPE = "application/pdf"


class PdfWriter:
    """A report in the laboratory's layout. May be shared between threads; the bytes depend on nothing but its input."""

    name = "pdf"

    def __init__(self, layout: Layout, engine: Engine | None = None) -> None:
        self._glyphs = Glyphs.parse(layout.coverage)
        self._engine = engine or TypstEngine(layout)

    def write(self, report: Report, context: WriteContext) -> Rendition:
        """Raises :class:`RenderError`: ``pdf-character`` (no glyph), ``pdf-layout``, ``pdf-selfcheck``.

        Creation date is ``context.created_at``; title and author name no patient.
        """
        data = content.build(report, context, self._glyphs)
        made = self._engine.render(data, context.created_at)
        checked = selfcheck.check(made, self._engine.level)
        if checked.faults:
            raise RenderError(
                f"PDF : le document rendu ne passe pas l'auto-contrôle ({', '.join(checked.faults)}).",
                hint="Revenir à la mise en page livrée, ou signaler le fait avec la version de typst.",
                code="pdf-selfcheck",
            )
        return Rendition(
            format=self.name, media_type=MEDIA_TYPE, file_name="compte-rendu.pdf", content=made, problems=()
        )
