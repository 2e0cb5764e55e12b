"""Read notices (RFC 8098) as mail programs and receiving software write them, sound and odd."""

from __future__ import annotations

from tests.notice_shapes.building import (
    ENVID,
    MDN,
    MID,
    NADEGE,
    OURS,
    RETURNED,
    RETURNED_HEADER,
    Said,
    Shape,
    header,
    mail,
    multipart,
    part,
)

_FROM = f"Nadège Morvan <{NADEGE}>"
_SEEN = Said(kind="mdn", action="displayed", class_="success")
_DONE = Said(kind="mdn", action="processed", class_="success")
_BY_HAND = "manual-action/MDN-sent-manually"
_BY_ITSELF = "automatic-action/MDN-sent-automatically"


def told(
    disposition: str = f"{_BY_HAND}; displayed",
    *,
    agent: str = "poste.cabinet-morvan.test; Thunderbird 128",
    final: str = f"rfc822;{NADEGE}",
    original: str = "",
    message_id: str = MID,
    more: str = "",
) -> str:
    """Fields of a read notice (RFC 8098 §3); an empty value leaves the field out."""
    given = (
        ("Reporting-UA", agent),
        ("Original-Recipient", original),
        ("Final-Recipient", final),
        ("Original-Message-ID", message_id),
        ("Disposition", disposition),
    )
    return "".join(f"{name}: {value}\n" for name, value in given if value) + more


def mdn(
    text: str,
    human: str = "Le message a été affiché.",
    *,
    subject: str = "Lu : résultats",
    more: tuple[str, ...] = (),
    returned: bytes = b"",
    fields_type: str = "message/disposition-notification",
    kind: str = MDN,
    encoding: str = "",
    sender: str = _FROM,
) -> bytes:
    """A read notice in two or three parts."""
    parts = [part("text/plain; charset=utf-8", human, encoding), part(fields_type, text, encoding)]
    return multipart(header(sender, subject, *more), kind, *parts, *([returned] if returned else []))


_HEADERS = part("text/rfc822-headers", RETURNED_HEADER)
_WHOLE = part("message/rfc822", RETURNED)

# name: what the program says to people, its subject, its Reporting-UA
_PROGRAMS = {
    "thunderbird_fr": (
        f"Ceci est un accusé de réception pour le message envoyé à {NADEGE}.\n\nNote : Cet accusé de réception "
        f"confirme "
        "seulement que le message a été affiché sur l'ordinateur du destinataire.",
        "Accusé de réception (affiché) - résultats",
        "cabinet-morvan.test; Mozilla/5.0 (Windows NT 10.0; rv:128.0) Thunderbird/128.4.0",
    ),
    "thunderbird_en": (
        "This is a Return Receipt for the mail that you sent.\n\nNote: This Return Receipt only acknowledges that "
        "the message "
        "was displayed on the recipient's computer.",
        "Return Receipt (displayed) - results",
        "cabinet-morvan.test; Mozilla Thunderbird 1.5.0.7",
    ),
    "outlook_fr": (
        f"Votre message\n\n   À : {NADEGE}\n   Objet : résultats\n   Envoyé : mardi 17 novembre 2026 09:12\n\n a été "
        f"lu le mardi "
        "17 novembre 2026 09:40.",
        "Lu : résultats",
        "cabinet-morvan.test; Microsoft Outlook 16.0",
    ),
    "outlook_en": (
        "Your message\n\n  To:      Nadège\n  Subject: results\n  Sent:    17/11/2026 09:12\n\nwas read on "
        "17/11/2026 09:40.",
        "Read: results",
        "Microsoft Outlook",
    ),
    "zimbra": (
        f"Le message envoyé le 17 novembre 2026 à {NADEGE} ayant pour sujet « résultats » a été lu.\nCela ne "
        f"garantit pas qu'il a "
        "été compris.",
        "Accusé de lecture : résultats",
        "zimbra.cabinet-morvan.test; Zimbra 8.8.15",
    ),
    "roundcube": (
        "Ceci est un accusé de réception pour votre message.\nNote : cet accusé indique seulement que le message a "
        "été affiché.",
        "Accusé de réception de lecture (lu) : résultats",
        "Roundcube Webmail/1.6.6",
    ),
    "sogo": (
        "This is a Message Disposition Notification for the message you sent.",
        "[Read] results",
        "sogo.cabinet-morvan.test; SOGo",
    ),
    "horde": (
        "The message sent on 17 Nov 2026 with subject results has been displayed. This is no guarantee that it has "
        "been read.",
        "Displayed Message",
        "webmail; Horde Application Framework; IMP 6",
    ),
    "evolution": ("Your message was read.", "Delivery Notification for: results", "poste; Evolution 3.52"),
    "notes": ("Your document: results was received by Nadège at 09:40", "Return Receipt - results", "HCL Notes 12"),
    "google": (
        f"Your message\n\n  To: {NADEGE}\n  Subject: results\n\nwas read on 17/11/2026 09:40:12.",
        "Read: results",
        "cabinet-morvan.test; Google",
    ),
    "apicrypt_proxy": ("Message lu par le destinataire.", "Accusé de lecture", "apimail; passerelle 2"),
}


