"""Delivery notices with the fields of RFC 3464, as mail servers write them."""

from __future__ import annotations

from tests.notice_shapes.building import (
    DSN,
    ENVID,
    MAILER,
    NADEGE,
    RETURNED,
    RETURNED_HEADER,
    SOINS,
    Said,
    Shape,
    about,
    dsn,
    fields,
    header,
    multipart,
    part,
)

_REFUSALS = (
    ("5.1.1", "550 5.1.1 <a>: Recipient address rejected: User unknown in virtual mailbox table"),
    ("5.1.2", "550 5.1.2 Bad destination mailbox address: host not found"),
    ("5.1.6", "551 5.1.6 recipient no longer on server"),
    ("5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"),
    ("5.2.1", "550 5.2.1 Mailbox not available / boîte désactivée"),
    ("5.2.2", "552 5.2.2 Over quota"),
    ("5.2.3", "552 5.2.3 Message exceeds maximum fixed size"),
    ("5.3.4", "552 5.3.4 Message size exceeds fixed limit"),
    ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied"),
    ("5.4.6", "554 5.4.6 Hop count exceeded - possible mail loop"),
    ("5.5.0", "501 5.5.0 Invalid sender"),
    ("5.6.1", "554 5.6.1 Eight bit data not allowed"),
    ("5.7.0", "554 5.7.0 Reject, id=01234-05 - INFECTED"),
    ("5.7.1", "554 5.7.1 Service unavailable; Client host [192.0.2.25] blocked"),
    ("5.7.26", "550 5.7.26 This mail has been blocked because the sender is unauthenticated"),
)
"""Statuses with the words that usually come along."""


def _refused() -> list[Shape]:
    return [
        Shape(
            f"refusal_{status.replace('.', '_')}",
            dsn(about(fields(status=status, diagnostic=f"smtp; {words}"))),
            (Said(status=status, words=words[:20]),),
        )
        for status, words in _REFUSALS
    ]


def _postfix() -> list[Shape]:
    top = (
        f"Reporting-MTA: dns; relais.test\nOriginal-Envelope-Id: {ENVID}\nX-Postfix-Queue-ID: 4XB0Q1\n"
        "X-Postfix-Sender: rfc822; resultats@labo-rivage.test\nArrival-Date: Tue, 17 Nov 2026 09:12:40 +0100 (CET)\n"
    )
    success = "This is the mail system at host relais.test.\n\nYour message was successfully delivered.\n"
    french = (
        "Ceci est le système de messagerie de l'hôte relais.test.\n\nJe suis désolé de devoir vous informer que votre "
        "message n'a pas pu être\nremis à un ou plusieurs destinataires. Il est joint ci-dessous.\n\n"
        f"<{NADEGE}>: host mx.cabinet-morvan.test[192.0.2.40] said: 550 5.1.1 inconnu\n"
    )
    waiting = "####################################################################\n# THIS IS A WARNING ONLY. #\n"
    return [
        Shape(
            "postfix_delivered",
            dsn(about(fields("delivered", "2.1.5", "smtp; 250 2.1.5 Ok"), first=top), success),
            (Said(action="delivered", status="2.1.5", class_="success", envid=ENVID, words="250 2.1.5"),),
        ),
        Shape(
            "postfix_relayed",
            dsn(about(fields("relayed", "2.0.0", "smtp; 250 2.0.0 Ok: queued as 7F"), first=top), success),
            (Said(action="relayed", status="2.0.0", class_="success", envid=ENVID),),
        ),
        Shape(
            "postfix_expanded",
            dsn(about(fields("expanded", "2.0.0", "X-Postfix; alias expanded"), first=top), success),
            (Said(action="expanded", status="2.0.0", class_="success", envid=ENVID),),
        ),
        Shape(
            "postfix_delayed",
            dsn(
                about(
                    fields(
                        "delayed",
                        "4.4.1",
                        "X-Postfix; connect to mx.cabinet-morvan.test[192.0.2.40]:25:\n    Connection timed out",
                        more="Will-Retry-Until: Sun, 22 Nov 2026 09:12:40 +0100 (CET)\n",
                    ),
                    first=top,
                ),
                waiting,
            ),
            (Said(action="delayed", status="4.4.1", class_="temporary", envid=ENVID, words="Connection timed out"),),
        ),
        Shape(
            "postfix_given_up",
            dsn(about(fields("failed", "4.4.1", "X-Postfix; Connection timed out"), first=top)),
            (Said(status="4.4.1", envid=ENVID),),
        ),
        Shape(
            "postfix_french_template",
            dsn(about(fields(diagnostic=""), first=top), french),
            (Said(status="5.1.1", envid=ENVID, words="inconnu"),),
        ),
        Shape(
            "postfix_header_only",
            dsn(about(fields(), first=top), returned=RETURNED_HEADER, returned_type="text/rfc822-headers"),
            (Said(status="5.1.1", envid=ENVID),),
        ),
        Shape(
            "postfix_utf8_types",
            dsn(
                about(fields(final="utf-8; noëlle.fauré@cabinet-fauré.test"), first=top),
                status_type="message/global-delivery-status",
                returned_type="message/global",
            ),
            (Said(status="5.1.1", envid=ENVID, recipient="noëlle.fauré@cabinet-fauré.test"),),
        ),
        Shape(
            "postfix_two_recipients",
            dsn(about(fields(), fields("delivered", "2.0.0", "smtp; 250 Ok", final=f"rfc822; {SOINS}"), first=top)),
            (
                Said(status="5.1.1", envid=ENVID),
                Said(action="delivered", status="2.0.0", class_="success", recipient=SOINS, envid=ENVID),
            ),
        ),
        Shape(
            "postfix_alias",
            dsn(
                about(
                    fields(original=f"rfc822;{NADEGE}", final="rfc822; n.morvan@interne.cabinet-morvan.test"), first=top
                )
            ),
            (Said(status="5.1.1", recipient="n.morvan@interne.cabinet-morvan.test", original=NADEGE, envid=ENVID),),
        ),
        Shape(
            "postfix_envid_only",
            dsn(about(fields(), first=top), returned=""),
            (Said(status="5.1.1", message_id=None, envid=ENVID),),
        ),
    ]


