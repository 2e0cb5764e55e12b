"""In which line of dispatcher.toml stands what a finding is about."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from dispatcher.faults import Place, line_of, places
from dispatcher.service.check import Finding

SECTIONS: tuple[tuple[str, str], ...] = (
    (r"source ([a-z0-9_-]+), serveur MLLP", "sources.{}.answers.mllp"),
    (r"source ([a-z0-9_-]+), (?:dossier de retour|réponses)", "sources.{}.answers"),
    (r"source ([a-z0-9_-]+), index des PDF", "sources.{}.index"),
    (r"source ([a-z0-9_-]+), dialecte", "sources.{}.dialect"),
    (r"source ([a-z0-9_-]+)", "sources.{}"),
    (r"canal ([a-z0-9_-]+), boîte des avis", "channels.{}.mailbox"),
    (r"canal ([a-z0-9_-]+)", "channels.{}"),
    (r"clé ((?:channels|directory|trust|keys)\..+)", "{}"),
    (r"clé ([a-z0-9_-]+)", "channels.{}"),
    (r"annuaire ldap-(.+)", "directory.ldap.{}"),
    (r"annuaire fhir", "directory.fhir"),
    (r"annuaire", "directory"),
    (r"certificat|révocation", "directory"),
    (r"table des destinataires", "directory.local"),
    (r"liste blanche", "trust"),
    (r"mise en page", "pdf.layout"),
    (r"laboratoire", "laboratory.biologist.rpps"),
)
"""How a subject begins, and the section it is about; the first that fits."""
_NAMED = re.compile(r"« (?:[a-z]+\.)*([a-z_]+)(?: =[^»]*)? »")
"""A key as hints name it."""


def with_lines(findings: Iterable[Finding], file: Path) -> list[Finding]:
    """Each finding with the line of its key; None where the file does not say it, a default for instance."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return list(findings)
    lines = dict(reversed(list(places(text))))
    return [replace(one, line=_line(one, lines)) if one.line is None else one for one in findings]


def _line(finding: Finding, lines: dict[Place, int]) -> int | None:
    if finding.key:
        return line_of(tuple(finding.key.split(".")), lines)
    section = _section(finding.subject)
    if section is None:
        return None
    words = _NAMED.findall(f"{finding.text} {finding.hint}")
    named = next((lines[(*section, word)] for word in words if (*section, word) in lines), None)
    return named or line_of(section, lines)


def _section(subject: str) -> Place | None:
    for start, section in SECTIONS:
        if found := re.match(start, subject):
            return tuple(section.format(*found.groups()).split("."))
    return None
