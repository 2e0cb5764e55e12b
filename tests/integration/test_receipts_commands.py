"""``dispatcher receipts``: what came is listed, shown, written out; mbox files go in whole; habits are told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dispatcher import wiring
from dispatcher.cli.main import app
from dispatcher.clock import SystemClock
from dispatcher.daemon import mailboxes
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import State
from dispatcher.ports import Heard
from dispatcher.service import alarms
from dispatcher.settings import load
from dispatcher.wiring import Office
from tests.contract.store_kit import Seed
from tests.service.samples import dsn, mdn
from tests.unit.receipts.test_mbox import mbox


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    assert CliRunner().invoke(app, ["init", str(tmp_path / "labo")]).exit_code == 0
    built = wiring.build(load(tmp_path / "labo" / "dispatcher.toml"))
    yield built
    built.close()


def run(office: Office, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["--config", str(office.settings.folder / "dispatcher.toml"), *words])
    return result.exit_code, " ".join(result.output.split())


def told(office: Office, *words: str) -> Any:
    result = CliRunner().invoke(app, ["--config", str(office.settings.folder / "dispatcher.toml"), *words, "--json"])
    return json.loads(result.stdout)


def sent(office: Office, number: int = 1) -> Dispatch:
    seed = Seed(office.store, SystemClock())  # type: ignore[arg-type]
    seed._count = 100 * number
    channel = next(iter(office.channels))
    row = seed.dispatch(channel=channel, address=f"lecteur{number}@dest.test", domain="dest.test")
    with office.store.transaction() as uow:
        uow.dispatches.move(row.id, State.SENDING)
        return uow.dispatches.move(row.id, State.SENT, sent_at=office.clock.now())


def test_an_mbox_goes_in_whole_and_what_it_holds_is_listed(office: Office, tmp_path: Path) -> None:
    one, two = sent(office, 1), sent(office, 2)
    notices = [
        dsn(one.message_id, one.address, number=1),
        mdn(two.message_id, two.address, number=2),
        mdn(one.message_id, one.address, sender="voleur@ailleurs.test", number=3),
    ]
    file = tmp_path / "avis.mbox"
    file.write_bytes(mbox(*notices))
    assert len(told(office, "receipts", "read", str(file))["files"][0]["notices"]) == 3
    code, said = run(office, "receipts", "import", str(file))
    assert code == 1, "one matches nothing"
    assert "3 courriers, 3 avis, 2 rattachés à un envoi" in said
    rows = told(office, "receipts", "list")
    assert sorted((row["kind"], row["dispatch_id"]) for row in rows) == sorted(
        [("dsn", one.id), ("mdn", two.id), ("mdn", "")]
    )
    (odd,) = told(office, "receipts", "list", "--unmatched")
    assert odd["dispatch_id"] == ""
    assert "ne vient pas du domaine de son destinataire" in odd["note"]
    code, said = run(office, "receipts", "list", "--unmatched")
    assert odd["id"] in said and one.id not in said.replace(f"l'envoi {one.id}", "")
    assert "receipts list --unmatched" in run(office, "status")[1]
    assert "Il y en a d'autres" in run(office, "receipts", "list", "--limit", "1")[1]

    code, said = run(office, "receipts", "show", odd["id"])
    assert code == 0
    assert "Sans envoi correspondant" in said and "avis de lecture" in said
    out = tmp_path / "avis.eml"
    assert run(office, "receipts", "show", odd["id"], "--out", str(out))[0] == 0
    assert out.read_bytes().rstrip() == notices[2].rstrip()
    shown = told(office, "receipts", "show", odd["id"])
    assert shown["receipt"]["id"] == odd["id"] and shown["read"]["notices"][0]["kind"] == "mdn"
    assert run(office, "receipts", "show", "A00")[0] == 1
    assert run(office, "receipts", "import", str(file), "--channel", "nulle-part")[0] == 2


def test_habits_are_told_by_a_command_and_beside_a_dispatch(office: Office) -> None:
    dispatch = sent(office)
    assert "Rien n'est encore appris" in run(office, "receipts", "support")[1]
    with office.store.transaction() as uow:
        uow.support.heard(dispatch.channel, dispatch.address, Heard.RELAYED, office.clock.now())
        uow.support.heard(dispatch.channel, dispatch.address, Heard.READ, office.clock.now() - timedelta(days=1))
    (row,) = told(office, "receipts", "support")
    assert (row["name"], row["delivery"], row["reading"]) == ("dest.test", "relayed", "unknown")
    names = {row["name"]: row["reading"] for row in told(office, "receipts", "support", "--addresses")}
    assert names == {"dest.test": "unknown", dispatch.address: "yes"}
    assert "avis de remise jusqu'au serveur suivant seulement" in run(office, "receipts", "support")[1]
    said = run(office, "show", dispatch.id)[1]
    assert "jusqu'au serveur suivant seulement ; donne des accusés de lecture" in said
    assert told(office, "show", dispatch.id)["expects"] == {"delivery": "relayed", "reading": "yes"}


def test_a_mailbox_that_is_too_old_alarms_in_status(office: Office) -> None:
    name = next(iter(office.channels))
    assert mailboxes.care_all(office) == sum(1 for one in office.channels.values() if one.settings.mailbox)
    assert told(office, "status")["mailboxes_full"] == []
    alarms.tell(office.store, alarms.mailbox_fill(name), "Boîte pleine à 90 %.")
    assert told(office, "status")["mailboxes_full"] == [{"channel": name, "alarm": "Boîte pleine à 90 %."}]
    assert "Boîte pleine à 90 %" in run(office, "status")[1]
    mailboxes.care_all(office)
    assert told(office, "status")["mailboxes_full"] == [], "over by itself"
    assert mailboxes.learn_all(office) == 0


def test_what_somebody_dealt_with_is_counted_no_more(office: Office, tmp_path: Path) -> None:
    one = sent(office)
    for number, content in enumerate(
        (mdn(one.message_id, one.address, sender="x@ailleurs.test"), b"Subject: A\r\n\r\nB")
    ):
        file = tmp_path / f"{number}.eml"
        file.write_bytes(content)
        run(office, "receipts", "import", str(file))
    spam, notice = sorted(told(office, "receipts", "list", "--unmatched"), key=lambda row: row["kind"] == "mdn")
    assert run(office, "receipts", "close", spam["id"])[0] == 2, "no reason"
    assert run(office, "receipts", "close", "--reason", "Vu.")[0] == 2, "which?"
    assert run(office, "receipts", "close", "--before", "hier", "--reason", "Vu.")[0] == 2
    code, said = run(office, "receipts", "tie", spam["id"], one.id, "--reason", "Vu.")
    assert code == 1 and "ne dit pas ce qu'est devenu un envoi" in said
    code, said = run(office, "receipts", "close", spam["id"], "--reason", "Publicité.")
    assert (code, "1 élément réglé" in said) == (0, True)
    assert told(office, "status")["unmatched_receipts"] == 1
    code, said = run(office, "receipts", "list")
    assert "Réglé par" in said
    done = told(office, "receipts", "tie", notice["id"], one.id, "--reason", "Son remplaçant.")
    assert (done["dispatch"], done["state"], done["refused"]) == (one.id, "read", "")
    assert "Réglé par" in run(office, "receipts", "show", notice["id"])[1]
    assert told(office, "status")["unmatched_receipts"] == 0
    assert (
        "Aucun avis d'avant ce jour" in run(office, "receipts", "close", "--before", "2999-01-01", "--reason", "V")[1]
    )
    run(office, "receipts", "import", str(tmp_path / "0.eml"))
    assert told(office, "status")["unmatched_receipts"] == 0
