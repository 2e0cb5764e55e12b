"""What the CDA schema refuses, said in French and without the refused value."""

from __future__ import annotations

import re

from lxml import etree

_NAME = re.compile(r"\{[^}]*\}")
_ELEMENT = re.compile(r"^Element '(?:\{[^}]*\})?([^']+)'(?:, attribute '(?:\{[^}]*\})?([^']+)')?")
_EXPECTED = re.compile(r"Expected is (?:one of )?\((.*?)\)")


def in_french(error: etree._LogEntry) -> str:
    """One sentence for one schema error (libxml2 texts quote values, so they are not passed on)."""
    found = _ELEMENT.match(error.message)
    element, attribute = (found[1], found[2]) if found else ("?", None)
    subject = f"attribut « {attribute} » de l'élément « {element} »" if attribute else f"élément « {element} »"
    expected = _EXPECTED.search(error.message)
    names = _NAME.sub("", expected[1]).strip() if expected else ""
    return f"Schéma CDA : {subject} : {_reason(error.type_name, names)}."


def _reason(kind: str, expected: str) -> str:
    if kind == "SCHEMAV_ELEMENT_CONTENT":
        return f"inattendu ici ou incomplet ; attendu : {expected}" if expected else "inattendu à cet endroit"
    if kind.startswith("SCHEMAV_CVC_COMPLEX_TYPE_3_2"):
        return "attribut non admis"
    if kind.startswith("SCHEMAV_CVC_COMPLEX_TYPE_4"):
        return "attribut obligatoire absent"
    if kind.startswith(("SCHEMAV_CVC_PATTERN", "SCHEMAV_CVC_ENUMERATION", "SCHEMAV_CVC_DATATYPE", "SCHEMAV_CVC_FACET")):
        return "valeur mal formée ou hors de la liste admise"
    if kind.startswith("SCHEMAV_CVC_ELT"):
        return "élément racine ou type (xsi:type) inconnu du schéma"
    return f"refusé par le schéma ({kind})"
