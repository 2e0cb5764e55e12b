"""A lease by name in the hand of a use case: what it does is worth nothing once another node has taken over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from dispatcher.ports import Store, UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A lease by name, as it was when it was taken."""

    name: str
    owner: str
    fence: int
    lease: timedelta

    def confirm(self, uow: UnitOfWork) -> None:
        """What ``uow`` writes is committed only while the lease is ours; prolonged. Raises LeaseLost."""
        uow.leases.confirm(self.name, self.owner, self.fence, self.lease)

    def prolong(self, store: Store) -> None:
        """In a transaction of its own. Raises LeaseLost, StoreError."""
        with store.transaction() as uow:
            self.confirm(uow)

    def stands(self, uow: UnitOfWork) -> bool:
        """Ours, as far as a look can tell: before a folder is touched, which no transaction guards."""
        return uow.leases.holds(self.name, self.owner, self.fence)