def _sendmail() -> list[Shape]:
    top = "Reporting-MTA: dns; relais.test\nReceived-From-MTA: DNS; labo-rivage.test\nArrival-Date: Tue, 17 Nov 2026\n"
    head = header("Mail Delivery Subsystem <MAILER-DAEMON@relais.test>", "Returned mail: see transcript for details")
    transcript = (
        "The original message was received at Tue, 17 Nov 2026 09:12:40 +0100\n\n"
        "   ----- The following addresses had permanent fatal errors -----\n"
        f"<{NADEGE}>\n    (reason: 550 5.1.1 User unknown)\n\n   ----- Transcript of session follows -----\n"
    )
    again = "Last-Attempt-Date: Tue, 17 Nov 2026 09:12:44 +0100\n"
    return [
        Shape(
            "sendmail_failed",
            dsn(about(fields(diagnostic="SMTP; 550 5.1.1 User unknown", more=again), first=top), transcript, head=head),
            (Said(status="5.1.1", words="550 5.1.1"),),
        ),
        Shape(
            "sendmail_warning_four_hours",
            dsn(
                about(fields("delayed", "4.2.0", "", more="Will-Retry-Until: Sun, 22 Nov 2026\n"), first=top),
                "    **      THIS IS A WARNING MESSAGE ONLY      **\n    **  YOU DO NOT NEED TO RESEND YOUR MESSAGE  "
                "**\n",
                head=head,
            ),
            (Said(action="delayed", status="4.2.0", class_="temporary"),),
        ),
        Shape(
            "sendmail_return_receipt",
            dsn(
                about(fields("delivered (to mailbox)", "2.1.5", "", more=again), first=top),
                f"   ----- The following addresses had successful delivery notifications -----\n<{NADEGE}>  "
                f"(successful)\n",
                head=head.replace("see transcript for details", "Return receipt"),
                returned=RETURNED_HEADER,
                returned_type="text/rfc822-headers",
            ),
            (Said(action="delivered", status="2.1.5", class_="success"),),
        ),
        Shape(
            "sendmail_relayed_without_dsn",
            dsn(
                about(fields("relayed (to non-DSN-aware mailer)", "2.1.5", ""), first=top),
                f"<{NADEGE}>  (relayed to non-DSN-aware mailer)\n",
                head=head,
            ),
            (Said(action="relayed", status="2.1.5", class_="success"),),
        ),
        Shape(
            "sendmail_expanded_by_alias",
            dsn(about(fields("expanded (to multi-recipient alias)", "2.1.5", ""), first=top), "ok", head=head),
            (Said(action="expanded", status="2.1.5", class_="success"),),
        ),
        Shape(
            "sendmail_expired",
            dsn(about(fields("failed", "4.4.7", "SMTP; 450 4.2.1 try later"), first=top), transcript, head=head),
            (Said(status="4.4.7", words="try later"),),
        ),
    ]


