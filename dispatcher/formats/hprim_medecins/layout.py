"""The printable report in 80 columns, as a French doctor reads it on paper.

Report in, :class:`Line` values out: each line of text, with the results a coded reader finds right after it. Columns:
label to 36, value right-aligned to 48, star, unit to 63, reference range to 80. Width observed in the exports of
several laboratories, not specified by HPRIM Médecins.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dispatcher.formats import spoken
from dispatcher.formats.charset import capitals
from dispatcher.formats.hprim_medecins import grammar
from dispatcher.formats.spoken import ANNULLED, WITHDRAWN, comparator_of, earlier_results, performed, without_result
from dispatcher.report.model import AltValue, Battery, Observation, Report, ValueType

WIDTH = grammar.TEXT_WIDTH
_LABEL_END = 36
_VALUE_END = 48
_UNIT_START = 52
_RANGE_START = 63
_INDENT = "  "
_COMMENT_INDENT = "    "

NO_LABEL = "Résultat"
"""Of a result without label or code: a coded line without label is not taken up (``MS``)."""
STAR = "*"
CRITICAL_STAR = "**"
ABNORMAL = frozenset({"L", "H", "A"})
"""HL7 table 0078. ``<`` and ``>`` say that the instrument's scale ended, not that the result is abnormal."""
CRITICAL = frozenset({"LL", "HH", "AA"})
SUSCEPTIBILITY = {
    "S": "Sensible",
    "SDD": "Sensible dose-dép.",
    "I": "Sensible à forte posologie",
    "R": "Résistant",
    "NS": "Non sensible",
}
"""Since EUCAST/CA-SFM 2019 « I » reads « sensible à forte posologie »."""


@dataclass(frozen=True, slots=True)
class Line:
    """One printed line. ``results`` are the observations printed by it and by the lines just above."""

    text: str
    results: tuple[Observation, ...] = ()


def lay_out(report: Report) -> Iterator[Line]:
    """Results by chapter and battery, comments under what they speak of."""
    children = _children(report)
    # Identity, not equality: the same antibiotic with the same answer may stand under two organisms.
    printed_elsewhere = {id(child) for group in children.values() for child in group}
    chapter = ""
    for battery in report.batteries:
        own = [o for o in battery.observations if id(o) not in printed_elsewhere]
        if not own and battery.observations and not battery.comments:
            continue
        if battery.chapter and battery.chapter != chapter:
            chapter = battery.chapter
            yield Line("")
            yield Line(spaced(chapter).center(WIDTH).rstrip())
        yield from _battery(battery, own, children, chapter)
    for comment in report.comments:
        yield Line("")
        yield from _lines(wrapped(comment, _INDENT))


def _children(report: Report) -> dict[int, list[Observation]]:
    """Antibiogram lines by the identity of their organism."""
    flat = report.observations
    found: dict[int, list[Observation]] = {}
    for observation in flat:
        parent = observation.parent
        if parent is not None and 0 <= parent < len(flat) and flat[parent] is not observation:
            found.setdefault(id(flat[parent]), []).append(observation)
    return found


def _battery(
    battery: Battery, own: list[Observation], children: dict[int, list[Observation]], chapter: str
) -> Iterator[Line]:
    yield Line("")
    if battery.subchapter and battery.subchapter.casefold() not in (chapter.casefold(), battery.title.casefold()):
        yield from _lines(wrapped(battery.subchapter, ""))
    title = battery.title or battery.code.text
    if title and title.casefold() != chapter.casefold():
        yield from _lines(textwrap.wrap(capitals(title), WIDTH))
    specimen = battery.specimen.text if battery.specimen else ""
    if specimen:
        yield from _lines(wrapped(f"Prélèvement : {specimen}", _INDENT))
    for observation in own:
        yield from result_lines(observation)
        if below := children.get(id(observation)):
            yield from _antibiogram(below)
    for comment in battery.comments:
        yield from _lines(wrapped(comment, _INDENT))


def spaced(title: str) -> str:
    """A chapter title as laboratories print it: ``B I O C H I M I E``; long ones stay as they are."""
    upper = capitals(title)
    wide = "   ".join(" ".join(word) for word in upper.split())
    return wide if len(wide) <= WIDTH else upper


# --- one result -------------------------------------------------------------------------------------------------------


_UNSAID = {**dict.fromkeys(WITHDRAWN, ANNULLED), "X": "non réalisé", "I": "en cours", "O": "en attente"}
_STATUS_NOTES = {
    "P": "Résultat provisoire.",
    "R": "Résultat non validé.",
    "C": "Résultat corrigé.",
}


