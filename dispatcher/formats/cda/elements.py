"""How this room writes XML: short helpers over lxml, and the names and OIDs of the CR-BIO.

Namespaces and OIDs: "Volet CR-BIO" 2024.01 of the CI-SIS (ANS) as its schematrons and official examples state them; IHE
PaLM XD-LAB (template 1.3.6.1.4.1.19376.1.3.3). Element order everywhere is that of the CDA R2 schema
(``CDA_extended.xsd``).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Hashable, Mapping
from copy import copy

from lxml import etree

from dispatcher.report.identifiers import oid_ok

Element = etree._Element
SubElement = etree.SubElement

V3 = "urn:hl7-org:v3"
LAB = "urn:oid:1.3.6.1.4.1.19376.1.3.2"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
NAMESPACES = {None: V3, "lab": LAB, "xsi": XSI}
_PREFIX = "{" + V3 + "}"
TYPE = "{" + XSI + "}type"

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


def sub(parent: Element, name: str, attributes: Mapping[str, str] | None = None, text: str | None = None) -> Element:
    """Append ``<name>`` of the CDA namespace. ``ValueError`` when a text holds a character XML forbids."""
    child: Element = SubElement(parent, _PREFIX + name)
    if attributes:
        # One by one: a third faster than handing lxml the mapping, and this is most of the time of a document.
        for key, value in attributes.items():
            child.set(key, value)
    if text is not None:
        child.text = text
    return child


COMP = {"typeCode": "COMP"}
_MOST_KEPT = 2000
"""Pieces kept for copying, per thread; beyond it all are forgotten."""


class _Kept(threading.local):
    """Finished pieces by key. Each thread has its own: an lxml tree is no place for two threads to meet."""

    def __init__(self) -> None:
        self.pieces: dict[Hashable, Element] = {}


_KEPT = _Kept()


def repeated(parent: Element, key: Hashable, build: Callable[[Element], Element]) -> Element:
    """Append what ``build`` makes under a parent: made once, then copied, which costs a quarter of making it again.

    Only for what says nothing about a patient: templates, codes of public value sets, the laboratory's own identity.
    """
    piece = _KEPT.pieces.get(key)
    if piece is None:
        piece = build(etree.Element(_PREFIX + "section", nsmap=NAMESPACES))
        if len(_KEPT.pieces) >= _MOST_KEPT:
            _KEPT.pieces.clear()
        _KEPT.pieces[key] = piece
    child: Element = copy(piece)
    parent.append(child)
    return child


def event(parent: Element, name: str, kind: str, *roots: str) -> Element:
    """An act that happened: ``classCode`` and ``moodCode`` EVN, and one ``templateId`` per OID."""
    return repeated(parent, (name, kind, roots), lambda holder: _event(holder, name, kind, roots))


def _event(parent: Element, name: str, kind: str, roots: tuple[str, ...]) -> Element:
    element = sub(parent, name, {"classCode": kind, "moodCode": "EVN"})
    templates(element, *roots)
    return element


def templates(parent: Element, *roots: str) -> None:
    """One ``templateId`` per OID, in order."""
    for root in roots:
        sub(parent, "templateId", {"root": root})


def flat(text: str) -> str:
    """Text fit for an attribute: one line, single blanks (rule CD: no tab or line end in ``@displayName``)."""
    return " ".join(text.split())


def loinc(parent: Element, name: str, code: str, display: str) -> Element:
    """A LOINC coded element. The rules ask for code, displayName and codeSystem together."""
    return repeated(parent, (name, code, display), lambda holder: _loinc(holder, name, code, flat(display) or code))


def _loinc(parent: Element, name: str, code: str, display: str) -> Element:
    return sub(parent, name, {"code": code, "displayName": display, "codeSystem": LOINC, "codeSystemName": "LOINC"})


def interpretation(parent: Element, code: str, display: str) -> Element:
    """``interpretationCode`` of the value set."""
    key = ("interpretationCode", code)
    return repeated(parent, key, lambda holder: coded(holder, "interpretationCode", code, INTERPRETATION, display))


def coded(parent: Element, name: str, code: str, system: str, display: str) -> Element:
    """A coded element of any system."""
    return sub(parent, name, {"code": code, "displayName": flat(display) or code, "codeSystem": system})


def points_at(parent: Element, target: str) -> None:
    """``originalText/reference`` to a piece of the narrative; ``target`` is its ID without ``#``."""
    original = SubElement(parent, _PREFIX + "originalText")
    SubElement(original, _PREFIX + "reference", {"value": "#" + target})


def token(text: str) -> str:
    """A code as the schema's ``cs`` type takes it: blanks become underscores, nothing else changes."""
    return "_".join(text.split())


def is_root(text: str) -> bool:
    """True for an OID or a UUID that may stand in ``@root``."""
    return oid_ok(text) or bool(UUID.fullmatch(text))


def as_root(text: str) -> str:
    """The same root as the rules want it: a UUID in upper case."""
    return text.upper() if UUID.fullmatch(text) else text
