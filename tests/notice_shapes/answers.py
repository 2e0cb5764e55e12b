"""Mails that are no receipt: automatic answers, challenges, abandoned boxes, persons, complaints, and pretended "
"notices."""

from __future__ import annotations

from tests.notice_shapes.building import (
    DSN,
    MDN,
    MID,
    NADEGE,
    RETURNED,
    Said,
    Shape,
    about,
    fields,
    header,
    mail,
    multipart,
    part,
)
from tests.notice_shapes.readers import told as read_fields

_FROM = f"Nadège Morvan <{NADEGE}>"
_REPLY = f"In-Reply-To: {MID}"
_AWAY = Said(kind="auto-reply", action=None, class_=None)
_HUMAN = Said(kind="other", action=None, class_=None)
_HELLO = part("text/plain", "Bonjour.")
_GONE = Said(kind="error-mail")

# name: subject, further header lines, words
_ABSENT = {
    "outlook_fr": (
        "Réponse automatique : résultats",
        ("X-Auto-Response-Suppress: All",),
        "Je suis absente jusqu'au 30.",
    ),
    "outlook_en": ("Automatic reply: results", ("X-Auto-Response-Suppress: All",), "I am away until the 30th."),
    "sieve_vacation": ("Auto: résultats", ("Auto-Submitted: auto-replied (vacation)",), "De retour lundi."),
    "vacation_program": ("away from my mail", ("Precedence: bulk", "Auto-Submitted: auto-replied"), "Back on Monday."),
    "zimbra_fr": ("Re: résultats", ("X-Zimbra-Autoreply: yes", "Auto-Submitted: auto-replied (zimbra)"), "Congés."),
    "lotus": ("Nadège Morvan est absent(e).", ("Auto-Submitted: auto-generated",), "Je serai absente du bureau."),
    "x_autoreply": ("Re: résultats", ("X-Autoreply: yes",), "Cabinet fermé."),
    "x_autorespond": ("Re: résultats", ("X-Autorespond: resultats",), "Cabinet fermé."),
    "auto_reply_precedence": ("Re: résultats", ("Precedence: auto_reply",), "Cabinet fermé."),
    "junk_precedence": ("Re: résultats", ("Precedence: junk",), "Cabinet fermé jusqu'au 30."),
    "empty_return_path": ("Merci de votre courriel", ("Return-Path: <>",), "Je vous réponds dès que possible."),
    "absence_subject": ("Absence du 16 au 30 novembre", (), "En cas d'urgence, appelez le 15."),
    "absent_subject": ("Absente jusqu'au 30 novembre", (), "Merci d'appeler le cabinet."),
    "office_subject": ("Out of Office: results", (), "I will be back on Monday."),
    "conges_subject": ("Congés annuels", (), "Le cabinet est fermé."),
    "cabinet_closed": ("Cabinet fermé du 16 au 30", (), "Merci de contacter mon remplaçant."),
    "absence_answer": ("Réponse d'absence", (), "Je rentre lundi."),
    "absence_told": ("Notification d'absence", (), "Je rentre lundi."),
    "auto_answer": ("Auto-réponse : résultats", (), "Je rentre lundi."),
    "auto_reply_in_brackets": ("[Auto-Reply] results", (), "Back on Monday."),
    "answering_machine": ("Répondeur du cabinet", (), "Je rentre lundi."),
    "automatic_message": ("Message automatique", (), "Je rentre lundi."),
    "unavailable": ("Indisponible jusqu'au 30 novembre", (), "Je rentre lundi."),
    "practice_closed": ("Cabinet médical fermé", (), "Réouverture lundi."),
    "well_received": ("Votre message a bien été reçu", (), "Une réponse vous sera faite sous 48 h."),
    "made_automatically": ("Re: résultats", (), "Ce message est généré automatiquement, merci de ne pas y répondre."),
    "away_in_words": ("Re: résultats", (), "Je suis absente du cabinet jusqu'au 30. Urgences : faites le 15."),
    "encoded_subject": ("=?iso-8859-1?Q?R=E9ponse_automatique_=3A_r=E9sultats?=", (), "Je rentre lundi."),
    "words_only": ("Re: résultats", (), "Ceci est une réponse automatique, merci de ne pas y répondre."),
    "german": ("Automatische Antwort: Ergebnisse", (), "Ich bin nicht im Büro."),
    "spanish": ("Respuesta automática: resultados", (), "Estoy fuera de la oficina."),
    "received_well": ("Accusé de réception automatique", (), "Nous avons bien reçu votre courriel."),
    "patient_box": ("Réponse automatique", ("Auto-Submitted: auto-replied",), "Votre message a bien été reçu."),
    "challenge_fr": (
        "Demande d'authentification",
        (),
        "Bonjour,\n\nMa messagerie est protégée. Pour que votre message me parvienne, merci de vous authentifier en "
        "cliquant sur le "
        "lien ci-dessous.\n\nhttps://filtre.test/a/1",
    ),
    "challenge_captcha_fr": (
        "Votre message est en attente",
        (),
        "Votre message du 17/11/2026 est en attente : cliquez ici pour confirmer que vous n'êtes pas un robot.",
    ),
    "challenge_en": (
        "RE: results",
        (),
        "This account is protected by Filter. Please click on the following link to have your address added to the "
        "recipient's "
        "allowed list and to ensure delivery of your email.",
    ),
    "challenge_verify": (
        "Your email requires verification verify#abc",
        (),
        "The message you sent requires that you verify that you are a real live human being. To complete this "
        "verification, simply "
        "reply to this message.",
    ),
}

