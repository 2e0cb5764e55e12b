"""The list of allowed domains fetched over HTTPS on loopback: judged, conditional, never worse than before."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from dispatcher.cli.main import app
from dispatcher.daemon import steps
from dispatcher.directory.syncing import runner
from dispatcher.directory.syncing.configured import syncs
from dispatcher.directory.trust import fetching
from dispatcher.errors import ConfigError, DirectoryError
from tests.integration.laboratory import Installation, install
from tests.integration.test_trust_commands import CHANNEL
from tests.pki import pki
from tests.servers.listserver import PATH, ListServer
from tests.unit.directory.list_builder import good

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(autouse=True)
def dated_by_the_test() -> None:
    """A long run comes here much later than it was collected: lists made then would be older than the one installed."""
    globals()["NOW"] = datetime.now(UTC).replace(microsecond=0)


def made(minutes: int, *domains: str) -> bytes:
    return good(domains, generated=NOW - timedelta(minutes=minutes))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ListServer]:
    tls = tmp_path / "server.pem"
    tls.write_bytes(pki().server.chain_pem() + pki().server.key_pem())
    with ListServer(tls, made(30, "neuf.test", "labo.test"), etag='"1"') as running:
        yield running


@pytest.fixture
def labo(tmp_path: Path, server: ListServer) -> Iterator[Installation]:
    installation = install(tmp_path / "labo", pki(), channel=CHANNEL, local="")
    configure(installation, server.url)
    yield installation
    installation.office.close()


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """What the runner logs, whatever a command sets up for itself meanwhile."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger(runner.__name__)
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield lines
    logger.removeHandler(handler)
    logger.setLevel(before)


def configure(labo: Installation, url: str, **more: object) -> None:
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in more.items())
    text = labo.config.read_text(encoding="utf-8").split("\n[trust]\n")[0]
    labo.config.write_text(f'{text}\n[trust]\nurl = "{url}"\nca_file = "ca.pem"\n{lines}', encoding="utf-8")
    labo.office.close() if hasattr(labo, "office") else None
    labo.open()


def run(labo: Installation, *words: str, rc: int = 0) -> Result:
    result = CliRunner().invoke(app, ["--config", str(labo.config), *words])
    assert result.exit_code == rc, (result.output, result.exception)
    return result


def told(labo: Installation, *words: str, rc: int = 0) -> Any:
    return json.loads(run(labo, *words, "--json", rc=rc).stdout)


def allowed(labo: Installation, domain: str) -> bool:
    words = ["--config", str(labo.config), "trust", "show", "--domain", domain]
    return CliRunner().invoke(app, words).exit_code == 0


def test_a_running_service_sees_the_new_list(labo: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    assert labo.office.desk.domains().allows("dest.test")
    steps.sync_due(labo.office, lambda: False)
    monkeypatch.setattr("dispatcher.directory.trust.in_force.LOOK_AGAIN", -1.0)
    assert labo.office.desk.domains().allows("neuf.test")
    assert not labo.office.desk.domains().allows("dest.test")
    same = labo.office.desk.domains()
    assert labo.office.desk.domains() is same, "not verified again while nothing changed"


def test_a_newer_list_is_taken_and_what_changes_is_told(labo: Installation, server: ListServer) -> None:
    answer = told(labo, "trust", "sync")
    assert (answer["ok"], answer["changed"], answer["rows"]) == (True, True, 2)
    assert (answer["added"], answer["removed"]) == (["neuf.test"], ["dest.test"])
    assert allowed(labo, "neuf.test")
    newest = told(labo, "trust", "list")[0]
    assert (newest["by"], newest["event"]) == ("sync", "reference.accepted")


def test_an_unchanged_list_is_not_sent_again(labo: Installation, server: ListServer) -> None:
    run(labo, "trust", "sync")
    again = told(labo, "trust", "sync")
    assert (again["ok"], again["changed"]) == (True, False)
    assert "if-none-match" not in server.seen[0][1]
    assert server.seen[1][1]["if-none-match"] == '"1"'
    run(labo, "trust", "sync", "--full")
    assert "if-none-match" not in server.seen[2][1]
    assert len(told(labo, "trust", "list")) == 2, "the same bytes are kept once"


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (lambda: made(30, "neuf.test").replace(b"neuf", b"faux"), "n'est pas celui qui a été signé"),
        (lambda: made(600, "neuf.test"), "est plus ancienne que celle en service"),
        (lambda: b"<html>Maintenance</html>", "Élément racine"),
        (lambda: made(30, "neuf.test")[:900], "tronqué"),
    ],
    ids=["changed", "older", "web-page", "truncated"],
)
def test_a_refused_list_changes_nothing_and_is_asked_whole_again(
    labo: Installation, server: ListServer, content: Any, part: str
) -> None:
    server.content = content()
    answer = told(labo, "trust", "sync", rc=1)
    assert (answer["ok"], answer["code"]) == (False, "list-refused")
    assert part in answer["message"]
    assert allowed(labo, "dest.test")
    run(labo, "trust", "sync", rc=1)
    assert "if-none-match" not in server.seen[1][1], "what was refused is not remembered as taken"


