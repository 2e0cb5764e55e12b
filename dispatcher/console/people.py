"""Who sits before the console, as its pages see them. The accounts themselves are kept by the use cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

RIGHTS = ("see", "see_patients", "operate", "release", "administer", "audit")
"""What a person may be allowed to do; which role gives which is for the accounts to say."""


class User(Protocol):
    """Somebody who signed in."""

    @property
    def name(self) -> str: ...
    @property
    def must_change(self) -> bool:
        """Their password was given to them: nothing else works before they chose their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """The door is open."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """It is not; never says which part was wrong."""

    text: str
    """French."""
    code_wanted: bool = False
    """Name and password are right, the second factor is missing."""


class Accounts(Protocol):
    """The door of the console. Raises ``DispatcherError``."""

    def sign_in(self, name: str, password: str, code: str, *, address: str) -> Entered | Turned: ...
    def session_of(self, token: str) -> User | None:
        """Whose session that is, while it lasts."""

    def sign_out(self, token: str) -> None: ...
    def may(self, user: User, right: str) -> bool:
        """``right``: one of :data:`RIGHTS`."""

    def note_view(self, user: User, what: str, ids: Sequence[str]) -> None:
        """Patient data of these is about to be shown: one journal line."""
