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
from tests.kits import HEAD, small_kit
from tests.needs import JUDGE, KIT, needs_judge
from tests.unit.formats.cda.cases import CASES

DAMAGED = 32
"""Documents damaged at random (fixed seed) for the comparison."""


# ------------------------------------------------------------------------------------------------ a kit made here


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    return small_kit(tmp_path / "download" / "testContenuCDA")


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


ABSTRACT = (
    HEAD
    + """
<pattern id="p">
  <rule abstract="true" id="plain"><let name="v" value="@a"/><assert test="$v = '1'">a</assert></rule>
  <rule abstract="true" id="deep"><extends rule="plain"/><assert test="@b">b</assert></rule>
  <rule abstract="true" id="needs-caller"><assert test="@c = $from-caller">c</assert></rule>
  <rule abstract="true" id="gives"><let name="given" value="@d"/></rule>
  <rule abstract="true" id="own-loop"><assert test="every $x in @e satisfies $x = '5'">e</assert></rule>
  <rule context="cda:title"><let name="from-caller" value="'3'"/>
    <extends rule="deep"/><extends rule="needs-caller"/><extends rule="gives"/><extends rule="own-loop"/>
    <assert test="$given = '4'">d</assert></rule>
</pattern></schema>"""
)


def test_abstract_rules_become_templates_only_where_no_variable_crosses(kit: Path) -> None:
    profile = kit / "schematrons/profils/IHE.sch"
    profile.write_text(ABSTRACT)
    written = stylesheet(profile)
    assert (
        written.count("call-template") == 3
    )  # deep, the plain it extends, own-loop; the other two are copied in place
    rules = OfficialRules.load(kit)
    assert told(rules, "<title a='1' b='2' c='3' d='4' e='5'>t</title>") == []
    wrong = [message for _code, _severity, message in told(rules, "<title a='2' c='4' d='5' e='6'>t</title>")]
    assert wrong == ["a", "b", "c", "e", "d"]
    profile.write_text(ABSTRACT.replace('<extends rule="plain"/>', '<extends rule="deep"/>'))
    with pytest.raises(ConfigError, match="elle-même"):
        stylesheet(profile)


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
