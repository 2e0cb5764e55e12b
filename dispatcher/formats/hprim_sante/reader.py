"""Reads HPRIM Santé 1.2 to 2.5 result files (context ORU) into reports. Never raises for bad content.

No complete normative text was available; the rules are those of the shared notes "HPRIM" §2, drawn from what other
implementations read and refuse.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.formats.dialect.apply import understood
from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.segments import Segment
from dispatcher.formats.hprim_sante.cutting import HEADER, Cut, Message, cut
from dispatcher.formats.hprim_sante.groups import Grouped, group
from dispatcher.formats.hprim_sante.header import CONTEXTS, Header, read_header
from dispatcher.formats.hprim_sante.reports import reports_of
from dispatcher.formats.hprim_sante.results import FILE_TYPES, file_name
from dispatcher.formats.text import damaged_bytes, decode
from dispatcher.report.model import Problem, Report, Severity

FORMAT = "hprim-sante"
_HEAD_BYTES = 4096


class HprimSanteReader:
    """HPRIM Santé as laboratories write it."""

    name = FORMAT

    def sniff(self, head: bytes) -> float:
        """Sure when the first text is ``H`` and separators; likely when a later line is."""
        if HEADER.match(head[:16].decode("latin-1")):
            return 0.95
        text = decode(head[:_HEAD_BYTES]).text.replace("\r", "\n")
        if HEADER.match(text):
            return 0.95
        lines = [line.strip("\x0b\x1c\x00\ufeff \t") for line in text.split("\n")]
        told = [line for line in lines if line]
        if told and HEADER.match(told[0]):
            return 0.95
        return 0.5 if any(HEADER.match(line) and line.count(line[1]) > 5 for line in told) else 0.0

    def read(self, data: bytes, context: ReadContext) -> ReadResult:
        """Bytes to reports: one per patient and request."""
        decoded = decode(data, override=context.encoding)
        parts = cut(decoded.text)
        reports: list[Report] = []
        problems: list[Problem] = [*decoded.problems, *damaged_bytes(decoded.text), *parts.problems]
        unused: Counter[str] = Counter()
        for written in parts.messages:
            notes = Notes()
            message = written
            if context.dialect is not None:
                message = replace(written, segments=understood(written.segments, context.dialect, notes))
            header = read_header(message.header, notes)
            grouped = group(message)
            about = Notes()
            if _usable(header, grouped, message, about):
                _about_message(header, written, about, notes)
                reports.extend(reports_of(grouped, header, notes.problems, context.sibling))
            problems.extend(about.problems)
            unused.update(grouped.unused)
        if not parts.messages:
            problems.append(_problem("no-message", "ligne 1", "Aucun segment H : ce n’est pas un message HPRIM Santé."))
        if unused:
            problems.append(_unused(unused))
        return ReadResult(format=FORMAT, encoding=decoded.encoding, reports=tuple(reports), problems=tuple(problems))


def _problem(code: str, where: str, message: str) -> Problem:
    return Problem(code=code, severity=Severity.ERROR, where=where, message=message)


def _unused(unused: Counter[str]) -> Problem:
    names = ", ".join(f"{name} ({count})" for name, count in sorted(unused.items()))
    return Problem(
        code="unused-segments",
        severity=Severity.INFO,
        message=f"Segments lus mais sans emploi dans le compte rendu : {names}.",
    )


def _usable(header: Header, grouped: Grouped, message: Message, about: Notes) -> bool:
    """Whether the message holds results; if not, why (an error about the file)."""
    results = any(order.lines for patient in grouped.patients for order in patient.orders)
    where = message.header.where(6)
    if header.context == "ERR" or (grouped.errors and not results):
        about.error("hprim-error-report", where, _error_report(grouped.errors))
        return False
    if header.context in ("ORU", "") or (results and header.context not in CONTEXTS):
        if header.context != "ORU":
            about.warning(
                "unexpected-context",
                where,
                f"Contexte H.6 « {header.context[:10] or 'vide'} » au lieu de ORU ; lu comme des résultats.",
            )
        return True
    about.error(
        "unsupported-message",
        where,
        f"Message HPRIM Santé de contexte {header.context[:10]} ; attendu ORU (résultats). "
        "Ne déposer dans ce dossier que des résultats, ou corriger l’export.",
    )
    return False


def _error_report(errors: list[Segment]) -> str:
    """What a receiver refused, by place; never the value it quotes."""
    places = []
    for err in errors[:5]:
        line, field = err.component(5)[:6], err.component(7)[:6]
        severity = {"T": "rejet total", "P": "rejet partiel", "I": "information"}.get(
            err.component(4).upper(), "erreur"
        )
        segment = err.component(6)[:3]
        told = [f"ligne {line}" if line.isdigit() else "", segment if segment.isalpha() else ""]
        told.append(f"champ {field}" if field.replace(".", "").isdigit() else "")
        places.append(" ".join([severity, *(part for part in told if part)]))
    told_places = " ; ".join(places) or "sans détail"
    return (
        f"Ce fichier est un compte rendu d’erreurs (contexte ERR), pas un résultat : {told_places}. "
        "Le transmettre au support du laboratoire."
    )


def _about_message(header: Header, message: Message, about: Notes, notes: Notes) -> None:
    """Truncation is an error of the file; counts of ``L`` and test messages are told on the reports."""
    trailer = message.trailer
    if trailer is None:
        last = message.segments[-1]
        about.error(
            "truncated",
            last.where(),
            "Message HPRIM Santé tronqué : le segment de fin L manque. Rien n’en est diffusé ; le faire réexporter.",
        )
    else:
        _check_counts(trailer, message, notes)
    if header.processing in ("T", "D"):
        notes.warning(
            "test-message",
            message.header.where(11),
            "Message de test (H.11 = T ou D) : ne pas le diffuser en production.",
        )


def _check_counts(trailer: Segment, message: Message, notes: Notes) -> None:
    """L.3 patients and L.4 segments, when given. Emitters count with or without H, L and A: all are accepted."""
    patients = sum(segment.name == "P" for segment in message.segments)
    joined, written = len(message.segments), message.written
    accepted = {count - less for count in (joined, written) for less in (0, 1, 2)}
    for place, counted, what in ((3, {patients}, "patients"), (4, accepted, "segments")):
        declared = trailer.component(place)
        if declared.isdigit() and len(declared) < 10 and int(declared) not in counted:
            notes.warning(
                "trailer-count",
                trailer.where(place),
                f"L.{place} annonce {int(declared)} {what}, {patients if place == 3 else joined} trouvé(s) : "
                "vérifier que le fichier est entier.",
            )


def unfinished(data: bytes) -> str:
    """Why the file is not whole, in French, as far as its content tells; the empty string when it is."""
    parts = cut(decode(data).text)
    if not parts.messages:
        return "aucun segment H"
    return "" if parts.messages[-1].trailer is not None else "segment de fin L absent"


def referenced_files(data: bytes) -> tuple[str, ...]:
    """Bare names of the files that FIC results point at, each once, in file order."""
    parts: Cut = cut(decode(data).text)
    names = (
        file_name(segment)
        for message in parts.messages
        for segment in message.segments
        if segment.name == "OBX" and segment.raw(2).upper() in FILE_TYPES
    )
    return tuple(dict.fromkeys(name for name in names if name))
