"""The official rules as the product runs them: on a kit made here, and beside an outside judge on the real one."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from dispatcher.conformance.official import OfficialRules
from dispatcher.conformance.schematron import stylesheet
from dispatcher.errors import ConfigError
from dispatcher.formats.cda.writer import CdaWriter
from dispatcher.report.model import Severity
from tests.needs import JUDGE, KIT, needs_judge
from tests.unit.formats.cda.cases import CASES

DAMAGED = 32
"""Documents damaged at random (fixed seed) for the comparison."""


# ------------------------------------------------------------------------------------------------ a kit made here

XSD = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:hl7-org:v3">
<xs:element name="ClinicalDocument"><xs:complexType><xs:sequence>
<xs:any maxOccurs="unbounded" processContents="skip"/>
</xs:sequence></xs:complexType></xs:element></xs:schema>"""
HEAD = (
    '<schema xmlns="http://purl.oclc.org/dsdl/schematron" queryBinding="xslt2"><ns prefix="cda" uri="urn:hl7-org:v3"/>'
)
EMPTY = HEAD + "</schema>"
RULES = (
    HEAD
    + """
<include href="Part.SCH"/>
<pattern abstract="true" id="needs"><rule context="$where">
<assert test="$what">Il manque un élément</assert></rule></pattern>
<pattern is-a="needs" id="title"><param name="where" value="cda:ClinicalDocument"/>
<param name="what" value="cda:title"/></pattern>
<pattern id="order">
  <let name="wanted" value="'S'"/>
  <rule abstract="true" id="base"><assert test="@root">Un root est attendu</assert></rule>
  <rule context="cda:id[@special]"><report test="true()" role="warning">Cas particulier</report></rule>
  <rule context="cda:id"><extends rule="base"/>
    <assert test="not(@name)">Nom <value-of select="@name"/> refusé, code <value-of select="@root"/></assert></rule>
  <rule context="cda:signatureCode"><let name="c" value="@code"/><assert test="$c = $wanted">Signature</assert></rule>
</pattern>
</schema>"""
)
PART = """<pattern xmlns="http://purl.oclc.org/dsdl/schematron" id="part"><rule context="cda:title">
<assert test=". != ''">Titre vide dans <name/></assert></rule></pattern>"""


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    root = tmp_path / "download" / "testContenuCDA"
    for name, content in {
        "infrastructure/cda/CDA_extended.xsd": XSD,
        "schematrons/profils/structurationMinimale/ASIP-STRUCT-MIN-StrucMin.sch": RULES,
        "schematrons/profils/structurationMinimale/part.sch": PART,
        "schematrons/profils/IHE.sch": EMPTY,
        "schematrons/profils/CI-SIS_ModelesDeContenusCDA.sch": EMPTY,
        "schematrons/profils/CI-SIS_Modeles_ANS.sch": EMPTY,
        "schematrons/profils/terminologies/schematron/terminologie.sch": EMPTY,
        "schematrons/CI-SIS_BIO-CR-BIO_2024.01.sch": EMPTY,
        "jeuxDeValeurs/x.xml": "<x/>",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return root


def cda(inner: str) -> bytes:
    return f'<ClinicalDocument xmlns="urn:hl7-org:v3">{inner}</ClinicalDocument>'.encode()


def told(rules: OfficialRules, inner: str) -> list[tuple[str, str, str]]:
    return [(p.code, p.severity.value, p.message) for p in rules.check(cda(inner))]


def test_includes_abstract_patterns_variables_and_first_rule_wins(kit: Path) -> None:
    rules = OfficialRules.load(kit.parent)  # found one level down, include spelled in another case
    assert told(rules, "<title>t</title><id root='1'/><signatureCode code='S'/>") == []
    assert told(rules, "<id root='1'/>") == [("official-strucmin", "error", "Il manque un élément")]
    assert told(rules, "<title/>") == [("official-strucmin", "error", "Titre vide dans title")]
    assert told(rules, "<title>t</title><id special='1'/>") == [("official-strucmin", "warning", "Cas particulier")]
    assert told(rules, "<title>t</title><signatureCode code='X'/>") == [("official-strucmin", "error", "Signature")]
    (found,) = rules.check(cda("<title>t</title><id/>"))
    assert (found.where, found.message) == ("/ClinicalDocument[1]/id[1]", "Un root est attendu")


def test_messages_show_codes_but_nothing_else_of_the_document(kit: Path) -> None:
    rules = OfficialRules.load(kit)
    (found,) = told(rules, "<title>t</title><id root='1.2' name='ESSAI'/>")
    assert found[2] == "Nom … refusé, code 1.2"


def test_schema_and_bad_xml_are_told_in_french(kit: Path) -> None:
    rules = OfficialRules.load(kit)
    codes = {p.code: p.message for p in rules.check(b'<Other xmlns="urn:x"/>')}
    assert "official-xsd" in codes and "Schéma CDA" in codes["official-xsd"]
    assert [p.code for p in rules.check(b"<a>")] == ["official-xml"]
    assert [p.code for p in rules.check(b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>")] == ["official-xml"]


def test_unknown_volume_version_is_told(kit: Path) -> None:
    rules = OfficialRules.load(kit)
    assert rules.versions == ("2024.01",)
    template = "<templateId root='1.2.250.1.213.1.1.1.55' extension='2031.01'/><title>t</title>"
    (found,) = rules.check(cda(template))
    assert found.code == "official-volet" and "2024.01" in found.message


@pytest.mark.parametrize(
    "missing",
    ["infrastructure/cda/CDA_extended.xsd", "schematrons/profils/IHE.sch", "schematrons/CI-SIS_BIO-CR-BIO_2024.01.sch"],
)
def test_an_incomplete_kit_is_refused(kit: Path, missing: str) -> None:
    (kit / missing).unlink()
    with pytest.raises(ConfigError) as caught:
        OfficialRules.load(kit)
    assert caught.value.hint


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Aucun kit"):
        OfficialRules.load(tmp_path / "nothing")


def test_a_broken_rule_is_no_verdict(kit: Path) -> None:
    profile = kit / "schematrons/profils/IHE.sch"
    profile.write_text(
        HEAD + '<pattern><rule context="cda:title"><assert test="((">x</assert></rule></pattern></schema>'
    )
    with pytest.raises(ConfigError, match=r"IHE\.sch"):
        OfficialRules.load(kit).check(cda("<title>t</title>"))
    (kit / "schematrons/profils/structurationMinimale/part.sch").unlink()
    with pytest.raises(ConfigError, match=r"Part\.SCH"):
        stylesheet(kit / "schematrons/profils/structurationMinimale/ASIP-STRUCT-MIN-StrucMin.sch")


def test_without_saxon_the_message_says_what_to_install(kit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "saxonche", None)
    with pytest.raises(ConfigError) as caught:
        OfficialRules.load(kit)
    assert "Saxon" in caught.value.message and "conformance" in caught.value.hint


# ------------------------------------------------------------------------------------------------ the real kit


def documents() -> Iterator[bytes]:
    """The official examples, some of ours, and damaged copies of them."""
    names = ("many-kinds-with-terminology", "microbiology", "level-1", "corrected")
    good = [path.read_bytes() for path in sorted((KIT / "examples").glob("*.xml"))]
    for name in names:
        case = CASES[name]()
        good.append(CdaWriter(1 if case.level == 1 else 3).write(case.report, case.context).content)
    yield from good
    chance = random.Random(20261121)
    for _ in range(DAMAGED):
        yield broken(chance, chance.choice(good))


def broken(chance: random.Random, data: bytes) -> bytes:
    """Some changes of the kind a faulty writer makes."""
    root = etree.fromstring(data, etree.XMLParser(huge_tree=True, remove_comments=True))
    for _ in range(chance.randint(2, 5)):
        element = chance.choice([e for e in root.iter(etree.Element) if e.getparent() is not None])
        parent = element.getparent()
        assert parent is not None
        match chance.randrange(5):
            case 0:
                parent.remove(element)
            case 1:
                element.addnext(etree.fromstring(etree.tostring(element)))
            case 2 if element.attrib:
                del element.attrib[chance.choice(list(element.attrib))]
            case 3 if element.attrib:
                element.set(chance.choice(list(element.attrib)), chance.choice(["", "X", "1.2.3", "20260101"]))
            case _:
                parent.append(element)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def judged(files: list[Path]) -> dict[str, Counter[tuple[str, str, str]]]:
    """What the outside judge says: file to (severity, layer, place), schema faults without place."""
    done = subprocess.run(
        [sys.executable, str(JUDGE), "--official", "--warnings", *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert done.returncode in (0, 1), done.stderr
    verdicts: dict[str, Counter[tuple[str, str, str]]] = {}
    for line in done.stdout.splitlines():
        if head := re.match(r"(?:PASS|FAIL) (\S+) errors", line):
            found = verdicts.setdefault(Path(head[1]).name, Counter())
        elif fault := re.match(r"  (warning )?\[(\w+)\] .* @ (\S[^@]*)$", line):
            place = "" if fault[2] == "xsd" else fault[3]
            found["warning" if fault[1] else "error", fault[2], place] += 1
    return verdicts


def test_agrees_with_the_outside_judge_on_examples_and_damaged_documents(tmp_path: Path) -> None:
    needs_judge()
    files = []
    for number, data in enumerate(documents()):
        files.append(tmp_path / f"d{number:02d}.xml")
        files[-1].write_bytes(data)
    verdicts = judged(files)
    rules = OfficialRules.load(KIT)
    ours: dict[str, Counter[tuple[str, str, str]]] = {}
    for file in files:
        found = ours.setdefault(file.name, Counter())
        for problem in rules.check(file.read_bytes()):
            layer = problem.code.removeprefix("official-")
            severity = "error" if problem.severity is Severity.ERROR else "warning"
            found[severity, layer, "" if layer == "xsd" else problem.where] += 1
    assert ours == verdicts
    assert sum(bool(v) for v in verdicts.values()) > DAMAGED // 2, "the damage was too mild to compare anything"