def result_lines(observation: Observation) -> Iterator[Line]:
    """A result, its second unit, then what explains it; the last line with a value carries the observation."""
    bare = without_result(observation)
    lines, notes = _row(bare)
    if bare.alt is not None and bare.alt.value:
        more, more_notes = _alt_row(bare.alt)
        lines, notes = lines + more, notes + more_notes
    yield from _lines(lines[:-1])
    yield Line(lines[-1], (observation,))
    yield from _lines(notes)
    for said in (earlier_results(bare), *performed(observation)):
        yield from _lines(wrapped(said, _COMMENT_INDENT) if said else [])
    if bare.value and (note := _STATUS_NOTES.get(observation.status)):
        yield Line(f"{_COMMENT_INDENT}{note}")
    for comment in observation.comments:
        yield from _lines(wrapped(comment, _COMMENT_INDENT))


_Row = tuple[list[str], list[str]]
"""Lines with label and value, and lines that say the reference range when it does not fit beside them."""


def _row(observation: Observation) -> _Row:
    label = label_of(observation)
    value = shown_value(observation)
    flag = star(observation)
    if not observation.value or observation.status in WITHDRAWN:
        return _prose(label, value, "", "", "")
    span = range_of(observation.low, observation.high, observation.range_text)
    short = "\n" not in value and len(value) <= _VALUE_END - _LABEL_END - 1
    if observation.type is ValueType.NUMERIC or (short and (observation.unit or span)):
        return _columns(label, value, flag, observation.unit, span)
    return _prose(label, value, flag, observation.unit, span)


def _columns(label: str, value: str, flag: str, unit: str, span: str) -> _Row:
    """Label, value, star, unit, range in their columns; a label or value too wide takes a line of its own."""
    heads = _heads(label, _LABEL_END - len(_INDENT))
    lines = [_INDENT + head for head in heads]
    line = lines.pop()
    if len(line) + 1 + len(value) > _VALUE_END:
        lines.append(line)
        line = ""
    line = f"{line}{value.rjust(_VALUE_END - len(line))} {flag}"
    if unit:
        line = f"{line.ljust(_UNIT_START - 1)} {unit}" if len(line) < _UNIT_START else f"{line} {unit}"
    if not span:
        return [*lines, line.rstrip()], []
    if len(line) < _RANGE_START and _RANGE_START + len(span) <= WIDTH:
        return [*lines, f"{line.ljust(_RANGE_START)}{span}"], []
    if len(line) + 2 + len(span) <= WIDTH:
        return [*lines, f"{line.rstrip()}  {span}"], []
    return [*lines, line.rstrip()], _reference(span)


def _heads(label: str, room: int) -> list[str]:
    """A label in lines; most fit in one, which ``textwrap`` takes twenty times as long to say."""
    if len(label) <= room and label.isprintable() and label.strip() == label:
        return [label]
    return textwrap.wrap(label, room, break_on_hyphens=False) or [""]


def _prose(label: str, value: str, flag: str, unit: str, span: str) -> _Row:
    """A result in words: beside its label when it fits, else below it."""
    head = f"{_INDENT}{label}" if label else ""
    tail = " ".join(part for part in (unit, flag) if part)
    said = f"{value} {tail}".rstrip() if tail and "\n" not in value else value
    gap = max(_LABEL_END - len(head), 2) if head else len(_INDENT)
    lines: list[str] = []
    if "\n" not in said and len(head) + gap + len(said) <= WIDTH:
        lines.append(f"{head}{' ' * gap}{said}".rstrip())
    else:
        lines += textwrap.wrap(head, WIDTH, subsequent_indent=_INDENT) if head else []
        lines += wrapped(said, _COMMENT_INDENT)
        if tail and "\n" in value:
            lines.append(f"{_COMMENT_INDENT}{tail}")
    return lines or [""], _reference(span) if span else []


def _reference(span: str) -> list[str]:
    return wrapped(f"Valeurs de référence : {span}", _COMMENT_INDENT)


def _alt_row(alt: AltValue) -> _Row:
    return _columns("", alt.text.replace(".", ","), "", alt.unit, range_of(alt.low, alt.high, ""))


def words_of(observation: Observation) -> str:
    """What the laboratory calls the analysis; may be empty."""
    alternate = observation.alternate
    text = observation.code.text or (alternate.text if alternate else "")
    return " ".join(text.split())


def label_of(observation: Observation) -> str:
    """The same, or else a code: what is printed."""
    return words_of(observation) or observation.code.code.strip()


def shown_value(observation: Observation) -> str:
    """The value as printed: decimal comma, comparator before it; what is missing is said."""
    if observation.type is ValueType.DOCUMENT and observation.status not in WITHDRAWN:
        return document_words(observation)
    if observation.status in WITHDRAWN or not observation.value:
        return _UNSAID.get(observation.status, "")
    value = spoken.words_of(observation.type, observation.value)
    if observation.type is ValueType.NUMERIC:
        value = value.replace(".", ",")
    return f"{comparator_of(observation)} {value}".strip()


