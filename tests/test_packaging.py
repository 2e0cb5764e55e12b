"""The wheel carries everything: every package of the tree, the mappings and the samples, and nothing else."""

from __future__ import annotations

import configparser
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def packages_on_disk() -> set[str]:
    names = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in (ROOT / "dispatcher").rglob("__init__.py")
        if "__pycache__" not in path.parts
    }
    return names | {"dispatcher.mappings", "dispatcher.samples"}


def test_setup_cfg_names_every_package() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = {line.strip() for line in config["options"]["packages"].splitlines() if line.strip()}
    assert listed == packages_on_disk()


def data_files(folder: str) -> set[str]:
    return {
        f"dispatcher/{path.relative_to(ROOT).as_posix()}"
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """A wheel built from a clean copy of the tracked tree: a stale ``build/`` must not feed it."""
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "source"
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    for name in filter(None, files.split("\0")):
        source = ROOT / name
        if source.is_file():
            target = copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(copy)], check=True, timeout=110
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_mappings_and_samples(wheel_names: set[str]) -> None:
    missing = (data_files("mappings") | data_files("samples")) - wheel_names
    assert not missing


def test_the_wheel_holds_every_module_and_no_stray_name(wheel_names: set[str]) -> None:
    modules = {p.relative_to(ROOT).as_posix() for p in (ROOT / "dispatcher").rglob("*.py")}
    assert modules - wheel_names == set()
    assert {name.split("/")[0] for name in wheel_names if ".dist-info" not in name} == {"dispatcher"}
    assert not [name for name in wheel_names if name.endswith(".pyc")]
