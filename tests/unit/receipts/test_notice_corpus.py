"""Every sample of samples/receipts says what it should; the samples' people and addresses are invented."""

import pytest

from dispatcher.receipts.readout import FIELDS, as_json, understood
from dispatcher.resources import sample

CAMILLE = "camille.durand@cabinets.mssante.test"
ABSENT = "absent@ehpad.mssante.test"
MID = "<d-7K2M9QX4B.1@labo.test>"
ENVID = "d-7K2M9QX4B"

# file: kind, action, status, class, code, message id?, envid?, words of the diagnostic, problem codes
ONE = {
    "dsn_postfix_failed": ("dsn", "failed", "5.1.1", "permanent", None, 1, 1, "User unknown in virtual", []),
    "dsn_delivered": ("dsn", "delivered", "2.1.5", "success", None, 1, 1, "250 2.1.5 Ok", []),
    "dsn_relayed": ("dsn", "relayed", "2.0.0", "success", None, 1, 1, "250 2.0.0 Saved", []),
    "dsn_expanded": ("dsn", "expanded", "2.0.0", "success", None, 1, 1, None, []),
    "dsn_delayed": ("dsn", "delayed", "4.4.1", "temporary", None, 1, 1, "Connection refused", []),
    "dsn_failed_with_4xx": ("dsn", "failed", "4.4.1", "permanent", None, 1, 1, "Connection timed out", []),
    "dsn_headers_only": ("dsn", "failed", "5.7.1", "permanent", None, 1, 1, "rejected by policy", []),
    "dsn_wrong_types": ("dsn", "failed", "5.1.1", "permanent", None, 1, 1, None, []),
    "dsn_no_boundary_parameter": ("dsn", "failed", "5.1.1", "permanent", None, 1, 1, None, []),
    "dsn_other_boundary": ("dsn", "failed", "5.1.1", "permanent", None, 1, 1, None, []),
    "dsn_base64_parts": ("dsn", "failed", "5.2.1", "permanent", None, 1, 1, "Mailbox disabled", []),
    "dsn_exchange_fr": (
        "dsn",
        "failed",
        "5.1.10",
        "permanent",
        None,
        1,
        0,
        "RecipientNotFound; Recipient not found",
        [],
    ),
    "dsn_forwarded": ("dsn", "failed", "5.1.1", "permanent", None, 1, 1, "User unknown", ["forwarded"]),
    "plain_qmail": ("error-mail", "failed", "5.1.1", "permanent", None, 1, 0, "no mailbox here", []),
    "plain_exim": ("error-mail", "failed", "5.7.1", "permanent", None, 1, 0, "Sender not allowed", []),
    "plain_exim_delay": ("error-mail", "delayed", None, "temporary", None, 0, 0, "mailbox is full", []),
    "plain_sendmail": ("error-mail", "failed", "5.1.1", "permanent", None, 1, 0, "User unknown", []),
    "plain_sendmail_warning": (
        "error-mail",
        "delayed",
        None,
        "temporary",
        None,
        0,
        0,
        "Deferred: Connection",
        [],
    ),
    "plain_postfix_old": ("error-mail", "failed", None, "permanent", None, 0, 0, "quota exceeded", []),
    "plain_domino": ("error-mail", "failed", None, "permanent", None, 0, 0, "not listed in Domino Directory", []),
    "plain_exchange_old": ("error-mail", "failed", None, "permanent", None, 0, 0, "name is not recognized", []),
    "plain_gmail_fr": ("error-mail", "failed", "5.1.1", "permanent", None, 0, 0, "n'est pas parvenu", []),
    "plain_french_provider_full": ("error-mail", "failed", None, "permanent", None, 1, 0, "quota dépassé", []),
    "plain_french_delay": ("error-mail", "delayed", None, "temporary", None, 0, 0, "ne répond pas", []),
    "plain_inactive_box": ("error-mail", "failed", None, "permanent", None, 0, 0, "désactivée", []),
    "plain_domain_unknown": ("error-mail", "failed", None, "permanent", None, 1, 0, "domain name not found", []),
    "plain_too_large": ("error-mail", "failed", "5.3.4", "permanent", None, 1, 0, "trop volumineux", []),
    "mdn_displayed": ("mdn", "displayed", None, "success", None, 1, 0, None, []),
    "mdn_processed": ("mdn", "processed", None, "success", None, 1, 0, None, []),
    "mdn_error_902": ("mdn", "processed", None, "permanent", "902", 1, 0, "902^Identifiant de patient", []),
    "mdn_deleted": ("mdn", "deleted", None, None, None, 1, 0, None, []),
    "mdn_dispatched": ("mdn", "dispatched", None, None, None, 1, 0, None, []),
    "mdn_sieve_refusal": ("mdn", "deleted", None, "permanent", None, 1, 0, "Quota exceeded", []),
    "mdn_ko_subject_only": ("mdn", "processed", None, "permanent", "903", 1, 0, "INS absent", ["contradictory"]),
    "mdn_ans_misplaced_boundaries": ("mdn", "processed", None, "permanent", "905", 1, 0, "905^INS incomplet", []),
    "ko_mail_902": ("error-mail", "failed", None, "permanent", "902", 1, 0, "Identifiant de patient inconnu", []),
    "ko_mail_erreur_902": ("error-mail", "failed", None, "permanent", "902", 1, 0, "Identifiant de patient", []),
    "ko_mail_encoded_subject": ("error-mail", "failed", None, "permanent", "906", 1, 0, "906", []),
    "auto_absence_fr": ("auto-reply", None, None, None, None, 1, 0, None, []),
    "auto_out_of_office": ("auto-reply", None, None, None, None, 1, 0, None, []),
    "auto_vacation_header": ("auto-reply", None, None, None, None, 1, 0, None, []),
    "auto_abandoned": ("error-mail", "failed", None, "permanent", None, 1, 0, None, []),
    "human_reply": ("other", None, None, None, None, 1, 0, None, ["not-a-notice"]),
}


