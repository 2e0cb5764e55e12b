"""Who may do what in the console: roles and rights as one table. ``docs/comptes.md`` shows it; a test compares."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Right(StrEnum):
    """What a page or an action asks for."""

    SEE = "see"
    """Dispatches, batches, recipients, figures: nothing of a patient."""
    SEE_PATIENTS = "see_patients"
    """Who the patient is, and what the recipient sees. Each view is in the journal."""
    OPERATE = "operate"
    """Send, replay, hold, withdraw, close, pause, print."""
    RELEASE = "release"
    """Decide on what is held: this recipient, this patient, leave all the same."""
    ADMINISTER = "administer"
    """Accounts, keys, directories, tables, settings."""
    AUDIT = "audit"
    """The journal, with who looked at what."""


class Role(StrEnum):
    """What a person is in the laboratory; one person may be several."""

    OPERATOR = "operator"
    BIOLOGIST = "biologist"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.OPERATOR: frozenset({Right.SEE, Right.OPERATE, Right.RELEASE}),
    Role.BIOLOGIST: frozenset({Right.SEE, Right.SEE_PATIENTS, Right.OPERATE, Right.RELEASE}),
    Role.ADMINISTRATOR: frozenset({Right.SEE, Right.ADMINISTER}),
    Role.AUDITOR: frozenset({Right.SEE, Right.AUDIT}),
}

IN_FRENCH = {
    Role.OPERATOR: "opérateur",
    Role.BIOLOGIST: "biologiste",
    Role.ADMINISTRATOR: "administrateur",
    Role.AUDITOR: "auditeur",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who has signed in."""

    name: str
    roles: frozenset[Role]
    must_change: bool = False
    """The password was given by another person: until it is changed there is no right at all."""
    totp: bool = False
    """There is a second factor."""
    issuer: str = ""
    """The house that says who this is (OpenID Connect); empty: the password is ours."""

    @property
    def actor(self) -> str:
        """As the journal names the person."""
        return f"operator:{self.name}"


def may(user: User | None, right: Right | str) -> bool:
    """Whether a page or an action is open to this person; to nobody without having signed in.

    Raises ValueError for a right that there is not: a misspelt one must not be silently refused or given.
    """
    wanted = Right(right)
    if user is None or user.must_change:
        return False
    return any(wanted in RIGHTS[role] for role in user.roles)


def roles_of(text: str) -> frozenset[Role]:
    """As the store keeps them. One that this program does not know gives nothing."""
    known = {role.value: role for role in Role}
    return frozenset(known[word] for word in text.split() if word in known)


def written(roles: Iterable[Role]) -> str:
    """For the store, always in one order."""
    return " ".join(sorted({role.value for role in roles}))
