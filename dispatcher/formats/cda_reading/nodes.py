"""Walking a CDA: children by name, attributes, the ``xsi:type`` of a value. Names are those of ``urn:hl7-org:v3``.

:mod:`parsing` puts every element of a document into that namespace first, whatever prefix or lack of one it came with.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from dispatcher.formats.cda.elements import LAB, TYPE, V3

Element = etree._Element

PREFIX = "{" + V3 + "}"
_LAB = "{" + LAB + "}"


def local(element: Element) -> str:
    """Name without namespace; empty for what is no element."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def child(element: Element | None, *names: str) -> Element | None:
    """The first element down that path, or None as soon as one is missing."""
    for name in names:
        if element is None:
            return None
        element = element.find(PREFIX + name)
    return element


def children(element: Element | None, *names: str) -> list[Element]:
    """Every element down that path; all branches are followed."""
    return [] if element is None else element.findall("/".join(PREFIX + name for name in names))


def lab_child(element: Element | None, name: str) -> Element | None:
    """An element of the laboratory extension (``lab:statusCode``), else of CDA itself."""
    found = None if element is None else element.find(_LAB + name)
    return found if found is not None else child(element, name)


def attribute(element: Element | None, name: str) -> str:
    """The attribute without blanks around it; empty when it or the element is not there."""
    return "" if element is None else (element.get(name) or "").strip()


def code_of(element: Element | None, *names: str) -> str:
    """``@code`` of the element down that path."""
    return attribute(child(element, *names), "code")


def value_type(element: Element) -> str:
    """``xsi:type`` without its prefix: ``PQ``, ``CD``…; empty when there is none."""
    return (element.get(TYPE) or "").strip().rpartition(":")[2]


def null(element: Element | None) -> bool:
    """Absent, or said to be without value."""
    return element is None or bool(element.get("nullFlavor"))


def templates(element: Element) -> frozenset[str]:
    """Roots of the ``templateId`` right under the element."""
    return frozenset(attribute(each, "root") for each in element.findall(PREFIX + "templateId"))


def inside(element: Element) -> Iterator[Element]:
    """Child elements, without comments and the like."""
    return (each for each in element if isinstance(each.tag, str))


def one_line(text: str) -> str:
    """Single blanks, no line ends."""
    return " ".join(text.split())


def plain(element: Element | None) -> str:
    """All text of the element on one line."""
    return "" if element is None else one_line("".join(map(str, element.itertext())))
