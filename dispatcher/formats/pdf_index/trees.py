"""An XML or JSON index: one tree for both, records found by where the file names stand. Bytes in, records out.

A record is the largest part of the tree that names one PDF. What stands above it and names none (a patient with two
PDFs, a laboratory for the whole lot) belongs to every record below; a neighbour of the same kind that names no PDF is a
record without its PDF, never a part of another one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from lxml import etree

from dispatcher.formats.pdf_index.records import Cell, Index, Record, error, record
from dispatcher.formats.pdf_index.rules import IDENTITY, IndexRules
from dispatcher.formats.pdf_index.words import COPY, key, nested
from dispatcher.report.model import Problem, Severity

DEEPEST = 20
"""Levels; deeper is no index."""
MOST = 100_000
"""Nodes."""


@dataclass(slots=True)
class Node:
    """A tag, an attribute, an object or a list element."""

    name: str
    where: str
    text: str = ""
    parents: tuple[str, ...] = ()
    children: list[Node] = field(default_factory=list)
    field: str = ""
    group: str = ""
    files: int = 0
    """PDFs named in it."""


class _Unfit(Exception):
    """No index; the argument says why, in French."""


class _Contradiction(Exception):
    """One key of a JSON object with two values; the argument is the key."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """RFC 8259 leaves a key given twice to the reader; here two values for one key are nobody's."""
    told: dict[str, object] = {}
    for name, value in pairs:
        if name in told and told[name] != value:
            raise _Contradiction(name)
        told[name] = value
    return told


