"""Signing in to the console, sessions, and the trace of who looked at what.

An unknown name, a wrong password, a disabled account and a wrong code get the same answer after the same work. The
token of a session is known to the browser only: the store keeps its SHA-256.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

from dispatcher.clock import Clock
from dispatcher.french import age
from dispatcher.ports import AccountRow, Cipher, Secrets, SessionRow, Store, UnitOfWork
from dispatcher.ports import account_subject as subject
from dispatcher.service.account_names import folded, totp_context
from dispatcher.service.passwords import faults, normal
from dispatcher.service.rights import User, roles_of
from dispatcher.service.tries import CLOCK_MARGIN, Admitted, Keys, admit, came_in, take_back

TOUCH_EVERY = timedelta(minutes=1)
"""A session's last sign of life need not be exact: not every page is a write."""
SIGNED_IN, SIGNED_OUT = "console.signed-in", "console.signed-out"
REFUSED, LOCKED, VIEWED = "console.refused", "console.locked", "console.viewed"
NOBODY = "console"
"""Subject of the journal for a name that is nobody's: what was typed may be a password, and is not kept."""
IDS_A_TEXT = 25
"""Numbers in one text of the journal, which cuts texts at 300 characters."""


class Why(StrEnum):
    """Why somebody is not let in."""

    CREDENTIALS = "credentials"
    CODE_NEEDED = "code-needed"
    """The password is right; ask for the code, and come again with both."""
    WAIT = "wait"
    NOT_ALLOWED = "not-allowed"
    """Recognised by another house, and without an account to be let in with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Nobody is let in. ``message`` is French, for the person."""

    why: Why
    message: str
    wait: int = 0
    """Seconds until the next attempt may come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody is let in."""

    token: str = field(repr=False)
    """For the cookie, and for nothing else."""
    user: User
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRules:
    """How long a session lasts."""

    idle: timedelta = timedelta(minutes=30)
    whole: timedelta = timedelta(hours=12)


DEFAULT_RULES = SessionRules()
WRONG = Refusal(why=Why.CREDENTIALS, message="Nom, mot de passe ou code incorrect.")
CODE = Refusal(why=Why.CODE_NEEDED, message="Entrer le code à six chiffres de l'application, ou un code de secours.")


def sign_in(
    store: Store,
    clock: Clock,
    cipher: Cipher,
    name: str,
    password: str,
    code: str = "",
    *,
    address: str,
    secrets: Secrets,
    rules: SessionRules = DEFAULT_RULES,
) -> Session | Refusal:
    """Let a person in, or say why not. ``address``: where the attempt comes from.

    Raises :class:`dispatcher.errors.KeyringError` when the second factor cannot be deciphered.
    """
    name = folded(name)
    keys = Keys.of(cipher, name, address)
    admitted = admit(store, clock, keys)
    if admitted.wait:
        return _told_to_wait(admitted.wait)
    account, right = _recognise(store, secrets, name, password)
    if not right or account is None:
        return _refused(store, account, admitted, address)
    if account.totp is not None and not code.strip():
        with store.transaction() as uow:
            take_back(uow, admitted)
        return CODE
    factor = _Factor.of(cipher, secrets, account, code, clock.now())
    outdated = secrets.hash(normal(password)) if secrets.outdated(account.password) else ""
    with store.transaction() as uow:
        uow.accounts.alone()
        if _still(uow, account) and factor.use(uow, account):
            if outdated:
                uow.accounts.rehash(name, outdated)
            came_in(uow, keys, admitted, clock.now())
            return open_session(uow, account, secrets.token(), address, rules, clock.now())
    return _refused(store, account, admitted, address)


def open_session(
    uow: UnitOfWork, account: AccountRow, token: str, address: str, rules: SessionRules, now: datetime
) -> Session:
    """A session for somebody who was recognised, with its line in the journal; those that are over are forgotten."""
    uow.console_sessions.sweep(now)
    row = SessionRow(
        digest=digest(token),
        account=account.name,
        created_at=now,
        seen_at=now,
        idle_until=now + min(rules.idle, rules.whole),
        ends_at=now + rules.whole,
        address=address,
    )
    uow.console_sessions.add(row)
    uow.accounts.signed_in(account.name, now)
    user = user_of(account)
    uow.journal.write(subject(account.name), SIGNED_IN, actor=user.actor, address=address)
    return Session(token=token, user=user, ends_at=row.ends_at)


def session_of(store: Store, clock: Clock, token: str, *, used: bool = True) -> User | None:
    """Who holds that token; None: nobody, or not any more. Roles are those of now.

    ``used``: a person asks; a page that renews itself keeps no session alive.
    """
    if not token:
        return None
    mine = digest(token)
    with store.reading() as uow:
        row = uow.console_sessions.get(mine)
        account = uow.accounts.get(row.account) if row is not None else None
    now = clock.now()
    if row is None or account is None or account.disabled:
        return None
    if now >= row.ends_at or now >= row.idle_until or row.seen_at - now > CLOCK_MARGIN:
        return None
    if used and now - row.seen_at >= TOUCH_EVERY:
        idle = row.idle_until - row.seen_at
        with store.transaction() as uow:
            uow.console_sessions.touch(mine, now, now + idle)
    return user_of(account)