def document_words(observation: Observation) -> str:
    """A document that stands as a result."""
    document = observation.document
    if document is None:
        return "document non transmis"
    return f"document joint ({media_name(document.media_type)})"


_MEDIA = {"application/pdf": "PDF", "text/xml": "CDA", "application/xml": "CDA", "text/plain": "texte"}


def media_name(media_type: str) -> str:
    """``PDF`` for people, instead of ``application/pdf``."""
    bare = media_type.partition(";")[0].strip().lower()
    return _MEDIA.get(bare, "image" if bare.startswith("image/") else "document")


def star(observation: Observation) -> str:
    """``*`` outside the reference range, ``**`` at a critical level."""
    flags = set(observation.flags)
    if flags & CRITICAL:
        return CRITICAL_STAR
    return STAR if flags & ABNORMAL else ""


def range_of(low: str, high: str, text: str) -> str:
    """Reference range in French: ``0,70 à 1,10``, ``inf. à 2,00``, ``sup. à 0,40``, or the laboratory's own words."""
    bottom, top = low.replace(".", ","), high.replace(".", ",")
    if bottom and top:
        return f"{bottom} à {top}"
    if top:
        return f"inf. à {top}"
    return f"sup. à {bottom}" if bottom else " ".join(text.split())


# --- antibiogram ------------------------------------------------------------------------------------------------------

_ANTIBIOTIC_END = 32
_ANSWER_END = 60


def _antibiogram(lines: list[Observation]) -> Iterator[Line]:
    yield Line(f"{_COMMENT_INDENT}Antibiogramme")
    for observation in lines:
        answer, level = susceptibility(observation)
        name = _heads(label_of(observation), _ANTIBIOTIC_END - 7)
        yield from _lines([f"      {part}" for part in name[:-1]])
        row = f"      {name[-1]}".ljust(_ANTIBIOTIC_END) + " " + SUSCEPTIBILITY.get(answer, answer)
        if level:
            row = f"{row.ljust(_ANSWER_END)} CMI {level}"
        *above, last = [row.rstrip()] if len(row) <= WIDTH else wrapped(" ".join(row.split()), "      ")
        yield from _lines(above)
        yield Line(last, (observation,))
        note = _STATUS_NOTES.get(observation.status, "") if observation.value else ""
        for comment in (*observation.comments, *performed(observation), note):
            yield from _lines(wrapped(comment, "        ") if comment else [])


def susceptibility(observation: Observation) -> tuple[str, str]:
    """Answer (``S``, ``I``, ``R``…, or words) and measured level with its unit, of one antibiogram line."""
    value = shown_value(observation)
    if observation.status in WITHDRAWN or (observation.status in _UNSAID and not observation.value):
        return value, ""  # Neither value nor flag of what was taken back or never done.
    letters = [flag for flag in observation.flags if flag in SUSCEPTIBILITY]
    spoken = {word.casefold(): letter for letter, word in SUSCEPTIBILITY.items()} | {"intermédiaire": "I"}
    if letters:
        is_answer = value.upper() == letters[0] or value.casefold() in spoken
        return letters[0], "" if is_answer or not value else f"{value} {observation.unit}".strip()
    if value.upper() in SUSCEPTIBILITY:
        return value.upper(), ""
    if observation.type is ValueType.NUMERIC and value:
        return "", f"{value} {observation.unit}".strip()
    return spoken.get(value.casefold(), value), ""


def susceptibility_words(observation: Observation) -> str:
    """The same in one text, as printed: ``Sensible CMI <= 0,5 mg/L``."""
    answer, level = susceptibility(observation)
    return " ".join(part for part in (SUSCEPTIBILITY.get(answer, answer), f"CMI {level}" if level else "") if part)


# --- prose ------------------------------------------------------------------------------------------------------------


def _lines(texts: Iterable[str]) -> Iterator[Line]:
    for text in texts:
        yield Line(text.rstrip())


def wrapped(text: str, indent: str) -> list[str]:
    """Paragraphs in ``WIDTH`` columns; lines that fit keep their blanks, so that small tables stay tables."""
    room = WIDTH - len(indent)
    lines: list[str] = []
    for raw in text.split("\n"):
        line = raw.rstrip()
        if len(line) <= room:
            lines.append(f"{indent}{line}".rstrip())
        else:
            lines += [f"{indent}{part}" for part in textwrap.wrap(line, room, break_on_hyphens=False)]
    return lines
