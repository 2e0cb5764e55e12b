"""An IHE_XDM archive as a file of reports: every CDA in it is read, what its metadata say of it is held against it.

The archive itself is opened by :mod:`~dispatcher.formats.xdm.reader`; the reports are of format ``cda``.
"""

from __future__ import annotations

from dataclasses import replace

from dispatcher.errors import FormatError
from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.formats.cda_reading.reader import CdaReader
from dispatcher.formats.xdm import agreement, codes
from dispatcher.formats.xdm.carried import with_visibility
from dispatcher.formats.xdm.reader import Member, XdmArchive, read_archive
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
        used = list(archive.documents)
        for member in archive.documents:
            result = self._document(member, archive, context, used)
            encodings |= {result.encoding: None} if result.encoding else {}
            problems += [replace(each, where=f"{member.name} {each.where}".strip()) for each in result.problems]
            reports += _against_metadata(result.reports, member, archive)
        problems += agreement.of_archive(archive, used)
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
    def _document(member: Member, archive: XdmArchive, context: ReadContext, used: list[Member]) -> ReadResult:
        """``used`` takes the files the document points at."""
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
            if found is None:
                return None
            used.append(found)
            return found.content

        name = member.name.rpartition("/")[2]
        return reader.read(member.content, replace(context, file_name=name, sibling=beside))


def _failed(problem: Problem) -> ReadResult:
    return ReadResult(format="cda", problems=(problem,))


def _against_metadata(reports: tuple[Report, ...], member: Member, archive: XdmArchive) -> list[Report]:
    """``action`` D withdraws the document; what the metadata say otherwise than the document is told with it."""
    entries = archive.metadata.entries if archive.metadata else ()
    entry = next((each for each in entries if archive.document_of(each) is member), None)
    if entry is None:
        return list(reports)
    dropped = "D" in entry.slot("action")
    return [
        replace(
            report,
            status=Status.CANCELLED if dropped else report.status,
            source_document=_dropped(report.source_document) if dropped else report.source_document,
            handling=with_visibility(report.handling, entry.codes(codes.CONFIDENTIALITY)),
            problems=(*report.problems, *agreement.of_document(entry, member, report)),
        )
        for report in reports
    ]


def _dropped(source: SourceDocument | None) -> SourceDocument | None:
    return replace(source, dropped=True) if source else None
