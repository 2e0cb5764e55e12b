"""Looking after accounts: made, given roles, a password, a second factor; disabled, enabled, unlocked.

Called by « dispatcher users » on the machine itself and by the administrator's page, which asks for the right before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from dispatcher.clock import Clock
from dispatcher.errors import ConfigError
from dispatcher.ports import AccountRow, Cipher, Secrets, Store, UnitOfWork
from dispatcher.ports import account_subject as subject
from dispatcher.service.account_names import folded, name_ok, totp_context
from dispatcher.service.accounts import recovery_hash
from dispatcher.service.passwords import faults, normal
from dispatcher.service.rights import Role, roles_of, written
from dispatcher.service.tries import Keys, waiting

UNLOCKED = "account.unlocked"
ISSUER = "dispatcher"
"""What an authenticator shows beside the name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An account as a listing shows it."""

    row: AccountRow
    failed: int
    """Attempts by strangers that failed, of the last 24 hours."""
    waits: int
    """Seconds strangers must wait."""
    codes_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A second factor that is not in force yet."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


def listing(store: Store, clock: Clock, cipher: Cipher) -> tuple[Standing, ...]:
    """Every account, by name."""
    found = []
    with store.reading() as uow:
        for row in uow.accounts.list():
            failed, wait = waiting(uow, cipher, row.name, clock.now())
            left = uow.accounts.codes_left(row.name)
            found.append(Standing(row=row, failed=failed, waits=round(wait.total_seconds()), codes_left=left))
    return tuple(found)


def create(
    store: Store, clock: Clock, secrets: Secrets, name: str, roles: Iterable[Role], password: str | None, *, actor: str
) -> str:
    """A new account. Without ``password`` one is made, given back to be handed over, and to be changed at once.

    Raises :class:`ConfigError`: name or password not taken.
    """
    name = folded(name)
    if not name_ok(name):
        raise ConfigError(
            f"« {name} » ne convient pas comme nom de compte.",
            hint="2 à 64 caractères : lettres sans accent, chiffres, « . », « - », « _ », « @ ».",
        )
    hashed, one_time = _hashed(secrets, name, password)
    row = AccountRow(
        name=name,
        password=hashed,
        roles=_given(roles),
        must_change=bool(one_time),
        created_at=clock.now(),
        created_by=actor,
    )
    with store.transaction() as uow:
        if not uow.accounts.add(row, actor=actor):
            raise ConfigError(f"Le compte « {name} » existe déjà.", hint="« dispatcher users list » les montre tous.")
    return one_time


def set_password(store: Store, secrets: Secrets, name: str, password: str | None, *, actor: str) -> str:
    """Another person's new password, as in :func:`create`. Raises :class:`ConfigError`."""
    name = folded(name)
    with store.reading() as uow:
        _local(uow, name)
    hashed, one_time = _hashed(secrets, name, password)
    with store.transaction() as uow:
        uow.accounts.alone()
        _local(uow, name)
        uow.accounts.set_password(name, hashed, must_change=bool(one_time), actor=actor)
    return one_time


def set_roles(store: Store, name: str, roles: Iterable[Role], *, actor: str) -> None:
    """These roles and no others. Raises :class:`ConfigError`: nobody would be administrator any more."""
    name, wanted = folded(name), frozenset(roles)

    def change(uow: UnitOfWork) -> None:
        _local(uow, name)
        if Role.ADMINISTRATOR not in wanted:
            _somebody_stays(uow, name)
        uow.accounts.set_roles(name, _given(wanted), actor=actor)

    _alone(store, change)


def set_disabled(store: Store, name: str, disabled: bool, *, actor: str) -> None:
    """Nobody signs in with it until it is enabled again. Raises :class:`ConfigError` as :func:`set_roles`."""
    name = folded(name)

    def change(uow: UnitOfWork) -> None:
        _known(uow, name)
        if disabled:
            _somebody_stays(uow, name)
        uow.accounts.set_disabled(name, disabled, actor=actor)

    _alone(store, change)


