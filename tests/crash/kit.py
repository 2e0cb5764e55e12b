"""An installation towards the sandbox that scans and collects often, and simple files for it."""

from __future__ import annotations

from pathlib import Path

PEOPLE = (
    ("99700000013", "DURAND", "Paul"),
    ("99700000021", "PETIT", "Sophie"),
    ("99700000062", "GARÇON", "François"),
    ("99700000070", "D'ALMEIDA", "Marie-Hélène"),
    ("99700000096", "BENALI", "Amina"),
    ("99700000120", "LE GOFF", "Yannick"),
    ("99700000146", "N'GUESSAN", "Aya"),
)
"""Recipients of the sandbox that read."""

CONFIG = """
[laboratory]
name = "Laboratoire d'essai"
finess = "990000010"
oid = "1.2.250.1.999.1"
[laboratory.biologist]
rpps = "10000000009"
family = "ESSAI"
given = "Camille"
[store]
url = "{url}"
[sources.sil]
folder = "entree"
stable_seconds = 0.1
patience_seconds = 1
[channels.mssante]
family = "mssante"
sender = "resultats@labo.sandbox.test"
host = "127.0.0.1"
port = {port}
server_name = "localhost"
ca_file = "bac-a-sable/pki/ca.pem"
client_cert = "bac-a-sable/pki/client.pem"
client_key = "bac-a-sable/pki/client.key"
connections = 2
[channels.mssante.pace]
per_minute = 600
burst = 20
[channels.mssante.batch]
every_minutes = 0.01
[channels.mssante.mailbox]
kind = "maildir"
path = "bac-a-sable/mailbox"
[trust]
signer_cn = "alb.sandbox.test"
[service]
scan_seconds = 0.2
collect_seconds = 0.5
lease_seconds = 2
workers = {workers}
"""


def message(number: int) -> bytes:
    rpps, family, given = PEOPLE[number % len(PEOPLE)]
    lines = (
        f"MSH|^~\\&|SIL|LABO|D|D|20261120101500||ORU^R01^ORU_R01|K{number:05}|P|2.5|||||FRA|UNICODE UTF-8",
        f"PID|1||K{number:05}^^^LABO^PI||ÉPREUVE^Numéro{number}^^^^^L||19800102|F",
        f"OBR|1||K{number:05}^LABO|CRP^Protéine C réactive^L|||20261120080000|||||||||{rpps}^{family}^{given}"
        "^^^DR^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^RPPS||||||20261120101000||CH|F",
        f"OBX|1|NM|CRP^CRP^L^30522-7^CRP^LN||{number % 90}.5|mg/L|< 5||||F",
    )
    return ("\r".join(lines) + "\r").encode()


def drop(folder: Path, numbers: range) -> None:
    for number in numbers:
        part = folder / "entree" / f".K{number:05}.part"
        part.write_bytes(message(number))
        part.rename(folder / "entree" / f"K{number:05}.hl7")
