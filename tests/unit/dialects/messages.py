"""Small invented files of the three formats, and how the tests read them."""

from __future__ import annotations

from dispatcher.dialects import shelf
from dispatcher.dialects.model import Dialect
from dispatcher.formats import registry
from dispatcher.formats.base import ReadContext, ReadResult
from dispatcher.report.model import Report

HL7 = """MSH|^~\\&|SIL|LABO X|||202604021130||ORU^R01|X1|P|2.5|||||FRA|UNICODE UTF-8
PID|1|ALT9|P77^^^LABO^PI~279035121518989^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS||LE GOFF^Anne||19790312|F
PV1|1|N|||||D090^MARZIN^Yann||||||||||||V55
ORC|RE||F0|G4
OBR|1|D5|F1|NFS^Numération^L|||202604020800|202604020830||||||202604020900|SER|D014^CARIOU^Yves||A18||||202604021000||HM|F
OBX|1|NM|HB^Hémoglobine^L||10.9|g/dL|13.0 - 17.0|L|||F|||202604020805
NTE|1|L|À contrôler.
"""
SANTE = """H|~^\\&|X.HPR||DUNES~Labo des Dunes||ORU|||CLI~Clinique||P|H2.1~C|202604021210
P|1|P77|R12|S88|LE GOFF~Anne|TANGUY|19790312|F
OBR|1|D5|T5~F1|NFS~Numération~L|R||202604020800||||N|||202604020900|SER~Sérum|D014~CARIOU&Yves~L||A18||||202604021000||HM|F
OBX|1|NM|HB~Hémoglobine~L||10.9|g/dL|13.0 - 17.0|L|||F|||202604020805
C|1|L|À contrôler.
L|1||1|6
"""
MEDECINS = """P77
LE GOFF
ANNE
TANGUY
B12
99001 EXEMPLEVILLE
12/03/1979

F1
02/04/2026
DUNES      Labo des Dunes
D014       DR CARIOU YVES

  HEMOGLOBINE   10,9 g/dl

****LAB****
RES|HEMOGLOBINE|HB|N|10.9|g/dl|13.0|17.0|L|F|||||
****FIN****
****FINFICHIER****
"""
FILES = {"hl7v2": HL7, "hprim-sante": SANTE, "hprim-medecins": MEDECINS}
CODECS = {"hl7v2": "utf-8", "hprim-sante": "cp1252", "hprim-medecins": "cp1252"}


def dialect(toml: str, format_: str = "hl7v2") -> Dialect:
    """``toml`` may begin with keys of the head; format and title are put before it."""
    return shelf.parse(f'format = "{format_}"\ntitle = "essai"\n{toml}\n', "essai")


def read(text: str, toml: str | None = None, format_: str = "hl7v2", codec: str = "") -> ReadResult:
    """``codec``: how the file is written, when not as usual for its format."""
    spoken = dialect(toml, format_) if toml is not None else None
    data = text.encode(codec or CODECS[format_])
    return registry.read(data, ReadContext(dialect=spoken))


def report(text: str, toml: str | None = None, format_: str = "hl7v2") -> Report:
    (found,) = read(text, toml, format_).reports
    return found
