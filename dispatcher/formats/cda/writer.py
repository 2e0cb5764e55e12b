"""Report to CDA R2: CR-BIO 2024.01, level 3 (``cda``) or level 1 (``cda-n1``: the PDF in a CDA header).

Deterministic: the same report and context give the same bytes; identifiers made here derive from
``context.ids.document``.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal

from dispatcher.errors import RenderError
from dispatcher.formats.base import Rendition, WriteContext
from dispatcher.formats.cda.body import structured_body
from dispatcher.formats.cda.cleaning import cleaned
from dispatcher.formats.cda.draft import Draft
from dispatcher.formats.cda.elements import NAMESPACES
from dispatcher.formats.cda.header import header
from dispatcher.formats.cda.layout import chapters, cover_chapters
from dispatcher.formats.cda.pdf_copy import non_xml_body
from dispatcher.formats.markup import Element, document
from dispatcher.report.model import Kind, Problem, Report, Severity

MEDIA_TYPE = "text/xml"


class CdaWriter:
    """Writes one report. ``level`` 3 is the structured report with its PDF copy, 1 the PDF alone under a CDA header."""

    def __init__(self, level: Literal[1, 3] = 3) -> None:
        self.level = level
        self.name = "cda" if level == 3 else "cda-n1"

    def write(self, report: Report, context: WriteContext) -> Rendition:
        """UTF-8 bytes of one document, and what was noticed on the way.

        A report that carries only a document is written at level 1 whatever was asked; ``format`` says which.
        Raises :class:`dispatcher.errors.RenderError`: no PDF, no patient name, laboratory identity incomplete.
        """
        try:
            return self._write(report, context, ())
        except ValueError:
            # What XML cannot hold. Rare, so the walk through the whole report is only paid for then.
            told = Problem(
                code="illegal-characters",
                severity=Severity.WARNING,
                where="compte rendu",
                message="Le fichier contient des caractères de contrôle interdits en XML ; ils ont été retirés du CDA. "
                "Vérifiez l'encodage de l'export du SIL.",
            )
            return self._second_try(cleaned(report), _cleaned_context(context), told)

    def _second_try(self, report: Report, context: WriteContext, told: Problem) -> Rendition:
        try:
            return self._write(report, context, (told,))
        except ValueError as error:
            raise RenderError(
                "Le compte rendu contient une valeur que le CDA ne peut pas porter.",
                hint="Ouvrez le fichier source dans « dispatcher read » et signalez ce cas au support.",
            ) from error

    def _write(self, report: Report, context: WriteContext, told: tuple[Problem, ...]) -> Rendition:
        draft = Draft(report, context, list(told))
        level, plan = self.level, chapters(draft)
        if level == 3 and (report.kind is Kind.DOCUMENT or not plan):
            level = 1
            draft.warn(
                "written-as-level-1",
                "document",
                "Le compte rendu ne porte aucun résultat structuré : le CDA est écrit au niveau 1 (PDF seul).",
                Severity.INFO,
            )
        root = Element("ClinicalDocument", NAMESPACES)
        header(draft, root, plan or cover_chapters(draft), level=level)
        if level == 3:
            structured_body(draft, root, plan)
        else:
            non_xml_body(draft, root)
        content = document(root)
        number = re.sub(r"[^A-Za-z0-9-]", "-", context.ids.document)[:64]
        return Rendition(
            format="cda" if level == 3 else "cda-n1",
            media_type=MEDIA_TYPE,
            file_name=f"CR-BIO_{number}.xml",
            content=content,
            problems=tuple(dict.fromkeys(draft.problems)),
        )


def _cleaned_context(context: WriteContext) -> WriteContext:
    return replace(
        context,
        laboratory=cleaned(context.laboratory),
        recipient=cleaned(context.recipient),
        recipient_address=cleaned(context.recipient_address),
    )
