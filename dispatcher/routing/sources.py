"""Names of the directories' sources, as entries and decisions carry them, and how a person reads them."""

from __future__ import annotations

import re
from datetime import datetime

from dispatcher.clock import paris

MSSANTE, PEOPLE, STRUCTURES, ADELI, FHIR, LOCAL = "mssante", "people", "structures", "adeli", "fhir", "local"
LDAP = "ldap-"
"""Begins the name of every LDAP source; its name in the settings follows."""

NO_DIRECTORY = frozenset({LOCAL, "allowed-domains"})
"""Not data about people that a source publishes."""

_LABELS = {
    "directory": "annuaire national",  # decisions of before there were several
    MSSANTE: "extraction MSSanté",
    PEOPLE: "professionnels en libre accès",
    STRUCTURES: "structures FINESS",
    ADELI: "correspondance ADELI-RPPS",
    FHIR: "API Annuaire Santé",
    LOCAL: "table des destinataires",
    "allowed-domains": "liste des domaines autorisés",
}


def label(name: str) -> str:
    """French name of a source; unknown ones by their own name."""
    if name.startswith(LDAP):
        return f"annuaire LDAP « {name.removeprefix(LDAP)} »"
    return _LABELS.get(name, name)


def place(name: str) -> tuple[int, str]:
    """For sorting: directories first, then the laboratory's table, then the list of allowed domains."""
    known = list(_LABELS)
    return (known.index(name) if name in _LABELS else known.index(FHIR), name)


def has_boxes(name: str) -> bool:
    """It tells mailboxes, not only people or structures."""
    return name in {MSSANTE, FHIR} or name.startswith(LDAP)


_DATED = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(:\d\d)?(Z|[+-]\d\d:\d\d)?)?")


def spoken(name: str, version: str) -> str:
    """« extraction MSSanté du 20/11/2026 à 06:00 (version 76053b50e709) »; Paris time."""
    found = _DATED.match(version)
    rest = version[found.end() :].strip() if found else version
    tail = f" (version {rest})" if rest else ""
    if found is None:
        return f"{label(name)}{tail}"
    day, minute, second, zone = found.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{minute or '00:00'}{second or ''}{(zone or '').replace('Z', '+00:00')}")
    except ValueError:  # no such day: as it stands
        return f"{label(name)} {version}"
    local = paris(moment) if zone else moment
    return f"{label(name)} du {local:%d/%m/%Y}{f' à {local:%H:%M}' if minute else ''}{tail}"
