"""Use case: figures of a laboratory: how long until sent, delivered and read; who never reads; whom to phone.

The figures of each day are made from its dispatches and kept; a day is made anew when one of its dispatches moved since
(the journal says so). A look brings them up to date first, so that it is always right; the service does it every hour,
so that it is quick.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Literal

from dispatcher.outbox.figures import Figures, gather
from dispatcher.outbox.states import State
from dispatcher.ports import DomainRow, FigureRow, Recipient, Store
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

    def absorb(self, detail: Mapping[str, Any], *, old: bool) -> None:
        """One kept row; ``old``: its dispatches should have been read."""
        if old:
            self.old += sum(detail["times"].get("sent", {}).values())
            self.old_read += sum(detail["times"].get("read", {}).values())
        self.figures.absorb(detail)

    def merge(self, other: Group) -> None:
        """All of another group."""
        self.old += other.old
        self.old_read += other.old_read
        self.figures.merge(other.figures)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToPhone:
    """A recipient somebody should call."""

    address: str
    label: str
    failed: int
    unread: int
    faults: tuple[str, ...] = ()
    """What the failed ones failed for, the most frequent first."""


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
    domains: dict[tuple[str, str], Figures] = {}
    rows = []
    for (channel, address), (life, figures) in sorted(found.items(), key=lambda item: item[0]):
        domains.setdefault((channel, life.domain), Figures()).merge(figures)
        rows.append(
            FigureRow(
                day=day.isoformat(),
                channel=channel,
                address=address,
                domain=life.domain,
                label=life.label,
                made=figures.count,
                sent=figures.reached("sent"),
                read=figures.reached("read"),
                failed=figures.states[State.FAILED.value],
                detail=figures.as_json(),
            )
        )
    by_domain = [
        DomainRow(day=day.isoformat(), channel=channel, domain=domain, detail=figures.as_json())
        for (channel, domain), figures in sorted(domains.items(), key=lambda item: item[0])
    ]
    with store.transaction() as uow:
        return uow.figures.put(day.isoformat(), rows, by_domain, before=before)


def statistics(
    store: Store, *, since: date, until: date, today: date, by: By = "domain", unread_days: int = 7, limit: int = 50
) -> Report:
    """Of the dispatches made from ``since`` to ``until``, both included; ``limit``: groups told, the largest first."""
    refresh(store)
    first, last, settled = (one.isoformat() for one in (since, until, today - timedelta(days=unread_days)))
    groups: dict[str, Group] = {}
    with store.reading() as uow:
        for row in uow.figures.of_domains(first, last):
            key = {"domain": row.domain, "day": row.day, "channel": row.channel}.get(by, "")
            groups.setdefault(key, Group(key=key)).absorb(row.detail, old=row.day <= settled)
        people = uow.figures.recipients(first, last, settled)
        whole = Group(key="")
        for group in groups.values():
            whole.merge(group)
        silent = _silent(people)
        to_phone = _to_phone(people, silent)[:limit]
        wanted = sorted(people, key=lambda one: (-one.made, one.address))[:limit] if by == "recipient" else []
        asked = {one.address: Group(key=one.address, label=one.label) for one in wanted}
        calls = {one.address: Group(key=one.address) for one in to_phone}
        for one in uow.figures.of_addresses([*{**asked, **calls}], first, last):
            for known in (asked.get(one.address), calls.get(one.address)):
                if known is not None:
                    known.absorb(one.detail, old=one.day <= settled)
    return Report(
        since=since,
        until=until,
        unread_days=unread_days,
        whole=whole,
        groups=tuple(_sorted((asked if by == "recipient" else groups).values(), by))[: None if by == "day" else limit],
        to_phone=tuple(replace(one, faults=_causes(calls[one.address])) for one in to_phone),
        silent_domains=tuple(sorted(silent - {""})),
    )


def _causes(group: Group) -> tuple[str, ...]:
    return tuple(fault for fault, _ in group.figures.faults.most_common(3))


def _silent(people: Sequence[Recipient]) -> set[str]:
    """Domains to which mails left, and from which no reading ever came."""
    read = {one.domain for one in people if one.read}
    return {one.domain for one in people if one.sent} - read


def _sorted(groups: Iterable[Group], by: By) -> list[Group]:
    if by == "day":
        return sorted(groups, key=lambda one: one.key)
    return sorted(groups, key=lambda one: (-one.figures.count, one.key))


def _to_phone(people: Sequence[Recipient], silent: set[str]) -> list[ToPhone]:
    """Failures somebody should clear up, and recipients who read nothing though others of their domain do."""
    found = []
    for one in people:
        reads_nothing = one.old >= FEW and not one.old_read and one.domain not in silent
        if one.address and (one.failed or reads_nothing):
            unread = one.old if reads_nothing else 0
            found.append(ToPhone(address=one.address, label=one.label, failed=one.failed, unread=unread))
    return sorted(found, key=lambda one: (-(one.failed + one.unread), one.address))
