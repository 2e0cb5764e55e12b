"""Accounts and sessions of the console, and what is counted of attempts to sign in.

What changes who may do what writes its line in the journal here, under ``account:NAME``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from dispatcher.ports import AccountRow, MarkRow, SessionRow
from dispatcher.ports import account_subject as subject
from dispatcher.store.account_tables import account_codes as codes
from dispatcher.store.account_tables import accounts as table
from dispatcher.store.account_tables import console_sessions as sessions
from dispatcher.store.account_tables import sign_ins as marks
from dispatcher.store.rows import ACCOUNT, MARK, SESSION
from dispatcher.store.session import Session

_ONE = ACCOUNT.select.where(table.c.name == bindparam("of_name"))
_USE_STEP = (
    update(table)
    .where(table.c.name == bindparam("of_name"), table.c.totp_step < bindparam("step"))
    .values(totp_step=bindparam("step"))
)
_USE_CODE = delete(codes).where(codes.c.account == bindparam("of_name"), codes.c.code == bindparam("of_code"))
_SESSION = SESSION.select.where(sessions.c.digest == bindparam("of_digest"))
_TOUCH = (
    update(sessions)
    .where(sessions.c.digest == bindparam("of_digest"))
    .values(seen_at=bindparam("new_seen"), idle_until=bindparam("new_idle"))
)
_MARKS = MARK.select.where(marks.c.key.in_(bindparam("keys", expanding=True)))


class SqlAccounts:
    """See :class:`dispatcher.ports.Accounts`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def alone(self) -> None:
        """Until the end of the transaction nobody else changes accounts or signs in."""
        self._session.lock("accounts")

    def add(self, row: AccountRow, *, actor: str) -> bool:
        """False, and nothing written, when the name is taken."""
        self.alone()
        if self.get(row.name) is not None:
            return False
        self._session.write(insert(table), ACCOUNT.row(row))
        told = {"roles": row.roles, "origin": row.origin, "must_change": row.must_change}
        self._session.journal.write(subject(row.name), "account.added", actor=actor, **told)
        return True

    def get(self, name: str) -> AccountRow | None:
        """The account of that name."""
        row = self._session.read(_ONE, {"of_name": name}).first()
        return None if row is None else ACCOUNT.value(row)

    def list(self) -> tuple[AccountRow, ...]:
        """By name."""
        return ACCOUNT.values(self._session.read(ACCOUNT.select.order_by(table.c.name)))

    def set_password(self, name: str, password: str, *, must_change: bool, actor: str) -> None:
        """A new hash; every session of the account ends."""
        self._change(name, password=password, must_change=must_change)
        self._session.write(delete(sessions).where(sessions.c.account == name))
        self._session.journal.write(subject(name), "account.password", actor=actor, must_change=must_change)

    def rehash(self, name: str, password: str) -> None:
        """The same password under present parameters: no line in the journal."""
        self._change(name, password=password)

    def set_roles(self, name: str, roles: str, *, actor: str) -> None:
        """The journal keeps those of before too."""
        before = self.get(name)
        self._change(name, roles=roles)
        told = {"roles": roles, "before": before.roles if before is not None else ""}
        self._session.journal.write(subject(name), "account.roles", actor=actor, **told)

    def set_disabled(self, name: str, disabled: bool, *, actor: str) -> None:
        """A disabled account's sessions end."""
        self._change(name, disabled=disabled)
        if disabled:
            self._session.write(delete(sessions).where(sessions.c.account == name))
        event = "account.disabled" if disabled else "account.enabled"
        self._session.journal.write(subject(name), event, actor=actor)

    def set_totp(self, name: str, totp: bytes | None, key_id: str, codes_of: Sequence[str], *, actor: str) -> None:
        """Another second factor with its recovery codes (keyed hashes), or none."""
        self._change(name, totp=totp, totp_key=key_id, totp_step=0)
        self._session.write(delete(codes).where(codes.c.account == name))
        if codes_of:
            self._session.write(insert(codes), [{"account": name, "code": code} for code in codes_of])
        event = "account.totp-off" if totp is None else "account.totp-on"
        self._session.journal.write(subject(name), event, actor=actor)

    def use_step(self, name: str, step: int) -> bool:
        """Use up the code of that time step; False: it, or a later one, was used before."""
        return self._session.write(_USE_STEP, {"of_name": name, "step": step}).rowcount == 1

    def use_code(self, name: str, code: str) -> bool:
        """Use up a recovery code (keyed hash); False: no such code, or used before."""
        return self._session.write(_USE_CODE, {"of_name": name, "of_code": code}).rowcount == 1

    def codes_left(self, name: str) -> int:
        """Recovery codes not used yet."""
        wanted = select(func.count()).select_from(codes).where(codes.c.account == name)
        return int(self._session.read(wanted).scalar_one())

    def signed_in(self, name: str, at: datetime) -> None:
        """When the person came in last."""
        self._change(name, signed_in_at=at)

    def _change(self, name: str, **values: Any) -> None:
        self._session.write(update(table).where(table.c.name == name).values(**values))


class SqlConsoleSessions:
    """See :class:`dispatcher.ports.ConsoleSessions`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, row: SessionRow) -> None:
        """Somebody signed in."""
        self._session.write(insert(sessions), SESSION.row(row))

    def get(self, digest: str) -> SessionRow | None:
        """That session, over or not."""
        row = self._session.read(_SESSION, {"of_digest": digest}).first()
        return None if row is None else SESSION.value(row)

    def touch(self, digest: str, seen_at: datetime, idle_until: datetime) -> None:
        """A sign of life."""
        self._session.write(_TOUCH, {"of_digest": digest, "new_seen": seen_at, "new_idle": idle_until})

    def end(self, digest: str) -> bool:
        """False: it had ended."""
        return self._session.write(delete(sessions).where(sessions.c.digest == digest)).rowcount == 1

    def end_all(self, account: str) -> int:
        """Every session of an account; how many."""
        return self._session.write(delete(sessions).where(sessions.c.account == account)).rowcount

    def sweep(self, now: datetime) -> int:
        """Those that are over are forgotten."""
        over = or_(sessions.c.ends_at <= now, sessions.c.idle_until <= now)
        return self._session.write(delete(sessions).where(over)).rowcount


class SqlSignIns:
    """See :class:`dispatcher.ports.SignIns`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of(self, keys: Iterable[str]) -> dict[str, MarkRow]:
        """By key, those that there are."""
        found = MARK.values(self._session.read(_MARKS, {"keys": sorted(set(keys))}))
        return {row.key: row for row in found}

    def put(self, row: MarkRow) -> None:
        """Takes the place of what stood under that key."""
        self._session.write(_put_mark(self._session.postgresql), MARK.row(row))

    def drop(self, keys: Iterable[str]) -> int:
        """Forget them; how many there were."""
        return self._session.write(delete(marks).where(marks.c.key.in_(sorted(set(keys))))).rowcount

    def sweep(self, before: datetime) -> int:
        """Forget what last happened before that moment."""
        return self._session.write(delete(marks).where(marks.c.at < before)).rowcount


@cache
def _put_mark(on_postgresql: bool) -> Any:
    statement: Any = (postgresql if on_postgresql else sqlite).insert(marks)
    changed = {name: statement.excluded[name] for name in ("count", "at", "until")}
    return statement.on_conflict_do_update(index_elements=[marks.c.key], set_=changed)
