"""Why routing holds: each code with what it means and what to do, in French. A code stands here once, and never
changes its meaning: it is kept with dispatches and shown to operators.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """One code for operators."""

    means: str
    """What was found."""
    do: str
    """What to do."""


OUTSIDE: dict[str, Reason] = {
    "directory-unavailable": Reason(
        "Une copie de l'annuaire ou la table du laboratoire ne se lit pas : répondre sans elle pourrait nommer une "
        "autre boîte.",
        "Regarder « dispatcher check », réparer ou réimporter, puis libérer.",
    ),
    "address-changed": Reason(
        "Le serveur ne connaît pas cette boîte, et l'annuaire ou la table en donnent une autre depuis l'envoi.",
        "Vérifier la nouvelle adresse (« dispatcher explain »), puis « dispatcher release » ; sinon clore.",
    ),
    "opposition": Reason(
        "Une opposition a été enregistrée après la préparation de l'envoi ; elle a été vue au moment de la remise.",
        "Clore l'envoi et remettre le compte rendu autrement.",
    ),
}
"""Codes around the rules: before them (facts could not be had) and after them (right before a mail leaves)."""

HOLDS: dict[str, Reason] = {
    "not-for-professionals": Reason(
        "Le laboratoire demande de ne pas envoyer ce document aux professionnels (DESTMSSANTEPS = N).",
        "Clore l'envoi, ou corriger la consigne dans le SIL et réémettre.",
    ),
    "masked-from-professionals": Reason(
        "Le document est masqué aux professionnels (MASQUE_PS = Y).",
        "Clore l'envoi, ou corriger la consigne dans le SIL et réémettre.",
    ),
    "hidden-from-guardians": Reason(
        "Le document est invisible aux représentants légaux, et rien ne le demande pour les professionnels.",
        "Corriger les consignes dans le SIL et réémettre, ou libérer l'envoi en connaissance de cause.",
    ),
    "not-for-patient": Reason(
        "Le laboratoire demande de ne pas envoyer ce document au patient (DESTMSSANTEPAT = N), et le fichier donne "
        "pourtant son adresse.",
        "Clore l'envoi, ou corriger la consigne dans le SIL et réémettre.",
    ),
    "hidden-from-patient": Reason(
        "Le document est invisible au patient (INVISIBLE_PATIENT = Y).",
        "Clore l'envoi ; réémettre quand le résultat a été annoncé au patient.",
    ),
    "restricted-document": Reason(
        "Le document est de confidentialité restreinte ou très restreinte (R ou V : confidentialityCode du CDA, TXA-18 "
        "ou ORC-28 en HL7).",
        "Vérifier auprès du biologiste que ce destinataire doit le recevoir, puis libérer l'envoi en connaissance de "
        "cause (« dispatcher release --despite-errors »), ou le clore.",
    ),
    "patient-recipient": Reason(
        "L'adresse est celle d'un patient : soit l'envoi aux patients n'est pas en service, soit le destinataire est "
        "un professionnel.",
        "Mettre l'envoi aux patients en service (« patients = true » dans [routing]), ou corriger le destinataire.",
    ),
    "patient-identity": Reason(
        "Le patient n'a pas d'INS qualifiée dont la clé est juste : sa boîte ne peut pas être formée.",
        "Qualifier l'identité dans le SIL et réémettre, ou clore l'envoi.",
    ),
    "patient-address": Reason(
        "Le fichier donne une adresse de patient qui n'est pas celle que forme l'INS du patient du compte rendu.",
        "Vérifier l'export du SIL : jamais l'adresse d'un parent ni d'un autre patient. Clore l'envoi.",
    ),
    "bad-address": Reason(
        "L'adresse donnée est mal formée.",
        "La corriger dans le SIL, ou choisir une adresse (« dispatcher release --to ADRESSE »).",
    ),
    "unknown-recipient": Reason(
        "Le destinataire n'a ni adresse, ni code connu, ni numéro qui mène à une boîte.",
        "Ajouter son code à la table des destinataires avec son RPPS ou son adresse, ou choisir une adresse.",
    ),
    "ambiguous-recipient": Reason(
        "Plusieurs personnes, lignes de la table ou boîtes conviennent également.",
        "Choisir parmi les candidats, et indiquer l'adresse dans la table pour la prochaine fois.",
    ),
    "ambiguous-correspondence": Reason(
        "La correspondance ADELI-RPPS donne plusieurs numéros pour le même professionnel.",
        "Demander au destinataire son RPPS, et l'inscrire dans la table.",
    ),
    "identifier-disagrees": Reason(
        "L'adresse ou le numéro donnés sont de quelqu'un d'autre que ce que disent l'annuaire ou la ligne de la table.",
        "Vérifier la fiche du prescripteur dans le SIL et sa ligne de la table.",
    ),
    "name-disagrees": Reason(
        "Le nom du compte rendu n'est pas celui que l'annuaire donne à ce numéro, cette adresse ou cette structure.",
        "Vérifier le numéro. Si c'est bien la même personne (nom marital, surnom), indiquer dans la table son adresse "
        "et ce nom en libellé.",
    ),
    "unverified-identifier": Reason(
        "La clé du numéro est fausse (ou c'est un ADELI, qui n'en a pas), et aucun nom ne confirme ce numéro.",
        "Vérifier le numéro, faire porter le nom du destinataire au compte rendu, ou indiquer l'adresse dans la table.",
    ),
    "sources-disagree": Reason(
        "Deux sources donnent deux personnes au même numéro ou à la même boîte.",
        "Demander son adresse au destinataire, et l'inscrire dans la table.",
    ),
    "moved-away": Reason(
        "Le compte rendu place la personne dans une structure où l'annuaire ne la connaît pas, ou plus.",
        "Corriger sa fiche dans le SIL, ou indiquer son adresse dans la table.",
    ),
    "red-list": Reason(
        "La seule boîte du destinataire est en liste rouge : elle n'est pas à prendre dans un annuaire.",
        "Lui demander son adresse, et l'inscrire dans la table.",
    ),
    "stale-directory": Reason(
        "Les données de l'annuaire où la boîte a été trouvée sont trop vieilles.",
        "Importer l'annuaire du jour (« dispatcher directory import » ou « sync »), puis libérer.",
    ),
    "unknown-channel": Reason(
        "Le canal demandé n'existe pas dans la configuration.",
        "Corriger la colonne « canal » de la table, ou [routing.domains].",
    ),
    "format-not-carried": Reason(
        "Le format demandé ne peut pas partir par ce canal.",
        "Corriger le format ou le canal dans la table des destinataires.",
    ),
    "untrusted-domain": Reason(
        "Le domaine de l'adresse n'est pas dans la liste des domaines autorisés, ou il n'y a pas de liste.",
        "Trouver une adresse dans l'espace de confiance, ou importer la liste (« dispatcher trust import »).",
    ),
    "stale-domain-list": Reason(
        "La liste des domaines autorisés est trop vieille.",
        "Importer la liste du jour (« dispatcher trust import »), puis libérer.",
    ),
    "certificate-unknown": Reason(
        "On n'a pas pu établir si le destinataire a un certificat utilisable.",
        "Regarder « dispatcher directory certificates ADRESSE », rétablir ce qui manque, puis libérer.",
    ),
    "no-protection": Reason(
        "Ni certificat, ni TLS mutuel, ni logiciel de chiffrement du site : l'envoi partirait en clair.",
        "Déposer le certificat du destinataire, ou compléter la configuration du canal.",
    ),
}
