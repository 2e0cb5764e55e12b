"""The client against a local stand-in of the API, over real HTTP(S): paging, pace, refusals, a key that stays home."""

from __future__ import annotations

import gzip
import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dispatcher.clock import SystemClock
from dispatcher.directory.fhir import client as client_module
from dispatcher.directory.fhir import pace
from dispatcher.directory.fhir.client import FhirClient
from dispatcher.errors import DirectoryError
from dispatcher.settings.syncing import FhirSettings
from tests import fhir_people as people
from tests.pki import pki
from tests.servers.faultproxy import FaultProxy
from tests.servers.fhir import KEY, Fault, FhirServer, outcome


@pytest.fixture(autouse=True)
def _hurry(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that do not look at the pace need not wait for it."""
    if "pace" not in request.node.name:
        monkeypatch.setattr(pace, "WINDOW", 0.01)


@pytest.fixture
def server() -> Iterator[FhirServer]:
    with FhirServer(people.directory(25)) as running:
        yield running


def settings_of(server: FhirServer, folder: Path, **more: Any) -> FhirSettings:
    key = folder / "esante.key"
    key.write_text(KEY + "\n", encoding="ascii")
    return FhirSettings(**{"url": server.url, "key_file": key, "page_size": 10, "timeout_seconds": 5, **more})


class Quick:
    """Waits are noted, not waited (the pace's own short ones are)."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)
        time.sleep(0.05 if seconds == int(seconds) else seconds)


def fetch(server: FhirServer, folder: Path, kind: str = "Practitioner", rest: Any = None, **more: Any) -> list[str]:
    """Ids of all records of a kind."""
    with closing(FhirClient(settings_of(server, folder, **more), SystemClock(), rest=rest)) as client:
        return [record["id"] for page in client.search(kind, {"_count": "10"}) for record in page.records]


def refusal(server: FhirServer, folder: Path, **more: Any) -> DirectoryError:
    with pytest.raises(DirectoryError) as error:
        fetch(server, folder, rest=more.pop("rest", Quick()), **more)
    assert KEY not in str(error.value)
    return error.value


@pytest.mark.parametrize("totals", [True, False])
@pytest.mark.parametrize("packed", [True, False])
def test_all_pages_in_order(server: FhirServer, tmp_path: Path, totals: bool, packed: bool) -> None:
    server.totals, server.gzip = totals, packed
    assert fetch(server, tmp_path) == [f"003-{n}-1" for n in range(25)]
    assert len(server.arrivals) == 3
    assert server.keys == [KEY] * 3


def test_a_next_page_is_asked_for_as_the_server_wrote_it(server: FhirServer, tmp_path: Path) -> None:
    fetch(server, tmp_path)
    ids = [path.partition("id=")[2] for path in server.asked("_page")]
    assert len(ids) == 2
    assert all(one.endswith(("~0%2B%2F%3D%7C", "~10%2B%2F%3D%7C")) for one in ids)


def test_the_server_s_clock_is_heard(server: FhirServer, tmp_path: Path) -> None:
    server.now = people.LONG_AGO
    for told in (True, False):  # in Bundle.meta, else in the header Date
        server.tell_clock = told
        with closing(FhirClient(settings_of(server, tmp_path), SystemClock())) as client:
            assert next(client.search("Organization", {})).server_at == people.LONG_AGO


def test_over_tls_with_an_authority_of_one_s_own(tmp_path: Path) -> None:
    (tmp_path / "server.pem").write_bytes(pki().server.chain_pem() + pki().server.key_pem())
    (tmp_path / "ca.pem").write_bytes(pki().authority.trust_pem())
    with FhirServer(people.directory(5), tls=tmp_path / "server.pem") as server:
        assert len(fetch(server, tmp_path, ca_file=tmp_path / "ca.pem")) == 5
        error = refusal(server, tmp_path)
        assert "certificat du serveur n'est pas accepté" in error.message
        assert "ca_file" in error.hint
        assert len(server.keys) == 1, "the key was not sent to a server nobody vouches for"


@pytest.mark.parametrize("parallel", [1, 4])
def test_the_pace_is_kept_as_the_server_counts(server: FhirServer, tmp_path: Path, parallel: int) -> None:
    """Retries count, and threads share it."""
    server.largest_page = 1
    server.faults = [Fault(status=503, headers={"Retry-After": "0"}) for _ in range(4)]
    with closing(FhirClient(settings_of(server, tmp_path, calls_per_second=17), SystemClock())) as client:

        def work() -> None:
            for _ in client.search("Practitioner", {}):
                pass

        threads = [threading.Thread(target=work) for _ in range(parallel)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(server.arrivals) == 25 * parallel + 4
    assert server.most_in_a_second() <= 17


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_waited_for(server: FhirServer, tmp_path: Path, status: int) -> None:
    server.faults = [Fault(status=status, headers={"Retry-After": "1"})]
    assert len(fetch(server, tmp_path)) == 25
    first, second = (moment for moment, _ in server.arrivals[:2])
    assert second - first >= 1.0


def test_a_server_that_asks_for_too_long_is_left_for_later(server: FhirServer, tmp_path: Path) -> None:
    server.faults = [Fault(status=429, headers={"Retry-After": "86400"})]
    error = refusal(server, tmp_path)
    assert "429" in error.message
    assert len(server.arrivals) == 1


def test_tries_are_bounded(server: FhirServer, tmp_path: Path) -> None:
    server.always = Fault(status=503)
    rest = Quick()
    error = refusal(server, tmp_path, rest=rest)
    assert "n'est pas disponible (503 Service Unavailable). Le serveur dit : « invented error 503 »." in error.message
    assert len(server.arrivals) == client_module.TRIES
    assert [wait for wait in rest.waits if wait == int(wait)] == [1, 2, 4, 8, 16]


@pytest.mark.parametrize(
    "fault", [Fault(cut=0), Fault(cut=200), Fault(cut=200, headers={"X-Big": "1"}), Fault(hang=1.5)], ids=repr
)
@pytest.mark.parametrize("packed", [True, False])
def test_a_line_that_breaks_is_tried_again(server: FhirServer, tmp_path: Path, fault: Fault, packed: bool) -> None:
    server.gzip = packed
    server.faults = [fault]
    assert len(fetch(server, tmp_path, rest=Quick(), timeout_seconds=1)) == 25


def test_a_broken_connection_is_tried_again(server: FhirServer, tmp_path: Path) -> None:
    with FaultProxy(("127.0.0.1", server.port)) as proxy:
        proxy.cut_down = 300
        settings = settings_of(server, tmp_path, url=f"http://127.0.0.1:{proxy.port}/fhir/v2")
        rest = Quick()

        def mend(seconds: float) -> None:
            rest(seconds)
            if seconds == 1.0:
                proxy.cut_down = None

        with closing(FhirClient(settings, SystemClock(), rest=mend)) as client:
            page = next(client.search("Practitioner", {"_count": "10"}))
        assert len(page.records) == 10


def test_nobody_there(tmp_path: Path) -> None:
    with FhirServer({}) as server:
        pass
    error = refusal(server, tmp_path)
    assert f"localhost:{server.port} : connexion refusée." in error.message
    assert error.code == "directory-connection"


def test_an_answer_that_trickles_is_given_up(server: FhirServer, tmp_path: Path) -> None:
    """Each piece comes in time, the whole never would."""
    server.gzip = False
    server.always = Fault(slow=0.05)
    started = time.monotonic()
    with closing(FhirClient(settings_of(server, tmp_path, timeout_seconds=0.4), SystemClock(), rest=Quick())) as client:
        client_module.TRIES, tries = 1, client_module.TRIES
        try:
            with pytest.raises(DirectoryError, match="réponse trop lente"):
                next(client.search("Practitioner", {}))
        finally:
            client_module.TRIES = tries
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_names_its_file_and_is_never_shown(
    server: FhirServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    server.always = Fault(status=status, body=outcome(f"bad key {KEY}, sorry"))
    error = refusal(server, tmp_path)
    assert f"refuse la clé ({status})" in error.message
    assert "« bad key …, sorry »" in error.message
    assert str(tmp_path / "esante.key") in error.hint
    assert "portal.api.esante.gouv.fr" in error.hint
    assert len(server.arrivals) == 1, "no second try with a key that was refused"
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (400, "ne comprend pas la recherche (400 Bad Request)"),
        (404, "ne connaît pas cette adresse (404 Not Found)"),
        (410, "n'a plus cette page (410 Gone)"),
        (412, "trouve la recherche trop large (412 Precondition Failed)"),
        (418, "a répondu par une erreur (418"),
        (500, "a eu une erreur interne (500 Internal Server Error)"),
    ],
)
def test_other_refusals_tell_what_the_server_says(server: FhirServer, tmp_path: Path, status: int, word: str) -> None:
    server.always = Fault(status=status, body=outcome("HAPI-0302: Unknown   resource\n type " + "x" * 1000))
    error = refusal(server, tmp_path)
    assert word in error.message
    assert "Le serveur dit : « HAPI-0302: Unknown resource type xxx" in error.message
    assert len(error.message) < 500
    assert error.hint


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/fhir/v2/_page?id=1", "https://localhost:{port}/fhir/v2/x"])
def test_a_next_page_elsewhere_is_never_asked_for(server: FhirServer, tmp_path: Path, url: str) -> None:
    """Another name, another scheme or port is another server, even when it leads to the same machine."""
    with FhirServer(people.directory(3)) as other:
        server.next_url = url.format(port=other.port)
        error = refusal(server, tmp_path)
        assert "sur un autre serveur" in error.message
        assert other.arrivals == []
        server.next_url = f"http://localhost:{other.port}/fhir/v2/_page?id=1"
        assert "sur un autre serveur" in refusal(server, tmp_path).message
        assert other.arrivals == []


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:{port}@autre.test/x",
        "http://autre.test\\@localhost:{port}/x",
        "//autre.test/x",
        "_page?id=1",
        "ftp://localhost:{port}/x",
        "http://localhost:{port}/x y",
        "http://localhost:{port}/\r\nX-Key: 1",
        "",
    ],
)
def test_a_doubtful_next_page_is_never_asked_for(server: FhirServer, tmp_path: Path, url: str) -> None:
    server.next_url = url.format(port=server.port) or "\x00"
    error = refusal(server, tmp_path)
    assert "page suivante illisible" in error.message or "sur un autre serveur" in error.message
    assert len(server.arrivals) == 1


