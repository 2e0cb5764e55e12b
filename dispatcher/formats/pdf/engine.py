"""Layout and data to PDF bytes. One small interface, so that another engine can come; here, typst.

The room itself opens no file: the layout comes in as bytes. typst takes fonts by folder only, so the path of a folder
comes in as text and the library reads it (``wiring`` keeps :func:`dispatcher.resources.mapping_folder` open on
``mappings/fonts`` and hands in its path). System fonts are never used: two machines give the same bytes.

Measured: one compiler serves one thread only; a character without glyph is an error in PDF/A, never a silent box;
``timestamp`` and the document's own date make the bytes repeatable.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal, Protocol

import typst

from dispatcher.errors import ConfigError, RenderError

Level = Literal["a-1a", "a-1b"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A typst layout and what it needs."""

    source: bytes
    """The template; the data take the place of :data:`DATA`. It may import no package (that would need a network)."""
    fonts: tuple[str, ...]
    """Folders of fonts (absolute paths). Nothing else is looked at."""
    coverage: str
    """Characters these fonts draw: text of ``mappings/fonts/coverage.txt``."""
    root: str = ""
    """Folder whose files (a logo) the template may read; empty: the first folder of fonts."""
    name: str = "report.typ"
    """For messages."""
    level: Level = "a-1a"
    """``a-1a`` is tagged for screen readers; ``a-1b`` is smaller."""
    inputs: bool = False
    """A file of the laboratory asks for the data in ``sys.inputs.data``, as JSON: see :meth:`TypstEngine._compile`."""


class Engine(Protocol):
    """Data to a finished PDF."""

    level: Level

    def render(self, data: Mapping[str, Any], created_at: datetime) -> bytes:
        """JSON-ready data and an aware edition time to PDF bytes. Raises :class:`RenderError` without any text."""


_PLACE = re.compile(r"(?:([\w-]+\.typ))?:(\d+):(\d+)")
_IMAGE = re.compile(r"decode image|image contains transparency|unknown image format")
_GLYPH = re.compile(r"could not be displayed")


DATA = b"#let data = json(bytes(sys.inputs.data))"
"""The line of a layout that takes the data."""
SETTINGS = "reglages.typ"
"""File in which a laboratory defines anew what it wants of the shipped layout."""
_HOOK = "// « reglages.typ » est lu ici.".encode()


def refuse_packages(source: bytes, name: str) -> None:
    """Raises :class:`ConfigError` when a layout would fetch a package: that needs a network."""
    if re.search(rb'(?:import|include)\s*\(?\s*"@', source):
        raise ConfigError(
            f"Mise en page {name} : elle importe un paquet, ce qui demanderait un accès au réseau.",
            hint="Recopier dans le fichier ce dont il a besoin.",
        )


def with_settings(source: bytes) -> bytes:
    """The shipped layout, reading a laboratory's ``reglages.typ`` of the folder where it is rendered."""
    return source.replace(_HOOK, f'#import "/{SETTINGS}": *'.encode(), 1)


class TypstEngine:
    """Typst, with one compiler per thread."""

    def __init__(self, layout: Layout) -> None:
        refuse_packages(layout.source, layout.name)
        self.level: Level = layout.level
        self._layout = layout
        self._local = threading.local()

    def _compiler(self) -> typst.Compiler:
        compiler: typst.Compiler | None = getattr(self._local, "compiler", None)
        if compiler is None:
            layout = self._layout
            fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=list(layout.fonts))
            root = layout.root or (layout.fonts[0] if layout.fonts else "")
            compiler = typst.Compiler(root=root, font_paths=fonts, ignore_system_fonts=True)
            self._local.compiler = compiler
        return compiler

    def render(self, data: Mapping[str, Any], created_at: datetime) -> bytes:
        """See :class:`Engine`."""
        try:
            return self._compile(data, created_at)
        except typst.TypstError as error:
            self._local.compiler = None
            # The cause is cut off on purpose: typst quotes the text it could not draw, which may be a patient's name.
            raise _refusal(error, self._layout.name) from None

    def complaints(self, data: Mapping[str, Any], created_at: datetime) -> tuple[str, ...]:
        """What typst says of the layout, in its own words, with invented ``data`` only; empty when it renders."""
        try:
            self._compile(data, created_at)
        except typst.TypstError as error:
            return (error.diagnostic.strip() or error.message,)
        return ()

    def _compile(self, data: Mapping[str, Any], created_at: datetime) -> bytes:
        """The data go into the template as a text of its own. typst keeps what it has set (names of analyses, units,
        ranges) from one report to the next, but forgets all of it whenever ``sys.inputs`` change.
        """
        source, written = self._layout.source, json.dumps(data, ensure_ascii=False)
        compiled = self._compiler().compile
        if self._layout.inputs or DATA not in source:
            compiled = partial(compiled, sys_inputs={"data": written})
        made = compiled(
            source.replace(DATA, f"#let data = json(bytes({_literal(written)}))".encode(), 1),
            format="pdf",
            pdf_standards=[self.level],
            pdf_tags=self.level == "a-1a",
            timestamp=created_at.astimezone(UTC).replace(microsecond=0),
        )
        if not isinstance(made, bytes):
            raise RenderError("PDF : le moteur n'a rien rendu.", hint="Signaler le fait avec la version de typst.")
        return made


def _literal(text: str) -> str:
    """A text as typst writes one: nothing in it is a command."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _refusal(error: typst.TypstError, name: str) -> RenderError:
    """Our error for typst's: where in the layout, never which text."""
    if _GLYPH.search(error.message):
        return RenderError(
            "PDF : un caractère du compte rendu est absent des polices de la mise en page.",
            hint=f"Compléter les polices de {name}, ou corriger le texte dans le SIL.",
            code="pdf-character",
        )
    if _IMAGE.search(error.message):
        return RenderError(
            "PDF : une image du compte rendu (ou le logo) ne peut pas être imprimée (fichier abîmé ou transparent).",
            hint="La faire réexporter en PNG sans transparence ou en JPEG en couleurs RVB.",
            code="pdf-image",
        )
    place = _PLACE.search(error.diagnostic)
    where = f", ligne {place[2]}, colonne {place[3]}" if place else ""
    return RenderError(
        f"PDF : la mise en page {(place and place[1]) or name} est en faute{where}.",
        hint="« dispatcher check » en donne le détail sur un compte rendu inventé.",
        code="pdf-layout",
    )
