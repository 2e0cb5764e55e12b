"""Reads a PDF as a report that is a document: passed on as it is. Its index or its file name says whose it is.

The text of the document is never looked at for the patient.
"""

from __future__ import annotations

from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.formats.pdf import received
from dispatcher.formats.pdf_index import reader as index
from dispatcher.formats.pdf_index.records import Cell, Record, bare_name, error, files_named, record
from dispatcher.formats.pdf_index.reports import report_of, reports_of
from dispatcher.formats.pdf_index.rules import IndexRules, said_by_name
from dispatcher.report.model import Attachment, Kind, Patient, Problem, Report, Severity

FORMAT = "pdf"


class PdfReader:
    """One report, kind ``document``, whose first document is the file itself."""

    name = FORMAT

    def sniff(self, head: bytes) -> float:
        """Sure when the header stands at the very start, nearly so within the first kilobyte (viewers accept that)."""
        if head.startswith(b"%PDF-"):
            return 1.0
        return 0.8 if b"%PDF-" in head[:1024] else 0.0

    def read(self, data: bytes, context: ReadContext) -> ReadResult:
        """Never raises. A PDF that cannot be opened is a problem of the file: it is quarantined."""
        problems = received.check(data)
        if any(problem.severity is Severity.ERROR for problem in problems):
            return ReadResult(format=FORMAT, problems=problems)
        name = context.file_name
        found = _beside(data, name, context)
        if found is not None:
            return found
        document = Attachment(media_type="application/pdf", content=data, name=bare_name(name))
        if context.index is not None and context.index.pattern is not None:
            report = report_of(_by_name(name, context.index), document, problems)
            return ReadResult(format=FORMAT, reports=(report,))
        message = (
            "Un PDF seul ne dit ni le patient ni le destinataire : déposer un index à côté, ou les donner à l'envoi."
        )
        unnamed = Problem(code="pdf-no-identity", severity=Severity.INFO, message=message)
        report = Report(
            patient=Patient(),
            kind=Kind.DOCUMENT,
            documents=(Attachment(media_type="application/pdf", content=data),),
            problems=(*problems, unnamed),
        )
        return ReadResult(format=FORMAT, reports=(report,))


def _by_name(name: str, rules: IndexRules) -> Record:
    said = said_by_name(rules, name)
    if said is None:
        message = (
            "Le nom de ce PDF ne suit pas le modèle de la source (« index.file_name ») : à qui il est ne peut pas être "
            "su. Corriger l'export, ou le réglage."
        )
        return Record(where="nom du fichier", problems=(error("index-file-name", "nom du fichier", message),))
    cells = (Cell(field=field, text=text, where="nom du fichier") for field, text in said.items())
    return record("nom du fichier", cells)


def _beside(data: bytes, name: str, context: ReadContext) -> ReadResult | None:
    """What the index beside this PDF says of it; None when there is none."""
    rules = context.index or index.NO_RULES
    for other in index.sidecars(name) if name else ():
        content = context.sibling(other)
        if content is None or index.sure(content[:4096], rules) <= 0.3:
            continue
        parsed = index.parse(content, rules, context.encoding)
        named = zip(parsed.records, files_named(parsed.records, other), strict=True)
        mine = [one for one, told in named if told.casefold() == name.casefold()]
        if any(problem.severity is Severity.ERROR for problem in parsed.problems):
            return ReadResult(format=FORMAT, encoding=parsed.encoding, problems=parsed.problems)
        if mine:
            reports = reports_of(mine, name, lambda asked: data, rules)
            return ReadResult(format=FORMAT, encoding=parsed.encoding, reports=reports, problems=parsed.problems)
    return None