def test_a_redirection_is_not_followed(server: FhirServer, tmp_path: Path) -> None:
    with FhirServer(people.directory(3)) as other:
        server.always = Fault(status=302, headers={"Location": f"{other.url}/Practitioner"})
        assert "renvoie à une autre adresse (302)" in refusal(server, tmp_path).message
        assert other.arrivals == []


def test_paging_that_turns_in_a_circle_is_noticed(server: FhirServer, tmp_path: Path) -> None:
    server.next_url = f"{server.url}/Practitioner?_count=10"
    assert "tourne en rond (Practitioner, page" in refusal(server, tmp_path).message
    assert len(server.arrivals) <= 2
    server.next_url, server.circle = "", True  # another address each time, the same records
    assert "tourne en rond" in refusal(server, tmp_path).message


BOMB = b"[" * 100_000
NOT_ANSWERS = {
    "html": (b"<html>Portail captif</html>", "pas du JSON (text/html)"),
    "empty": (b"", "pas du JSON"),
    "nested": (BOMB, "pas du JSON"),
    "swollen": (b'{"resourceType":"Bundle","type":"searchset","entry":[' + b"[]," * 2_100_000 + b"[]]}", "démesurée"),
    "number": (b'{"resourceType":"Bundle","type":"searchset","total":' + b"9" * 5000 + b"}", "pas du JSON"),
    "constant": (b'{"resourceType":"Bundle","type":"searchset","total":NaN}', "pas du JSON"),
    "list": (b"[]", "pas un Bundle FHIR"),
    "outcome": (outcome("fine"), "pas un Bundle FHIR"),
    "history": (b'{"resourceType":"Bundle","type":"history"}', "pas un résultat de recherche"),
    "entries": (b'{"resourceType":"Bundle","type":"searchset","entry":{}}', "pas un résultat de recherche"),
    "links": (b'{"resourceType":"Bundle","type":"searchset","link":7}', "liens de pagination illisibles"),
    "bytes": (b"\xff\xfe\x00", "pas du JSON"),
}


