"""Failure and delay mails in French: hosts, webmails, hospital gateways and localised templates, in their own words."""

from __future__ import annotations

from dataclasses import replace

from tests.notice_shapes.building import (
    MAILER,
    NADEGE,
    OURS,
    RETURNED,
    RETURNED_HEADER,
    SOINS,
    Said,
    Shape,
    header,
    mail,
    multipart,
    part,
)

_COPY = "\n\n----- Message original -----\n\n" + RETURNED
_UTF8 = "Content-Type: text/plain; charset=utf-8"


def _failed(words: str = "", status: str | None = None, **said: str | None) -> Said:
    return replace(Said(kind="error-mail", status=status, words=words), **said)


def _delayed(words: str = "") -> Said:
    return Said(kind="error-mail", action="delayed", class_="temporary", words=words)


_DAEMON = "Système de messagerie <MAILER-DAEMON@relais.test>"
_POSTMASTER = "postmaster@cabinet-morvan.test"

_TOLD = {
    "postfix_template": (
        _DAEMON,
        "Courrier non remis, retourné à l'expéditeur",
        "Ceci est le système de messagerie de l'hôte relais.test.\n\nNous sommes désolés de vous informer que votre "
        "message n'a "
        f"pas pu être\nremis à un ou plusieurs destinataires.\n\n<{NADEGE}>: host mx.test[192.0.2.40] said: 550 5.1.1\n"
        "    utilisateur inconnu (in reply to RCPT TO command)",
        _failed("utilisateur inconnu", "5.1.1"),
    ),
    "delivre": (
        _DAEMON,
        "Échec de la distribution du courriel",
        f"Votre message n'a pas pu être délivré à {NADEGE}.\nMotif : la boîte est pleine.",
        _failed("pleine"),
    ),
    "distribue": (
        _DAEMON,
        "Avis de non-distribution",
        f"Votre courriel n'a pu être distribué au destinataire suivant :\n\n    {NADEGE}\n    adresse inexistante",
        _failed("inexistante"),
    ),
    "achemine": (
        _DAEMON,
        "Message non acheminé",
        f"Le message n'a pas pu être acheminé vers {NADEGE} : domaine introuvable.",
        _failed("introuvable"),
    ),
    "parvenu": (
        _POSTMASTER,
        "Non remis : résultats",
        f"Votre message n'est pas parvenu à certains des destinataires prévus.\n\n{NADEGE} le 17/11/2026 09:12\n    "
        "550 5.1.1 boîte aux lettres introuvable",
        _failed("introuvable", "5.1.1"),
    ),
    "impossible_de_remettre": (
        _DAEMON,
        "Retour à l'expéditeur",
        f"Impossible de remettre votre message à l'adresse <{NADEGE}>.\nRaison : utilisateur inconnu.",
        _failed("inconnu"),
    ),
    "utilisateur_inconnu": (
        _POSTMASTER,
        "Utilisateur inconnu",
        f"L'utilisateur {NADEGE} est inconnu sur ce serveur. Votre message n'a pas été remis.",
        _failed("inconnu"),
    ),
    "destinataire_inconnu": (
        _DAEMON,
        "Rapport de non-remise",
        f"Destinataire : {NADEGE}\nErreur : 550 Destinataire inconnu",
        _failed("550 Destinataire inconnu"),
    ),
    "boite_saturee": (
        _POSTMASTER,
        "Boîte aux lettres saturée",
        f"La boîte aux lettres de {NADEGE} est saturée, votre message n'a pas été délivré.",
        _failed("saturée"),
    ),
    "quota_depasse": (
        _DAEMON,
        "Message non délivré",
        f"Votre message à {NADEGE} est refusé : quota dépassé (552 5.2.2).",
        _failed("quota dépassé", "5.2.2"),
    ),
    "inactive_sixty_days": (
        "postmaster@messagerie-securisee.test",
        "Votre message n'a pas été remis",
        f"Le compte {NADEGE} n'a pas relevé ses messages depuis plus de 60 jours : sa réception est "
        f"désactivée.\nVotre message n'a "
        "pas été remis.",
        _failed("désactivée"),
    ),
    "closed_patient_box": (
        "postmaster@patient.messagerie.test",
        "Undelivered Mail Returned to Sender",
        f"Votre message n'a pas pu être remis à {NADEGE}. La messagerie est fermée.",
        _failed("remis"),
    ),
    "too_large": (
        _DAEMON,
        "Message refusé",
        f"Votre message pour {NADEGE} a été rejeté : taille maximale dépassée (552 5.3.4).",
        _failed("taille maximale", "5.3.4"),
    ),
    "virus": (
        "Passerelle <postmaster@ch-littoral.test>",
        "Message bloqué par la passerelle",
        f"Votre message destiné à {NADEGE} a été bloqué car il contient une pièce jointe interdite. Il n'a pas été "
        f"remis.",
        _failed("bloqué"),
    ),
    "spam": (
        "Passerelle <postmaster@ch-littoral.test>",
        "Message rejeté",
        f"Le message envoyé à {NADEGE} a été refusé par notre filtre antispam et n'a pas été distribué.",
        _failed("antispam"),
    ),
    "final_failure": (
        _DAEMON,
        "Échec définitif",
        f"Échec définitif de la remise à <{NADEGE}> après 5 jours : le serveur ne répond pas.",
        _failed("ne répond pas"),
    ),
    "left_the_practice": (
        _POSTMASTER,
        "Adresse désactivée",
        f"L'adresse {NADEGE} a été supprimée. Votre message n'a pas été remis.",
        _failed("supprimée"),
    ),
    "delay_hours": (
        _DAEMON,
        "Remise différée",
        f"La remise de votre message à {NADEGE} est différée. Nouvelles tentatives pendant 5 jours.",
        _delayed(),
    ),
    "delay_not_yet": (
        _DAEMON,
        "Avertissement : message retardé de 4 heures",
        f"Votre message n'a pas encore pu être remis à :\n\n  <{NADEGE}>\n    connexion refusée\n\nLes tentatives de "
        f"remise vont se "
        "poursuivre, vous n'avez rien à faire.",
        _delayed(),
    ),
    "delay_warning_only": (
        _DAEMON,
        "Message retardé",
        f"CECI EST UN AVERTISSEMENT SEULEMENT.\n\nVotre message pour {NADEGE} est retardé : serveur injoignable.",
        _delayed("injoignable"),
    ),
}
"""Name: sender, subject, words, what they say."""

