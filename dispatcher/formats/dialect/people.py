"""Persons: order of their names, kind of their numbers, copies written in fields and in comments."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

from dispatcher.dialects.kinds import Names
from dispatcher.dialects.model import Dialect, Practitioners
from dispatcher.dialects.words import fits, person_of
from dispatcher.formats.dialect.drafts import each_repetition, joined, literal, put
from dispatcher.formats.dialect.layouts import Layout
from dispatcher.formats.dialect.tree import Node, all_of
from dispatcher.formats.er7.notes import Notes
from dispatcher.formats.er7.segments import Segment
from dispatcher.formats.er7.separators import Separators
from dispatcher.report.model import Severity

_TITLES = frozenset({"DR", "DR.", "DOCTEUR", "PR", "PR.", "PROF", "PROFESSEUR", "M", "M.", "MR", "MME", "MLLE"})
_TYPE_WORDS = frozenset({"", "L", "R", "A", "N", "RPPS", "ADELI", "FINESS", "IDNPS", "LOCAL", "PS", "ETS"})
Change = Callable[[list[str]], list[str]]


def order_names(root: Node, dialect: Dialect, layout: Layout) -> None:
    """``[patient] name_order`` and ``[practitioners] name_order``."""
    segments = [segment for node in root.walk() for segment in node.segments]
    wanted = dialect.patient.name_order
    if wanted != "family-given":
        _change(segments, layout.names, lambda one: partial(_ordered, wanted, 1, one.separators))
    wanted = dialect.practitioners.name_order
    if wanted != "family-given":
        for segment, number in _person_fields(segments, layout):
            _change_persons(segment, number, _practitioner_names(wanted, layout, segment.separators))


def _change(segments: list[Segment], places: tuple[tuple[str, int], ...], change: Callable[[Segment], Change]) -> None:
    for segment in segments:
        for name, number in places:
            if segment.name == name:
                each_repetition(segment, number, change(segment))


def _person_fields(segments: list[Segment], layout: Layout) -> Iterator[tuple[Segment, int]]:
    return (
        (segment, number)
        for segment in segments
        for name, number in layout.persons
        if name == segment.name and segment.raw(number)
    )


def _change_persons(segment: Segment, number: int, change: Change) -> None:
    """OBR-32 writes a person in the subcomponents of its first component (NDL, HL7 v2.5 §2.A.45)."""
    separators = segment.separators

    def one(parts: list[str]) -> list[str]:
        if number == 32 and separators.subcomponent and separators.subcomponent in parts[0]:
            inner = change(parts[0].split(separators.subcomponent))
            return [joined(inner, separators.subcomponent), *parts[1:]]
        return change(parts)

    each_repetition(segment, number, one)


def _practitioner_names(wanted: Names, layout: Layout, separators: Separators) -> Change:
    if layout.given_at:
        return partial(_ordered, wanted, 2, separators)

    def hprim(parts: list[str]) -> list[str]:
        if len(parts) < 2 or not separators.subcomponent:
            return parts
        names = _ordered(wanted, 1, separators, parts[1].split(separators.subcomponent))
        return [parts[0], joined(names, separators.subcomponent), *parts[2:]]

    return hprim


def _ordered(wanted: Names, family_at: int, separators: Separators, parts: list[str]) -> list[str]:
    """The same components with the family name first."""
    parts = [*parts, *[""] * (family_at + 1 - len(parts))]
    family, given = parts[family_at - 1], parts[family_at]
    if wanted == "given-family":
        family, given = given, family
    elif not given:
        cut = split_joined(separators.clean(family), given_first=wanted == "joined-given-first")
        family, given = (literal(text, separators) for text in cut)
    parts[family_at - 1 : family_at + 1] = [family, given]
    return parts


def split_joined(text: str, *, given_first: bool = False) -> tuple[str, str]:
    """``"LE GOFF Anne-Marie"`` to family and given name, the words in capitals being the family name.

    All in capitals, or none: nobody can tell, so the whole stays the family name.
    """
    words = text.split()
    title = [words.pop(0)] if len(words) > 1 and words[0].upper() in _TITLES else []
    capitals = [word == word.upper() and any(char.isalpha() for char in word) for word in words]
    if given_first:
        words, capitals = words[::-1], capitals[::-1]
    count = next((rank for rank, one in enumerate(capitals) if not one), len(words))
    if not 0 < count < len(words) or any(capitals[count:]):
        return text, ""
    family, given = words[:count], words[count:]
    if given_first:
        family, given = family[::-1], given[::-1]
    return " ".join([*title, *family]), " ".join(given)


# ------------------------------------------------------------------------------------------------ numbers


def number_kinds(root: Node, dialect: Dialect, layout: Layout) -> None:
    """``[[practitioners.numbers]]``: which component holds the number, and what it is."""
    if not dialect.practitioners.numbers:
        return
    segments = [segment for node in root.walk() for segment in node.segments]
    for segment, number in _person_fields(segments, layout):
        _change_persons(segment, number, partial(_numbered, dialect.practitioners, layout))


def _numbered(rules: Practitioners, layout: Layout, parts: list[str]) -> list[str]:
    for rule in rules.numbers:
        value = parts[rule.component - 1].strip() if rule.component <= len(parts) else ""
        if not value or (rule.mask is not None and not fits(value, rule.mask)):
            continue
        parts = [value, *parts[1:]]
        if rule.component > 1:
            parts[rule.component - 1] = ""
        return _typed(parts, rule.type, layout)
    return parts


def _typed(parts: list[str], kind: str, layout: Layout) -> list[str]:
    """The number's kind where the reader looks for it; what else spoke of it is taken away."""
    if not layout.given_at:
        at = layout.type_at if _part(parts, layout.type_at).upper() in _TYPE_WORDS else layout.type_at + 1
        parts = [*parts, *[""] * (at - len(parts))]
        parts[at - 1] = "L" if kind == "local" else kind
        return parts
    parts = [*parts, *[""] * (layout.type_at - len(parts))]
    for hint in (8, 9, 12, 14):
        if hint <= len(parts):
            parts[hint - 1] = ""
    parts[layout.type_at - 1] = "" if kind == "local" else kind
    return parts