def sign_out(store: Store, token: str) -> None:
    """The session ends; nothing happens when it was over."""
    with store.transaction() as uow:
        row = uow.console_sessions.get(digest(token))
        if row is not None and uow.console_sessions.end(row.digest):
            uow.journal.write(subject(row.account), SIGNED_OUT, actor=f"operator:{row.account}")


def change_password(
    store: Store, clock: Clock, cipher: Cipher, user: User, old: str, new: str, *, address: str, secrets: Secrets
) -> tuple[str, ...]:
    """The person's own new password; French faults, or none when it is done. Every session of hers ends then.

    The old one counts as an attempt to sign in: a session left open must not be the way to guess it.
    """
    found = faults(new, user.name)
    if found:
        return found
    keys = Keys.of(cipher, user.name, address)
    admitted = admit(store, clock, keys)
    if admitted.wait:
        return (_told_to_wait(admitted.wait).message,)
    account, right = _recognise(store, secrets, user.name, old)
    if not right or account is None:
        _refused(store, account, admitted, address)
        return ("Le mot de passe actuel n'est pas celui-là.",)
    if normal(old) == normal(new):
        with store.transaction() as uow:
            take_back(uow, admitted)
        return ("C'est le même mot de passe : en choisir un autre.",)
    made = secrets.hash(normal(new))
    with store.transaction() as uow:
        uow.accounts.alone()
        take_back(uow, admitted)
        if not _still(uow, account):
            return ("Le compte a été changé entre-temps : se reconnecter.",)
        uow.accounts.set_password(user.name, made, must_change=False, actor=user.actor)
    return ()


def note_view(store: Store, clock: Clock, user: User, what: str, ids: Iterable[str]) -> None:
    """One line in the journal: this person saw data of patients. ``what``: the page (``dispatch``, ``preview``…);
    ``ids``: numbers of dispatches and reports, never an identity."""
    del clock  # the store's own dates the line, like every other
    shown = list(dict.fromkeys(ids))
    texts = {}
    for place, start in enumerate(range(0, len(shown), IDS_A_TEXT)):
        name = "ids" if place == 0 else f"ids_{place + 1}"
        texts[name] = " ".join(shown[start : start + IDS_A_TEXT])
    with store.transaction() as uow:
        told: dict[str, object] = {"what": what, "count": len(shown), **texts}
        uow.journal.write(subject(user.name), VIEWED, actor=user.actor, **told)


def user_of(account: AccountRow) -> User:
    """The person of an account."""
    return User(
        name=account.name,
        roles=roles_of(account.roles),
        must_change=account.must_change,
        totp=account.totp is not None,
        issuer=account.issuer,
    )


def digest(token: str) -> str:
    """As the store keeps a token: of 256 random bits no salt is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class _Factor:
    """What the code is good for, to be used up once with the session."""

    needed: bool
    step: int | None = None
    recovery: str = ""

    @classmethod
    def of(cls, cipher: Cipher, secrets: Secrets, account: AccountRow, code: str, now: datetime) -> _Factor:
        if account.totp is None:
            return cls(needed=False)
        typed = "".join(code.split()).replace("-", "").lower()
        secret = cipher.decrypt(account.totp, totp_context(account.name), account.totp_key).decode("ascii")
        return cls(True, secrets.totp_step(secret, typed, now), recovery_hash(cipher, account.name, typed))

    def use(self, uow: UnitOfWork, account: AccountRow) -> bool:
        if not self.needed:
            return True
        if self.step is not None:
            return uow.accounts.use_step(account.name, self.step)
        return uow.accounts.use_code(account.name, self.recovery)


def recovery_hash(cipher: Cipher, name: str, code: str) -> str:
    """A recovery code as the store keeps it."""
    bare = "".join(code.split()).replace("-", "").lower()
    return cipher.hash(f"recovery:{name}:{bare}")


def _recognise(store: Store, secrets: Secrets, name: str, password: str) -> tuple[AccountRow | None, bool]:
    """The account of that name, and whether the password is its own. Nobody's takes as long as somebody's."""
    with store.reading() as uow:
        account = uow.accounts.get(name)
    known = account.password if account is not None and not account.disabled else ""
    return account, secrets.verify(known, normal(password))


def _still(uow: UnitOfWork, seen: AccountRow) -> bool:
    """Nothing that decides was changed while the password was being looked at."""
    now = uow.accounts.get(seen.name)
    return now is not None and _decisive(now) == _decisive(seen)


def _decisive(row: AccountRow) -> AccountRow:
    return replace(row, signed_in_at=None, totp_step=0)


def _refused(store: Store, account: AccountRow | None, admitted: Admitted, address: str) -> Refusal:
    """The same for everybody, with one line in the journal."""
    wait = admitted.next_wait
    about = subject(account.name) if account is not None else NOBODY
    with store.transaction() as uow:
        event = LOCKED if wait else REFUSED
        uow.journal.write(about, event, actor="console", address=address, wait=_seconds(wait))
    return WRONG if not wait else replace(WRONG, message=f"{WRONG.message} {_again(wait)}", wait=_seconds(wait))


def _told_to_wait(wait: timedelta) -> Refusal:
    return Refusal(why=Why.WAIT, message=f"Trop d'essais. {_again(wait)}", wait=_seconds(wait))


def _again(wait: timedelta) -> str:
    return f"Nouvel essai possible dans {age(timedelta(seconds=_seconds(wait)))}."


def _seconds(wait: timedelta) -> int:
    return ceil(wait.total_seconds())
