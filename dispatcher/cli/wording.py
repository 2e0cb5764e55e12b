"""French words for events and receipts, in one place; those for states stand in ``outbox/states.py``."""

from __future__ import annotations

from dispatcher.outbox.states import FILE_STATES, STATES

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
    "dispatch.acknowledged": "pris en charge par une personne",
    "dispatch.arrived-all-the-same": "noté comme non parti, dit arrivé par un avis",
    "dispatch.replayed": "rejoué",
    "dispatch.resent-unknown": "issue inconnue, renvoyé selon le réglage du canal",
    "dispatch.doubt-ended": "issue inconnue, remplacé par une version plus récente",
    "dispatch.settled-arrived": "issue inconnue, dit arrivé",
    "dispatch.settled-refused": "issue inconnue, dit jamais accepté",
    "dispatch.replay-undone": "rejeu annulé avant le départ",
    "dispatch.released": "libéré",
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

_ENVELOPES = {
    "smime": "S/MIME signé et chiffré",
    "mutual-tls": "TLS mutuel avec l'opérateur MSSanté",
    "proxy": "mandataire chiffrant du site",
}


def envelope(kind: str) -> str:
    """What protects the mail, in French."""
    return _ENVELOPES.get(kind, kind)


def actor(name: str) -> str:
    """Who did it: the service, or a person's login."""
    return name.removeprefix("operator:") if name.startswith("operator:") else "service"
