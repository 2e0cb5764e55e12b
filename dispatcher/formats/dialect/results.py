"""OBX lines that are no results: comments, conclusions, titles, what is to be left out."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from dispatcher.dialects.model import Results
from dispatcher.dialects.words import fits_any
from dispatcher.formats.dialect.drafts import put
from dispatcher.formats.dialect.layouts import Layout
from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.segments import Segment
from dispatcher.report.model import Severity

_TEXTS = frozenset({"TX", "FT", "ST", "CE", "CWE", "IS", "ID", ""})
"""Types whose value can be read as words; a document or a number is never turned into a comment."""
_SPOKEN = frozenset({"", "F", "C", "P", "R"})
"""States of OBX-11 (HL7 0085) whose line may become a comment; a withdrawn or missing result stays one."""


class Rebuilt:
    """The segments of a message, put together again line by line."""

    def __init__(self, rules: Results, layout: Layout, notes: Notes) -> None:
        self._rules = rules
        self._layout = layout
        self._notes = notes
        self.segments: list[Segment] = []
        self._obr: Segment | None = None
        self._first_result = 0
        """Where the first result of the order stands, or would stand."""
        self._last_comment: tuple[str, Segment] | None = None

    def take(self, segment: Segment, *, as_it_is: bool) -> None:
        """The next segment of the message; ``as_it_is``: no rule applies to it."""
        code = segment.component(3) if segment.name == "OBX" and not as_it_is else ""
        rules = self._rules
        if fits_any(code, rules.drop):
            self._tell_dropped(segment)
        elif fits_any(code, rules.titles) and self._obr is not None and _may_be_title(segment):
            if _measured(segment):
                self._tell_title(segment)
            self._title(segment, self._obr)
        elif fits_any(code, rules.conclusions) and _readable(segment):
            self._comment(segment, code, at=self._first_result)
        elif fits_any(code, rules.comments) and _readable(segment):
            self._comment(segment, code, at=len(self.segments))
        else:
            self._keep(segment)

    def _keep(self, segment: Segment) -> None:
        self._last_comment = None
        before_results = self._first_result == len(self.segments)
        self.segments.append(segment)
        if segment.name == "OBR":
            self._obr = segment
        if segment.name != "OBX" and (before_results or segment.name in (*self._layout.orders, self._layout.patient)):
            self._first_result = len(self.segments)

    def _comment(self, obx: Segment, code: str, *, at: int) -> None:
        """A comment segment; lines of one code that follow each other are one comment."""
        raw = _text(obx, self._layout)
        mark = obx.separators.repetition
        if self._last_comment is not None and self._last_comment[0] == code and mark:
            known = self._last_comment[1]
            known.fields[3] = f"{known.fields[3]}{mark}{raw}"
            return
        made = _made(self._layout.comment, obx, ["1", "L", raw])
        self.segments.insert(at, made)
        if at == self._first_result:
            self._first_result += 1
        self._last_comment = (code, made)

    def _title(self, obx: Segment, obr: Segment) -> None:
        """What follows stands in a group of its own: the order again, under this title."""
        self._last_comment = None
        if self._first_result < len(self.segments):
            obr = obr.redrawn()
            obr.line = obx.line
            self.segments.append(obr)
            self._obr = obr
            self._first_result = len(self.segments)
        put(obr, 4, 2, _text(obx, self._layout) or obx.composite(3).raw(2))

    def _tell_dropped(self, obx: Segment) -> None:
        self._notes.tally(
            "dialect-dropped",
            Severity.INFO,
            obx.where(3),
            "Ligne OBX écartée par le dialecte ([results] drop) : elle ne figure pas dans le compte rendu.",
        )

    def _tell_title(self, obx: Segment) -> None:
        self._notes.tally(
            "dialect-dropped",
            Severity.WARNING,
            obx.where(3),
            "Résultat mesuré (nombre ou unité) pris pour un titre par le dialecte ([results] titles) : il ne figure "
            "pas parmi les résultats. Vérifier le code, puis le dialecte.",
        )


def _measured(obx: Segment) -> bool:
    """A number, or words with a unit: a result, whatever its code."""
    return (obx.raw(2).upper() in ("NM", "SN") and bool(obx.raw(5))) or bool(obx.raw(6))


def _spoken(obx: Segment) -> bool:
    return obx.component(11).upper() in _SPOKEN


def _may_be_title(obx: Segment) -> bool:
    return obx.raw(2).upper() in (*_TEXTS, "NM", "SN") and _spoken(obx)


def _readable(obx: Segment) -> bool:
    return obx.raw(2).upper() in _TEXTS and not _measured(obx) and _spoken(obx)


def _text(obx: Segment, layout: Layout) -> str:
    """The words of an OBX, raw, as a comment writes them: repetitions are lines, in a TX of HPRIM components too."""
    raw, separators, kind = obx.raw(5), obx.separators, obx.raw(2).upper()
    parts = separators.components(raw)
    if kind in ("CE", "CWE"):
        return (parts[1] if len(parts) > 1 else "") or parts[0]
    return (
        separators.repetition.join(parts) if kind == "TX" and layout.comment == "C" and separators.repetition else raw
    )


def _made(name: str, origin: Segment, fields: list[str]) -> Segment:
    made = origin.redrawn()
    made.name = name
    made.fields = [name, *fields]
    return made


def rebuild(
    segments: Sequence[Segment],
    kept: Collection[int],
    used_up: Collection[int],
    rules: Results,
    layout: Layout,
    notes: Notes,
) -> list[Segment]:
    """The segments with ``[results]`` applied, without those of ``used_up`` (by ``id``); ``kept`` are left alone."""
    rebuilt = Rebuilt(rules, layout, notes)
    for segment in segments:
        if id(segment) not in used_up:
            rebuilt.take(segment, as_it_is=id(segment) in kept)
    return rebuilt.segments
