"""The header's own checks: obligatory parts and their order, identifiers, the patient."""

from __future__ import annotations

import re

from dispatcher.formats.cda.elements import LOINC, is_root
from dispatcher.formats.cda.findings import Element, Findings, all_of, first_of, has_template, local
from dispatcher.formats.cda.header import CODE, CR_BIO, LEVEL_1, LEVEL_3, TITLE
from dispatcher.report.identifiers import INS_OIDS, nir_ok

_ORDER = (
    "realmCode", "typeId", "templateId", "id", "code", "title", "effectiveTime", "confidentialityCode", "languageCode",
    "setId", "versionNumber", "copyTime", "recordTarget", "author", "dataEnterer", "informant", "custodian",
    "informationRecipient", "legalAuthenticator", "authenticator", "participant", "inFulfillmentOf", "documentationOf",
    "relatedDocument", "authorization", "componentOf", "component",
)  # fmt: skip
"""Order of the schema (POCD_MT000040.ClinicalDocument)."""
_PERFORMER = "documentationOf/serviceEvent/performer/assignedEntity/representedOrganization/id"
_PARTS = (
    ("realmCode", "Pays"),
    ("typeId", "Type CDA"),
    ("id", "Identifiant du document"),
    ("code", "Type de document"),
    ("title", "Titre"),
    ("effectiveTime", "Date de création"),
    ("confidentialityCode", "Confidentialité"),
    ("languageCode", "Langue"),
    ("setId", "Identifiant commun aux versions"),
    ("versionNumber", "Numéro de version"),
    ("recordTarget/patientRole/patient", "Patient"),
    ("author/assignedAuthor/id", "Auteur"),
    ("custodian/assignedCustodian/representedCustodianOrganization/id", "Structure de conservation"),
    ("legalAuthenticator/assignedEntity/id", "Responsable du document"),
    ("documentationOf/serviceEvent/code", "Acte documenté"),
    ("documentationOf/serviceEvent/effectiveTime/low", "Début de l'acte documenté"),
    (_PERFORMER, "Laboratoire exécutant"),
    ("componentOf/encompassingEncounter/effectiveTime", "Date de la prise en charge"),
    ("componentOf/encompassingEncounter/location/healthCareFacility/code", "Modalité d'exercice"),
    ("component", "Corps du document"),
)
_ONCE = (
    *("id", "code", "title", "effectiveTime", "setId", "versionNumber"),
    *("recordTarget", "custodian", "legalAuthenticator", "componentOf", "component"),
)
_TIME = re.compile(r"[0-9]{4}([0-9]{2}([0-9]{2}([0-9]{4}([0-9]{2}(\.[0-9]+)?)?)?)?)?([+-][0-9]{4})?")
_TRAITS = (
    ("nom de naissance (family BR)", "patient/name/family", "BR"),
    ("premier prénom de naissance (given BR)", "patient/name/given", "BR"),
    ("prénoms de naissance (given sans qualifier)", "patient/name/given", None),
)


def check_header(document: Element, findings: Findings) -> None:
    """Everything above the body; of another type of document only what every CDA must say."""
    findings.need(document, _PARTS, "header-part-missing")
    _order(document, findings)
    for name in _ONCE:
        if len(all_of(document, name)) > 1:
            findings.error("header-part-twice", document, f"L'élément « {name} » est présent plusieurs fois.")
    if is_cr_bio(document):
        _templates(document, findings)
        _fixed(document, findings)
    _identifiers(document, findings)
    _times(document, findings)
    _patient(document, findings)


def is_cr_bio(document: Element) -> bool:
    """A biology report, by the type it gives or the models it declares. The laboratory's export may carry others."""
    code = first_of(document, "code")
    declared = any(has_template(document, root) for root in (CR_BIO, *LEVEL_3[-1:]))
    return declared or code is None or code.get("code") == CODE[0]


def _order(document: Element, findings: Findings) -> None:
    last = 0
    for child in document.iterchildren("{urn:hl7-org:v3}*"):
        rank = _ORDER.index(local(child)) if local(child) in _ORDER else -1
        if rank < 0:
            findings.error(
                "header-part-unknown", child, f"L'élément « {local(child)} » n'existe pas dans un en-tête CDA."
            )
        elif rank < last:
            findings.error("header-part-misplaced", child, "L'élément n'est pas à sa place dans l'ordre du schéma CDA.")
        last = max(last, rank)


