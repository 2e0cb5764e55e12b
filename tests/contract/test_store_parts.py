"""Contract of the smaller parts: payloads, receipts, pace, reference data, gaps, identifiers."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dispatcher.clock import FrozenClock
from dispatcher.errors import KeyringError, StoreError
from dispatcher.keyring.master import AesGcmCipher, NamedKey
from dispatcher.ports import OppositionRow, ReceiptRow, Store, UnitOfWork
from dispatcher.store.engine import SqlStore
from dispatcher.terminology.entries import Missing, MissingKind
from tests.contract.store_kit import Database, Seed

SCOPE = "channel:mss"


def test_it_is_the_store_the_use_cases_ask_for(store: SqlStore) -> None:
    port: Store = store
    with port.transaction() as uow:
        unit: UnitOfWork = uow
        assert unit.files.counts()


# ------------------------------------------------------------------------------------------------ payloads


@pytest.mark.parametrize(
    "content",
    [b"", b"a", b"OBX|" * 5000, os.urandom(3000), bytes(2_000_000)],
    ids=["empty", "a", "text", "noise", "2M"],
)
def test_payloads_come_back_to_the_byte(store: SqlStore, content: bytes) -> None:
    with store.transaction() as uow:
        uow.payloads.put("D1", "sealed", content)
        assert uow.payloads.get("D1", "sealed") == content
    with store.reading() as uow:
        assert uow.payloads.get("D1", "sealed") == content
        assert uow.payloads.get("D1", "original") is uow.payloads.get("D2", "sealed") is None


def test_text_takes_less_room(store: SqlStore, raw: Callable[[str], list[Any]]) -> None:
    noise = os.urandom(1000)
    with store.transaction() as uow:
        uow.payloads.put("F1", "original", b"OBX|1|NM|GLU^Glucose|" * 1000)
        uow.payloads.put("F2", "original", noise)
    assert raw("SELECT size, length(content) < 1000 FROM payloads WHERE owner = 'F1'") == [(21000, True)]
    assert raw("SELECT size, length(content) FROM payloads WHERE owner = 'F2'") == [(1000, 1029)]


def test_a_payload_is_replaced(store: SqlStore) -> None:
    with store.transaction() as uow:
        uow.payloads.put("D1", "sealed", b"old")
    with store.transaction() as uow:
        uow.payloads.put("D1", "sealed", b"new")
        uow.payloads.put("D1", "rendition:cda", b"<x/>")
    with store.reading() as uow:
        assert uow.payloads.get("D1", "sealed") == b"new"
        assert uow.payloads.kinds("D1") == ("rendition:cda", "sealed")
        assert uow.payloads.kinds("D2") == ()


@pytest.mark.parametrize("name", ["DUPONT_Marie.pdf", "r\udce9sultat.pdf", "a:b.pdf", ""])
def test_names_of_sibling_files_come_back_but_do_not_stand_in_clear(
    store: SqlStore, raw: Callable[[str], list[Any]], name: str
) -> None:
    with store.transaction() as uow:
        uow.payloads.put("F1", f"sibling:{name}", b"%PDF")
        uow.payloads.put("F1", "original", b"MSH")
    with store.reading() as uow:
        assert uow.payloads.kinds("F1") == ("original", f"sibling:{name}")
        assert uow.payloads.get("F1", f"sibling:{name}") == b"%PDF"
    assert "DUPONT" not in str(raw("SELECT kind FROM payloads"))


def test_nothing_readable_stands_in_the_database(store: SqlStore, raw: Callable[[str], list[Any]]) -> None:
    with store.transaction() as uow:
        uow.payloads.put("D1", "sealed", b"PID|1||DUPONT")
    (content,) = raw("SELECT content FROM payloads")[0]
    assert b"DUPONT" not in bytes(content)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE payloads SET owner = 'D2'",
        "UPDATE payloads SET kind = 'original'",
        "UPDATE payloads SET key_id = 'k1'",
        "UPDATE payloads SET key_id = 'k9'",
    ],
)
def test_a_payload_moved_or_relabelled_is_refused(
    store: SqlStore, raw: Callable[[str], list[Any]], statement: str
) -> None:
    with store.transaction() as uow:
        uow.payloads.put("D1", "sealed", b"PID|1||DUPONT")
    raw(statement)
    owner, kind = raw("SELECT owner, kind FROM payloads")[0]
    with pytest.raises(KeyringError), store.reading() as uow:
        uow.payloads.get(owner, kind)


def test_a_new_key_still_reads_what_the_old_one_wrote(database: Database, clock: FrozenClock) -> None:
    one, two = NamedKey(id="k1", secret=bytes(range(32))), NamedKey(id="k2", secret=bytes(range(1, 33)))
    old = database.open(AesGcmCipher((one,)), clock)
    file = Seed(old, clock).file()
    with old.transaction() as uow:
        uow.payloads.put(file.id, "sibling:a.pdf", b"%PDF")
    old.close()
    new = database.open(AesGcmCipher((one, two)), clock)
    with new.reading() as uow:
        assert uow.payloads.get(file.id, "sibling:a.pdf") == b"%PDF"
        assert uow.files.seen("sil", file.path, file.size, file.mtime_ns) == file
    new.close()


# ------------------------------------------------------------------------------------------------ receipts


def receipt(clock: FrozenClock, **changes: Any) -> ReceiptRow:
    values: dict[str, Any] = {"id": "R1", "dispatch_id": "D1", "kind": "dsn", "at": clock.now(), "digest": "aa"}
    return ReceiptRow(**values | changes)


def test_receipts_are_kept_however_often_they_are_written(store: SqlStore, seed: Seed, clock: FrozenClock) -> None:
    """PostgreSQL plans a statement anew after some runs, without its values: the index must be found all the same."""
    dispatch = seed.dispatch()
    for number in range(20):
        with store.transaction() as uow:
            row = receipt(clock, id=f"R{number}", dispatch_id=dispatch.id, digest=f"{number:02}")
            assert uow.receipts.add(row) and not uow.receipts.add(row)


def test_a_receipt_comes_back_with_its_bytes(store: SqlStore, seed: Seed, clock: FrozenClock) -> None:
    row = receipt(
        clock, action="delivered", status="2.0.0", code="902", channel="mss", note="Remis à la boîte du destinataire."
    )
    with store.transaction() as uow:
        assert uow.receipts.add(row, b"From: postmaster") is True
    with store.reading() as uow:
        assert uow.receipts.of_dispatch("D1") == (row,)
        assert uow.receipts.unmatched() == ()
        assert uow.payloads.get("R1", "notice") == b"From: postmaster"
        (line,) = uow.journal.of_subject("D1")
    assert line.event == "receipt.dsn" and line.detail["digest"] == "aa" and line.detail["receipt"] == "R1"


def test_the_same_notice_twice_is_kept_once(store: SqlStore, seed: Seed, clock: FrozenClock) -> None:
    with store.transaction() as uow:
        assert uow.receipts.add(receipt(clock), b"x")
        assert not uow.receipts.add(receipt(clock, id="R2"), b"x")
        assert uow.receipts.add(receipt(clock, id="R3", dispatch_id="D2"))
        assert uow.receipts.add(receipt(clock, id="R4", dispatch_id="", to_read=True))
        assert not uow.receipts.add(receipt(clock, id="R5", dispatch_id=""))
        assert uow.receipts.add(receipt(clock, id="R6", digest=""))
        assert uow.receipts.add(receipt(clock, id="R7", digest="", at=clock.now() + timedelta(seconds=1)))
    with store.reading() as uow:
        assert [r.id for r in uow.receipts.of_dispatch("D1")] == ["R1", "R6", "R7"]
        assert [r.id for r in uow.receipts.unmatched()] == ["R4"]
        assert uow.receipts.unmatched(limit=0) == ()
        assert uow.payloads.kinds("R2") == ()
    assert seed.events("D1") == ["receipt.dsn"] * 3 and seed.events("R4") == ["receipt.dsn"]
    with pytest.raises(StoreError) as raised, store.transaction() as uow:
        uow.receipts.add(receipt(clock, id="R1", digest="bb"))
    assert raised.value.code == "conflict"


# ------------------------------------------------------------------------------------------------ reference, gaps, ids


def test_reference_data_is_listed_found_and_dropped_with_who_and_why(store: SqlStore, clock: FrozenClock) -> None:
    with store.transaction() as uow:
        uow.reference.put("list", "v1", b"<1/>", clock.now(), actor="sync")
        uow.reference.put("list", "v2", b"<2 />", clock.now(), actor="operator:anne")
        uow.reference.put("list", "v1", b"<1/>", clock.now(), actor="operator:anne", reason="retour")
        uow.reference.put("autre", "v9", b"9", clock.now())
    with store.reading() as uow:
        assert [(row.version, row.size, row.accepted_at) for row in uow.reference.versions("list")] == [
            ("v1", 4, clock.now()),
            ("v2", 5, clock.now()),
        ]
        assert uow.reference.get("list", "v2") == b"<2 />"
        assert uow.reference.get("list", "v9") is None
        lines = [(line.event, line.actor, line.detail["version"]) for line in uow.journal.of_subject("reference:list")]
        assert lines == [
            ("reference.accepted", "sync", "v1"),
            ("reference.accepted", "operator:anne", "v2"),
            ("reference.restored", "operator:anne", "v1"),
        ]
    with store.transaction() as uow:
        uow.reference.drop("list", "v2")
        uow.reference.drop("list", "never there")
    with store.reading() as uow:
        assert [row.version for row in uow.reference.versions("list")] == ["v1"]
        assert [line.event for line in uow.journal.of_subject("reference:list")][3:] == ["reference.dropped"]


def test_reference_data_newest_first(store: SqlStore, clock: FrozenClock) -> None:
    with store.transaction() as uow:
        assert uow.reference.newest("allowed-domains") is None
        uow.reference.put("allowed-domains", "v1", b"\x00<1/>", clock.now())
        uow.reference.put("allowed-domains", "v2", b"<2/>", clock.now())
        uow.reference.put("autre", "v9", b"9", clock.now())
    with store.reading() as uow:
        assert uow.reference.newest("allowed-domains") == ("v2", b"<2/>")
    with store.transaction() as uow:
        uow.reference.put("allowed-domains", "v1", b"<1 bis/>", clock.now())
    with store.reading() as uow:
        assert uow.reference.newest("allowed-domains") == ("v1", b"<1 bis/>")
        assert uow.reference.newest("autre") == ("v9", b"9")


def test_gaps_are_counted_by_report(store: SqlStore, clock: FrozenClock) -> None:
    glucose = Missing(kind=MissingKind.CODE, source="sil", code="GLU", label="Glycémie", reason="Pas de code LOINC.")
    unit = Missing(kind=MissingKind.UNIT, text="g/100mL")
    with store.transaction() as uow:
        uow.gaps.note("sil", (), clock.now())
        uow.gaps.note("sil", (glucose, unit, glucose), clock.now())
    clock.advance(60)
    with store.transaction() as uow:
        uow.gaps.note("sil", (replace(glucose, reason="Toujours pas."),), clock.now())
        uow.gaps.note("autre", (unit,), clock.now())
    with store.reading() as uow:
        first, *rest = uow.gaps.list()
        assert (first.kind, first.code, first.count, first.reason) == ("code", "GLU", 2, "Toujours pas.")
        assert first.last_at - first.first_at == timedelta(seconds=60)
        assert {(gap.source, gap.text, gap.count) for gap in rest} == {("sil", "g/100mL", 1), ("autre", "g/100mL", 1)}
        assert [gap.source for gap in uow.gaps.list(source="autre")] == ["autre"]
        assert uow.gaps.list(limit=1) == (first,)
    with store.transaction() as uow:
        uow.gaps.forget(first)
        uow.gaps.forget(first)
        assert len(uow.gaps.list()) == 2


def test_oppositions_stand_once_per_key_and_scope_and_are_journalled(store: SqlStore, clock: FrozenClock) -> None:
    def row(number: str, key: str = "a" * 64, scope: str = "patient") -> OppositionRow:
        return OppositionRow(id=number, key=key, scope=scope, kind="ins", added_at=clock.now(), actor="eve", note="vu")

    with store.transaction() as uow:
        assert uow.oppositions.add(row("P1"))
        assert not uow.oppositions.add(row("P2"))
        assert uow.oppositions.add(row("P3", scope="professionnels"))
        assert uow.oppositions.add(row("P4", key="b" * 64))
    with store.reading() as uow:
        assert uow.oppositions.kinds() == {"ins"}
        assert uow.oppositions.scopes([]) == frozenset()
        assert uow.oppositions.scopes(["c" * 64]) == frozenset()
        assert uow.oppositions.scopes(["a" * 64, "c" * 64]) == {"patient", "professionnels"}
        assert [one.id for one in uow.oppositions.list()] == ["P1", "P3", "P4"]
        assert uow.oppositions.list()[0] == row("P1")
    with store.transaction() as uow:
        assert uow.oppositions.remove("P1", actor="bob")
        assert not uow.oppositions.remove("P1", actor="bob")
        assert uow.oppositions.scopes(["a" * 64]) == {"professionnels"}
        lines = uow.journal.of_subject("P1")
        assert [(line.event, line.actor) for line in lines] == [
            ("opposition.added", "eve"),
            ("opposition.removed", "bob"),
        ]
        assert "a" * 64 not in str([line.detail for line in lines])


def test_identifiers_can_be_read_out(store: SqlStore) -> None:
    made = {store.new_id("D") for _ in range(2000)}
    assert len(made) == 2000
    for one in made:
        assert len(one) == 10 and one[0] == "D" and set(one[1:]) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def test_versions_of_one_order_number_whatever_the_patient(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    number = {"laboratory": "LABO", "order_filler": "R1001"}
    old = seed.report(**number, patient_hash="a", created_at=clock.now() - timedelta(days=61))
    one = seed.report(**number, patient_hash="a", created_at=clock.now() - timedelta(days=59))
    two = seed.report(**number, patient_hash="b")
    seed.report(laboratory="AUTRE", order_filler="R1001")
    seed.report(laboratory="LABO", order_filler="R1002")
    with store.transaction() as uow:
        assert uow.reports.of_order("LABO", "R1001", since=clock.now() - timedelta(days=60)) == (one, two)
        assert uow.reports.of_order("LABO", "R1001", since=old.created_at or clock.now())[0] == old
