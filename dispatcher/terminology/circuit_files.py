"""The value set "LOINC, circuit de la biologie" in the shapes it may come in. Bytes in, codes out, and what was seen.

FHIR ValueSet, CodeSystem or Bundle in JSON or XML (R4/R5); IHE SVS XML, as the ANS publishes its "jeux de valeurs";
CSV or XLSX with columns recognised by their headings (Bioloinc export). The real file was not at hand when this was
written: every shape is accepted, and the operator is told what was understood.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lxml import etree

from dispatcher.report.identifiers import loinc_ok
from dispatcher.terminology.circuit import CircuitCode
from dispatcher.terminology.columns import CIRCUIT, understand
from dispatcher.terminology.sheets import SheetError, read_sheet

LOINC = frozenset({"", "HTTP://LOINC.ORG", "2.16.840.1.113883.6.1", "URN:OID:2.16.840.1.113883.6.1", "LOINC"})
_FHIR = "{http://hl7.org/fhir}"
_PROPERTIES = {
    "COMPONENT": "component",
    "PROPERTY": "quantity",
    "TIME_ASPCT": "time",
    "TIME": "time",
    "SYSTEM": "system",
    "SCALE_TYP": "scale",
    "SCALE": "scale",
    "METHOD_TYP": "technique",
    "METHOD": "technique",
    "CLASS": "chapter",
    "STATUS": "status",
    "COMPOSANT": "component",
    "GRANDEUR": "quantity",
    "SYSTEME": "system",
    "ECHELLE": "scale",
    "TECHNIQUE": "technique",
    "UNITE": "unit",
    "EXAMPLE_UCUM_UNITS": "unit",
}
_COLUMN_FIELDS = dict(
    zip(
        ("loinc", "libelle", "composant", "grandeur", "temps", "systeme", "echelle", "technique", "unite", "chapitre"),
        CircuitCode.__slots__,
        strict=False,
    )
) | {"statut": "status"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitFile:
    """What a file gave."""

    codes: tuple[CircuitCode, ...]
    shape: str
    """French: what the file was taken for."""
    version: str = ""
    columns: Mapping[str, str]
    """For a sheet: our column to the heading found."""
    ignored_columns: tuple[str, ...] = ()
    other_system: int = 0
    """Codes of another system than LOINC, left out."""
    wrong: tuple[str, ...] = ()
    """Codes whose LOINC key is wrong, left out (the first hundred)."""
    doubles: int = 0


def read_circuit(content: bytes, sheet: str = "", given: Mapping[str, str] | None = None) -> CircuitFile:
    """Read the file. Raises :class:`dispatcher.terminology.sheets.SheetError` when no LOINC code is found in it."""
    start = content[:400].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith((b"{", b"[")):
        found = _from_json(content)
    elif start.startswith(b"<"):
        found = _from_xml(content)
    else:
        found = _from_sheet(content, sheet, given)
    if not found.codes:
        raise SheetError(
            f"Aucun code LOINC trouvé ({found.shape}).",
            hint="Attendu : ValueSet FHIR (JSON, XML), jeu de valeurs SVS (XML), ou feuille CSV ou XLSX.",
        )
    return found


def _gathered(pairs: Iterator[tuple[str, CircuitCode]], shape: str, version: str = "") -> CircuitFile:
    """Codes of LOINC with a good key, once each; the first one that has a name wins."""
    codes: dict[str, CircuitCode] = {}
    wrong: list[str] = []
    others = doubles = 0
    for system, code in pairs:
        if system.strip().upper().rstrip("/") not in LOINC:
            others += 1
        elif not loinc_ok(code.loinc):
            wrong.append(code.loinc[:20])
        elif code.loinc in codes:
            doubles += 1
            if not codes[code.loinc].label:
                codes[code.loinc] = code
        else:
            codes[code.loinc] = code
    return CircuitFile(
        codes=tuple(codes.values()),
        shape=shape,
        version=version,
        columns={},
        other_system=others,
        wrong=tuple(wrong[:100]),
        doubles=doubles,
    )


# ------------------------------------------------------------------------------------------------------ FHIR


def _from_json(content: bytes) -> CircuitFile:
    try:
        whole = json.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise SheetError("JSON illisible.", hint="Télécharger le fichier de nouveau.") from error
    return _from_resources(whole, "FHIR JSON")


def _from_resources(whole: Any, how: str) -> CircuitFile:
    resources = list(_resources(whole))
    kinds = ", ".join(dict.fromkeys(_text(one.get("resourceType")) for one in resources)) or "sans ressource connue"
    versions = [_text(one.get("version")) for one in resources]
    pairs = (pair for one in resources for pair in _resource(one))
    return _gathered(pairs, f"{how} ({kinds})", next((version for version in versions if version), ""))


def _resources(whole: Any) -> Iterator[dict[str, Any]]:
    for one in whole if isinstance(whole, list) else [whole]:
        if not isinstance(one, dict):
            continue
        if one.get("resourceType") in ("ValueSet", "CodeSystem"):
            yield one
        for entry in _list(one.get("entry")):
            yield from _resources(entry.get("resource"))


def _resource(one: dict[str, Any]) -> Iterator[tuple[str, CircuitCode]]:
    if one["resourceType"] == "CodeSystem":
        yield from _concepts(_text(one.get("url")) if "loinc" in _text(one.get("url")).lower() else "", one)
        return
    for include in _list(_dict(one.get("compose")).get("include")):
        yield from _concepts(_text(include.get("system")), include)
    yield from _contains(_dict(one.get("expansion")))


def _concepts(system: str, holder: dict[str, Any]) -> Iterator[tuple[str, CircuitCode]]:
    """Concepts and, for a code system, those below them. ``http://loinc.org/…`` counts as LOINC."""
    plain = "" if "loinc" in system.lower() else system
    waiting = list(reversed(_list(holder.get("concept"))))
    while waiting:
        concept = waiting.pop()
        yield plain, _fhir_code(concept)
        waiting += reversed(_list(concept.get("concept")))


