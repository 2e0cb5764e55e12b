"""Which organism an antibiogram line belongs to.

HL7 v2.5 chapter 7 §7.4.2.4 (OBX-4 groups an organism with its results, ``1.2`` under ``1``), §7.4.1.26 and .29 (OBR-26
parent result, OBR-29 parent order of a susceptibility battery). What is not stated is not guessed: a line without any
of these keeps no parent, except under the organism just above it, or when the report has only one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dispatcher.formats.er7.segments import Segment
from dispatcher.report.model import Observation, ValueType

SUSCEPTIBILITY = frozenset({"S", "I", "R", "MS", "VS", "SDD", "NS", "SIE"})
"""Table 0078 letters that only an antibiogram line carries."""
_WORDS = frozenset({"S", "I", "R", "SFP", "SENSIBLE", "RESISTANT", "RÉSISTANT", "INTERMEDIAIRE", "INTERMÉDIAIRE"}) | {
    "SUSCEPTIBLE",
    "SENSITIVE",
    "INTERMEDIATE",
}
_ORGANISM_LOINC = frozenset(
    {"600-7", "630-4", "634-6", "635-3", "6463-4", "11475-1", "17928-3", "17934-1", "580-1", "41852-5", "6462-6"}
    | {"609-8", "624-7", "625-4", "626-2", "10352-3", "606-4", "611-4", "11261-5", "43408-4", "543-9", "10354-9"}
    | {"43441-5", "53558-3", "19128-8", "621-3", "618-9", "619-7", "608-0", "10353-1", "620-5"}
)
"""Codes whose value is the organism found in a culture."""


_LEVEL = re.compile(r"[.\-/][^.\-/]*$")


@dataclass(frozen=True, slots=True)
class Rank:
    """One observation at its place: index in the whole report and number of its battery."""

    index: int
    battery: int
    observation: Observation

    @property
    def susceptibility(self) -> bool:
        """A line of an antibiogram by its flag or its value."""
        own = self.observation
        if any(flag in SUSCEPTIBILITY for flag in own.flags) or own.value.strip().upper() in _WORDS:
            return True
        return own.value_code is not None and own.value_code.code.upper() in ("S", "I", "R")

    @property
    def organism(self) -> bool:
        """May be the finding of an organism: said in words, and not itself a line of an antibiogram."""
        own = self.observation
        if own.loinc in _ORGANISM_LOINC:
            return True
        return own.type in (ValueType.CODED, ValueType.TEXT) and bool(own.value) and not self.susceptibility


def parents(batteries: Sequence[tuple[Segment | None, Sequence[Observation]]]) -> dict[int, int]:
    """``{index of a line: index of its organism}`` over the observations of one report in file order."""
    linked = any(obr is not None and obr.raw(26) for obr, _ in batteries)
    if not linked and not any(_telling(observations) for _, observations in batteries):
        return {}
    ranks: list[list[Rank]] = []
    index = 0
    for number, (_, observations) in enumerate(batteries):
        ranks.append([Rank(index + place, number, one) for place, one in enumerate(observations)])
        index += len(observations)
    found: dict[int, int] = {}
    for number, (obr, _) in enumerate(batteries):
        above = _parent_of_battery(obr, number, batteries, ranks)
        for place, rank in enumerate(ranks[number]):
            parent = _by_dots(rank, ranks[number]) or above
            if parent is None and rank.susceptibility:
                parent = _just_above(rank, ranks[number][:place]) or _only_one(rank, ranks[: number + 1])
            if parent is not None and parent.index != rank.index:
                found[rank.index] = parent.index
    return found


def _telling(results: Sequence[Observation]) -> bool:
    """Some of them may belong to an antibiogram; nearly no result of a laboratory does."""
    flags = {letters for one in results if (letters := one.flags)}
    if any(not SUSCEPTIBILITY.isdisjoint(letters) for letters in flags):
        return True
    for one in results:
        if one.sub_id or (one.type is not ValueType.NUMERIC and one.value.upper() in _WORDS):
            return True
        if one.value_code is not None and one.value_code.code.upper() in ("S", "I", "R"):
            return True
    return False


def _by_dots(rank: Rank, own: Sequence[Rank]) -> Rank | None:
    """``1.2`` under ``1``; some write ``1-2`` or ``1/2``."""
    prefix = rank.observation.sub_id
    while found := _LEVEL.search(prefix):
        prefix = prefix[: found.start()]
        for other in own:
            if other.observation.sub_id == prefix and other.organism:
                return other
    return None


def _just_above(rank: Rank, before: Sequence[Rank]) -> Rank | None:
    """With a sub-id: the organism of that group. Without: the nearest coded organism above."""
    sub_id = rank.observation.sub_id
    if sub_id:
        group = [other for other in before if other.observation.sub_id == sub_id and other.organism]
        known = [other for other in group if other.observation.loinc in _ORGANISM_LOINC]
        coded = [other for other in group if other.observation.type is ValueType.CODED]
        return next(iter(known or coded or group), None)
    for other in reversed(before):
        if other.observation.loinc in _ORGANISM_LOINC or (
            other.organism and other.observation.type is ValueType.CODED and not other.observation.sub_id
        ):
            return other
    return None


def _only_one(rank: Rank, so_far: Sequence[Sequence[Rank]]) -> Rank | None:
    """The one organism of the report up to here, when there is no other it could be."""
    found = [
        other
        for ranks in so_far
        for other in ranks
        if other.index < rank.index and other.observation.loinc in _ORGANISM_LOINC and other.observation.value
    ]
    return found[0] if len(found) == 1 else None


def _parent_of_battery(
    obr: Segment | None,
    number: int,
    batteries: Sequence[tuple[Segment | None, Sequence[Observation]]],
    ranks: Sequence[Sequence[Rank]],
) -> Rank | None:
    """The organism OBR-26 names, looked for in the battery OBR-29 names, else in all the others."""
    if obr is None or not (obr.raw(26) or obr.raw(29)):
        return None
    link = obr.composite(29)
    numbers = {text for text in (link.first(1), link.first(2)) if text}
    named = [
        place
        for place, (other, _) in enumerate(batteries)
        if place != number and other is not None and numbers & {other.component(2), other.component(3)}
    ]
    pool = [rank for place in (named or range(len(ranks))) if place != number for rank in ranks[place] if rank.organism]
    result = obr.composite(26)
    code, sub_id = result.first(1), result.first(2)
    if code or sub_id or result.whole(3):
        exact = [one for one in pool if _matches(one.observation, code, sub_id)]
        same = [one for one in exact if _folded(one.observation.value) == _folded(result.whole(3))]
        exact = same if len(exact) > 1 and same else exact
        return (
            exact[0]
            if len({(one.battery, one.observation.sub_id, one.observation.value) for one in exact}) == 1
            else None
        )
    known = [one for one in pool if one.observation.loinc in _ORGANISM_LOINC] or pool
    return known[0] if named and len(known) == 1 else None


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _matches(own: Observation, code: str, sub_id: str) -> bool:
    codes = {own.code.code, own.loinc or "", own.alternate.code if own.alternate else ""}
    return (not code or code in codes) and (not sub_id or own.sub_id == sub_id)
