"""Writing a CDA of 25 results: our writer beside the mere building of the same tree by other means, in the same run.

The alternatives get the finished document as plain tuples and only build and serialise it: they decide nothing, look
nothing up and check nothing. ``OPS`` is documents a second; the PDF inside is a few bytes.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import lxml.etree
import pytest
from lxml.builder import ElementMaker

from dispatcher.formats.cda.elements import LAB, V3, XSI
from dispatcher.formats.cda.writer import CdaWriter
from tests.unit.formats.cda.cases import CONTEXT, number, terminology, with_results

Plain = tuple[str, dict[str, str], str | None, str | None, list[Any]]
RESULT = {"loinc": "14749-6", "unit": "mmol/L", "ucum": "mmol/L", "low": "1.0", "high": "50.0", "flags": ("N",)}
REPORT = with_results(*(number(f"Analyse {n}", f"{n}.5", range_text="1,0 à 50,0", **RESULT) for n in range(25)))
FULL = replace(CONTEXT, terminology=terminology())
GROUP = "write one CDA of 25 results"


def _plain(element: Any) -> Plain:
    return element.tag, dict(element.attrib), element.text, element.tail, [_plain(child) for child in element]


def _document() -> Plain:
    content = CdaWriter().write(REPORT, FULL).content
    return _plain(lxml.etree.fromstring(content))


def _with_etree(parent: Any, plain: Plain) -> Any:
    tag, attributes, text, tail, children = plain
    element = ET.Element(tag, attributes) if parent is None else ET.SubElement(parent, tag, attributes)
    element.text, element.tail = text, tail
    for child in children:
        _with_etree(element, child)
    return element


def _with_builder(make: ElementMaker, plain: Plain) -> Any:
    tag, attributes, text, tail, children = plain
    element = make(tag, *([text] if text else []), *(_with_builder(make, child) for child in children))
    element.attrib.update(attributes)
    element.tail = tail
    return element


@pytest.mark.benchmark(group=GROUP)
def test_our_writer(benchmark: Any) -> None:
    rendition = benchmark(CdaWriter().write, REPORT, FULL)
    assert rendition.content.count(b"<referenceRange ") == 25


@pytest.mark.benchmark(group=GROUP)
def test_same_tree_with_xml_etree(benchmark: Any) -> None:
    plain = _document()
    content = benchmark(lambda: ET.tostring(_with_etree(None, plain), encoding="utf-8", xml_declaration=True))
    assert content.count(b"referenceRange ") == 25


@pytest.mark.benchmark(group=GROUP)
def test_same_tree_with_lxml_builder(benchmark: Any) -> None:
    plain = _document()
    make = ElementMaker(nsmap={None: V3, "lab": LAB, "xsi": XSI})
    content = benchmark(lambda: lxml.etree.tostring(_with_builder(make, plain), encoding="UTF-8"))
    assert content.count(b"<referenceRange ") == 25
