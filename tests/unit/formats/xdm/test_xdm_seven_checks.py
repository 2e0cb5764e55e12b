"""The seven checks of an XDM archive, attribute by attribute: each row fails when its check is taken away."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from dispatcher.formats.checks import XDM_CHECKS
from dispatcher.formats.checks import check as check_any
from dispatcher.formats.xdm import codes
from dispatcher.formats.xdm.check import check
from dispatcher.formats.xdm.reader import read_archive
from dispatcher.report.model import Severity
from tests.needs import missing
from tests.unit.formats.xdm.test_xdm_archives import CONTEXT, cda, edit_cda, in_metadata, metadata_of, pack, rezip

Change = Callable[[str, bytes], tuple[str, bytes] | None]
ENTRY_SLOTS = (
    *("creationTime", "languageCode", "legalAuthenticator", "serviceStartTime", "sourcePatientId", "hash", "size"),
    "URI",
)
ENTRY_CODES = {
    "classCode": codes.CLASS,
    "typeCode": codes.TYPE,
    "formatCode": codes.FORMAT,
    "healthcareFacilityTypeCode": codes.FACILITY,
    "practiceSettingCode": codes.PRACTICE,
    "confidentialityCode": codes.CONFIDENTIALITY,
}


def told(change: Change, data: bytes | None = None) -> list[tuple[str, str]]:
    """Code and message of every error after one change."""
    problems = check(rezip(data or pack(cda()).content, change))
    return [(p.code, p.message) for p in problems if p.severity is Severity.ERROR]


def said(change: Change, code: str, name: str) -> bool:
    return any(found == code and message.startswith(name) for found, message in told(change))


def cut_out(path: str, *, twice: bool = False) -> Change:
    """Remove the elements or attributes that an XPath finds in METADATA.XML, or double them."""

    def change(name: str, content: bytes) -> tuple[str, bytes]:
        if not name.endswith(codes.METADATA):
            return name, content
        root = etree.fromstring(content)
        found = root.xpath(path, namespaces={"r": codes.RIM})
        assert found, path
        for element in found:
            parent = element.getparent()
            if attribute := getattr(element, "attrname", None):
                del parent.attrib[attribute]
            elif twice:
                element.addnext(etree.fromstring(etree.tostring(element)))
            else:
                parent.remove(element)
        return name, etree.tostring(root)

    return change


# --- 2. shape


def test_two_submission_sets_are_one_too_many() -> None:
    assert any(code == "xdm-submission-sets" for code, _ in told(cut_out("//r:RegistryPackage", twice=True)))


def test_entries_documents_and_links_are_as_many() -> None:
    entry = "//r:ExtrinsicObject[@id='Document01']"
    assert {"xdm-no-entry", "xdm-entry-count", "xdm-has-member"} <= {code for code, _ in told(cut_out(entry))}
    two = pack(cda("1"), cda("2")).content
    assert {code for code, _ in told(cut_out(entry), two)} == {"xdm-entry-count", "xdm-has-member"}
    assert {code for code, _ in told(cut_out("//r:Association"))} == {"xdm-has-member"}
    assert "xdm-has-member" in {code for code, _ in told(cut_out("//r:Association", twice=True))}


def test_the_list_of_objects_is_asked_for() -> None:
    assert any("RegistryObjectList" in m for _, m in told(in_metadata("rim:RegistryObjectList", "rim:ObjectList")))


# --- 3. required attributes, each once


@pytest.mark.parametrize("name", ENTRY_SLOTS)
def test_each_required_slot_is_asked_for_and_comes_once(name: str) -> None:
    slot = f"//r:ExtrinsicObject/r:Slot[@name='{name}']"
    assert said(cut_out(slot), "xdm-missing-attribute", name)
    assert said(cut_out(slot, twice=True), "xdm-double-attribute", name)


@pytest.mark.parametrize("name", ENTRY_CODES)
def test_each_required_code_is_asked_for(name: str) -> None:
    block = f"//r:Classification[@classificationScheme='{ENTRY_CODES[name]}']"
    assert said(cut_out(block), "xdm-missing-attribute", name)


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        ("patientId", codes.PATIENT_ID),
        ("uniqueId", codes.UNIQUE_ID),
        ("patientId", codes.SET_PATIENT_ID),
        ("sourceId", codes.SET_SOURCE_ID),
        ("uniqueId", codes.SET_UNIQUE_ID),
    ],
)
def test_each_required_identifier_is_asked_for(name: str, scheme: str) -> None:
    assert said(cut_out(f"//r:ExternalIdentifier[@identificationScheme='{scheme}']"), "xdm-missing-attribute", name)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("submissionTime", "//r:Slot[@name='submissionTime']"),
        ("contentTypeCode", f"//r:Classification[@classificationScheme='{codes.SET_CONTENT_TYPE}']"),
        ("authorPerson", f"//r:Classification[@classificationScheme='{codes.SET_AUTHOR}']"),
        ("authorPerson", f"//r:Classification[@classificationScheme='{codes.AUTHOR}']"),
        ("title", "//r:ExtrinsicObject/r:Name"),
        ("mimeType", "//r:ExtrinsicObject/@mimeType"),
    ],
)
def test_what_else_the_mapping_requires(name: str, path: str) -> None:
    assert said(cut_out(path), "xdm-missing-attribute", name)


@pytest.mark.parametrize("name", ["submissionTime", "creationTime", "serviceStartTime", "serviceStopTime"])
def test_times_are_in_utc_without_zone(name: str) -> None:
    def zoned(member: str, content: bytes) -> tuple[str, bytes]:
        text = re.sub(rf'(name="{name}">\s*<rim:ValueList>\s*<rim:Value>\d+)', r"\1+0100", content.decode(), count=1)
        return member, text.encode() if member.endswith(codes.METADATA) else content

    assert said(zoned, "xdm-time", name)


@pytest.mark.parametrize("part", ["r:Slot", "r:Name"])
def test_a_code_has_a_scheme_and_a_name(part: str) -> None:
    path = f"//r:Classification[@nodeRepresentation='SA25']/{part}"
    assert any(code == "xdm-incomplete-code" for code, _ in told(cut_out(path)))


# --- 4. the bytes


def test_the_uri_leads_to_a_member() -> None:
    assert said(in_metadata(">DOC00001.XML<", ">DOC00009.XML<"), "xdm-uri", "URI")


# --- 5. agreement with the CDA


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("uniqueId", b'extension="42"', b'extension="43"'),
        ("patientId", b"279035121518989", b"146026322000196"),
        ("title", b"<title>Compte rendu", b"<title>Autre compte rendu"),
        ("creationTime", b'<effectiveTime value="20240311183000', b'<effectiveTime value="20240311183100'),
        ("languageCode", b"fr-FR", b"en-US"),
        ("serviceStartTime", b"20240311092200+0100", b"20240311092300+0100"),
        ("serviceStopTime", b"202403111800+0100", b"202403111801+0100"),
        ("typeCode", b'code="11502-2"', b'code="11503-0"'),
        ("formatCode", b"<component><structuredBody/></component>", b""),
        ("healthcareFacilityTypeCode", b'code="SA25"', b'code="SA07"'),
        ("practiceSettingCode", b'code="AMBULATOIRE"', b'code="ETABLISSEMENT"'),
        ("sourcePatientInfo", b"BIHAN", b"LEGRAND"),
        ("sourcePatientInfo", b'birthTime value="19790328"', b'birthTime value="19790329"'),
        ("sourcePatientInfo", b'administrativeGenderCode code="F"', b'administrativeGenderCode code="M"'),
    ],
)
def test_the_entry_agrees_with_its_cda(name: str, old: bytes, new: bytes) -> None:
    def change(member: str, content: bytes) -> tuple[str, bytes] | None:
        if name == "formatCode" and "DOC0" in member:
            content = content.replace(b"1.2.250.1.213.1.1.1.55", b"1.3.6.1.4.1.19376.1.2.20")
        return edit_cda(old, new)(member, content)

    assert said(change, "xdm-disagrees", name)


def test_names_are_compared_without_accents_and_case() -> None:
    assert told(in_metadata("PID-5|BIHAN^", "PID-5|Bihân^")) == []


def test_a_replacement_needs_a_parent() -> None:
    extra = '<rim:Slot name="action"><rim:ValueList><rim:Value>C</rim:Value></rim:ValueList></rim:Slot>'
    change = in_metadata('<rim:Slot name="URI">', f'{extra}<rim:Slot name="URI">')
    assert any(code == "xdm-action" and "relatedDocument" in message for code, message in told(change))


# --- 6. one patient throughout


def test_set_and_entries_are_about_one_patient() -> None:
    two = pack(cda("1"), cda("2")).content
    assert told(lambda name, content: (name, content), two) == []
    last = rezip(two, in_metadata("279035121518989^^^", "146026322000196^^^", 1))
    assert "xdm-several-patients" in {problem.code for problem in check(last)}


# --- 7. the CDA inside


def test_the_cda_inside_is_judged_by_its_own_checks() -> None:
    judged = check_any(pack(cda()).content)
    assert judged.format == "xdm" and judged.checks == XDM_CHECKS and len(XDM_CHECKS) == 7
    assert [name for name, _ in judged.documents] == ["IHE_XDM/SUBSET01/DOC00001.XML"]
    inside = [problem for problem in judged.problems if problem.where.startswith("IHE_XDM/SUBSET01/DOC00001.XML")]
    assert inside, "the small document of these tests is no complete CR-BIO"


# --- several documents, any unzipper


def test_several_documents_of_one_patient_share_an_archive() -> None:
    documents = [cda(str(number)) for number in range(1, 12)]
    data = pack(*documents).content
    assert check(data) == [] and pack(*documents).content == data
    archive = read_archive(data)
    assert [member.content for member in archive.documents] == documents
    metadata = metadata_of(data)
    assert [entry.slot("URI") for entry in metadata.entries][-1] == ("DOC00011.XML",)
    assert metadata.submission_sets[0].title == "11 documents"
    readme, index = (archive.find(name) for name in (codes.README, codes.INDEX))
    assert readme is not None and index is not None
    assert b"DOC00011.XML" in readme.content and index.content.count(b"<a href=") == 12


def test_it_unzips_with_unzip_and_with_python(tmp_path: Path) -> None:
    program = shutil.which("unzip")
    if program is None:
        missing("unzip missing: apt-get install unzip")
    path = tmp_path / codes.FILE_NAME
    path.write_bytes(pack(cda("1"), cda("2")).content)
    done = subprocess.run([program, "-t", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "No errors detected" in done.stdout
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            *("INDEX.HTM", "README.TXT", "IHE_XDM/SUBSET01/METADATA.XML"),
            *("IHE_XDM/SUBSET01/DOC00001.XML", "IHE_XDM/SUBSET01/DOC00002.XML"),
        ]
        assert {info.date_time for info in archive.infolist()} == {(2024, 3, 11, 18, 30, 0)}
    assert CONTEXT.created_at.hour == 19, "the time in the zip is UTC: it does not depend on the machine"
