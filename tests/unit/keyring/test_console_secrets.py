"""Passwords, tokens and one-time codes as they are made and checked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from dispatcher.keyring.console_secrets import ALPHABET, ConsoleSecrets

AT = datetime(2026, 3, 11, 9, 0, 10, tzinfo=UTC)
RFC_6238 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"""The secret of RFC 6238, appendix B, in base32."""


@pytest.fixture(scope="module")
def secrets() -> ConsoleSecrets:
    return ConsoleSecrets(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def test_a_password_is_kept_as_argon2id_with_the_parameters_of_the_rfc() -> None:
    """RFC 9106, 4, second recommended option: three passes over 64 MB."""
    found = extract_parameters(ConsoleSecrets().hash("un mot de passe"))
    assert (found.type, found.time_cost, found.memory_cost) == (Type.ID, 3, 65536)


def test_only_the_right_password_verifies(secrets: ConsoleSecrets) -> None:
    hashed = secrets.hash("quatre mots au hasard")
    assert secrets.hash("quatre mots au hasard") != hashed, "salted"
    assert secrets.verify(hashed, "quatre mots au hasard")
    assert not secrets.verify(hashed, "quatre mots au hasarD")
    assert not secrets.verify("", "quatre mots au hasard")
    assert not secrets.verify("no hash at all", "quatre mots au hasard")


def test_nobodys_password_is_compared_all_the_same(secrets: ConsoleSecrets, monkeypatch: pytest.MonkeyPatch) -> None:
    """Same work for a name that is nobody's: the clock does not tell which names exist."""
    asked: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002 - the library's name
            asked.append(str(hash))
            return super().verify(hash, password)

    counting = ConsoleSecrets(Counting(time_cost=1, memory_cost=8, parallelism=1))
    made = counting.hash("x")
    assert not counting.verify("", "x")
    assert not counting.verify(made, "y")
    assert extract_parameters(asked[0]) == extract_parameters(asked[1])


def test_old_parameters_are_noticed(secrets: ConsoleSecrets) -> None:
    assert not secrets.outdated(secrets.hash("x"))
    assert secrets.outdated(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash("x"))


@pytest.mark.parametrize(("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")])
def test_codes_are_those_of_the_rfc(secrets: ConsoleSecrets, seconds: int, code: str) -> None:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    assert secrets.totp_step(RFC_6238, code, at) == seconds // 30


@pytest.mark.parametrize(("drift", "good"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_telephone_may_be_one_step_off(secrets: ConsoleSecrets, drift: int, good: bool) -> None:
    made = secrets.totp_secret()
    shown = pyotp.TOTP(made).at(AT + timedelta(seconds=drift))
    assert (secrets.totp_step(made, shown, AT) is not None) is good
    assert secrets.totp_step(made, "é" * 6, AT) is None


def test_what_is_made_by_chance_is_long_and_never_the_same(secrets: ConsoleSecrets) -> None:
    assert len({secrets.token() for _ in range(50)}) == 50
    assert all(len(secrets.token()) >= 43 for _ in range(5))
    assert set("".join(secrets.recovery_codes())) <= {*ALPHABET, "-"}
    assert len(set(secrets.recovery_codes())) == 10
    assert len(secrets.one_time_password()) == 19


def test_an_authenticator_reads_the_link(secrets: ConsoleSecrets) -> None:
    made = secrets.totp_secret()
    read = pyotp.parse_uri(secrets.totp_uri(made, "marie", "dispatcher"))
    assert (read.secret, read.name, read.issuer) == (made, "marie", "dispatcher")
