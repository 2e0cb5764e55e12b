"""Our own check finds each fault, says where, and stays silent about people."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from dispatcher.formats.cda.check import check
from dispatcher.formats.cda.writer import CdaWriter
from dispatcher.report.model import Severity
from tests.unit.formats.cda.cases import CASES, CONTEXT, REPORT, many_kinds
from tests.unit.formats.cda.full_cases import FULL_CASES

NS = {"h": "urn:hl7-org:v3"}
Tree = etree._Element
GOOD = CdaWriter().write(many_kinds(), CONTEXT).content
LEVEL_1 = CdaWriter(1).write(REPORT, CONTEXT).content


def drop(path: str) -> Callable[[Tree], None]:
    def damage(tree: Tree) -> None:
        for element in tree.xpath(path, namespaces=NS):
            element.getparent().remove(element)

    return damage


def put(path: str, name: str, value: str | None) -> Callable[[Tree], None]:
    def damage(tree: Tree) -> None:
        element = tree.xpath(path, namespaces=NS)[0]
        if value is None:
            del element.attrib[name]
        else:
            element.set(name, value)

    return damage


def text(path: str, value: str) -> Callable[[Tree], None]:
    def damage(tree: Tree) -> None:
        tree.xpath(path, namespaces=NS)[0].text = value

    return damage


def twice(path: str) -> Callable[[Tree], None]:
    def damage(tree: Tree) -> None:
        element = tree.xpath(path, namespaces=NS)[0]
        element.addnext(etree.fromstring(etree.tostring(element)))

    return damage


def extra(path: str) -> Callable[[Tree], None]:
    def damage(tree: Tree) -> None:
        tree.xpath(path, namespaces=NS)[0].addnext(etree.Element("{urn:hl7-org:v3}foo"))

    return damage


def to_the_end(path: str) -> Callable[[Tree], None]:
    def damage(tree: Tree) -> None:
        element = tree.xpath(path, namespaces=NS)[0]
        element.getparent().append(element)

    return damage


RESULT = "//h:observation[h:templateId/@root='1.3.6.1.4.1.19376.1.3.1.6']"
INS = "//h:patientRole/h:id[1]"
DAMAGES: list[tuple[str, Callable[[Tree], None], str]] = [
    ("header-part-missing", drop("/*/h:setId"), "ClinicalDocument"),
    ("header-part-missing", drop("/*/h:custodian"), "ClinicalDocument"),
    ("header-part-missing", drop("/*/h:documentationOf"), "ClinicalDocument"),
    ("header-part-twice", twice("/*/h:setId"), "ClinicalDocument"),
    ("header-part-misplaced", to_the_end("/*/h:author"), "ClinicalDocument/author"),
    ("header-part-unknown", extra("/*/h:title"), "ClinicalDocument/foo"),
    ("template-missing", drop("/*/h:templateId[@root='1.2.250.1.213.1.1.1.1']"), "ClinicalDocument"),
    ("document-code", put("/*/h:code", "displayName", "Compte rendu"), "ClinicalDocument/code"),
    ("document-title", text("/*/h:title", "Bilan"), "ClinicalDocument/title"),
    ("header-value", put("/*/h:realmCode", "code", "BE"), "ClinicalDocument/realmCode"),
    ("id-root", put("/*/h:id", "root", "mon document"), "ClinicalDocument/id"),
    ("version-number", put("/*/h:versionNumber", "value", "0"), "ClinicalDocument/versionNumber"),
    ("time-malformed", put("/*/h:effectiveTime", "value", "11/03/2026"), "ClinicalDocument/effectiveTime"),
    ("ins-key", put(INS, "extension", "279035121518900"), "ClinicalDocument/recordTarget/patientRole/id[1]"),
    ("ins-traits", drop("//h:birthplace"), "ClinicalDocument/recordTarget/patientRole"),
    ("ins-traits", drop("//h:patient/h:name/h:given[@qualifier]"), "ClinicalDocument/recordTarget/patientRole"),
    (
        "patient-id",
        put("//h:patientRole/h:id[2]", "extension", None),
        "ClinicalDocument/recordTarget/patientRole/id[2]",
    ),
    ("patient-part-missing", drop("//h:patient/h:birthTime"), "ClinicalDocument/recordTarget/patientRole"),
    ("patient-name", put("//h:patient/h:name/h:family", "qualifier", None), ""),
    ("patient-birth-time", put("//h:birthTime", "value", "inconnue"), ""),
    ("patient-gender", put("//h:administrativeGenderCode", "code", "X"), ""),
    ("no-chapter", drop("//h:section/h:templateId[@root='1.3.6.1.4.1.19376.1.3.3.2.1']"), "ClinicalDocument"),
    ("section-unknown", drop("(//h:section)[1]/h:templateId"), ""),
    ("no-pdf-copy", drop("//h:component[h:section/h:templateId/@root='1.2.250.1.213.1.1.2.243']"), "ClinicalDocument"),
    ("pdf-copy-part", drop("//h:section[h:title='Copie du document']/h:entry"), ""),
    ("chapter-shape", drop("(//h:section)[1]/h:text"), ""),
    ("entry-type", put("(//h:entry)[1]", "typeCode", "COMP"), ""),
    ("entry-act", drop("(//h:entry)[1]/h:act"), ""),
    ("entry-empty", drop("(//h:entry)[1]/h:act/h:entryRelationship[@typeCode='COMP']"), ""),
    ("status-code", put(f"({RESULT})[2]/h:statusCode", "code", "active"), ""),
    ("result-code", drop(f"({RESULT})[2]/h:code/h:originalText"), ""),
    ("result-loinc", put(f"({RESULT})[1]/h:code", "displayName", None), ""),
    ("result-range", twice(f"({RESULT})[1]/h:referenceRange"), ""),
    ("unit-unknown", put(f"({RESULT})[1]/h:value", "unit", "G/L"), ""),
    ("unit-unknown", put("(//h:value/h:high)[1]", "unit", "mUI/L"), ""),
    ("interpretation-unknown", put("(//h:interpretationCode)[1]", "code", "ZZ"), ""),
    ("id-twice", put("(//h:content)[2]", "ID", "s1"), ""),
    ("id-malformed", put("(//h:content)[2]", "ID", "1 a"), ""),
    ("reference-nowhere", put(f"({RESULT})[1]/h:code/h:originalText/h:reference", "value", "#rien"), ""),
    ("reference-nowhere", put("//h:renderMultiMedia", "referencedObject", "rien"), ""),
    ("pdf-unreadable", text("//h:observationMedia/h:value", "JVBER"), ""),
    ("pdf-unreadable", text("//h:observationMedia/h:value", "TVo="), ""),
]


def damaged(damage: Callable[[Tree], None], data: bytes = GOOD) -> bytes:
    tree = etree.fromstring(data)
    damage(tree)
    return etree.tostring(tree, encoding="UTF-8", xml_declaration=True)


@pytest.mark.parametrize(("code", "damage", "where"), DAMAGES, ids=[f"{n}-{d[0]}" for n, d in enumerate(DAMAGES)])
def test_each_fault_is_found_at_its_place(code: str, damage: Callable[[Tree], None], where: str) -> None:
    found = {p.code: p for p in check(damaged(damage))}
    assert code in found, found
    assert found[code].message and found[code].where
    if where:
        assert found[code].where == where


FULL = FULL_CASES["everything-partial"]()
IN_FULL: list[tuple[str, Callable[[Tree], None]]] = [
    ("earlier-result", drop("(//h:entryRelationship[@typeCode='REFR'])[1]/h:observation/h:effectiveTime")),
    ("status-code", put("(//h:entryRelationship[@typeCode='REFR'])[1]/h:observation/h:statusCode", "code", "active")),
    ("performer-part", drop("(//h:observation/h:performer)[1]/h:time")),
    ("performer-part", drop("(//h:observation/h:performer)[1]//h:representedOrganization/h:telecom")),
    ("scanned-part", drop("//h:section[h:templateId/@root='1.2.250.1.213.1.1.2.60']/h:code")),
    ("chapter-shape", twice("(//h:section/h:component/h:section)[1]/h:entry")),
]


@pytest.mark.parametrize(("code", "damage"), IN_FULL, ids=[f"{n}-{d[0]}" for n, d in enumerate(IN_FULL)])
def test_faults_of_a_full_document_are_found(code: str, damage: Callable[[Tree], None]) -> None:
    good = CdaWriter().write(FULL.report, FULL.context).content
    assert check(good) == []
    assert code in {p.code for p in check(damaged(damage, good))}


def test_a_replacement_of_itself_and_another_relation_are_refused() -> None:
    case = CASES["corrected"]()
    good = CdaWriter().write(case.report, case.context).content
    own = case.context.ids.document.encode()
    replaced = (case.context.ids.replaces or "").encode()
    assert {p.code for p in check(good.replace(replaced, own))} == {"replaces-itself"}
    assert "related-document" in {p.code for p in check(good.replace(b'"RPLC"', b'"APND"'))}


def test_level_1_has_its_own_rules() -> None:
    assert check(LEVEL_1) == []
    assert "level-1-body" in {
        p.code for p in check(damaged(put("//h:nonXMLBody/h:text", "mediaType", "text/plain"), LEVEL_1))
    }
    assert "template-extra" in {p.code for p in check(damaged(twice("/*/h:templateId"), LEVEL_1))}


@pytest.mark.parametrize("data", [b"", b"\x00", b"<a>", b"%PDF-1.4", "é".encode("latin-1"), b"\xff\xfe<\x00a\x00"])
def test_what_is_not_xml_is_said_in_one_problem(data: bytes) -> None:
    (problem,) = check(data)
    assert (problem.code, problem.severity) == ("xml-malformed", Severity.ERROR)


def test_another_root_a_doctype_and_entities_are_refused_and_nothing_is_fetched() -> None:
    assert [p.code for p in check(b"<Bundle/>")] == ["not-a-cda"]
    external = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>'
    assert [p.code for p in check(external)] == ["xml-doctype"]
    lol = (
        b"<!DOCTYPE a ["
        + b'<!ENTITY a0 "ha">'
        + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12))
        + b"]><a>&a11;</a>"
    )
    start = time.perf_counter()
    assert check(lol)
    assert time.perf_counter() - start < 5


def test_messages_carry_nobody() -> None:
    """No name, number or result of the document is in any message, whatever is broken."""
    secrets = ("ESSAI", "Marie", "279035121518", "P123", "DURAND", "MARTIN", "5.50", "Limpide")
    for _, damage, _ in DAMAGES:
        for problem in check(damaged(damage)):
            assert not [s for s in secrets if s in problem.message + problem.where], problem


def test_the_document_inside_a_self_presenting_wrapper_is_found() -> None:
    inner = etree.tostring(etree.fromstring(GOOD)).decode()
    wrapped = f"<x:page xmlns:x='urn:x'>{inner}</x:page>".encode()
    assert check(wrapped) == []


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.integers(0, len(GOOD)))
def test_a_damaged_file_never_raises(noise: bytes, place: int) -> None:
    check(GOOD[:place] + noise + GOOD[place + len(noise) :])
    check(noise)
