"""Somebody whom another house has recognised: roles by claims, the account, and who is not let in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from dispatcher.service import account_care as care
from dispatcher.service.accounts import Refusal, Session, Why, session_of
from dispatcher.service.rights import Right, Role, may
from dispatcher.service.sign_in_elsewhere import Recognised, enter, refused, roles_granted
from dispatcher.settings import GrantSettings, OidcSettings
from tests.service.bench import Bench
from tests.service.console_people import DESK, EVE, Door

CAMILLE = Recognised(
    issuer="https://issuer.test", subject="f:1:899700000001", name="899700000001", roles=frozenset({Role.BIOLOGIST})
)
CLAIMS: dict[str, Any] = {
    "sub": "x",
    "groups": ["labo", "garde"],
    "level": 3,
    "https://labo.test/role": "chef",
    "SubjectRefPro": {"exercices": [{"code": "10", "sites": [{"finess": "1"}, {"finess": "2"}]}, {"code": "21"}]},
}


@pytest.fixture
def door(bench: Bench) -> Door:
    return Door(bench.store, bench.clock)


def come(door: Door, who: Recognised = CAMILLE) -> Session | Refusal:
    return enter(door.store, door.clock, who, address=DESK, token=door.secrets.token())


def entered(door: Door, who: Recognised = CAMILLE) -> Session:
    found = come(door, who)
    assert isinstance(found, Session), found
    return found


def turned(door: Door, who: Recognised) -> str:
    found = come(door, who)
    assert isinstance(found, Refusal)
    assert found.why is Why.NOT_ALLOWED
    return found.message


@pytest.mark.parametrize(
    ("claims", "granted"),
    [
        ({"groups": ["garde"]}, True),
        ({"groups": ["direction", "labo"]}, True),
        ({"groups": ["direction"]}, False),
        ({"level": ["3"]}, True),
        ({"https://labo.test/role": ["chef"]}, True),
        ({"SubjectRefPro.exercices.code": ["21"]}, True),
        ({"SubjectRefPro.exercices.sites.finess": ["2"]}, True),
        ({"SubjectRefPro.exercices.sites": ["2"]}, False),
        ({"SubjectRefPro.exercices.code": ["21"], "groups": ["direction"]}, False),
        ({"absent": [""]}, False),
        ({"groups": []}, False),
    ],
    ids=str,
)
def test_a_grant_holds_when_every_claim_has_one_of_its_values(claims: dict[str, list[str]], granted: bool) -> None:
    grant = GrantSettings(roles=["auditor"], claims=claims)
    assert roles_granted(CLAIMS, [grant]) == (frozenset({Role.AUDITOR}) if granted else frozenset())


def test_roles_of_several_grants_add_up_and_an_empty_grant_is_none() -> None:
    one = GrantSettings(roles=["auditor"], claims={"groups": ["labo"]})
    other = GrantSettings(roles=["operator", "auditor"], claims={"groups": ["garde"]})
    assert roles_granted(CLAIMS, [one, other]) == {Role.AUDITOR, Role.OPERATOR}
    with pytest.raises(ValidationError):
        GrantSettings(roles=["auditor"], claims={})


def test_the_account_is_made_at_the_first_time(door: Door) -> None:
    session = entered(door)
    user = session_of(door.store, door.clock, session.token)
    assert user == session.user
    assert may(user, Right.SEE_PATIENTS)
    assert user is not None
    assert user.issuer == "https://issuer.test"
    assert door.events("account:899700000001") == ["account.added", "account.roles", "console.signed-in"]
    entered(door)
    assert door.events("account:899700000001")[3:] == ["console.signed-in"]


def test_roles_follow_what_the_house_says_at_once(door: Door) -> None:
    first = entered(door)
    entered(door, replace(CAMILLE, roles=frozenset({Role.OPERATOR})))
    assert not may(session_of(door.store, door.clock, first.token), Right.SEE_PATIENTS)


def test_who_has_no_role_any_more_loses_it_in_open_sessions_too(door: Door) -> None:
    first = entered(door)
    assert "Aucun rôle" in turned(door, replace(CAMILLE, roles=frozenset()))
    assert not may(session_of(door.store, door.clock, first.token), Right.SEE)


def test_who_never_had_a_role_gets_no_account(door: Door) -> None:
    """Every professional of the country may be recognised there."""
    assert "Aucun rôle" in turned(door, replace(CAMILLE, roles=frozenset()))
    assert care.listing(door.store, door.clock, door.cipher) == ()
    assert door.events("console") == ["console.refused"]


@pytest.mark.parametrize("change", [{"subject": "f:1:autre"}, {"issuer": "https://autre.test"}], ids=str)
def test_a_name_is_not_taken_over(door: Door, change: dict[str, str]) -> None:
    entered(door)
    assert "autre compte" in turned(door, replace(CAMILLE, **change))


def test_an_account_of_ours_is_not_taken_over(door: Door) -> None:
    door.add("marie", Role.ADMINISTRATOR)
    assert "autre compte" in turned(door, replace(CAMILLE, name="Marie"))
    assert door.events()[-1] == "console.refused"
    assert door.enter().user.roles == {Role.ADMINISTRATOR}


def test_who_is_closed_here_stays_outside(door: Door) -> None:
    first = entered(door)
    care.set_disabled(door.store, CAMILLE.name, True, actor=EVE)
    assert session_of(door.store, door.clock, first.token) is None
    assert "fermé" in turned(door, CAMILLE)
    care.set_disabled(door.store, CAMILLE.name, False, actor=EVE)
    entered(door)


def test_a_name_that_is_none_makes_no_account(door: Door) -> None:
    assert "ne convient pas" in turned(door, replace(CAMILLE, name="Camille ESSAI"))


def test_what_was_wrong_there_is_in_the_journal(door: Door) -> None:
    refused(door.store, DESK, "oidc-acr")
    (line,) = door.journal("console")
    assert (line.event, line.detail["why"], line.detail["address"]) == ("console.refused", "oidc-acr", DESK)


@pytest.mark.parametrize(
    "change", [{"issuer": "http://issuer.test"}, {"redirect": "ftp://x"}, {"scopes": ["profile"]}], ids=str
)
def test_settings_that_would_not_be_safe_are_refused(change: dict[str, Any]) -> None:
    values: dict[str, Any] = {
        "issuer": "https://issuer.test",
        "client_id": "labo",
        "secret_file": "oidc.secret",
        "redirect": "https://console.test/oidc/retour",
        "grants": [{"roles": ["auditor"], "claims": {"groups": ["labo"]}}],
    }
    OidcSettings(**values)
    with pytest.raises(ValidationError):
        OidcSettings(**values | change)