def entry(name: str) -> dict:
    return as_json(name, sample("receipts", f"{name}.eml").read_bytes())


@pytest.mark.parametrize("name", sorted(ONE))
def test_sample_is_read_as_its_table_row_says(name: str) -> None:
    kind, action, status, class_, code, with_id, with_envid, words, problems = ONE[name]
    told = entry(name)
    assert [problem["code"] for problem in told["problems"]] == problems
    assert len(told["notices"]) == 1
    notice = told["notices"][0]
    assert tuple(notice) == FIELDS
    assert notice["recipient"] == CAMILLE
    assert (notice["kind"], notice["action"], notice["status"], notice["class"], notice["code"]) == (
        kind,
        action,
        status,
        class_,
        code,
    )
    assert notice["message_id"] == (MID if with_id else None)
    assert notice["envid"] == (ENVID if with_envid else None)
    if words is None:
        assert notice["diagnostic"] is None
    else:
        assert words in notice["diagnostic"]


def test_every_sample_file_has_its_row() -> None:
    on_disk = {file.name.removesuffix(".eml") for file in sample("receipts").iterdir() if file.name.endswith(".eml")}
    assert on_disk == set(ONE) | {"dsn_two_recipients", "dsn_no_blank_between_blocks"}


def test_each_recipient_of_a_report_gets_its_own_notice() -> None:
    first, second = entry("dsn_two_recipients")["notices"]
    assert (first["recipient"], first["action"], first["status"]) == (ABSENT, "failed", "5.2.2")
    assert (second["recipient"], second["action"], second["class"]) == (CAMILLE, "delivered", "success")


def test_recipient_blocks_are_told_apart_without_a_blank_line() -> None:
    first, second = entry("dsn_no_blank_between_blocks")["notices"]
    assert (first["recipient"], first["action"], first["status"]) == (ABSENT, "failed", "5.1.1")
    assert (second["recipient"], second["action"], second["status"]) == (CAMILLE, "delayed", "4.2.0")


def test_an_expanded_recipient_keeps_the_address_we_wrote_to() -> None:
    assert entry("plain_sendmail")["notices"][0]["original_recipient"] == "cabinet@mssante.test"


def test_only_a_mail_without_any_known_notice_is_not_understood() -> None:
    assert not understood(entry("human_reply"))
    assert understood(entry("auto_absence_fr"))
    assert understood(entry("dsn_relayed"))
