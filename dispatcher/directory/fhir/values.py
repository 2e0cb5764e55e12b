"""Reading of JSON that may be anything: each function takes any value and gives a plain one, or nothing.

HL7 FHIR R4: §2.29 Extensibility, §2.24 Datatypes. What the national directory publishes in two shapes is accepted in
both (a code as ``valueCode``, ``valueCoding``, ``valueCodeableConcept`` or ``valueString``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dispatcher.directory.flags import flag
from dispatcher.report.folding import fold

Resource = Mapping[str, Any]
LONGEST = 200
"""Characters kept of any text."""


def objects(value: object) -> Iterator[Resource]:
    """The objects in a list; a lone object counts as a list of one."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            yield one


def inner(value: object) -> Resource:
    """An object, or an empty one."""
    return value if isinstance(value, dict) else {}


def text(value: object) -> str:
    """A text on one line without control characters, shortened; empty for anything else."""
    if not isinstance(value, str):
        return ""
    if not value.isprintable():
        value = "".join(sign if sign.isprintable() else " " for sign in value)
    return " ".join(value[: 4 * LONGEST].split())[:LONGEST]


def texts(value: object) -> list[str]:
    """The texts in a list that are not empty."""
    return [found for one in (value if isinstance(value, list) else [value]) if (found := text(one))]


def last_word(url: object) -> str:
    """The last part of an address, folded to letters and digits: ``…/as-ext-mailbox-mss-metadata``."""
    return re.sub(r"[^a-z0-9]", "", fold(text(url).rstrip("/").rpartition("/")[2].partition("|")[0]))


def codes(value: object) -> list[tuple[str, str, str]]:
    """(system, code, display) of a CodeableConcept, a Coding, a list of either, or a bare code."""
    if isinstance(value, str):
        return [("", text(value), "")]
    found = []
    for one in objects(value):
        inside = list(objects(one.get("coding", []))) or [one]
        for coding in inside:
            code, display = text(coding.get("code")), text(coding.get("display"))
            if code:
                found.append((text(coding.get("system")), code, display))
    return found


def extension_code(extension: Resource) -> str:
    """The code an extension carries, upper case, in whatever shape."""
    for name in ("valueCodeableConcept", "valueCoding", "valueCode", "valueString"):
        for _, code, _ in codes(extension.get(name)) if name in extension else ():
            return code.upper()
    return ""


def extension_flag(extension: Resource) -> bool | None:
    """The yes or no an extension carries; None when it says neither."""
    found = extension.get("valueBoolean")
    if isinstance(found, bool):
        return found
    word = text(found).casefold() or extension_code(extension).casefold()
    return flag(word)


def reference(value: object, kind: str) -> str:
    """Id behind a reference to one kind of record: ``Practitioner/003-1``, relative or absolute; empty otherwise."""
    told = text(inner(value).get("reference")).partition("/_history")[0]
    before, _, found = told.rpartition("/")
    return found if before == kind or before.endswith(f"/{kind}") else ""


def rank(value: object) -> int | None:
    """``ContactPoint.rank``: 1 is preferred."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1_000_000 else None
