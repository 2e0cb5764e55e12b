"""Anchors of the journal: made when due, never over a broken journal; whatever is changed after them is found."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from dispatcher.errors import KeyringError, StoreError, TryLater
from dispatcher.ports import AnchorRow, Signer
from dispatcher.receipts.anchor import parse
from dispatcher.service.anchor import Anchoring, anchor, due, signer_of, stamp_missing
from dispatcher.service.verify_journal import Exported, verify_journal
from dispatcher.store import anchor_files
from dispatcher.store.anchors import SqlAnchors
from tests.pki import pki
from tests.service.bench import Bench


def anchoring(bench: Bench, **changes: object) -> Anchoring:
    made = Anchoring(
        store=bench.store, clock=bench.clock, signer=lambda _: bench.tools.signer, every=timedelta(hours=24)
    )
    return replace(made, **changes)


def write(bench: Bench, count: int = 3) -> None:
    with bench.store.transaction() as uow:
        for number in range(count):
            uow.journal.write("D1", "test", n=number)


def made(bench: Bench) -> AnchorRow:
    row = anchor(anchoring(bench))
    assert row is not None
    return row


def fault(bench: Bench, *exported: Exported) -> str:
    return verify_journal(bench.store, exported).fault


def exported(row: AnchorRow) -> Exported:
    return Exported(name=anchor_files.name_of(row), statement=row.statement, signature=row.signature)


@pytest.fixture
def tamper(bench: Bench) -> Callable[..., None]:
    def run(*statements: str, values: tuple[object, ...] = ()) -> None:
        with closing(sqlite3.connect(bench.database, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("DROP TRIGGER IF EXISTS journal_no_update")
            connection.execute("DROP TRIGGER IF EXISTS journal_no_delete")
            for statement in statements:
                connection.execute(statement, values)

    return run


def rewrite(bench: Bench, tamper: Callable[..., None], number: int) -> None:
    """As somebody with the database and this program's source would: a line changed, the chain made anew after it."""
    from dispatcher.store.journal import digest_of

    with closing(sqlite3.connect(bench.database, isolation_level=None)) as connection:
        tamper(f"UPDATE journal SET event = 'autre' WHERE number = {number}")
        rows = connection.execute(
            "SELECT number, at, subject, event, actor, detail, previous FROM journal ORDER BY number"
        ).fetchall()
        previous = "0" * 64
        for line, at, subject, event, actor, detail, _ in rows:
            digest = digest_of(previous, line, at, subject, event, actor, detail)
            connection.execute("UPDATE journal SET previous = ?, digest = ? WHERE number = ?", (previous, digest, line))
            previous = digest
        connection.execute("UPDATE journal_head SET digest = ?", (previous,))


def test_an_anchor_follows_the_other_and_covers_every_line_once(bench: Bench) -> None:
    write(bench)
    first = made(bench)
    write(bench)
    second = made(bench)
    assert (first.first, first.last, second.first, second.last) == (1, 3, 4, 7)
    told = parse(second.statement)
    assert told is not None and told.before == parse(first.statement).digest  # type: ignore[union-attr]
    found = verify_journal(bench.store, [exported(first), exported(second)])
    assert (found.fault, found.anchors, found.exported, found.anchored_to) == ("", 2, 2, 7)


def test_nothing_new_is_not_signed_again(bench: Bench) -> None:
    assert not due(anchoring(bench)) and anchor(anchoring(bench)) is None
    write(bench)
    assert due(anchoring(bench))
    made(bench)
    bench.clock.advance(90_000)
    assert not due(anchoring(bench)) and anchor(anchoring(bench)) is None, "only the line about the anchor itself"
    write(bench)
    assert due(anchoring(bench))


def test_it_is_due_once_a_day(bench: Bench) -> None:
    write(bench)
    made(bench)
    write(bench)
    bench.clock.advance(86_000)
    assert not due(anchoring(bench))
    bench.clock.advance(400)
    assert due(anchoring(bench))


def test_openssl_verifies_an_anchor(bench: Bench, tmp_path: Path) -> None:
    write(bench)
    row = made(bench)
    assert anchor_files.write(tmp_path, [row]) == 1 and anchor_files.write(tmp_path, [row]) == 0
    name = tmp_path / anchor_files.name_of(row)
    root = tmp_path / "root.pem"
    root.write_bytes(pki().authority.root.certificate.public_bytes(Encoding.PEM))
    command = [
        "openssl",
        "cms",
        "-verify",
        "-binary",
        "-inform",
        "DER",
        "-in",
        f"{name}.p7s",
        "-content",
        f"{name}.txt",
    ]
    good = subprocess.run([*command, "-CAfile", str(root)], capture_output=True, timeout=30)
    assert good.returncode == 0, good.stderr
    Path(f"{name}.txt").write_bytes(row.statement.replace("lignes : 1 - 3", "lignes : 1 - 2").encode())
    assert subprocess.run([*command, "-CAfile", str(root)], capture_output=True, timeout=30).returncode != 0


