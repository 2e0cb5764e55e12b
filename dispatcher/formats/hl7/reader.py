"""Reads files of HL7 v2 messages: results (ORU, ORF, OUL) into reports, MDM into documents. Never raises for content.

Why not hl7apy here: it parses about 13 messages a second and loses PRT, TXA and Z segments silently (decision D6,
``docs/adr``). It gives its opinion in :mod:`.opinion`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.formats.dialect.apply import told, understood
from dispatcher.formats.er7.messages import Cut, Message, cut
from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.segments import Segment
from dispatcher.formats.hl7.completeness import unfinished
from dispatcher.formats.hl7.groups import group
from dispatcher.formats.hl7.reports import reports_of
from dispatcher.formats.text import Decoded, damaged_bytes, decode
from dispatcher.report.model import Problem, Report, Severity

_START = re.compile(rb"(?:MSH|FHS|BHS)[^A-Za-z0-9\s]")
_BLANK = b"\xef\xbb\xbf\x0b\x1c\x00 \t\r\n"
_RESULTS = frozenset({"ORU", "ORF", "OUL"})
_EXPECTED = "ORU^R01 (résultats) ou MDM^T02 (documents)"


class Hl7Reader:
    """HL7 v2.1 to 2.9 as laboratories write it."""

    name = "hl7v2"

    def sniff(self, head: bytes) -> float:
        """Sure when the file begins with a header segment; likely when one begins a later line."""
        if b"\0" in head[:16]:
            head = head.replace(b"\0", b"").lstrip(b"\xff\xfe")
        if _START.match(head.lstrip(_BLANK)):
            return 1.0
        return 0.6 if b"MSH" in head and re.search(rb"[\r\n\x0b]MSH[^A-Za-z0-9\s]", head) else 0.0

    def read(self, data: bytes, context: ReadContext) -> ReadResult:
        """Bytes to reports, one or more per message."""
        decoded = read_text(data, context.encoding)
        parts = cut(decoded.text)
        reports: list[Report] = []
        problems: list[Problem] = [*decoded.problems, *damaged_bytes(decoded.text), *parts.problems]
        unused: Counter[str] = Counter()
        formats: list[str] = []
        for message in parts.messages:
            kind = _format(message)
            if kind is None:
                problems.append(_unsupported(message.header))
                continue
            formats.append(kind)
            reports.extend(_reports(message, context, unused))
        problems.extend(_about_the_file(parts, unused))
        return ReadResult(
            format=formats[0] if formats else "unknown",
            encoding=decoded.encoding,
            reports=tuple(reports),
            problems=tuple(problems),
        )


def _reports(message: Message, context: ReadContext, unused: Counter[str]) -> Iterator[Report]:
    """Those of one message."""
    notes = Notes()
    if context.dialect is not None:
        message = replace(message, segments=understood(message.segments, context.dialect, notes))
    grouped = group(message)
    unused.update(grouped.unused)
    for report in reports_of(grouped, context.sibling):
        yield told(notes, report)


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers:
    """The ``MSH`` of a file, for whoever answers it."""

    messages: tuple[Segment, ...]
    """One a message, those of unknown types too."""
    reports: tuple[Segment, ...]
    """One a report, in the order of :meth:`Hl7Reader.read`: that of the message it came in."""


def headers(data: bytes, context: ReadContext) -> Headers:
    """Never raises for content."""
    messages = cut(read_text(data, context.encoding).text).messages
    known = [message for message in messages if _format(message) is not None]
    of_reports = [message.header for message in known for _ in _reports(message, context, Counter())]
    return Headers(messages=tuple(message.header for message in messages), reports=tuple(of_reports))


def read_text(data: bytes, override: str | None) -> Decoded:
    """Decode by override, byte order mark, MSH-18, else by content."""
    return decode(data, override=override, declared=declared_charset(data))


def declared_charset(data: bytes) -> str | None:
    """MSH-18 (first repetition) of the first message that fills it; table 0211."""
    for found in re.finditer(rb"(?:^|[\r\n\x0b])MSH([^A-Za-z0-9\s])([^\r\n]*)", data):
        fields = found[2].split(found[1])
        if len(fields) > 16 and fields[16].strip():
            repetition = fields[0][1:2] or b"~"
            return fields[16].split(repetition)[0].decode("ascii", "ignore").strip() or None
    return None


def _format(message: Message) -> str | None:
    kind = message.kind
    if kind in _RESULTS:
        return "hl7v2-oru"
    if kind == "MDM":
        return "hl7v2-mdm"
    # Some senders leave MSH-9 empty: the segments say what it is.
    names = {segment.name for segment in message.segments}
    return "hl7v2-oru" if not kind and {"OBR", "OBX"} <= names else None


def _unsupported(header: Segment) -> Problem:
    composite = header.composite(9)
    found = "^".join(part[:10] for place in (1, 2) if (part := composite.first(place))) or "vide"
    return Problem(
        code="unsupported-message",
        severity=Severity.ERROR,
        where=header.where(9),
        message=f"Message HL7 de type {found} ; attendu {_EXPECTED}. "
        "Ne déposer dans ce dossier que des résultats, ou corriger l’export.",
    )


def _about_the_file(parts: Cut, unused: Counter[str]) -> list[Problem]:
    problems = []
    if not parts.messages:
        problems.append(
            Problem(
                code="no-message",
                severity=Severity.ERROR,
                where="ligne 1",
                message="Aucun segment MSH dans ce fichier : ce n’est pas un message HL7 v2 complet.",
            )
        )
    elif (why := unfinished(parts)) and not any(problem.code == "envelope-trailer" for problem in parts.problems):
        place, _, what = why.rpartition(" : ")
        problems.append(
            Problem(
                code="truncated",
                severity=Severity.ERROR,
                where=place,
                message=f"Fichier tronqué : {what}. Rien n’en est diffusé ; le faire réexporter par le laboratoire.",
            )
        )
    if unused:
        names = ", ".join(f"{name} ({count})" for name, count in sorted(unused.items()))
        problems.append(
            Problem(
                code="unused-segments",
                severity=Severity.INFO,
                message=f"Segments lus mais sans emploi dans le compte rendu : {names}.",
            )
        )
    return problems
