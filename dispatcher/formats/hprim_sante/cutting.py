"""A file of HPRIM Santé cut into messages ``H … L`` and segments, with continuation lines put back.

HPRIM Santé 2.1 (April 1999) as the implementations gathered in the shared notes "HPRIM" §2.1 and §2.2 read it:
five declared characters after ``H`` in several orders, ``A|`` lines that continue the line above by plain
concatenation, lines of any length, any line end.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from dispatcher.formats.er7.messages import almost_a_segment, glued_lines, loose_names
from dispatcher.formats.er7.segments import Segment, lines
from dispatcher.formats.er7.separators import Separators
from dispatcher.report.model import Problem, Severity

HEADER = re.compile(r"H[^A-Za-z0-9\s]{4,6}")
"""Start of a message: ``H``, the field separator, then three to five more separators."""
_NAMES = frozenset({"H", "P", "A", "C", "L", "OBR", "OBX", "FAC", "ACT", "REG", "AP", "AC", "ERR"})
_USUAL = frozenset({"OBX", "OBR"})
_ANY_CASE = frozenset({"OBR", "OBX", "FAC", "ACT", "REG", "ERR"})
"""Not the names of one or two letters: in lower case a line of text may begin so."""
_MARKS = "^~&"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One ``H … L``. ``segments`` holds H and L; continuation lines are already joined."""

    separators: Separators
    segments: tuple[Segment, ...]
    written: int
    """Lines as written, continuation lines included (some emitters count these in L)."""

    @property
    def header(self) -> Segment:
        """``H``."""
        return self.segments[0]

    @property
    def trailer(self) -> Segment | None:
        """``L``, or None in a truncated message."""
        return self.segments[-1] if self.segments[-1].name == "L" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A whole file."""

    messages: tuple[Message, ...]
    problems: tuple[Problem, ...] = ()


@dataclass(slots=True)
class _Odd:
    """Numbers of the lines that a person is told about."""

    stray: list[int] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)
    glued: list[int] = field(default_factory=list)
    loose_names: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Raw:
    """A message while its lines are collected: ``[line number, joined text]``."""

    lines: list[tuple[int, str]] = field(default_factory=list)
    written: int = 0

    def add(self, number: int, text: str) -> None:
        self.lines.append((number, text))
        self.written += 1

    def extend(self, text: str) -> None:
        number, known = self.lines[-1]
        self.lines[-1] = (number, known + text)
        self.written += 1


def cut(text: str) -> Cut:
    """Text to messages. Never raises; a text without ``H`` gives no message."""
    collected: list[_Raw] = []
    odd = _Odd()
    is_open, mark = False, ""
    for number, line in lines(text, keep_blanks=True):
        if is_open and line[3:4] == mark and line[:3] in _USUAL:  # nearly every line: nothing to ask
            collected[-1].add(number, line)
            continue
        bare = line.lstrip(" \t")
        if bare[:1] == "H" and HEADER.match(bare):
            collected.append(_Raw([(number, bare)], 1))
            is_open, mark = True, bare[1]
        elif not is_open:
            odd.stray.append(number)
        else:
            is_open = _take(number, line, bare, collected[-1], odd)
    return Cut(
        messages=tuple(_message(raw) for raw in collected),
        problems=tuple(_told(odd)),
    )


def _take(number: int, line: str, bare: str, raw: _Raw, odd: _Odd) -> bool:
    """Put one line where it belongs; False when it closed the message."""
    mark = raw.lines[0][1][1]
    if bare[3:4] == mark and bare[:3] in _USUAL:
        raw.add(number, bare)
        return True
    name, found, rest = bare.partition(mark)
    name = name.strip()
    if found and name not in _NAMES and name.upper() in _ANY_CASE:
        odd.loose_names.append(number)
        name, bare = name.upper(), f"{name.upper()}{mark}{rest}"
    if name == "A" and found:
        raw.extend(rest)
    elif name in _NAMES and (found or name == "L"):
        raw.add(number, bare)
        return name != "L"
    else:
        (odd.glued if almost_a_segment(bare, mark) else odd.broken).append(number)
        raw.extend(f"\n{line}")
    return True


def _message(raw: _Raw) -> Message:
    texts = [text for _, text in raw.lines]
    separators = separators_of(texts)
    segments = tuple(Segment(text.rstrip(), number, separators) for number, text in raw.lines)
    return Message(separators=separators, segments=segments, written=raw.written)


def separators_of(texts: Sequence[str]) -> Separators:
    """The declared characters of ``H``, put in their roles with the help of what the message does.

    ``^~\\&`` and ``~^\\&`` are component, repetition, escape, subcomponent; ``&`` and ``\\`` may be swapped; four
    characters lack the escape; where a backslash comes first, or the data cuts its names with the character declared
    for repetition, the data decides.
    """
    header = texts[0]
    mark = header[1]
    declared = re.match(r"[^A-Za-z0-9\s]{0,6}", header[2:].partition(mark)[0])
    chars = list(dict.fromkeys(declared[0] if declared else "")) or list("^~\\&")
    # Four characters lack the escape; what is written behind them escapes all the same (Mediboard reads ``^~\\&``).
    escape = "" if chars[0] == "\\" else "\\"
    rest = [char for char in chars if char != escape]
    component = rest[0] if rest else "^"
    repetition = rest[1] if len(rest) > 1 else next(char for char in "~^" if char != component)
    if component != "\\" and _cuts_a_name(texts, mark, component):
        return _made(mark, component, repetition, escape, _subcomponent(rest, component, repetition, mark))
    used = _used(texts, mark, [char for char in chars if char != escape])
    if component == "\\" or (used[component] == 0 and used[repetition]):
        if used[component] == 0 and used:
            component = used.most_common(1)[0][0]
        repetition = next((char for char in "^~" if char != component and char in chars), "")
    return _made(mark, component, repetition, escape, _subcomponent(rest, component, repetition, mark))


@lru_cache(maxsize=64)
def _made(mark: str, component: str, repetition: str, escape: str, subcomponent: str) -> Separators:
    """One object a declaration: what is remembered by separators is then found at once."""
    return Separators(mark, component, repetition, escape, subcomponent)


def _subcomponent(rest: Sequence[str], *taken: str) -> str:
    return next((char for char in ("&", *reversed(rest)) if char not in taken), "")


def _cuts_a_name(texts: Sequence[str], mark: str, component: str) -> bool:
    """The declared component separator is used in the first patient's name: nothing to find out."""
    patient = next((text for text in texts[:6] if text.startswith(f"P{mark}")), "")
    return component in mark.join(patient.split(mark, 6)[5:6])


