"""The log in both formats: same messages, no exception's text, faults that last told once; files begin anew."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.daemon import logs
from dispatcher.daemon.lasting import Lasting
from dispatcher.settings import LogSettings

log = logging.getLogger("dispatcher.test")
SECRET = "VAUQUELIN-ZEPHYRINE"


@pytest.fixture(autouse=True)
def root() -> Iterator[None]:
    before, level, hook = logging.getLogger().handlers[:], logging.getLogger().level, threading.excepthook
    logging.getLogger().handlers[:] = []
    yield
    for handler in logging.getLogger().handlers:
        handler.close()
    logging.getLogger().handlers[:] = before
    logging.getLogger().setLevel(level)
    threading.excepthook = hook


def settings(path: Path, form: str, **more: float) -> LogSettings:
    return LogSettings.model_validate({"format": form, "file": path, **more})


def messages(path: Path, form: str) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    if form == "json":
        return [json.loads(line)["event"] for line in lines]
    return [line.partition("dispatcher.test: ")[2] for line in lines if "dispatcher.test: " in line]


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_same_is_said_in_both(tmp_path: Path, form: str) -> None:
    path = tmp_path / "log/dispatcher.log"
    logs.configure(settings(path, form))
    log.info("dispatch %s is %s", "D0TK80N9YV", "envoyé")
    log.debug("too much")
    log.error("source %s: ALARM begins", "sil")
    assert messages(path, form) == ["dispatch D0TK80N9YV is envoyé", "source sil: ALARM begins"]


def test_a_json_line_has_fields_to_search_by(tmp_path: Path) -> None:
    logs.configure(settings(tmp_path / "log", "json"))
    log.warning("dispatch D0TK80N9YV of file FHJ85HEPMA waits")
    line = json.loads((tmp_path / "log").read_text(encoding="utf-8"))
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "dispatch D0TK80N9YV of file FHJ85HEPMA waits",
        "level": "warning",
        "logger": "dispatcher.test",
        "dispatch": "D0TK80N9YV",
        "file": "FHJ85HEPMA",
    }


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_an_exception_says_is_not_written(tmp_path: Path, form: str) -> None:
    path = tmp_path / "log"
    logs.configure(settings(path, form))
    try:
        raise ValueError(SECRET)
    except ValueError:
        log.exception("a library tells")

    def die() -> None:
        raise KeyError(SECRET)

    thread = threading.Thread(target=die, name="line-1")
    thread.start()
    thread.join()
    text = path.read_text(encoding="utf-8")
    assert SECRET not in text
    assert "ValueError" in text and "test_daemon_logs.py" in text
    assert "thread line-1 died: KeyError" in text


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_fault_that_lasts_is_told_once(tmp_path: Path, form: str) -> None:
    path = tmp_path / "log"
    logs.configure(settings(path, form))
    lasting = Lasting()
    with lasting.installed():
        for _ in range(5):
            with lasting.round("scan"):
                log.error("the disk is full")
    assert messages(path, form) == ["the disk is full"]


def test_a_big_file_begins_anew_and_old_ones_go(tmp_path: Path) -> None:
    path = tmp_path / "dispatcher.log"
    old, other = tmp_path / "dispatcher.log.20200101-000000", tmp_path / "dispatcher.logic"
    for one in (old, other):
        one.write_text("x", encoding="utf-8")
        os.utime(one, (0, 0))
    logs.configure(settings(path, "text", max_megabytes=0.001, keep_days=3))
    log.info("before %s", "x" * 2000)
    logs.look_after()
    log.info("after")
    kept = [one for one in tmp_path.iterdir() if one.name.startswith("dispatcher.log.")]
    assert messages(path, "text") == ["after"]
    assert len(kept) == 1 and kept[0] != old and "before" in kept[0].read_text(encoding="utf-8")
    assert other.exists()


def test_each_day_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "dispatcher.log"
    path.write_text("yesterday\n", encoding="utf-8")
    os.utime(path, (86_400, 86_400))
    logs.configure(settings(path, "text", keep_days=100_000))
    log.info("today")
    assert "yesterday" not in path.read_text(encoding="utf-8")
    assert len(list(tmp_path.iterdir())) == 2


def test_a_second_process_follows_the_first(tmp_path: Path) -> None:
    path = tmp_path / "dispatcher.log"
    logs.configure(settings(path, "text", max_megabytes=0.001), first=False)
    log.info("%s", "x" * 2000)
    logs.look_after()
    assert [one.name for one in tmp_path.iterdir()] == ["dispatcher.log"], "only the first renames"
    path.rename(tmp_path / "dispatcher.log.20261122-000000")
    log.info("here")
    assert messages(path, "text") == ["here"]


def test_without_a_file_it_goes_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure(LogSettings(format="json"))
    log.info("hello")
    assert json.loads(capfd.readouterr().err)["event"] == "hello"