@pytest.mark.parametrize(
    ("fault", "part"),
    [
        ({"status": 503}, "HTTP 503"),
        ({"cut": 300}, "connexion rompue"),
        ({"status": 302, "location": "https://localhost:1/liste.xml"}, "redirection vers un autre serveur"),
        ({"status": 302, "location": "http://127.0.0.1/liste.xml"}, "redirection vers un autre serveur"),
        ({"status": 301, "location": "file:///etc/hostname"}, "redirection vers un autre serveur"),
        ({"status": 307, "location": PATH}, "trop de redirections"),
    ],
    ids=["503", "cut", "other-host", "http", "file", "circle"],
)
def test_a_failed_download_changes_nothing(
    labo: Installation, server: ListServer, fault: dict[str, Any], part: str
) -> None:
    for name, value in fault.items():
        setattr(server, name, value)
    answer = told(labo, "trust", "sync", rc=1)
    assert part in answer["message"]
    assert allowed(labo, "dest.test")


def test_what_a_person_put_aside_is_asked_whole_not_taken_and_no_alarm(labo: Installation, server: ListServer) -> None:
    (first,) = told(labo, "trust", "list")
    run(labo, "trust", "sync")
    run(labo, "trust", "restore", first["version"], "--reason", "vu avec l'ANS")
    answer = told(labo, "trust", "sync")
    assert (answer["ok"], answer["changed"], answer["version"]) == (True, False, first["version"])
    assert "Une personne est revenue à la liste" in answer["notes"][0]
    assert "if-none-match" not in server.seen[1][1], "what the server said was of another list"
    assert "ALARME" not in run(labo, "status").stderr
    server.content, server.etag = made(5, "plus-neuf.test"), '"2"'
    assert told(labo, "trust", "sync")["changed"] is True
    assert allowed(labo, "plus-neuf.test")


def test_a_redirection_on_the_same_server_is_followed(labo: Installation, server: ListServer) -> None:
    server.status, server.location = 302, "/ailleurs/liste.xml"
    assert told(labo, "trust", "sync")["rows"] == 2
    assert [path for path, _ in server.seen] == [PATH, "/ailleurs/liste.xml"]


