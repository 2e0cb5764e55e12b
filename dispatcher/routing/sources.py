"""Names of the directories' sources, as entries and decisions carry them, and how a person reads them."""

from __future__ import annotations

MSSANTE, PEOPLE, STRUCTURES, ADELI, FHIR, LOCAL = "mssante", "people", "structures", "adeli", "fhir", "local"
LDAP = "ldap-"
"""Begins the name of every LDAP source; its name in the settings follows."""

NO_DIRECTORY = frozenset({LOCAL, "allowed-domains"})
"""Not data about people that a source publishes."""

_LABELS = {
    MSSANTE: "extraction MSSanté",
    PEOPLE: "professionnels en libre accès",
    STRUCTURES: "structures FINESS",
    ADELI: "correspondance ADELI-RPPS",
    FHIR: "API Annuaire Santé",
    LOCAL: "table des destinataires",
    "allowed-domains": "liste des domaines autorisés",
    "directory": "annuaire national",  # decisions of before there were several
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
