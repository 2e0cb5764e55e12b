"""Contract of ``Files``: known files, growing ones, leases, poison, and names that stay hidden."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dispatcher.clock import FrozenClock
from dispatcher.errors import IllegalMove, StoreError
from dispatcher.outbox.dispatch import SourceFile
from dispatcher.outbox.states import FileState, State
from dispatcher.ports import Found
from dispatcher.store.engine import SqlStore
from dispatcher.store.files import MAX_RETURNS
from tests.contract.store_kit import LEASE, Seed


def claim(seed: Seed, owner: str = "w1", limit: int = 10) -> tuple[SourceFile, ...]:
    with seed.store.transaction() as uow:
        return uow.files.claim(owner, limit, LEASE, seed.clock.now())


def state_of(seed: Seed, file_id: str) -> SourceFile:
    with seed.store.reading() as uow:
        found = uow.files.get(file_id)
    assert found is not None
    return found


def test_a_file_comes_back_as_it_was(seed: Seed) -> None:
    file = seed.file(format="hl7v2-oru", reason="Mêmes octets…", duplicate_of="F0", removed=True, returns=2)
    assert state_of(seed, file.id) == file
    assert seed.events(file.id) == ["file.received"]


@pytest.mark.parametrize("name", ["r\udce9sultat.hl7", "a\\b'\"\n.hl7", "\u200eجرعة.hl7", "x" * 250])
def test_any_file_name_the_system_can_hold(seed: Seed, name: str) -> None:
    file = seed.file(path=f"/entree/{name}", name=name)
    with seed.store.reading() as uow:
        assert uow.files.seen("sil", f"/entree/{name}", file.size, file.mtime_ns) == file


def test_no_path_or_name_stands_in_clear(seed: Seed, raw: Callable[[str], list[Any]]) -> None:
    seed.file(path="/entree/DUPONT_Marie.hl7", name="DUPONT_Marie.hl7")
    stored = str(raw("SELECT * FROM files")) + str(raw("SELECT * FROM journal"))
    assert "DUPONT" not in stored and "F1" in stored


def test_seen_wants_the_same_place_size_and_time(seed: Seed) -> None:
    file = seed.file()
    with seed.store.reading() as uow:
        assert uow.files.seen("sil", file.path, file.size, file.mtime_ns) == file
        assert uow.files.seen("autre", file.path, file.size, file.mtime_ns) is None
        assert uow.files.seen("sil", file.path + "x", file.size, file.mtime_ns) is None
        assert uow.files.seen("sil", file.path, file.size + 1, file.mtime_ns) is None
        assert uow.files.seen("sil", file.path, file.size, file.mtime_ns + 1) is None


def test_same_bytes_gives_the_first_one_that_could_be_read(seed: Seed) -> None:
    bad = seed.file(sha256="ab", state=FileState.QUARANTINED)
    first = seed.file(sha256="ab", state=FileState.DONE)
    seed.file(sha256="ab", state=FileState.DUPLICATE)
    only_bad = seed.file(sha256="cd", state=FileState.QUARANTINED)
    with seed.store.transaction() as uow:
        assert uow.files.same_bytes("sil", "ab") == first != bad
        assert uow.files.same_bytes("sil", "cd") == only_bad
        assert uow.files.same_bytes("autre", "ab") is None


def test_a_growing_file_is_one_row_until_it_is_whole(store: SqlStore, seed: Seed, clock: FrozenClock) -> None:
    found = Found(path="/entree/gros.hl7", name="gros.hl7", size=10, mtime_ns=1, whole=False, why="taille changeante")
    for size in (10, 10, 20):
        with store.transaction() as uow:
            uow.files.note_waiting("sil", replace(found, size=size), clock.now())
    with store.reading() as uow:
        (waiting,) = uow.files.list(states=(FileState.WAITING,))
        assert (waiting.size, waiting.reason, waiting.name) == (20, "taille changeante", "gros.hl7")
        assert uow.files.seen("sil", found.path, 20, 1) is None
        assert uow.files.not_removed("sil") == ()
    with store.transaction() as uow:
        uow.files.forget_waiting("sil", found.path)
        uow.files.forget_waiting("sil", "/entree/inconnu.hl7")
    with store.reading() as uow:
        assert uow.files.list() == ()


def test_a_move_is_checked_and_journalled(store: SqlStore, seed: Seed) -> None:
    file = seed.file()
    with store.transaction() as uow:
        uow.files.move(file.id, FileState.READ)
        done = uow.files.move(file.id, FileState.DONE, reason="Deux avertissements.", format="hprim-sante")
    assert (done.state, done.reason, done.format) == (FileState.DONE, "Deux avertissements.", "hprim-sante")
    assert seed.events(file.id) == ["file.received", "file.read", "file.done"]
    with pytest.raises(IllegalMove, match="traité"), store.transaction() as uow:
        uow.files.move(file.id, FileState.RECEIVED)
    at_once = seed.file()
    with pytest.raises(IllegalMove), store.transaction() as uow:
        uow.files.move(at_once.id, FileState.DONE)
    with store.transaction() as uow:
        uow.files.move(at_once.id, FileState.DONE, through=FileState.READ, reason="Un avertissement.")
    with store.reading() as uow:
        told = [
            (line.event, line.detail["from"], line.detail["reason"]) for line in uow.journal.of_subject(at_once.id)[1:]
        ]
    assert told == [("file.read", "received", ""), ("file.done", "read", "Un avertissement.")]
    with pytest.raises(StoreError, match="inconnu") as raised, store.transaction() as uow:
        uow.files.move("F404", FileState.READ)
    assert raised.value.code == "not-found"
    other = seed.file()
    with pytest.raises(TypeError, match="sha257"), store.transaction() as uow:
        uow.files.move(other.id, FileState.READ, sha257="x")


def test_a_file_whose_name_cannot_be_read_is_set_aside_and_hides_no_other(
    seed: Seed, store: SqlStore, raw: Callable[[str], list[Any]]
) -> None:
    damaged, sound = seed.file(), seed.file()
    raw(f"UPDATE files SET names_key = 'lost' WHERE id = '{damaged.id}'")
    assert [f.id for f in claim(seed)] == [sound.id]
    assert state_of(seed, damaged.id).state is FileState.QUARANTINED
    assert "master.key" in state_of(seed, damaged.id).reason
    with store.reading() as uow:
        assert {f.id for f in uow.files.list()} == {damaged.id, sound.id}


def test_claims_go_oldest_first_and_to_one_owner_only(seed: Seed) -> None:
    files = [seed.file() for _ in range(3)]
    assert [f.id for f in claim(seed, "w1", 2)] == [f.id for f in files[:2]]
    assert [f.id for f in claim(seed, "w2")] == [files[2].id]
    assert claim(seed, "w3") == ()


def test_a_returned_file_is_claimed_last_and_alone_and_the_last_return_sets_it_aside(
    seed: Seed, store: SqlStore, clock: FrozenClock
) -> None:
    poison, other = seed.file(), seed.file()
    assert len(claim(seed)) == 2
    clock.advance(121)
    fresh = seed.file()
    assert [f.id for f in claim(seed)] == [fresh.id], "the newcomer does not wait for those that came back"
    assert [f.id for f in claim(seed)] == [poison.id]
    assert state_of(seed, poison.id).returns == 1
    assert [f.id for f in claim(seed)] == [other.id]
    with store.transaction() as uow:  # the innocent ones go through
        uow.files.move(other.id, FileState.READ)
        uow.files.move(fresh.id, FileState.READ)
    for returns in range(2, MAX_RETURNS):
        clock.advance(121)
        assert [f.id for f in claim(seed)] == [poison.id]
        assert state_of(seed, poison.id).returns == returns
    clock.advance(121)
    assert claim(seed) == ()
    aside = state_of(seed, poison.id)
    assert (aside.state, aside.returns) == (FileState.QUARANTINED, MAX_RETURNS)
    assert f"{MAX_RETURNS} fois" in aside.reason and seed.events(poison.id)[-1] == "file.quarantined"
    with store.transaction() as uow:
        assert uow.files.move(poison.id, FileState.RECEIVED, reason="rejeu", actor="operator:anne").returns == 0
    assert [f.id for f in claim(seed)] == [poison.id]


def test_an_orderly_stop_counts_no_return(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    file = seed.file()
    for _ in range(5):
        assert [f.id for f in claim(seed)] == [file.id]
        with store.transaction() as uow:
            assert uow.files.release("w1") == 1
    assert state_of(seed, file.id).returns == 0


def test_a_heartbeat_keeps_the_files_of_its_owner_only(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    mine, theirs = seed.file(), seed.file()
    claim(seed, "w1", 1)
    claim(seed, "w2", 1)
    clock.advance(100)
    with store.transaction() as uow:
        uow.files.extend_lease("w1", clock.now() + LEASE)
    clock.advance(21)
    assert [f.id for f in claim(seed, "w3")] == [theirs.id]
    assert state_of(seed, mine.id).returns == 0


def test_what_still_stands_in_the_folder(seed: Seed, store: SqlStore) -> None:
    first, second = seed.file(state=FileState.DUPLICATE), seed.file()
    seed.file(source="autre")
    with store.transaction() as uow:
        assert uow.files.not_removed("sil") == (first, second)
        uow.files.mark_removed(first.id)
    with store.reading() as uow:
        assert uow.files.not_removed("sil") == (second,)


def test_lists_and_counts(seed: Seed, store: SqlStore) -> None:
    old, new = seed.file(state=FileState.QUARANTINED), seed.file(state=FileState.DONE, source="autre")
    with store.reading() as uow:
        assert uow.files.list() == (new, old)
        assert uow.files.list(limit=1) == (new,)
        assert uow.files.list(states=(FileState.QUARANTINED,)) == (old,)
        assert uow.files.list(source="autre") == (new,)
        counts = uow.files.counts()
    assert counts[FileState.DONE] == counts[FileState.QUARANTINED] == 1
    assert counts[FileState.WAITING] == 0


def test_a_lease_ends_exactly_at_its_time(seed: Seed, clock: FrozenClock) -> None:
    seed.file()
    claim(seed)
    clock.advance((LEASE - timedelta(microseconds=1)).total_seconds())
    assert claim(seed, "w2") == ()
    clock.advance(0.000001)
    assert len(claim(seed, "w2")) == 1


def test_counts_of_a_day(seed: Seed, store: SqlStore, clock: FrozenClock) -> None:
    """Files that came since then, and dispatches made since then."""
    seed.dispatch(State.SENT)
    clock.advance(3600)
    midnight = clock.now()
    with store.reading() as uow:
        assert (uow.files.counts_since(midnight), uow.dispatches.counts_since(midnight)) == ({}, {})
    clock.advance(1)
    seed.file(state=FileState.QUARANTINED)
    seed.dispatch(State.SENT)
    seed.dispatch(State.HELD)
    with store.reading() as uow:
        assert uow.dispatches.counts_since(midnight) == {State.SENT: 1, State.HELD: 1}
        assert uow.files.counts_since(midnight)[FileState.QUARANTINED] == 1
        assert uow.files.counts_since(clock.now() + timedelta(seconds=1)) == {}
