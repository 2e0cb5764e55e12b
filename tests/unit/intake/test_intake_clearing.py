"""A file leaves its folder only when its very bytes are safe; one that we stumble over holds no other back."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from dispatcher.clock import FrozenClock
from dispatcher.errors import IntakeError
from dispatcher.intake import aside, spool
from dispatcher.intake.spool import FolderSpool
from dispatcher.settings import SourceSettings

OLD = b"MSH|^~\\&|A|B|||20261120||ORU^R01|1|P|2.5\rPID|1||1\rOBR|1||1\rOBX|1|ST|A||B\r"
NEW = OLD.replace(b"|1|P", b"|2|P")


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def folder_spool(folder: Path, **changes: object) -> FolderSpool:
    settings = SourceSettings.model_validate({"folder": folder, "stable_seconds": 0, "patience_seconds": 0} | changes)
    return FolderSpool("sil", settings, FrozenClock())


def write_like(path: Path, content: bytes, like: os.stat_result) -> None:
    path.write_bytes(content)
    os.utime(path, ns=(like.st_mtime_ns, like.st_mtime_ns))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_rewritten_with_the_same_size_and_time_stays(tmp_path: Path) -> None:
    path, box = tmp_path / "r.hl7", folder_spool(tmp_path)
    path.write_bytes(OLD)
    before = path.stat()
    box.scan()
    write_like(path, NEW, before)
    box.finish(str(path), {}, digest(OLD))
    assert path.read_bytes() == NEW
    assert names(tmp_path) == ["r.hl7"]
    box.finish(str(path), {}, digest(NEW))
    assert names(tmp_path) == []


def test_its_done_file_stays_with_it(tmp_path: Path) -> None:
    path, box = tmp_path / "r.hpr", folder_spool(tmp_path, contract="done-file")
    path.write_bytes(OLD)
    (tmp_path / "r.OK").touch()
    before = path.stat()
    box.scan()
    write_like(path, NEW, before)
    box.finish(str(path), {}, digest(OLD))
    assert names(tmp_path) == ["r.OK", "r.hpr"]
    box.finish(str(path), {}, digest(NEW))
    assert names(tmp_path) == []


def test_a_document_rewritten_meanwhile_stays(tmp_path: Path) -> None:
    path, document, box = tmp_path / "r.hl7", tmp_path / "D.PDF", folder_spool(tmp_path)
    path.write_bytes(OLD)
    document.write_bytes(b"%PDF-1.4 new")
    box.scan()
    box.finish(str(path), {"D.PDF": digest(b"%PDF-1.4 old")}, digest(OLD))
    assert names(tmp_path) == ["D.PDF"]


def test_a_newer_file_is_never_overwritten_and_the_one_between_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "r.hl7"
    path.write_bytes(b"second")
    with aside.holding(path, digest(b"first")) as held:
        assert held is None
        path.write_bytes(b"third")
    assert path.read_bytes() == b"third"
    assert {one.read_bytes() for one in tmp_path.iterdir()} == {b"second", b"third"}
    assert not any(aside.is_aside(name) for name in names(tmp_path))


def test_a_share_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: object, **more: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    test_a_newer_file_is_never_overwritten_and_the_one_between_not_lost(tmp_path)


def test_what_a_crash_left_aside_stands_again_under_its_name(tmp_path: Path) -> None:
    path = tmp_path / "r.hl7"
    path.write_bytes(OLD)
    seen = path.stat()
    path.rename(tmp_path / f"{aside.PREFIX}.r.hl7")
    (found,) = folder_spool(tmp_path).scan()
    assert (found.path, found.size, found.mtime_ns) == (str(path), seen.st_size, seen.st_mtime_ns)
    assert names(tmp_path) == ["r.hl7"]


def test_a_crash_while_it_was_put_back_makes_no_second_file(tmp_path: Path) -> None:
    path = tmp_path / "r.hl7"
    path.write_bytes(OLD)
    os.link(path, tmp_path / f"{aside.PREFIX}.r.hl7")
    assert len(folder_spool(tmp_path).scan()) == 1
    assert names(tmp_path) == ["r.hl7"]


def test_a_folder_that_refuses_the_removal_keeps_the_file_under_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, box = tmp_path / "r.hl7", folder_spool(tmp_path, after="archive", archive=tmp_path / "archive")
    path.write_bytes(OLD)
    box.scan()
    monkeypatch.setattr(spool.shutil, "move", lambda *given: (_ for _ in ()).throw(PermissionError(13, "no")))
    with pytest.raises(IntakeError) as error:
        box.finish(str(path), {}, digest(OLD))
    assert error.value.code == "not-removed"
    assert names(tmp_path) == ["archive", "r.hl7"]


def test_the_longest_name_is_cleared_too(tmp_path: Path) -> None:
    path, box = tmp_path / ("r" * 251 + ".hl7"), folder_spool(tmp_path)
    path.write_bytes(OLD)
    box.scan()
    box.finish(str(path), {}, digest(OLD))
    assert names(tmp_path) == []


def test_one_file_that_our_check_stumbles_over_holds_no_other_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = spool.is_complete

    def stumble(content: bytes, name: str, *rules: object) -> object:
        if name == "bad.hl7":
            raise RecursionError(content.decode())
        return check(content, name, *rules)  # type: ignore[arg-type]

    monkeypatch.setattr(spool, "is_complete", stumble)
    (tmp_path / "bad.hl7").write_bytes(OLD)
    (tmp_path / "good.hl7").write_bytes(NEW)
    box = folder_spool(tmp_path, patience_seconds=60)
    box.scan()
    seen = {found.name: found for found in box.scan()}
    assert seen["good.hl7"].whole
    assert not seen["bad.hl7"].whole
    assert "défaut interne du programme (RecursionError)" in seen["bad.hl7"].why
    later = {found.name: found for found in folder_spool(tmp_path, patience_seconds=0).scan()}
    assert set(later) == {"bad.hl7", "good.hl7"}
