"""A kit of official rules small enough to read, laid out like that of the ANS."""

from __future__ import annotations

from pathlib import Path

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


def small_kit(root: Path) -> Path:
    """Write the kit into ``root``."""
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