def _programs() -> list[Shape]:
    return [
        Shape(f"mdn_{name}", mdn(told(agent=agent), human, subject=subject, returned=_HEADERS), (_SEEN,))
        for name, (human, subject, agent) in _PROGRAMS.items()
    ]


_FIELDS = {
    "processed": (told(f"{_BY_ITSELF}; processed"), _DONE),
    "displayed_by_itself": (told(f"{_BY_ITSELF}; displayed"), _SEEN),
    "deleted_unread": (told(f"{_BY_HAND}; deleted"), Said(kind="mdn", action="deleted", class_=None)),
    "dispatched": (told(f"{_BY_HAND}; dispatched"), Said(kind="mdn", action="dispatched", class_=None)),
    "denied": (told(f"{_BY_HAND}; denied"), Said(kind="mdn", action=None, class_=None)),
    "failed_type": (told(f"{_BY_ITSELF}; failed"), Said(kind="mdn", action="failed")),
    "processed_error": (
        told(f"{_BY_ITSELF}; processed/error", more="Error: fichier XDM illisible\n"),
        Said(kind="mdn", action="processed", words="fichier XDM illisible"),
    ),
    "failure_field": (
        told(f"{_BY_ITSELF}; processed", more="Failure: aucun dossier\n"),
        Said(kind="mdn", action="processed", words="aucun dossier"),
    ),
    "failure_modifier": (
        told(f"{_BY_ITSELF}; displayed/failure: aucun dossier"),
        Said(kind="mdn", action="displayed", words="aucun dossier"),
    ),
    "encoded_words_in_the_failure": (
        told(f"{_BY_ITSELF}; processed", more="Failure: =?iso-8859-1?Q?identit=E9_inconnue?=\n"),
        Said(kind="mdn", action="processed", words="identité inconnue"),
    ),
    "warning_is_no_error": (told(f"{_BY_ITSELF}; processed/warning", more="Warning: doublon\n"), _DONE),
    "no_blank_after_semicolon": (told(f"{_BY_HAND};displayed"), _SEEN),
    "upper_case": (told(f"{_BY_HAND}; DISPLAYED".upper()), _SEEN),
    "folded_disposition": (told(f"{_BY_HAND};\n displayed"), _SEEN),
    "mode_left_out": (told("displayed"), _SEEN),
    "blank_before_colon": (told().replace(": ", " : "), _SEEN),
    "lower_case_names": (told().lower().replace(MID.lower(), MID), _SEEN),
    "no_reporting_agent": (told(agent=""), _SEEN),
    "no_final_recipient": (told(final=""), _SEEN),
    "no_address_type": (told(final=NADEGE), _SEEN),
    "name_and_address": (told(final=f"rfc822;{_FROM}"), _SEEN),
    "original_recipient": (
        told(original="rfc822;secretariat@cabinet-morvan.test"),
        Said(kind="mdn", action="displayed", class_="success", original="secretariat@cabinet-morvan.test"),
    ),
    "claws_original_recipient": (
        told(original=f'rfc822;"Nadège Morvan" <{NADEGE}>'),
        Said(kind="mdn", action="displayed", class_="success", original=NADEGE),
    ),
    "message_id_without_brackets": (told(message_id=MID.strip("<>")), _SEEN),
    "message_id_folded": (told(message_id=f"\n {MID}"), _SEEN),
    "blank_lines_between": (told().replace("\n", "\n\n"), _SEEN),
    "gateway_fields": (told(more="MDN-Gateway: smtp; passerelle.test\nX-Autre: oui\n"), _SEEN),
}


