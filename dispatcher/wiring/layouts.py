"""The layouts of what is printed, with their fonts: those shipped, or the laboratory's own laid over them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from dispatcher import resources
from dispatcher.errors import ConfigError
from dispatcher.formats.pdf.engine import DATA, SETTINGS, Layout, refuse_packages, with_settings
from dispatcher.settings import PdfSettings


def pdf_layout(closing: ExitStack, settings: PdfSettings) -> Layout:
    """The shipped layout and fonts, or the laboratory's own laid over them."""
    fonts = str(closing.enter_context(resources.mapping_folder("fonts")))
    shipped = Layout(
        source=resources.mapping_bytes("layouts", "report.typ"),
        fonts=(fonts,),
        coverage=resources.mapping_text("fonts", "coverage.txt"),
        level=settings.level,
    )
    folder = settings.layout
    if folder is None:
        return shipped
    try:
        source = _layout_source(folder, shipped.source)
        inputs = any(b"sys.inputs" in each.read_bytes().replace(DATA, b"") for each in folder.rglob("*.typ"))
        listed = folder / "coverage.txt"
        coverage = listed.read_text(encoding="ascii") if listed.is_file() else shipped.coverage
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"Mise en page illisible : {folder} ({type(error).__name__}).",
            hint="Attendu : un dossier avec « report.typ » ou « reglages.typ » (voir docs/mappings.md).",
        ) from error
    fonts_of_both = (str(folder), fonts)
    return replace(shipped, source=source, fonts=fonts_of_both, root=str(folder), coverage=coverage, inputs=inputs)


def letter_layout(closing: ExitStack) -> Layout:
    """The sheets the program adds to what is posted."""
    return Layout(
        source=resources.mapping_bytes("layouts", "letter.typ"),
        fonts=(str(closing.enter_context(resources.mapping_folder("fonts"))),),
        coverage=resources.mapping_text("fonts", "coverage.txt"),
        name="letter.typ",
        level="a-1b",
    )


def statement_layout(closing: ExitStack) -> Layout:
    """The statement of a bulk send."""
    return Layout(
        source=resources.mapping_bytes("layouts", "statement.typ"),
        fonts=(str(closing.enter_context(resources.mapping_folder("fonts"))),),
        coverage=resources.mapping_text("fonts", "coverage.txt"),
        name="statement.typ",
    )


def _layout_source(folder: Path, shipped: bytes) -> bytes:
    """The laboratory's own layout; else ours with its settings laid over. Raises OSError when it has neither."""
    adjusted = folder / SETTINGS
    if adjusted.is_file():
        refuse_packages(adjusted.read_bytes(), SETTINGS)
    if (folder / "report.typ").is_file() or not adjusted.is_file():
        return (folder / "report.typ").read_bytes()
    return with_settings(shipped)
