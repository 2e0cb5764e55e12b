"""Signing in with both factors, out, and one's own account; with the real accounts too."""

from __future__ import annotations

import pyotp
import pytest
from starlette.testclient import TestClient

from dispatcher import wiring
from dispatcher.console.app import build
from dispatcher.console.halfway import MOST, SECONDS, Halfway
from dispatcher.console.pages.my_account import ROLES
from dispatcher.console.people import KeptAccounts
from dispatcher.ports import account_subject
from dispatcher.service import account_care
from dispatcher.service.rights import IN_FRENCH, Role
from dispatcher.wiring import Office
from tests.console.conftest import HERE
from tests.console.kit import CODE_TYPED, PASSWORD, FakeAccounts, Person
from tests.console.test_console_door import token

NAME = {"name": "alice", "password": PASSWORD}


def sign_in(client: TestClient, data: dict[str, str], path: str = "/connexion"):
    """The form, filled in and sent."""
    return client.post("/connexion", data={"csrf": token(client.get(path).text), **data})


def test_in_and_on_to_where_one_wanted_to_go(stranger: TestClient) -> None:
    sent = stranger.get("/envois/D1", headers={"accept": "text/html"})
    assert sent.headers["location"] == "/connexion?vers=%2Fenvois%2FD1"
    answer = sign_in(stranger, {**NAME, "vers": "/envois/D1"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/envois/D1")
    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith("session="))
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert stranger.get("/").status_code == 200


def test_the_cookie_is_for_tls_only_where_there_is_tls(office: Office, accounts: FakeAccounts) -> None:
    client = TestClient(build(office, accounts, lambda parts: ()), base_url="https://localhost", follow_redirects=False)
    answer = sign_in(client, NAME)
    assert all("Secure" in one for one in answer.headers.get_list("set-cookie") if one.startswith("session="))
    assert "strict-transport-security" in answer.headers


@pytest.mark.parametrize("elsewhere", ["//evil.example/", "https://evil.example/"])
def test_never_on_to_another_place(stranger: TestClient, elsewhere: str) -> None:
    assert sign_in(stranger, {**NAME, "vers": elsewhere}).headers["location"] == "/"


@pytest.mark.parametrize("wrong", [{"password": "x"}, {"name": "nobody"}, {"password": ""}])
def test_what_is_wrong_is_not_said(stranger: TestClient, wrong: dict[str, str]) -> None:
    answer = sign_in(stranger, {**NAME, **wrong})
    assert answer.status_code == 403
    assert "Nom, mot de passe ou code incorrect." in answer.text
    assert stranger.get("/").status_code == 303


def test_the_code_is_a_step_of_its_own(stranger: TestClient, accounts: FakeAccounts) -> None:
    accounts.people["alice"] = Person("alice", totp=True)
    asked = sign_in(stranger, NAME)
    assert asked.status_code == 200
    assert 'name="code"' in asked.text
    assert PASSWORD not in asked.text
    wrong = sign_in(stranger, {"code": "000000"})
    assert (wrong.status_code, 'name="code"' in wrong.text) == (403, True)
    assert sign_in(stranger, {"code": CODE_TYPED}).headers["location"] == "/"


def test_a_code_alone_lets_nobody_in(stranger: TestClient) -> None:
    answer = sign_in(stranger, {"code": CODE_TYPED})
    assert answer.headers["location"].startswith("/connexion")
    assert "Trop de temps" in stranger.get("/connexion").text


def test_the_code_of_another_visit_lets_nobody_in(office: Office, accounts: FakeAccounts) -> None:
    accounts.people["alice"] = Person("alice", totp=True)
    application = build(office, accounts, lambda parts: ())
    first, second = (TestClient(application, base_url=HERE, follow_redirects=False) for _ in range(2))
    sign_in(first, NAME)
    assert sign_in(second, {"code": CODE_TYPED}).headers["location"].startswith("/connexion")


def test_halfway_is_forgotten() -> None:
    now = [0.0]
    halfway = Halfway(lambda: now[0])
    halfway.keep("a", "alice", "secret")
    assert halfway.find("a") is not None
    assert "secret" not in repr(halfway.find("a"))
    now[0] += SECONDS + 1
    assert halfway.find("a") is None
    for number in range(MOST + 1):
        halfway.keep(str(number), "x", "y")
    assert (halfway.find("0"), halfway.find("1") is not None) == (None, True)
    halfway.drop("1")
    assert halfway.find("1") is None


def test_out(alice: TestClient, accounts: FakeAccounts) -> None:
    answer = alice.post("/deconnexion", data={"csrf": token(alice.get("/").text)})
    assert (answer.headers["location"], accounts.out) == ("/connexion", ["alice"])
    alice.cookies.delete("session")
    assert alice.get("/").status_code == 303


def test_a_page_that_renews_itself_keeps_no_session_alive(alice: TestClient, accounts: FakeAccounts) -> None:
    alice.get("/")
    alice.get("/", headers={"X-Live": "1"})
    assert accounts.used == [True, False]


def test_the_given_password_opens_only_the_page_to_change_it(stranger: TestClient, accounts: FakeAccounts) -> None:
    accounts.people["alice"] = Person("alice", must_change=True)
    sign_in(stranger, NAME)
    assert stranger.get("/mon-compte").headers["location"] == "/mon-compte/mot-de-passe"
    page = stranger.get("/mon-compte/mot-de-passe")
    assert "Choisir votre mot de passe" in page.text
    fields = {"csrf": token(page.text), "old": PASSWORD, "new": "nouveau mot", "again": "autre mot"}
    assert "ne sont pas les mêmes" in stranger.post("/mon-compte/mot-de-passe", data=fields).text
    done = stranger.post("/mon-compte/mot-de-passe", data={**fields, "again": "nouveau mot"})
    assert done.headers["location"] == "/connexion"


def test_the_words_for_roles_are_translated() -> None:
    assert set(ROLES) == set(IN_FRENCH.values())


def test_the_whole_way_with_the_accounts_of_the_store(office: Office) -> None:
    """A one-time password, a password of her own, a second factor, and in with both."""
    parts, secrets = office, wiring.console_secrets()
    given = account_care.create(
        parts.store, parts.clock, secrets, "lea", [Role.BIOLOGIST], None, actor="operator:admin"
    )
    client = TestClient(build(office, KeptAccounts(office), lambda parts: ()), base_url=HERE, follow_redirects=False)
    assert sign_in(client, {"name": "lea", "password": given}).status_code == 303
    assert client.get("/").headers["location"] == "/mon-compte/mot-de-passe"
    own = "quatre moutons sous la neige"
    page = client.get("/mon-compte/mot-de-passe").text
    fields = {"csrf": token(page), "old": given, "new": own, "again": own}
    assert client.post("/mon-compte/mot-de-passe", data=fields).headers["location"] == "/connexion"
    assert sign_in(client, {"name": "lea", "password": own}).headers["location"] == "/"
    assert "biologiste" in client.get("/mon-compte").text

    page = client.get("/mon-compte/second-facteur").text
    assert "<svg" in page
    secret = page.partition('name="secret" value="')[2].partition('"')[0]
    fields = {"csrf": token(page), "secret": secret}
    assert "pas le bon" in client.post("/mon-compte/second-facteur", data={**fields, "code": "000000"}).text
    codes = client.post("/mon-compte/second-facteur", data={**fields, "code": pyotp.TOTP(secret).now()})
    recovery = codes.text.partition("<li><code>")[2].partition("<")[0]
    assert "déjà en service" in client.get("/mon-compte/second-facteur").text
    client.post("/deconnexion", data={"csrf": token(client.get("/").text)})

    client.cookies.delete("session")
    assert 'name="code"' in sign_in(client, {"name": "lea", "password": own}).text
    assert sign_in(client, {"code": recovery}).headers["location"] == "/"
    assert client.get("/").status_code == 200
    with parts.store.reading() as uow:
        events = [line.event for line in uow.journal.of_subject(account_subject("lea"))]
    assert events.count("console.signed-in") == 3
    assert "account.totp-on" in events
