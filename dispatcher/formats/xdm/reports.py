"""An IHE_XDM archive as a file of reports: every CDA in it is read, what its metadata say of it is held against it.

The archive itself is opened by :mod:`~dispatcher.formats.xdm.reader`; the reports are of format ``cda``.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from dispatcher.errors import FormatError
from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.formats.cda_reading.reader import CdaReader
from dispatcher.formats.xdm.reader import EntryData, Member, XdmArchive, read_archive
from dispatcher.report.model import Problem, Report, Severity, SourceDocument, Status

_ZIP = b"PK\x03\x04"
_NAMES = (b"IHE_XDM", b"METADATA.XML", b"INDEX.HTM")


class XdmReader:
    """Reads the documents of one archive."""

    name = "xdm"

    def sniff(self, head: bytes) -> float:
        """A zip that shows one of the names IHE prescribes among its first members."""
        if not head.startswith(_ZIP):
            return 0.0
        shown = head.upper()
        return 0.9 if any(name in shown for name in _NAMES) else 0.0

    def read(self, data: bytes, context: ReadContext) -> ReadResult:
        """One report per CDA of the archive. Never raises."""
        try:
            archive = read_archive(data)
        except FormatError as error:
            return _failed(Problem(code=error.code, severity=Severity.ERROR, where="archive", message=str(error)))
        problems: list[Problem] = list(archive.problems)
        reports: list[Report] = []
        encodings: dict[str, None] = {}
        for member in archive.documents:
            result = self._document(member, archive, context)
            encodings |= {result.encoding: None} if result.encoding else {}
            problems += [replace(each, where=f"{member.name} {each.where}".strip()) for each in result.problems]
            reports += _against_metadata(result.reports, member, archive)
        if not archive.documents:
            problems.append(
                Problem(
                    code="xdm-no-document",
                    severity=Severity.ERROR,
                    where="archive",
                    message="Archive XDM sans aucun document : la redemander à l'émetteur.",
                )
            )
        return ReadResult(format="cda", encoding=", ".join(encodings), reports=tuple(reports), problems=tuple(problems))

    @staticmethod
    def _document(member: Member, archive: XdmArchive, context: ReadContext) -> ReadResult:
        reader = CdaReader()
        if not reader.sniff(member.content[:4096]):
            problem = Problem(
                code="xdm-not-a-cda",
                severity=Severity.WARNING,
                message="Document de l'archive qui n'est pas un CDA : non lu. Le traiter à part.",
            )
            return ReadResult(format="unknown", problems=(problem,))
        folder = member.name.rpartition("/")[0]

        def beside(name: str) -> bytes | None:
            found = archive.find(f"{folder}/{name}" if folder else name)
            return found.content if found else None

        name = member.name.rpartition("/")[2]
        return reader.read(member.content, replace(context, file_name=name, sibling=beside))


def _failed(problem: Problem) -> ReadResult:
    return ReadResult(format="cda", problems=(problem,))


def _against_metadata(reports: tuple[Report, ...], member: Member, archive: XdmArchive) -> list[Report]:
    """``action`` D withdraws the document; a hash that is not the document's holds it."""
    entries = archive.metadata.entries if archive.metadata else ()
    entry = next((each for each in entries if archive.document_of(each) is member), None)
    if entry is None:
        return list(reports)
    problem = _altered(entry, member)
    dropped = "D" in entry.slot("action")
    return [
        replace(
            report,
            status=Status.CANCELLED if dropped else report.status,
            source_document=_dropped(report.source_document) if dropped else report.source_document,
            problems=(*report.problems, problem) if problem else report.problems,
        )
        for report in reports
    ]


def _dropped(source: SourceDocument | None) -> SourceDocument | None:
    return replace(source, dropped=True) if source else None


def _altered(entry: EntryData, member: Member) -> Problem | None:
    told = "".join(entry.slot("hash")).strip().lower()
    # SHA-1 is what ITI-32 prescribes: it tells an accident, not an attack.
    real = hashlib.sha1(member.content, usedforsecurity=False).hexdigest()
    if not told or told == real:
        return None
    return Problem(
        code="xdm-hash",
        severity=Severity.ERROR,
        where=member.name,
        message="Le document n'a pas l'empreinte que METADATA.XML annonce : modifié ou abîmé en route. Le redemander.",
    )
