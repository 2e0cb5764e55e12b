"""The XML of a CDA as this room writes it: names and OIDs of the CR-BIO, and its usual elements.

Namespaces and OIDs: "Volet CR-BIO" 2024.01 of the CI-SIS (ANS) as its schematrons and official examples state them; IHE
PaLM XD-LAB (template 1.3.6.1.4.1.19376.1.3.3). Element order everywhere is that of the CDA R2 schema
(``CDA_extended.xsd``).
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from dispatcher.formats.markup import Element, finished, sub
from dispatcher.report.identifiers import oid_ok

V3 = "urn:hl7-org:v3"
LAB = "urn:oid:1.3.6.1.4.1.19376.1.3.2"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
NAMESPACES = {"xmlns": V3, "xmlns:lab": LAB, "xmlns:xsi": XSI}
TYPE = "{" + XSI + "}type"
"""As it is read; :data:`KIND` is the same as it is written."""
KIND = "xsi:type"

LOINC = "2.16.840.1.113883.6.1"
SNOMED = "2.16.840.1.113883.6.96"
NCBI = "2.16.840.1.113883.3.9471"
INTERPRETATION = "2.16.840.1.113883.5.83"
SPECIMEN_TYPE = "2.16.840.1.113883.18.311"
ANSM = "1.2.250.1.213.2.3.5"
"""Methods and reagents: "ANSM – Table de codage commune des réactifs"."""

UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
MAX_EXTENSION = 64
"""Characters of ``id/@extension`` (rule II of the structuration minimale)."""

COMP = {"typeCode": "COMP"}


def event(parent: Element, name: str, kind: str, *roots: str) -> Element:
    """An act that happened: ``classCode`` and ``moodCode`` EVN, and one ``templateId`` per OID."""
    element = Element(name)
    element.attributes = f' classCode="{kind}" moodCode="EVN"'
    element.inside.append(_templates(roots))
    parent.inside.append(element)
    return element


def templates(parent: Element, *roots: str) -> None:
    """One ``templateId`` per OID, in order."""
    parent.inside.append(_templates(roots))


@cache
def _templates(roots: tuple[str, ...]) -> str:
    """Constants of the rules: few, and the same in every document."""
    return "".join(f'<templateId root="{root}"/>' for root in roots)


def flat(text: str) -> str:
    """Text fit for an attribute: one line, single blanks (rule CD: no tab or line end in ``@displayName``)."""
    return " ".join(text.split())


def loinc(parent: Element, name: str, code: str, display: str) -> Element:
    """A LOINC coded element. The rules ask for code, displayName and codeSystem together."""
    element = Element(name)
    element.attributes = loinc_attributes(code, display)
    parent.inside.append(element)
    return element


@lru_cache(maxsize=4000)
def loinc_attributes(code: str, display: str) -> str:
    """Codes of analyses say nothing about a patient, and the same few hundred come back all day."""
    named = {"code": code, "displayName": flat(display) or code, "codeSystem": LOINC, "codeSystemName": "LOINC"}
    return Element("", named).attributes


@cache
def interpretation(code: str, display: str) -> str:
    """``interpretationCode``: one of the 39 codes of the value set."""
    return finished(
        "interpretationCode", {"code": code, "displayName": flat(display) or code, "codeSystem": INTERPRETATION}
    )


def coded(parent: Element, name: str, code: str, system: str, display: str) -> Element:
    """A coded element of any system."""
    return sub(parent, name, {"code": code, "displayName": flat(display) or code, "codeSystem": system})


def points_at(parent: Element, target: str) -> None:
    """``originalText/reference`` to a piece of the narrative; ``target`` is its ID without ``#``."""
    parent.inside.append(TO_TEXT[0] + target + TO_TEXT[1])


TO_TEXT = '<originalText><reference value="#', '"/></originalText>'
"""Before and behind the ID, which is one of ours."""


def token(text: str) -> str:
    """A code as the schema's ``cs`` type takes it: blanks become underscores, nothing else changes."""
    return "_".join(text.split())


def is_root(text: str) -> bool:
    """True for an OID or a UUID that may stand in ``@root``."""
    return oid_ok(text) or bool(UUID.fullmatch(text))


def as_root(text: str) -> str:
    """The same root as the rules want it: a UUID in upper case."""
    return text.upper() if UUID.fullmatch(text) else text
