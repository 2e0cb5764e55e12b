"""Our own look at a CDA, always available: no kit, no schema, no network.

It finds what breaks a document at its reader's: not XML, header parts missing, an INS with a wrong key, references that
lead nowhere, a PDF that does not decode, units no rule knows. The official kit (room ``conformance``) says the rest.
Rules: CR-BIO 2024.01 and CI-SIS structuration minimale; the check of references is ours, the official rules have none.
"""

from __future__ import annotations

import base64
import binascii
import re

from lxml import etree

from dispatcher.formats.cda.check_body import check_level_1, check_level_3
from dispatcher.formats.cda.check_header import check_header, is_cr_bio
from dispatcher.formats.cda.findings import Element, Findings, first_of, tag
from dispatcher.formats.cda.last_parsed import recall
from dispatcher.report.model import Problem

_NAMED = etree.XPath("descendant-or-self::*[@ID]")
_NCNAME = re.compile(r"[^\W\d][\w.\-]*")


def check(data: bytes) -> list[Problem]:
    """Problems of one CDA document, in the order of the document's parts; empty when nothing is wrong. Never raises."""
    findings = Findings()
    document = _document(data, findings)
    if document is None:
        return findings.problems
    check_header(document, findings)
    if not is_cr_bio(document):
        findings.info(
            "not-cr-bio", document, "Document d'un autre type qu'un compte rendu de biologie : règles communes seules."
        )
    elif first_of(document, "component/nonXMLBody") is not None:
        check_level_1(document, findings)
    else:
        check_level_3(document, findings)
    _links(document, findings)
    _pdfs(document, findings)
    return findings.problems


def _document(data: bytes, findings: Findings) -> Element | None:
    """The ``ClinicalDocument``, also inside a self-presenting wrapper; entities and network stay closed."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    known = recall(data)
    try:
        root = known if known is not None else etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        if "amplification" in str(error).lower():  # entities within entities: what they declare is refused anyway
            _refuse_doctype(findings)
            return None
        line = getattr(error, "lineno", 0) or 0
        findings.error("xml-malformed", f"ligne {line}", f"Le fichier n'est pas du XML bien formé (ligne {line}).")
        return None
    if root.getroottree().docinfo.internalDTD is not None:
        _refuse_doctype(findings)
        return None
    document = root if root.tag == tag("ClinicalDocument") else next(root.iter(tag("ClinicalDocument")), None)
    if document is None:
        findings.error(
            "not-a-cda",
            str(root.tag).rpartition("}")[2],
            "Élément racine inattendu : « ClinicalDocument » (urn:hl7-org:v3) est attendu.",
        )
    return document


def _refuse_doctype(findings: Findings) -> None:
    findings.error("xml-doctype", "DOCTYPE", "Déclaration DOCTYPE présente : un CDA n'en porte pas, elle est refusée.")


def _links(document: Element, findings: Findings) -> None:
    """IDs are unique and well formed; every reference into the text leads somewhere."""
    ids: set[str] = set()
    for element in _NAMED(document):
        name = element.get("ID", "")
        if name in ids:
            findings.error(
                "id-twice", element, f"L'identifiant « {name[:40]} » sert plusieurs fois ; il doit être unique."
            )
        ids.add(name)
        if not _NCNAME.fullmatch(name):
            findings.error("id-malformed", element, f"L'identifiant « {name[:40]} » n'est pas un identifiant XML.")
    for reference in document.iter(tag("reference")):
        value = reference.get("value", "")
        if value.startswith("#") and value[1:] not in ids:
            findings.error(
                "reference-nowhere", reference, f"La référence « {value[:40]} » ne mène à aucun élément du texte."
            )
    for media in document.iter(tag("renderMultiMedia")):
        for name in media.get("referencedObject", "").split():
            if name not in ids:
                findings.error("reference-nowhere", media, f"L'image ou le document « {name[:40]} » n'existe pas.")


def _pdfs(document: Element, findings: Findings) -> None:
    """Every embedded PDF decodes to a PDF."""
    for element in document.iter(tag("value"), tag("text")):
        if element.get("representation") != "B64" or element.get("mediaType") != "application/pdf":
            continue
        try:
            content = base64.b64decode("".join((element.text or "").split()), validate=True)
        except (binascii.Error, ValueError):
            content = b""
        if b"%PDF-" not in content[:1024]:
            findings.error("pdf-unreadable", element, "Le PDF embarqué ne se décode pas (base64 d'un PDF attendu).")
