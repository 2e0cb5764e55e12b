"""Accounts for tests of the console: people with the rights they are made with, and what they were shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from dispatcher.console.people import RIGHTS
from dispatcher.service import rights
from dispatcher.service.account_care import Offer
from dispatcher.service.accounts import CODE, WRONG, Refusal, Session
from dispatcher.service.sign_in_elsewhere import Recognised

ROLES = {role.value: frozenset(right.value for right in given) for role, given in rights.RIGHTS.items()}
PASSWORD, CODE_TYPED = "correct horse battery staple", "123456"


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    rights: frozenset[str] = frozenset(RIGHTS)
    must_change: bool = False
    totp: bool = False
    issuer: str = ""
    roles: frozenset[rights.Role] = frozenset()

    @property
    def actor(self) -> str:
        return f"operator:{self.name}"


@dataclass
class FakeAccounts:
    """Everybody's password is :data:`PASSWORD`, their code :data:`CODE_TYPED`; a session's token is the name."""

    people: dict[str, Person] = field(default_factory=lambda: {"alice": Person("alice")})
    shown: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    out: list[str] = field(default_factory=list)
    used: list[bool] = field(default_factory=list)
    """Whether a person asked, or a page that renews itself."""

    def sign_in(self, name: str, password: str, code: str, *, address: str) -> Session | Refusal:
        person = self.people.get(name)
        if person is None or password != PASSWORD or (person.totp and code not in {"", CODE_TYPED}):
            return WRONG
        if person.totp and not code:
            return CODE
        return Session(token=name, user=person, ends_at=datetime(2026, 3, 11, tzinfo=UTC))

    def session_of(self, token: str, *, used: bool) -> Person | None:
        self.used.append(used)
        return self.people.get(token)

    def sign_out(self, token: str) -> None:
        self.out.append(token)

    def may(self, user: Person, right: str) -> bool:
        return right in self.people[user.name].rights

    def note_view(self, user: Person, what: str, ids: Sequence[str]) -> None:
        self.shown.append((user.name, what, tuple(ids)))

    def change_password(self, user: Person, old: str, new: str, *, address: str) -> tuple[str, ...]:
        return () if old == PASSWORD else ("Le mot de passe actuel n'est pas celui-là.",)

    def recognised(self, who: Recognised, *, address: str) -> Session | Refusal:
        person = self.people.get(who.name)
        return (
            WRONG if person is None else Session(token=who.name, user=person, ends_at=datetime(2026, 3, 11, tzinfo=UTC))
        )

    def refused_elsewhere(self, code: str, *, address: str) -> None:
        self.out.append(code)

    def offer_totp(self, user: Person) -> Offer:
        return Offer(secret="JBSWY3DPEHPK3PXP", uri=f"otpauth://totp/dispatcher:{user.name}?secret=JBSWY3DPEHPK3PXP")

    def confirm_totp(self, user: Person, secret: str, code: str) -> tuple[str, ...]:
        return ("aaaa-bbbb", "cccc-dddd") if code == CODE_TYPED else ()
