"""A file of HL7 v2 text cut into messages: ``[FHS] {[BHS] {MSH …} [BTS]} [FTS]``, or messages one after the other.

HL7 v2.5 chapter 2 §2.10.3 (batch protocol). Every line of the file ends in exactly one place: a segment of a message, a
segment of the envelope, or a problem. A wrong count or a missing trailer is an error about the whole file: what is
missing may be somebody's result.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from dispatcher.formats.er7.segments import Segment, lines, terminated
from dispatcher.formats.er7.separators import HL7_USUAL, Separators, from_header
from dispatcher.report.model import Problem, Severity

_HEADERS = ("MSH", "FHS", "BHS")
_TRAILERS = ("BTS", "FTS")
_BARE = frozenset({"DSC", "NTE", "PV1", "PV2", "PD1", "ORC", "SPM", "BTS", "FTS", "EVN", "SFT"})
"""Segments seen without any field; a lone word of three capitals is otherwise text."""
_USUAL = frozenset({"PID", "PV1", "PD1", "ORC", "OBR", "OBX", "NTE", "SPM", "TQ1", "PRT"})
"""What a message is made of."""
_NO_MARK = "\n"
"""Outside a message: what no line contains."""
_NAME = re.compile(r"[A-Z][A-Z0-9]{2}")
_ALMOST = re.compile(r"[ \t]*[A-Za-z][A-Za-z0-9]{0,2}[ \t]*")
"""What stands before the first field separator of a line that is more likely a segment than a text going on."""


def almost_a_segment(line: str, mark: str) -> bool:
    """A line without a known name that begins as a segment does: glued to the one above, it could hide a result."""
    head, found, _ = line.partition(mark) if mark else ("", "", "")
    return bool(found and _ALMOST.fullmatch(head))


def glued_lines(numbers: Sequence[int]) -> Problem:
    """The error about such lines."""
    return Problem(
        code="glued-segment",
        severity=Severity.ERROR,
        where=f"ligne {numbers[0]}",
        message=f"{len(numbers)} ligne(s) qui commencent comme un segment mais sous un nom inconnu : un résultat peut "
        "s’y trouver. Rien n’est diffusé de ce fichier ; faire corriger l’export par le laboratoire.",
    )


def loose_names(numbers: Sequence[int]) -> Problem:
    """The note about names in lower case or with blanks around them."""
    return Problem(
        code="segment-name-form",
        severity=Severity.INFO,
        where=f"ligne {numbers[0]}",
        message=f"{len(numbers)} nom(s) de segment en minuscules ou suivi(s) d’un blanc : compris.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message: its separators and all its segments in file order, ``MSH`` first."""

    separators: Separators
    segments: tuple[Segment, ...]

    @property
    def header(self) -> Segment:
        """``MSH``."""
        return self.segments[0]

    @property
    def kind(self) -> str:
        """Message code of MSH-9, upper case; ``ORU_R01`` in one piece is taken apart."""
        return self.header.component(9).upper().partition("_")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A whole file. ``envelope`` holds FHS, BHS, BTS and FTS; ``problems`` are about the file, not about a report."""

    messages: tuple[Message, ...]
    envelope: tuple[Segment, ...] = ()
    problems: tuple[Problem, ...] = ()
    terminated: bool = True
    """The last line is closed by a line end."""
    broken_at_end: bool = False
    """The last line carries no segment name."""


@dataclass(slots=True)
class _Cutter:
    separators: Separators = HL7_USUAL
    messages: list[list[Segment]] = field(default_factory=list)
    envelope: list[Segment] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    pending_line: int = 0
    last: str = ""
    """The line of the segment put away last, as long as the next line may belong to it."""
    inside: bool = False
    """A message is open: between MSH and the next header or trailer."""
    mark: str = _NO_MARK
    """Field separator of the open message."""
    stray: list[int] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)
    glued: list[int] = field(default_factory=list)
    """Those of ``broken`` that look like a segment."""
    loose_names: list[int] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    """Messages seen in each open or closed BHS of the current file envelope."""
    loose: int = 0
    """Messages of the current file envelope that stand in no batch."""
    open_file: int = 0
    open_batch: int = 0
    """Line of the FHS or BHS that waits for its trailer; 0 when none does."""

    def take_all(self, numbered: Iterable[tuple[int, str]]) -> int:
        """Every line; the number of the last one."""
        number, own = 0, self.messages
        for number, line in numbered:
            if line[3:4] == self.mark and line[:3] in _USUAL and (not self.pending or self._inside_pending()):
                if self.pending:
                    self.flush()
                own[-1].append(Segment(line, number, self.separators))
                self.last = line
            else:
                self._reopen()
                self._take(number, line)
        return number

    def _inside_pending(self) -> bool:
        """What is pending stands in the open message: its marks hold for the next line."""
        return self.pending[0][:3] not in _HEADERS + _TRAILERS

    def _reopen(self) -> None:
        """The segment just closed may go on in this line."""
        if self.last:
            self.pending, self.pending_line = [self.last], self.messages[-1].pop().line
            self.last = ""

    def _take(self, number: int, line: str) -> None:
        line = self._named(number, line)
        name = line[:3]
        if name in _HEADERS and not line[3:4].isalnum():
            self.flush()
            self.pending, self.pending_line = [line], number
        elif not self.pending and not self.inside and name not in _TRAILERS:
            self.stray.append(number)
        elif name == "ADD" and self.pending and line[3:4] == self._separators_ahead().field:
            self.pending[-1] += line[4:]  # §2.15.1: goes on exactly where the segment before it stopped
        elif self._starts_segment(line):
            self.flush()
            self.pending, self.pending_line = [line], number
        else:
            self.broken.append(number)
            if almost_a_segment(line, self._separators_ahead().field):
                self.glued.append(number)
            self.pending.append(line)

    def _named(self, number: int, line: str) -> str:
        """The line under the usual spelling of its name: ``obx|`` and ``OBX |`` are OBX."""
        mark = self._separators_ahead().field
        if not mark or not self.pending:
            return line
        head, found, rest = line.partition(mark)
        name = head.strip().upper()
        if not found or head == name or name not in _USUAL | _BARE:
            return line
        self.loose_names.append(number)
        return f"{name}{mark}{rest}"

    def _starts_segment(self, line: str) -> bool:
        mark = line[3:4]
        if mark and mark != self._separators_ahead().field:
            return False
        return bool(_NAME.fullmatch(line[:3])) and (bool(mark) or line in _BARE)

    def _separators_ahead(self) -> Separators:
        """Those of the header that is still pending, else those in force."""
        head = self.pending[0] if self.pending else ""
        return from_header(head) if head[:3] in _HEADERS else self.separators

    def flush(self) -> None:
        """Close the pending segment and put it where it belongs."""
        if not self.pending:
            return
        text, line, name = "\n".join(self.pending), self.pending_line, self.pending[0][:3]
        taken, self.pending = len(self.pending), []
        if name in _HEADERS:
            self.separators, self.mark = from_header(text), _NO_MARK
            segment = Segment(text, line, self.separators, declares_separator=True)
            if name == "MSH":
                self.messages.append([segment])
                self.inside, self.mark = True, self.separators.field
                if self.open_batch:
                    self.batches[-1] += 1
                else:
                    self.loose += 1
            else:
                self._open(segment)
        elif name in _TRAILERS:
            self._close(Segment(text, line, self.separators))
        elif self.inside:
            self.messages[-1].append(Segment(text, line, self.separators))
        else:
            self.stray += [line] * taken

    def _open(self, segment: Segment) -> None:
        self.inside, self.mark = False, _NO_MARK
        self.envelope.append(segment)
        if segment.name == "FHS":
            self._refuse_open_ends()
            self.open_file, self.batches, self.loose = segment.line, [], 0
        else:
            self._refuse_open_batch()
            self.open_batch = segment.line
            self.batches.append(0)

    def _close(self, segment: Segment) -> None:
        self.inside, self.mark = False, _NO_MARK
        self.envelope.append(segment)
        if segment.name == "BTS":
            if not self.open_batch:
                self._error("envelope-order", segment.where(), "BTS sans BHS ouvert avant lui ; BHS attendu")
            else:
                self._compare(segment, (self.batches[-1],), "message(s)")
            self.open_batch = 0
            return
        self._refuse_open_batch()
        if not self.open_file:
            self._error("envelope-order", segment.where(), "FTS sans FHS ouvert avant lui ; FHS attendu")
        else:
            # Without BHS some count one batch, some none, some their messages.
            self._compare(segment, (len(self.batches),) if self.batches else (self.loose, 1, 0), "lot(s)")
        self.open_file = 0

    def _compare(self, trailer: Segment, counted: tuple[int, ...], what: str) -> None:
        declared = trailer.component(1)
        if not declared:
            return
        number = re.match(r"[0-9]{1,9}(?![0-9])", declared)
        if number is None:
            self.problems.append(
                Problem(
                    code="envelope-count-unreadable",
                    severity=Severity.WARNING,
                    where=trailer.where(1),
                    message=f"{trailer.name}-1 devrait donner un nombre de {what} : compte non vérifié.",
                )
            )
        elif int(number[0]) not in counted:
            self._error(
                "envelope-count",
                trailer.where(1),
                f"{trailer.name}-1 annonce {int(number[0])} {what}, {counted[0]} trouvé(s) : fichier incomplet",
            )

    def _refuse_open_batch(self) -> None:
        if self.open_batch:
            self._error("envelope-trailer", f"ligne {self.open_batch}, BHS", "le lot n’est pas fermé : BTS attendu")
            self.open_batch = 0

    def _refuse_open_ends(self) -> None:
        self._refuse_open_batch()
        if self.open_file:
            self._error("envelope-trailer", f"ligne {self.open_file}, FHS", "le fichier n’est pas fermé : FTS attendu")
            self.open_file = 0

    def _error(self, code: str, where: str, found: str) -> None:
        message = f"Enveloppe HL7 : {found}. Rien n’est diffusé de ce fichier ; le faire réexporter par le laboratoire."
        self.problems.append(Problem(code=code, severity=Severity.ERROR, where=where, message=message))

    def finish(self) -> None:
        self.flush()
        self._refuse_open_ends()
        if self.stray:
            self.problems.append(
                Problem(
                    code="text-outside-message",
                    severity=Severity.WARNING,
                    where=f"ligne {self.stray[0]}",
                    message=f"{len(self.stray)} ligne(s) hors de tout message (avant MSH, après la fin) : non lue(s).",
                )
            )
        if self.glued:
            self.problems.append(glued_lines(self.glued))
        if self.loose_names:
            self.problems.append(loose_names(self.loose_names))
        if len(self.broken) > len(self.glued):
            self.problems.append(
                Problem(
                    code="broken-line",
                    severity=Severity.WARNING,
                    where=f"ligne {self.broken[0]}",
                    message=f"{len(self.broken)} ligne(s) sans nom de segment, lue(s) comme suite de la précédente. "
                    "Le logiciel du laboratoire devrait écrire \\.br\\ pour un retour à la ligne.",
                )
            )


def cut(text: str) -> Cut:
    """Text to messages. Never raises; a text without ``MSH`` gives no message."""
    cutter = _Cutter()
    number = cutter.take_all(lines(text))
    cutter.finish()
    return Cut(
        messages=tuple(Message(separators=own[0].separators, segments=tuple(own)) for own in cutter.messages),
        envelope=tuple(cutter.envelope),
        problems=tuple(cutter.problems),
        terminated=terminated(text),
        broken_at_end=bool(cutter.broken) and cutter.broken[-1] == number,
    )
