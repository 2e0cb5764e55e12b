"""The body's own checks: chapters, entries, results, units; or the PDF of a level-1 document."""

from __future__ import annotations

from dispatcher.formats.cda import tables
from dispatcher.formats.cda.elements import INTERPRETATION, LOINC, TYPE
from dispatcher.formats.cda.findings import Element, Findings, all_of, by_name, first_of, has_template, tag
from dispatcher.formats.cda.header import CR_BIO

CHAPTER = "1.3.6.1.4.1.19376.1.3.3.2.1"
PDF_COPY = "1.2.250.1.213.1.1.2.243"
SCANNED = "1.2.250.1.213.1.1.2.60"
WITH_PDF_COPY = "2023.01"
"""First version of the CR-BIO model that asks for the PDF copy."""
RESULT = "1.3.6.1.4.1.19376.1.3.1.6"
PERFORMER = "1.3.6.1.4.1.19376.1.3.3.1.7"
TOP_LEVEL = (CHAPTER, PDF_COPY, SCANNED, "1.3.6.1.4.1.19376.1.4.1.2.16", "1.2.250.1.213.1.1.2.128",
             "1.2.250.1.213.1.1.2.147")  # fmt: skip
"""Sections a CR-BIO may hold at the first level (Entete_CR-BIO.sch 2024.01)."""


def check_level_1(document: Element, findings: Findings) -> None:
    """A bare PDF."""
    text = first_of(document, "component/nonXMLBody/text")
    if text is None or text.get("mediaType") != "application/pdf" or text.get("representation") != "B64":
        findings.error(
            "level-1-body", document, "Le corps de niveau 1 doit être un PDF en base64 (component/nonXMLBody/text)."
        )


def _no_copy(document: Element, findings: Findings) -> None:
    """The PDF copy is obligatory since model 2023.01; an older document, or one that names no version, may lack it."""
    said = "Section « Copie du document » absente : elle est obligatoire depuis le modèle 2023.01."
    declared = (t.get("extension", "") for t in all_of(document, "templateId") if t.get("root") == CR_BIO)
    (findings.error if max(declared, default="") >= WITH_PDF_COPY else findings.warning)("no-pdf-copy", document, said)


def check_level_3(document: Element, findings: Findings) -> None:
    """Sections, entries and results."""
    sections = all_of(document, "component/structuredBody/component/section")
    if not any(has_template(section, CHAPTER) for section in sections):
        findings.error(
            "no-chapter", document, "Aucun chapitre de résultats : un compte rendu structuré en porte au moins un."
        )
    if not any(has_template(section, PDF_COPY) for section in sections):
        _no_copy(document, findings)
    for section in sections:
        if not any(has_template(section, root) for root in TOP_LEVEL):
            findings.error("section-unknown", section, "Section de premier niveau que le CR-BIO n'admet pas.")
        if has_template(section, CHAPTER):
            _chapter(section, findings)
        if has_template(section, SCANNED):
            findings.need(section, (("code", "Code"), ("text", "Texte")), "scanned-part")
        if has_template(section, PDF_COPY):
            findings.need(section, (("text", "Texte"), ("entry/organizer", "Document attaché")), "pdf-copy-part")
    for observation in document.iter(_OBSERVATION):
        parts = by_name(observation)
        if any(template.get("root") == RESULT for template in parts.get(_TEMPLATE, ())):
            _result(observation, parts, findings)
    for performer in document.iter(tag("performer")):
        if has_template(performer, PERFORMER):
            findings.need(performer, _PERFORMER_PARTS, "performer-part")
    _units(document, findings)
    _interpretations(document, findings)


def _chapter(section: Element, findings: Findings) -> None:
    subs = all_of(section, "component/section")
    if subs and (first_of(section, "text") is not None or first_of(section, "entry") is not None):
        findings.error(
            "chapter-shape", section, "Un chapitre porte soit un texte et une entrée, soit des sous-chapitres."
        )
    for part in subs or [section]:
        if first_of(part, "text") is None or len(all_of(part, "entry")) != 1:
            findings.error("chapter-shape", part, "Un texte et exactement une entrée (entry) sont attendus.")
        for entry in all_of(part, "entry"):
            _entry(entry, findings)


