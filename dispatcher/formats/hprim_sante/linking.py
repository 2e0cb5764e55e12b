"""Antibiogram lines and their organism through the sub-ids of OBX.4 (``1.2`` belongs to ``1``), read and written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dispatcher.formats.er7.microbiology import Rank, parents
from dispatcher.report.model import Battery, Observation


def linked(batteries: Sequence[Battery]) -> tuple[Battery, ...]:
    """The same batteries with each antibiogram line pointing at its organism."""
    found = parents([(None, battery.observations) for battery in batteries])
    found |= _across(batteries, found)
    return _with_parents(batteries, found) if found else tuple(batteries)


def _across(batteries: Sequence[Battery], found: dict[int, int]) -> dict[int, int]:
    """Lines of a request of their own: the organism that carries the beginning of their sub-id, when only one does."""
    flat = [one for battery in batteries for one in battery.observations]
    more: dict[int, int] = {}
    for index, one in enumerate(flat):
        if "." not in one.sub_id or index in found:
            continue
        prefix = one.sub_id.rpartition(".")[0]
        homes = [
            i for i, other in enumerate(flat) if i != index and other.sub_id == prefix and Rank(i, 0, other).organism
        ]
        if len(homes) == 1:
            more[index] = homes[0]
    return more


def _with_parents(batteries: Sequence[Battery], found: dict[int, int]) -> tuple[Battery, ...]:
    done, index = [], 0
    for battery in batteries:
        own = battery.observations
        done.append(
            replace(battery, observations=tuple(replace(one, parent=found.get(index + i)) for i, one in enumerate(own)))
        )
        index += len(own)
    return tuple(done)


def links_of(batteries: Sequence[Battery]) -> list[int | None]:
    """Where each observation points, in file order."""
    return [one.parent for battery in batteries for one in battery.observations]


def as_read(batteries: Sequence[Battery]) -> tuple[Battery, ...]:
    """The same batteries with the links a reader will find by their sub-ids."""
    return linked(_with_parents(batteries, {}))


def numbered(batteries: Sequence[Battery]) -> tuple[Battery, ...]:
    """The same batteries with sub-ids that lead a reader to the same organisms; those of the file when they do."""
    wanted = links_of(batteries)
    if links_of(as_read(batteries)) == wanted:
        return tuple(batteries)
    flat = [one for battery in batteries for one in battery.observations]
    numbers = _numbers(flat)
    done, index = [], 0
    for battery in batteries:
        own = tuple(
            replace(one, sub_id=numbers.get(index + i, one.sub_id)) for i, one in enumerate(battery.observations)
        )
        done.append(replace(battery, observations=own))
        index += len(own)
    return as_read(done)


def _numbers(flat: Sequence[Observation]) -> dict[int, str]:
    """Sub-ids of organisms and of their lines: ``1``, ``1.1``, ``1.2``, ``2``… None that is in use elsewhere."""
    children: dict[int, list[int]] = {}
    for index, one in enumerate(flat):
        if one.parent is not None and one.parent != index and 0 <= one.parent < len(flat):
            children.setdefault(one.parent, []).append(index)
    below = {index for own in children.values() for index in own}
    taken = {one.sub_id.partition(".")[0] for i, one in enumerate(flat) if i not in below and i not in children}
    found: dict[int, str] = {}
    free = (str(number) for number in range(1, 2 * len(flat) + 2) if str(number) not in taken)
    pending = [(index, next(free)) for index in sorted(children) if index not in below]
    while pending:
        index, number = pending.pop()
        found[index] = number
        pending += [(child, f"{number}.{rank}") for rank, child in enumerate(children.get(index, ()), 1)]
    return found
