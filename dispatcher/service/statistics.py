"""Use case: figures of a laboratory: how long until sent, delivered and read; who never reads; whom to phone.

The figures of each day are made from its dispatches and kept; a day is made anew when one of its dispatches moved since
(the journal says so). A look brings them up to date first, so that it is always right; the service does it every hour,
so that it is quick.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

from dispatcher.outbox.figures import Figures, gather
from dispatcher.outbox.states import State
from dispatcher.ports import FigureRow, Store
from dispatcher.service.answer_notes import bounds, day_of

By = Literal["domain", "recipient", "day", "channel"]
TRIES = 5
"""How often is begun again because another process made figures meanwhile."""
FEW = 3
"""Unread dispatches that make a telephone call worth while."""


@dataclass(slots=True)
class Group:
    """The dispatches of one domain, recipient, day or channel; or all of them."""

    key: str
    label: str = ""
    figures: Figures = field(default_factory=Figures)
    old: int = 0
    """Left so long ago that they should have been read."""
    old_read: int = 0
    """Of these, those that were."""

    @property
    def unread(self) -> int:
        return self.old - self.old_read

    @property
    def unread_share(self) -> float | None:
        """Of those that should have been read; None without any."""
        return self.unread / self.old if self.old else None

    def add(self, row: FigureRow, figures: Figures, *, old: bool) -> None:
        self.label = row.label or self.label
        self.figures.merge(figures)
        if old:
            self.old += figures.reached("sent")
            self.old_read += min(figures.reached("read"), figures.reached("sent"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ToPhone:
    """A recipient somebody should call."""

    address: str
    label: str
    failed: int
    faults: tuple[str, ...]
    unread: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was asked for."""

    since: date
    until: date
    unread_days: int
    whole: Group
    groups: tuple[Group, ...]
    to_phone: tuple[ToPhone, ...]
    silent_domains: tuple[str, ...]
    """Domains from which no reading is known at all: silence of a recipient says nothing there."""


def refresh(store: Store, go_on: Callable[[], bool] = lambda: True) -> int:
    """Make the figures of every day that changed; gives how many. Raises :class:`StoreError`."""
    made = 0
    for _ in range(TRIES):
        with store.reading() as uow:
            before, number = uow.figures.head(), uow.figures.journal_number()
            days = _days(store, before, number)
        for day in sorted(days):
            if not go_on():
                return made
            if not _make(store, day, before):
                break
            made += 1
        else:
            with store.transaction() as uow:
                if before == number or uow.figures.advance(before, number):
                    return made
    return made


def _days(store: Store, before: int | None, number: int) -> set[date]:
    with store.reading() as uow:
        touched = uow.figures.touched(before, number) if before is not None else None
        if touched is not None:
            return {day_of(moment) for moment in touched}
        span = uow.figures.span()
    if span is None:
        return set()
    first, last = (day_of(moment) for moment in span)
    return {first + timedelta(days=count) for count in range((last - first).days + 1)}


def _make(store: Store, day: date, before: int | None) -> bool:
    with store.reading() as uow:
        found = gather(uow.figures.lives(*bounds(day)))
    rows = [
        FigureRow(
            day=day.isoformat(),
            channel=channel,
            address=address,
            domain=life.domain,
            label=life.label,
            detail=figures.as_json(),
        )
        for (channel, address), (life, figures) in sorted(found.items(), key=lambda item: item[0])
    ]
    with store.transaction() as uow:
        return uow.figures.put(day.isoformat(), rows, before=before)


def statistics(
    store: Store, *, since: date, until: date, today: date, by: By = "domain", unread_days: int = 7, limit: int = 50
) -> Report:
    """Of the dispatches made from ``since`` to ``until``, both included; ``limit``: groups told, the largest first."""
    refresh(store)
    settled = (today - timedelta(days=unread_days)).isoformat()
    whole, groups = Group(key=""), dict[str, Group]()
    people, domains = dict[str, Group](), dict[str, Group]()
    domain_of: dict[str, str] = {}
    with store.reading() as uow:
        for row in uow.figures.of(since.isoformat(), until.isoformat()):
            figures, old = Figures.of_json(row.detail), row.day <= settled
            domain_of[row.address] = row.domain
            key = {"domain": row.domain, "recipient": row.address, "day": row.day, "channel": row.channel}[by]
            here = ((groups, key), (people, row.address), (domains, row.domain))
            for group in (whole, *(known.setdefault(name, Group(key=name)) for known, name in here)):
                group.add(row, figures, old=old)
    silent = {name for name, one in domains.items() if one.figures.reached("sent") and not one.figures.reached("read")}
    return Report(
        since=since,
        until=until,
        unread_days=unread_days,
        whole=whole,
        groups=tuple(_sorted(groups.values(), by))[: None if by == "day" else limit],
        to_phone=tuple(_to_phone(people.values(), domain_of, silent))[:limit],
        silent_domains=tuple(sorted(silent - {""})),
    )


def _sorted(groups: Iterable[Group], by: By) -> list[Group]:
    if by == "day":
        return sorted(groups, key=lambda one: one.key)
    return sorted(groups, key=lambda one: (-one.figures.count, one.key))


def _to_phone(people: Iterable[Group], domain_of: dict[str, str], silent: set[str]) -> list[ToPhone]:
    """Failures somebody should clear up, and recipients who read nothing though others of their domain do."""
    found = []
    for one in people:
        failed = one.figures.states[State.FAILED.value]
        reads_nothing = one.unread >= FEW and not one.old_read and domain_of[one.key] not in silent
        if one.key and (failed or reads_nothing):
            faults = tuple(fault for fault, _ in one.figures.faults.most_common(3))
            unread = one.unread if reads_nothing else 0
            found.append(ToPhone(address=one.key, label=one.label, failed=failed, faults=faults, unread=unread))
    return sorted(found, key=lambda one: (-(one.failed + one.unread), one.address))