_LEFT = {
    "address_left": (
        "Réponse automatique : résultats",
        "Cette adresse n'est plus utilisée. Écrivez à contact@autre.test.",
    ),
    "retired": ("Réponse automatique", "Le Dr Morvan a cessé son activité le 30 juin 2026."),
    "left_hospital": ("Réponse automatique", "Nadège Morvan a quitté l'établissement."),
    "closed_account": ("Automatic reply", "This mailbox is no longer monitored."),
    "box_disabled": ("Réponse automatique", "Cette boîte aux lettres est désactivée."),
}

_PERSONS = {
    "thanks": ("Re: résultats", "Bien reçu, merci."),
    "question": ("Re: résultats", "Pourriez-vous me faxer la page 2 ? Elle n'a pas été lue."),
    "tells_of_an_absence": ("Re: résultats", "Le patient est absent du service jusqu'à lundi."),
    "patient_on_leave": ("Re: résultats", "Le patient est en congé, je le verrai lundi."),
    "receipt_told": ("Re: résultats", "Merci, je vous confirme la réception du compte rendu de biologie."),
    "subject_names_an_absence": ("Re: patient absent au rendez-vous", "Il n'est pas venu."),
    "subject_says_who_is_absent": ("Re: le patient est absent", "Reporté à lundi."),
    "subject_misses_an_answer": ("Re: absence de réponse du laboratoire", "Je n'ai rien reçu."),
    "tells_of_a_failure": ("Re: bilan", "Le courrier n'a pas pu être remis au patient : y@z.test inconnu."),
    "quotes_a_disposition": (
        "Re: résultats",
        "On me demande :\n\nDisposition: manual-action/MDN-sent-manually; displayed\n",
    ),
    "quotes_a_delivery": (
        "Re: résultats",
        f"Reçu ceci hier :\n\nFinal-Recipient: rfc822; {NADEGE}\nAction: delivered\nStatus: 2.0.0\n",
    ),
}


def _answer(name: str, subject: str, words: str, said: Said) -> Shape:
    return Shape(name, mail(header(_FROM, subject, _REPLY), words), (said,))


def _pretended() -> list[Shape]:
    """Fields that stand where no notice has them: inside the copy of our own mail, or in an attached text."""
    delivered = about(fields("delivered", "2.0.0", "smtp; 250 Ok"))
    head = header(_FROM, "Re: résultats", _REPLY)
    in_copy = RETURNED + f"\n{delivered}\n"
    complaint = header("Plaintes <plaintes@fournisseur.test>", "Abuse report")
    return [
        Shape(
            "no_read_notice_in_an_attached_text",
            multipart(head, "multipart/mixed", _HELLO, part("text/plain; name=n.txt", read_fields())),
            (_HUMAN,),
        ),
        Shape(
            "no_delivery_in_an_attached_text",
            multipart(head, "multipart/mixed", _HELLO, part("text/plain; name=d.txt", delivered)),
            (_HUMAN,),
        ),
        Shape(
            "failure_whose_copy_pretends_delivery",
            multipart(
                header("MAILER-DAEMON@relais.test", "Returned mail"),
                DSN,
                part("text/plain", f"<{NADEGE}>: 550 5.1.1 inconnu"),
                part("message/rfc822", in_copy),
            ),
            (Said(status="5.1.1", words="inconnu"),),
        ),
        Shape(
            "read_notice_without_fields",
            multipart(head, MDN, part("text/plain", "Lu."), part("message/rfc822", RETURNED)),
            (_HUMAN,),
        ),
        Shape(
            "complaint",
            multipart(
                complaint,
                "multipart/report; report-type=feedback-report",
                part("text/plain", "This is an email abuse report."),
                part("message/feedback-report", "Feedback-Type: abuse\nVersion: 1\n"),
                part("message/rfc822", RETURNED),
            ),
            (Said(kind="other", action=None, class_=None, recipient="plaintes@fournisseur.test"),),
        ),
    ]


SHAPES = (
    *(
        Shape(f"auto_{name}", mail(header(_FROM, subject, _REPLY, *more), words), (_AWAY,))
        for name, (subject, more, words) in _ABSENT.items()
    ),
    *(_answer(f"left_{name}", *told, _GONE) for name, told in _LEFT.items()),
    *(_answer(f"person_{name}", *told, _HUMAN) for name, told in _PERSONS.items()),
    *_pretended(),
)
