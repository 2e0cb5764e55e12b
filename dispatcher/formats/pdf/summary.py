"""Prints a page of labelled facts: the summary of a piece of evidence. The layout is handed in, as for reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dispatcher.errors import RenderError
from dispatcher.formats.pdf import selfcheck
from dispatcher.formats.pdf.engine import Engine, Layout, TypstEngine
from dispatcher.formats.pdf.glyphs import Glyphs, normalise


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading, and (label, value) under it."""

    title: str
    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is printed."""

    title: str
    author: str
    intro: str
    foot: str
    sections: Sequence[Section]


class SummaryPrinter:
    """The same page gives the same bytes."""

    def __init__(self, layout: Layout, engine: Engine | None = None) -> None:
        self._glyphs = Glyphs.parse(layout.coverage)
        self._engine = engine or TypstEngine(layout)

    def write(self, page: Page, created_at: datetime) -> bytes:
        """PDF/A. A sign no font draws becomes ``?``: no result stands here. Raises :class:`RenderError`."""
        data = {
            "title": self._clean(page.title),
            "author": self._clean(page.author),
            "intro": self._clean(page.intro),
            "foot": self._clean(page.foot),
            "sections": [
                {
                    "title": self._clean(section.title),
                    "rows": [[self._clean(label), self._clean(value)] for label, value in section.rows if value],
                }
                for section in page.sections
                if any(value for _, value in section.rows)
            ],
        }
        made = self._engine.render(data, created_at)
        faults = selfcheck.check(made, self._engine.level).faults
        if faults:
            raise RenderError(
                f"PDF : le résumé ne passe pas l'auto-contrôle ({', '.join(faults)}).",
                hint="Signaler le fait avec la version de typst.",
                code="pdf-selfcheck",
            )
        return made

    def _clean(self, text: str) -> str:
        try:
            return self._glyphs.clean(text)
        except RenderError:
            drawn = normalise(text)
            missing = set(self._glyphs.missing(drawn))
            return "".join("?" if ord(char) in missing else char for char in drawn)
