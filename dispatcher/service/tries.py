"""How often one may try to sign in: waits that grow, by account and by address.

An attempt is counted *before* the password is looked at, and taken back when it was right: many at one moment gain
nothing. While a wait lasts nothing is counted, so that whoever goes on trying does not make it longer.

Who has come in from an address within :data:`REMEMBERED` is *at home* there. Failures of strangers are counted apart
from those at home: a stranger can make an account wait for other strangers, not for its owner at his own desk; and at
home a wait never goes beyond :data:`LONGEST_AT_HOME`, for behind a shared address (a proxy, a ward) anybody may be the
stranger. Names that belong to nobody are counted like others: the answer does not tell which exist.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatcher.clock import Clock
from dispatcher.ports import Cipher, MarkRow, Store, UnitOfWork

FREE_OF_ACCOUNT = 5
"""Failures without a wait."""
FREE_OF_ADDRESS = 20
"""Of all accounts together: several people sit behind one address."""
FIRST = timedelta(seconds=30)
"""Wait after the next failure; twice as long each time."""
LONGEST = timedelta(minutes=15)
LONGEST_AT_HOME = timedelta(minutes=1)
FORGET_ACCOUNT = timedelta(hours=24)
FORGET_ADDRESS = timedelta(hours=1)
REMEMBERED = timedelta(days=30)
CLOCK_MARGIN = timedelta(minutes=5)
"""What was written further in the future than this was written by a clock that stood wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Where one attempt is counted; keyed hashes, for people type passwords into the field of the name."""

    account: str
    """Strangers at this account."""
    pair: str
    """This account from this address, where its owner is at home."""
    address: str
    home: str
    """The owner came in from here."""
    somebody: str
    """Somebody came in from here."""

    @classmethod
    def of(cls, cipher: Cipher, name: str, address: str) -> Keys:
        place = place_of(address)
        return cls(
            account=cipher.hash(f"sign-in:account:{name}"),
            pair=cipher.hash(f"sign-in:pair:{place}:{name}"),
            address=cipher.hash(f"sign-in:address:{place}"),
            home=cipher.hash(f"sign-in:home:{place}:{name}"),
            somebody=cipher.hash(f"sign-in:somebody:{place}"),
        )

    def all(self) -> tuple[str, ...]:
        return self.account, self.pair, self.address, self.home, self.somebody


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """What came of asking to try."""

    wait: timedelta = timedelta()
    """Zero: the attempt is counted and may go on."""
    next_wait: timedelta = timedelta()
    """What a failure costs now."""
    counted: tuple[str, ...] = ()
    """Where."""


def place_of(address: str) -> str:
    """What counts as one address: a whole /64 of IPv6, which one household or machine has to itself."""
    try:
        found = ipaddress.ip_address(address.strip())
    except ValueError:
        return address.strip().lower()
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), 64), strict=False))


def admit(store: Store, clock: Clock, keys: Keys) -> Admitted:
    """Count one attempt, or say how long to wait."""
    with store.reading() as uow:  # a flood of attempts that wait must not keep the service from writing
        wait = _Look.at(uow, keys, clock.now()).wait
    if wait:
        return Admitted(wait=wait)
    with store.transaction() as uow:
        uow.accounts.alone()
        now = clock.now()
        uow.sign_ins.sweep(now - REMEMBERED)
        look = _Look.at(uow, keys, now)
        if look.wait:
            return Admitted(wait=look.wait)
        rows = [_counted_once(key, look.marks, rule, now) for key, rule in look.counted.items()]
        for row in rows:
            uow.sign_ins.put(row)
    waits = [row.until - now for row in rows if row.until is not None]
    return Admitted(counted=tuple(look.counted), next_wait=max(waits, default=timedelta()))


def take_back(uow: UnitOfWork, admitted: Admitted) -> None:
    """The attempt was no failure."""
    for key, row in uow.sign_ins.of(admitted.counted).items():
        uow.sign_ins.put(MarkRow(key=key, count=max(row.count - 1, 0), at=row.at))


def came_in(uow: UnitOfWork, keys: Keys, admitted: Admitted, now: datetime) -> None:
    """Somebody is in, and at home here from now on.

    What strangers failed goes on counting, and so does the address: who has one account must not clear the way to the
    rest by signing in between.
    """
    take_back(uow, admitted)
    uow.sign_ins.drop((keys.pair,))
    for key in (keys.home, keys.somebody):
        uow.sign_ins.put(MarkRow(key=key, count=1, at=now))


def waiting(uow: UnitOfWork, cipher: Cipher, name: str, now: datetime) -> tuple[int, timedelta]:
    """Failures of strangers at an account, and how long they still wait."""
    key = Keys.of(cipher, name, "").account
    mark = _fresh(uow.sign_ins.of((key,)).get(key), now, FORGET_ACCOUNT)
    return (0, timedelta()) if mark is None else (mark.count, _left(mark, now, LONGEST))


@dataclass(frozen=True, slots=True)
class _Rule:
    free: int
    longest: timedelta
    forget: timedelta

    def wait(self, count: int) -> timedelta:
        """After so many failures."""
        over = count - self.free
        return min(FIRST * 2 ** min(over - 1, 20), self.longest) if over > 0 else timedelta()


@dataclass(frozen=True, slots=True)
class _Look:
    """What stands against an attempt."""

    marks: Mapping[str, MarkRow]
    counted: Mapping[str, _Rule]
    """Where it is counted, and by which rule."""
    wait: timedelta

    @classmethod
    def at(cls, uow: UnitOfWork, keys: Keys, now: datetime) -> _Look:
        marks = uow.sign_ins.of(keys.all())
        at_home = _fresh(marks.get(keys.home), now, REMEMBERED) is not None
        shared = _fresh(marks.get(keys.somebody), now, REMEMBERED) is not None
        key, longest = (keys.pair, LONGEST_AT_HOME) if at_home else (keys.account, LONGEST)
        counted = {
            key: _Rule(FREE_OF_ACCOUNT, longest, FORGET_ACCOUNT),
            keys.address: _Rule(FREE_OF_ADDRESS, LONGEST_AT_HOME if shared else LONGEST, FORGET_ADDRESS),
        }
        waits = [_left(marks.get(key), now, rule.longest) for key, rule in counted.items()]
        return cls(marks, counted, max(waits))


def _counted_once(key: str, marks: Mapping[str, MarkRow], rule: _Rule, now: datetime) -> MarkRow:
    before = _fresh(marks.get(key), now, rule.forget)
    count = (before.count if before is not None else 0) + 1
    wait = rule.wait(count)
    return MarkRow(key=key, count=count, at=now, until=now + wait if wait else None)


def _fresh(mark: MarkRow | None, now: datetime, forget: timedelta) -> MarkRow | None:
    if mark is None or now - mark.at > forget or mark.at - now > CLOCK_MARGIN:
        return None
    return mark


def _left(mark: MarkRow | None, now: datetime, longest: timedelta) -> timedelta:
    """Of a wait. A clock set back must not make it longer than it can be."""
    if mark is None or mark.until is None or mark.at - now > CLOCK_MARGIN:
        return timedelta()
    return min(max(mark.until - now, timedelta()), longest)
