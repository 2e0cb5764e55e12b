"""From bytes to CDA documents, without ever trusting them: no entity, no DTD, no network, bounded sizes.

What is met and put right: a byte order mark, blanks before the declaration, a charset that the bytes contradict, any
namespace prefix or none, a document inside another element (self-presenting documents are stylesheets that hold a CDA).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from dispatcher.formats.cda.elements import V3
from dispatcher.formats.cda_reading.nodes import PREFIX, Element, local
from dispatcher.formats.text import charset_name, decode
from dispatcher.report.model import Problem, Severity

ROOT = "ClinicalDocument"
MAX_BYTES = 60_000_000
MAX_DOCUMENTS = 50
"""Documents inside one wrapper."""
_MARKS = b"\xef\xbb\xbf"
_BLANKS = b" \t\r\n\x00\x1a"
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")
_DECLARATION = re.compile(rb"""^<\?xml\b[^>]*?encoding\s*=\s*["']([A-Za-z0-9._:-]+)["'][^>]*\?>""")
_ANY_DECLARATION = re.compile(r"^\s*<\?xml\b[^>]*\?>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """The documents of one file; ``problems`` holds an error when there is none."""

    roots: tuple[Element, ...] = ()
    encoding: str = ""
    problems: tuple[Problem, ...] = ()


def parse(data: bytes, encoding: str | None = None) -> Parsed:
    """Every CDA in ``data``; ``encoding`` is the operator's choice for this source. Never raises."""
    if len(data) > MAX_BYTES:
        return _error("xml-too-large", f"Fichier de plus de {MAX_BYTES // 1_000_000} Mo : non lu.")
    wide = data.startswith(_WIDE)
    bare = data if wide else data.removeprefix(_MARKS).strip(_BLANKS)
    problems: list[Problem] = []
    try:
        tree, used = _tree(bare, encoding, problems)
    except etree.XMLSyntaxError as error:
        return _refused(error)
    except (ValueError, LookupError):
        return _error("xml-malformed", "XML illisible : jeu de caractères inconnu. Exporter le document en UTF-8.")
    if _has_entities(tree):
        return _with_entities()
    found = tuple(_documents(tree.getroot()))
    if not found:
        return _error("cda-missing", "XML sans élément ClinicalDocument : ce n'est pas un document CDA.")
    roots = found[:MAX_DOCUMENTS]
    if len(found) > len(roots):
        problems.append(_left_out(len(found)))
    for root in roots:
        _normalise(root)
    return Parsed(roots=roots, encoding=used, problems=tuple(problems))


def unfinished(data: bytes) -> str:
    """Why XML is not whole, in French; empty when it is, or when something else is wrong with it."""
    found = parse(data)
    return "XML mal formé ou incomplet" if any(each.code == "xml-malformed" for each in found.problems) else ""


def _tree(data: bytes, override: str | None, problems: list[Problem]) -> tuple[etree._ElementTree, str]:
    """The declared charset first; when the bytes contradict it, what they look like."""
    if not override:
        try:
            tree = etree.ElementTree(etree.fromstring(data, _parser()))
            return tree, charset_name(tree.docinfo.encoding or "") or "utf-8"
        except etree.XMLSyntaxError as error:
            if "encoding" not in str(error).lower() and "utf-8" not in str(error).lower():
                raise
    declared = _DECLARATION.match(data)
    name = declared[1].decode("ascii") if declared else None
    decoded = decode(data, override=override, declared=None if name == "UTF-8" else name)
    text = _ANY_DECLARATION.sub("", decoded.text.lstrip("\x00 \t\r\n"), count=1)
    tree = etree.ElementTree(etree.fromstring(text.encode("utf-8", "replace"), _parser()))
    problems += decoded.problems
    if not override and not decoded.problems:
        problems.append(
            Problem(
                code="charset-mismatch",
                severity=Severity.WARNING,
                message=(
                    f"Jeu de caractères déclaré contredit par le contenu : lu comme {decoded.encoding}. "
                    "Faire corriger la déclaration XML dans le logiciel qui produit le document."
                ),
            )
        )
    return tree, decoded.encoding


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def _has_entities(tree: etree._ElementTree) -> bool:
    dtd = tree.docinfo.internalDTD
    return dtd is not None and any(True for _ in dtd.iterentities())


def _refused(error: etree.XMLSyntaxError) -> Parsed:
    """The parser's own words may quote the document, so they stay out."""
    said = str(error).lower()
    if "amplification" in said or "entity reference loop" in said:
        return _with_entities()
    if "huge" in said or "excessive" in said:
        return _error("xml-too-large", "Document trop volumineux ou trop profond (10 Mo par texte au plus) : non lu.")
    line = f" ligne {error.lineno}" if error.lineno else ""
    return _error("xml-malformed", f"XML mal formé ou incomplet{line} : vérifier que le fichier est entier.")


def _with_entities() -> Parsed:
    return _error(
        "xml-dtd", "Le document déclare des entités (DTD), ce qu'un CDA n'a pas à faire : non lu, par sûreté."
    )


def _error(code: str, message: str) -> Parsed:
    return Parsed(problems=(Problem(code=code, severity=Severity.ERROR, message=message),))


def _left_out(found: int) -> Problem:
    return Problem(
        code="cda-too-many",
        severity=Severity.ERROR,
        message=(
            f"Fichier de {found} documents CDA, {MAX_DOCUMENTS} au plus : les {found - MAX_DOCUMENTS} derniers ne sont "
            "pas lus. Faire exporter ces documents en plusieurs fichiers."
        ),
    )


def _documents(root: Element) -> Iterator[Element]:
    """The CDA documents in the tree, outermost ones only."""
    walker = etree.iterwalk(root, events=("start",))
    for _, element in walker:
        if isinstance(element.tag, str) and local(element) == ROOT:
            yield element
            walker.skip_subtree()


def _normalise(root: Element) -> None:
    """Elements without a namespace, or in the namespace of a root that is not ``urn:hl7-org:v3``, get that one."""
    if root.tag == PREFIX + ROOT:
        return
    own = etree.QName(root).namespace
    for element in root.iter(etree.Element):
        name = etree.QName(element)
        if name.namespace == own:
            element.tag = "{" + V3 + "}" + name.localname