def read_xml(data: bytes, rules: IndexRules) -> Index:
    """Never raises."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
        tree = _from_xml(root, (), 0)
        encoding = (root.getroottree().docinfo.encoding or "utf-8").lower()
    except etree.XMLSyntaxError as fault:
        line = fault.position[0] if fault.position else 0
        return _refused("index-xml", f"ligne {line}", "XML mal formé ou incomplet : le réexporter.")
    except _Unfit as fault:
        return _refused("index-xml", "", str(fault))
    return replace(_index(tree, rules), encoding=encoding)


def read_json(text: str, rules: IndexRules) -> Index:
    """Never raises."""
    try:
        tree = _from_json(json.loads(text, object_pairs_hook=_object), "", (), "", 0)
    except json.JSONDecodeError as fault:
        where = f"ligne {fault.lineno}, colonne {fault.colno}"
        return _refused("index-json", where, "JSON mal formé ou incomplet : le réexporter.")
    except _Contradiction as fault:
        message = "La même clé est donnée deux fois, avec deux valeurs. Rien de l'index n'est lu : corriger l'export."
        return _refused("index-contradiction", f"clé « {str(fault)[:40]} »", message)
    except (_Unfit, RecursionError) as fault:
        return _refused("index-json", "", str(fault) if isinstance(fault, _Unfit) else "JSON trop profond.")
    return _index(tree, rules)


def _refused(code: str, where: str, message: str) -> Index:
    return Index(problems=(error(code, where, message),))


def _from_xml(element: etree._Element, parents: tuple[str, ...], depth: int) -> Node:
    if depth > DEEPEST:
        raise _Unfit(f"XML de plus de {DEEPEST} niveaux : ce n'est pas un index de PDF.")
    name = etree.QName(element).localname
    where = f"ligne {element.sourceline}, balise « {name[:40]} »"
    node = Node(name, where, (element.text or "").strip(), parents)
    inside = (*parents, name) if depth else ()  # the root may be called anything
    for attribute, value in element.attrib.items():
        local = etree.QName(attribute).localname
        node.children.append(Node(local, f"{where}, attribut « {local[:40]} »", str(value), inside))
    for child in element:
        if isinstance(child.tag, str):
            node.children.append(_from_xml(child, inside, depth + 1))
    return node


def _from_json(value: object, name: str, parents: tuple[str, ...], path: str, depth: int) -> Node:
    if depth > DEEPEST:
        raise _Unfit(f"JSON de plus de {DEEPEST} niveaux : ce n'est pas un index de PDF.")
    inside = (*parents, name) if name else parents
    node = Node(name, path or "objet", parents=parents)
    if isinstance(value, dict):
        for label, item in value.items():
            below = f"{path} › {label[:40]}" if path else f"« {label[:40]} »"
            node.children.append(_from_json(item, label, inside, below, depth + 1))
    elif isinstance(value, list):
        for number, item in enumerate(value, 1):
            below = f"{path}, élément {number}" if path else f"élément {number}"
            label, over = ("", inside) if isinstance(item, dict) else (name, parents)
            node.children.append(_from_json(item, label, over, below, depth + 1))
    elif isinstance(value, bool):
        node.text = "oui" if value else "non"
    elif value is not None:
        node.text = str(value)
    return node


def _index(tree: Node, rules: IndexRules) -> Index:
    """Fields of every leaf, then the records."""
    lost: dict[str, None] = {}
    if _name_fields(tree, rules.own, lost) > MOST:
        return _refused("index-size", "", "Index de plus de 100 000 éléments : le découper.")
    problems: tuple[Problem, ...] = ()
    if lost:
        told = ", ".join(f"« {name} »" for name in list(lost)[:10])
        problems = (
            Problem(
                code="index-unknown-column",
                severity=Severity.INFO,
                message=f"Élément(s) non lu(s) : {told}. S'ils servent, les nommer dans « index.fields » de la source.",
            ),
        )
    if tree.files:
        return Index(records=tuple(_records(tree, ())), problems=problems)
    cells = list(_cells(tree))
    people = [cell.field for cell in cells if cell.field in IDENTITY]
    if len(people) > len(set(people)):
        message = "Plusieurs patients et aucun nom de fichier PDF : nommer le PDF de chacun (« fichier »)."
        return _refused("index-no-file", tree.where, message)
    return Index(records=(record("fichier", cells),), problems=problems)


def _name_fields(node: Node, own: dict[str, str], lost: dict[str, None]) -> int:
    count = 1
    if node.text or not node.children:
        node.field = nested(node.parents, node.name, own) if node.name else ""
        node.group = ""
        if not node.field and node.text:
            lost[node.name[:40]] = None
    for child in node.children:
        count += _name_fields(child, own, lost)
        if child.field.startswith(COPY):
            child.group = node.where
    node.files = (node.field == "file" and bool(node.text)) + sum(child.files for child in node.children)
    return count


def _cells(node: Node) -> Iterator[Cell]:
    if node.field and node.text:
        yield Cell(field=node.field, text=node.text, where=node.where, group=node.group)
    for child in node.children:
        yield from _cells(child)


def _records(node: Node, above: tuple[Cell, ...]) -> Iterator[Record]:
    """``above``: what the parts over this one say of all their PDFs."""
    if node.files == 1 and not _among_others(node):
        yield record(node.where, (*_cells(node), *above))
        return
    kinds = {_kind(child) for child in node.children if child.files and child.children}
    alone = [child for child in node.children if not child.files]
    without = [child for child in alone if child.children and _kind(child) in kinds]
    shared = [cell for child in alone if child not in without for cell in _cells(child)]
    if node.field and node.text:
        shared.append(Cell(field=node.field, text=node.text, where=node.where))
    for child in node.children:
        if child.files:
            yield from _records(child, (*shared, *above))
        elif child in without:
            yield record(child.where, (*_cells(child), *shared, *above))


def _among_others(node: Node) -> bool:
    """The part that names the PDF is one of a list, whose other parts name none."""
    for child in node.children:
        if child.files and child.children:
            alike = [one for one in node.children if one.children and _kind(one) == _kind(child)]
            return len(alike) > 1 or _among_others(child)
    return False


def _kind(node: Node) -> str:
    """Elements of one list are of one kind, whatever they hold."""
    return key(node.name) or "-"
