"""Use case: load what the first report needs (fonts, layout, tables, official rules) before any file is claimed.

A worker that dies holds the file in its hands; loading half a second of fonts with a patient's file claimed would make
that hand needlessly full.
"""

from __future__ import annotations

from dataclasses import replace

from dispatcher.formats.base import DocumentIds, WriteContext
from dispatcher.formats.pdf.trial import invented_report
from dispatcher.report.model import Attachment
from dispatcher.service.desk import Desk

NOBODY = "00000000-0000-4000-8000-000000000000"


def warm_up(desk: Desk) -> None:
    """Write an invented report in this thread; the bytes are thrown away. Raises :class:`DispatcherError`."""
    report, _missing = desk.terminology.code(invented_report())
    ids = DocumentIds(document=NOBODY, set_id=NOBODY)
    context = WriteContext(
        laboratory=desk.laboratory, ids=ids, created_at=desk.clock.now(), terminology=desk.terminology
    )
    pdf = desk.writers["pdf"].write(report, context)
    attachment = Attachment(media_type=pdf.media_type, content=pdf.content)
    desk.writers["cda"].write(report, replace(context, pdf=attachment))
    if desk.official is not None and any(c.settings.conformance != "off" for c in desk.channels.values()):
        desk.official.versions()
