"""Collects problems while a file is read. Messages are French, for an operator, and never hold a name or a result."""

from __future__ import annotations

from dataclasses import replace

from dispatcher.report.model import Problem, Severity


class Notes:
    """A growing list of problems. :meth:`tally` keeps one per code and severity, with the first place and a count."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._tallies: dict[tuple[str, Severity], tuple[int, set[str]]] = {}

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
        """A problem that may come on every line: told once, with where first and at how many places."""
        if (code, severity) in self._tallies:
            self._tallies[code, severity][1].add(where)
            return
        self._tallies[code, severity] = (len(self._problems), {where})
        self.add(code, severity, where, message)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All of them, in the order they were met."""
        told = list(self._problems)
        for rank, places in self._tallies.values():
            if len(places) > 1:
                message = f"{told[rank].message} ({len(places)} fois dans ce compte rendu)"
                told[rank] = replace(told[rank], message=message)
        return tuple(told)
