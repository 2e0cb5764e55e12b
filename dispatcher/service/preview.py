"""Use case: what a recipient gets, as it was written for him and kept; nothing is made anew for a look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dispatcher.ports import Store
from dispatcher.receipts import evidence

RENDITION = "rendition:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """The renditions in the mail, by format."""

    dispatch_id: str
    renditions: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    purged_at: datetime | None = None


def received(store: Store, dispatch_id: str) -> Received | None:
    """None when there is no such dispatch. What is not the very bytes that were sealed is left out."""
    with store.reading() as uow:
        dispatch = uow.dispatches.get(dispatch_id)
        report = uow.reports.get(dispatch.report_id) if dispatch is not None else None
        file = uow.files.get(report.file_id) if report is not None else None
        if dispatch is None or file is None:
            return None
        kept = {
            kind.removeprefix(RENDITION): uow.payloads.get(dispatch_id, kind)
            for kind in uow.payloads.kinds(dispatch_id)
            if kind.startswith(RENDITION)
        }
    whole = {
        name: content
        for name, content in sorted(kept.items())
        if content is not None and evidence.sha256(content) in dispatch.renditions
    }
    return Received(dispatch_id=dispatch_id, renditions=whole, purged_at=file.purged_at)
