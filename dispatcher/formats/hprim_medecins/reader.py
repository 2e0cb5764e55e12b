"""HPRIM Médecins to reports: header, printable text and coded results, as tolerantly as real files need.

Bytes in, :class:`~dispatcher.formats.base.ReadResult` out; bad content never raises, it is told. Document: HPRIM
Médecins v3.0 (1997) as receivers enforce it, see :mod:`dispatcher.formats.hprim_medecins.grammar`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import replace

from dispatcher.dialects.model import Dialect
from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.formats.dialect.apply import told
from dispatcher.formats.dialect.medecins import understood
from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.hprim_medecins.blocks import Block, beginning, cut, marker_of, split_lines
from dispatcher.formats.hprim_medecins.coded import CodedPart, NumberedLine, read_coded
from dispatcher.formats.hprim_medecins.header import find_header, is_full
from dispatcher.formats.hprim_medecins.patient import read_parties
from dispatcher.formats.hprim_medecins.problems import error, info
from dispatcher.formats.names import damaged_names
from dispatcher.formats.text import damaged_bytes, decode
from dispatcher.report.model import Problem, Report, Status

FORMAT = "hprim-medecins"
HEAD_BYTES = 4096
"""What :meth:`HprimMedecinsReader.sniff` is given at most."""

_FOREIGN = re.compile(
    r"\s*(?:MSH|FHS|BHS)[^A-Za-z0-9\s]|\s*H[^A-Za-z0-9\s]{3,5}|\s*<\?xml|\s*<[A-Za-z]|%PDF|\{|PK\x03\x04"
)
"""How HL7 v2, HPRIM Santé, XML, PDF, JSON and zip files begin."""


class HprimMedecinsReader:
    """Reads files of one or several HPRIM Médecins reports."""

    name = FORMAT

    def sniff(self, head: bytes) -> float:
        """0.95 for a full header at its place, less when only markers or a shifted header tell; 0 for other formats."""
        text = decode(head[:HEAD_BYTES]).text
        if _FOREIGN.match(text):
            return 0.0
        lines = split_lines(text)
        marks = {marker_of(line) for line in lines} - {""}
        # In a long file the markers may lie beyond what is seen here.
        at = beginning(lines)
        header = find_header(lines, at, marked=bool(marks) or len(head) >= HEAD_BYTES)
        if header is not None and is_full(header):
            return 0.95 if header.start in (at, at + 1) else 0.85
        if header is not None:
            return 0.8 if marks else 0.5
        return 0.4 if marks or any(line.startswith("RES|") for line in lines) else 0.0

    def read(self, data: bytes, context: ReadContext) -> ReadResult:
        """All reports of the file. ``context.encoding`` is the operator's choice of character set, if any."""
        decoded = decode(data, override=context.encoding)
        found = cut(split_lines(decoded.text.replace("\0", "")))
        problems = [*decoded.problems, *damaged_bytes(decoded.text), *found.problems]
        if not found.blocks:
            problems.append(
                error(
                    "no-header",
                    "lignes 1 à 12",
                    "Aucun en-tête HPRIM Médecins : ni date de naissance en ligne 7, ni date de dossier en ligne 10. "
                    "Vérifier que le fichier est bien un compte rendu HPRIM Médecins entier.",
                )
            )
        reports = tuple(_spoken(block, context.dialect) for block in found.blocks)
        return ReadResult(format=FORMAT, encoding=decoded.encoding, reports=reports, problems=tuple(problems))


def _spoken(block: Block, dialect: Dialect | None) -> Report:
    notes = Notes()
    return told(notes, _report(understood(block, dialect, notes)))