_PAIR = (
    "Votre message n'a pas pu être remis aux destinataires suivants :\n\n"
    f"<{NADEGE}>: 550 5.1.1 inconnu\n\n<{SOINS}>: 552 5.2.2 boîte pleine\n"
)


def _special() -> list[Shape]:
    head = header(_DAEMON, "=?iso-8859-1?Q?=C9chec_de_la_remise?=", "Content-Type: text/plain; charset=iso-8859-1")
    undeclared = header(_DAEMON, "Echec de la remise")
    words = f"Votre message n'a pas pu être remis à {NADEGE} : adresse erronée, boîte fermée.\n"
    both = (_failed(status="5.1.1"), _failed(status="5.2.2", recipient=SOINS))
    told = _failed("boîte fermée", message_id=None)
    quoted = "\n".join(f"> {line}" for line in RETURNED.splitlines())
    return [
        Shape("french_two_recipients", mail(header(_DAEMON, "Non remis", _UTF8), _PAIR + _COPY), both),
        Shape("french_latin_1", mail(head, words, "iso-8859-1"), (told,)),
        Shape("french_undeclared_windows_1252", mail(undeclared, words, "cp1252"), (told,)),
        Shape(
            "french_typographic_apostrophe",
            mail(header(_DAEMON, "Non remis", _UTF8), words.replace("'", "\u2019")),
            (told,),
        ),
        Shape(
            "french_quoted_copy",
            mail(header(_DAEMON, "Non remis", _UTF8), words + "\nCopie du message :\n\n" + quoted),
            (_failed("boîte fermée"),),
        ),
        Shape(
            "french_base64",
            multipart(
                header(_DAEMON, "Non remis"),
                "multipart/mixed",
                part("text/plain; charset=utf-8", words, "base64"),
                part("text/rfc822-headers", RETURNED_HEADER),
            ),
            (_failed("boîte fermée"),),
        ),
        Shape(
            "french_html",
            multipart(
                header(_POSTMASTER, "Votre message n'a pas été remis"),
                "multipart/mixed",
                part(
                    "text/html; charset=utf-8",
                    words.replace("à", "&agrave;").replace("ê", "&ecirc;"),
                    "quoted-printable",
                ),
                part("message/rfc822", RETURNED),
            ),
            (_failed("boîte fermée"),),
        ),
        Shape(
            "french_our_own_address_is_no_recipient",
            mail(
                header(MAILER, "Échec de la remise", _UTF8),
                f"Le message de {OURS} n'a pas pu être remis à <{NADEGE}>. Contactez assistance@relais.test." + _COPY,
            ),
            (_failed(),),
        ),
    ]


SHAPES = (
    *(
        Shape(f"french_{name}", mail(header(sender, subject, _UTF8), words + _COPY), (said,))
        for name, (sender, subject, words, said) in _TOLD.items()
    ),
    *_special(),
)
