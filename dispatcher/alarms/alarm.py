"""What an alarm is, and the code of each kind. A code is a contract: it is never given another meaning."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    """How much it presses."""

    NOTICE = "notice"
    """Worth knowing in good time; ``status`` ends with 0."""
    ALARM = "alarm"
    URGENT = "urgent"
    """Told at once, in quiet hours too."""


class Means(NamedTuple):
    """What a code says, in French."""

    page: str
    """For the page of the documents."""
    title: str
    """Short, for the subject of a message."""


CODES: dict[str, Means] = {
    "urgent-late": Means("résultat urgent que l'opérateur n'a pas accepté à temps", "résultat urgent pas parti"),
    "unread": Means(
        "envoi que personne n'a lu, et pour lequel une personne est appelée", "résultat non lu, appeler le destinataire"
    ),
    "channel-stopped": Means(
        "canal arrêté par une panne ; le programme réessaie de lui-même", "les envois sont arrêtés"
    ),
    "batch-paused": Means("lot suspendu, ses envois attendent", "un lot est suspendu"),
    "disk": Means("presque plus de place sur le disque", "le disque est presque plein"),
    "no-service": Means(
        "des fichiers ou des envois attendent et aucun service n'est en marche", "le service est arrêté"
    ),
    "source-late": Means(
        "fichiers qui restent trop longtemps dans le dossier d'une source", "des fichiers ne sont pas pris"
    ),
    "source-unreadable": Means("dossier d'une source inaccessible", "un dossier est inaccessible"),
    "local-table": Means(
        "table des destinataires fautive ; la dernière bonne reste en service", "table des destinataires fautive"
    ),
    "restored": Means(
        "base restaurée d'une sauvegarde : rien ne part avant l'accord d'une personne",
        "base restaurée, rien ne part",
    ),
    "all-paused": Means("tout est en pause", "tout est en pause"),
    "mailbox": Means("boîte des avis illisible : les accusés n'arrivent plus", "les accusés n'arrivent plus"),
    "answers": Means(
        "SIL qui ne reçoit plus nos réponses (dossier de retour, serveur MLLP)", "le SIL ne reçoit plus nos réponses"
    ),
    "unknown-outcome": Means("envois à l'issue inconnue depuis trop longtemps", "envois à l'issue inconnue"),
    "sent-folder": Means(
        "dossier des courriers envoyés illisible : les issues inconnues ne s'y tranchent plus",
        "dossier des courriers envoyés illisible",
    ),
    "mailbox-heavy": Means(
        "boîte des avis presque pleine, ou dont le courrier vieillit", "la boîte des avis est presque pleine"
    ),
    "node-silent": Means("poste qui ne donne plus signe de vie, ou qui n'écrit plus", "un poste ne répond plus"),
    "node-clock": Means("horloge d'un poste fausse", "l'horloge d'un poste est fausse"),
    "node-twin": Means("deux services sous un même nom de poste", "deux services sous un même nom"),
    "nodes-draining": Means("tous les postes en vidange", "tous les postes sont en vidange"),
    "nodes-differ": Means(
        "table des destinataires différente d'un poste à l'autre", "les postes n'ont pas la même table"
    ),
    "journal": Means(
        "journal qui n'est plus signé ni copié, ou rompu (preuves.md)", "le journal n'est plus signé ou est rompu"
    ),
    "allowed-domains": Means(
        "liste blanche absente, trop vieille, ou que le programme n'arrive plus à renouveler",
        "la liste blanche est à renouveler",
    ),
    "directory": Means(
        "annuaire dont les données sont trop vieilles, abîmées ou ne se renouvellent plus",
        "un annuaire n'est plus à jour",
    ),
    "silence": Means("plus rien n'arrive d'une source depuis trop d'heures ouvrées", "plus rien n'arrive du SIL"),
    "oldest": Means("un envoi n'est toujours pas terminé après trop d'heures", "un envoi traîne"),
    "held": Means(
        "envois en attente d'un opérateur, trop nombreux ou depuis trop d'heures ouvrées",
        "des envois attendent une personne",
    ),
    "failed": Means("envois en échec que personne n'a encore rejoués ni clos", "des envois sont en échec"),
    "failure-rate": Means("trop d'échecs parmi les derniers envois d'un canal", "trop d'envois échouent"),
    "quarantine": Means("fichiers illisibles, en quarantaine depuis trop d'heures ouvrées", "des fichiers illisibles"),
    "paper": Means("courriers à imprimer depuis trop d'heures ouvrées", "des courriers à imprimer"),
    "paused": Means("pause mise par une personne, et qui dure", "une pause dure"),
    "key-fault": Means("clé ou certificat du laboratoire inutilisable ou expiré", "une clé est inutilisable"),
    "key-expiring": Means("clé ou certificat du laboratoire qui expire bientôt", "une clé expire bientôt"),
    "certificate-expiring": Means(
        "certificats de destinataires qui expirent bientôt, sans successeur connu",
        "des certificats de destinataires expirent",
    ),
    "data-expiring": Means(
        "liste blanche ou annuaire bientôt trop vieux pour servir", "liste blanche ou annuaire bientôt trop vieux"
    ),
    "no-signer": Means(
        "aucune clé de signature utilisable : ni journal signé, ni preuve", "aucune clé pour signer les preuves"
    ),
    "backup": Means("dernière sauvegarde trop ancienne, ou jamais faite", "la sauvegarde est trop ancienne"),
    "watcher": Means("surveillance d'un dossier morte ; les passages réguliers continuent", "surveillance arrêtée"),
    "worker": Means("un ouvrier du service est mort et a été relancé", "un ouvrier du service est mort"),
    "tick": Means("une tâche du service ne tourne plus, ou n'en finit pas", "une tâche du service est bloquée"),
    "clock": Means("l'horloge d'un poste a sauté ou n'est pas crédible", "l'horloge a sauté"),
    "alarm-way": Means("un moyen d'alerter ne marche plus", "un moyen d'alerter ne marche plus"),
}

URGENT = frozenset({"urgent-late", "unread", "disk", "no-service", "tick", "node-silent"})
"""Codes told at any hour."""
SINGLY = frozenset({"urgent-late", "unread"})
"""Codes whose subject is one dispatch: each is an incident of its own, so that every one is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something a person must see to."""

    code: str
    """One of :data:`CODES`."""
    text: str
    """One French sentence or two; no patient, no file name."""
    since: datetime | None = None
    """Where it is known."""
    detail: str = ""
    """The reason in full."""
    hint: str = ""
    """What to do."""
    subject: str = ""
    """Which channel, source, node, dispatch: with the code it is the key; alarms of one key are one incident."""
    outside: str = ""
    """What may leave the house by a plain mail; empty: ``text``. Without what a person or a server wrote."""
    count: int = 1
    """How many things it is about."""
    stage: int = 0
    """How many of its steps were passed (60, 30, 7, 1 days): each is told."""
    notice: bool = False
    """Only a :attr:`Level.NOTICE`."""

    @property
    def key(self) -> str:
        """Stable for as long as the trouble is the same."""
        return f"{self.code}:{self.subject}" if self.subject else self.code

    @property
    def level(self) -> Level:
        """How much it presses."""
        if self.notice:
            return Level.NOTICE
        return Level.URGENT if self.code in URGENT else Level.ALARM
