"""Lays lines over the laboratory's book of codes: what is added, confirmed, changed, kept and refused, each with why.

Pure: a book and lines in, a plan out; nothing is written here. A confirmed line is never lost: it is kept unless the
caller says otherwise, and then it stays in the book as a remark.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from dispatcher.terminology.codebook import NO_CODE, Change, CodeBook, CodeLine, Key, line_of
from dispatcher.terminology.columns import Record
from dispatcher.terminology.own import NONE, Known, day, judge
from dispatcher.terminology.rows import Faults, Row, fold


class Outcome(StrEnum):
    """What becomes of a line."""

    ADDED = "added"
    CONFIRMED = "confirmed"
    CHANGED = "changed"
    REPLACED = "replaced"
    SAME = "same"
    KEPT = "kept"
    """The book says something else, confirmed: the book's line stays."""
    REFUSED = "refused"


WRITES = frozenset({Outcome.ADDED, Outcome.CONFIRMED, Outcome.CHANGED, Outcome.REPLACED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What becomes of one line, and why."""

    outcome: Outcome
    line: int
    """Line of the file it came from; 0 when typed."""
    before: CodeLine | None = None
    after: CodeLine
    why: str = ""
    """French."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The book as it would be, and every step to it."""

    book: CodeBook
    steps: tuple[Step, ...]

    @property
    def writes(self) -> bool:
        """Something changes."""
        return any(step.outcome in WRITES for step in self.steps)

    def of(self, outcome: Outcome) -> tuple[Step, ...]:
        """The steps of one kind."""
        return tuple(step for step in self.steps if step.outcome is outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """Who answers for lines that bring a LOINC code but no name, and the day for those that bring no day."""

    by: str = ""
    on: date


def from_record(record: Record, confirmation: Confirmation, source: str = "") -> CodeLine:
    """A line of a spreadsheet as a line of the book.

    A LOINC code with a name and no day is confirmed today; without a name it is confirmed only by ``confirmation.by``.
    A name beside an empty LOINC cell confirms nothing: « - » must be written to say that there is no code.
    """
    cells = {name: _unguarded(" ".join(text.split())) for name, text in record.cells.items()}
    line = replace(line_of(cells), line=record.line, loinc=_loinc(cells.get("loinc", "")))
    line = replace(line, source=line.source or source)
    if not line.loinc:
        return replace(line, confirmed_by="", confirmed_on="")
    by = line.confirmed_by or confirmation.by
    known = day(line.confirmed_on)
    on = known.isoformat() if known else line.confirmed_on or (confirmation.on.isoformat() if by else "")
    return replace(line, confirmed_by=by, confirmed_on=on if by else "")


_FORMULA = ("=", "+", "-", "@")


def _unguarded(text: str) -> str:
    """Without the apostrophe that keeps a spreadsheet from taking a text for a formula."""
    return text[1:] if text[:1] == "'" and text.lstrip("'").startswith(_FORMULA) else text


def guarded(text: str) -> str:
    """A text that a spreadsheet must not take for a formula (OWASP, CSV injection)."""
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) and text != NO_CODE else text


def _loinc(text: str) -> str:
    bare = re.sub(r"(?i)^loinc\s*:?\s*", "", text.strip())
    return NO_CODE if bare and fold(bare) in NONE else bare


def merge(
    book: CodeBook, lines: Sequence[CodeLine], known: Known, *, today: date, overwrite: bool = False, file: str = ""
) -> Plan:
    """Lay ``lines`` over ``book``. ``overwrite``: a confirmed line gives way to another confirmed one."""
    there: dict[Key, CodeLine] = {}
    for old in book.lines:
        there.setdefault(old.key, old)
    contradictions = _contradictions(lines)
    steps: list[Step] = []
    added: dict[Key, CodeLine] = {}
    changed: dict[Key, Change] = {}
    for new in lines:
        why = contradictions.get(new.key) or refusal(new, known, file)
        before = changed[new.key].new if new.key in changed else added.get(new.key) or there.get(new.key)
        step = (
            Step(outcome=Outcome.REFUSED, line=new.line, after=new, why=why) if why else _step(before, new, overwrite)
        )
        steps.append(step)
        if step.outcome is Outcome.ADDED or (step.outcome in WRITES and new.key in added):
            added[new.key] = step.after
        elif step.outcome in WRITES:
            changed[new.key] = Change(step.after, _remark(there[new.key], today))
    return Plan(book=book.edited(tuple(added.values()), changed), steps=tuple(steps))


def _contradictions(lines: Sequence[CodeLine]) -> dict[Key, str]:
    """Lines of one file that say two things of the same code: none of them is taken."""
    said: dict[Key, dict[str, int]] = defaultdict(dict)
    for line in lines:
        if line.loinc:
            said[line.key].setdefault(line.loinc, line.line)
    return {
        key: f"les lignes {' et '.join(map(str, codes.values()))} du fichier se contredisent ({', '.join(codes)})"
        for key, codes in said.items()
        if len(codes) > 1
    }


_DATE = re.compile(r"[a-zéû]{3}|^[0-9]{5}$|^[0-9]{4}-[0-9]{2}-[0-9]{2}$|/")
"""What a spreadsheet makes of a code such as 20-8."""


def refusal(line: CodeLine, known: Known, file: str = "") -> str:
    """Why a line may not enter the book; empty when it may."""
    faults = Faults()
    judge(Row(file, line.line, line.cells()), line.code_given, known, faults)
    told = [f"{one.column} : {one.found}, {one.todo}" for one in faults.findings]
    if any(one.column == "loinc" for one in faults.findings) and _DATE.search(line.loinc):
        told.append("le tableur a changé le code en date : mettre la colonne au format Texte")
    if (line.confirmed_by or line.confirmed_on) and not line.confirmed and not told:
        told.append("confirme_par et confirme_le vont ensemble")
    return " ; ".join(told)


def _remark(old: CodeLine, today: date) -> str:
    """What stays in the book above a line that replaces a confirmed one."""
    return f"remplacée le {today.isoformat()}" if old.confirmed else ""


def _step(old: CodeLine | None, new: CodeLine, overwrite: bool) -> Step:
    if old is None:
        return Step(outcome=Outcome.ADDED, line=new.line, after=new, why="" if new.confirmed else "à confirmer")
    merged = replace(
        old,
        label=new.label or old.label,
        comment=new.comment or old.comment,
        loinc=new.loinc or old.loinc,
        confirmed_by=new.confirmed_by or old.confirmed_by,
        confirmed_on=new.confirmed_on or old.confirmed_on,
    )

    def step(outcome: Outcome, why: str = "") -> Step:
        keeps = outcome in (Outcome.SAME, Outcome.KEPT)
        return Step(outcome=outcome, line=new.line, before=old, after=old if keeps else merged, why=why)

    if not new.loinc or old.code_given == new.code_given:
        if old.confirmed:
            return step(Outcome.SAME, "déjà confirmée")
        if new.confirmed:
            return step(Outcome.CONFIRMED)
        return step(Outcome.SAME) if merged == old else step(Outcome.CHANGED)
    if not old.confirmed:
        return step(Outcome.CONFIRMED if new.confirmed else Outcome.CHANGED)
    told = f"{old.loinc or NO_CODE} confirmé par {old.confirmed_by} le {old.confirmed_on}"
    if not new.confirmed:
        return step(Outcome.KEPT, f"{told} : une ligne confirmée ne cède qu'à une ligne confirmée")
    if not overwrite:
        return step(Outcome.KEPT, f"{told} : « --replace » pour mettre {new.loinc} à la place")
    return step(Outcome.REPLACED, f"{told} : gardé en remarque dans le fichier")
