"""A store with mails that wait to leave, one report each: for tests of the pace and of who goes first."""

from __future__ import annotations

from datetime import datetime

from dispatcher.outbox.dispatch import Dispatch, ReportVersion, SourceFile
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import Store

AT_ONCE = 1000
"""Mails a transaction."""


def queue(store: Store, count: int, *, address: str, channel: str, now: datetime, content: bytes = b"sealed") -> None:
    """``count`` routine mails ``D00000``… to one box, ``queued`` on ``channel``, each with ``content`` as its mail."""
    with store.transaction() as uow:
        uow.files.add(
            SourceFile(
                id="F0",
                source="sil",
                path="/x",
                name="x",
                size=1,
                mtime_ns=1,
                sha256="",
                state=FileState.DONE,
                received_at=now,
            )
        )
    for start in range(0, count, AT_ONCE):
        with store.transaction() as uow:
            for number in range(start, min(start + AT_ONCE, count)):
                report, dispatch = _mail(number, address, channel, now)
                uow.reports.add(report)
                uow.dispatches.add(dispatch)
                uow.payloads.put(dispatch.id, "sealed", content)


def _mail(number: int, address: str, channel: str, now: datetime) -> tuple[ReportVersion, Dispatch]:
    report = ReportVersion(
        id=f"C{number}",
        file_id="F0",
        position=number,
        chain=f"chain{number}",
        version=1,
        fingerprint="",
        document_id=f"doc{number}",
        set_id="set",
        created_at=now,
    )
    dispatch = Dispatch(
        id=f"D{number:05}",
        report_id=report.id,
        chain=report.chain,
        version=1,
        state=State.QUEUED,
        recipient_key=f"k{number}",
        role="prescriber",
        address=address,
        domain=address.partition("@")[2],
        channel=channel,
        message_id=f"<{number}@labo.test>",
        envid=f"e{number}",
        created_at=now,
    )
    return report, dispatch