def test_a_swelling_answer_is_cut_off(labo: Installation, server: ListServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MAX_BYTES", 3_000_000)
    server.endless = True
    assert "réponse de plus de 3 Mo" in told(labo, "trust", "sync", rc=1)["message"]


def test_a_server_under_another_authority_is_refused(labo: Installation, server: ListServer) -> None:
    configure(labo, server.url)
    (labo.folder / "ca.pem").write_bytes(pki().expired_signer.certificate_pem())
    assert "le certificat du serveur n'est pas accepté" in told(labo, "trust", "sync", rc=1)["message"]
    assert server.seen == []


def test_without_an_address_nothing_is_fetched_and_the_age_is_watched(labo: Installation) -> None:
    configure(labo, "")
    refused = run(labo, "trust", "sync", rc=1).exception
    assert isinstance(refused, ConfigError), "a wrong call, no failed run"
    assert "Aucune adresse" in str(refused)
    assert "ALARME" not in run(labo, "status").stderr
    (found,) = syncs(labo.office.settings, labo.office.clock, labo.office.store)
    assert found.schedule.manual
    assert steps.sync_due(labo.office, lambda: False) == 0


def test_the_service_fetches_alarms_once_and_takes_it_back_once(
    labo: Installation, server: ListServer, logged: list[str]
) -> None:
    server.status = 503
    for _ in range(3):
        steps.sync_due(labo.office, lambda: False)
    assert len(server.seen) == 1, "the next try waits for retry_minutes"
    (sync,) = syncs(labo.office.settings, labo.office.clock, labo.office.store)
    for _ in range(2):
        with pytest.raises(DirectoryError):
            runner.run(sync, labo.office.clock)
    assert sum("ALARM begins" in line for line in logged) == 1
    status = run(labo, "status", rc=1)
    assert "ALARME, Liste blanche : synchronisation en échec" in status.stderr
    check = told(labo, "check", "--offline", rc=1)
    assert any(one["subject"] == "liste blanche, mise à jour" and one["severity"] == "error" for one in check)
    server.status = 200
    runner.run(sync, labo.office.clock)
    steps.sync_due(labo.office, lambda: False)
    assert sum("ALARM over" in line for line in logged) == 1
    assert "ALARME" not in run(labo, "status").stderr


def test_a_list_that_grows_old_is_told_before_the_limit_and_at_it(
    labo: Installation, server: ListServer, logged: list[str]
) -> None:
    (sync,) = syncs(labo.office.settings, labo.office.clock, labo.office.store)

    class Later:
        def __init__(self, days: int) -> None:
            self.days = days

        def now(self) -> datetime:
            return NOW + timedelta(days=self.days)

    for days in (1, 11, 12, 29, 31, 32):
        runner.watch(sync, Later(days))  # type: ignore[arg-type]
    lines = [line for line in logged if "allowed-domains" in line]
    assert ["grows old" in line or "ALARM begins" in line for line in lines] == [True, True]
    assert "limite à 30 jours" in lines[0]
    assert "trop vieilles" in lines[1]
    runner.run(sync, labo.office.clock)
    runner.watch(sync, labo.office.clock)
    ends = [line for line in logged if "ALARM over" in line or "no longer old" in line]
    assert len(ends) == 2


def test_the_command_says_what_stays(labo: Installation, server: ListServer) -> None:
    server.status = 503
    result = run(labo, "trust", "sync", rc=1)
    assert "réponse HTTP 503" in result.stderr
    assert "reste en service." in result.stderr


def test_an_imported_list_ends_the_alarm_of_failed_runs(labo: Installation, server: ListServer, tmp_path: Path) -> None:
    server.status = 503
    failed = run(labo, "trust", "sync", rc=1)
    assert "ALARM begins" not in failed.stderr, "the command says it in French"
    assert "ALARME" in run(labo, "status", rc=1).stderr
    (tmp_path / "liste.xml").write_bytes(made(5, "neuf.test", "labo.test"))
    run(labo, "trust", "import", str(tmp_path / "liste.xml"))
    assert "ALARME" not in run(labo, "status").stderr
    run(labo, "trust", "sync", rc=1)
    assert "ALARME" in run(labo, "status", rc=1).stderr, "the next failure is told anew"


def test_check_names_a_root_file_that_is_missing(labo: Installation) -> None:
    labo.office.settings.trust.roots.unlink()
    found = [one for one in told(labo, "check", "--offline", rc=1) if one["subject"] == "liste blanche"]
    (one,) = found
    assert labo.office.settings.trust.roots.name in one["text"]
