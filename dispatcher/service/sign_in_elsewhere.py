"""Somebody whom another house has recognised (OpenID Connect): which roles, which account, let in or not.

The house only says who it is. What that person may do here is decided by the settings' grants, claim by claim; a name
alone gives nothing. An account belongs to one issuer *and subject*: neither an account of ours nor that of somebody
else is taken over because a name is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dispatcher.clock import Clock
from dispatcher.ports import AccountRow, Store, UnitOfWork
from dispatcher.ports import account_subject as subject_of
from dispatcher.service.account_names import folded, name_ok
from dispatcher.service.accounts import (
    DEFAULT_RULES,
    NOBODY,
    REFUSED,
    Refusal,
    Session,
    SessionRules,
    Why,
    open_session,
)
from dispatcher.service.rights import Role, written
from dispatcher.settings import GrantSettings

ACTOR = "console"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """Somebody, as another house says."""

    issuer: str
    subject: str
    """Never given to another person."""
    name: str
    roles: frozenset[Role]

    @property
    def origin(self) -> str:
        """As the account keeps it."""
        return f"{self.issuer} {self.subject}"


def roles_granted(claims: Mapping[str, object], grants: Iterable[GrantSettings]) -> frozenset[Role]:
    """The roles of every grant all of whose claims hold."""
    found: set[Role] = set()
    for grant in grants:
        if all(set(values_at(claims, path)) & set(wanted) for path, wanted in grant.claims.items()):
            found |= {Role(role) for role in grant.roles}
    return frozenset(found)


def values_at(claims: object, path: str) -> Iterator[str]:
    """Every value under a dotted path; each member of a list is looked into."""
    if isinstance(claims, str | int):
        if not path:
            yield str(claims)
    elif isinstance(claims, Mapping):
        if path in claims:  # a claim whose own name has full stops (an address)
            yield from values_at(claims[path], "")
        head, _, rest = path.partition(".")
        if rest and head in claims:
            yield from values_at(claims[head], rest)
    elif isinstance(claims, Sequence):
        for one in claims:
            yield from values_at(one, path)


def enter(
    store: Store,
    clock: Clock,
    who: Recognised,
    *,
    address: str,
    token: str,
    rules: SessionRules = DEFAULT_RULES,
) -> Session | Refusal:
    """Let in, with an account that is made or brought up to date; or say why not."""
    name = folded(who.name)
    with store.transaction() as uow:
        uow.accounts.alone()
        row = uow.accounts.get(name)
        reason = _against(who, name, row)
        if reason:
            if row is not None and row.origin == who.origin:
                _bring_up_to_date(uow, name, who)  # who lost every role loses them in sessions that are open, too
            about = subject_of(name) if row is not None else NOBODY
            uow.journal.write(about, REFUSED, actor=ACTOR, address=address, wait=0, issuer=who.issuer)
            return Refusal(why=Why.NOT_ALLOWED, message=reason)
        now = clock.now()
        if row is None:
            made = AccountRow(name=name, roles="", origin=who.origin, created_at=now, created_by=ACTOR)
            uow.accounts.add(made, actor=ACTOR)
        _bring_up_to_date(uow, name, who)
        account = uow.accounts.get(name)
        assert account is not None
        return open_session(uow, account, token, address, rules, now)


def refused(store: Store, address: str, code: str) -> None:
    """The house did not say who it is so that it can be believed: one line in the journal, with what was wrong."""
    with store.transaction() as uow:
        uow.journal.write(NOBODY, REFUSED, actor=ACTOR, address=address, wait=0, why=code)


def _against(who: Recognised, name: str, row: AccountRow | None) -> str:
    if not name_ok(name):
        return "Le nom donné par le service d'identité ne convient pas comme nom de compte."
    if row is not None and row.origin != who.origin:
        return f"Le nom « {name} » est déjà celui d'un autre compte. S'adresser à un administrateur."
    if row is not None and row.disabled:
        return "Ce compte est fermé. S'adresser à un administrateur."
    if not who.roles:
        return "Aucun rôle n'est prévu ici pour vous. S'adresser à un administrateur ([console.oidc], « grants »)."
    return ""


def _bring_up_to_date(uow: UnitOfWork, name: str, who: Recognised) -> None:
    row = uow.accounts.get(name)
    if row is not None and row.roles != written(who.roles):
        uow.accounts.set_roles(name, written(who.roles), actor=ACTOR)
