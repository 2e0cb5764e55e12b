"""How commands print: JSON for programs, tables for people. Nothing here knows what a dispatch is."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dispatcher.clock import paris
from dispatcher.errors import ConfigError, DispatcherError
from dispatcher.report.model import Problem

REMARK = 24
"""Characters a remark keeps in a listing, however narrow the terminal."""
DONE, FAILURES, WRONG_CALL = 0, 1, 2
"""Exit codes (design §7): done, done with failures told, wrong call or configuration."""


def console() -> Console:
    """Standard output; wide when it is not a terminal, so that nothing is cut in a pipe."""
    return Console(width=None if sys.stdout.isatty() else 160, highlight=False, soft_wrap=False)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=_plain) + "\n")


def problem_json(problem: Problem) -> dict[str, str]:
    """A problem for programs."""
    return {
        "code": problem.code,
        "severity": problem.severity,
        "where": problem.where,
        "message": problem.message,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return str(value)


def say(text: str) -> None:
    """One line for a person."""
    console().print(escape(text))


def complain(text: str) -> None:
    """One line on standard error."""
    width = None if sys.stderr.isatty() else 160
    Console(stderr=True, width=width, highlight=False).print(escape(text))


def table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    empty: str = "Rien à montrer.",
    cut_last: bool = False,
) -> None:
    """A table for people; ``empty`` when there is no row; ``cut_last``: the last column is cut to what fits."""
    lines = [tuple(str(cell) for cell in row) for row in rows]
    if not lines:
        say(empty)
        return
    if cut_last:
        lines = _cut(columns, lines)
    grid = Table(title=title or None, title_justify="left", header_style="bold", show_header=any(columns))
    for column in columns:
        grid.add_column(column, overflow="fold")
    for line in lines:
        grid.add_row(*(escape(cell) for cell in line))
    console().print(grid)


def _cut(columns: Sequence[str], lines: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The last cell of each line on one line of what the other columns leave, at least :data:`REMARK` characters."""
    others = zip(*(line[:-1] for line in [tuple(columns), *lines]), strict=True)
    room = console().width - sum(max(map(len, cells)) for cells in others) - 3 * len(columns) - 1
    room = max(room, REMARK)
    return [(*line[:-1], line[-1] if len(line[-1]) <= room else f"{line[-1][: room - 1]}…") for line in lines]


def moment(value: datetime | None) -> str:
    """A moment as people in France read it, or a dash."""
    return paris(value).strftime("%d/%m/%Y %H:%M:%S") if value is not None else "–"


def fail(error: DispatcherError) -> NoReturn:
    """Tell an error and end: code 2 for configuration, 1 otherwise."""
    complain(f"Erreur : {error.message}")
    for fault in error.faults if isinstance(error, ConfigError) else ():
        complain(f"  – {fault}")
    if error.hint:
        complain(f"  → {error.hint}")
    raise typer.Exit(WRONG_CALL if isinstance(error, ConfigError) else FAILURES)
