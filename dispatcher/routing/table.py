"""The rules of routing as one table: in order, each with what it looks at, what it may do and where it comes from.

``docs/acheminement.md`` is written from this table (``python -m tests.tools.routing_rules``). A rule that stops ends
the list. Rules for professionals are not asked about a patient, nor the other way round.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from dispatcher.routing import choice, confirm, delivery, namesakes, pick, wishes
from dispatcher.routing.case import Case, Finding


class May(StrEnum):
    """What a rule may answer."""

    CHOOSE = "choisir"
    PASS = "laisser passer"  # noqa: S105 - no password
    PAPER = "papier"
    HOLD = "retenir"


class Audience(StrEnum):
    """Whom a rule is about."""

    ALL = "tous"
    PROFESSIONALS = "professionnels"
    PATIENT = "patient"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row."""

    name: str
    """Stable: kept with every decision."""
    title: str
    """French."""
    looks_at: str
    """French."""
    may: tuple[May, ...]
    holds: tuple[str, ...]
    """Codes of ``holds.HOLDS`` it may give."""
    source: str
    """Where the rule comes from."""
    apply: Callable[[Case], Finding]
    audience: Audience = Audience.PROFESSIONALS


CHOOSE, PASS, PAPER, HOLD = May.CHOOSE, May.PASS, May.PAPER, May.HOLD
_PROMISE_5 = "promesse 5 : jamais par le nom seul"

