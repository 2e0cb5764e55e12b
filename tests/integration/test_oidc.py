"""Recognised by another house: the whole way with really signed tokens, and every fault of theirs refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import RSAKey

from dispatcher.clock import FrozenClock
from dispatcher.console.oidc import House
from dispatcher.errors import KeyringError, SignInError
from dispatcher.service.rights import Role
from dispatcher.service.sign_in_elsewhere import Recognised
from dispatcher.settings import OidcSettings
from tests.contract.store_kit import make_cipher
from tests.servers.issuer import CLIENT, SECRET, SUBJECT, Issuer, bare64, issuer

BACK = "https://console.labo.test/oidc/retour"
GRANTS = [
    {
        "roles": ["biologist"],
        "claims": {
            "SubjectRefPro.exercices.codeSavoirFaire": ["SM03", "SM54"],
            "SubjectRefPro.exercices.activities.numeroFinessSite": ["990000028"],
        },
    },
    {"roles": ["administrator"], "claims": {"SubjectNameID": ["899700000099"]}},
]


@pytest.fixture
def there() -> Iterator[Issuer]:
    with issuer() as running:
        running.now = int(FrozenClock().now().timestamp())
        yield running


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def house(there: Issuer, clock: FrozenClock, tmp_path: Path) -> House:
    return make(there, clock, tmp_path)


def make(there: Issuer, clock: FrozenClock, folder: Path, **changes: Any) -> House:
    secret = folder / "oidc.secret"
    secret.write_text(SECRET + "\n", encoding="utf-8")
    secret.chmod(0o600)
    values: dict[str, Any] = {
        "issuer": there.url,
        "client_id": CLIENT,
        "secret_file": secret,
        "redirect": BACK,
        "scopes": ["openid", "scope_all"],
        "acr": ["eidas1"],
        "grants": GRANTS,
    }
    return House(OidcSettings(**values | changes), clock, make_cipher())


def walk(house: House, there: Issuer, **changes: str) -> Recognised:
    """There and back."""
    begun = house.begin()
    asked = {name: values[0] for name, values in parse_qs(urlsplit(begun.url).query).items()}
    query = {"state": asked["state"], "code": there.authorize(begun.url)} | changes
    return house.finish(query, begun.remember)


def refused(house: House, there: Issuer, **changes: str) -> str:
    with pytest.raises(SignInError) as error:
        walk(house, there, **changes)
    assert error.value.hint
    return error.value.code


def test_who_was_recognised_there_is_known_by_subject_name_and_roles(house: House, there: Issuer) -> None:
    assert walk(house, there) == Recognised(
        issuer=there.url, subject=SUBJECT, name="899700000001", roles=frozenset({Role.BIOLOGIST})
    )


def test_what_is_asked_for(house: House) -> None:
    first, second = house.begin(), house.begin()
    asked = parse_qs(urlsplit(first.url).query)
    assert asked["response_type"] == ["code"]
    assert asked["scope"] == ["openid scope_all"]
    assert asked["acr_values"] == ["eidas1"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [BACK]
    other = parse_qs(urlsplit(second.url).query)
    assert all(asked[name] != other[name] for name in ("state", "nonce", "code_challenge"))
    assert asked["nonce"][0] not in first.remember
    assert "remember" not in repr(first)


def test_by_basic_authentication_where_the_house_takes_no_other(house: House, there: Issuer) -> None:
    there.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_basic"]}
    assert walk(house, there).subject == SUBJECT


def test_it_describes_itself_elsewhere_when_the_settings_say_so(
    there: Issuer, clock: FrozenClock, tmp_path: Path
) -> None:
    """Pro Santé Connect does."""
    where = f"{there.url}/.well-known/wallet-openid-configuration"
    walk(make(there, clock, tmp_path, discovery=where), there)
    assert there.asked[0] == "/.well-known/wallet-openid-configuration"


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "another nonce": ({"nonce": "ein anderer"}, "oidc-claim-nonce"),
    "no nonce": ({"nonce": None}, "oidc-claim-nonce"),
    "another audience": ({"aud": "autre"}, "oidc-claim-aud"),
    "several audiences, for another": ({"aud": [CLIENT, "autre"], "azp": "autre"}, "oidc-claim-azp"),
    "another issuer": ({"iss": "https://autre.test"}, "oidc-claim-iss"),
    "no subject": ({"sub": None}, "oidc-claim-sub"),
    "another access token": ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "oidc-claim-at_hash"),
    "acr too low": ({"acr": "eidas0"}, "oidc-acr"),
    "no acr": ({"acr": None}, "oidc-acr"),
}


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_token_that_is_not_for_us_is_refused(house: House, there: Issuer, fault: str) -> None:
    there.claims, code = FAULTS[fault]
    assert refused(house, there) == code


def test_a_token_of_another_time_is_refused(house: House, there: Issuer) -> None:
    there.claims = {"exp": there.now - 61}
    assert refused(house, there) == "oidc-expired"
    there.claims = {"exp": there.now - 30}
    walk(house, there)
    there.claims = {"exp": None}
    assert refused(house, there) == "oidc-claim-exp"
    there.claims = {"iat": there.now + 3600, "exp": there.now + 7200}
    assert refused(house, there).startswith("oidc-")


@pytest.mark.parametrize("how", ["another key", "public key as secret", "client's secret"])
def test_a_token_that_the_house_did_not_sign_is_refused(house: House, there: Issuer, how: str) -> None:
    if how == "another key":
        there.signing = RSAKey.generate_key(2048, {"kid": "k1"})
    else:  # the public key, or the client's secret, used as if it were shared (RFC 8725, 2.1)
        there.shared = SECRET.encode() if how == "client's secret" else there.key.as_pem(private=False)
    assert refused(house, there) == "oidc-signature"


def test_an_unsigned_token_is_refused(house: House, there: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsigned(form: dict[str, str], authorization: str) -> dict[str, Any]:
        parts = ({"alg": "none"}, {"iss": there.url, "sub": SUBJECT})
        text = ".".join(bare64(json.dumps(part).encode()) for part in parts)
        return {"access_token": "access", "id_token": f"{text}."}

    monkeypatch.setattr(there, "token", unsigned)
    assert refused(house, there) == "oidc-signature"


def test_new_keys_of_the_house_are_found_but_not_asked_for_without_end(
    house: House, there: Issuer, clock: FrozenClock
) -> None:
    walk(house, there)
    there.key = RSAKey.generate_key(2048, {"kid": "k2", "use": "sig"})
    there.header = {"kid": "k2"}
    assert refused(house, there) == "oidc-signature", "within a minute of the last time nothing is asked again"
    clock.advance(61)
    there.now += 61
    walk(house, there)
    there.header = {"kid": "k3"}
    before = there.asked.count("/keys")
    for _ in range(5):
        assert refused(house, there) == "oidc-signature"
    assert there.asked.count("/keys") == before


def test_the_way_back_must_belong_to_this_browser_and_this_house(house: House, there: Issuer) -> None:
    assert refused(house, there, state="un autre") == "oidc-state"
    assert refused(house, there, iss="https://autre.test") == "oidc-issuer"
    assert refused(house, there, error="access_denied") == "oidc-declined"
    assert refused(house, there, code="") == "oidc-declined"
    assert refused(house, there, code="inconnu") == "oidc-refused"
    one, other = house.begin(), house.begin()
    state = parse_qs(urlsplit(one.url).query)["state"][0]
    with pytest.raises(SignInError) as error:
        house.finish({"state": state, "code": there.authorize(one.url)}, other.remember)
    assert error.value.code == "oidc-state"


@pytest.mark.parametrize("cookie", ["", "é", "AAAA", "azJcCg=="])
def test_a_cookie_that_is_not_ours_is_refused(house: House, cookie: str) -> None:
    with pytest.raises(SignInError) as error:
        house.finish({"state": "", "code": "x"}, cookie)
    assert error.value.code == "oidc-cookie"


def test_who_stays_away_too_long_begins_again(house: House, there: Issuer, clock: FrozenClock) -> None:
    begun = house.begin()
    state = parse_qs(urlsplit(begun.url).query)["state"][0]
    clock.advance(601)
    with pytest.raises(SignInError) as error:
        house.finish({"state": state, "code": there.authorize(begun.url)}, begun.remember)
    assert error.value.code == "oidc-too-late"


def test_what_is_told_of_somebody_else_is_refused(house: House, there: Issuer) -> None:
    there.person["sub"] = "f:550dc1c8:899700000099"
    assert refused(house, there) == "oidc-userinfo"


def test_the_id_token_holds_against_what_is_told_besides(house: House, there: Issuer) -> None:
    there.claims = {"SubjectNameID": "899700000001"}
    there.person["SubjectNameID"] = "899700000099"
    assert walk(house, there).roles == {Role.BIOLOGIST}


def test_without_a_name_there_is_no_account(house: House, there: Issuer) -> None:
    del there.person["preferred_username"]
    assert refused(house, there) == "oidc-name"


def test_a_house_that_is_another_or_not_there_lets_nobody_in(there: Issuer, clock: FrozenClock, tmp_path: Path) -> None:
    there.metadata = {"issuer": "https://autre.test"}
    assert refused(make(there, clock, tmp_path), there) == "oidc-issuer"
    there.metadata = {"token_endpoint": None}
    assert refused(make(there, clock, tmp_path), there) == "oidc-discovery"
    there.metadata = {"jwks_uri": "http://autre.test/keys"}
    assert refused(make(there, clock, tmp_path), there) == "oidc-address"
    there.metadata, there.status = {}, 503
    assert refused(make(there, clock, tmp_path), there) == "oidc-refused"
    there.url = "http://127.0.0.1:9"
    assert refused(make(there, clock, tmp_path), there) == "oidc-unreachable"


def test_a_house_that_fails_is_left_in_peace_for_a_while(house: House, there: Issuer, clock: FrozenClock) -> None:
    there.status = 503
    assert {refused(house, there) for _ in range(5)} == {"oidc-refused"}
    assert len(there.asked) == 1
    there.status = 200
    clock.advance(16)
    assert walk(house, there).subject == SUBJECT


def test_a_redirection_is_not_followed(there: Issuer, clock: FrozenClock, tmp_path: Path) -> None:
    there.status = 302
    assert refused(make(there, clock, tmp_path), there) == "oidc-refused"
    assert len(there.asked) == 1


def test_a_secret_that_all_may_read_is_not_used(there: Issuer, clock: FrozenClock, tmp_path: Path) -> None:
    secret = tmp_path / "open.secret"
    secret.write_text(SECRET, encoding="utf-8")
    secret.chmod(0o644)
    with pytest.raises(KeyringError):
        make(there, clock, tmp_path, secret_file=secret)
