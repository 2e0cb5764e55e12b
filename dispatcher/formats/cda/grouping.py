"""Results of the report into groups: what stands in a battery, what belongs to a germ, what becomes of each line."""

from __future__ import annotations

import re
from dataclasses import replace

from dispatcher.formats.cda import wording
from dispatcher.formats.cda.draft import Draft
from dispatcher.formats.cda.plan import Fate, Group, Isolate, Row
from dispatcher.formats.cda.who import performer_of, validator_of
from dispatcher.formats.spoken import WITHDRAWN, without_result
from dispatcher.report.model import Battery, Observation, Status, ValueType, When

_COUNT = re.compile(r"\b(ufc|cfu|germes?|colonies)\b|d[ée]nombrement|num[ée]ration", re.IGNORECASE)
"""A line of an isolate that counts germs and is no antibiotic."""  # observed, not specified


_FATES = {
    "X": Fate.ABORTED,
    **dict.fromkeys(("I", "O"), Fate.WAITING),
    **dict.fromkeys(WITHDRAWN, Fate.WITHDRAWN),
    "N": Fate.DROPPED,
}
"""HL7 table 0085, observation result status."""


def _fate(observation: Observation, cancelled: bool) -> Fate:
    fate = _FATES.get(observation.status.upper(), Fate.RESULT)
    if fate is not Fate.RESULT:
        return fate
    if not (observation.value.strip() or observation.value_code or observation.document or observation.raw.strip()):
        return Fate.SILENT
    return Fate.CANCELLED if cancelled else Fate.RESULT


def _organism_of(observations: tuple[Observation, ...]) -> dict[int, int]:
    """Index of a line to the index of its organism; chains are followed up, broken or circular links ignored."""
    parents: dict[int, int] = {}
    for index, observation in enumerate(observations):
        at, steps = observation.parent, 0
        top: int | None = None
        while at is not None and 0 <= at < len(observations) and at != index and steps < 8:
            top, at, steps = at, observations[at].parent, steps + 1
        if top is not None and steps < 8:
            parents[index] = top
    return parents


def groups(draft: Draft) -> list[Group]:
    """One group per battery, in file order, some perhaps empty."""
    report = draft.report
    observations = report.observations
    cancelled = report.status is Status.CANCELLED
    parents = _organism_of(observations)
    organisms = {i for i in parents.values() if i not in parents}
    isolates: dict[int, Isolate] = {}
    found: list[Group] = []
    lines: list[tuple[int, Row, Group]] = []
    index = -1
    for number, battery in enumerate(report.batteries, 1):
        group = Group(f"b{number}", battery)
        found.append(group)
        for observation in battery.observations:
            index += 1
            fate = _fate(observation, cancelled)
            if fate is Fate.DROPPED:
                continue
            row = _row(draft, battery, observation, f"o{index + 1}", fate)
            if index in organisms and fate is not Fate.WITHDRAWN:
                isolates[index] = Isolate(row)
                group.isolates.append(isolates[index])
            elif index in parents:
                lines.append((parents[index], row, group))
            else:
                group.rows.append(row)
    _place_lines(isolates, lines)
    for group in found:
        _further_germs(group)
        _place_counts(group)
    for number, isolate in enumerate((i for group in found for i in group.isolates), 1):
        isolate.number = number
    return found


def _row(draft: Draft, battery: Battery, observation: Observation, key: str, fate: Fate) -> Row:
    at = _when(draft, battery, observation)
    if observation.previous and draft.report.status is Status.CANCELLED:  # a cancelled report shows no value at all
        observation = replace(observation, previous=())
    observation = without_result(observation)
    return Row(key, observation, fate, at, performer_of(draft, observation), validator_of(draft, observation))


def _counts_germs(row: Row) -> bool:
    return bool(_COUNT.search(row.observation.unit) or _COUNT.search(wording.label(row.observation.code)))


def _place_lines(isolates: dict[int, Isolate], lines: list[tuple[int, Row, Group]]) -> None:
    """Antibiogram lines go under their organism, wherever the file put them."""
    for organism, row, group in lines:
        isolate = isolates.get(organism)
        if isolate is None:  # the organism was deleted: the line stays where the file has it
            group.rows.append(row)
            continue
        if _counts_germs(row):
            isolate.counts.append(row)
            continue
        row.tested = True
        isolate.lines.append(row)
        if not isolate.title and all(i is not isolate for i in group.isolates):
            isolate.title = group.title


def _further_germs(group: Group) -> None:
    """A germ without antibiogram: the same analysis as a germ of its battery, under a sub-id of its own (OBX-4)."""
    known = {isolate.organism.observation.code for isolate in group.isolates}
    taken = {isolate.organism.observation.sub_id.strip() for isolate in group.isolates} | {""}
    for row in list(group.rows) if known else []:
        own = row.observation
        in_words = own.type in (ValueType.TEXT, ValueType.CODED) and row.fate in (Fate.RESULT, Fate.CANCELLED)
        if in_words and own.code in known and own.sub_id.strip() not in taken:
            taken.add(own.sub_id.strip())
            group.rows.remove(row)
            group.isolates.append(Isolate(row))
    group.isolates.sort(key=lambda isolate: int(isolate.organism.key[1:]))


def _place_counts(group: Group) -> None:
    """A row with the sub-id of exactly one organism of its battery belongs to it (HL7 v2 OBX-4).

    Beside a single germ a sub-id proves little, for many files number every line ``1``: then only counts move.
    """
    by_sub_id: dict[str, list[Isolate]] = {}
    for isolate in group.isolates:
        by_sub_id.setdefault(isolate.organism.observation.sub_id.strip(), []).append(isolate)
    by_sub_id.pop("", None)
    kept = []
    for row in group.rows:
        owners = by_sub_id.get(row.observation.sub_id.strip(), [])
        told_apart = len(by_sub_id) > 1 or _counts_germs(row)
        if len(owners) == 1 and told_apart and row.observation.type is not ValueType.DOCUMENT:
            owners[0].counts.append(row)
        else:
            kept.append(row)
    group.rows = kept


def _when(draft: Draft, battery: Battery, observation: Observation) -> When | None:
    specimen = battery.specimen
    return (
        observation.observed_at
        or battery.collected_at
        or (specimen.collected_at if specimen else None)
        or draft.report.collected_at
    )
