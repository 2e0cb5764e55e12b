"""Accounts for tests of the console: people with the rights they are made with, and what they were shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dispatcher.console.people import RIGHTS, Entered, Turned, User

ROLES: dict[str, frozenset[str]] = {
    "operator": frozenset({"see", "see_patients", "operate"}),
    "biologist": frozenset({"see", "see_patients", "operate", "release"}),
    "administrator": frozenset({"see", "administer"}),
    "auditor": frozenset({"see", "audit"}),
}
PASSWORD = "correct horse battery staple"


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    rights: frozenset[str] = frozenset(RIGHTS)
    must_change: bool = False


@dataclass
class FakeAccounts:
    """Everybody's password is :data:`PASSWORD`; a session's token is the name."""

    people: dict[str, Person] = field(default_factory=lambda: {"alice": Person("alice")})
    shown: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    out: list[str] = field(default_factory=list)

    def sign_in(self, name: str, password: str, code: str, *, address: str) -> Entered | Turned:
        if name in self.people and password == PASSWORD:
            return Entered(token=name)
        return Turned(text="Nom ou mot de passe faux.")

    def session_of(self, token: str) -> Person | None:
        return self.people.get(token)

    def sign_out(self, token: str) -> None:
        self.out.append(token)

    def may(self, user: User, right: str) -> bool:
        return right in self.people[user.name].rights

    def note_view(self, user: User, what: str, ids: Sequence[str]) -> None:
        self.shown.append((user.name, what, tuple(ids)))