def _contains(expansion: dict[str, Any]) -> Iterator[tuple[str, CircuitCode]]:
    waiting = list(reversed(_list(expansion.get("contains"))))
    while waiting:
        one = waiting.pop()
        yield _text(one.get("system")), _fhir_code(one)
        waiting += reversed(_list(one.get("contains")))


def _fhir_code(concept: dict[str, Any]) -> CircuitCode:
    """French designations win over the display."""
    french = [
        _text(one.get("value"))
        for one in _list(concept.get("designation"))
        if _text(one.get("language")).lower().startswith("fr")
    ]
    code = CircuitCode(loinc=_text(concept.get("code")).strip(), label=(french or [_text(concept.get("display"))])[0])
    named: dict[str, str] = {}
    for one in _list(concept.get("property")):
        name = _PROPERTIES.get(_text(one.get("code")).upper())
        value = next((one[key] for key in one if key.startswith("value")), "")
        if name and name not in named:
            named[name] = _text(value.get("display") or value.get("code")) if isinstance(value, dict) else _text(value)
    return replace(code, **named) if named else code


def _list(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return "" if value is None else str(value)


# ------------------------------------------------------------------------------------------------------- XML


def _from_xml(content: bytes) -> CircuitFile:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise SheetError(f"XML illisible ({error.msg}).", hint="Télécharger le fichier de nouveau.") from error
    if str(root.tag).startswith(_FHIR):
        return _from_resources(_as_json(root), "FHIR XML")
    sets = [one for one in root.iter() if _local(one) == "ValueSet"]
    version = next((one.get("version", "") for one in sets), "")
    pairs = (
        (
            one.get("codeSystem", ""),
            CircuitCode(loinc=one.get("code", "").strip(), label=one.get("displayName", "")),
        )
        for one in root.iter()
        if _local(one) == "Concept"
    )
    return _gathered(pairs, "jeu de valeurs SVS (XML)", version)


def _local(element: Any) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


_SINGLE = frozenset({"compose", "expansion", "resource"})


def _as_json(element: Any) -> Any:
    """FHIR XML as FHIR JSON has it, as far as value sets need: ``@value``, lists of everything that may repeat."""
    name = _local(element)
    made: dict[str, Any] = {"resourceType": name} if name in ("ValueSet", "CodeSystem", "Bundle") else {}
    for child in element:
        key = _local(child)
        if not key or key == "text":
            continue
        if child.get("value") is not None and not len(child):
            made[key] = child.get("value")
        elif key == "resource":
            made[key] = _as_json(child[0]) if len(child) else {}
        elif key in _SINGLE or key.startswith("value"):
            made[key] = _as_json(child)
        else:
            made.setdefault(key, []).append(_as_json(child))
    return made


# ----------------------------------------------------------------------------------------------------- sheet


def _from_sheet(content: bytes, sheet: str, given: Mapping[str, str] | None) -> CircuitFile:
    understood = understand(read_sheet(content, sheet), CIRCUIT, "loinc", given)
    pairs = (("", _sheet_code(record.cells)) for record in understood.records)
    found = _gathered(((system, code) for system, code in pairs if code.loinc), understood.kind)
    return replace(found, columns=understood.columns, ignored_columns=understood.ignored)


def _sheet_code(cells: Mapping[str, str]) -> CircuitCode:
    named: dict[str, Any] = {_COLUMN_FIELDS[name]: text for name, text in cells.items()}
    named["loinc"] = named.get("loinc", "").upper().removeprefix("LOINC").strip(" :")
    return CircuitCode(**named)
