"""National files fetched from a web address by the installed command: only when newer, never in place of good data."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dispatcher.clock import SystemClock
from dispatcher.directory.snapshots.reading import Snapshot
from dispatcher.directory.syncing import runner
from dispatcher.directory.syncing.download import DownloadSync
from dispatcher.resources import sample
from dispatcher.settings.syncing import DownloadSettings
from tests.integration.laboratory import Installation, install
from tests.pki import pki
from tests.servers.files import FileServer, Published

CONFIG = """
[channels.pro]
family = "apicrypt"
sender = "resultats@labo.test"
transport = "folder"
folder = "sortie"

[directory.downloads.mssante]
url = "{url}"
timeout_seconds = 5
"""
TEXT = sample("directory", "Extraction_Correspondance_MSSante_202611200600.txt").read_bytes()
PATH = "/extraction/Extraction_Correspondance_MSSante"


def zipped(day: int) -> Published:
    """The sample of one day, as published."""
    stamp = f"202611{day:02d}0600"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"Extraction_Correspondance_MSSante_{stamp}.txt", TEXT)
    return Published(content.getvalue(), name=f"Extraction_Correspondance_MSSante_{stamp}.zip")


@pytest.fixture
def web() -> Iterator[FileServer]:
    with FileServer() as running:
        running.files[PATH] = zipped(20)
        yield running


@pytest.fixture
def labo(tmp_path: Path, web: FileServer) -> Iterator[Installation]:
    installation = install(tmp_path, pki(), channel=CONFIG.format(url=web.url(PATH)), local="")
    yield installation
    installation.office.close()


def sync(labo: Installation, *words: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "dispatcher", "--config", str(labo.config), "directory", "sync", "--json", *words],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr, done.stderr
    (answer,) = json.loads(done.stdout)
    return done.returncode, answer


def version(labo: Installation) -> str:
    return Snapshot(labo.folder / "state/directory/mssante.sqlite3").version()


def test_fetched_once_until_there_is_a_newer_one(labo: Installation, web: FileServer) -> None:
    code, answer = sync(labo)
    assert (code, answer["ok"], answer["changed"]) == (0, True, True)
    assert answer["as_of"] == "2026-11-20T05:00:00+00:00"
    assert web.asked == [f"HEAD {PATH}", f"GET {PATH}"]
    first = version(labo)
    code, answer = sync(labo)
    assert (code, answer["changed"], answer["version"]) == (0, False, first)
    assert web.asked[2:] == [f"HEAD {PATH}"]
    web.files[PATH] = zipped(21)
    code, answer = sync(labo)
    assert (code, answer["changed"], answer["as_of"]) == (0, True, "2026-11-21T05:00:00+00:00")
    assert version(labo) != first
    sync(labo, "mssante", "--full")
    assert web.asked[-1] == f"GET {PATH}"
    assert sorted(item.name for item in (labo.folder / "state/directory").iterdir()) == [
        ".mssante.sqlite3.lock",
        "mssante.sqlite3",
        "mssante.sync.json",
    ]


def test_the_same_file_is_fetched_again_when_the_copy_held_is_damaged(labo: Installation, web: FileServer) -> None:
    sync(labo)
    held = labo.folder / "state/directory/mssante.sqlite3"
    whole = held.read_bytes()
    held.write_bytes(whole[:-8192] + b"\xa5" * 8192)
    code, answer = sync(labo)
    assert (code, answer["changed"], answer["rows"]) == (0, True, answer["previous_rows"])
    assert web.asked[-1] == f"GET {PATH}"
    assert sync(labo)[1]["changed"] is False


def test_the_pairs_of_numbers_are_fetched_once_and_alarm_nobody(tmp_path: Path, web: FileServer) -> None:
    content = sample("directory", "adeli_rpps.csv").read_bytes()
    web.files["/adeli"] = Published(content, name="adeli_rpps_202611200600.csv")
    pairs = DownloadSync("adeli", DownloadSettings(url=web.url("/adeli"), timeout_seconds=5), tmp_path, SystemClock())
    for changed in (True, False):
        assert runner.run(pairs, SystemClock()).changed is changed
        assert runner.look(pairs, datetime(2026, 11, 21, tzinfo=UTC)).alarm == ""


def test_without_head_and_without_a_name_the_address_and_the_day_serve(labo: Installation, web: FileServer) -> None:
    day = {"Last-Modified": "Fri, 20 Nov 2026 07:00:00 GMT"}
    web.files[PATH] = Published(TEXT, head=405, headers=day)
    code, answer = sync(labo)
    assert (code, answer["as_of"]) == (0, "2026-11-20T07:00:00+00:00")


@pytest.mark.parametrize(
    ("published", "word"),
    [
        (Published(b"<html><body>Maintenance</body></html>"), ""),
        (Published(b""), ""),
        (Published(b"x" * 1000, cut=10), "connexion rompue"),
        (Published(zipped(21).content[:-200], name="Extraction_Correspondance_MSSante_202611210600.zip"), ""),
        (Published(b"gone", status=404), "a répondu 404"),
        (Published(b"", status=302, headers={"Location": "http://127.0.0.1:9/"}), "a répondu 302"),
        (Published(b"error", status=500), "a répondu 500"),
        (Published(b"code;nom\n1;x\n"), ""),
    ],
    ids=["portal", "empty", "cut", "damaged", "404", "moved", "500", "another-kind"],
)
def test_what_is_not_the_file_leaves_the_data_in_service_and_alarms(
    labo: Installation, web: FileServer, published: Published, word: str
) -> None:
    sync(labo)
    before = version(labo)
    web.files[PATH] = published
    code, answer = sync(labo)
    assert (code, answer["ok"]) == (1, False)
    assert word in answer["message"]
    assert answer["hint"]
    assert version(labo) == before
    state = json.loads((labo.folder / "state/directory/mssante.sync.json").read_text(encoding="utf-8"))
    assert (state["failures"], bool(state["alarm_since"])) == (1, True)
    assert not list((labo.folder / "state/directory").glob(".mssante.download-*"))
    web.files[PATH] = zipped(21)
    assert sync(labo)[0] == 0
    state = json.loads((labo.folder / "state/directory/mssante.sync.json").read_text(encoding="utf-8"))
    assert (state["failures"], state["alarm_since"]) == (0, None)
