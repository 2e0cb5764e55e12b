"""Every name, OID and choice of the XDM archive in one place.

Sources: IHE ITI TF-2 ITI-32 and TF-3 §4.2 (schemes, slots); the French mapping table of the ANS guide "Transmission
d'un document CDA en HL7 v2"; the official example DRIM-M KA202401; ANS terminologies TRE_A03, TRE_R209, TRE_A07. A line
marked "choice" rests on no rule we could read: change it here only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LCM = "urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"
RIM = "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"
CDA = "urn:hl7-org:v3"

# --- archive ----------------------------------------------------------------------------------------------------------

FILE_NAME = "IHE_XDM.ZIP"
INDEX = "INDEX.HTM"
README = "README.TXT"
ROOT = "IHE_XDM"
SUBSET = "SUBSET01"
METADATA = "METADATA.XML"
MEDIA_TYPE = "application/zip"
SEGMENT = re.compile(r"[A-Z0-9_]{1,8}(?:\.[A-Z0-9_]{1,3})?")
"""ISO 9660 level 1: capitals, digits, underscore, 8.3 characters."""


def document_name(number: int) -> str:
    """``DOC00001.XML`` for the first document."""
    return f"DOC{number:05d}.XML"


URI_PREFIX = ""
"""Choice: the URI slot is relative to the folder of METADATA.XML (IHE); the DRIM example writes it from IHE_XDM."""

# --- objects ----------------------------------------------------------------------------------------------------------

SUBMISSION_SET_NODE = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"
STABLE_DOCUMENT = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"
HAS_MEMBER = "urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"
MIME_TYPE = "text/xml"

SET_AUTHOR = "urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d"
SET_CONTENT_TYPE = "urn:uuid:aa543740-bdda-424e-8c96-df4873be8500"
SET_PATIENT_ID = "urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446"
SET_SOURCE_ID = "urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832"
SET_UNIQUE_ID = "urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8"

AUTHOR = "urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d"
CLASS = "urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a"
TYPE = "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983"
FORMAT = "urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d"
CONFIDENTIALITY = "urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f"
FACILITY = "urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1"
PRACTICE = "urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead"
EVENT = "urn:uuid:2c6b8cb7-8b2a-4051-b291-b1ae6a575ef4"
PATIENT_ID = "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427"
UNIQUE_ID = "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"

ACTION_SLOT = "action"
"""Choice: spelling and place (document entry) of the slot for replacement ``C`` and deletion ``D``."""
REFERENCE_LIST_SLOT = "urn:ihe:iti:xds:2013:referenceIdList"
ORDER_REFERENCE = "urn:ihe:iti:xds:2013:order"


@dataclass(frozen=True, slots=True)
class Coded:
    """A code of a system (OID) with its French name."""

    code: str
    system: str
    name: str


# --- codes ------------------------------------------------------------------------------------------------------------

CLASS_REPORT = Coded("10", "1.2.250.1.213.1.1.4.1", "Compte rendu")
"""TRE_A03-ClasseDocument; choice of this class for 11502-2, the correspondence table ASS_X04 was not read."""
FORMAT_SYSTEM = "1.3.6.1.4.1.19376.1.2.3"
FORMAT_STRUCTURED = Coded("urn:ihe:lab:xd-lab:2008", FORMAT_SYSTEM, "Compte rendu d'examens de biologie médicale")
FORMAT_PDF = Coded("urn:ihe:iti:xds-sd:pdf:2008", FORMAT_SYSTEM, "Document à corps non structuré en PDF/A-1")
STRUCTURED_TEMPLATES = frozenset({"1.2.250.1.213.1.1.1.55", "1.3.6.1.4.1.19376.1.3.3"})

ACTIVITY_SYSTEM = "1.2.250.1.213.2.2"
INPATIENT = Coded("03", ACTIVITY_SYSTEM, "Hospitalisation complète (non compris hospitalisation de semaine)")
OUTPATIENT = Coded("07", ACTIVITY_SYSTEM, "Consultation Soins Externes")
CONTENT_TYPES = {"IMP": INPATIENT, "AMB": OUTPATIENT, "EMER": OUTPATIENT, "EXTERNE": OUTPATIENT}
"""TRE_R209-TypeActivite by encounter code of the CDA (JDV_J142), after the mapping proposed from PV1-2."""
DEFAULT_CONTENT_TYPE = OUTPATIENT

VISIBILITY_SYSTEM = "1.2.250.1.213.1.1.4.13"
VISIBILITY = {
    "MASQUE_PS": "Masqué aux professionnels de santé",
    "INVISIBLE_PATIENT": "Non visible par le patient",
    "INVISIBLE_REPRESENTANTS_LEGAUX": "Non visible par les représentants légaux du patient",
}
"""TRE_A07-StatutVisibiliteDocument: asked for by the order, never read from the CDA."""

# --- identifiers ------------------------------------------------------------------------------------------------------

PROFESSIONALS = "1.2.250.1.71.4.2.1"
STRUCTURES = "1.2.250.1.71.4.2.2"
INS_ROOTS = ("1.2.250.1.213.1.4.8", "1.2.250.1.213.1.4.9", "1.2.250.1.213.1.4.10", "1.2.250.1.213.1.4.11")
INS_TYPE = "NH"
LOCAL_TYPE = "PI"
PERSON_NAME_TYPE, PERSON_ID_TYPE, INTERNAL_ID_TYPE = "D", "IDNPS", "EI"
DEVICE_NAME_TYPE, DEVICE_ID_TYPE = "U", "RI"
STRUCTURE_ID_TYPE = "IDNST"
CHARSET, LANGUAGE = "UTF8", "FR"