def _by_fields() -> list[Shape]:
    return [Shape(f"mdn_{name}", mdn(text, returned=_HEADERS), (said,)) for name, (text, said) in _FIELDS.items()]


def _by_structure() -> list[Shape]:
    by_reply = (f"In-Reply-To: {MID}", f"References: {MID}")
    sieve = f"Your message to <{NADEGE}> was automatically rejected:\nQuota exceeded (mailbox for user is full)"
    unread = "Votre message\n\n   Objet : résultats\n\n a été supprimé sans être lu le mardi 17 novembre 2026."
    without_id = told(message_id="")
    signed = (
        b'Content-Type: multipart/report; report-type=disposition-notification; boundary="i"\n\n--i\n'
        + part("text/plain", "lu")
        + b"\n--i\n"
        + part("message/disposition-notification", told())
        + b"\n--i--\n"
    )
    refused = Said(kind="mdn", action="deleted", words="Quota exceeded")
    shapes = {
        "base64_parts": (mdn(told(), encoding="base64"), _SEEN),
        "quoted_printable_parts": (mdn(told(), encoding="quoted-printable"), _SEEN),
        "named_part": (mdn(told(), fields_type='message/disposition-notification; name="MDNPart2.txt"'), _SEEN),
        "utf8_type": (mdn(told(), fields_type="message/global-disposition-notification"), _SEEN),
        "text_type_in_report": (mdn(told(), fields_type="text/plain"), _SEEN),
        "binary_type_in_report": (mdn(told(), fields_type="application/octet-stream"), _SEEN),
        "in_mixed": (mdn(told(), kind="multipart/mixed"), _SEEN),
        "whole_mail_returned": (mdn(told(), returned=_WHOLE), _SEEN),
        "no_copy": (mdn(told()), _SEEN),
        "id_from_the_copy": (mdn(without_id, returned=_WHOLE), _SEEN),
        "id_from_the_reply": (mdn(without_id, more=by_reply), _SEEN),
        "id_from_references": (mdn(without_id, more=(f"References: <autre@x.test> {MID}",)), _SEEN),
        "no_id_at_all": (mdn(without_id), Said(kind="mdn", action="displayed", class_="success", message_id=None)),
        "envid_in_the_header": (
            mdn(told(), more=(f"X-Original-Envelope-ID: {ENVID}",)),
            Said(kind="mdn", action="displayed", class_="success"),
        ),
        "bare_newlines": (mdn(told(), returned=_HEADERS).replace(b"\r\n", b"\n"), _SEEN),
        "not_closed": (mdn(told()).removesuffix(b"--=_limite/relais.test--\r\n"), _SEEN),
        "outlook_deleted_unread": (
            mdn(told(f"{_BY_ITSELF}; deleted"), unread, subject="Non lu : résultats"),
            Said(kind="mdn", action="deleted", class_=None),
        ),
        "sieve_refusal": (
            mdn(told(f"{_BY_ITSELF}; deleted"), sieve, subject="Automatically rejected mail", returned=_HEADERS),
            refused,
        ),
        "signed": (
            multipart(
                header(_FROM, "Lu : résultats"),
                'multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256',
                signed,
                part("application/pkcs7-signature; name=smime.p7s", "MIIB", "base64"),
                boundary="s",
            ),
            _SEEN,
        ),
        "forwarded": (
            multipart(
                header(f"Accueil <accueil@{OURS.partition('@')[2]}>", "TR: Lu : résultats"),
                "multipart/mixed",
                part("text/plain", "Pour info."),
                part("message/rfc822", mdn(told()).decode().replace("\r", "")),
                boundary="f",
            ),
            _SEEN,
        ),
    }
    return [Shape(f"mdn_{name}", data, (said,)) for name, (data, said) in shapes.items()]