def _used(texts: Sequence[str], mark: str, chars: Sequence[str]) -> Counter[str]:
    """How often each character cuts a field that never repeats: H.4, P.5, OBX.3."""
    found: Counter[str] = Counter()
    for text in texts[:60]:
        fields = text.split(mark)
        place = {"H": 4, "P": 5, "OBX": 3}.get(fields[0].strip())
        if place is not None and place < len(fields):
            found.update(char for char in fields[place] if char in chars and char in _MARKS + "\\")
    return found


def _told(odd: _Odd) -> list[Problem]:
    problems = []
    stray, broken = odd.stray, odd.broken
    if odd.glued:
        problems.append(glued_lines(odd.glued))
    if odd.loose_names:
        problems.append(loose_names(odd.loose_names))
    if stray:
        problems.append(
            Problem(
                code="text-outside-message",
                severity=Severity.WARNING,
                where=f"ligne {stray[0]}",
                message=f"{len(stray)} ligne(s) hors de tout message (avant H ou après L) : non lue(s).",
            )
        )
    if broken:
        problems.append(
            Problem(
                code="broken-line",
                severity=Severity.WARNING,
                where=f"ligne {broken[0]}",
                message=f"{len(broken)} ligne(s) sans nom de segment, lue(s) comme suite de la précédente : "
                "une ligne de suite devrait commencer par A.",
            )
        )
    return problems
