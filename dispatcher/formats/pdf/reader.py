"""Reads a bare PDF as a report that is a document: passed on as it is. A PDF names nobody to us."""

from __future__ import annotations

from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.formats.pdf import received
from dispatcher.report.model import Attachment, Kind, Patient, Problem, Report, Severity


class PdfReader:
    """One report, kind ``document``, whose first document is the file itself."""

    name = "pdf"

    def sniff(self, head: bytes) -> float:
        """Sure when the header stands at the very start, nearly so within the first kilobyte (viewers accept that)."""
        if head.startswith(b"%PDF-"):
            return 1.0
        return 0.8 if b"%PDF-" in head[:1024] else 0.0

    def read(self, data: bytes, context: ReadContext) -> ReadResult:
        """Never raises. A PDF that cannot be opened is a problem of the file: it is quarantined."""
        del context
        problems = received.check(data)
        if any(problem.severity is Severity.ERROR for problem in problems):
            return ReadResult(format="pdf", problems=problems)
        message = "Un PDF seul ne dit ni le patient ni le destinataire : les donner à l'envoi."
        unnamed = Problem(code="pdf-no-identity", severity=Severity.INFO, message=message)
        report = Report(
            patient=Patient(),
            kind=Kind.DOCUMENT,
            documents=(Attachment(media_type="application/pdf", content=data),),
            problems=(*problems, unnamed),
        )
        return ReadResult(format="pdf", reports=(report,))
