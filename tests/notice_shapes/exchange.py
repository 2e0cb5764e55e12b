"""Delivery notices of Exchange and of Exchange Online, in French and English, with and without their field part."""

from __future__ import annotations

from tests.notice_shapes.building import (
    NADEGE,
    RETURNED,
    SOINS,
    Said,
    Shape,
    about,
    dsn,
    fields,
    header,
    mail,
    multipart,
    part,
)

_FROM = "Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@cabinet-morvan.test>"
_MAILTO = f"Nadège Morvan<mailto:{NADEGE}>"
_DIAGNOSIS_FR = (
    "\n\n\nInformations de diagnostic pour les administrateurs :\n\nServeur de génération : ex1.cabinet-morvan.test\n\n"
    f"{NADEGE}\nRemote Server returned '550 5.1.1 RESOLVER.ADR.RecipNotFound; not found'\n\n"
    f"En-têtes de message d'origine :\n\n{RETURNED}"
)
_DIAGNOSIS_EN = (
    "\n\n\nDiagnostic information for administrators:\n\nGenerating server: ex1.cabinet-morvan.test\n\n"
    f"{NADEGE}\n#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##rfc822;{NADEGE}\n\n"
    f"Original message headers:\n\n{RETURNED}"
)

# name: subject, words, action, status, class
_TOLD = {
    "failed_fr": (
        "Non remis : résultats",
        f"Échec de la remise à ces destinataires ou groupes :\n\n{_MAILTO}\nL'adresse de messagerie que vous avez "
        f"entrée "
        "est introuvable.",
        ("failed", "5.1.1", "permanent"),
    ),
    "failed_en": (
        "Undeliverable: results",
        f"Delivery has failed to these recipients or groups:\n\n{_MAILTO}\nThe email address you entered couldn't be "
        f"found.",
        ("failed", "5.1.1", "permanent"),
    ),
    "quota_fr": (
        "Non remis : résultats",
        f"Échec de la remise à ces destinataires ou groupes :\n\n{_MAILTO}\nLa boîte aux lettres du destinataire est "
        f"pleine.",
        ("failed", "5.2.2", "permanent"),
    ),
    "delayed_fr": (
        "Remise différée : résultats",
        f"La remise à ces destinataires ou groupes a été différée :\n\n{_MAILTO}\nCe message n'a pas encore été "
        f"remis. Les "
        "tentatives de remise vont se poursuivre.",
        ("delayed", "4.4.7", "temporary"),
    ),
    "delayed_en": (
        "Delivery delayed: results",
        f"Delivery is delayed to these recipients or groups:\n\n{_MAILTO}\nThis message hasn't been delivered yet. "
        f"Delivery "
        "will continue to be attempted.",
        ("delayed", "4.4.7", "temporary"),
    ),
    "delivered_fr": (
        "Remis : résultats",
        f"Votre message a été remis aux destinataires suivants :\n\n{_MAILTO}\n\nObjet : résultats",
        ("delivered", "2.0.0", "success"),
    ),
    "relayed_fr": (
        "Relayé : résultats",
        "La remise à ces destinataires ou groupes est terminée, mais aucune notification de remise n'a été envoyée "
        "par le "
        f"serveur de destination :\n\n{_MAILTO}\n",
        ("relayed", "2.0.0", "success"),
    ),
    "relayed_en": (
        "Relayed: results",
        "Delivery to these recipients or groups is complete, but no delivery notification was sent by the destination "
        f"server:\n\n{_MAILTO}\n",
        ("relayed", "2.0.0", "success"),
    ),
    "expanded_fr": (
        "Développé : résultats",
        f"Votre message a été remis aux groupes suivants :\n\n{_MAILTO}\n",
        ("expanded", "2.0.0", "success"),
    ),
}


def _reports() -> list[Shape]:
    return [
        Shape(
            f"exchange_{name}",
            dsn(
                about(fields(action, status, ""), first="Reporting-MTA: dns;ex1.cabinet-morvan.test\n"),
                words,
                head=header(_FROM, subject, "Content-Language: fr-FR", "Auto-Submitted: auto-replied"),
            ),
            (Said(action=action, status=status, class_=class_),),
        )
        for name, (subject, words, (action, status, class_)) in _TOLD.items()
    ]


