"""Failure mails of filters, gateways and small mail agents, whose layouts differ from those of the large servers."""

from __future__ import annotations

from tests.notice_shapes.building import (
    DSN,
    MAILER,
    MID,
    NADEGE,
    OURS,
    RETURNED,
    RETURNED_HEADER,
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

_DAEMON = "MAILER-DAEMON@relais.test"
_POSTMASTER = "postmaster@relais.test"
_STARS = "*" * 24

# name: sender, subject, words before the copy, mark of the copy, status, words of the diagnostic
_TEXTS = {
    "mailmarshal": (
        _POSTMASTER,
        'Undeliverable Mail: "results"',
        f"Your message:\n   From:    {OURS}\n   Subject: results\n\nCould not be delivered because of\n\n550 5.1.1 "
        f"User unknown\n\n"
        f"The following recipients were affected: \n    {NADEGE}\n\n\nAdditional Information\n======================\n"
        f"Original Sender:    <{OURS}>\nSender-MTA:         <192.0.2.25>\nRemote-MTA:\t\t\t<192.0.2.40>\n",
        "",
        ("5.1.1", "550 5.1.1 User unknown"),
    ),
    "mailfoundry": (
        _DAEMON,
        "Message delivery has failed",
        f"Unable to deliver message to: <{NADEGE}>\nDelivery failed for the following reason:\nServer "
        f"mx.test[192.0.2.40] failed "
        f"with: 550 <{NADEGE}> No such user here\n\nThis has been a permanent failure.  No further delivery attempts "
        f"will be "
        "made.\n",
        "\n----- Original message -----\n",
        (None, "No such user here"),
    ),
    "mxlogic": (
        _DAEMON,
        "Mail delivery failed",
        "This message was created automatically by mail delivery software.\n\nA message that you have sent could not "
        "be delivered to "
        f"one or more\nrecipients.  This is a permanent error.  The following address failed:\n\n  <{NADEGE}>: 550 "
        f"5.1.1 <{NADEGE}>:"
        " Recipient address rejected: User unknown in local recipient table\n\n",
        "Included is a copy of the message header:\n-----------------------------------------\n",
        ("5.1.1", "User unknown in local recipient table"),
    ),
    "brackets_after_the_address": (
        f"Mail Deliver System <{_DAEMON}>",
        "Returned Mail: User unknown",
        "The original message was received at Tue, 17 Nov 2026 09:12:40 +0100 (CET) \n\n---The following addresses "
        "had delivery "
        f"errors---\n\n{NADEGE} [User unknown]\n\n",
        "\n--- Original message follows.\n\n",
        (None, "User unknown"),
    ),
    "child_status": (
        _DAEMON,
        "failure notice",
        "Your mail message to the following address(es) could not be delivered. This\nis a permanent error. Please "
        "verify the "
        f"addresses and try again.\n\n<{NADEGE}>:\nchild status 100...The e-mail message could not be delivered "
        f"because the user's "
        "mailfolder is full.\n\n",
        "--- Below this line is a copy of the message.\n\n",
        (None, "mailfolder is full"),
    ),
    "account_missing": (
        _DAEMON,
        "Delivery failure",
        "Message from relais.test.\nUnable to deliver message to the following address(es).\n\n"
        f"<{NADEGE}>:\nThis user doesn't have a relais.test account ({NADEGE}) [-9]\n\n",
        "--- Original message follows.\n\n",
        (None, "doesn't have a relais.test account"),
    ),
    "hosting_size_limit": (
        f"Mail Delivery System <{_DAEMON}>",
        "Mail delivery failed: returning message to sender",
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be "
        "delivered to one or "
        f"more of\nits recipients. This is a permanent error.\n\nThe following address failed:\n\n{NADEGE}\n\nFor "
        f"the following "
        "reason:\n\nMail size limit exceeded. For explanation visit\nhttp://relais.test/errors\n\n",
        "--- The header of the original message is following. ---\n\n",
        (None, "Mail size limit exceeded"),
    ),
    "hosting_retry_timeout": (
        f"Mail Delivery System <{_DAEMON}>",
        "Mail delivery failed: returning message to sender",
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be "
        "delivered to one or "
        f"more of\nits recipients. This is a permanent error. The following "
        f"address\nfailed:\n\n<{NADEGE}>\n\nReason:\ndelivery retry "
        "timeout exceeded\n\n\n",
        "--- The header of the original message is following. ---\n\n",
        (None, "delivery retry timeout exceeded"),
    ),
    "transcript_without_an_address": (
        f"Mail Delivery Subsystem <{_DAEMON}>",
        "Returned mail: Cannot send message for 4 days",
        "   ----- Transcript of session follows -----\n421 cabinet-morvan.test (smtp)... Deferred: Connection timed "
        "out during user "
        "open with cabinet-morvan.test\n\n",
        "   ----- Unsent message follows -----\n",
        (None, "Connection timed out"),
    ),
    "session_shown": (
        f"InterScan MSS <{_POSTMASTER}>",
        "Mail could not be delivered",
        f"...\n\nSent <<< RCPT TO:<{NADEGE}>\nReceived >>> 550 5.1.1 <{NADEGE}>... user unknown\n\n...\n\n{_STARS}   "
        f"  End of message     "
        f"{_STARS}\n",
        "\n----- Original message -----\n",
        ("5.1.1", "user unknown"),
    ),
    "lotus_failure_reasons": (
        "POSTMASTER@relais.test",
        "Undeliverable message",
        f"------- Failure Reasons  --------\n\nUser not listed in public Name & Address Book\n{NADEGE}\n\n",
        "------- Returned Message --------\n",
        (None, "not listed"),
    ),
    "dragonfly": (
        "MAILER-DAEMON <>",
        "Mail delivery failed",
        f"This is the DragonFly Mail Agent v0.13 at relais.test.\n\nThere was an error delivering your mail to "
        f"<{NADEGE}>.\n\nmx.test "
        "[192.0.2.40] did not like our final DATA:\n550 5.7.26 Unauthenticated email is not accepted.\n\n",
        "Message headers follow.\n\n",
        ("5.7.26", "550 5.7.26"),
    ),
    "filter_server_message": (
        f"POSTMASTER <{_POSTMASTER}>",
        "failure notice",
        f"Delivery to the following address failed.\n{NADEGE}\n\n\n-------server message\n550 unknown user "
        f"<{NADEGE}>\n\n-------SMTP command\n"
        "RCPT\n\n",
        "-------original message\n",
        (None, "550 unknown user"),
    ),
}


def _texts() -> list[Shape]:
    return [
        Shape(
            f"appliance_{name}",
            mail(header(sender, subject), words + (mark + RETURNED if mark else "")),
            (Said(kind="error-mail", status=status, message_id=MID if mark else None, words=said),),
        )
        for name, (sender, subject, words, mark, (status, said)) in _TEXTS.items()
    ]


def _reports() -> list[Shape]:
    original_only = f"Original-Recipient: <{NADEGE}>\nAction: failed\nDiagnostic-Code: smtp; 550 Unknown user\n"
    hunter = (
        f"  ----- The following addresses had permanent fatal errors -----\n\n>>> {NADEGE} <{NADEGE}>\n\n"
        "  ----- Transcript of session follows -----\n550 sorry, no mailbox here by that name (#5.1.1 - chkusr)\n"
    )
    inner = dsn(about(fields(original=f"rfc822;{NADEGE}"))).decode().replace("\r", "")
    nobody = "The original message was received\n\n----- The following addresses had permanent errors -----\n"
    untyped = RETURNED.encode()
    return [
        Shape(
            "appliance_original_recipient_only",
            dsn(
                original_only,
                f"    --- The following addresses had delivery problems ---\n\n<{NADEGE}>   (Unknown user {NADEGE})\n",
                head=header(_DAEMON, "Delivery Status"),
                kind="Multipart/Mixed",
                status_type='message/delivery-status; name="deliverystatus.txt"',
            ),
            (Said(original=NADEGE, words="550 Unknown user"),),
        ),
        Shape(
            "appliance_semicolon_after_the_type",
            dsn(
                about(fields(status="5.0.0"), first=""),
                status_type="message/delivery-status;",
                returned_type="message/rfc822;",
            ),
            (Said(status="5.0.0"),),
        ),
        Shape(
            "appliance_report_in_words_only",
            multipart(
                header(f'"MAILER-DAEMON" <{_DAEMON}>', "FAILURE NOTICE : results"),
                DSN,
                part("text/plain", hunter),
                part("message/rfc822", RETURNED),
            ),
            (Said(status="5.1.1", words="no mailbox"),),
        ),
        Shape(
            "appliance_wrapped_by_a_filter_that_names_nobody",
            multipart(
                header(f"Mail Delivery Subsystem <{_DAEMON}>", "Returned mail: User unknown"),
                "multipart/mixed",
                part("text/plain", nobody),
                part("message/rfc822", inner),
                boundary="TMMSG",
            ),
            (Said(status="5.1.1", original=NADEGE),),
        ),
        Shape(
            "appliance_returned_part_without_type",
            multipart(
                header(MAILER, "Returned Mail: User unknown"),
                "multipart/mixed",
                part("text/plain", f"---The following addresses had delivery errors---\n\n{NADEGE} [User unknown]\n"),
                untyped,
            ),
            (Said(kind="error-mail", words="User unknown"),),
        ),
        Shape(
            "appliance_returned_as_partial_message",
            dsn(about(fields()), returned=RETURNED_HEADER, returned_type="message/partial"),
            (Said(status="5.1.1"),),
        ),
        Shape(
            "appliance_fields_after_the_action",
            dsn(
                about(
                    f"Diagnostic-Code: smtp; 550 5.1.1 RCP-P2 Refused\nStatus: 5.1.1\nFinal-Recipient: rfc822; "
                    f"{NADEGE}\n"
                    "Last-Attempt-Date: Tue, 17 Nov 2026 09:12:44 +0100\nAction: failed\n"
                )
            ),
            (Said(status="5.1.1", words="RCP-P2"),),
        ),
        Shape(
            "appliance_blank_line_before_the_diagnostic",
            dsn(about(fields(diagnostic="") + "\nDiagnostic-Code: smtp; 550 5.1.1 no such user\n")),
            (Said(status="5.1.1", words="no such user"),),
        ),
    ]


SHAPES = (*_texts(), *_reports())
