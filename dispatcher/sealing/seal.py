"""From a mail to the bytes that leave: built, signed, enveloped, once (decision D2).

Which envelope is the route's choice (decision D17). ``smime``: signed, then enveloped. ``mutual-tls``: as it is — the
recipient's software must see the attachments — or clear-signed when the channel asks. ``proxy``: as it is, the site's
proxy signs and encrypts.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from dispatcher.errors import SealError
from dispatcher.routing.route import Envelope
from dispatcher.sealing import envelope as cms
from dispatcher.sealing import mime, policy
from dispatcher.sealing.message import HeaderProtection, OutgoingMail, inner_entity, outer
from dispatcher.sealing.policy import Limits

if TYPE_CHECKING:
    from dispatcher.ports import RecipientCertificate, Signer

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")


class SignatureForm(StrEnum):
    """How a signature is carried."""

    OPAQUE = "opaque"
    """Inside CMS; survives any mail server. Only ever used inside an envelope."""
    CLEAR = "clear"
    """``multipart/signed``: readable without S/MIME."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedMail:
    """The mail as it leaves, and goes into the store."""

    content: bytes = field(repr=False)
    sha256: str
    message_id: str
    signer: str = ""
    """SHA-256 fingerprint of our certificate, empty when not signed."""
    certificates: tuple[str, ...] = ()
    """SHA-256 fingerprints of the recipient's certificates, for ``smime``."""

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.content)


def message_id(dispatch_id: str, domain: str) -> str:
    """The Message-ID of a dispatch: always the same, with angle brackets, naming nobody (promise 2).

    ``domain`` is that of the channel's sender. Raises :class:`SealError`, code ``message-id``.
    """
    return mime.message_ids("Message-ID", f"<{envid(dispatch_id)}@{domain.lower()}>")[0]


def envid(dispatch_id: str) -> str:
    """The ENVID of a dispatch (RFC 3461 §4.4): its id, whose characters need no xtext encoding."""
    if not _ID.fullmatch(dispatch_id):
        raise SealError(
            "Identifiant d'envoi inattendu : lettres, chiffres, points et tirets seulement.",
            hint="Signaler ce défaut.",
            code="message-id",
        )
    return dispatch_id


def seal(
    mail: OutgoingMail,
    envelope: Envelope,
    *,
    signer: Signer | None,
    certificates: Sequence[RecipientCertificate] = (),
    at: datetime,
    limits: Limits | None = None,
    form: SignatureForm = SignatureForm.OPAQUE,
) -> SealedMail:
    """The sealed bytes. ``at``: the date keys and certificates must be good on.

    Raises :class:`SealError`: ``no-certificate``, ``wrong-certificate``, ``expired-certificate``, ``key-usage``… (see
    :mod:`dispatcher.sealing.policy`), ``too-large``, and what :mod:`dispatcher.sealing.mime` refuses.
    """
    limits = limits or Limits()
    policy.check_size(sum(len(a.content) for a in mail.attachments), limits)  # before any work on a hopeless one
    signed_by = ""
    if envelope is Envelope.SMIME:
        entity, signed_by = _enveloped(mail, signer, certificates, at, form)
    elif envelope is Envelope.MUTUAL_TLS and signer is not None and form is SignatureForm.CLEAR:
        policy.check_signer(signer.certificate, at)
        entity = cms.sign_clear(inner_entity(mail, HeaderProtection.CLEAR), signer, mail.message_id)
        signed_by = signer.fingerprint
    else:
        entity = inner_entity(mail)
    content = outer(mail, entity, enveloped=envelope is Envelope.SMIME)
    policy.check_size(len(content), limits)
    return SealedMail(
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
        message_id=mail.message_id,
        signer=signed_by,
        certificates=tuple(c.fingerprint for c in certificates) if envelope is Envelope.SMIME else (),
    )


def _enveloped(
    mail: OutgoingMail,
    signer: Signer | None,
    certificates: Sequence[RecipientCertificate],
    at: datetime,
    form: SignatureForm,
) -> tuple[bytes, str]:
    """The enveloped entity, and the fingerprint of who signed it."""
    _check_certificates(mail, certificates, at)
    entity = inner_entity(mail, HeaderProtection.CIPHER)
    signed_by = ""
    if signer is not None:
        policy.check_signer(signer.certificate, at)
        signed_by = signer.fingerprint
        if form is SignatureForm.CLEAR:
            entity = cms.sign_clear(entity, signer, mail.message_id)
        else:
            entity = cms.sign_opaque(entity, signer)
    return cms.encrypt(entity, [c.certificate for c in certificates]), signed_by


def _check_certificates(mail: OutgoingMail, certificates: Sequence[RecipientCertificate], at: datetime) -> None:
    """One mail, one recipient: every certificate is theirs (promise 5) and good at ``at``."""
    if not certificates:
        raise SealError(
            "Aucun certificat pour ce destinataire : le mail ne peut pas être chiffré.",
            hint="Déposer son certificat dans le dossier des certificats, puis relancer l'envoi.",
            code="no-certificate",
        )
    for held in certificates:
        if held.address.lower() != mail.recipient.lower():
            raise SealError(
                "Le certificat proposé appartient à une autre adresse que celle du destinataire.",
                hint="Vérifier le dossier des certificats et la table des destinataires.",
                code="wrong-certificate",
            )
        policy.check_recipient(held.certificate, at)
