"""What the tests of signing in share: a console at whose door one can knock, on a frozen clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import pyotp
from argon2 import PasswordHasher

from dispatcher.clock import FrozenClock
from dispatcher.keyring.console_secrets import ConsoleSecrets
from dispatcher.outbox.dispatch import JournalLine
from dispatcher.ports import Store
from dispatcher.service import account_care as care
from dispatcher.service.accounts import Refusal, Session, SessionRules, sign_in
from dispatcher.service.rights import Role
from tests.contract.store_kit import make_cipher

PASSWORD = "cheval correct pile agrafe"
WRONG = "un autre mot de passe"
DESK, ELSEWHERE = "192.0.2.10", "203.0.113.66"
EVE = "operator:eve"


class CountingSecrets(ConsoleSecrets):
    """Quick hashes; remembers every comparison."""

    def __init__(self) -> None:
        super().__init__(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        self.compared: list[bool] = []
        """Whether it was a hash of somebody's."""

    def verify(self, hashed: str, password: str) -> bool:
        self.compared.append(bool(hashed))
        return super().verify(hashed, password)


@dataclass
class Door:
    """The console's door."""

    store: Store
    clock: FrozenClock
    secrets: CountingSecrets = field(default_factory=CountingSecrets)

    def __post_init__(self) -> None:
        self.cipher = make_cipher()

    def add(self, name: str = "marie", *roles: Role, password: str | None = PASSWORD) -> str:
        given = roles or (Role.BIOLOGIST,)
        return care.create(self.store, self.clock, self.secrets, name, given, password, actor=EVE)

    def knock(
        self,
        name: str = "marie",
        password: str = PASSWORD,
        code: str = "",
        *,
        address: str = DESK,
        rules: SessionRules | None = None,
    ) -> Session | Refusal:
        return sign_in(
            self.store,
            self.clock,
            self.cipher,
            name,
            password,
            code,
            address=address,
            secrets=self.secrets,
            rules=rules or SessionRules(),
        )

    def enter(self, name: str = "marie", password: str = PASSWORD, code: str = "", *, address: str = DESK) -> Session:
        found = self.knock(name, password, code, address=address)
        assert isinstance(found, Session), found
        return found

    def refused(self, name: str = "marie", password: str = WRONG, code: str = "", *, address: str = DESK) -> Refusal:
        found = self.knock(name, password, code, address=address)
        assert isinstance(found, Refusal), found
        return found

    def second_factor(self, name: str = "marie") -> tuple[pyotp.TOTP, tuple[str, ...]]:
        """An authenticator, and the recovery codes; a step later, so that its next code is new."""
        offer = care.offer_totp(self.store, self.secrets, name)
        totp = pyotp.TOTP(offer.secret)
        codes = care.confirm_totp(
            *(self.store, self.clock, self.cipher, self.secrets), name, offer.secret, self.shown(totp), actor=EVE
        )
        self.clock.advance(30)
        return totp, codes

    def shown(self, totp: pyotp.TOTP, at: datetime | None = None) -> str:
        return str(totp.at(at or self.clock.now()))

    def journal(self, subject: str = "account:marie") -> tuple[JournalLine, ...]:
        with self.store.reading() as uow:
            return uow.journal.of_subject(subject)

    def events(self, subject: str = "account:marie") -> list[str]:
        return [line.event for line in self.journal(subject)]
