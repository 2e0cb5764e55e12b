"""What is learned of receipts per domain and address: rows kept with every notice, silences counted by sweeps."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import and_, bindparam, case, exists, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from dispatcher.outbox.states import State
from dispatcher.ports import Heard, Scope, SupportRow
from dispatcher.receipts.ladder import Rung
from dispatcher.store.ladder_tables import ladder_steps
from dispatcher.store.rows import SUPPORT
from dispatcher.store.session import Session
from dispatcher.store.tables import dispatches, in_state
from dispatcher.store.tables import receipt_support as table
from dispatcher.store.tables import receipt_sweeps as sweeps

FINE = timedelta(hours=1)
"""Moments need not be exact: a domain that is heard all the time is not written all the time."""
SET_BACK = timedelta(days=1)
"""A sweep that is further ahead than this was made by a clock that has been set back."""
WAITED = timedelta(days=30)
"""Mail that waited longer before it left is not judged: the index is by the time it was made."""

_KEY = ["channel", "scope", "name"]
_OF = SUPPORT.select.where(
    table.c.channel == bindparam("of_channel"),
    or_(
        and_(table.c.scope == str(Scope.DOMAIN), table.c.name == bindparam("of_domain")),
        and_(table.c.scope == str(Scope.ADDRESS), table.c.name == bindparam("of_address")),
    ),
)
_UNTIL = select(sweeps.c.until).where(sweeps.c.channel == bindparam("of_channel"))


class SqlSupport:
    """See :class:`dispatcher.ports.Support`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def heard(self, channel: str, address: str, what: Heard, at: datetime) -> None:
        """Write it down for the domain and the address, unless that is known already."""
        known = {row.scope: row for row in self.of(channel, address) if row is not None}
        names = {Scope.DOMAIN: _domain(address), Scope.ADDRESS: address.lower()}
        for scope, name in names.items():
            if name and not _is_news(known.get(scope), what, at):
                continue
            self._session.lock(f"receipt-support:{channel}")
            values = {"channel": channel, "scope": str(scope), "name": name, "at": at}
            self._session.write(_heard(self._session.postgresql, what), values)

    def of(self, channel: str, address: str) -> tuple[SupportRow | None, SupportRow | None]:
        """What is known of its domain, and of the address."""
        asked = {"of_channel": channel, "of_domain": _domain(address), "of_address": address.lower()}
        found = {row.scope: row for row in map(_row, self._session.read(_OF, asked))}
        return found.get(Scope.DOMAIN), found.get(Scope.ADDRESS)

    def list(self, channel: str = "", scope: Scope | None = None) -> tuple[SupportRow, ...]:
        """Longest silences first."""
        wanted = SUPPORT.select.order_by((table.c.silent + table.c.unread).desc(), *(table.c[name] for name in _KEY))
        if channel:
            wanted = wanted.where(table.c.channel == channel)
        if scope is not None:
            wanted = wanted.where(table.c.scope == str(scope))
        return tuple(map(_row, self._session.read(wanted)))

    def sweep(self, channel: str, until: datetime, *, dsn: bool, mdn: bool) -> int:
        """Count the silences of the mail of one channel that left up to ``until``; each mail counts once.

        The first sweep of a channel counts nothing: of the mail before it nobody noted who answered.
        """
        self._session.lock(f"receipt-support:{channel}")
        since = self._session.read(_UNTIL, {"of_channel": channel}).scalar()
        if since is None or since >= until:
            if since is None or since - until > SET_BACK:
                self._swept(channel, until)
            return 0
        looked = 0
        silent, unread = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        for address, mails, no_dsn, no_mdn in self._session.read(_silences(channel, since, until)):
            looked += int(mails)
            for key in ((str(Scope.DOMAIN), _domain(address)), (str(Scope.ADDRESS), address)):
                silent[key] += int(no_dsn) if dsn else 0
                unread[key] += int(no_mdn) if mdn else 0
        counted = [
            {"channel": channel, "scope": scope, "name": name, "silent": silent[scope, name], "unread": n}
            for (scope, name), n in sorted(unread.items())
            if n or silent[scope, name]
        ]
        if counted:
            self._session.write(_count(self._session.postgresql), counted)
        self._swept(channel, until)
        return looked

    def _swept(self, channel: str, until: datetime) -> None:
        self._session.write(_swept(self._session.postgresql), {"channel": channel, "until": until})


def _silences(channel: str, since: datetime, until: datetime) -> Any:
    """By address: mails, those without a delivery notice, those delivered that no reader answered.

    What the ladder put on paper counts as well: that nobody read it is why it is there.
    """
    c = dispatches.c
    address, left = func.lower(c.address), func.coalesce(c.sent_at, c.delivered_at, c.created_at)
    climbed = exists().where(ladder_steps.c.dispatch_id == c.id, ladder_steps.c.rung == Rung.PAPER.value)
    no_dsn = case((and_(c.state == State.SENT, c.delivered_at.is_(None)), 1), else_=0)
    arrived = or_(c.state == State.DELIVERED, and_(c.state == State.PAPER, c.delivered_at.is_not(None)))
    no_mdn = case((and_(arrived, c.read_at.is_(None)), 1), else_=0)
    on_paper = and_(in_state(dispatches, State.PAPER), climbed)
    wanted = select(address, func.count(), func.sum(no_dsn), func.sum(no_mdn)).where(
        or_(in_state(dispatches, State.SENT), in_state(dispatches, State.DELIVERED), on_paper),
        c.channel == channel,
        c.created_at > since - WAITED,
        c.created_at <= until,
        left > since,
        left <= until,
        c.address != "",
    )
    return wanted.group_by(address)


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()


def _is_news(row: SupportRow | None, what: Heard, at: datetime) -> bool:
    if row is None:
        return True
    last = getattr(row, f"{what}_at")
    silence = row.unread if what is Heard.READ else row.silent
    return bool(silence) or last is None or abs(at - last) > FINE


def _row(found: Any) -> SupportRow:
    row = SUPPORT.value(found)
    return SupportRow(**{name: getattr(row, name) for name in SUPPORT.names} | {"scope": Scope(row.scope)})


@cache
def _heard(on_postgresql: bool, what: Heard) -> Any:
    new: Any = (postgresql if on_postgresql else sqlite).insert(table)
    silence = "unread" if what is Heard.READ else "silent"
    values: dict[str, Any] = {name: bindparam(name) for name in _KEY}
    values |= {f"{what}_at": bindparam("at"), "silent": 0, "unread": 0}
    return new.values(values).on_conflict_do_update(
        index_elements=_KEY, set_={f"{what}_at": new.excluded[f"{what}_at"], silence: 0}
    )


@cache
def _count(on_postgresql: bool) -> Any:
    new: Any = (postgresql if on_postgresql else sqlite).insert(table)
    values: dict[str, Any] = {name: bindparam(name) for name in (*_KEY, "silent", "unread")}
    added = {name: table.c[name] + new.excluded[name] for name in ("silent", "unread")}
    return new.values(values).on_conflict_do_update(index_elements=_KEY, set_=added)


@cache
def _swept(on_postgresql: bool) -> Any:
    new: Any = (postgresql if on_postgresql else sqlite).insert(sweeps)
    values: dict[str, Any] = {name: bindparam(name) for name in ("channel", "until")}
    return new.values(values).on_conflict_do_update(index_elements=["channel"], set_={"until": new.excluded.until})
