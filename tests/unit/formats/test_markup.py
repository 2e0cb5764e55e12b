"""XML written as text is, byte for byte, what lxml writes of the same tree; what XML cannot hold is refused."""

from __future__ import annotations

import pytest
from lxml import etree

from dispatcher.formats.markup import Element, document, leaf, say, sub

AWKWARD = "a & b < c > d \"e\" 'f'\tg\nh\r\ni ]]> é € 𝄞 &amp; \x7f\x85\u2028"


def test_awkward_text_and_attributes_are_those_of_lxml() -> None:
    ours = Element("root", {"xmlns": "urn:x", "of": AWKWARD})
    other = etree.Element("{urn:x}root", {"of": AWKWARD}, nsmap={None: "urn:x"})
    say(ours, AWKWARD)
    other.text = AWKWARD
    leaf(ours, "empty")
    etree.SubElement(other, "{urn:x}empty").tail = AWKWARD
    say(ours, AWKWARD)
    leaf(ours, "blank", text="")
    etree.SubElement(other, "{urn:x}blank").text = ""
    inner = sub(ours, "inner", {"a": "1"})
    inner.set("b", AWKWARD)
    leaf(inner, "said", {"c": ""}, AWKWARD)
    held = etree.SubElement(other, "{urn:x}inner", {"a": "1", "b": AWKWARD})
    etree.SubElement(held, "{urn:x}said", {"c": ""}).text = AWKWARD
    assert document(ours) == etree.tostring(other, encoding="UTF-8", xml_declaration=True)
    assert etree.fromstring(document(ours)).get("of") == AWKWARD


FORBIDDEN = [chr(code) for code in (*range(9), 11, 12, *range(14, 32), 0xD800, 0xDFFF, 0xFFFE, 0xFFFF)]


@pytest.mark.parametrize("character", FORBIDDEN, ids=ascii)
def test_what_xml_cannot_hold_is_refused_wherever_it_stands(character: str) -> None:
    in_text, in_attribute = Element("a"), Element("a", {"b": f"x{character}"})
    say(in_text, f"x{character}")
    for one in (in_text, in_attribute):
        with pytest.raises(ValueError):
            document(one)
    with pytest.raises(ValueError):  # what we refuse, lxml refuses too
        etree.Element("a").text = f"x{character}"


def test_one_element_a_line_is_how_lxml_prints_prettily() -> None:
    ours, other = Element("a"), etree.Element("a")
    leaf(ours, "b", {"c": "d"}, "e & f")
    etree.SubElement(other, "b", {"c": "d"}).text = "e & f"
    leaf(sub(ours, "g"), "h")
    etree.SubElement(etree.SubElement(other, "g"), "h")
    sub(ours, "i")
    etree.SubElement(other, "i")
    assert document(ours, indented=True) == etree.tostring(
        other, encoding="UTF-8", xml_declaration=True, pretty_print=True
    )