def _exim() -> list[Shape]:
    top = "Reporting-MTA: dns; relais.test\n"
    head = header(
        "Mail Delivery System <Mailer-Daemon@relais.test>",
        "Mail delivery failed: returning message to sender",
        f"X-Failed-Recipients: {NADEGE}",
        "Auto-Submitted: auto-replied",
    )
    human = (
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be "
        f"delivered to one or more of its\nrecipients. The following address(es) failed:\n\n  {NADEGE}\n"
        "    host mx.cabinet-morvan.test [192.0.2.40]\n    SMTP error from remote mail server after RCPT TO:<"
        f"{NADEGE}>:\n    550 5.1.1 no such mailbox\n"
    )
    remote = "Remote-MTA: dns; mx.cabinet-morvan.test\n"
    return [
        Shape(
            "exim_failed",
            dsn(
                about(fields(status="5.0.0", diagnostic="smtp; 550 5.1.1 no such mailbox", more=remote), first=top),
                human,
                head=head,
            ),
            (Said(status="5.0.0", words="no such mailbox"),),
        ),
        Shape(
            "exim_failed_without_diagnostic",
            dsn(about(fields(status="5.0.0", diagnostic=""), first=top), human, head=head),
            (Said(status="5.0.0", words="550 5.1.1 no such mailbox"),),
        ),
        Shape(
            "exim_delay",
            dsn(
                about(fields("delayed", "4.0.0", "smtp; 451 4.7.1 Greylisted, please try again later"), first=top),
                "This message has not yet been delivered to one or more of its recipients.\n",
                head=header("Mail Delivery System <Mailer-Daemon@relais.test>", "Warning: message delayed 24 hours"),
            ),
            (Said(action="delayed", status="4.0.0", class_="temporary", words="Greylisted"),),
        ),
        Shape(
            "exim_delivered",
            dsn(
                about(fields("delivered", "2.0.0", "smtp; 250 Ok"), first=top),
                "This message was created automatically by mail delivery software.\n ----- The following addresses had "
                "successful delivery notifications -----\n",
                head=header("Mail Delivery System <Mailer-Daemon@relais.test>", "Delivery Status Notification"),
            ),
            (Said(action="delivered", status="2.0.0", class_="success"),),
        ),
    ]


