"""HL7 V3 data types as plain values: identifiers, codes, moments, addresses, telephones (CDA R2 ``datatypes.xsd``)."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from urllib.parse import unquote

from dispatcher.formats.cda import tables
from dispatcher.formats.cda.elements import LOINC
from dispatcher.formats.cda_reading.nodes import (
    Element,
    attribute,
    child,
    children,
    inside,
    local,
    null,
    one_line,
    plain,
)
from dispatcher.formats.er7.timestamps import parse_when
from dispatcher.report.model import Address, Code, When

_STREET = ("houseNumber", "houseNumberNumeric", "buildingNumberSuffix", "direction", "streetNameType", "streetNameBase")
_NUMBERED = frozenset({*_STREET, "streetName"})
_LINES = frozenset(
    {"streetAddressLine", "additionalLocator", "unitType", "unitID", "careOf", "postBox", "precinct"}
    | {"deliveryAddressLine", "deliveryInstallationType", "deliveryInstallationArea", "deliveryMode"}
)
_TS = re.compile(r"[0-9]{4,14}(?:\.[0-9]+)?(?:[+-][0-9]{1,4}|Z)?")


def when(element: Element | None) -> When | None:
    """A TS: aware moment, day, or None. A moment without offset is Europe/Paris."""
    return parse_when(attribute(element, "value"))[0]


def when_in(element: Element | None) -> When | None:
    """TS or IVL_TS: the value, else its end, else its start."""
    return (
        when(element) or when(child(element, "high")) or when(child(element, "low")) or when(child(element, "center"))
    )


def identifier(element: Element | None) -> str:
    """An II as one text: the extension, else the root."""
    return attribute(element, "extension") or attribute(element, "root")


def unique_id(element: Element | None) -> str:
    """An II as ``root`` or ``root^extension``; empty when there is none."""
    return "^".join(part for part in (attribute(element, "root"), attribute(element, "extension")) if part)


def extension(elements: list[Element]) -> str:
    """The first extension among several II."""
    return next((text for each in elements if (text := attribute(each, "extension"))), "")


@cache
def system_name(oid: str) -> str:
    """How the model names a code system: ``LN``, ``SCT``…, else the OID itself."""
    return tables.system_name(oid) or oid


def code(element: Element | None, text: str = "") -> Code | None:
    """A coded element as one code, named by ``text`` or its display name; None when it carries no code."""
    value = attribute(element, "code")
    if element is None or not value:
        return None
    name = text or one_line(attribute(element, "displayName"))
    return Code(code=value, text=name, system=system_name(attribute(element, "codeSystem")))


def codes(element: Element | None, text: str = "") -> list[Code]:
    """The code and its translations, LOINC first. ``text`` (the laboratory's own words) names the first."""
    if element is None:
        return []
    translations = [found for each in children(element, "translation") if (found := code(each))]
    own = code(element)
    every = [*([own] if own else []), *translations]
    every.sort(key=lambda each: each.system != system_name(LOINC))
    if every and text:
        every[0] = replace(every[0], text=text)
    return every


def address(element: Element | None) -> Address | None:
    """An AD, structured or in lines; None when it says nothing."""
    if null(element) or element is None:
        return None
    street, lines = [], []
    for part in inside(element):
        text = plain(part)
        if text and local(part) in _NUMBERED:
            street.append(text)
        elif text and local(part) in _LINES:
            lines.append(text)
    found = Address(
        lines=tuple([" ".join(street)] if street else []) + tuple(lines),
        postcode=plain(child(element, "postalCode")),
        town=plain(child(element, "city")),
        country=plain(child(element, "country")),
    )
    if found == Address() and (bare := plain(element)):
        return Address(lines=(bare,))
    return None if found == Address() else found


def telecoms(parent: Element | None) -> tuple[tuple[str, str], ...]:
    """``(scheme, rest)`` of every telecom with a value: ``("tel", "0140000000")``, ``("mailto", "a@b.fr")``."""
    found = []
    for each in children(parent, "telecom"):
        scheme, colon, rest = attribute(each, "value").partition(":")
        value = (scheme, rest) if colon else ("tel" if "@" not in scheme else "mailto", scheme)
        if value[1].strip():
            found.append((value[0].strip().lower(), unquote(value[1].strip())))
    return tuple(found)


def phones(parent: Element | None) -> tuple[str, ...]:
    """Telephone numbers, each once."""
    return tuple(dict.fromkeys(rest for scheme, rest in telecoms(parent) if scheme == "tel"))


def mail(parent: Element | None) -> str:
    """The first mail address."""
    return next((rest.partition("?")[0] for scheme, rest in telecoms(parent) if scheme == "mailto"), "")