RULES: tuple[Rule, ...] = (
    Rule(
        "handling",
        "Consignes du laboratoire",
        "les consignes du message (masqué, invisible, destinataires voulus), la confidentialité que porte le document",
        (PASS, HOLD),
        (
            *("not-for-professionals", "masked-from-professionals", "hidden-from-guardians"),
            *("not-for-patient", "hidden-from-patient", "restricted-document"),
        ),
        "ANS, volet « Transmission d'un document CDA-R2 en HL7 v2 », règles de gestion MSSanté ; CI-SIS, "
        "structuration minimale (confidentialityCode)",
        wishes.handling,
        Audience.ALL,
    ),
    Rule(
        "patient-opposition",
        "Opposition du patient",
        "les oppositions enregistrées sous son INS ou ses numéros locaux",
        (PASS, PAPER),
        (),
        "Ségur, MSS/va1.20 et va1.22",
        wishes.patient_opposition,
        Audience.ALL,
    ),
    Rule(
        "patient-box",
        "Boîte du patient",
        "l'INS qualifiée du patient et sa clé, l'adresse que donne le fichier, le réglage « patients »",
        (CHOOSE, HOLD),
        ("patient-recipient", "patient-identity", "patient-address"),
        "Référentiel MSSanté n° 2, ECO.2.2.6 ; Mon espace santé, guide des éditeurs",
        wishes.patient_box,
        Audience.PATIENT,
    ),
    Rule(
        "explicit-address",
        "Adresse donnée",
        "l'adresse choisie par un opérateur, demandée pour l'envoi, ou portée par le fichier (PRT-15, ligne 12)",
        (CHOOSE, PASS, HOLD),
        ("bad-address",),
        "ANS, volet CDA-R2 en HL7 v2 (PRT) ; HPRIM Médecins, ligne 12",
        choice.explicit_address,
    ),
    Rule(
        "local-table",
        "Table du laboratoire",
        "la ligne de son code qui vaut ce jour-là, à l'heure de Paris (les deux jours compris), et son numéro",
        (CHOOSE, PASS, PAPER, HOLD),
        ("unknown-recipient", "ambiguous-recipient", "identifier-disagrees"),
        "décision du laboratoire",
        choice.local_table,
    ),
    Rule(
        "recipient-opposition",
        "Opposition du destinataire",
        "les oppositions enregistrées sous son numéro, son code ou son adresse",
        (PASS, PAPER),
        (),
        "Ségur, MSS/va1.20 et va1.22",
        wishes.recipient_opposition,
    ),
    Rule(
        "correspondence",
        "Correspondance ADELI-RPPS",
        "la table nationale de correspondance, dans les deux sens",
        (PASS, HOLD),
        ("ambiguous-correspondence",),
        "ANS, passage d'ADELI au RPPS",
        choice.correspondence,
    ),
    Rule(
        "national-identifier",
        "Numéro national",
        "les boîtes de l'annuaire pour son RPPS, ADELI, FINESS ou SIRET ; jamais une boîte applicative",
        (PASS, HOLD),
        ("unknown-recipient",),
        "Annuaire Santé : extraction MSSanté, API FHIR, LDAP",
        choice.national_identifier,
    ),
    Rule(
        "name-only",
        "Nom seul",
        "ce qui reste quand ni adresse ni numéro ne mène quelque part : un nom, un code inconnu",
        (PASS, HOLD),
        ("unknown-recipient", "ambiguous-recipient"),
        _PROMISE_5,
        namesakes.name_only,
    ),
    Rule(
        "same-person",
        "Même personne",
        "le nom et le numéro du fichier, comparés à ce que l'annuaire dit de ce numéro ou de cette boîte",
        (PASS, HOLD),
        ("name-disagrees", "identifier-disagrees", "sources-disagree", "unverified-identifier"),
        f"{_PROMISE_5} ; la ressemblance arrête, elle ne choisit pas",
        confirm.same_person,
    ),
    Rule(
        "paperless",
        "Dématérialisation",
        "la colonne « Dématérialisation » de ses boîtes",
        (PASS, PAPER),
        (),
        "ANS, volet CDA-R2 en HL7 v2, profils de messages",
        pick.paperless,
    ),
    Rule(
        "red-list",
        "Liste rouge",
        "le drapeau « liste rouge » de ses boîtes",
        (PASS, HOLD),
        ("red-list",),
        "ANS, messageries dans l'API FHIR Annuaire Santé",
        pick.red_list,
    ),
    Rule(
        "workplace",
        "Lieu d'exercice",
        "les activités connues de la personne, quand la boîte d'une structure lui est préférée",
        (PASS, HOLD),
        ("moved-away",),
        "PS_LibreAcces_Personne_activite",
        pick.workplace,
    ),
    Rule(
        "one-box",
        "Une seule boîte",
        "parmi ses boîtes : la structure du compte rendu, puis le rang, puis le type préféré",
        (CHOOSE, PASS, HOLD),
        ("ambiguous-recipient",),
        "ANS, rang préféré de l'API FHIR ; réglage « prefer »",
        pick.one_box,
    ),
    Rule(
        "one-owner",
        "Un seul titulaire",
        "ce que les annuaires disent de la boîte retenue : les numéros, et les noms où un numéro ne se compare pas",
        (PASS, HOLD),
        ("sources-disagree",),
        _PROMISE_5,
        confirm.one_owner,
    ),
    Rule(
        "box-opposition",
        "Opposition derrière la boîte",
        "les oppositions enregistrées sous l'adresse retenue, ou sous un numéro que les annuaires y attachent",
        (PASS, PAPER),
        (),
        "Ségur, MSS/va1.20 et va1.22",
        wishes.recipient_opposition,
    ),
    Rule(
        "not-a-patient",
        "Pas la boîte d'un patient",
        "le domaine de l'adresse",
        (PASS, HOLD),
        ("patient-recipient",),
        "Référentiel MSSanté n° 2",
        wishes.not_a_patient,
    ),
    Rule(
        "fresh-directory",
        "Âge de l'annuaire",
        "la date des données où la boîte a été trouvée",
        (PASS, HOLD),
        ("stale-directory",),
        "décision d'architecture 0012",
        delivery.fresh_directory,
    ),
    Rule(
        "channel-and-format",
        "Canal et format",
        "la ligne de la table, puis le domaine de l'adresse, puis le canal par défaut",
        (CHOOSE, HOLD),
        ("unknown-channel", "format-not-carried"),
        "décision du laboratoire",
        delivery.channel_and_format,
        Audience.ALL,
    ),
    Rule(
        "allowed-domain",
        "Espace de confiance",
        "la liste vérifiée des domaines autorisés, et son âge ; redemandé au moment de la remise",
        (PASS, HOLD),
        ("untrusted-domain", "stale-domain-list"),
        "promesse 6 ; liste blanche MSSanté",
        delivery.allowed_domain,
        Audience.ALL,
    ),
    Rule(
        "protection",
        "Protection",
        "le certificat du destinataire, le TLS mutuel du canal, le logiciel de chiffrement du site",
        (CHOOSE, HOLD),
        ("no-protection", "certificate-unknown"),
        "décisions D17 et 0010 : jamais en clair",
        delivery.protection,
        Audience.ALL,
    ),
)
"""In order."""
