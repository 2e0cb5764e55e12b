"""What the sender asks of a document (who may see it, where it goes) and which document it was read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """Who may see the document and where it goes, as the LIS asks. ``None``: not said.

    ANS, volet "Transmission d'un document CDA-R2 en HL7v2", metadata OBX of system ``MetaDMPMSS``.
    """

    hidden_from_professionals: bool | None = None
    """MASQUE_PS."""
    hidden_from_patient: bool | None = None
    """INVISIBLE_PATIENT."""
    hidden_from_guardians: bool | None = None
    """INVISIBLE_REP_LEGAUX."""
    secret_connection: bool | None = None
    """CONNEXION_SECRETE."""
    change_only: bool | None = None
    """MODIF_CONF_CODE: the visibility of a document already sent changes; it goes as a replacement."""
    to_dmp: bool | None = None
    """DESTDMP."""
    to_professionals: bool | None = None
    """DESTMSSANTEPS."""
    to_patient: bool | None = None
    """DESTMSSANTEPAT."""
    last_message: bool = False
    """NTE-4 = ``FIN`` under DESTMSSANTEPAT: the patient may not answer (X-MSS-MES)."""
    delivery_notice: bool | None = None
    """ACK_RECEPTION."""
    read_notice: bool | None = None
    """ACK_LECTURE_MSS."""
    mail_text: str = ""
    """CORPSMAIL_PS."""
    patient_mail_text: str = ""
    """CORPSMAIL_PATIENT."""
    reply_to: str = ""
    """Address answers go to (PRT ``REPLY``)."""
    confidentiality: str = ""
    """``R`` (restricted) or ``V`` (very restricted), as the document says (CDA confidentialityCode, TXA-18, ORC-28);
    empty: normal, or not said."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is asked, in French, one sentence each; empty when nothing is. Texts and addresses are not quoted."""
        told = [text for name, yes, no in _SAID if (text := {True: yes, False: no}.get(getattr(self, name), ""))]
        told += [f"confidentialité {RESTRICTED[self.confidentiality]}"] if self.confidentiality in RESTRICTED else []
        told += ["le patient ne peut pas répondre (FIN)"] if self.last_message else []
        told += ["texte du courriel fourni par le laboratoire"] if self.mail_text else []
        told += ["texte du courriel au patient fourni par le laboratoire"] if self.patient_mail_text else []
        return (*told, "adresse de réponse fournie par le laboratoire") if self.reply_to else tuple(told)


RESTRICTED: Mapping[str, str] = MappingProxyType({"R": "restreinte (R)", "V": "très restreinte (V)"})
"""Codes above normal (HL7 v3 Confidentiality, v2 tables 0177 and 0272), the stricter last, and their French."""


def stricter(*codes: str) -> str:
    """The strictest of some confidentiality codes as they stand in a file: ``V``, ``R``, or empty."""
    found = {code.strip().upper() for code in codes}
    return next((code for code in reversed(tuple(RESTRICTED)) if code in found), "")


_SAID: tuple[tuple[str, str, str], ...] = (
    ("hidden_from_professionals", "masqué aux professionnels de santé", ""),
    ("hidden_from_patient", "non visible par le patient", ""),
    ("hidden_from_guardians", "non visible par les représentants légaux", ""),
    ("secret_connection", "connexion secrète au DMP", ""),
    ("change_only", "visibilité changée d’un document déjà transmis", ""),
    ("to_dmp", "destiné au DMP", "pas au DMP"),
    ("to_professionals", "destiné aux professionnels par MSSanté", "à ne pas envoyer aux professionnels"),
    ("to_patient", "destiné au patient par MSSanté", "pas au patient"),
    ("delivery_notice", "accusé de réception demandé", ""),
    ("read_notice", "accusé de lecture demandé", ""),
)
"""Field, French when true, French when false."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDocument:
    """Identity of the document the report was read from (CDA id, setId, versionNumber, relatedDocument; TXA-12, -13).

    Each id is a UUID or OID, with ``^extension`` when it has one.
    """

    id: str
    set_id: str = ""
    version: int = 1
    replaces: str = ""
    dropped: bool = False
    """The sender takes this very document back (``action`` D of XDM): it is not a new version that says so."""