def _entry(entry: Element, findings: Findings) -> None:
    if entry.get("typeCode") != "DRIV":
        findings.error("entry-type", entry, "L'entrée de résultats porte typeCode DRIV.")
    act = first_of(entry, "act")
    if act is None:
        findings.error("entry-act", entry, "L'entrée de résultats contient un élément act.")
        return
    _status(act, first_of(act, "statusCode"), ("completed", "active", "aborted"), findings)
    if not any(link.get("typeCode") == "COMP" for link in all_of(act, "entryRelationship")):
        findings.error("entry-empty", act, "L'acte ne contient aucun résultat (entryRelationship COMP).")


def _status(element: Element, status: Element | None, allowed: tuple[str, ...], findings: Findings) -> None:
    if status is None or status.get("code") not in allowed:
        findings.error("status-code", element, "statusCode absent ou inattendu ; admis : " + ", ".join(allowed) + ".")


def _result(observation: Element, parts: dict[str, list[Element]], findings: Findings) -> None:
    """``parts``: its children by name."""
    _status(observation, next(iter(parts.get(_STATUS, ())), None), ("completed", "aborted"), findings)
    codes = parts.get(_CODE, [])
    texts = [text for code in codes for text in code.iterchildren(_ORIGINAL)]
    if len(codes) != 1 or len(texts) != 1 or len(list(texts[0].iterchildren(_REFERENCE))) != 1:
        findings.error(
            "result-code", observation, "Un résultat porte un code avec exactement une référence à son texte."
        )
    for code in codes:
        if code.get("codeSystem") == LOINC and not (code.get("code") and code.get("displayName")):
            findings.error("result-loinc", code, "Un code LOINC s'écrit avec code, displayName et codeSystem.")
    if len(parts.get(_RANGE, ())) > 1:
        findings.error("result-range", observation, "Un seul intervalle de référence est admis par résultat.")
    for link in parts.get(_LINK, ()):
        if link.get("typeCode") == "REFR":
            _earlier(link, findings)


_OBSERVATION, _TEMPLATE, _STATUS, _CODE = map(tag, ("observation", "templateId", "statusCode", "code"))
_ORIGINAL, _REFERENCE, _RANGE, _LINK = map(tag, ("originalText", "reference", "referenceRange", "entryRelationship"))
_PERFORMER_PARTS = (
    ("time", "Date d'exécution"),
    ("assignedEntity/id", "Identifiant du responsable"),
    *(
        (f"assignedEntity/representedOrganization/{name}", f"Laboratoire exécutant, {french}")
        for name, french in (
            ("id", "identifiant"),
            ("name", "nom"),
            ("telecom", "téléphone"),
            ("addr", "adresse"),
            ("standardIndustryClassCode", "cadre d'exercice"),
        )
    ),
)
"""E_laboratoireExecutant_fr.sch; what is unknown is there with ``nullFlavor``."""


def _earlier(link: Element, findings: Findings) -> None:
    """E_FR-Resultat-examens-de-biologie-element-clinique-pertinent.sch."""
    findings.need(link, (("observation/effectiveTime", "Date du résultat antérieur"),), "earlier-result")
    for before in all_of(link, "observation"):
        _status(before, first_of(before, "statusCode"), ("completed",), findings)


def _units(document: Element, findings: Findings) -> None:
    """As the official rule: ``value`` PQ, and bounds of ``value`` IVL_PQ."""
    for value in document.iter(tag("value")):
        kind = value.get(TYPE, "").rpartition(":")[2]
        quantities = [value] if kind == "PQ" else [c for c in value if c.tag in _BOUNDS] if kind == "IVL_PQ" else []
        for quantity in quantities:
            unit = quantity.get("unit")
            if unit and not tables.legal_unit(unit):
                findings.error(
                    "unit-unknown", quantity, f"L'unité « {unit[:40]} » n'est pas dans la liste UCUM officielle."
                )


_BOUNDS = (tag("low"), tag("high"))


def _interpretations(document: Element, findings: Findings) -> None:
    for element in document.iter(tag("interpretationCode")):
        code = element.get("code")
        if code is not None and (code not in tables.interpretations() or element.get("codeSystem") != INTERPRETATION):
            findings.error(
                "interpretation-unknown", element, f"L'interprétation « {code[:20]} » n'est pas dans le jeu de valeurs."
            )
