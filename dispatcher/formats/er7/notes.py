"""Collects problems while a file is read. Messages are French, for an operator, and never hold a name or a result."""

from __future__ import annotations

from dataclasses import replace

from dispatcher.report.model import Problem, Severity


class Notes:
    """A growing list of problems. :meth:`tally` keeps one problem per code, with the first place and a count."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._tallies: dict[str, tuple[int, int]] = {}

    def add(self, code: str, severity: Severity, where: str, message: str) -> None:
        """One more problem."""
        self._problems.append(Problem(code=code, severity=severity, where=where, message=message))

    def error(self, code: str, where: str, message: str) -> None:
        """The report is held, or the file quarantined."""
        self.add(code, Severity.ERROR, where, message)

    def warning(self, code: str, where: str, message: str) -> None:
        """Sent, and shown to a person."""
        self.add(code, Severity.WARNING, where, message)

    def info(self, code: str, where: str, message: str) -> None:
        """Noted."""
        self.add(code, Severity.INFO, where, message)

    def tally(self, code: str, severity: Severity, where: str, message: str) -> None:
        """A problem that may come on every line: told once, with how often and where first."""
        if code in self._tallies:
            place, count = self._tallies[code]
            self._tallies[code] = (place, count + 1)
            return
        self._tallies[code] = (len(self._problems), 1)
        self.add(code, severity, where, message)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All of them, in the order they were met."""
        told = list(self._problems)
        for place, count in self._tallies.values():
            if count > 1:
                told[place] = replace(told[place], message=f"{told[place].message} ({count} fois dans ce compte rendu)")
        return tuple(told)
