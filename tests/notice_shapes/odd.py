"""Delivery notices that break the rules of RFC 3464, 6522 and 2045 the way relays and gateways do."""

from __future__ import annotations

import base64

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
    mail,
    multipart,
    part,
)

_PLAIN = about(fields())
_TOLD = Said(status="5.1.1")
_HEAD = header(MAILER, "Undelivered Mail Returned to Sender")


def _fields() -> list[Shape]:
    """Fields left out, misspelt, folded or filled with something else."""
    without_type = Said(status="5.1.1")
    bodies = {
        "no_message_fields": (fields(), _TOLD),
        "no_status": (about(fields(status="", diagnostic="smtp; 550 no such user")), Said(words="no such user")),
        "no_action_no_diagnostic": (about(fields("", "5.1.1", "")), Said(action=None, status="5.1.1")),
        "no_address_type": (about(fields(final=NADEGE)), without_type),
        "angle_brackets": (about(fields(final=f"rfc822; <{NADEGE}>")), without_type),
        "quoted": (about(fields(final=f'rfc822; "{NADEGE}"')), without_type),
        "display_name": (about(fields(final=f"rfc822; Nadège Morvan <{NADEGE}>")), without_type),
        "upper_case": (about(fields(final=f"RFC822;{NADEGE.upper()}")), without_type),
        "original_only": (about(fields(final="", original=f"rfc822; {NADEGE}")), Said(status="5.1.1", original=NADEGE)),
        "lower_case_names": (_PLAIN.lower(), _TOLD),
        "blank_before_colon": (_PLAIN.replace(":", " :"), _TOLD),
        "no_blank_after_colon": (_PLAIN.replace(": ", ":"), _TOLD),
        "status_with_comment": (about(fields(status="5.1.1 (Bad destination mailbox address)")), without_type),
        "status_is_a_reply": (about(fields(status="550", diagnostic="smtp; 550 5.1.1 unknown")), without_type),
        "status_of_two_numbers": (about(fields(status="5.1", diagnostic="smtp; 550 unknown")), Said(words="unknown")),
        "action_with_comment": (about(fields("failed (bounced)")), without_type),
        "action_in_capitals": (about(fields("FAILED")), without_type),
        "action_failure": (about(fields("failure")), without_type),
        "action_french": (about(fields("échec")), without_type),
        "folded_recipient": (about(fields(final=f"rfc822;\n {NADEGE}")), without_type),
        "folded_status": (about(fields(status="\n\t5.1.1")), without_type),
        "tabs": (_PLAIN.replace(": ", ":\t"), _TOLD),
        "blank_lines_inside": (fields().replace("\n", "\n\n"), _TOLD),
        "status_before_recipient": (
            about(f"Action: failed\nStatus: 5.1.1\nFinal-Recipient: rfc822; {NADEGE}\n"),
            _TOLD,
        ),
        "encoded_words_in_the_diagnostic": (
            about(fields(diagnostic="smtp; 552 =?utf-8?Q?bo=C3=AEte_pleine?=")),
            Said(status="5.1.1", words="552 boîte pleine"),
        ),
        "unknown_fields": (about(fields(more="X-Spam: no\nFinal-Log-ID: 12\nRemote-MTA: dns; mx.test\n")), _TOLD),
        "xtext_original": (
            about(fields(original="rfc822; nadege.morvan+40cabinet-morvan.test")),
            Said(status="5.1.1", original=NADEGE),
        ),
        "envid_in_brackets": (
            about(fields(), first=f"Original-Envelope-Id: <{ENVID}>\n"),
            Said(status="5.1.1", envid=ENVID),
        ),
        "message_id_among_fields": (
            about(fields(), first="X-Original-Message-ID: <d-4H7T2WQ9C.1@labo-rivage.test>\n"),
            _TOLD,
        ),
    }
    return [Shape(f"odd_{name}", dsn(text), (said,)) for name, (text, said) in bodies.items()]


def _blocks() -> list[Shape]:
    two = (_TOLD, Said(status="5.2.2", recipient=SOINS))
    second = fields("failed", "5.2.2", "smtp; 552 full", final=f"rfc822; {SOINS}")
    mixed = fields("delayed", "4.2.2", "", final=f"rfc822; {SOINS}")
    same = fields(status="5.1.1")
    return [
        Shape("odd_two_blocks_no_blank", dsn(about(fields() + second)), two),
        Shape("odd_two_blocks_many_blanks", dsn(about(fields(), "\n\n\n" + second)), two),
        Shape(
            "odd_failed_and_delayed",
            dsn(about(fields(), mixed)),
            (_TOLD, Said(action="delayed", status="4.2.2", class_="temporary", recipient=SOINS)),
        ),
        Shape("odd_same_block_twice", dsn(about(same, same)), (_TOLD,)),
        Shape(
            "odd_nine_recipients",
            dsn(about(*(fields(final=f"rfc822; d{number}@groupe.test") for number in range(9)))),
            tuple(Said(status="5.1.1", recipient=f"d{number}@groupe.test") for number in range(9)),
        ),
    ]


