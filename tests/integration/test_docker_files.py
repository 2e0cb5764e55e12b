"""``docs/docker``: the files parse, name what exists, and what they promise holds; nothing here needs Docker."""

from __future__ import annotations

import configparser
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from dispatcher.cli.main import COMMANDS, app
from dispatcher.cli.system_layout import METRICS_PORT
from dispatcher.settings import parse
from tests.integration.test_metrics_health import ask, free_port, until
from tests.integration.test_stop_and_restart import Operator, laboratory, service, stop
from tests.servers.postgresql import postgresql

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs/docker"


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8")))


def instructions() -> list[tuple[str, str]]:
    """Of the Dockerfile: word and rest, continued lines joined, comments left out."""
    lines = (FOLDER / "Dockerfile").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#")).replace("\\\n", " ")
    return [(one.split(None, 1)[0], one.split(None, 1)[1]) for one in text.splitlines() if one.strip()]


def healthcheck() -> list[str]:
    (told,) = [rest for word, rest in instructions() if word == "HEALTHCHECK"]
    return list(json.loads(told.partition("CMD")[2]))


def test_what_is_copied_is_there_and_let_through() -> None:
    kept = (FOLDER / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    for word, rest in instructions():
        if word == "COPY" and "--from" not in rest:
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists(), source
                assert f"!{source}" in kept, f"{source} does not reach the build"


def test_the_image_is_small_and_nobodys_root() -> None:
    words = instructions()
    assert all("slim" in rest for word, rest in words if word == "FROM")
    users = [rest for word, rest in words if word == "USER"]
    assert users == ["dispatcher"]
    assert max(i for i, (word, _) in enumerate(words) if word == "RUN") < words.index(("USER", "dispatcher"))
    assert ("ENTRYPOINT", '["dispatcher"]') in words and ("CMD", '["run"]') in words
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    (extras,) = [re.findall(r"\.\[([\w,]+)\]", rest) for word, rest in words if word == "RUN" and "pip install" in rest]
    assert set(extras[0].split(",")) <= set(setup["options.extras_require"])


def test_compose_calls_commands_and_settings_that_exist() -> None:
    for name in ("dispatcher", "init"):
        one = compose()["services"][name]
        assert one["command"][0] in COMMANDS
        assert (FOLDER / one["build"]["context"]).resolve() == ROOT
        assert (ROOT / one["build"]["dockerfile"]).is_file()
        ours = {key: value for key, value in one["environment"].items() if key.startswith("DISPATCHER__")}
        text = (ROOT / "samples/config/dispatcher.toml").read_text(encoding="utf-8")
        settings = parse(text, Path("/etc/dispatcher"), {key: str(value) for key, value in ours.items()})
        assert settings.store.url.startswith("postgresql+psycopg://dispatcher@base/")
        assert (settings.service.node, settings.metrics.port) == ("laboratoire", METRICS_PORT)


def test_compose_closes_the_service() -> None:
    services = compose()["services"]
    one = services["dispatcher"]
    assert one["read_only"] is True and one["cap_drop"] == ["ALL"] and "user" not in one
    assert "/etc/dispatcher:ro" in one["volumes"][0]
    assert services["init"]["profiles"] == ["init"], "only when called by name"
    assert not any("ports" in each or each.get("privileged") for each in services.values())
    assert services["base"]["networks"] == ["interne"] and compose()["networks"]["interne"]["internal"] is True
    assert not re.search(r"PASSWORD: (?!\$\{)", (FOLDER / "compose.yaml").read_text(encoding="utf-8"))


def test_everything_the_service_writes_is_a_volume() -> None:
    """Its root is read-only; ``init --system`` says where it writes."""
    mounted = [volume.split(":")[1] for volume in compose()["services"]["dispatcher"]["volumes"]]
    assert {"/var/lib/dispatcher", "/var/log/dispatcher", "/etc/dispatcher"} <= set(mounted)
    volumes = {volume.split(":")[0] for each in compose()["services"].values() for volume in each.get("volumes", [])}
    assert {one for one in volumes if not one.startswith(".")} == set(compose()["volumes"])


def test_the_healthcheck_sees_whether_the_service_lives(tmp_path: Path) -> None:
    command = [sys.executable, *healthcheck()[1:]]
    operator, port = Operator("never", tmp_path, tls=False), free_port()
    environment = os.environ | {"DISPATCHER__METRICS__PORT": str(port)}

    def healthy() -> bool:
        done = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
        return done.returncode == 0

    assert healthcheck()[0] == "python"
    with laboratory(tmp_path, operator, count=0) as labo, pytest.MonkeyPatch.context() as patch:
        assert not healthy()
        patch.setenv("DISPATCHER__METRICS__PORT", str(port))
        process = service(labo)
        try:
            until(lambda: ask(port, "/health")[0] == 200, labo)
            assert healthy()
        finally:
            stop(process)
        assert not healthy()


def test_init_and_check_with_the_environment_of_compose_use_postgresql(tmp_path: Path) -> None:
    """What ``docker compose run --rm init`` and the service do, without Docker: the database is the server's."""
    root = tmp_path / "root"
    with postgresql() as server, pytest.MonkeyPatch.context() as patch:
        database = server.create()
        patch.setenv("DISPATCHER__STORE__URL", server.url(database))
        patch.setenv("DISPATCHER__SERVICE__NODE", "laboratoire")
        patch.setattr(os, "geteuid", lambda: 1000)
        for folder in ("etc/dispatcher", "var/lib/dispatcher/entree", "var/log/dispatcher"):
            (root / folder).mkdir(parents=True)  # mounted volumes are there before
        result = CliRunner().invoke(app, ["init", "--system", "--root", str(root)])
        assert result.exit_code == 0, result.output
        config = str(root / "etc/dispatcher/dispatcher.toml")
        check = CliRunner().invoke(app, ["--config", config, "check", "--offline", "--json"])
        assert [one for one in json.loads(check.stdout) if one["severity"] == "error"] == []
        assert server.run("SELECT count(*) FROM reference", database)[0][0] > 0
        assert not list(root.rglob("dispatcher.sqlite3"))
