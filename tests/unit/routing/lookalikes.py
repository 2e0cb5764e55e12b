"""The look-alikes: people who are easily taken for one another, and what a file may say of them.

``lookalikes.csv``: what the file gives, who was really meant (RPPS or FINESS; empty when nobody can tell), and what
must happen: ``send`` or the code of a hold. Beside it the directory, the table of the laboratory and the ADELI-RPPS
pairs all cases share. All people are invented.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path

from dispatcher.report.model import IdType
from dispatcher.routing.candidates import Entry, LocalEntry
from dispatcher.routing.route import Decision, RecipientRole, Wanted
from tests.unit.routing.routing_desk import POLICY, decided

FOLDER = Path(__file__).parent
DOMAIN = "pro.mssante.test"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One line of the data file."""

    number: int
    category: str
    wanted: Wanted
    prefer: str
    meant: str
    expected: str
    why: str

    @property
    def label(self) -> str:
        return f"{self.number:03} {self.category}"


def _rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


@cache
def cases() -> tuple[Case, ...]:
    """All of them, in file order; the number is the line of the file."""
    return tuple(
        Case(
            number=number,
            category=row["category"],
            wanted=Wanted(
                role=RecipientRole.PRESCRIBER,
                id=row["id"],
                id_type=IdType(row["id_type"]),
                label=row["label"] or " ".join(part for part in (row["family"], row["given"]) if part),
                family=row["family"],
                given=row["given"],
                organisation_id=row["organisation"],
                address=row["address"],
            ),
            prefer=row["prefer"] or "PER",
            meant=row["meant"],
            expected=row["expected"],
            why=row["why"],
        )
        for number, row in enumerate(_rows("lookalikes.csv"), start=2)
    )


@cache
def directory() -> tuple[Entry, ...]:
    """Everybody."""
    return tuple(
        Entry(
            **{
                **row,
                "id_type": IdType(row["id_type"]) if row["id_type"] else None,
                "paperless": None,
                "rank": int(row["rank"]) if row["rank"] else None,
                "red_list": bool(row["red_list"]),
            }  # type: ignore[arg-type]
        )
        for row in _rows("lookalikes_directory.csv")
    )


@cache
def table() -> tuple[LocalEntry, ...]:
    """The laboratory's own lines."""
    return tuple(
        LocalEntry(
            code=row["code"],
            id_type=IdType(row["id_type"]) if row["id_type"] else None,
            identifier=row["identifier"],
            address=row["address"],
            valid_from=date.fromisoformat(row["valid_from"]) if row["valid_from"] else None,
            valid_to=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
            line=number,
        )
        for number, row in enumerate(_rows("lookalikes_table.csv"), start=2)
    )


@cache
def pairs() -> tuple[tuple[str, str], ...]:
    """ADELI and RPPS of one person."""
    return tuple((row["adeli"], row["rpps"]) for row in _rows("lookalikes_adeli.csv"))


def boxes_of(meant: str) -> set[str]:
    """Boxes that are really those of the person or structure meant, under any of the numbers."""
    numbers = {meant, *(adeli for adeli, rpps in pairs() if rpps == meant)}
    return {
        entry.address
        for entry in directory()
        if entry.address and (entry.identifier in numbers or (not entry.identifier and entry.structure_id in numbers))
    }


def run(case: Case, entries: tuple[Entry, ...] | None = None) -> Decision:
    """What the rules say, with everybody in the directory."""
    book = directory() if entries is None else entries
    return decided(
        case.wanted,
        *book,
        lines=table(),
        allowed=[DOMAIN],
        pairs=pairs(),
        policy=replace(POLICY, prefer=case.prefer),
    )
