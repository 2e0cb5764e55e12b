"""Where something stands in a file: ``OBR-18.1``, ``OBX[3.1=BIOL]-5``, ``PID-3(2).1``, ``L9``; text in, value out.

ER7 (HL7 v2.5 chapter 2, HPRIM Santé): segment, field, then component and subcomponent after dots; a repetition in
round brackets, else all of them; in square brackets which of several segments. HPRIM Médecins: one of the twelve header
lines, with its columns when only a part of it is meant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

EXPECTED = (
    "attendu un segment, un tiret et un champ, comme « OBR-18.1 » ou « OBX[3.1=BIOL]-5 » ; "
    "pour HPRIM Médecins une ligne d’en-tête, comme « L9 » ou « L11:1-10 »"
)


@dataclass(frozen=True, slots=True)
class Place:
    """One place. ``segment`` is ``L`` with ``field`` the number of the line for HPRIM Médecins."""

    segment: str
    field: int
    component: int = 0
    """0: the whole field."""
    sub: int = 0
    repetition: int = 0
    """0: all of them."""
    where: tuple[int, int, str] | None = None
    """Only in a segment whose field and component hold this text."""
    columns: tuple[int, int] | None = None
    """HPRIM Médecins: first and last column, from 1."""

    @property
    def of_line(self) -> bool:
        """It names a header line, not a field of a segment."""
        return self.segment == "L"

    def __str__(self) -> str:
        if self.of_line:
            return f"L{self.field}" + (f":{self.columns[0]}-{self.columns[1]}" if self.columns else "")
        chosen = "[{}.{}={}]".format(*self.where) if self.where else ""
        rank = f"({self.repetition})" if self.repetition else ""
        parts = "".join(f".{number}" for number in (self.component, self.sub) if number)
        return f"{self.segment}{chosen}-{self.field}{rank}{parts}"


_FIELD = re.compile(
    r"(?P<segment>[A-Z][A-Z0-9]{0,2})(?:\[(?P<wfield>[1-9][0-9]?)(?:\.(?P<wcomponent>[1-9][0-9]?))?=(?P<wtext>[^\]]{1,40})\])?"
    r"[-.](?P<field>[1-9][0-9]?)(?:\((?P<repetition>[1-9][0-9]?)\))?"
    r"(?:\.(?P<component>[1-9][0-9]?)(?:\.(?P<sub>[1-9][0-9]?))?)?"
)
_LINE = re.compile(r"L(?P<line>1[0-2]|[1-9])(?::(?P<first>[1-9][0-9]?)-(?P<last>[1-9][0-9]?))?")


def parse_place(text: object) -> Place:
    """``"OBR-18.1"`` to a :class:`Place`. Raises :class:`ValueError` with a French sentence."""
    if not isinstance(text, str):
        raise ValueError(f"endroit illisible ; {EXPECTED}")
    bare = re.sub(r"\s", "", text) if "[" not in text else text.strip()
    if line := _LINE.fullmatch(bare):
        columns = (int(line["first"]), int(line["last"])) if line["first"] else None
        if columns and columns[0] > columns[1]:
            raise ValueError(f"colonnes à l’envers dans « {text} »")
        return Place("L", int(line["line"]), columns=columns)
    found = _FIELD.fullmatch(bare)
    if found is None:
        raise ValueError(f"endroit illisible : « {text[:40]} » ; {EXPECTED}")
    where = (int(found["wfield"]), int(found["wcomponent"] or 1), found["wtext"].strip()) if found["wtext"] else None
    return Place(
        segment=found["segment"],
        field=int(found["field"]),
        component=int(found["component"] or 0),
        sub=int(found["sub"] or 0),
        repetition=int(found["repetition"] or 0),
        where=where,
    )