def _part(parts: list[str], number: int) -> str:
    return parts[number - 1].strip() if number <= len(parts) else ""


# ------------------------------------------------------------------------------------------------ copies


def copies(root: Node, dialect: Dialect, layout: Layout, notes: Notes) -> list[Segment]:
    """``[copies]``: persons of other fields and of comments join OBR-28; gives the comments that are used up."""
    used: list[Segment] = []
    rules = dialect.copies
    if not rules.fields and not rules.comments:
        return used
    read = {
        id(segment): people
        for node in root.walk()
        for segment in node.segments
        if segment.name == layout.comment and (people := _in_comment(segment, dialect, layout, notes))
    }
    for node in root.walk():
        for segment in node.segments:
            if segment.name != "OBR":
                continue
            family = [*reversed(list(node.up())), *node.walk()]
            found = [value for place in rules.fields for one in family for value in all_of(one, place)]
            found += [person for one in family for item in one.segments for person in read.get(id(item), ())]
            _add(segment, found, notes)
    used += [segment for node in root.walk() for segment in node.segments if id(segment) in read]
    return used


def _add(obr: Segment, found: list[str], notes: Notes) -> None:
    known = [one for one in (obr.raw(28), *found) if one and one != '""']
    mark = obr.separators.repetition
    if len(known) > 1 and not mark:
        notes.tally(
            "dialect-copy",
            Severity.ERROR,
            obr.where(28),
            "Le fichier ne déclare pas de séparateur de répétition : une seule copie est lue. Faire corriger l’export.",
        )
        known = known[:1]
    if known:
        put(obr, 28, 0, mark.join(known))


def _in_comment(segment: Segment, dialect: Dialect, layout: Layout, notes: Notes) -> tuple[str, ...]:
    """The persons a comment names, raw as this format writes them; none when it is an ordinary comment."""
    separators = segment.separators
    lines = [separators.unescape(one) for one in separators.repetitions(segment.written(3))]
    text = re.sub(r"\s+", " ", " ".join(lines)).strip()
    prefix = next((one for one in dialect.copies.comments if text.casefold().startswith(one.casefold())), None)
    if prefix is None:
        return ()
    pieces = [one.strip() for one in text[len(prefix) :].split(dialect.copies.separator) if one.strip()]
    people = [person_of(one, dialect.copies.person) for one in pieces]
    if not people or None in people:
        notes.tally(
            "dialect-copy",
            Severity.ERROR,
            segment.where(3),
            "Commentaire annoncé comme une liste de copies, mais illisible selon le modèle « person » du dialecte : "
            "gardé comme commentaire. Vérifier à qui ce compte rendu est dû, puis corriger le dialecte.",
        )
        return ()
    return tuple(_raw_person(one, layout, separators) for one in people if one is not None)


def _raw_person(person: dict[str, str], layout: Layout, separators: Separators) -> str:
    number, given = person.get("id", ""), person.get("given", "")
    family = person.get("family", "") or person.get("name", "")
    number, family, given = (literal(text, separators) for text in (number, family, given))
    if layout.given_at:
        return joined([number, family, given], separators.component)
    names = joined([family, given], separators.subcomponent) if separators.subcomponent else f"{family} {given}".strip()
    return joined([number, names], separators.component)
