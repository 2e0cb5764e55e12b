"""The facts of a dispatch as its evidence tells them: for programs (``envoi.json``) and on one page for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dispatcher.clock import paris
from dispatcher.formats.pdf.summary import Page, Section
from dispatcher.outbox.dispatch import Dispatch, ReportVersion, SourceFile
from dispatcher.outbox.states import STATES
from dispatcher.receipts import evidence
from dispatcher.receipts.evidence import Proved, Receipt
from dispatcher.routing.addresses import is_patient

KINDS = {
    "smtp": "réponse de l'opérateur",
    "dsn": "avis de remise",
    "mdn": "avis de lecture",
    "error-mail": "courrier d'erreur",
    "auto-reply": "réponse automatique",
    "sent-copy": "copie dans les courriers envoyés",
    "other": "autre courrier",
}
_PROTECTION = {
    "smime": "S/MIME : signé et chiffré pour le certificat du destinataire",
    "mutual-tls": "TLS mutuel avec l'opérateur MSSanté",
    "proxy": "mandataire chiffrant du site",
}


def _iso(moment: datetime | None) -> str:
    return moment.isoformat() if moment is not None else ""


def _said(moment: datetime | None) -> str:
    return paris(moment).strftime("%d/%m/%Y à %H:%M:%S") if moment is not None else ""


def renditions(dispatch: Dispatch) -> dict[str, str]:
    """Digest by format."""
    return dict(part.split("=", 1) for part in dispatch.renditions.split() if "=" in part)


def _without_empty(told: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in told.items() if value not in ("", None, {}, [], 0)}


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What both tell of."""

    laboratory: str
    dispatch: Dispatch
    report: ReportVersion
    file: SourceFile
    receipts: Sequence[Receipt]
    now: datetime


def facts(about: About) -> dict[str, object]:
    """Every digest in it stands in the journal. No name of a file, no patient."""
    d, file = about.dispatch, about.file
    source = {"numero": file.id, "recu_le": _iso(file.received_at), "octets": file.size, "sha256": file.sha256}
    told = {
        "envoi": d.id,
        "etat": STATES[d.state],
        "laboratoire": about.laboratory,
        "preuve_du": _iso(about.now),
        "fichier_source": source,
        "compte_rendu": {"numero": about.report.id, "version": about.report.version},
        "destinataire": _recipient(d),
        "voie": _without_empty({"canal": d.channel, "format": d.format, "protection": d.envelope}),
        "documents": renditions(d),
        "courrier": _without_empty({"message_id": d.message_id, "octets": d.sealed_bytes, "sha256": d.sealed_sha256}),
        "certificat_du_destinataire": d.certificate,
        "certificat_de_signature": d.signer,
        "accepte_par_l_operateur_le": _iso(d.sent_at),
        "remis_le": _iso(d.delivered_at),
        "lu_le": _iso(d.read_at),
        "derniere_reponse": d.reply,
        "accuses": [_told(receipt) for receipt in about.receipts],
    }
    return _without_empty(told)


def _recipient(d: Dispatch) -> dict[str, object]:
    if is_patient(d.address):
        return {"nom": "patient"}
    return _without_empty(
        {"nom": d.label, "identifiant": d.recipient_id, "genre": d.recipient_id_type, "adresse": d.address}
    )


def _told(r: Receipt) -> dict[str, object]:
    return _without_empty(
        {"numero": r.id, "genre": r.kind, "le": r.at, "dit": r.said, "sha256": r.digest, "fichier": r.name}
    )


def summary(about: About, lines: Sequence[Proved]) -> Page:
    """One page for a reader in a hurry."""
    d, laboratory = about.dispatch, about.laboratory
    anchors = sorted({line.anchor.name for line in lines})
    journal = [
        ("Lignes", ", ".join(str(number) for number in sorted(line.line.number for line in lines))),
        ("Ancres signées", ", ".join(anchors)),
    ]
    return Page(
        title=f"Preuve de l'envoi {d.id}",
        author=laboratory,
        intro=f"Compte rendu {about.report.id}, version {about.report.version}. Preuve établie le {_said(about.now)} "
        f"par {laboratory}. « LISEZMOI.txt » dit comment tout vérifier. Heures de Paris.",
        foot=f"{laboratory} – envoi {d.id}",
        sections=(
            Section(title="L'envoi", rows=_what(d, evidence.typed(one.line for one in lines if not one.given))),
            Section(title="Ce qui s'est passé", rows=_happened(about)),
            Section(title="Empreintes (SHA-256)", rows=_digests(d, about.file)),
            Section(title="Journal", rows=journal),
        ),
    )


def _what(d: Dispatch, typed: Sequence[str]) -> list[tuple[str, str]]:
    """``typed``: what people typed, and is kept back."""
    patient = is_patient(d.address)
    return [
        ("Destinataire", "patient" if patient else d.label),
        ("Identifiant", "" if patient else f"{d.recipient_id_type} {d.recipient_id}".strip()),
        ("Adresse", "" if patient else d.address),
        ("Format", d.format),
        ("Protection", _PROTECTION.get(d.envelope, d.envelope)),
        ("État", STATES[d.state]),
        ("Raison", "" if evidence.repeats(d.reason, typed) else d.reason),
    ]


def _happened(about: About) -> list[tuple[str, str]]:
    d = about.dispatch
    return [
        ("Fichier reçu du laboratoire", _said(about.file.received_at)),
        ("Envoi préparé", _said(d.created_at)),
        ("Accepté par l'opérateur", _said(d.sent_at)),
        ("Remis au destinataire", _said(d.delivered_at)),
        ("Lu ou intégré", _said(d.read_at)),
        *((KINDS.get(r.kind, r.kind).capitalize(), _receipt(r)) for r in about.receipts),
    ]


def _digests(d: Dispatch, file: SourceFile) -> list[tuple[str, str]]:
    return [
        (f"Fichier source {file.id}", file.sha256),
        *((f"Document {name}", digest) for name, digest in renditions(d).items()),
        ("Courrier scellé", d.sealed_sha256),
        ("Certificat du destinataire", d.certificate),
    ]


def _receipt(receipt: Receipt) -> str:
    return f"{_said(datetime.fromisoformat(receipt.at))} – {receipt.said}"
