"""The kept original of a source file, read again: nothing else of a report is stored in a form of our own."""

from __future__ import annotations

from collections.abc import Callable

from dispatcher.clock import paris
from dispatcher.errors import StoreError
from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext, ReadResult, no_sibling
from dispatcher.formats.pdf_index.rules import rules_of
from dispatcher.outbox.dispatch import SourceFile
from dispatcher.service.desk import Desk

PURGED = "purged"
"""Code of the error when the contents were kept long enough."""
MISSING = "payload-missing"
"""Code of the error when the original itself is gone."""


def read_file(desk: Desk, file: SourceFile) -> ReadResult:
    """Read the kept original again, with the files that stood beside it."""
    with desk.store.reading() as uow:
        original = uow.payloads.get(file.id, "original")
        siblings = {
            kind.removeprefix("sibling:"): uow.payloads.get(file.id, kind)
            for kind in uow.payloads.kinds(file.id)
            if kind.startswith("sibling:")
        }
    if original is None and file.purged_at is not None:
        raise StoreError(
            f"Le contenu du fichier {file.id} a été purgé le {paris(file.purged_at):%d/%m/%Y}, gardé assez longtemps.",
            hint="La preuve est gardée (« dispatcher evidence »). Pour l'envoyer de nouveau : le faire exporter par le "
            "SIL, puis « dispatcher send FICHIER --to … ».",
            code=PURGED,
        )
    if original is None:
        raise StoreError(
            f"L'original du fichier {file.id} manque dans la base.",
            hint="Restaurer la sauvegarde, puis rejouer le fichier.",
            code=MISSING,
        )
    return registry.read(original, context_of(desk, file, siblings.get))


def context_of(desk: Desk, file: SourceFile, sibling: Callable[[str], bytes | None] = no_sibling) -> ReadContext:
    """What the reader of this file may know besides its bytes."""
    source = desk.sources.get(file.source)
    return ReadContext(
        file_name=file.name,
        encoding=source.encoding if source else None,
        sibling=sibling,
        index=rules_of(source.index) if source else None,
        dialect=desk.dialects.get(file.source),
    )
