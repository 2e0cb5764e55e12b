"""Codes and values of one result, in the data types the official examples use (HL7 V3 data types R1).

PQ for a number with a unit, REAL for one without, IVL_PQ for a comparator or a range, CD for codes and words. A unit
without legal UCUM string gives a PQ without ``@unit`` and its printed text in ``translation/originalText``: the
official rule accepts 761 strings and refuses all others (terminologie.sch).
"""

from __future__ import annotations

from functools import cache, lru_cache

from dispatcher.formats.cda import tables, wording
from dispatcher.formats.cda.draft import Draft
from dispatcher.formats.cda.elements import (
    ANSM,
    KIND,
    LOINC,
    NCBI,
    SNOMED,
    TO_TEXT,
    coded,
    flat,
    interpretation,
    loinc_attributes,
    points_at,
    token,
)
from dispatcher.formats.cda.plan import Row
from dispatcher.formats.markup import Element, escaped, finished, leaf, sub
from dispatcher.report.identifiers import loinc_ok, oid_ok
from dispatcher.report.model import Code, Observation, PreviousResult, Severity, ValueType

_INCLUSIVE = {"<": ("high", "false"), "<=": ("high", "true"), ">": ("low", "false"), ">=": ("low", "true")}


is_loinc = cache(loinc_ok)
"""Shape and check digit of a LOINC code; the same few hundred codes come back all day."""


def analysis_code(draft: Draft, row: Row, number: str) -> str:
    """``code`` of a result: LOINC with its name, or bare; always the reference to the text and the local code.

    ``number`` is the LOINC code, as :func:`loinc_of` gives it; empty when there is none.
    """
    return _code(draft, number, row.label, row.key, (row.observation.code, row.observation.alternate))


def loinc_of(draft: Draft, observation: Observation) -> str:
    """The LOINC code of a result: mapped, or carried by the file."""
    codes = (observation.code, observation.alternate)
    return observation.loinc or next((c.code.strip() for c in codes if c and system_of(draft, c) == LOINC), "")


def battery_code(draft: Draft, parent: Element, code: Code, text: str, key: str) -> None:
    """``code`` of a battery, the same way."""
    number = code.code.strip() if system_of(draft, code) == LOINC else ""
    parent.inside.append(_code(draft, number, text, key, (code,)))


def _code(draft: Draft, number: str, text: str, key: str, others: tuple[Code | None, ...]) -> str:
    terminology = draft.context.terminology
    display = terminology.display(number) if terminology and is_loinc(number) else ""
    before, after = _named_analysis(number, display or text, others, draft.laboratory.oid)
    return f"{before}{key}{after}"


@lru_cache(maxsize=4000)
def _named_analysis(number: str, display: str, others: tuple[Code | None, ...], own: str) -> tuple[str, str]:
    """``code`` of an analysis, before and behind the ID of its name in the text: the laboratory's catalogue, the
    same few hundred all day, and no patient's data."""
    found: dict[tuple[str, str], str] = {}
    for other in others:
        if other is not None and other.code.strip() and (system := _system(other.system, own)) != LOINC:
            found.setdefault((token(other.code), system), wording.label(other))
    translations = (
        finished("translation", {"code": code, "displayName": label, "codeSystem": system})
        for (code, system), label in found.items()
    )
    named = loinc_attributes(number, display) if is_loinc(number) else ""
    return f"<code{named}>{TO_TEXT[0]}", f"{TO_TEXT[1]}{''.join(translations)}</code>"


def system_of(draft: Draft, code: Code) -> str:
    """OID of a code's system; a local or unknown one is the laboratory's own."""
    return _system(code.system, draft.laboratory.oid)


@lru_cache(maxsize=500)
def _system(given: str, own: str) -> str:
    name = given.strip()
    return name if oid_ok(name) else tables.system_oid(name) or own


# ------------------------------------------------------------------------------------------------ values


def place(key: str) -> str:
    """Where a result stands, for people: its rank in the report."""
    return f"résultat n° {key.lstrip('o')}"


def unit_of(draft: Draft, observation: Observation | PreviousResult, key: str, loinc_code: str | None = None) -> str:
    """The UCUM string when the official rule accepts it, else empty (and told when a mapping gave it).

    A unit without UCUM string of its own may have one with an annotation, which the rule cuts out: ``{copies}/mL``.
    """
    ucum, terminology = observation.ucum, draft.context.terminology
    if not ucum:
        known = terminology.unit(observation.unit, loinc_code) if terminology and observation.unit else None
        return known.annotated if known and known.annotated and tables.legal_unit(known.annotated) else ""
    if tables.legal_unit(ucum):
        return ucum
    draft.warn(
        "unit-not-in-official-list",
        place(key),
        f"L'unité UCUM « {ucum} » n'est pas dans la liste officielle : la valeur part sans unité codée, "
        "l'unité reste lisible dans le texte. Corrigez la table de correspondance des unités du laboratoire.",
    )
    return ""


def value(draft: Draft, observation: Observation, key: str, unit: str, said: str) -> str:
    """``value`` of a result that has one; ``unit`` as :func:`unit_of` gave it, ``said`` the ID of its text."""
    if observation.type is ValueType.NUMERIC and wording.NUMBER.fullmatch(observation.value.strip()):
        return quantity(observation.value.strip(), observation.comparator, unit, flat(observation.unit))
    if observation.type is ValueType.NUMERIC:
        draft.warn(
            "number-not-readable",
            place(key),
            "Résultat numérique dont la valeur n'est pas un nombre décimal : transmis en texte dans le CDA.",
            Severity.INFO,
        )
    return _words(draft, observation, said)


