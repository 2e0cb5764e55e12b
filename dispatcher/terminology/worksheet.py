"""What real traffic asked for, as a sheet a biologist fills in and ``mappings import`` takes back. Values in, text out.

The columns of ``codes.csv`` first, then how often and when it was met, then proposals in columns of their own, which
the import leaves alone: a proposal becomes a code only when a person writes it in the column ``loinc``, with a name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dispatcher.terminology.codebook import COLUMNS
from dispatcher.terminology.csv_text import written
from dispatcher.terminology.entries import Missing, Proposal
from dispatcher.terminology.merging import guarded

SHOWN = 3
"""Proposals a line shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One code without LOINC, with what might fit."""

    missing: Missing
    count: int
    last_at: datetime
    proposals: tuple[Proposal, ...]


def worksheet(rows: Sequence[Wanted]) -> str:
    """The sheet, ``;`` and CRLF, for UTF-8 with a byte order mark: every spreadsheet opens it with its accents."""
    header = [*COLUMNS, "fois", "derniere_fois", "motif"]
    header += [f"{name}_{n}" for n in range(1, SHOWN + 1) for name in ("proposition", "nom", "raison")]
    return written([header, *map(_row, rows)], ";", "\r\n")


def _row(wanted: Wanted) -> list[str]:
    one = wanted.missing
    row = [one.source, one.code, one.label, one.unit, one.specimen, "", "", "", ""]
    row += [str(wanted.count), wanted.last_at.date().isoformat(), one.reason]
    for proposal in wanted.proposals[:SHOWN]:
        row += [proposal.loinc, proposal.display, proposal.reason]
    row += [""] * (3 * SHOWN - 3 * len(wanted.proposals[:SHOWN]))
    return [guarded(" ".join(cell.split())) for cell in row]
