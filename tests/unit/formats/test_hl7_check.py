"""What our own check says of an HL7 v2 file, rule by rule; the good files pass."""

from __future__ import annotations

import pytest

from dispatcher.formats.hl7.check import check

ORU = "\r".join(
    [
        "MSH|^~\\&|SIL|LABO|D|D|20260311084500||ORU^R01^ORU_R01|M1|P|2.5",
        "PID|1||P1^^^LABO^PI||ESSAI^Claire||19610704|F",
        "OBR|1|D1|F1|NFS^Numération^L|||202603110745|||||||||||||||202603111412||HM|F",
        "OBX|1|NM|GB^Leucocytes^L||7.42|G/L|4.00 - 10.00|N|||F",
        "OBX|2|DT|DDR^Dernières règles^L||20260301||||||F",
        "",
    ]
)
MDM = "\r".join(
    [
        "MSH|^~\\&|SIL|LABO|D|D|20260311084500||MDM^T02^MDM_T02|M1|P|2.5",
        "PID|1||P1^^^LABO^PI||ESSAI^Claire||19610704|F",
        "TXA|1|CR^CR^L||||||||||D1|||||LA",
        "OBX|1|ED|PDF^Compte rendu^L||^AP^PDF^Base64^JVBERi0=||||||F",
        "",
    ]
)


def found(text: str) -> list[tuple[str, str]]:
    return [(p.code, p.severity.value) for p in check(text.encode())]


@pytest.mark.parametrize("text", [ORU, MDM])
def test_a_good_file_passes(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    ("old", "new", "code", "severity"),
    [
        ("ORU^R01^ORU_R01|M1", "ORU^R01^ORU_R01|", "msh-missing", "error"),
        ("|P|2.5", "|P|", "msh-missing", "error"),
        ("|20260311084500|", "||", "msh-missing", "warning"),
        ("|LABO|D|", "||D|", "msh-missing", "warning"),
        ("|P|2.5", "|P|v25", "msh-version", "warning"),
        ("|P|2.5", "|X|2.5", "msh-processing", "warning"),
        ("PID|", "ZID|", "pid-missing", "error"),
        ("P1^^^LABO^PI", "", "pid-identifier", "error"),
        ("ESSAI^Claire", "", "pid-name", "error"),
        ("|19610704|", "|1961|", "pid-birth-date", "warning"),
        ("19610704|F", "19610704|H", "pid-sex", "warning"),
        ("OBR|1|", "ZBR|1|", "obx-without-obr", "error"),
        ("NFS^Numération^L", "", "obr-service", "error"),
        ("|D1|F1|", "|||", "obr-number", "warning"),
        ("|HM|F\r", "|HM|Q\r", "obr-status", "warning"),
        ("OBX|1|NM|", "OBX|1||", "obx-type", "error"),
        ("OBX|1|NM|", "OBX|1|ZZ|", "obx-type", "warning"),
        ("GB^Leucocytes^L", "", "obx-code", "error"),
        ("GB^Leucocytes^L", "GB^Leucocytes", "obx-coding-system", "info"),
        ("N|||F\r", "N|||\r", "obx-status", "error"),
        ("N|||F\r", "N|||Q\r", "obx-status", "error"),
        ("7.42", "7,42", "obx-number", "warning"),
        ("20260301", "01/03/2026", "obx-date", "warning"),
        ("OBR|1|", "OBR|4|", "set-id", "info"),
        ("OBX|2|", "OBX|1|", "set-id", "info"),
    ],
)
def test_each_rule_of_results_is_told(old: str, new: str, code: str, severity: str) -> None:
    assert old in ORU
    assert (code, severity) in found(ORU.replace(old, new))


def test_an_order_without_result_is_told_unless_its_state_explains_it() -> None:
    alone = ORU + "OBR|2|D2|F2|X^X^L|||||||||||||||||||||{}\r"
    assert ("obr-without-obx", "warning") in found(alone.format("F"))
    assert ("obr-without-obx", "warning") not in found(alone.format("X"))


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("TXA|1", "ZXA|1", "txa-missing"),
        ("|CR^CR^L|", "||", "txa-field"),
        ("|D1|", "||", "txa-field"),
        ("|LA", "|", "txa-field"),
        ("MDM^T02^MDM_T02", "MDM^T10^MDM_T02", "txa-parent"),
        ("^AP^PDF^Base64^JVBERi0=", "", "mdm-empty"),
    ],
)
def test_each_rule_of_documents_is_told(old: str, new: str, code: str) -> None:
    assert old in MDM
    assert (code, "error") in found(MDM.replace(old, new))


def test_no_message_quotes_the_patient() -> None:
    assert not any(
        "ESSAI" in p.message for p in check(ORU.replace("7.42", "ESSAI").replace("|F\r", "|ESSAI\r").encode())
    )


@pytest.mark.parametrize("data", [b"", b"MSH", b"MSH|", b"MSH|^~\\&", b"\xff\x00MSH|^~\\&\rOBX", ORU.encode()[:120]])
def test_it_never_raises(data: bytes) -> None:
    check(data)