def test_a_journal_made_anew_is_found_by_its_anchor(bench: Bench, tamper: Callable[..., None]) -> None:
    write(bench)
    row = made(bench)
    write(bench)
    rewrite(bench, tamper, 2)
    with bench.store.reading() as uow:
        assert uow.journal.verify()[1] == "", "the chain alone sees nothing"
    assert fault(bench).startswith("Journal réécrit entre les lignes 1 et 3 : ce n'est pas ce que dit l'ancre signée")
    assert fault(bench, exported(row)).startswith("Journal réécrit")


def test_a_line_after_the_anchor_is_seen_by_the_next(bench: Bench, tamper: Callable[..., None]) -> None:
    write(bench)
    made(bench)
    write(bench)
    copy = made(bench)
    rewrite(bench, tamper, 6)
    assert fault(bench).startswith("Journal réécrit entre les lignes 4 et 7")
    tamper("DELETE FROM anchors WHERE last = 7", "UPDATE journal SET event = 'x' WHERE event = 'journal.anchored'")
    rewrite(bench, tamper, 5)
    assert fault(bench) == "Ancre ajoutée hors du programme : celle qui finit à la ligne 3."
    tamper("DELETE FROM anchors")
    assert fault(bench) == "", "all traces gone from the database"
    assert fault(bench, exported(copy)).startswith("Journal réécrit : au plus tard à la ligne 7")


def test_a_journal_cut_after_its_anchor_is_found(bench: Bench, tamper: Callable[..., None]) -> None:
    write(bench, 5)
    row = made(bench)
    cut = "UPDATE journal_head SET number = 2, digest = (SELECT digest FROM journal WHERE number = 2)"
    tamper("DELETE FROM journal WHERE number > 2", cut)
    with bench.store.reading() as uow:
        assert uow.journal.verify() == (2, "")
    assert fault(bench).startswith("Journal coupé : il s'arrête à la ligne 2, l'ancre signée le")
    tamper("DELETE FROM anchors")
    assert fault(bench) == ""
    assert "Journal coupé : il s'arrête à la ligne 2" in fault(bench, exported(row))


@pytest.mark.parametrize("number", [3, 7])
def test_an_anchor_taken_away_is_missed(bench: Bench, tamper: Callable[..., None], number: int) -> None:
    for _ in range(2):
        write(bench)
        made(bench)
    tamper(f"DELETE FROM anchors WHERE last = {number}")
    assert "Ancre retirée" in fault(bench)


def test_every_flipped_byte_of_an_anchor_is_found(bench: Bench, tamper: Callable[..., None]) -> None:
    write(bench)
    row = made(bench)
    for column, kept in (
        ("statement", row.statement.encode()),
        ("signature", row.signature),
        ("signer", row.signer.encode()),
    ):
        kind = "BLOB" if column == "signature" else "TEXT"
        put = f"UPDATE anchors SET {column} = CAST(? AS {kind})"
        for place in range(0, len(kept), 7 if column == "signature" else 1):
            tamper(put, values=(kept[:place] + bytes([kept[place] ^ 1]) + kept[place + 1 :],))
            assert "ncre" in fault(bench), (column, place)
        tamper(put, values=(kept,))
    for change in ("first = 2", "last = 4", "at = '2026-03-11T09:00:09.000000+00:00'"):
        tamper(f"UPDATE anchors SET {change}")
        assert "ncre" in fault(bench), change
        tamper(f"UPDATE anchors SET first = 1, last = 3, at = '{row.at.isoformat(timespec='microseconds')}'")
    assert fault(bench) == ""


@pytest.mark.parametrize("column", ["statement", "signature", "signer", "at", "first", "stamp"])
@pytest.mark.parametrize("value", [b"\xff\xfe", "é", 1.5], ids=["bytes", "text", "fraction"])
def test_an_anchor_the_database_cannot_give_is_named_too(
    bench: Bench, tamper: Callable[..., None], column: str, value: object
) -> None:
    write(bench)
    made(bench)
    as_text = isinstance(value, bytes) and column in {"statement", "signer", "at"}
    tamper(f"UPDATE anchors SET {column} = {'CAST(? AS TEXT)' if as_text else '?'}", values=(value,))
    assert "ncre" in fault(bench)
    tamper("DELETE FROM anchors")


