"""What holds for every page: the host, the headers, who may see it, its form, its language."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.testclient import TestClient

from dispatcher.console.app import build, nowhere, page_modules
from dispatcher.console.page import ANYBODY, MYSELF, PageRoute, back, flash, get, post, render, shows, to
from dispatcher.console.people import RIGHTS
from dispatcher.console.shield import POLICY, host_of
from dispatcher.errors import StoreError
from dispatcher.wiring import Office
from tests.console.conftest import HERE
from tests.console.kit import ROLES, FakeAccounts, Person


@get("/essai/patient", right="see", patients=True)
def patient(request: Request) -> Response:
    shows(request, "dispatch", ["D1"])
    return render(request, "error.html", title="T", text="patient", hint="")


@get("/essai/oubli", right="see", patients=True)
def forgotten(request: Request) -> Response:
    return render(request, "error.html", title="T", text="patient", hint="")


@get("/essai/faute")
def fault(request: Request) -> Response:
    raise ValueError("Mme MARTIN Lucie")


@get("/essai/refus")
def refused(request: Request) -> Response:
    raise StoreError("Base occupée.", hint="Réessayer.")


@post("/essai/fait", right="operate")
def done(request: Request) -> Response:
    flash(request, "Fait <b>.")
    return to("/essai/patient")


@get("/essai/flux")
def stream(request: Request) -> Response:
    return StreamingResponse(iter([b"a", b"b"]))


TRIALS = (stream, patient, forgotten, fault, refused, done)


@pytest.fixture
def application(office: Office, accounts: FakeAccounts) -> Iterator[Starlette]:
    made = build(office, accounts, lambda parts: ())
    made.router.routes[0:0] = TRIALS
    yield made


def every_route() -> list[PageRoute]:
    return [*(route for module in page_modules() for route in module.routes()), nowhere]


def named(route: PageRoute) -> str:
    return f"{'/'.join(sorted(route.methods or ()))} {route.path}"


def token(page: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("path", ["/", "/static/console.css", "/rien", "/connexion"])
def test_every_answer_has_the_headers(alice: TestClient, path: str) -> None:
    answer = alice.get(path)
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert "server" not in answer.headers


def test_pages_are_kept_by_no_cache(alice: TestClient) -> None:
    assert alice.get("/").headers["cache-control"] == "no-store"
    assert alice.get("/static/console.js").headers["cache-control"].startswith("public")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost.evil.example:8741"])
def test_another_host_is_refused(alice: TestClient, host: str) -> None:
    assert alice.get("/", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1:8741", "localhost", "LOCALHOST:8741", "[::1]:8741"])
def test_names_of_this_machine_are_served(alice: TestClient, host: str) -> None:
    assert alice.get("/", headers={"host": host}).status_code == 200


def test_a_configured_host_is_served(office: Office, accounts: FakeAccounts) -> None:
    client = TestClient(
        build(office, accounts, lambda parts: (), hosts=["console.labo.example"]), base_url=HERE, follow_redirects=False
    )
    assert client.get("/connexion", headers={"host": "console.labo.example"}).status_code != 421
    assert host_of("[fe80::1]:80") == "fe80::1"


@pytest.mark.parametrize("route", every_route(), ids=named)
def test_nothing_is_shown_without_a_session(stranger: TestClient, route: PageRoute) -> None:
    path = re.sub(r"\{[^}]*\}", "x", route.path)
    for method in (route.methods or set()) - {"HEAD"}:
        answer = stranger.request(method, path)
        if route.right != ANYBODY:
            assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/connexion")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", [*every_route(), *TRIALS], ids=named)
def test_each_page_by_each_role(stranger: TestClient, accounts: FakeAccounts, route: PageRoute, role: str) -> None:
    """Who lacks the right is refused by the door; who has it gets past it."""
    accounts.people["paul"] = Person("paul", ROLES[role])
    stranger.cookies.set("session", "paul")
    page = stranger.get("/rien").text
    path = re.sub(r"\{[^}]*\}", "x", route.path)
    method = "POST" if "POST" in (route.methods or ()) else "GET"
    answer = stranger.request(method, path, data={"csrf": token(page)} if method == "POST" else None)
    needed = {right for right in (route.right, "see_patients" if route.patients else "") if right in RIGHTS}
    assert ("Accès refusé" in answer.text) == bool(needed - ROLES[role])
    assert route.right in {*RIGHTS, ANYBODY, MYSELF}


@pytest.mark.parametrize("route", [*every_route(), *TRIALS], ids=named)
def test_each_form_needs_its_token(alice: TestClient, route: PageRoute) -> None:
    if "POST" not in (route.methods or ()):
        return
    path = re.sub(r"\{[^}]*\}", "x", route.path)
    for data in ({}, {"csrf": "0" * 64}, {"csrf": "é"}):
        answer = alice.post(path, data=data)
        assert answer.status_code == 403
        assert "Formulaire refusé" in answer.text


def test_the_token_of_another_is_refused(alice: TestClient, accounts: FakeAccounts) -> None:
    told = token(alice.get("/").text)
    accounts.people["bob"] = Person("bob")
    alice.cookies.set("session", "bob")
    assert alice.post("/essai/fait", data={"csrf": told}).status_code == 403


def test_a_form_from_elsewhere_is_refused(alice: TestClient) -> None:
    told = token(alice.get("/").text)
    elsewhere = alice.post("/essai/fait", data={"csrf": told}, headers={"origin": "https://evil.example"})
    assert elsewhere.status_code == 403
    assert alice.post("/essai/fait", data={"csrf": told}, headers={"origin": HERE}).status_code == 303


def test_what_was_done_is_told_once(alice: TestClient) -> None:
    answer = alice.post("/essai/fait", data={"csrf": token(alice.get("/").text)})
    assert answer.headers["location"] == "/essai/patient"
    assert "Fait &lt;b&gt;." in alice.get("/").text
    assert "Fait" not in alice.get("/").text


def test_a_view_of_patient_data_is_noted(alice: TestClient, accounts: FakeAccounts) -> None:
    assert alice.get("/essai/patient").status_code == 200
    assert accounts.shown == [("alice", "dispatch", ("D1",))]


def test_a_page_that_renews_itself_is_one_view(alice: TestClient, accounts: FakeAccounts) -> None:
    alice.get("/essai/patient", headers={"X-Live": "1"})
    alice.get("/essai/patient", headers={"X-Live": "1"})
    assert len(accounts.shown) == 1, "the first is a view, whoever asks"
    alice.get("/essai/patient")
    assert len(accounts.shown) == 2, "somebody opened it again"
    accounts.people["bob"] = Person("bob")
    alice.cookies.set("session", "bob")
    alice.get("/essai/patient", headers={"X-Live": "1"})
    assert accounts.shown[-1][0] == "bob"


def test_nothing_of_a_stranger_is_read(stranger: TestClient) -> None:
    """A body that would never end is refused before its first byte is asked for."""

    def endless() -> Iterator[bytes]:
        raise AssertionError("it was read")
        yield b""

    assert stranger.post("/essai/fait", content=endless()).status_code == 303
    assert stranger.post("/connexion", content=b"x" * 100_000).status_code == 413


def test_a_file_is_sent_as_it_is(alice: TestClient) -> None:
    assert alice.get("/essai/flux").content == b"ab"


def test_more_than_was_told_is_not_read(stranger: TestClient) -> None:
    form = {"content-length": "10", "content-type": "application/x-www-form-urlencoded"}
    assert stranger.post("/connexion", content=b"x" * 100_000, headers=form).status_code == 413


def test_a_page_that_forgot_to_note_it_is_not_sent(alice: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    answer = alice.get("/essai/oubli")
    assert answer.status_code == 500
    assert "patient" not in answer.text
    assert "wrote no journal line" in caplog.text


def test_an_unexpected_fault_quotes_nobody(alice: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    answer = alice.get("/essai/faute")
    assert answer.status_code == 500
    assert "MARTIN" not in answer.text + caplog.text
    assert "ValueError" in caplog.text


def test_what_a_use_case_refuses_is_told(alice: TestClient) -> None:
    answer = alice.get("/essai/refus")
    assert answer.status_code == 409
    assert "Base occupée." in answer.text
    assert "Réessayer." in answer.text


def test_an_unknown_page(alice: TestClient) -> None:
    answer = alice.get("/rien")
    assert answer.status_code == 404
    assert "Page introuvable" in answer.text


def test_who_must_choose_a_password_does_that_first(stranger: TestClient, accounts: FakeAccounts) -> None:
    accounts.people["neuf"] = Person("neuf", must_change=True)
    stranger.cookies.set("session", "neuf")
    assert stranger.get("/").headers["location"] == "/mon-compte/mot-de-passe"


def test_a_script_without_session_is_told_so(stranger: TestClient) -> None:
    assert stranger.get("/", headers={"X-Live": "1"}).status_code == 401


def test_a_page_that_did_not_change_is_not_sent_again(alice: TestClient) -> None:
    etag = alice.get("/").headers["etag"]
    again = alice.get("/", headers={"if-none-match": etag})
    assert (again.status_code, again.text) == (304, "")
    assert again.headers["content-security-policy"] == POLICY


def test_the_way_back_stays_here() -> None:
    assert back("/envois/D1") == "/envois/D1"
    assert [back(one) for one in ("//evil.example", "https://evil.example", "/\\evil", "/a\nb", "")] == ["/"] * 5


def test_french_then_what_is_asked_for(alice: TestClient) -> None:
    assert '<html lang="fr">' in alice.get("/").text
    english = {"accept-language": "de, en-GB;q=0.8, fr;q=0.5"}
    assert "all is well" in alice.get("/", headers=english).text
    assert "all is well" in alice.get("/?lang=en").text
    assert "all is well" in alice.get("/").text, "the cookie remembers"
    assert "tout va bien" in alice.get("/?lang=fr", headers=english).text
    assert alice.get("/?lang=xx").status_code == 200
