"""A dialect of HPRIM Médecins: header lines brought to their place, numbers, states and flags of ``RES`` lines.

One report as it was cut in, the same in the words of the format out. Columns of ``RES``: notes "HPRIM" §1.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from dispatcher.dialects.kinds import Names
from dispatcher.dialects.model import Dialect, Numbers
from dispatcher.dialects.places import Place
from dispatcher.formats.dialect.numbers import read_line, tell
from dispatcher.formats.dialect.people import split_joined
from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.hprim_medecins import grammar
from dispatcher.formats.hprim_medecins.blocks import Block
from dispatcher.report.values import parse_number

_NUMBER, _PATIENT, _REPORTED, _FAMILY, _GIVEN, _SENDER = 9, 1, 10, 2, 3, 11
_VALUES, _BOUNDS = (4, 10), (6, 7, 12, 13)
"""Indexes of results and bounds in a ``RES`` line cut at its pipes."""
_FLAG, _STATUS = 8, 9


def understood(block: Block, dialect: Dialect | None, notes: Notes) -> Block:
    """The same report. Without a dialect unchanged. Never raises."""
    if dialect is None:
        return block
    block.header = replace(block.header, lines=_header(list(block.header.lines), dialect))
    block.coded = [(number, _coded(line, number, dialect, notes)) for number, line in block.coded]
    return block


# ------------------------------------------------------------------------------------------------ header


def _header(lines: list[str], dialect: Dialect) -> tuple[str, ...]:
    words = frozenset(dialect.null_words)
    lines = ["" if " ".join(line.split()).casefold() in words else line for line in lines]
    fields = dialect.fields
    places = ((fields.filler, _NUMBER), (fields.patient_id, _PATIENT), (fields.reported, _REPORTED))
    changes = [(number, _taken(lines, place)) for place, number in (*places, (fields.given, _GIVEN)) if place]
    if fields.birth_name or fields.used_name:
        changes.append((_FAMILY, _family(lines, dialect)))
    for place in dialect.ignore:
        _put(lines, place, "")
    for number, text in changes:
        lines[number - 1] = text
    _order_names(lines, dialect.patient.name_order)
    for place, text in dialect.defaults.items():
        if not _taken(lines, place):
            _put(lines, place, text)
    for place, text in dialect.constants.items():
        _put(lines, place, text)
    _laboratory(lines, dialect)
    return tuple(lines)


def _order_names(lines: list[str], order: Names) -> None:
    family, given = lines[_FAMILY - 1].strip(), lines[_GIVEN - 1].strip()
    if order == "given-family":
        family, given = given, family
    elif order != "family-given" and not given:
        family, given = split_joined(family, given_first=order == "joined-given-first")
    lines[_FAMILY - 1], lines[_GIVEN - 1] = family, given


def _taken(lines: list[str], place: Place) -> str:
    if not place.of_line:
        return ""
    line = lines[place.field - 1]
    return (line[place.columns[0] - 1 : place.columns[1]] if place.columns else line).strip()


def _put(lines: list[str], place: Place, text: str) -> None:
    if not place.of_line:
        return
    if place.columns is None:
        lines[place.field - 1] = text
        return
    first, last = place.columns
    line = lines[place.field - 1].ljust(last)
    lines[place.field - 1] = (
        line[: first - 1] + text[: last - first + 1].ljust(last - first + 1) + line[last:]
    ).rstrip()


def _family(lines: list[str], dialect: Dialect) -> str:
    """Line 2 as the reader knows two names: ``USED NEE BIRTH``."""
    fields, usual = dialect.fields, lines[_FAMILY - 1].strip()
    birth = _taken(lines, fields.birth_name) if fields.birth_name else ""
    used = _taken(lines, fields.used_name) if fields.used_name else ""
    used = used or (usual if birth and not fields.used_name else "")
    birth = birth or usual
    return f"{used} NEE {birth}" if used and used.casefold() != birth.casefold() else birth


def _laboratory(lines: list[str], dialect: Dialect) -> None:
    name, finess = dialect.laboratory.name, dialect.laboratory.finess
    if not (name or finess):
        return
    code, label = lines[_SENDER - 1][: grammar.PARTY_CODE_WIDTH], lines[_SENDER - 1][grammar.PARTY_CODE_WIDTH :]
    code = (finess or code.strip() or grammar.NO_CODE).ljust(grammar.PARTY_CODE_WIDTH)
    lines[_SENDER - 1] = f"{code} {name or label.strip()}"


# ------------------------------------------------------------------------------------------------ results


def _coded(line: str, number: int, dialect: Dialect, notes: Notes) -> str:
    if line.partition("|")[0].strip().upper() != "RES":
        return line
    fields = line.split("|")
    words = frozenset(dialect.null_words)
    for at, text in enumerate(fields):
        if at not in (0, *_VALUES, _FLAG, _STATUS) and text.strip() and " ".join(text.split()).casefold() in words:
            fields[at] = ""
    if dialect.numbers != Numbers():
        _numbers(fields, f"ligne {number}", dialect.numbers, notes)
    _letter(fields, _STATUS, dialect.status.result)
    if len(fields) > _FLAG and fields[_FLAG].strip():
        _letter(fields, _FLAG, dialect.flags)
    return "|".join(fields)


def _letter(fields: list[str], at: int, known: Mapping[str, str]) -> None:
    sign = fields[at].strip().upper() if at < len(fields) else ""
    if sign not in known:
        return
    fields.extend([""] * (at + 1 - len(fields)))
    fields[at] = known[sign]


def _numbers(fields: list[str], where: str, rules: Numbers, notes: Notes) -> None:
    """A value is rewritten only when the general rule would read another number: the text of the file is kept."""
    numeric = len(fields) > 3 and fields[3].strip().upper() not in ("A", "C")
    count = len(fields)
    fields.extend([""] * (_BOUNDS[-1] + 1 - count))
    for at, places in zip(_VALUES, (_BOUNDS[:2], _BOUNDS[2:]), strict=True):
        text = fields[at].strip() if numeric or at != _VALUES[0] else ""
        line = read_line((text,), [fields[place] for place in places], fields[at + 1], rules)
        tell(line, where, notes)
        if parse_number(line.values[0]) != parse_number(text):
            fields[at] = line.values[0]
        for place, bound in zip(places, line.bounds, strict=True):
            fields[place] = bound
    del fields[count:]