def test_a_head_the_database_cannot_give_is_told(bench: Bench, tamper: Callable[..., None]) -> None:
    write(bench)
    tamper("UPDATE journal_head SET digest = CAST(? AS TEXT)", values=(b"\xff\xfe",))
    assert fault(bench) == "La tête du journal est illisible dans la base."
    tamper("UPDATE journal_head SET digest = (SELECT digest FROM journal ORDER BY number DESC LIMIT 1)")


def test_an_anchor_signed_by_another_key_is_not_ours(bench: Bench, tamper: Callable[..., None]) -> None:
    """Somebody who writes into the database makes everything anew, anchors with a key of his own too."""
    write(bench)
    made(bench)
    stranger = Signer(key=pki().bob.key, certificate=pki().bob.certificate, fingerprint="b")
    kept = SqlAnchors.add
    forged = anchoring(bench, signer=lambda _: stranger)
    write(bench)
    try:  # the certificate is an encrypted payload: without the master key he cannot add his own
        SqlAnchors.add = lambda self, row, _, **more: kept(
            self,
            row,
            pki().alice.certificate.public_bytes(  # type: ignore[method-assign,assignment]
                Encoding.DER
            ),
            **more,
        )
        anchor(forged)
    finally:
        SqlAnchors.add = kept  # type: ignore[method-assign]
    assert "elle est signée par un certificat qui n'est pas du laboratoire" in fault(bench)


def test_a_broken_journal_is_never_signed(bench: Bench, tamper: Callable[..., None]) -> None:
    write(bench)
    tamper("UPDATE journal SET event = 'autre' WHERE number = 2")
    with pytest.raises(StoreError, match="Ligne 2 : son contenu a été changé") as raised:
        made(bench)
    assert raised.value.code == "journal-broken"
    with bench.store.reading() as uow:
        assert uow.anchors.list() == ()


def test_a_copy_changed_or_of_another_database_is_told(bench: Bench) -> None:
    write(bench)
    copy = exported(made(bench))
    assert fault(bench, copy) == ""
    assert "ce n'est pas une ancre" in fault(bench, replace(copy, statement=copy.statement + "\n"))
    other = copy.statement.replace("base : I", "base : X")
    assert "ancre d'une autre base" in fault(bench, replace(copy, statement=other))
    assert "signature" in fault(bench, replace(copy, statement=copy.statement.replace("lignes : 1", "lignes : 2")))
    assert "signature" in fault(bench, replace(copy, signature=b""))


def test_what_a_restore_lost_is_told_and_is_no_fault(bench: Bench, tamper: Callable[..., None], tmp_path: Path) -> None:
    write(bench)
    made(bench)
    with closing(sqlite3.connect(bench.database)) as source, closing(sqlite3.connect(tmp_path / "copy")) as target:
        source.backup(target)
    saved = bench.clock.now()
    write(bench, 10)
    bench.clock.advance(3600)
    lost = made(bench)
    bench.real.close()
    with closing(sqlite3.connect(tmp_path / "copy")) as source, closing(sqlite3.connect(bench.database)) as target:
        source.backup(target)
    bench.reopen()
    assert "Journal coupé" in fault(bench, exported(lost))
    bench.clock.advance(60)
    with bench.store.transaction() as uow:
        uow.installation.restored(bench.clock.now(), saved, uow.journal.last()[0], actor="operator:eve")
    found = verify_journal(bench.store, [exported(lost)])
    assert found.fault == "" and "porte sur ce que la restauration du" in found.remarks[0]


def test_the_first_channel_with_a_key_signs(bench: Bench) -> None:
    class Keys:
        def signer(self, channel: str, at: object) -> Signer:
            if channel == "c":
                return bench.tools.signer
            raise KeyringError(channel, code="no-key" if channel == "a" else "expired-key")

    now = bench.clock.now()
    assert signer_of(Keys(), ["a", "b", "c"], now) is bench.tools.signer
    with pytest.raises(KeyringError) as raised:
        signer_of(Keys(), ["a", "b"], now)
    assert raised.value.code == "expired-key", "a key that ended says more than one that never was"


def test_an_authority_that_does_not_answer_keeps_no_anchor_back(bench: Bench) -> None:
    class Silent:
        def ask(self, request: bytes) -> bytes:
            raise TryLater("injoignable", stage="connect")

    write(bench)
    row = anchor(anchoring(bench, stamper=Silent()))
    assert row is not None and row.stamp is None
    assert stamp_missing(anchoring(bench, stamper=Silent())) == 0
