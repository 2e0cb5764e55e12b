"""Small CDA documents in many shapes, for tests of the reader. Everybody here is made up."""

from __future__ import annotations

NAMESPACES = (
    'xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xmlns:lab="urn:oid:1.3.6.1.4.1.19376.1.3.2"'
)
PATIENT = (
    '<recordTarget><patientRole><id root="1.2.250.1.999.1" extension="P1"/><patient><name><family qualifier="BR">ESSAI'
    '</family><given>LOU ANNE</given><given qualifier="BR">LOU</given></name><administrativeGenderCode code="F" '
    'codeSystem="2.16.840.1.113883.5.1"/><birthTime value="19900102"/></patient></patientRole></recordTarget>'
)
LOINC = "2.16.840.1.113883.6.1"


def document(body: str, *, header: str = "", code: str = "11502-2", patient: str = PATIENT, start: str = "") -> str:
    """A whole document around what stands in ``component``."""
    return (
        f'{start}<ClinicalDocument {NAMESPACES}><typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>'
        f'<id root="1.2.250.1.999.1.9" extension="D1"/><code code="{code}" codeSystem="{LOINC}"/><title>Essai</title>'
        f'<effectiveTime value="20260311103000+0100"/>{patient}{header}<component>{body}</component></ClinicalDocument>'
    )


def structured(*sections: str, **changes: str) -> str:
    """A document of these sections."""
    inner = "".join(f"<component>{section}</component>" for section in sections)
    return document(f"<structuredBody>{inner}</structuredBody>", **changes)


def chapter(act: str, text: str = "", title: str = "BIOCHIMIE", inside: str = "") -> str:
    """A chapter; ``act``: what stands in its act."""
    entry = (
        f'<entry><act classCode="ACT" moodCode="EVN"><statusCode code="completed"/>{act}</act></entry>' if act else ""
    )
    return (
        f'<section><templateId root="1.3.6.1.4.1.19376.1.3.3.2.1"/><code code="18719-5" displayName="Biochimie" '
        f'codeSystem="{LOINC}"/><title>{title}</title>{f"<text>{text}</text>" if text else ""}{entry}{inside}</section>'
    )


def result(value: str, *, code: str = "", more: str = "", status: str = "completed") -> str:
    """One observation under an act."""
    coded = code or f'<code code="2160-0" displayName="Créatinine" codeSystem="{LOINC}"/>'
    return (
        f'<entryRelationship typeCode="COMP"><observation classCode="OBS" moodCode="EVN">{coded}'
        f'<statusCode code="{status}"/>{value}{more}</observation></entryRelationship>'
    )


def one(value: str, text: str = "", **changes: str) -> str:
    """A document with one result."""
    return structured(chapter(result(value, **changes), text))


def loinc(number: str, ref: str = "", name: str = "") -> str:
    """A ``code``, pointing at ``ref``."""
    inner = f'<originalText><reference value="#{ref}"/></originalText>' if ref else ""
    return f'<code code="{number}" displayName="{name}" codeSystem="{LOINC}">{inner}</code>'