def _with_diagnosis() -> list[Shape]:
    head = header(_FROM, "Non remis : résultats")
    html = (
        "<html><head><style>p {color: red}</style></head><body><p><b>Échec de la remise à ces destinataires ou groupes "
        f":</b></p><p><a href='mailto:{NADEGE}'>Nadège</a></p></body></html>"
    )
    alternative = (
        f"--a\nContent-Type: text/plain; charset=utf-8\n\nÉchec de la remise{_DIAGNOSIS_FR}\n--a\n"
        f"Content-Type: text/html; charset=utf-8\n\n{html}\n--a--\n"
    )
    status = about(
        fields(diagnostic="smtp;550 5.1.1 RESOLVER.ADR.RecipNotFound; not found", more="X-Display-Name: N\n")
    )
    kind = "multipart/report; report-type=delivery-status"
    return [
        Shape(
            "exchange_alternative_inside",
            multipart(
                head,
                kind,
                part("multipart/alternative; differences=Content-Type; boundary=a", alternative),
                part("message/delivery-status", status),
                part("message/rfc822", RETURNED),
            ),
            (Said(status="5.1.1", words="RESOLVER.ADR.RecipNotFound"),),
        ),
        Shape(
            "exchange_two_recipients",
            dsn(
                about(fields("failed", "5.1.1", ""), fields("failed", "5.2.2", "", final=f"rfc822;{SOINS}")), head=head
            ),
            (Said(status="5.1.1"), Said(status="5.2.2", recipient=SOINS)),
        ),
        Shape(
            "exchange_2003",
            dsn(
                about(fields(diagnostic="", more="X-Display-Name: Nadège Morvan\n")),
                f"This is an automatically generated Delivery Status Notification.\n\nDelivery to the following "
                f"recipients "
                f"failed.\n\n       {NADEGE}\n",
                head=header("postmaster@cabinet-morvan.test", "Delivery Status Notification (Failure)"),
            ),
            (Said(status="5.1.1"),),
        ),
        Shape(
            "exchange_2003_french",
            dsn(
                about(fields("delayed", "4.4.7", "")),
                "Ceci est une notification d'état de remise générée automatiquement.\n\nCE MESSAGE EST UN "
                "AVERTISSEMENT "
                f"UNIQUEMENT.\n\nLa remise aux destinataires suivants a été retardée.\n\n       {NADEGE}\n",
                head=header("postmaster@cabinet-morvan.test", "Notification d'état de remise (délai)"),
            ),
            (Said(action="delayed", status="4.4.7", class_="temporary"),),
        ),
        Shape(
            "exchange_fields_in_base64",
            multipart(
                head,
                kind,
                part("text/plain; charset=utf-8", f"Échec de la remise{_DIAGNOSIS_FR}", "base64"),
                part("message/delivery-status", status, "base64"),
                part("message/rfc822", RETURNED, "base64"),
            ),
            (Said(status="5.1.1"),),
        ),
    ]


def _without_fields() -> list[Shape]:
    plain = Said(kind="error-mail", status="5.1.1", words="RecipNotFound")
    head = "Content-Type: text/plain; charset=utf-8"
    failed_fr, failed_en = _TOLD["failed_fr"][1], _TOLD["failed_en"][1]
    return [
        Shape(
            "exchange_text_alone_fr",
            mail(header(_FROM, "Non remis : résultats", head), failed_fr + _DIAGNOSIS_FR),
            (plain,),
        ),
        Shape(
            "exchange_text_alone_en",
            mail(header(_FROM, "Undeliverable: results", head), failed_en + _DIAGNOSIS_EN),
            (plain,),
        ),
        Shape(
            "exchange_html_alone_fr",
            mail(
                header(_FROM, "Non remis : résultats", "Content-Type: text/html; charset=utf-8"),
                "<p>Échec de la remise à ces destinataires ou groupes :</p>"
                f'<p><a href="mailto:{NADEGE}">{NADEGE}</a><br>La boîte de réception du destinataire est pleine.</p>',
            ),
            (Said(kind="error-mail", message_id=None),),
        ),
        Shape(
            "exchange_5_5_french",
            mail(
                header("Administrateur système <postmaster@cabinet-morvan.test>", "Non remis : résultats", head),
                "Votre message\n\n  À :     Nadège Morvan\n  Objet : résultats\n  Date :  17/11/2026 09:12\n\n"
                f"n'a pas pu être remis au(x) destinataire(s) suivant(s) :\n\n{NADEGE} le 17/11/2026 09:12\n"
                "    Le nom du destinataire n'est pas reconnu\n",
            ),
            (Said(kind="error-mail", message_id=None),),
        ),
        Shape(
            "office365_sentence_fr",
            mail(
                header("postmaster@cabinet-morvan.test", "Non remis : résultats", head),
                f"Votre message à {NADEGE} n'a pas pu être remis.\n\nnadege.morvan est introuvable dans "
                "cabinet-morvan.test.\n",
            ),
            (Said(kind="error-mail", message_id=None),),
        ),
        Shape(
            "office365_sentence_en",
            mail(
                header("postmaster@cabinet-morvan.test", "Undeliverable: results", head),
                f"Your message to {NADEGE} couldn't be delivered.\n\nnadege.morvan wasn't found at "
                f"cabinet-morvan.test.\n",
            ),
            (Said(kind="error-mail", message_id=None),),
        ),
    ]


SHAPES = (*_reports(), *_with_diagnosis(), *_without_fields())