def _templates(document: Element, findings: Findings) -> None:
    level_1 = first_of(document, "component/nonXMLBody") is not None
    for root in LEVEL_1 if level_1 else LEVEL_3:
        if not has_template(document, root):
            findings.error("template-missing", document, f"Déclaration de conformité (templateId) {root} absente.")
    if level_1 and len(all_of(document, "templateId")) != len(LEVEL_1):
        findings.error("template-extra", document, "Un document de niveau 1 porte exactement trois templateId.")
    if not level_1 and not has_template(document, CR_BIO):
        findings.warning("template-missing", document, f"Modèle CR-BIO (templateId {CR_BIO}) non déclaré.")


def _fixed(document: Element, findings: Findings) -> None:
    code = first_of(document, "code")
    if code is not None and (code.get("code"), code.get("displayName"), code.get("codeSystem")) != (*CODE, LOINC):
        findings.error("document-code", code, f"Type de document attendu : {CODE[0]} (LOINC) « {CODE[1]} ».")
    title = first_of(document, "title")
    if title is not None and title.text != TITLE:
        findings.error("document-title", title, f"Titre attendu : « {TITLE} ».")
    for path, attribute, wanted in (("realmCode", "code", "FR"), ("typeId", "extension", "POCD_HD000040")):
        element = first_of(document, path)
        if element is not None and element.get(attribute) != wanted:
            findings.error("header-value", element, f"Valeur attendue : « {wanted} ».")
    for related in all_of(document, "relatedDocument"):
        if related.get("typeCode") != "RPLC":
            findings.error("related-document", related, "Seul le remplacement (typeCode RPLC) est admis.")


def _identifiers(document: Element, findings: Findings) -> None:
    for path in ("id", "setId", "relatedDocument/parentDocument/id"):
        for element in all_of(document, path):
            if not is_root(element.get("root", "")):
                findings.error("id-root", element, "L'attribut root doit être un OID ou un UUID.")
    version = first_of(document, "versionNumber")
    if version is not None and not re.fullmatch(r"[1-9][0-9]*", version.get("value", "")):
        findings.error("version-number", version, "Le numéro de version doit être un entier positif.")
    own, parent = first_of(document, "id"), first_of(document, "relatedDocument/parentDocument/id")
    if own is not None and parent is not None and dict(own.attrib) == dict(parent.attrib):
        findings.error(
            "replaces-itself", parent, "Le document remplacé porte le même identifiant que le document lui-même."
        )


def _times(document: Element, findings: Findings) -> None:
    for path in ("effectiveTime", "author/time", "legalAuthenticator/time"):
        element = first_of(document, path)
        if element is not None and not _TIME.fullmatch(element.get("value", "")):
            findings.error("time-malformed", element, "Date attendue sous la forme AAAAMMJJHHMMSS+ZZZZ.")


def _patient(document: Element, findings: Findings) -> None:
    for role in all_of(document, "recordTarget/patientRole"):
        findings.need(
            role,
            (
                ("id", "Identifiant du patient"),
                ("patient/name/family", "Nom du patient"),
                ("patient/name/given", "Prénom du patient"),
                ("patient/birthTime", "Date de naissance"),
                ("patient/administrativeGenderCode", "Sexe"),
            ),
            "patient-part-missing",
        )
        for family in all_of(role, "patient/name/family"):
            if family.get("qualifier") not in ("BR", "CL"):
                findings.error("patient-name", family, "Chaque nom porte qualifier BR (naissance) ou CL (utilisé).")
        born = first_of(role, "patient/birthTime")
        if born is not None and not _TIME.fullmatch(born.get("value", "")):
            findings.error("patient-birth-time", born, "Date de naissance absente ou mal formée (AAAAMMJJ attendu).")
        gender = first_of(role, "patient/administrativeGenderCode")
        if gender is not None and gender.get("code") not in ("M", "F", "UN"):
            findings.error("patient-gender", gender, "Sexe attendu : M, F ou UN.")
        _ins(role, findings)


def _ins(role: Element, findings: Findings) -> None:
    """The key, and the traits that an INS root makes obligatory."""
    for element in all_of(role, "id"):
        if not element.get("root") or not element.get("extension"):
            findings.error("patient-id", element, "Un identifiant de patient porte root et extension.")
        if element.get("root") not in INS_OIDS:
            continue
        if not nir_ok(element.get("extension", "")):
            findings.error(
                "ins-key", element, "La clé du matricule INS est fausse ou sa forme est inattendue (15 caractères)."
            )
        missing = [name for name, path, qualifier in _TRAITS if not _qualified(role, path, qualifier)]
        if first_of(role, "patient/birthplace/place/addr/county") is None:
            missing.append("code INSEE du lieu de naissance (county)")
        if missing:
            findings.error(
                "ins-traits", role, "INS présente sans ses traits obligatoires : " + ", ".join(missing) + "."
            )


def _qualified(role: Element, path: str, qualifier: str | None) -> bool:
    return any(element.get("qualifier") == qualifier for element in all_of(role, path))
