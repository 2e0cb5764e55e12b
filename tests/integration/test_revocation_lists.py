"""Revocation lists fetched from a web server and from a real LDAP directory: the last good one stays."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from dispatcher.cli.check_certificates import _state
from dispatcher.clock import FrozenClock
from dispatcher.directory.certificates.revocation_lists import RevocationLists
from dispatcher.directory.certificates.revocation_sync import RevocationSync, read_anchors
from dispatcher.directory.syncing import runner
from dispatcher.errors import ConfigError, DirectoryError
from dispatcher.settings.file import load
from dispatcher.settings.revocation import RevocationSettings
from tests.pki import pki
from tests.servers.openldap import BASE, OpenLdap, openldap
from tests.unit.directory.test_certificate_judging import AT, Party


class Web:
    """One page that a test changes."""

    def __init__(self) -> None:
        self.status, self.body, self.asked = 200, b"", 0
        self.wanted: list[tuple[str, str | None]] = []
        """Target and host of each request."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                outer.wanted.append((self.path, self.headers["Host"]))
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(outer.body)))
                self.end_headers()
                self.wfile.write(outer.body)

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/ca.crl"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def web() -> Iterator[Web]:
    page = Web()
    yield page
    page.stop()


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


def crl(clock: FrozenClock, *, hours_ago: float = 1, revoked: bool = False) -> bytes:
    made = clock.now() - timedelta(hours=hours_ago)
    return der(pki().authority.crl(made, (pki().bob,) if revoked else ()))


def der(pem: bytes) -> bytes:
    return x509.load_pem_x509_crl(pem).public_bytes(serialization.Encoding.DER)


def settings(*places: str) -> RevocationSettings:
    return RevocationSettings(policy="require", lists=list(places), timeout_seconds=2)


def held(wanted: RevocationSettings, folder: Path) -> list[int]:
    """How many each list held revokes."""
    return [len(list(one)) for one in RevocationLists(wanted, folder).current()]


def test_a_list_is_fetched_and_a_newer_one_takes_its_place(web: Web, tmp_path: Path, clock: FrozenClock) -> None:
    wanted = settings(web.url)
    lists = RevocationLists(wanted, tmp_path)
    assert lists.current() == ()
    assert "pas encore téléchargée" in lists.listed()[0].problem
    web.body = crl(clock)
    first = RevocationSync(wanted, tmp_path, clock).run()
    assert (first.changed, first.rows, held(wanted, tmp_path)) == (True, 1, [0])
    assert len(lists.current()) == 1, "a running service sees it"
    assert RevocationSync(wanted, tmp_path, clock).run().changed is False
    web.body = crl(clock, hours_ago=0.5, revoked=True)
    assert RevocationSync(wanted, tmp_path, clock).run().changed is True
    assert [len(list(one)) for one in lists.current()] == [1]


@pytest.mark.parametrize("what", ["older", "expired", "no list", "error page", "nobody there"])
def test_what_comes_in_badly_leaves_the_last_good_one(web: Web, tmp_path: Path, clock: FrozenClock, what: str) -> None:
    wanted = settings(web.url)
    web.body = crl(clock, revoked=True)
    sync = RevocationSync(wanted, tmp_path, clock)
    runner.run(sync, clock)
    said = {
        "older": "plus ancienne que celle que nous avons",
        "expired": "n'est déjà plus à jour",
        "no list": "ce n'est pas une liste de révocation",
        "error page": "le serveur répond 503",
        "nobody there": "",
    }[what]
    web.body = {"older": crl(clock, hours_ago=50), "expired": crl(clock, hours_ago=24 * 30)}.get(what, b"<html>")
    web.status = 503 if what == "error page" else 200
    if what == "nobody there":
        web.stop()
        web.server.server_close()
    with pytest.raises(DirectoryError) as caught:
        runner.run(sync, clock)
    assert said in caught.value.message
    assert held(wanted, tmp_path) == [1]
    assert runner.look(sync, clock.now()).alarm, "a sync that fails alarms"


def test_one_place_that_fails_does_not_keep_the_others_back(web: Web, tmp_path: Path, clock: FrozenClock) -> None:
    web.body = crl(clock, revoked=True)
    wanted = settings("http://127.0.0.1:1/x.crl", web.url)
    with pytest.raises(DirectoryError, match="connexion refusée"):
        RevocationSync(wanted, tmp_path, clock).run()
    assert held(wanted, tmp_path) == [1]


def test_reading_never_asks_the_network(web: Web, tmp_path: Path, clock: FrozenClock) -> None:
    lists = RevocationLists(settings(web.url), tmp_path)
    for _ in range(3):
        lists.current()
    assert web.asked == 0


@pytest.fixture(scope="module")
def directory() -> Iterator[OpenLdap]:
    content = der(pki().authority.crl(FrozenClock().now() - timedelta(hours=1), (pki().bob,)))
    authority = {
        "dn": [f"cn=AC ESSAI,{BASE}"],
        "objectClass": ["organizationalRole", "certificationAuthority-V2"],
        "cn": ["AC ESSAI"],
        "cACertificate;binary": [pki().authority.intermediate.certificate.public_bytes(serialization.Encoding.DER)],
        "authorityRevocationList;binary": [content],
        "certificateRevocationList;binary": [content],
    }
    with openldap(pki(), [authority]) as running:
        yield running


