"""``dispatcher backup`` and ``restore`` on both engines: whole while others write; paused until a person says."""

from __future__ import annotations

import json
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from dispatcher import wiring
from dispatcher.cli import backup_folder, backup_parts
from dispatcher.cli.main import app
from dispatcher.daemon import steps
from dispatcher.daemon.membership import Membership
from dispatcher.errors import DispatcherError, StoreError
from dispatcher.keyring.master import MasterKey
from dispatcher.outbox.states import State
from dispatcher.store.copies import libpq
from tests.integration.laboratory import Installation, install
from tests.integration.test_learning_commands import CHANNEL, HL7
from tests.needs import needs_program
from tests.pki import pki
from tests.servers.postgresql import PostgreSql, postgresql
from tests.service.samples import mdn

LOCAL = "A;;;;a@sandbox.mssante.test;Dr A;;;;;\n"
WHY = ("--reason", "essai")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSql]:
    for name in ("pg_dump", "pg_restore", "psql"):
        needs_program(name, "postgresql-client")
    with postgresql() as one:
        yield one


@pytest.fixture(params=["sqlite", "postgresql"])
def labo(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """Two results prepared and queued, of a folder that takes nothing as yet."""
    channel = CHANNEL
    if request.param == "postgresql":
        server = request.getfixturevalue("server")
        channel += f'\n[store]\nurl = "{server.url(server.create())}"\n'
    installation = install(tmp_path / "labo", pki(), channel=channel, local=LOCAL)
    monkeypatch.setenv("DISPATCHER_CONFIG", str(installation.config))
    monkeypatch.setenv("LOGNAME", "eve")
    monkeypatch.setenv("COLUMNS", "200")
    run("pause", "pro", *WHY)
    for number in range(2):
        content = HL7.format(number=f"T{number}", to="A^ESSAI")
        (installation.inbox / f"{number}.hl7").write_text(content, encoding="utf-8", newline="")
    installation.run()
    assert [one.state for one in installation.dispatches()] == [State.QUEUED] * 2
    run("resume", "pro", *WHY)
    yield installation
    installation.office.close()


def invoke(*words: str) -> Result:
    """One command; what it opened is closed, as the end of its process would."""
    opened: list[wiring.Office] = []
    build = wiring.build

    def kept(*args: Any, **options: Any) -> wiring.Office:
        opened.append(build(*args, **options))
        return opened[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "build", kept)
        result = CliRunner().invoke(app, list(words))
    for office in opened:
        office.close()
    return result


def run(*words: str, rc: int = 0) -> Result:
    result = invoke(*words)
    assert result.exit_code == rc, (result.output, result.exception)
    return result


def refused(*words: str) -> str:
    """The code of the refusal."""
    error = invoke(*words).exception
    assert isinstance(error, DispatcherError), error
    assert error.hint
    return str(error.code)  # type: ignore[attr-defined]


def told(*words: str, rc: int = 0) -> Any:
    return json.loads(run(*words, "--json", rc=rc).stdout)


def mails(labo: Installation) -> int:
    return sum(1 for one in (labo.folder / "sortie").glob("**/*") if one.is_file()) if labo.folder else 0


def test_what_was_restored_waits_for_a_person(labo: Installation, tmp_path: Path) -> None:
    shelf = tmp_path / "sauvegardes"
    saved = told("backup", str(shelf))["manifest"]
    assert saved["dispatches"] == {"queued": 2}
    assert set(saved["parts"]) >= {"dispatcher.toml", "destinataires.csv"}
    assert not list(shelf.glob("**/*master*")), "the key is kept apart"
    labo.run()  # after the backup both leave: the database that comes back does not know it
    left = mails(labo)
    assert left and [one.state for one in labo.dispatches()] == [State.SENT] * 2
    assert refused("restore", str(shelf)) == "not-empty"
    labo.office.close()
    found = told("restore", str(shelf), "--force")
    labo.open()
    ids = sorted(one.id for one in labo.dispatches())
    assert (found["count"], sorted(found["dispatches"]["queued"])) == (2, ids)
    labo.run()
    run("run", "--once", rc=1)
    assert mails(labo) == left, "nothing leaves"
    status = told("status", rc=1)
    assert (
        next(one for one in status["alarms"] if one["code"] == "restored")["since"] == status["restored"]["restored_at"]
    )
    assert status["restored"]["count"] == 2 and "Base restaurée" in status["channels"][0]["paused"]
    assert "exporter de nouveau" in run("restore", "--report").output
    begin, end = (datetime.fromisoformat(found[name]) for name in ("export_from", "backup_at"))
    assert begin <= end - timedelta(hours=1), "what lay in its folder at the backup may have been taken in after it"
    run("resume", "pro", *WHY)
    labo.run()
    assert mails(labo) == left, "one channel's resume is not enough"
    run("close", ids[0], "--reason", "vu dans les envoyés")
    run("resume", "--everything", *WHY, "--yes", "--count", "2", rc=1)
    run("resume", "--everything", *WHY, "--yes", "--count", "1")
    labo.run()
    assert sorted(one.state for one in labo.dispatches()) == sorted([State.CLOSED, State.SENT])
    assert told("status")["restored"] is None
    with labo.office.store.reading() as uow:
        assert uow.journal.verify()[1] == ""
        assert [line.event for line in uow.journal.of_subject("store")] == ["store.restored", "store.resumed"]


MAILBOX = """
[channels.pro.mailbox]
kind = "maildir"
path = "boite"
"""


def test_receipts_filed_since_the_backup_are_read_again_before_anything_leaves(
    labo: Installation, tmp_path: Path
) -> None:
    shelf, box = tmp_path / "sauvegardes", labo.config.parent / "boite"
    (box / "new").mkdir(parents=True)
    (box / "cur").mkdir()
    config = labo.config.read_text(encoding="utf-8")
    labo.config.write_text(config + MAILBOX, encoding="utf-8")
    labo.office.close()
    labo.open()
    labo.run()
    told("backup", str(shelf))
    first, second = labo.dispatches()
    (box / "new" / "1.host").write_bytes(mdn(first.message_id, first.address))
    steps.collect_all(labo.office)
    assert sorted(one.state for one in labo.dispatches()) == [State.READ, State.SENT]
    assert not list((box / "new").iterdir()) and len(list((box / ".Traites/cur").iterdir())) == 1
    labo.office.close()
    told("restore", str(shelf), "--force")
    run("restore", "--report")
    assert isinstance(invoke("paper", "print").exception, DispatcherError), "letters may have been posted already"
    shutil.move(box / "new", box / "away")
    assert "n'ont pas pu être relus" in run("resume", "--everything", *WHY, "--yes", rc=1).output
    labo.open()
    assert [one.state for one in labo.dispatches()] == [State.SENT] * 2 and told("status", rc=1)["restored"]
    shutil.move(box / "away", box / "new")
    assert "relus" in run("resume", "--everything", *WHY, "--yes").output
    assert {one.id: one.state for one in labo.dispatches()} == {first.id: State.READ, second.id: State.SENT}
    assert len(list((box / ".Traites/cur").iterdir())) == 1


def test_a_backup_while_others_write_is_whole(labo: Installation, tmp_path: Path) -> None:
    """Journal lines and a count that go together in one transaction go together in every copy."""
    stop, written = threading.Event(), list[int]()

    def write() -> None:
        while not stop.is_set():
            with labo.office.store.transaction() as uow:
                uow.journal.write("essai", "essai.un", number=len(written))
                uow.journal.write("essai", "essai.deux", number=len(written))
            written.append(1)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        numbers = [told("backup", str(tmp_path / f"s{n}"))["manifest"]["journal"]["number"] for n in range(3)]
    finally:
        stop.set()
        thread.join(60)
    assert numbers == sorted(set(numbers)) and written
    labo.office.close()
    for n, number in enumerate(numbers):
        assert told("restore", str(tmp_path / f"s{n}"), "--force")["count"] == 2
        labo.open()
        with labo.office.store.reading() as uow:
            lines, fault = uow.journal.verify()
            pairs = [line.event for line in uow.journal.of_subject("essai")]
        labo.office.close()
        assert fault == "" and lines > number
        assert pairs == ["essai.un", "essai.deux"] * (len(pairs) // 2)


def test_what_cannot_be_restored_is_refused_and_changes_nothing(labo: Installation, tmp_path: Path) -> None:
    folder = Path(told("backup", str(tmp_path / "s"))["folder"])
    words = ("restore", str(folder), "--force")
    manifest = folder / backup_folder.MANIFEST
    good = json.loads(manifest.read_text(encoding="utf-8"))
    for change, code in (
        ({"revision": "9999"}, "schema-newer"),
        ({"format": 2}, "backup"),
        ({"master_keys": ["k-ailleurs"]}, "unknown-key"),
        ({"parts": good["parts"] | {"dispatcher.toml": "0" * 64}}, "backup"),
    ):
        manifest.write_text(json.dumps(good | change), encoding="utf-8")
        assert refused(*words) == code
    manifest.write_text(json.dumps(good), encoding="utf-8")
    member = Membership(labo.office)
    member.join()
    assert refused(*words) == "busy"
    member.leave()
    assert [one.state for one in labo.dispatches()] == [State.QUEUED] * 2
    assert refused("restore", str(tmp_path)) == "backup", "no backup there"
    assert MasterKey.load(labo.folder / "keys/master.key").keys[0].id in good["master_keys"]


def test_only_the_newest_backups_are_kept(labo: Installation, tmp_path: Path) -> None:
    shelf = tmp_path / "s"
    first = Path(told("backup", str(shelf))["folder"])
    for day in ("20200101", "20200102"):
        shutil.copytree(first, shelf / f"sauvegarde-{day}T000000000Z")
    (shelf / "sauvegarde-a-moi").mkdir()
    assert backup_folder.prune(shelf, 2) == [shelf / "sauvegarde-20200101T000000000Z"]
    assert sorted(one.name for one in shelf.iterdir()) == sorted(
        ["sauvegarde-20200102T000000000Z", first.name, "sauvegarde-a-moi"]
    )


def test_a_password_is_never_on_the_command_line() -> None:
    where, secret = libpq("postgresql+psycopg://u:motdepasse@serveur/base?sslmode=require&password=encore")
    assert "motdepasse" not in where and "encore" not in where and where.endswith("/base?sslmode=require")
    assert secret == {"PGPASSWORD": "motdepasse"}
    assert libpq("postgresql://u@/base?host=/run&port=5433") == ("postgresql://u@/base?host=%2Frun&port=5433", {})


@pytest.mark.parametrize("labo", ["sqlite"], indirect=True)
def test_a_backup_whose_journal_was_changed_is_refused(labo: Installation, tmp_path: Path) -> None:
    """Also by somebody who knows the manifest: its digests are no signature, the chain is read again."""
    folder = Path(told("backup", str(tmp_path / "s"))["folder"])
    with closing(sqlite3.connect(folder / "database.sqlite3", isolation_level=None)) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE journal SET actor = 'operator:autre' WHERE number = 2")
    manifest = folder / backup_folder.MANIFEST
    said = json.loads(manifest.read_text(encoding="utf-8"))
    said["parts"]["database.sqlite3"] = backup_folder.digest(folder / "database.sqlite3")
    manifest.write_text(json.dumps(said), encoding="utf-8")
    assert refused("restore", str(folder), "--force") == "journal"
    assert [one.state for one in labo.dispatches()] == [State.QUEUED] * 2
    assert not list(labo.folder.glob("**/*.restauration*")) and not list(labo.folder.glob("**/*.avant-*"))


def test_the_tables_of_the_laboratory_go_along_and_come_back_where_they_are_missing(
    labo: Installation, tmp_path: Path
) -> None:
    folder = labo.config.parent
    (folder / "tables").mkdir(exist_ok=True)
    addresses = folder / "tables" / "adresses.csv"
    addresses.write_text("type;numero;nom;ligne1;code_postal;ville\n", encoding="utf-8")
    local = labo.office.settings.directory.local
    run("backup", str(tmp_path / "saved"))
    manifest = backup_folder.read(tmp_path / "saved").manifest
    assert manifest["tables"]["adresses.csv"] == "tables/adresses.csv" and local.name in manifest["tables"]
    assert "master.key" not in str(manifest["parts"])
    addresses.unlink()
    local.write_text(local.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    told = run("restore", str(tmp_path / "saved"), "--force").stdout
    assert "car absents : tables/adresses.csv" in told and local.name in told.partition("laissés tels quels")[2]
    assert addresses.read_text(encoding="utf-8").startswith("type;numero")


def test_a_backup_puts_no_file_outside_of_the_installation(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x", encoding="utf-8")
    with pytest.raises(StoreError):
        backup_parts.put_back({"tables": {"x": "../ailleurs"}}, tmp_path, tmp_path / "labo")