def quantity(number: str, comparator: str, unit: str, printed: str) -> str:
    """PQ, REAL or IVL_PQ of a decimal number. ``printed`` is the unit as the laboratory writes it: kept where it is not
    the coded one."""
    if not unit and not printed and comparator not in _INCLUSIVE:
        return f'<value {KIND}="REAL" value="{number}"/>'
    measure = f'value="{number}"{_unit(unit)}'
    in_words = ""
    if printed and printed != unit:
        in_words = f'<translation value="{number}"><originalText>{escaped(printed)}</originalText></translation>'
    if comparator not in _INCLUSIVE:
        return f'<value {KIND}="PQ" {measure}>{in_words}</value>' if in_words else f'<value {KIND}="PQ" {measure}/>'
    name, inclusive = _INCLUSIVE[comparator]
    bound = f'{name} {measure} inclusive="{inclusive}"'
    return f'<value {KIND}="IVL_PQ">{f"<{bound}>{in_words}</{name}>" if in_words else f"<{bound}/>"}</value>'


@lru_cache(maxsize=500)
def _unit(unit: str) -> str:
    return Element("", {"unit": unit}).attributes if unit else ""


def earlier_value(draft: Draft, earlier: PreviousResult, key: str, said: str, loinc_code: str) -> str:
    """``value`` of an earlier result: a quantity, else its words, which stand in the text under ``said``."""
    number = earlier.value.strip()
    if earlier.type is ValueType.NUMERIC and wording.NUMBER.fullmatch(number):
        unit = unit_of(draft, earlier, key, loinc_code or None)
        return quantity(number, earlier.comparator, unit, flat(earlier.unit))
    return f'<value {KIND}="CD">{said.join(TO_TEXT)}</value>'


def method(draft: Draft, parent: Element, observation: Observation, key: str) -> None:
    """``methodCode``: a code of the value set, else the laboratory's own as a translation; always the printed words.

    jdv-technique-biologie-cisis; another code in ``methodCode/@code`` would not be of the value set.
    """
    words, code = wording.method(observation), observation.method_code
    if not words:
        return
    system = system_of(draft, code) if code and code.code.strip() else ""
    technique = tables.techniques().get(code.code.strip()) if code and system == ANSM else None
    if technique:
        element = coded(parent, "methodCode", technique.code, ANSM, technique.display)
    else:
        element = sub(parent, "methodCode")
    points_at(element, key + "m")
    if code and system and not technique:
        coded(element, "translation", token(code.code), system, wording.label(code))


def _words(draft: Draft, observation: Observation, said: str) -> str:
    """CD: the code when its system is known to all, else the words alone and the local code as a translation."""
    code = observation.value_code
    attributes = {KIND: "CD"}
    system = system_of(draft, code) if code and code.code.strip() else ""
    public = bool(system) and system != draft.laboratory.oid
    if code and public:
        attributes |= {"code": token(code.code), "codeSystem": system, "displayName": wording.label(code)}
    element = Element("value", attributes)
    points_at(element, said)
    if code and system and not public:
        coded(element, "translation", token(code.code), system, wording.label(code))
    return element.markup()


@lru_cache(maxsize=500)
def interpretations(said: tuple[str, ...]) -> str:
    """``interpretationCode`` for every flag of the value set."""
    return "".join(interpretation(concept.code, concept.display) for concept in wording.interpretations(said))


@lru_cache(maxsize=4000)
def reference_range(low: str, high: str, unit: str, printed: str) -> str:
    """At most one ``referenceRange`` (rule): the printed text, and IVL_PQ when the bounds are numbers in order.

    Those of an analysis come back with every report.
    """
    low, high = low.strip(), high.strip()
    bounds = [(name, n) for name, n in (("low", low), ("high", high)) if wording.NUMBER.fullmatch(n)]
    ordered = len(bounds) < 2 or float(low) <= float(high)
    usable = bool(bounds) and ordered and len(bounds) == bool(low) + bool(high)
    text = printed if usable else printed or wording.span(low, high)
    if not usable and not text:
        return ""
    parent = Element("referenceRange", {"typeCode": "REFV"})
    normal = sub(parent, "observationRange", {"classCode": "OBS", "moodCode": "EVN.CRT"})
    if text:
        leaf(normal, "text", text=text)
    if usable:
        interval = sub(normal, "value", {KIND: "IVL_PQ"})
        for name, number in bounds:
            leaf(interval, name, {"value": number, "unit": unit} if unit else {"value": number})
        normal.inside.append(interpretation("N", "Normal"))
    return parent.markup()


def organism_code(draft: Draft, parent: Element, observation: Observation, key: str) -> None:
    """``code`` of a germ: SNOMED CT, with NCBI as its only allowed translation; or that translation alone; or words.

    E_laboratoryIsolateOrganizer_int.sch. SNOMED CT goes in when the file itself carries it, or when the laboratory's
    settings allow it, for its use needs a licence; the NCBI taxonomy is free and also found by the germ's name.
    """
    code = observation.value_code
    system = system_of(draft, code) if code and code.code.strip() else ""
    terminology = draft.context.terminology
    known = terminology.organism_found(observation) if terminology else None
    if code and system == SNOMED:
        element = coded(parent, "code", token(code.code), SNOMED, wording.label(code))
    elif known and known.snomed:
        element = coded(parent, "code", known.snomed, SNOMED, known.snomed_name or known.name)
    else:
        element = sub(parent, "code")
    points_at(element, key + "v")
    if code and system == NCBI:
        coded(element, "translation", token(code.code), NCBI, wording.label(code))
        return
    if known and known.ncbi:
        coded(element, "translation", known.ncbi, NCBI, known.ncbi_name or known.name)