@pytest.mark.parametrize("attribute", ["certificaterevocationlist;binary", "certificateRevocationList"])
def test_a_list_published_in_an_ldap_directory(
    directory: OpenLdap, tmp_path: Path, clock: FrozenClock, attribute: str
) -> None:
    """As IGC-Santé publishes its own: ``ldap://host/dn?certificaterevocationlist;binary``."""
    wanted = settings(f"{directory.url}/cn=AC%20ESSAI,dc=test?{attribute}")
    assert RevocationSync(wanted, tmp_path, clock).run().rows == 1
    assert held(wanted, tmp_path) == [1]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("cn=ABSENTE,dc=test?certificateRevocationList", "n'y existe pas"),
        ("dc=test?certificateRevocationList", "ne porte pas « certificateRevocationList »"),
        ("dc=test", "sans entrée ou sans attribut"),
    ],
)
def test_an_ldap_address_that_leads_nowhere_is_told(
    directory: OpenLdap, tmp_path: Path, clock: FrozenClock, path: str, why: str
) -> None:
    with pytest.raises(DirectoryError, match=why):
        RevocationSync(settings(f"{directory.url}/{path}"), tmp_path, clock).run()


def test_a_file_is_read_again_when_it_changes(tmp_path: Path, clock: FrozenClock) -> None:
    file = tmp_path / "ca.crl"
    lists = RevocationLists(settings(str(file)), tmp_path)
    assert lists.listed()[0].problem == "fichier introuvable"
    file.write_bytes(crl(clock))
    assert len(lists.current()) == 1
    file.write_bytes(b"rien")
    assert "ce n'est pas une liste de révocation" in lists.listed()[0].problem


@pytest.mark.parametrize("what", ["other key", "other authority", "future", "no authority pinned", "may not sign"])
def test_a_list_nobody_we_trust_signed_never_takes_the_place_of_the_good_one(
    web: Web, tmp_path: Path, what: str
) -> None:
    """Plain http: whoever stands on the way may answer. Under a soft policy a forged list would clear a revoked one."""
    clock = FrozenClock(AT)
    root, bob = Party("Root", ca=True), Party("bob")
    middle = Party("Mid", root, ca=True)
    pinned = tmp_path / "issuers.pem"
    pinned.write_bytes(
        b"".join(one.certificate.public_bytes(serialization.Encoding.PEM) for one in (root, middle, bob))
    )
    wanted = settings(web.url)
    web.body = good = middle.crl(bob)
    sync = RevocationSync(wanted, tmp_path / "state", clock, issuers=pinned)
    runner.run(sync, clock)
    soon, later = AT - timedelta(hours=1), AT + timedelta(days=30)
    web.body, said = {
        "other key": (Party("Mid", seed="evil", ca=True).crl(made=soon), "n'est signée par aucune autorité"),
        "other authority": (root.crl(made=soon), "celle d'une autre autorité"),
        "future": (middle.crl(made=later), "datée dans l'avenir"),
        "no authority pinned": (Party("Autre", ca=True).crl(made=soon), "n'est signée par aucune autorité"),
        "may not sign": (bob.crl(made=soon), "n'est signée par aucune autorité"),
    }[what]
    with pytest.raises(DirectoryError, match=said):
        runner.run(sync, clock)
    held = RevocationLists(wanted, tmp_path / "state")
    assert held.file_of(web.url).read_bytes() == good
    assert runner.look(sync, clock.now()).alarm
    found = _state(held.listed()[0], AT, read_anchors(pinned))
    assert found[1] is False, found
    held.file_of(web.url).write_bytes(Party("Mid", seed="evil", ca=True).crl(made=soon))
    text, fault = _state(held.listed()[0], AT, read_anchors(pinned))
    assert fault
    assert "aucune autorité épinglée" in text


def test_a_plain_http_list_is_fetched_through_the_proxy(web: Web, tmp_path: Path, clock: FrozenClock) -> None:
    """A proxy is told the whole address (RFC 9112 §3.2.2): a bare path is a page of its own."""
    web.body = crl(clock)
    wanted = RevocationSettings(
        policy="require", lists=["http://crl.test:8080/ca.crl?v=1"], proxy=web.url.removesuffix("/ca.crl")
    )
    assert RevocationSync(wanted, tmp_path, clock).run().rows == 1
    assert web.wanted == [("http://crl.test:8080/ca.crl?v=1", "crl.test:8080")]


@pytest.mark.parametrize(
    "place",
    [
        "http://compte:geheim@crl.test/ca.crl",
        "ldap://compte:geheim@annuaire.test/cn=x?certificateRevocationList",
        "http://geheim@crl.test/ca.crl",
        "http://crl.test/AC RACINE geheim.crl",
        "http://crl.test/ca\n.crl?geheim",
        "http://crl.test:geheim/ca.crl",
        "http://[geheim/ca.crl",
    ],
)
def test_an_address_with_a_password_or_a_space_is_refused_and_not_printed(place: str, tmp_path: Path) -> None:
    config = tmp_path / "dispatcher.toml"
    config.write_text(
        f'[directory]\nissuers = "ca.pem"\n[directory.revocation]\npolicy = "soft"\nlists = [{json.dumps(place)}]\n',
        encoding="utf-8",
    )
    with pytest.raises(ConfigError) as refused:
        load(config)
    told = " ".join([str(refused.value), refused.value.hint, *map(str, refused.value.faults)])
    assert "liste de révocation" in told
    assert "geheim" not in told


def test_a_proxy_that_does_not_answer_is_named_without_its_account(tmp_path: Path, clock: FrozenClock) -> None:
    for scheme in ("http", "https"):
        wanted = RevocationSettings(
            policy="soft", lists=[f"{scheme}://crl.test/a"], proxy="http://compte:geheim@127.0.0.1:9", timeout_seconds=1
        )
        with pytest.raises(DirectoryError, match=r"mandataire 127.0.0.1:9 ne mène pas à crl.test") as refused:
            RevocationSync(wanted, tmp_path, clock).run()
        assert "geheim" not in str(refused.value)
