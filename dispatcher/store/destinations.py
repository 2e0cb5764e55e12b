"""What is known of each destination: one row per channel and recipient domain, and one for the channel itself.

The rules are those of :mod:`dispatcher.outbox.breaker`; here they meet the row, and the journal is told of openings and
closings. Who may probe is decided where mails are claimed (``claims.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import bindparam, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from dispatcher.outbox.breaker import CHANNEL, Breaker, Circuit
from dispatcher.ports import DestinationRow
from dispatcher.store.session import Session
from dispatcher.store.tables import destinations as table

_COLUMNS = (
    table.c.domain,
    table.c.state,
    table.c.failures,
    table.c.notices,
    table.c.openings,
    table.c.probe_at,
    table.c.reason,
)
_OF_CHANNEL = select(*_COLUMNS).where(table.c.channel == bindparam("of_channel"))
_ONE = _OF_CHANNEL.where(table.c.domain == bindparam("of_domain")).with_for_update()
_NOT_WELL = or_(table.c.failures > 0, table.c.state != "", table.c.openings > 0)
_TROUBLED = (
    _OF_CHANNEL.where(table.c.domain.in_([CHANNEL, bindparam("of_domain")]), _NOT_WELL)
    .order_by(table.c.domain)
    .with_for_update()
)
_OPEN = _OF_CHANNEL.where(table.c.state != "").order_by(table.c.domain)


class SqlDestinations:
    """See :class:`dispatcher.ports.Destinations`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def breaker(self, channel: str, domain: str) -> Breaker:
        """As it is; locked to the end of the transaction."""
        row = self._session.read_locked(_ONE, {"of_channel": channel, "of_domain": domain}).first()
        return Breaker() if row is None else _breaker(row)

    def troubled(self, channel: str, domain: str) -> Sequence[DestinationRow]:
        """The domain and the channel, those of the two that did not work lately; locked."""
        rows = self._session.read_locked(_TROUBLED, {"of_channel": channel, "of_domain": domain}).all()
        return [_row(row) for row in rows]

    def open(self, channel: str) -> Sequence[DestinationRow]:
        """Those whose circuit is not closed, by name."""
        return [_row(row) for row in self._session.read(_OPEN, {"of_channel": channel})]

    def keep(self, channel: str, domain: str, old: Breaker, new: Breaker, reason: str = "") -> None:
        """Write it down; an opening, and the closing after it, with a line in the journal."""
        if new == old:
            return
        values = {
            "channel": channel,
            "domain": domain,
            "state": new.state,
            "failures": new.failures,
            "notices": new.notices,
            "openings": new.openings,
            "probe_at": new.probe_at,
            "reason": reason,
        }
        self._session.write(_keep(self._session.postgresql), values)
        if domain == CHANNEL or (new.state is old.state and new.openings == old.openings):
            return  # a channel's pause has lines of its own
        subject = f"destination:{channel}/{domain}"
        if new.state is Circuit.OPEN:
            told: dict[str, Any] = {"failures": new.failures, "notices": new.notices, "probe_at": new.probe_at}
            self._session.journal.write(subject, "destination.rests", reason=reason, **told)
        elif new.state is Circuit.CLOSED and old.state is not Circuit.CLOSED:
            self._session.journal.write(subject, "destination.open-again")


def _breaker(row: Any) -> Breaker:
    return Breaker(
        state=Circuit(row.state),
        failures=row.failures,
        notices=row.notices,
        openings=row.openings,
        probe_at=row.probe_at,
    )


def _row(row: Any) -> DestinationRow:
    return DestinationRow(domain=row.domain, breaker=_breaker(row), reason=row.reason)


@cache
def _keep(on_postgresql: bool) -> Any:
    new: Any = (postgresql if on_postgresql else sqlite).insert(table)
    changed = ("state", "failures", "notices", "openings", "probe_at", "reason")
    values: dict[str, Any] = {name: bindparam(name) for name in ("channel", "domain", *changed)}
    return new.values(values).on_conflict_do_update(
        index_elements=["channel", "domain"], set_={name: new.excluded[name] for name in changed}
    )
