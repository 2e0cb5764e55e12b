"""The service's part in anchors: at its tick and at its stop, copied at once; what hinders it alarms once."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dispatcher.daemon.anchoring import anchor_due
from dispatcher.errors import KeyringError
from dispatcher.service import alarms
from dispatcher.settings.file import JournalSettings
from dispatcher.wiring import Office
from tests.service.bench import Bench


def office(bench: Bench, **journal: Any) -> Office:
    made = SimpleNamespace(
        store=bench.store,
        clock=bench.clock,
        channels=bench.channels,
        desk=bench.desk,
        settings=SimpleNamespace(journal=JournalSettings(**journal)),
    )
    return cast(Office, made)


def write(bench: Bench) -> None:
    with bench.store.transaction() as uow:
        uow.journal.write("D1", "test")


def count(bench: Bench) -> int:
    with bench.store.reading() as uow:
        return len(uow.anchors.list())


def test_once_a_day_and_at_the_stop_and_copied_at_once(bench: Bench, tmp_path: Path) -> None:
    copies = tmp_path / "ancres"
    parts = office(bench, anchor_folder=copies)
    write(bench)
    assert anchor_due(parts) == "" and count(bench) == 1
    write(bench)
    anchor_due(parts)
    assert count(bench) == 1, "not due yet"
    anchor_due(parts, stopping=True)
    assert count(bench) == 2
    assert len(list(copies.glob("ancre-*.txt"))) == len(list(copies.glob("ancre-*.p7s"))) == 2


def test_what_hinders_it_alarms_once_and_ends(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ancres").write_bytes(b"no folder")
    parts = office(bench, anchor_folder=tmp_path / "ancres")
    write(bench)
    assert anchor_due(parts) == alarms.STARTED and anchor_due(parts) == ""
    assert "ne peuvent pas être copiées" in alarms.standing(bench.store, "journal")
    (tmp_path / "ancres").unlink()
    assert anchor_due(parts) == alarms.ENDED and alarms.standing(bench.store, "journal") == ""

    def none(channel: str, at: object) -> None:
        raise KeyringError("Aucune clé.", code="no-key")

    monkeypatch.setattr(bench.keyring, "signer", none)
    bench.clock.advance(90_000)
    assert anchor_due(parts) == alarms.STARTED, "it has signed before: its key is lost"


@pytest.mark.parametrize("signer", ["", "pro"])
def test_who_signs_nothing_is_told_to_nobody_who_was_to_sign_is(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, signer: str
) -> None:
    def none(channel: str, at: object) -> None:
        raise KeyringError("Aucune clé.", code="no-key")

    monkeypatch.setattr(bench.keyring, "signer", none)
    write(bench)
    told = anchor_due(office(bench, **({"signer": signer} if signer else {})))
    assert told == (alarms.STARTED if signer else "")


def test_a_clock_that_stood_a_year_ahead_keeps_no_anchor_waiting(bench: Bench) -> None:
    parts = office(bench)
    bench.clock.advance(365 * 86_400)
    write(bench)
    anchor_due(parts)
    bench.clock.advance(-364 * 86_400)
    for day in range(3):
        write(bench)
        anchor_due(parts)
        assert count(bench) == day + 2
        bench.clock.advance(86_400)
