"""What stays in a mailbox without folders, remembered in the store: another node, or a new start, does not read it."""

from __future__ import annotations

from collections.abc import Iterable

from dispatcher.clock import Clock
from dispatcher.ports import Store


class StoredAside:
    """A :class:`dispatcher.ports.SetAside` of one channel."""

    def __init__(self, store: Store, clock: Clock, channel: str) -> None:
        self._store = store
        self._clock = clock
        self._channel = channel

    def known(self) -> frozenset[str]:
        """Raises :class:`dispatcher.errors.StoreError`, as the others do."""
        with self._store.reading() as uow:
            return uow.mails_aside.known(self._channel)

    def add(self, uids: Iterable[str]) -> None:
        """They stay there."""
        with self._store.transaction() as uow:
            uow.mails_aside.add(self._channel, uids, self._clock.now())

    def keep_only(self, uids: Iterable[str]) -> None:
        """The others are no longer in the mailbox."""
        gone = self.known() - frozenset(uids)
        if gone:
            with self._store.transaction() as uow:
                uow.mails_aside.drop(self._channel, sorted(gone))
