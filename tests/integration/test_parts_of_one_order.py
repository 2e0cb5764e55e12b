"""One order over several messages: parts are no versions, and no version drops an analysis by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.outbox.states import State
from tests.integration.laboratory import Installation, install
from tests.pki import pki

CHANNEL = """
[channels.mss]
family = "mssante"
sender = "resultats@labo.test"
transport = "folder"
folder = "sortie"
client_cert = "labo.pem"
client_key = "labo.key"
"""


@pytest.fixture
def labo(tmp_path: Path) -> Iterator[Installation]:
    installation = install(tmp_path, pki(), channel=CHANNEL, local="R1;;;;lecteur@dest.test;Lecteur;;;;;\n")
    yield installation
    installation.office.close()


def message(number: int, *analyses: tuple[str, str], status: str = "F") -> str:
    head = (
        f"MSH|^~\\&|SIL|LABO|D|D|2026112010{number:02}00||ORU^R01|M{number}|P|2.5|||||FRA|UNICODE UTF-8",
        "PID|1||P1^^^LABO^PI||ESSAI^Zoé^^^^^L||19800102|F",
        f"OBR|1||ORDRE1^LABO|B{number}^Batterie {number}^L|||20261120080000|||||||||R1^TEST^Ana||||||"
        f"2026112010{number:02}00||CH|{status}",
    )
    results = (f"OBX|{n}|NM|{code}^{code}^L||{value}|g/L|||||{status}" for n, (code, value) in enumerate(analyses, 1))
    return "\r".join((*head, *results)) + "\r"


def drop(labo: Installation, name: str, *messages: str) -> None:
    (labo.inbox / name).write_text("".join(messages), encoding="utf-8", newline="")
    labo.run()


def states(labo: Installation) -> list[tuple[int, State, str]]:
    return sorted((d.version, d.state, d.hold_code) for d in labo.dispatches(order="ORDRE1"))


def test_messages_of_one_order_with_other_analyses_are_parts(labo: Installation) -> None:
    drop(labo, "a.hl7", message(1, ("GLY", "0.9")), message(2, ("CHOL", "2.1")))
    drop(labo, "b.hl7", message(3, ("TSH", "1.4")))
    assert states(labo) == [(1, State.SENT, "")] * 3


def test_a_part_is_corrected_in_its_own_chain(labo: Installation) -> None:
    drop(labo, "a.hl7", message(1, ("GLY", "0.9")), message(2, ("CHOL", "2.1")))
    drop(labo, "b.hl7", message(4, ("CHOL", "2.2"), status="C"))
    assert states(labo) == [(1, State.SENT, ""), (1, State.SENT, ""), (2, State.SENT, "")]


def test_a_version_with_more_analyses_replaces(labo: Installation) -> None:
    drop(labo, "a.hl7", message(1, ("GLY", "0.9"), status="P"))
    drop(labo, "b.hl7", message(2, ("GLY", "0.9"), ("CHOL", "2.1")))
    assert states(labo) == [(1, State.SENT, ""), (2, State.SENT, "")]


def test_a_version_that_lost_an_analysis_waits_for_a_person(labo: Installation) -> None:
    drop(labo, "a.hl7", message(1, ("GLY", "0.9"), ("CHOL", "2.1")))
    drop(labo, "b.hl7", message(2, ("CHOL", "2.2"), status="C"))
    assert states(labo) == [(1, State.SENT, ""), (2, State.HELD, "incomplete-version")]
    drop(labo, "c.hl7", message(3, ("GLY", "0.9"), ("CHOL", "2.2"), status="C"))
    assert states(labo)[0] == (1, State.SENT, "")
    assert states(labo)[-1] == (3, State.SENT, "")
