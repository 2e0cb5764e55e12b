"""What the sender asks of a document (who may see it, where it goes) and which document it was read from."""

from __future__ import annotations

from dataclasses import dataclass


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
    """MODIF_CONF_CODE: only the visibility of a document already sent changes."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDocument:
    """Identity of the document the report was read from (CDA id, setId, versionNumber, relatedDocument; TXA-12, -13).

    Each id is a UUID or OID, with ``^extension`` when it has one.
    """

    id: str
    set_id: str = ""
    version: int = 1
    replaces: str = ""