@pytest.mark.parametrize("name", NOT_ANSWERS)
def test_what_is_no_answer_is_refused(server: FhirServer, tmp_path: Path, name: str) -> None:
    body, word = NOT_ANSWERS[name]
    server.always = Fault(body=body, headers={"Content-Type": "text/html" if name == "html" else "application/json"})
    error = refusal(server, tmp_path)
    assert word in error.message
    assert "données en service sont gardées" in error.hint
    assert len(server.arrivals) == 1


def test_an_answer_that_swells_is_refused(server: FhirServer, tmp_path: Path) -> None:
    """Two hundred kilobytes on the wire, 200 MB unpacked."""
    server.always = Fault(body=b" " * 200_000_000)
    assert "réponse de plus de 40 Mo, refusée" in refusal(server, tmp_path).message


def test_a_compressed_answer_that_ends_early_is_tried_again(server: FhirServer, tmp_path: Path) -> None:
    """Its length is the one announced: only the compression tells that the end is missing."""
    server.gzip = False
    short = gzip.compress(outcome("x" * 5000))[:-12]
    server.faults = [Fault(body=short, headers={"Content-Encoding": "gzip"})]
    assert len(fetch(server, tmp_path, rest=Quick())) == 25
    assert len(server.arrivals) == 4


def test_an_unknown_compression_is_refused(server: FhirServer, tmp_path: Path) -> None:
    server.gzip = False
    server.always = Fault(body=b"x" * 100, headers={"Content-Encoding": "br"})
    assert "compression qui n'a pas été demandée" in refusal(server, tmp_path).message


@pytest.mark.parametrize("entry", [None, 7, {}, {"resource": None}, {"resource": {"resourceType": "Patient"}}])
def test_odd_entries_are_left_out_and_counted(server: FhirServer, tmp_path: Path, entry: Any) -> None:
    entries = [entry, {"resource": people.practitioner(1)}]
    bundle = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
    server.always = Fault(body=json.dumps(bundle).encode())
    with closing(FhirClient(settings_of(server, tmp_path), SystemClock())) as client:
        (page,) = client.search("Practitioner", {})
    assert ([record["id"] for record in page.records], page.others, page.total) == (["003-1-1"], 1, None)
