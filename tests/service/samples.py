"""Invented people and messages for the tests of the use cases. Nobody here exists.

Names, birth dates, numbers and results are odd on purpose: :data:`SECRETS` are looked for in every log line and in
every index table at the end of every test.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    family: str
    given: str
    born: str
    """YYYYMMDD."""
    sex: str = "F"
    ins: str = ""

    @property
    def secrets(self) -> tuple[str, ...]:
        year, month, day = self.born[:4], self.born[4:6], self.born[6:]
        dates = (self.born, f"{year}-{month}-{day}", f"{day}/{month}/{year}", f"{day}{month}{year}")
        return tuple(text for text in (self.family, self.given, self.ins[:13], *dates) if text)


ZOE = Person("QUATREPATTES", "Zébuline", "19790314", "F", "279035121518989")
LEO = Person("TOURNEMIRE-ÉPI", "Léopoldin", "19460217", "M", "146026322000196")
AMA = Person("VIREVOLTE", "Amarante", "19840609", "F")
PEOPLE = (ZOE, LEO, AMA)

VALUE = "4815.16"
OTHER_VALUE = "4815.23"
THIRD_VALUE = "4815.42"
TEXT_VALUE = "Leptospirose galopante"
SECRETS = tuple(dict.fromkeys([s for p in PEOPLE for s in p.secrets] + [VALUE, OTHER_VALUE, THIRD_VALUE, TEXT_VALUE]))


def oru(
    order: str = "R1001",
    value: str = VALUE,
    *,
    who: Person = ZOE,
    to: str = "D001^DURAND^Pierre",
    copies: str = "",
    status: str = "F",
    at: str = "20260311083000",
    control: str = "M1",
    sent: str = "20260311084500",
    result: str = "",
    urgent: bool = False,
) -> bytes:
    """One ORU^R01. ``at``: OBR-22, when it was reported; ``status``: OBR-25, and OBX-11 unless it says more."""
    ins = f"~{who.ins}^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS" if who.ins else ""
    obr = [""] * 29
    obr[0], obr[1], obr[3], obr[4] = "OBR", "1", f"{order}^LABO", "GLY^Glycémie^L"
    obr[5], obr[7], obr[16], obr[22], obr[25], obr[28] = "S" if urgent else "", "20260311070000", to, at, status, copies
    letter = {"F": "F", "C": "C", "P": "P", "X": "X"}[status]
    value, letter = ("", "X") if status == "X" else (value, letter)
    lines = [
        f"MSH|^~\\&|SIL|LABO|DISP|DISP|{sent}||ORU^R01^ORU_R01|{control}|P|2.5|||||FRA|UNICODE UTF-8",
        f"PID|1||P{order}^^^LABO^PI{ins}||{who.family}^{who.given}^^^^^L||{who.born}|{who.sex}",
        "|".join(obr).rstrip("|"),
        f"OBX|1|NM|GLY^Glucose^L||{value}|g/L|0.70-1.05||||{letter}",
        f"OBX|2|ST|OBS^Observation^L||{result or 'RAS'}|||||||{letter}",
    ]
    return "\r".join(lines).encode() + b"\r"


def hprim_with_document(name: str = "TRACE01.PDF", order: str = "T3013", who: Person = LEO) -> bytes:
    """HPRIM Santé whose second result stands in a file beside it (FIC)."""
    lines = [
        "H|~^\\&|GLY00313.HPR||GLYCINES~Laboratoire des Glycines||ORU|||D001~Dr DURAND||P|H2.1~C|202603110820",
        f"P|1|G-30114||S2026-0100|{who.family}~{who.given}||{who.born}|{who.sex}",
        f"OBR|1|{order}~D3013|{order}~G1|ELEC~Electrophorese~L|R||202603110640||||N|||202603110700|SER~Serum"
        "|D001~DR DURAND Pierre~L||||||202603110815|||F",
        f"OBX|1|NM|PROT~Proteines totales~L||{VALUE}|g/L|64 - 83|N|||F|||202603110815|BIOCHIMIE~10",
        f"OBX|2|FIC|TRACE~Trace~L||GLYCINES~{name}~PDF||||||F|||202603110815|BIOCHIMIE~20",
        "L|1||1|5",
    ]
    return "\r".join(lines).encode("latin-1") + b"\r"


PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def dsn(message_id: str, recipient: str, action: str = "delivered", *, number: int = 1) -> bytes:
    """A delivery notice of a relay."""
    status = {"delivered": "2.1.5", "failed": "5.1.1", "delayed": "4.4.1", "relayed": "2.1.9"}[action]
    return f"""\
Return-Path: <>
From: MAILER-DAEMON@relais.operateur.test
To: resultats@labo.test
Subject: Delivery status
Message-ID: <dsn{number}@relais.operateur.test>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

Notification.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; relais.operateur.test

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}

--b
Content-Type: message/rfc822

From: resultats@labo.test
To: {recipient}
Message-ID: {message_id}
Subject: x

--b--
""".encode()


def mdn(message_id: str, recipient: str, disposition: str = "displayed", *, sender: str = "", number: int = 1) -> bytes:
    """A read notice of the recipient's software."""
    return f"""\
From: {sender or recipient}
To: resultats@labo.test
Subject: Lu
Message-ID: <mdn{number}@dest.test>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=disposition-notification; boundary="b"

--b
Content-Type: text/plain

Lu.
--b
Content-Type: message/disposition-notification

Final-Recipient: rfc822; {recipient}
Original-Message-ID: {message_id}
Disposition: manual-action/MDN-sent-manually; {disposition}

--b--
""".encode()
