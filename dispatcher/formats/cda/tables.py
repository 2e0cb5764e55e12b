"""The small code tables of ``mappings/cda/``, read once (see the README there for where each comes from)."""

from __future__ import annotations

import csv
import io
from functools import cache
from typing import NamedTuple

from dispatcher.resources import mapping_text
from dispatcher.terminology.units import legal_ucum


class Concept(NamedTuple):
    """One code of a value set."""

    code: str
    system: str
    display: str


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(mapping_text("cda", name)), delimiter=";"))


def _concepts(name: str) -> dict[str, Concept]:
    return {row["code"]: Concept(row["code"], row["system"], row["display"]) for row in _rows(name)}


@cache
def interpretations() -> dict[str, Concept]:
    """jdv-hl7-v3-ObservationInterpretation-cisis: the 39 codes allowed in ``interpretationCode``."""
    return _concepts("interpretation.csv")


@cache
def specimens() -> dict[str, Concept]:
    """jdv-specimen-type-cisis: kinds of specimen (HL7 table 0487)."""
    return _concepts("specimens.csv")


@cache
def techniques() -> dict[str, Concept]:
    """jdv-technique-biologie-cisis: methods of analysis (ANSM table of reagents)."""
    return _concepts("techniques.csv")


@cache
def professions() -> dict[str, Concept]:
    """The biologists' part of JDV_J01_XdsAuthorSpecialty_CISIS."""
    return _concepts("professions.csv")


@cache
def _titles() -> dict[str, tuple[str, str]]:
    return {row["text"]: (row["element"], row["code"]) for row in _rows("titles.csv")}


def title(text: str) -> tuple[str, str] | None:
    """``("prefix", "MME")`` or ``("suffix", "DR")`` for a title as people write it; None when it has no code.

    JDV_J245-Civilite-CISIS and JDV_J246-Titre-CISIS: the rules refuse any other text in these two elements.
    """
    return _titles().get(text.strip().rstrip(".").upper())


@cache
def _systems() -> dict[str, str]:
    return {row["name"]: row["oid"] for row in _rows("systems.csv")}


def system_oid(name: str) -> str:
    """OID behind an HL7 code-system name (table 0396), or the empty string when it is local or unknown."""
    return _systems().get(name.strip().upper(), "")


@cache
def _names() -> dict[str, str]:
    return {row["oid"]: row["name"] for row in reversed(_rows("systems.csv"))}


def system_name(oid: str) -> str:
    """HL7 code-system name (table 0396) of an OID, or the empty string."""
    return _names().get(oid.strip(), "")


@cache
def _ucum() -> frozenset[str]:
    return frozenset(line.strip() for line in mapping_text("terminology", "ucum-ans.txt").splitlines())


@cache
def legal_unit(unit: str) -> bool:
    """True when the official unit rule accepts this UCUM string: one of 761 strings once ``{annotations}`` are cut."""
    return legal_ucum(unit, _ucum()) and not any(c.isspace() for c in unit)
