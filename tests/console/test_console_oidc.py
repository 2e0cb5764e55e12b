"""The pages that lead to another house and back, with the accounts of the store and a house that really signs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from dispatcher.clock import FrozenClock
from dispatcher.console.app import build
from dispatcher.console.people import KeptAccounts
from dispatcher.settings import OidcSettings
from dispatcher.wiring import Office
from tests.console.conftest import HERE
from tests.servers.issuer import CLIENT, SECRET, Issuer, issuer


@pytest.fixture
def there() -> Iterator[Issuer]:
    with issuer() as running:
        running.now = int(FrozenClock().now().timestamp())
        yield running


@pytest.fixture
def client(office: Office, there: Issuer, tmp_path: Path) -> TestClient:
    secret = tmp_path / "oidc.secret"
    secret.write_text(SECRET, encoding="utf-8")
    secret.chmod(0o600)
    oidc = OidcSettings.model_validate(
        {
            "issuer": there.url,
            "client_id": CLIENT,
            "secret_file": secret,
            "redirect": f"{HERE}/oidc/retour",
            "label": "Entrer avec ma carte",
            "acr": ["eidas1"],
            "grants": [{"roles": ["biologist"], "claims": {"SubjectNameID": ["899700000001"]}}],
        }
    )
    console = office.settings.console.model_copy(update={"oidc": oidc})
    made = replace(office, settings=office.settings.model_copy(update={"console": console}), clock=FrozenClock())
    return TestClient(build(made, KeptAccounts(made), lambda parts: ()), base_url=HERE, follow_redirects=False)


def lines(office: Office) -> int:
    """Refusals in the journal."""
    with office.store.reading() as uow:
        return [line.event for line in uow.journal.of_subject("console")].count("console.refused")


def there_and_back(client: TestClient, there: Issuer) -> tuple[str, str]:
    """The address of the way back; the cookie that lasts meanwhile."""
    sent = client.get("/oidc/aller")
    assert sent.status_code == 303
    cookie = next(one for one in sent.headers.get_list("set-cookie") if one.startswith("ailleurs="))
    url = sent.headers["location"]
    state = parse_qs(urlsplit(url).query)["state"][0]
    return f"/oidc/retour?state={state}&code={there.authorize(url)}", cookie


def test_the_page_to_sign_in_names_the_other_house(client: TestClient, stranger: TestClient) -> None:
    assert "Entrer avec ma carte" in client.get("/connexion").text
    assert "/oidc/" not in stranger.get("/connexion").text


def test_there_and_back_with_the_rights_that_were_granted(client: TestClient, there: Issuer) -> None:
    back, cookie = there_and_back(client, there)
    assert {"HttpOnly", "SameSite=lax", "Path=/oidc", "Max-Age=600"} <= set(cookie.split("; "))
    answer = client.get(back)
    assert (answer.status_code, answer.headers["refresh"]) == (200, "0; url=/")
    session = next(one for one in answer.headers.get_list("set-cookie") if one.startswith("session="))
    assert {"HttpOnly", "SameSite=strict"} <= set(session.split("; "))
    assert client.get("/").status_code == 200
    mine = client.get("/mon-compte").text
    assert "899700000001" in mine
    assert there.url in mine
    assert client.get("/mon-compte/second-facteur").status_code != 500


@pytest.mark.parametrize("fault", ["acr", "cookie", "no role"])
def test_who_is_not_recognised_stays_outside(office: Office, client: TestClient, there: Issuer, fault: str) -> None:
    before = lines(office)
    there.claims = {"acr": "eidas0"} if fault == "acr" else {}
    there.person["SubjectNameID"] = "899700000002" if fault == "no role" else "899700000001"
    there.person["preferred_username"] = "personne" if fault == "no role" else "899700000001"
    back, _ = there_and_back(client, there)
    if fault == "cookie":
        client.cookies.clear()
    answer = client.get(back)
    assert answer.status_code == 403
    assert not any(one.startswith("session=") for one in answer.headers.get_list("set-cookie"))
    assert client.get("/").status_code == 303
    assert lines(office) == before + (0 if fault == "cookie" else 1), "nobody fills the journal by knocking"


def test_a_house_that_does_not_answer_is_said_in_french(client: TestClient, there: Issuer) -> None:
    there.status = 503
    answer = client.get("/oidc/aller")
    assert answer.status_code >= 400
    assert "refuse (réponse 503)" in answer.text


def test_without_the_setting_there_is_no_way(stranger: TestClient) -> None:
    for path in ("/oidc/aller", "/oidc/retour?code=x&state=y"):
        answer = stranger.get(path)
        assert answer.status_code == 403
        assert "Aucun service d'identité" in answer.text or "Aucun service d&#39;identité" in answer.text
