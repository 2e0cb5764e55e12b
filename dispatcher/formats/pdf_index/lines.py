"""A text index of one PDF: ``Nom de naissance : DURAND``, one thing a line; ``=`` does as well. Text in, record out."""

from __future__ import annotations

import re

from dispatcher.formats.pdf_index.records import Cell, Index, record
from dispatcher.formats.pdf_index.rules import IndexRules
from dispatcher.formats.pdf_index.words import field_of
from dispatcher.report.model import Problem, Severity

_LINE = re.compile(r"\s*([^:=;|\t#\[][^:=;|\t]{0,59}?)\s*[:=]\s*(.*)")


def known_lines(text: str, rules: IndexRules) -> int:
    """How many different things the lines of a text say; none when its first line is something else or most lines are
    no pairs: a letter or a printed report says « Patient : » and « Prescripteur : » too."""
    told = [line for line in text.splitlines() if line.strip() and line.lstrip()[:1] not in "[#;"]
    found = [match for line in told if (match := _LINE.fullmatch(line))]
    if not found or _LINE.fullmatch(told[0]) is None or len(found) * 3 < len(told) * 2:
        return 0
    fields = [field_of(match[1], rules.own)[0] for match in found]
    return len(set(fields) - {""}) if fields[0] else 0


def read_lines(text: str, rules: IndexRules) -> Index:
    """The whole file is one record. Never raises."""
    cells: list[Cell] = []
    lost = 0
    for number, line in enumerate(text.splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        field, group = field_of(match[1], rules.own)
        lost += not field
        if field:
            cells.append(Cell(field=field, text=match[2], where=f"ligne {number}", group=group))
    problems: tuple[Problem, ...] = ()
    if lost:
        message = f"{lost} ligne(s) non lue(s). Si elles servent, les nommer dans « index.fields » de la source."
        problems = (Problem(code="index-unknown-column", severity=Severity.INFO, message=message),)
    return Index(records=(record("fichier", cells),), problems=problems)