def _others() -> list[Shape]:
    rule = "-" * 75
    courier = f"{rule}\n\n                 UNDELIVERABLE MAIL\n\n<{NADEGE}>:\n<<< 550 User Unknown\n\n{rule}\n"
    google = "** Address not found **\n\nYour message wasn't delivered because the address couldn't be found.\n"
    return [
        Shape(
            "courier_failed",
            dsn(
                about(fields(status="5.0.0", diagnostic="smtp; 550 5.1.1 User Unknown")),
                courier,
                head=header("postmaster@relais.test", "NOTICE: mail delivery status."),
            ),
            (Said(status="5.0.0", words="User Unknown"),),
        ),
        Shape(
            "courier_delivered",
            dsn(
                about(fields("delivered", "2.0.0", "")),
                "DELIVERED MAIL",
                head=header("postmaster@relais.test", "NOTICE: mail delivery status."),
            ),
            (Said(action="delivered", status="2.0.0", class_="success"),),
        ),
        Shape(
            "opensmtpd_error",
            dsn(
                about(fields("error", "5.0.0", "")),
                f"    Hi!\n\n    This is the MAILER-DAEMON, please DO NOT REPLY to this email.\n\n"
                f"    An error has occurred while attempting to deliver a message for\n    the following list of "
                f"recipients:\n\n{NADEGE}: 550 Invalid recipient\n",
                head=header("Mailer Daemon <MAILER-DAEMON@relais.test>", "Delivery status notification: error"),
                kind="multipart/mixed",
            ),
            (Said(status="5.0.0", words="550 Invalid recipient"),),
        ),
        Shape(
            "google_failure",
            multipart(
                header("Mail Delivery Subsystem <mailer-daemon@google.test>", "Delivery Status Notification (Failure)"),
                DSN,
                part(
                    "multipart/related; boundary=r",
                    f"--r\nContent-Type: text/plain; charset=UTF-8\n\n{google}\n--r--\n",
                ),
                part("message/delivery-status", about(fields(diagnostic="smtp; 550-5.1.1 does not exist."))),
                part("message/rfc822", RETURNED),
            ),
            (Said(status="5.1.1", words="does not exist"),),
        ),
        Shape(
            "google_delay",
            dsn(
                about(fields("delayed", "4.4.1", "smtp; timed out", more="Will-Retry-Until: Thu, 19 Nov 2026\n")),
                "** Delivery incomplete **\n\nThere was a temporary problem. Gmail will retry for 46 more hours.\n",
            ),
            (Said(action="delayed", status="4.4.1", class_="temporary"),),
        ),
        Shape(
            "pmdf_x400",
            dsn(
                about(
                    fields(
                        status="4.4.7",
                        diagnostic="X400; Reason 1 (Unable-To-Transfer); Diagnostic 5 (Maximum-Time-Expired)",
                        original=f"rfc822;{NADEGE}",
                        final="X400; /S=MORVAN/OU=CABINET/PRMD=test/ADMD= /C=FR/",
                    ),
                    first=f"Original-envelope-id: {ENVID}\nReporting-MTA: dns;relais.test\n",
                )
            ),
            (Said(status="4.4.7", original=NADEGE, envid=ENVID, words="Maximum-Time-Expired"),),
        ),
        Shape(
            "communigate_no_blank_line",
            dsn(
                about(fields(status="5.0.0", diagnostic="", original=f"rfc822;<{NADEGE}>")), "Failed to deliver"
            ).replace(b"message/rfc822\r\n\r\n", b"message/rfc822\r\n"),
            (Said(status="5.0.0", original=NADEGE),),
        ),
        Shape(
            "domino_x_notes",
            dsn(
                about(fields(diagnostic="X-Notes; User nadege.morvan not listed in Domino Directory")),
                head=header("postmaster@relais.test", "DELIVERY FAILURE: User not listed in Domino Directory"),
            ),
            (Said(status="5.1.1", words="not listed"),),
        ),
        Shape(
            "groupwise_report",
            dsn(
                about(fields("failed", "5.0.0", "smtp; 550 Unknown user", final=f"rfc822;{NADEGE.upper()}")),
                head=header("Mailer-Daemon@relais.test", "Message status - undeliverable"),
            ),
            (Said(status="5.0.0", words="Unknown user"),),
        ),
        Shape(
            "james_bounce",
            dsn(
                about(fields("failed", "Delivery error", "X-James; 550 5.1.1 mailbox unavailable")),
                "Hi. This is the James mail server at relais.test.\nI'm afraid I wasn't able to deliver your "
                "message.\n",
                head=header("postmaster@relais.test", "[BOUNCE]"),
            ),
            (Said(status="5.1.1", words="mailbox unavailable"),),
        ),
        Shape(
            "boxbe_challenge_as_report",
            dsn(about(fields("failed", "4.7.0", "X-Boxbe-Notice; Sender not pre-approved"))),
            (Said(status="4.7.0", words="not pre-approved"),),
        ),
        Shape(
            "mailer_in_mixed",
            dsn(about(fields()), kind="multipart/mixed", head=header(MAILER, "Undeliverable mail")),
            (Said(status="5.1.1"),),
        ),
    ]


SHAPES = (*_refused(), *_postfix(), *_sendmail(), *_exim(), *_others())
