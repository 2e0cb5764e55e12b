"""Installing the kit of the ANS: from a folder, one above it, one inside it, or a zip; verified, replaced, removed."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dispatcher.cli.main import app
from dispatcher.conformance.installed import KIT as COPY
from dispatcher.conformance.installed import MANIFEST, checked, install, installed, remove, user_folder
from dispatcher.conformance.sources import MAX_TERMINOLOGY_BYTES, TERMINOLOGIES
from dispatcher.errors import ConfigError
from tests.kits import small_kit
from tests.needs import KIT, needs_shared

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    return small_kit(tmp_path / "download" / "testContenuCDA-3-0")


def zipped(kit: Path, target: Path, top: str) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(kit.rglob("*")):
            if path.is_file():
                archive.write(path, f"{top}{path.relative_to(kit).as_posix()}")
    return target


def test_the_same_kit_comes_from_folder_parent_own_folder_and_zip(kit: Path, tmp_path: Path) -> None:
    (kit / "ExemplesCDA").mkdir()
    (kit / "ExemplesCDA" / "exemple.xml").write_text("<x/>")
    (kit / "schematrons" / "moteur.jar").write_bytes(b"PK")
    whole = zipped(kit, tmp_path / "kit.zip", "")
    github = zipped(kit, tmp_path / "github.zip", "testContenuCDA-3-0-main/")
    sources = (kit, kit.parent, kit / "schematrons", whole, github)
    digests = {install(source, tmp_path / "place", NOW).sha256 for source in sources}
    assert len(digests) == 1
    manifest = installed(tmp_path / "place")
    assert manifest is not None and manifest.volumes == ("2024.01",)
    assert not any("Exemples" in path or path.endswith(".jar") for path in manifest.files)
    assert checked(tmp_path / "place").root == tmp_path / "place" / COPY


def test_a_huge_terminology_is_left_out_and_named(kit: Path, tmp_path: Path) -> None:
    for name, size in (("2.16.840.1.113883.6.1.rdf", MAX_TERMINOLOGY_BYTES + 1), ("1.2.rdf", 10)):
        path = kit / TERMINOLOGIES / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b" " * size)
    manifest = install(kit, tmp_path / "place", NOW)
    assert manifest.left_out == (f"{TERMINOLOGIES}2.16.840.1.113883.6.1.rdf",)
    assert f"{TERMINOLOGIES}1.2.rdf" in manifest.files


@pytest.mark.parametrize("fault", ["changed", "missing", "added"])
def test_a_kit_touched_after_installing_is_refused(kit: Path, tmp_path: Path, fault: str) -> None:
    place = tmp_path / "place"
    install(kit, place, NOW)
    rule = place / COPY / "schematrons" / "profils" / "IHE.sch"
    if fault == "changed":
        rule.write_text(rule.read_text() + " ")
    elif fault == "missing":
        rule.unlink()
    else:
        (rule.parent / "autre.sch").write_text("<x/>")
    with pytest.raises(ConfigError) as caught:
        checked(place)
    assert len(caught.value.faults) == 1 and caught.value.hint


def test_an_incomplete_kit_leaves_the_installed_one(kit: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    before = install(kit, place, NOW)
    volume = kit / "schematrons" / "CI-SIS_BIO-CR-BIO_2024.01.sch"
    volume.write_text(
        volume.read_text().replace("</schema>", "<let name='p' value=\"'../jeuxDeValeurs/y.xml'\"/></schema>")
    )
    with pytest.raises(ConfigError, match="incomplet") as caught:
        install(kit, place, NOW)
    assert "y.xml" in caught.value.faults[0]
    assert installed(place) == before and not list(tmp_path.glob(".conformance-*"))


@pytest.mark.parametrize("name", ["../../evil.sch", "C:/evil.sch"])
def test_a_dangerous_name_in_a_zip_is_refused(kit: Path, tmp_path: Path, name: str) -> None:
    bad = zipped(kit, tmp_path / "kit.zip", "")
    with zipfile.ZipFile(bad, "a") as archive:
        archive.writestr(f"schematrons/{name}", "<x/>")
    with pytest.raises(ConfigError, match="dangereux"):
        install(bad, tmp_path / "place", NOW)


def test_what_is_no_kit_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    empty = tmp_path / "empty.zip"
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("a.txt", "a")
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 not a zip")
    for source in (tmp_path / "empty", empty, tmp_path / "broken.zip", tmp_path / "nowhere"):
        with pytest.raises(ConfigError, match="kit de conformité"):
            install(source, tmp_path / "place", NOW)
    with pytest.raises(ConfigError, match="conformance install"):
        checked(tmp_path / "place" if (tmp_path / "place").exists() else tmp_path)


def test_removing_takes_everything_away(kit: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    install(kit, place, NOW)
    assert remove(place) and not place.exists() and not remove(place)
    (tmp_path / "mine").mkdir()
    assert not remove(tmp_path / "mine") and (tmp_path / "mine").exists()


def test_a_broken_manifest_is_told(kit: Path, tmp_path: Path) -> None:
    place = tmp_path / "place"
    install(kit, place, NOW)
    (place / MANIFEST).write_text("{")
    with pytest.raises(ConfigError, match="manifeste"):
        installed(place)


def test_the_folder_of_a_user_follows_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert user_folder({"XDG_DATA_HOME": "/data"}) == Path("/data/dispatcher/conformance")
    assert user_folder({}) == Path.home() / ".local" / "share" / "dispatcher" / "conformance"
    monkeypatch.setattr("sys.platform", "win32")
    assert user_folder({"LOCALAPPDATA": "/local"}) == Path("/local/dispatcher/conformance")


# ------------------------------------------------------------------------------------------------ the command


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    return done.exit_code, done.stdout


def test_without_configuration_the_kit_goes_to_the_users_data_folder(
    kit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DISPATCHER_CONFIG", raising=False)
    code, _ = run("conformance", "show")
    assert code == 1
    code, out = run("conformance", "install", str(kit), "--json")
    told = json.loads(out)
    assert code == 0 and told["place"] == str(tmp_path / "data" / "dispatcher" / "conformance")
    assert told["installed"] and told["intact"] and told["volumes"] == ["2024.01"] and len(told["sha256"]) == 64
    assert run("conformance", "show")[0] == 0
    (tmp_path / "data" / "dispatcher" / "conformance" / COPY / "jeuxDeValeurs" / "x.xml").write_text("<y/>")
    code, out = run("conformance", "show", "--json")
    assert code == 1 and not json.loads(out)["intact"] and "modifié" in json.loads(out)["problem"]
    assert json.loads(run("conformance", "remove", "--json")[1])["removed"] is True


def test_the_real_kit_installs_and_passes_its_own_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_shared(KIT)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DISPATCHER_CONFIG", raising=False)
    code, out = run("conformance", "install", str(KIT), "--json")
    assert code == 0 and json.loads(out)["volumes"] == ["2021.01", "2023.01", "2024.01"]
    code, out = run("validate", "--json", *map(str, sorted((KIT / "examples").glob("*.xml"))))
    files = json.loads(out)["files"]
    assert code == 0 and all(file["valid"] for file in files)
    assert all("volet 2024.01" in file["checks"]["official"] for file in files)


def test_with_a_configuration_the_kit_goes_to_its_state_folder_and_check_tells(
    kit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("DISPATCHER_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    assert run("init", "labo")[0] == 0
    monkeypatch.chdir(tmp_path / "labo")

    def said_by_check() -> str:
        findings = json.loads(run("check", "--offline", "--json")[1])
        return " ".join(f"{f['text']} {f['hint']}" for f in findings if f["subject"] == "conformité")

    assert "non installées" in said_by_check() and "conformance install" in said_by_check()
    code, out = run("conformance", "install", str(kit), "--json")
    assert code == 0 and Path(json.loads(out)["place"]) == (tmp_path / "labo" / "state" / "conformance").resolve()
    assert not (tmp_path / "data").exists()
    assert "appliquées aux canaux" in said_by_check() and "2024.01" in said_by_check()
    (tmp_path / "labo" / "state" / "conformance" / COPY / "schematrons" / "profils" / "IHE.sch").unlink()
    assert "manifeste" in said_by_check()


def test_a_kit_of_the_user_is_not_that_of_a_configuration_and_the_command_given_installs_it(
    kit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPATCHER_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    assert run("conformance", "install", str(kit))[0] == 0
    assert run("init", "labo")[0] == 0
    monkeypatch.chdir(tmp_path / "labo")
    cda = str(Path(__file__).resolve().parents[2] / "samples" / "cda" / "bilan_n3.xml")

    def told() -> list[str]:
        findings = json.loads(run("check", "--offline", "--json")[1])
        by_check = " ".join(f"{f['text']} {f['hint']}" for f in findings if f["subject"] == "conformité")
        by_validate = json.loads(run("validate", cda, "--json")[1])["files"][0]["checks"]["official_not_run"] or ""
        return [by_check, by_validate, " ".join(run("conformance", "show")[1].split())]

    own = tmp_path / "data" / "dispatcher" / "conformance" / COPY
    for sentence in told()[:2]:
        assert "installées pour l'utilisateur, pas pour cette configuration" in sentence
        assert f"dispatcher conformance install {own}" in sentence
    assert "pas pour cette configuration" in told()[2]
    assert run("conformance", "install", str(own))[0] == 0
    assert not any("pas pour cette configuration" in sentence for sentence in told())
    assert "appliquées aux canaux" in told()[0]