def unlock(store: Store, cipher: Cipher, name: str, *, actor: str) -> None:
    """What strangers failed is forgotten: nobody waits any more. Raises :class:`ConfigError`."""
    name = folded(name)

    def change(uow: UnitOfWork) -> None:
        _known(uow, name)
        uow.sign_ins.drop((Keys.of(cipher, name, "").account,))
        uow.journal.write(subject(name), UNLOCKED, actor=actor)

    _alone(store, change)


def offer_totp(store: Store, secrets: Secrets, name: str) -> Offer:
    """A second factor to be put into an authenticator; nothing is kept yet. Raises :class:`ConfigError`."""
    name = folded(name)
    with store.reading() as uow:
        _local(uow, name)
    secret = secrets.totp_secret()
    return Offer(secret=secret, uri=secrets.totp_uri(secret, name, ISSUER))


def confirm_totp(
    store: Store, clock: Clock, cipher: Cipher, secrets: Secrets, name: str, secret: str, code: str, *, actor: str
) -> tuple[str, ...]:
    """In force from now on, when ``code`` shows that the authenticator has it: its recovery codes, shown once.

    Empty, and nothing changed: the code is not right. Raises :class:`ConfigError`.
    """
    name = folded(name)
    step = secrets.totp_step(secret, "".join(code.split()), clock.now())
    if step is None:
        return ()
    codes = secrets.recovery_codes()
    sealed = cipher.encrypt(secret.encode("ascii"), totp_context(name))

    def change(uow: UnitOfWork) -> None:
        _local(uow, name)
        kept = [recovery_hash(cipher, name, one) for one in codes]
        uow.accounts.set_totp(name, sealed, cipher.key_id, kept, actor=actor)
        uow.accounts.use_step(name, step)

    _alone(store, change)
    return codes


def drop_totp(store: Store, name: str, *, actor: str) -> None:
    """No second factor any more (lost telephone). Raises :class:`ConfigError`."""
    name = folded(name)

    def change(uow: UnitOfWork) -> None:
        _local(uow, name)
        uow.accounts.set_totp(name, None, "", (), actor=actor)

    _alone(store, change)


def _alone(store: Store, change: Callable[[UnitOfWork], None]) -> None:
    with store.transaction() as uow:
        uow.accounts.alone()
        change(uow)


def _hashed(secrets: Secrets, name: str, password: str | None) -> tuple[str, str]:
    """Hash, and the password when it is a new one of ours."""
    if password is None:
        made = secrets.one_time_password()
        return secrets.hash(normal(made)), made
    found = faults(password, name)
    if found:
        raise ConfigError("Ce mot de passe ne convient pas.", faults=found, hint="En choisir un autre.")
    return secrets.hash(normal(password)), ""


def _given(roles: Iterable[Role]) -> str:
    text = written(roles)
    if not text:
        raise ConfigError("Aucun rôle donné.", hint=f"Rôles : {', '.join(role.value for role in Role)}.")
    return text


def _known(uow: UnitOfWork, name: str) -> AccountRow:
    row = uow.accounts.get(name)
    if row is None:
        raise ConfigError(f"Aucun compte « {name} ».", hint="« dispatcher users list » les montre tous.")
    return row


def _local(uow: UnitOfWork, name: str) -> AccountRow:
    """One whose password, roles and second factor are kept here."""
    row = _known(uow, name)
    if row.origin:
        raise ConfigError(
            f"Le compte « {name} » vient de {row.issuer}.",
            hint="Son mot de passe, ses rôles et son second facteur s'y règlent ; ici il ne peut qu'être fermé.",
        )
    return row


def _somebody_stays(uow: UnitOfWork, name: str) -> None:
    """An administrator besides this one, who signs in here."""
    row = uow.accounts.get(name)
    if row is None or row.disabled or Role.ADMINISTRATOR not in roles_of(row.roles):
        return
    others = (one for one in uow.accounts.list() if one.name != name and one.password and not one.disabled)
    if not any(Role.ADMINISTRATOR in roles_of(one.roles) for one in others):
        raise ConfigError(
            f"« {name} » est le dernier administrateur : personne ne pourrait plus gérer les comptes.",
            hint="Donner d'abord ce rôle à quelqu'un d'autre (« dispatcher users role »).",
        )