_ANS_CODES = {
    "900": "Version erronée",
    "901": "Auteur non autorisé",
    "902": "Identifiant de patient inconnu",
    "903": "INS absent du document",
    "904": "INS différent",
    "905": "INS incomplet",
    "906": "Autre erreur",
}


def _ans() -> list[Shape]:
    """The failure and success notices of the ANS guide, as MDN and as ordinary mails."""
    shapes: list[Shape] = []
    for code, label in _ANS_CODES.items():
        subject = f"[KO Intégration système !][{code}] XDM/1.0/DDM+CR de biologie"
        text = told(f"{_BY_ITSELF}; processed/Error: {code}^{label}", agent="lps.cabinet-morvan.test; LPS 4")
        error = Said(kind="mdn", action="processed", code=code, words=label)
        shapes.append(
            Shape(f"ans_mdn_{code}", mdn(text, f"{code}^{label}", subject=subject, returned=_WHOLE), (error,))
        )
        words = part(
            "text/plain; charset=utf-8", f"Le document n'a pas pu être intégré.\nErreur détectée : {code}^{label}\n"
        )
        shapes.append(
            Shape(
                f"ans_mail_{code}",
                multipart(header(_FROM, subject), "multipart/mixed", words, _WHOLE),
                (Said(kind="error-mail", code=code, words=label),),
            )
        )
    done = told(f"{_BY_ITSELF}; processed", agent="lps.cabinet-morvan.test; LPS 4", original=f"rfc822;{NADEGE}")
    success = Said(kind="mdn", action="processed", class_="success", original=NADEGE)
    ko = "[KO Intégration système !]"
    other = "[Erreur d\u2019intégration !][902] XDM/1.0/DDM+CR de biologie"
    return [
        *shapes,
        Shape(
            "ans_success",
            mdn(done, "Document intégré", subject="XDM/1.0/DDM+CR de biologie", returned=_WHOLE),
            (success,),
        ),
        Shape(
            "ans_technical_code",
            mdn(told(f"{_BY_ITSELF}; processed/Error: 203^version inconnue"), subject=f"{ko}[203] XDM/1.0/DDM"),
            (Said(kind="mdn", action="processed", words="203^version inconnue"),),
        ),
        Shape(
            "ans_other_wording",
            multipart(header(_FROM, other), "multipart/mixed", part("text/plain", "Patient inconnu."), _WHOLE),
            (Said(kind="error-mail", code="902"),),
        ),
        Shape(
            "ans_encoded_subject",
            mail(
                header(_FROM, "=?UTF-8?B?W0tPIEludMOpZ3JhdGlvbiBzeXN0w6htZSAhXVs5MDRd?=", f"In-Reply-To: {MID}"),
                "INS différent de celui du dossier\n",
            ),
            (Said(kind="error-mail", code="904"),),
        ),
        Shape(
            "ans_reply_prefix",
            mail(header(_FROM, f"RE: {ko}[905] XDM/1.0/DDM", f"In-Reply-To: {MID}"), "Code erreur : 905\n"),
            (Said(kind="error-mail", code="905"),),
        ),
        Shape(
            "ans_without_code",
            mail(header(_FROM, f"{ko} XDM/1.0/DDM", f"In-Reply-To: {MID}"), "Erreur : document illisible\n"),
            (Said(kind="error-mail", words="document illisible"),),
        ),
    ]


SHAPES = (*_programs(), *_by_fields(), *_by_structure(), *_ans())
