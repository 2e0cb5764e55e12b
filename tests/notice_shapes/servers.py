"""Failure mails of no standard: what old and proprietary servers write in their own words, in English."""

from __future__ import annotations

from dataclasses import replace

from tests.notice_shapes.building import (
    MAILER,
    MID,
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

_COPY = "\n" + RETURNED


def _alone(words: str = "", **said: str | None) -> Said:
    """Of a mail that returns no copy of ours."""
    return replace(Said(kind="error-mail", message_id=None, words=words), **said)


_FULL = Said(kind="error-mail", words="quota")
_FAILED = Said(kind="error-mail")


def _qmail() -> list[Shape]:
    opening = (
        "Hi. This is the qmail-send program at relais.test.\nI'm afraid I wasn't able to deliver your message to the "
        "following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n"
    )
    copy = "\n--- Below this line is a copy of the message.\n\n" + RETURNED
    head = header("MAILER-DAEMON@relais.test", "failure notice")
    told = {
        "unknown": (f"<{NADEGE}>:\nSorry, no mailbox here by that name. (#5.1.1)\n", "5.1.1", "no mailbox"),
        "remote": (
            f"<{NADEGE}>:\n192.0.2.40 does not like recipient.\nRemote host said: 550 5.1.1 unknown user\nGiving up on "
            "192.0.2.40.\n",
            "5.1.1",
            "does not like recipient",
        ),
        "quota": (f"<{NADEGE}>:\nThe users mailfolder is over the allowed quota (size). (#5.2.2)\n", "5.2.2", "quota"),
        "dns": (
            f"<{NADEGE}>:\nSorry, I couldn't find any host named cabinet-morvan.test. (#5.1.2)\n",
            "5.1.2",
            "any host",
        ),
        "vpopmail": (f"<{NADEGE}>:\nvpopmail: this account is disabled. (#5.2.1)\n", "5.2.1", "disabled"),
        "no_reason_code": (
            f"<{NADEGE}>:\nuser does not exist, but will deliver to ~/Maildir\n",
            None,
            "does not exist",
        ),
    }
    shapes = [
        Shape(
            f"qmail_{name}", mail(head, opening + words + copy), (Said(kind="error-mail", status=status, words=said),)
        )
        for name, (words, status, said) in told.items()
    ]
    both = f"<{NADEGE}>:\nno mailbox (#5.1.1)\n\n<{SOINS}>:\nover quota (#5.2.2)\n"
    several = (
        Said(kind="error-mail", status="5.1.1"),
        Said(kind="error-mail", status="5.2.2", recipient=SOINS),
    )
    return [*shapes, Shape("qmail_two_recipients", mail(head, opening + both + copy), several)]


def _exim() -> list[Shape]:
    head = header(
        "Mail Delivery System <Mailer-Daemon@relais.test>", "Mail delivery failed: returning message to sender"
    )
    opening = (
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be "
        "delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n"
    )
    copy = "\n------ This is a copy of the message, including all the headers. ------\n\n" + RETURNED
    told = {
        "unrouteable": ("    Unrouteable address\n", None, "Unrouteable"),
        "refused": (
            "    SMTP error from remote mail server after RCPT TO:<x>:\n    host mx.test [192.0.2.40]: 550 5.1.1 "
            "unknown\n",
            "5.1.1",
            "550 5.1.1",
        ),
        "retry_timeout": ("    retry timeout exceeded\n", None, "retry timeout"),
        "all_hosts_failing": (
            "    all hosts for 'cabinet-morvan.test' have been failing for a long time (and retry time not reached)\n",
            None,
            "failing for a long time",
        ),
        "mailbox_full": ("    mailbox is full: retry timeout exceeded\n", None, "full"),
        "too_big": ("    message too big\n", None, "too big"),
    }
    shapes = [
        Shape(f"exim_plain_{name}", mail(head, f"{opening}  {NADEGE}\n{why}{copy}"), (_said(status, words),))
        for name, (why, status, words) in told.items()
    ]
    alias = f"  n.morvan@interne.test\n    (generated from {NADEGE})\n    user unknown\n"
    delay = (
        "This message was created automatically by mail delivery software.\nA message that you sent has not yet been "
        "delivered to one or more of its\nrecipients after more than 24 hours on the queue on relais.test.\n\nThe "
        "message "
        f"identifier is:     1abc-000-XY\nThe subject of the message is: XDM/1.0/DDM\n\nThe address to which the "
        f"message has "
        f"not yet been delivered is:\n\n  {NADEGE}\n    Delay reason: Connection refused\n\nNo action is required on "
        f"your "
        "part. Delivery attempts will continue.\n"
    )
    return [
        *shapes,
        Shape(
            "exim_plain_generated_from",
            mail(head, opening + alias + copy),
            (Said(kind="error-mail", recipient="n.morvan@interne.test", original=NADEGE, words="user unknown"),),
        ),
        Shape(
            "exim_plain_delay",
            mail(
                header("Mail Delivery System <Mailer-Daemon@relais.test>", "Warning: message 1abc delayed 24 hours"),
                delay,
            ),
            (_alone(action="delayed", class_="temporary"),),
        ),
        Shape(
            "exim_plain_header_only",
            mail(
                header(MAILER, "Mail failure", f"X-Failed-Recipients: {NADEGE}, {SOINS}"),
                "A message could not be delivered.\n" + copy,
            ),
            (_FAILED, Said(kind="error-mail", recipient=SOINS)),
        ),
    ]


def _said(status: str | None, words: str) -> Said:
    return Said(kind="error-mail", status=status, words=words)


def _sendmail() -> list[Shape]:
    head = header("Mail Delivery Subsystem <MAILER-DAEMON@relais.test>", "Returned mail: User unknown")
    opening = (
        "The original message was received at Tue, 17 Nov 2026 09:12:40 +0100\nfrom labo-rivage.test [192.0.2.25]\n\n"
    )
    copy = "\n   ----- Original message follows -----\n\n" + RETURNED
    fatal = "   ----- The following addresses had permanent fatal errors -----\n"
    transcript = "\n   ----- Transcript of session follows -----\n"
    return [
        Shape(
            "sendmail_8_plain",
            mail(head, f"{opening}{fatal}<{NADEGE}>\n{transcript}550 5.1.1 <{NADEGE}>... User unknown\n{copy}"),
            (_said("5.1.1", "User unknown"),),
        ),
        Shape(
            "sendmail_8_expanded",
            mail(
                head,
                f"{opening}{fatal}n.morvan@interne.test\n    (reason: 550 5.1.1 unknown)\n    (expanded from: "
                f"<{NADEGE}>)\n{copy}",
            ),
            (
                Said(
                    kind="error-mail",
                    status="5.1.1",
                    recipient="n.morvan@interne.test",
                    original=NADEGE,
                    words="550 5.1.1",
                ),
            ),
        ),
        Shape(
            "sendmail_5_transcript",
            mail(
                head,
                "   ----- Transcript of session follows -----\n>>> RCPT To:<x>\n<<< 550 User unknown\n"
                f"550 <{NADEGE}>... User unknown\n\n   ----- Unsent message follows -----\n{RETURNED}",
            ),
            (_said(None, "550"),),
        ),
        Shape(
            "sendmail_8_transient",
            mail(
                head.replace("Returned mail: User unknown", "Warning: could not send message for past 4 hours"),
                "    **********************************************\n    **      THIS IS A WARNING MESSAGE ONLY      "
                "**\n"
                "    **********************************************\n\n"
                f"   ----- The following addresses had transient non-fatal errors -----\n<{NADEGE}>\n{transcript}"
                f"<{NADEGE}>... Deferred: Connection timed out\nWarning: message still undelivered after 4 hours\n",
            ),
            (_alone("Deferred", action="delayed", class_="temporary"),),
        ),
    ]


_MORE = {
    "postfix_1": (
        header(MAILER, "Undelivered Mail Returned to Sender"),
        f"This is the Postfix program at host relais.test.\n\nI'm sorry to have to inform you that the message "
        f"returned\n"
        f'below could not be delivered to one or more destinations.\n\n<{NADEGE}>: unknown user: "nadege.morvan"\n',
        _alone("unknown user"),
    ),
    "exchange_5_5": (
        header("System Administrator <postmaster@cabinet-morvan.test>", "Undeliverable: results"),
        f"Your message\n\n  To:      Nadège\n  Subject: results\n\ndid not reach the following "
        f"recipient(s):\n\n{NADEGE} on Tue, "
        "17 Nov 2026 09:12:44 +0100\n    The recipient name is not recognized\n",
        _alone("not recognized"),
    ),
    "exchange_quoted_name": (
        header("admin@cabinet-morvan.test", "Non-Delivery: results"),
        f"--- Non-Delivery Report ---\nThe email below could not be delivered to the following user:\n\n"
        f'"{NADEGE}" <{NADEGE}>\n'
        f"\nOld message:\n{_COPY}",
        _FAILED,
    ),
    "domino_plain": (
        header("postmaster@cabinet-morvan.test", "DELIVERY FAILURE: User not listed in public Name & Address Book"),
        f"Your message\n\n  Subject: results\n\nwas not delivered to:\n\n  {NADEGE}\n\nbecause:\n\n  User "
        f"nadege.morvan "
        f"({NADEGE}) not listed in public Name & Address Book\n",
        _alone("not listed"),
    ),
    "groupwise_plain": (
        header("Mailer-Daemon@cabinet-morvan.test", "Message status - undeliverable"),
        f"The message that you sent was undeliverable to the following:\n\n\t{NADEGE} (user not found)\n\nPossibly "
        f"truncated "
        f"original message follows:\n{_COPY}",
        _FAILED,
    ),
    "mdaemon": (
        header("Mail Delivery <MDaemon@cabinet-morvan.test>", "Permanent Delivery Failure"),
        "The following data may contain sections which represent BASE64 encoded\nfile attachments.\n\nThe attached "
        "message had "
        f"PERMANENT fatal delivery errors!\n\nFailed address: {NADEGE}\n\n--- Session Transcript ---\n RCPT "
        f"To:<{NADEGE}>\n"
        " 550 5.1.1 Recipient unknown\n",
        _alone(status="5.1.1"),
    ),
    "imail": (
        header("Postmaster@cabinet-morvan.test", "Undeliverable Mail", "X-Mailer: <SMTP32 v8.22>"),
        f"Unknown user: {NADEGE}\n\nOriginal message follows.\n{_COPY}",
        Said(kind="error-mail", words="Unknown user"),
    ),
    "imail_quota": (
        header("Postmaster@cabinet-morvan.test", "Undeliverable Mail", "X-Mailer: <SMTP32 v8.22>"),
        f"User mailbox exceeds allowed size: {NADEGE}\n\nOriginal message follows.\n{_COPY}",
        _FAILED,
    ),
    "netscape": (
        header("Mail Administrator <Postmaster@cabinet-morvan.test>", "Mail System Error - Returned Mail"),
        f"This Message was undeliverable due to the following reason:\n\nEach of the following recipients was "
        f"rejected by a remote "
        f"mail server.\n\n    Recipient: <{NADEGE}>\n    Reason:    <{NADEGE}>... User Unknown\n",
        _alone("User Unknown"),
    ),
    "intermail": (
        header("Mail Administrator <Postmaster@cabinet-morvan.test>", "Mail System Error - Returned Mail"),
        "This Message was undeliverable due to the following reason:\n\nThe user(s) account is temporarily over "
        "quota.\n\n"
        f"<{NADEGE}>\n\nPlease reply to Postmaster\n",
        _alone("over quota"),
    ),
    "yahoo": (
        header("MAILER-DAEMON@fournisseur.test", "Failure Notice"),
        "Sorry, we were unable to deliver your message to the following address.\n\n"
        f"<{NADEGE}>:\n554: delivery error: dd This user doesn't have a fournisseur.test account\n\n--- Below this "
        f"line is a copy "
        f"of the message.\n{_COPY}",
        Said(kind="error-mail", words="554"),
    ),
    "aol": (
        header("Mail Delivery Subsystem <MAILER-DAEMON@fournisseur.test>", "Mail Delivery Problem"),
        f"Your mail to the following recipients could not be delivered because they are not accepting mail from "
        f"{OURS}:\n"
        "\tnadege\n",
        _alone(recipient=None),
    ),
    "google_plain": (
        header("Mail Delivery Subsystem <mailer-daemon@google.test>", "Delivery Status Notification (Failure)"),
        f"Delivery to the following recipient failed permanently:\n\n     {NADEGE}\n\nTechnical details of permanent "
        f"failure: \n"
        "Google tried to deliver your message, but it was rejected.\nThe error that the other server returned was:\n"
        f"550 5.1.1 does not exist\n\n\n----- Original message -----\n{_COPY}",
        Said(kind="error-mail", status="5.1.1", words="rejected"),
    ),
    "google_plain_delay": (
        header("Mail Delivery Subsystem <mailer-daemon@google.test>", "Delivery Status Notification (Delay)"),
        "This is an automatically generated Delivery Status Notification\n\nTHIS IS A WARNING MESSAGE ONLY.\n\nYOU "
        "DO NOT NEED TO "
        f"RESEND YOUR MESSAGE.\n\nDelivery to the following recipient has been delayed:\n\n     {NADEGE}\n\nMessage "
        f"will be retried "
        "for 2 more day(s)\n",
        _alone(action="delayed", class_="temporary"),
    ),
    "kerio": (
        header("Postmaster <postmaster@cabinet-morvan.test>", "Undeliverable mail: results"),
        f"I'm sorry to have to inform you that your message could not be delivered.\n\n<{NADEGE}>: User unknown\n",
        _alone("User unknown"),
    ),
    "barracuda": (
        header("Barracuda <postmaster@cabinet-morvan.test>", "**Message you sent blocked by our bulk email filter**"),
        f"Your message to: {NADEGE}\nwas blocked by our Spam Firewall. The email you sent with the following subject "
        f"has NOT BEEN "
        "DELIVERED:\n\nSubject: results\n",
        _alone("blocked"),
    ),
    "amavis_infected": (
        header("Content-filter at relais.test <postmaster@relais.test>", "Undeliverable mail, VIRUS"),
        f"Your message was rejected because it contained a virus.\n\nDelivery of the email was stopped!\nIntended "
        f"recipient: "
        f"{NADEGE}\n",
        _alone(),
    ),
    "autoreply_of_a_dead_box": (
        header("<>", "Unknown address", "Auto-Submitted: auto-replied", f"In-Reply-To: {MID}"),
        f"You sent mail to {NADEGE}. That's not a valid user here.\n",
        Said(kind="error-mail", words="not a valid user"),
    ),
}
"""Name: header, words, what they say."""


def _returned_in_part() -> list[Shape]:
    head = header("Mail Delivery Service <mailer-daemon@relais.test>", "Delivery failure")
    words = part(
        "text/plain", f"Failed to deliver to '{NADEGE}'\nLOCAL module reports:\n account is full (quota exceeded)\n"
    )
    return [
        Shape(
            "communigate_mixed", multipart(head, "multipart/mixed", words, part("message/rfc822", RETURNED)), (_FULL,)
        ),
        Shape(
            "returned_as_header_part",
            multipart(head, "multipart/mixed", words, part("text/rfc822-headers", RETURNED_HEADER)),
            (_FULL,),
        ),
        Shape(
            "html_words_and_copy",
            multipart(
                head,
                "multipart/mixed",
                part("text/html; charset=utf-8", f"<p>Delivery failed: &lt;{NADEGE}&gt;: mailbox full, quota</p>"),
                part("message/rfc822", RETURNED),
            ),
            (_FULL,),
        ),
        Shape(
            "nobody_named_but_one_addressee",
            multipart(
                head,
                "multipart/mixed",
                part("text/plain", "Your message could not be delivered."),
                part("message/rfc822", RETURNED),
            ),
            (_FAILED,),
        ),
    ]


SHAPES = (
    *_qmail(),
    *_exim(),
    *_sendmail(),
    *(Shape(f"server_{name}", mail(head, words), (said,)) for name, (head, words, said) in _MORE.items()),
    *_returned_in_part(),
)
