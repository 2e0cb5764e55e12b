"""UIDs of mails nobody understood, which stay in a mailbox without folders (POP3)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from dispatcher.store.session import Session
from dispatcher.store.tables import mails_aside as table

_OF_CHANNEL = select(table.c.uid).where(table.c.channel == bindparam("of_channel"))
_DROP = delete(table).where(table.c.channel == bindparam("of_channel"), table.c.uid == bindparam("of_uid"))


class SqlMailsAside:
    """See :class:`dispatcher.ports.MailsAside`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def known(self, channel: str) -> frozenset[str]:
        """Every one of that channel's mailbox."""
        return frozenset(row.uid for row in self._session.read(_OF_CHANNEL, {"of_channel": channel}))

    def add(self, channel: str, uids: Iterable[str], at: datetime) -> None:
        """Remember them; one that is known stays as it is."""
        dialect = postgresql if self._session.postgresql else sqlite
        rows = [{"channel": channel, "uid": uid, "at": at} for uid in uids]
        if rows:
            self._session.write(dialect.insert(table).on_conflict_do_nothing(), rows)

    def drop(self, channel: str, uids: Iterable[str]) -> None:
        """They are no longer in the mailbox."""
        rows = [{"of_channel": channel, "of_uid": uid} for uid in uids]
        if rows:
            self._session.write(_DROP, rows)
