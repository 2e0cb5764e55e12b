"""Anchors time-stamped by a real authority (``openssl ts -reply``), checked by us and by ``openssl ts -verify``."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from dispatcher.clock import FrozenClock
from dispatcher.errors import SealError, TryLater
from dispatcher.ports import Signer
from dispatcher.sealing import proof
from dispatcher.service.anchor import Anchoring, anchor, stamp_missing
from dispatcher.service.verify_journal import verify_journal
from dispatcher.store import anchor_files
from dispatcher.store.engine import SqlStore, open_store
from dispatcher.transport.timestamps import HttpStamper
from tests.contract.store_kit import make_cipher
from tests.pki import pki
from tests.servers.tsa import TimeAuthority, time_authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimeAuthority]:
    with time_authority(tmp_path_factory.mktemp("tsa")) as running:
        yield running


@pytest.fixture
def root(authority: TimeAuthority) -> bytes:
    authority.spoil = b""
    return x509.load_pem_x509_certificate(authority.root.read_bytes()).public_bytes(Encoding.DER)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    opened = open_store(f"sqlite:///{tmp_path}/store.sqlite3", make_cipher(), FrozenClock())
    with opened.transaction() as uow:
        uow.journal.write("D1", "test")
    yield opened
    opened.close()


def anchoring(store: SqlStore, authority: TimeAuthority, root: bytes) -> Anchoring:
    alice = pki().alice
    signer = Signer(key=alice.key, certificate=alice.certificate, fingerprint="alice")
    return Anchoring(
        store=store,
        clock=FrozenClock(),
        signer=lambda _: signer,
        every=timedelta(hours=24),
        stamper=HttpStamper(authority.url, 10),
        roots=(root,),
    )


def test_an_anchor_is_stamped_and_openssl_agrees(
    store: SqlStore, authority: TimeAuthority, root: bytes, tmp_path: Path
) -> None:
    row = anchor(anchoring(store, authority, root))
    assert row is not None and row.stamp is not None
    stamped = proof.check_stamp(row.signature, row.stamp, (root,))
    assert stamped.trusted and abs(stamped.at - datetime.now(UTC)) < timedelta(minutes=2)
    found = verify_journal(store, roots=(root,))
    assert (found.fault, found.stamped) == ("", 1)
    anchor_files.write(tmp_path, [row])
    name = tmp_path / anchor_files.name_of(row)
    command = ["openssl", "ts", "-verify", "-data", f"{name}.p7s", "-in", f"{name}.tsr", "-CAfile", str(authority.root)]
    assert subprocess.run(command, capture_output=True, timeout=30).returncode == 0


def test_a_stamp_of_something_else_or_from_elsewhere_is_refused(
    store: SqlStore, authority: TimeAuthority, root: bytes
) -> None:
    stamper = HttpStamper(authority.url, 10)
    request = proof.stamp_request(b"content")
    answer = stamper.ask(request)
    assert proof.check_stamp(b"content", answer, request=request).trusted is False
    with pytest.raises(SealError, match="autre contenu"):
        proof.check_stamp(b"other", answer)
    with pytest.raises(SealError, match="autre demande"):
        proof.check_stamp(b"content", answer, request=proof.stamp_request(b"content"))
    stranger = pki().authority.root.certificate.public_bytes(Encoding.DER)
    with pytest.raises(SealError, match="signature refusée"):
        proof.check_stamp(b"content", answer, (stranger,))


def test_a_bad_answer_leaves_the_anchor_without_and_is_asked_again(
    store: SqlStore, authority: TimeAuthority, root: bytes
) -> None:
    asking = anchoring(store, authority, root)
    authority.spoil = b"no time-stamp"
    row = anchor(asking)
    assert row is not None and row.stamp is None
    authority.spoil = b""
    assert stamp_missing(asking) == 1 and stamp_missing(asking) == 0
    assert verify_journal(store, roots=(root,)).stamped == 1


def test_a_changed_stamp_is_found(store: SqlStore, authority: TimeAuthority, root: bytes) -> None:
    row = anchor(anchoring(store, authority, root))
    assert row is not None and row.stamp is not None
    for place in (len(row.stamp) // 2, len(row.stamp) - 5):
        spoiled = row.stamp[:place] + bytes([row.stamp[place] ^ 1]) + row.stamp[place + 1 :]
        with store._engine.begin() as connection:
            connection.exec_driver_sql("UPDATE anchors SET stamp = ?", (spoiled,))
        assert "Horodatage refusé" in verify_journal(store, roots=(root,)).fault
        assert "Horodatage" in verify_journal(store).fault, "also without roots"


def test_an_authority_that_is_not_there(store: SqlStore, root: bytes) -> None:
    asking = HttpStamper("http://127.0.0.1:9/", 2)
    with pytest.raises(TryLater, match="injoignable"):
        asking.ask(b"x")
    row = anchor(replace(anchoring(store, TimeAuthority(Path()), root), stamper=asking))
    assert row is not None and row.stamp is None
