"""French words for events and receipts, in one place; those for states stand in ``outbox/states.py``."""

from __future__ import annotations

from dispatcher.outbox.states import FILE_STATES, STATES
from dispatcher.receipts.mdn import CODE_LABELS

BATCH_STATES = {"open": "ouvert", "paused": "suspendu", "done": "terminé"}

EVENTS: dict[str, str] = {
    "dispatch.late": "alarme : urgent, pas encore parti",
    "dispatch.late-over": "fin de l'alarme",
    **{f"dispatch.{state}": text for state, text in STATES.items()},
    **{f"file.{state}": text for state, text in FILE_STATES.items()},
    "dispatch.added": "créé",
    "dispatch.lease-expired": "repris à un processus arrêté",
    "dispatch.looked-again": "recherche refaite, toujours en attente",
    "dispatch.printed": "imprimé",
    "dispatch.in-print-run": "mis dans un tirage",
    "dispatch.reminded": "jamais lu : rappel au laboratoire",
    "dispatch.person-called": "jamais lu : une personne est appelée",
    "dispatch.second-way": "jamais lu : second envoi par une autre voie",
    "dispatch.no-second-way": "jamais lu : aucune autre voie sûre",
    "dispatch.second-read": "la seconde copie a été lue",
    "dispatch.acknowledged": "pris en charge par une personne",
    "dispatch.arrived-all-the-same": "noté comme non parti, dit arrivé par un avis",
    "dispatch.replayed": "rejoué",
    "dispatch.resent-unknown": "issue inconnue, renvoyé selon le réglage du canal",
    "dispatch.doubt-ended": "issue inconnue, remplacé par une version plus récente",
    "dispatch.settled-arrived": "issue inconnue, dit arrivé",
    "dispatch.settled-refused": "issue inconnue, dit jamais accepté",
    "dispatch.replay-undone": "rejeu annulé avant le départ",
    "dispatch.released": "libéré",
    "dispatch.sealed-anew": "préparé de nouveau",
    "dispatch.resent": "nouvel envoi de ce qui était déjà parti",
    "dispatch.name-overruled": "nom différent, vu et accepté",
    "dispatch.release-refused": "libération refusée, toujours en attente",
    "dispatch.proof-with-content": "contenu demandé pour une preuve",
    "dispatch.proof-made": "preuve établie",
    "receipt.smtp": "réponse de l'opérateur",
    "receipt.dsn": "avis de remise reçu",
    "receipt.mdn": "avis de lecture reçu",
    "receipt.error-mail": "courrier d'erreur reçu",
    "receipt.auto-reply": "réponse automatique reçue",
    "receipt.sent-copy": "copie trouvée dans le dossier des courriers envoyés",
    "receipt.other": "courrier reçu",
    "notice.closed": "avis réglé par une personne",
    "notice.tied": "avis rattaché par une personne",
    **{f"dispatch.{state}-late": f"{text} (confirmé après coup)" for state, text in STATES.items()},
}

RECEIPTS = {
    "smtp": "réponse de l'opérateur",
    "dsn": "avis de remise",
    "mdn": "avis de lecture",
    "error-mail": "courrier d'erreur",
    "auto-reply": "réponse automatique",
    "sent-copy": "copie dans les courriers envoyés",
    "other": "autre courrier",
}

ACTIONS = {
    "failed": "échec",
    "delayed": "retard",
    "delivered": "remis",
    "relayed": "transmis à un autre serveur",
    "expanded": "transmis à une liste",
    "displayed": "lu",
    "processed": "intégré ou traité",
    "deleted": "supprimé",
    "dispatched": "transféré",
    "accepted": "accepté",
}
"""What a notice says was done with the mail (RFC 3464 §2.3.3, RFC 8098 §3.2.6)."""

_STATUS = {
    "5.1.1": "adresse inconnue",
    "5.1.2": "domaine introuvable",
    "5.1.6": "boîte déplacée",
    "5.1.10": "adresse inconnue",
    "5.2.1": "boîte désactivée",
    "5.2.2": "boîte pleine",
    "5.2.3": "courriel trop volumineux",
    "5.3.4": "courriel trop volumineux",
    "5.4.4": "serveur du destinataire introuvable",
    "5.4.7": "délai de remise dépassé",
    "5.7.1": "refusé par une règle du destinataire",
    "?": "sans code",
}
"""Enhanced status codes (RFC 3463) as a secretary says them."""

_ENVELOPES = {
    "smime": "S/MIME signé et chiffré",
    "mutual-tls": "TLS mutuel avec l'opérateur MSSanté",
    "proxy": "mandataire chiffrant du site",
}


def envelope(kind: str) -> str:
    """What protects the mail, in French."""
    return _ENVELOPES.get(kind, kind)


def cause(code: str) -> str:
    """Why a delivery failed, in French, with the code when it says more to the recipient's own staff."""
    words = _STATUS.get(code) or CODE_LABELS.get(code)
    if words is None or code == "?":
        return words or code
    return f"{words[:1].lower()}{words[1:]} ({code})"


def actor(name: str) -> str:
    """Who did it: the service, or a person's login."""
    return name.removeprefix("operator:") if name.startswith("operator:") else "service"