def _types() -> list[Shape]:
    """Content types and encodings that are not what they should be."""
    cut = dsn(_PLAIN)
    shapes = {
        "text_plain": dsn(_PLAIN, status_type="text/plain"),
        "octet_stream": dsn(_PLAIN, status_type="application/octet-stream"),
        "named_attachment": dsn(_PLAIN, status_type='message/delivery-status; name="Delivery report.txt"'),
        "returned_as_text": dsn(
            _PLAIN, returned=RETURNED_HEADER, returned_type="text/rfc822-headers; charset=us-ascii"
        ),
        "returned_headers_message": dsn(_PLAIN, returned=RETURNED_HEADER, returned_type="message/rfc822-headers"),
        "returned_as_eml": dsn(_PLAIN, returned_type='application/octet-stream; name="original.eml"'),
        "no_report_type": dsn(_PLAIN, kind="multipart/report"),
        "alternative": dsn(_PLAIN, kind="multipart/alternative"),
        "upper_case_types": dsn(_PLAIN, status_type="MESSAGE/DELIVERY-STATUS", kind="MULTIPART/REPORT"),
        "not_closed": cut[: cut.rindex(b"--=_limite")],
        "bare_newlines": cut.replace(b"\r\n", b"\n"),
        "mac_newlines": cut.replace(b"\r\n", b"\r"),
        "doubled_returns": cut.replace(b"\r\n", b"\r\r\n"),
        "mbox_line": b"From MAILER-DAEMON Tue Nov 17 09:12:44 2026\r\n" + cut,
        "byte_order_mark": b"\xef\xbb\xbf" + cut,
        "blank_lines_first": b" \r\n\r\n" + cut,
        "no_mime_version": cut.replace(b"MIME-Version: 1.0\r\n", b"", 1),
        "latin_1_words": dsn(_PLAIN, "Adresse erronée").replace("erronée".encode(), "erronée".encode("latin-1")),
        "base64_status": multipart(
            _HEAD,
            DSN,
            part("text/plain", "Not delivered."),
            part("message/delivery-status", _PLAIN, "base64"),
            part("message/rfc822", RETURNED, "base64"),
        ),
        "quoted_printable_status": multipart(
            _HEAD,
            DSN,
            part("text/plain", "Not delivered."),
            part("message/delivery-status", _PLAIN, "quoted-printable"),
            part("message/rfc822", RETURNED),
        ),
        "status_first": multipart(
            _HEAD,
            DSN,
            part("message/delivery-status", _PLAIN),
            part("text/plain", "No."),
            part("message/rfc822", RETURNED),
        ),
        "header_has_no_blank_line": cut.replace(b"delivery-status\r\n\r\nReporting", b"delivery-status\r\nReporting"),
    }
    return [Shape(f"odd_{name}", data, (_TOLD,)) for name, data in shapes.items()]


def _inside_others() -> list[Shape]:
    """Notices forwarded, wrapped by a gateway, or with a banner added."""
    notice = dsn(_PLAIN)
    text = notice.decode()
    banner = part("text/plain", "[Message vérifié par la passerelle]")
    person = header("Accueil <accueil@labo-rivage.test>", "TR: avis de non-remise")
    encoded = b"Content-Type: application/octet-stream; name=avis.eml\nContent-Transfer-Encoding: base64\n\n"
    return [
        Shape(
            "odd_wrapped_by_gateway",
            multipart(
                _HEAD, "multipart/mixed", banner, part("message/rfc822", text.replace("\r\n", "\n")), boundary="g"
            ),
            (_TOLD,),
        ),
        Shape(
            "odd_forwarded_by_colleague",
            multipart(
                person,
                "multipart/mixed",
                part("text/plain", "Pour info."),
                part("message/rfc822", text.replace("\r", "")),
                boundary="f",
            ),
            (_TOLD,),
        ),
        Shape(
            "odd_forwarded_as_file",
            multipart(
                person,
                "multipart/mixed",
                part("text/plain", "Pour info."),
                encoded + base64.encodebytes(notice),
                boundary="f",
            ),
            (_TOLD,),
        ),
        Shape(
            "odd_report_inside_mixed",
            multipart(
                _HEAD,
                "multipart/mixed",
                f'Content-Type: {DSN}; boundary="=_limite/relais.test"\n\n'.encode()
                + notice.replace(b"\r\n", b"\n").partition(b"\n\n")[2],
                banner,
                boundary="m",
            ),
            (_TOLD,),
        ),
        Shape(
            "odd_report_type_without_fields",
            multipart(
                _HEAD,
                DSN,
                part("text/plain", f"<{NADEGE}>: host mx.test said: 550 5.1.1 inconnu"),
                part("message/rfc822", RETURNED),
            ),
            (Said(status="5.1.1", words="inconnu"),),
        ),
        Shape(
            "odd_fields_in_the_body", mail(_HEAD, f"Rapport :\n\n{_PLAIN}\n"), (Said(status="5.1.1", message_id=None),)
        ),
    ]


SHAPES = (*_fields(), *_blocks(), *_types(), *_inside_others())