def _report(block: Block) -> Report:
    problems: list[Problem] = []
    header = replace(block.header, lines=tuple(_plain(line) for line in block.header.lines))
    parties = read_parties(header)
    text = _without_markup(block.text, problems)
    coded = read_coded(_coded_without_markup(block.coded, problems))
    body = _trim([line for _, line in text])
    trailing = "\n".join(line.strip() for _, line in block.trailing)
    return Report(
        patient=parties.patient,
        laboratory=parties.laboratory,
        addressee=parties.addressee,
        order=parties.order,
        reported_at=parties.reported_at,
        status=_status(coded),
        batteries=coded.batteries,
        text="\n".join(_printable(body, _trim(coded.text_lines))),
        comments=tuple(part for part in ("\n".join(coded.leftovers), trailing) if part),
        problems=(
            *parties.problems,
            *damaged_names(parties.patient, header.where(2)),
            *block.problems,
            *problems,
            *coded.problems,
        ),
    )


def _status(coded: CodedPart) -> Status:
    """The format has no status of the report: it follows from RES-10 (R not validated, C corrected)."""
    letters = {o.status for battery in coded.batteries for o in battery.observations}
    if "R" in letters:
        return Status.PARTIAL
    return Status.CORRECTED if "C" in letters else Status.FINAL


def _trim(lines: Sequence[str]) -> list[str]:
    """Without trailing blanks and without blank lines before and after."""
    bare = [line.expandtabs().rstrip() for line in lines]
    while bare and not bare[0]:
        bare.pop(0)
    while bare and not bare[-1]:
        bare.pop()
    return bare


def _flat(line: str) -> str:
    return re.sub(r"\s+", " ", line.replace("|", "/")).strip()


def _printable(free: list[str], repeated: list[str]) -> list[str]:
    """The report as printed. The text stands twice in most files (free part, TEX lines): kept once, nothing lost."""
    in_free, in_repeated = {_flat(line) for line in free}, {_flat(line) for line in repeated}
    if in_repeated <= in_free:
        return free
    if in_free <= in_repeated:
        return repeated
    return [*free, "", *repeated]


# --- HTML that slipped into the text ----------------------------------------------------------------------------------

_ENTITY = re.compile(r"&(?:#\d{1,6}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,8});")
_BREAK = re.compile(r"<br\s{0,3}/?>", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:b|i|u|p|em|font|span|div|strong|center|table|tbody|thead|tr|td|th|pre|html|body)"
    r"(?:\s{1,3}[a-z-]{1,20}=[^<>]{0,200})?\s{0,3}/?>",
    re.IGNORECASE,
)
_MARKUP = re.compile(
    "|".join((_ENTITY.pattern, _BREAK.pattern, "</" + _TAG.pattern.removeprefix("</?"))), re.IGNORECASE
)
"""What proves that a text went through HTML; an opening tag alone may be « a<b> »."""


def _plain(text: str) -> str:
    """Entities and simple tags taken out; text without any is returned as it is."""
    return _ENTITY.sub(_character, _TAG.sub("", text))


def _character(entity: re.Match[str]) -> str:
    """The character meant; never one that would cut a line or a field."""
    return {"|": "/", "\n": " ", "\r": " "}.get(text := html.unescape(entity[0]), text)


def _note_markup(lines: Sequence[NumberedLine], problems: list[Problem]) -> bool:
    found = next((pair for pair in lines if _MARKUP.search(pair[1])), None)
    if found is None:
        return False
    if not any(p.code == "html-in-text" for p in problems):
        problems.append(
            info("html-in-text", f"ligne {found[0]}", "Balises ou entités HTML dans le texte (&eacute;, <br>) : ôtées.")
        )
    return True


def _without_markup(lines: Sequence[NumberedLine], problems: list[Problem]) -> list[NumberedLine]:
    if not _note_markup(lines, problems):
        return list(lines)
    return [(number, _plain(part)) for number, line in lines for part in _BREAK.split(line)]


def _coded_without_markup(lines: Sequence[NumberedLine], problems: list[Problem]) -> list[NumberedLine]:
    """The same for coded lines: a break inside a field is a blank."""
    if not _note_markup(lines, problems):
        return list(lines)
    return [(number, _plain(_BREAK.sub(" ", line))) for number, line in lines]
