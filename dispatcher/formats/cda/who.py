"""Who carried a result out and who validated it, when that is not simply the laboratory.

Ambiguity is never solved by guessing: a name that fits two known people, or nobody, stays the name the file has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from dispatcher.formats.cda.draft import Draft
from dispatcher.formats.cda.elements import flat
from dispatcher.report.folding import unaccented
from dispatcher.report.identifiers import compact
from dispatcher.report.model import IdType, Observation, Practitioner

_TITLES = frozenset({"DR", "DOCTEUR", "PR", "PROFESSEUR", "M", "MR", "MME", "MLLE", "MONSIEUR", "MADAME"})


def performer_of(draft: Draft, observation: Observation) -> Practitioner | None:
    """The sub-contractor of a result; None when it is the laboratory itself or nobody is named."""
    who = observation.performer
    if who is None or not flat(who.label):
        return None
    laboratory = draft.laboratory
    same_number = bool(laboratory.finess) and compact(laboratory.finess) in {compact(n) for n in structure_numbers(who)}
    same_name = flat(who.organisation or who.label).casefold() == flat(laboratory.name).casefold()
    return None if same_number or same_name else who


def structure_numbers(who: Practitioner) -> list[str]:
    """FINESS or SIRET of the structure, whether it stands as such or as the id of the whole."""
    own = who.id if who.id_type in (IdType.FINESS, IdType.SIRET) else ""
    return [number for number in (who.organisation_id, own) if number.strip()]


def validator_of(draft: Draft, observation: Observation) -> Practitioner | None:
    """Who validated a result: as the result says, else the only validator of the report."""
    named = flat(observation.validated_by)
    if not named:
        return draft.report.validators[0] if len(draft.report.validators) == 1 else None
    if named not in draft.validators:
        draft.validators[named] = _known(draft, named)
    return draft.validators[named]


def _known(draft: Draft, name: str) -> Practitioner:
    """The one person of the report or of the laboratory a name or number means; else a person of that name only."""
    people = dict.fromkeys((*draft.report.validators, draft.laboratory.biologist))
    words = _words(name)
    found = [p for p in people if words and (_words(f"{p.family} {p.given}") == words or _numbered(p, name))]
    numbers = {compact(p.id) for p in found}
    if found and len(numbers) == 1:
        return found[0]
    return Practitioner(family=name)


def _numbered(who: Practitioner, name: str) -> bool:
    return bool(who.id.strip()) and compact(who.id) == compact(name)


def _words(name: str) -> frozenset[str]:
    return frozenset(re.findall(r"[A-Z0-9]+", unaccented(name, "NFD").upper())) - _TITLES


def common(people: Iterable[Practitioner | None]) -> Practitioner | None:
    """The one person behind all; None when there are several, or one result has nobody."""
    found = dict.fromkeys(people)
    return next(iter(found)) if len(found) == 1 else None
