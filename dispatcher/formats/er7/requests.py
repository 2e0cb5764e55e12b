"""Which orders of one patient in one message make one report.

Rule (ours; the standards leave it open). All orders of one patient in one message are one report: laboratories send one
request as several OBR with numbers of their own. They are parted only when sending them together would tell somebody
what is not meant for him, that is when, the order numbers being different,

- both name a prescriber, and not the same one, or
- both name correspondents (OBR-28), and not the same ones, or
- both carry a group number (ORC-4), and not the same one.

Orders that share a placer number, a filler number or a group number, and a battery that names another as its parent
(OBR-29), always stay together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from dispatcher.formats.er7.people import same_person
from dispatcher.report.model import Practitioner

OrderT = TypeVar("OrderT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Generic[OrderT]):
    """What decides where an order belongs. Empty text: the file does not say."""

    order: OrderT
    placer: str = ""
    filler: str = ""
    group: str = ""
    parents: frozenset[str] = frozenset()
    """Numbers of the parent order (OBR-29)."""
    prescribers: tuple[Practitioner, ...] = ()
    copies: tuple[Practitioner, ...] = ()


def by_report(requests: Sequence[Request[OrderT]]) -> list[list[Request[OrderT]]]:
    """Requests of one patient, put together report by report, in the order of the file.

    Other filler numbers (OBR-3) alone part nothing: laboratories number each battery of one visit, and a prescriber who
    got a mail per battery would take the first for the whole. Nothing is hidden by it: the recipients are the same, and
    the HL7 reader tells how many numbers were joined. The first number stays that of the report, so that a correction
    of the same message finds the version it replaces.
    """
    reports: list[list[Request[OrderT]]] = []
    for one in requests:
        home = next((known for known in reports if any(_tied(one, other) for other in known)), None)
        if home is None:
            home = next((known for known in reports if not any(_apart(one, other) for other in known)), None)
        if home is None:
            reports.append([one])
        else:
            home.append(one)
    return reports


def _tied(one: Request[OrderT], other: Request[OrderT]) -> bool:
    if one.parents & {other.placer, other.filler} - {""}:
        return True
    pairs = ((one.placer, other.placer), (one.filler, other.filler), (one.group, other.group))
    return any(mine and mine == theirs for mine, theirs in pairs)


def _apart(one: Request[OrderT], other: Request[OrderT]) -> bool:
    if one.group and other.group and one.group != other.group:
        return True
    if one.prescribers and other.prescribers and not same_person(one.prescribers[0], other.prescribers[0]):
        return True
    return bool(one.copies and other.copies and _keys(one.copies) != _keys(other.copies))


def _keys(people: Sequence[Practitioner]) -> set[tuple[str, str]]:
    return {(person.id_type.value, person.id or person.label.casefold()) for person in people}
