"""Short ways to say what was found, with the place and without any patient data."""

from __future__ import annotations

from dispatcher.report.model import Problem, Severity


def error(code: str, where: str, message: str) -> Problem:
    """The report (or the file) must not leave as it is."""
    return Problem(code=code, severity=Severity.ERROR, where=where, message=message)


def warning(code: str, where: str, message: str) -> Problem:
    """Sent, and shown to a person."""
    return Problem(code=code, severity=Severity.WARNING, where=where, message=message)


def info(code: str, where: str, message: str) -> Problem:
    """Noted."""
    return Problem(code=code, severity=Severity.INFO, where=where, message=message)
