"""Tables of the laboratory laid over those shipped: terminology, and the addresses of paper."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dispatcher import resources
from dispatcher.routing.postal import PostalTable, read_table
from dispatcher.service.print_run import PaperRules
from dispatcher.settings import PaperSettings, TerminologySettings
from dispatcher.terminology.rows import decoded
from dispatcher.terminology.tables import Options, Terminology, TerminologyTexts, load


def terminology(wanted: TerminologySettings | None = None) -> Terminology:
    """The shipped tables, with the laboratory's own laid over them."""
    wanted = wanted or TerminologySettings()
    return load(terminology_texts(wanted), terminology_options(wanted))


def terminology_texts(
    wanted: TerminologySettings, instead: Mapping[str, str] = MappingProxyType({})
) -> TerminologyTexts:
    """All tables as text; ``instead`` (file name to text) stands in for files of the laboratory's folder."""
    folder = wanted.folder

    def own(name: str) -> str | None:
        path = folder / name if folder is not None else None
        if name in instead or path is None or not path.is_file():
            return instead.get(name)
        return decoded(path.read_bytes())

    return TerminologyTexts.collect(lambda name: resources.mapping_text("terminology", name), own)


def terminology_options(wanted: TerminologySettings) -> Options:
    """What the laboratory chose."""
    return Options(snomed=wanted.snomed, antibiograms=wanted.antibiograms, critical=wanted.critical)


def paper_rules(settings: PaperSettings) -> PaperRules:
    """How letters are printed. The table of addresses is read when it is needed; without the file there is none."""

    def table() -> PostalTable:
        path = settings.addresses
        return read_table(decoded(path.read_bytes()), path.name) if path.is_file() else PostalTable()

    window = (settings.window_left_mm, settings.window_top_mm)
    return PaperRules(table=table, duplex=settings.duplex, window=window)
