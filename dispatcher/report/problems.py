"""What a person may want to know about a file or a report, and how bad it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a problem is."""

    ERROR = "error"
    """The item is held (or the file quarantined)."""
    WARNING = "warning"
    """Sent, and shown to a person."""
    INFO = "info"
    """Noted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something a person may want to know about a file or a report. Never holds a name or a result."""

    code: str
    """Stable text, lower case with dashes: ``missing-birth-date``."""
    severity: Severity
    where: str = ""
    """Line, segment and field: ``ligne 12``, ``PID-7``, ``OBX[3]-5``."""
    message: str = ""
    """French: what was found, what was expected, what to do."""

    @property
    def sentence(self) -> str:
        """Place and message as one line."""
        return f"{self.where} : {self.message}" if self.where else self.message


def sentences(problems: Iterable[Problem], limit: int = 5) -> str:
    """Problems as one text, the first ``limit`` of them."""
    lines = [problem.sentence for problem in problems]
    rest = [f"et {len(lines) - limit} autre(s)"] if len(lines) > limit else []
    return " ; ".join([*lines[:limit], *rest])
