"""Changing the raw fields of a segment; text of a dialect (``D001^DURAND``) in the separators of the message."""

from __future__ import annotations

from collections.abc import Callable

from dispatcher.dialects.places import Place
from dispatcher.formats.er7.segments import Segment
from dispatcher.formats.er7.separators import Separators


def put(segment: Segment, number: int, component: int, raw: str, *, wipe: bool = False) -> None:
    """Raw text into a field (component 0) or one component; ``wipe`` empties the rest of the field."""
    fields = segment.fields
    if number >= len(fields):
        if not raw:
            return
        fields.extend([""] * (number + 1 - len(fields)))
    separators = segment.separators
    if not component or not separators.component:
        fields[number] = raw
        return
    parts = [] if wipe else separators.components(fields[number])
    parts.extend([""] * (component - len(parts)))
    parts[component - 1] = raw
    fields[number] = joined(parts, separators.component)


def joined(parts: list[str], separator: str) -> str:
    """Parts with a separator in between, none at the end."""
    while parts and not parts[-1]:
        parts.pop()
    return separator.join(parts)


def repeated(parts: list[str], separators: Separators) -> str:
    """Parts that are not empty as repetitions; only the first where the message declares no separator for them."""
    filled = [part for part in parts if part]
    return separators.repetition.join(filled) if separators.repetition else next(iter(filled), "")


def put_place(segment: Segment, place: Place, raw: str) -> None:
    """The same for a place; a subcomponent keeps its neighbours."""
    separators = segment.separators
    if place.sub and separators.subcomponent and separators.component:
        known = segment.fields[place.field] if place.field < len(segment.fields) else ""
        parts = separators.components(known)
        parts.extend([""] * (place.component - len(parts)))
        subs = parts[place.component - 1].split(separators.subcomponent)
        subs.extend([""] * (place.sub - len(subs)))
        subs[place.sub - 1] = raw
        raw = joined(subs, separators.subcomponent)
    put(segment, place.field, place.component, raw)


def literal(text: str, separators: Separators) -> str:
    """Text of a person in the file's own escapes; where there is no escape the separators become blanks."""
    if separators.escape:
        return separators.escaped(text)
    marks = (separators.field, separators.component, separators.repetition, separators.subcomponent)
    return text.translate({ord(mark): " " for mark in marks if mark})


def encoded(text: str, separators: Separators) -> str:
    """``D001^DURAND~D002`` as dialects write it (``^ ~ &``) in the separators of this message."""
    if not separators.component:
        return literal(text, separators)
    levels = [("~", separators.repetition), ("^", separators.component), ("&", separators.subcomponent)]

    def cut(part: str, rank: int) -> str:
        if rank == len(levels):
            return literal(part, separators)
        mark, own = levels[rank]
        return (own or " ").join(cut(one, rank + 1) for one in part.split(mark))

    return cut(text, 0)


def each_repetition(segment: Segment, number: int, change: Callable[[list[str]], list[str]]) -> None:
    """Change the components of every repetition of a field that is not empty."""
    raw = segment.raw(number)
    if not raw or raw == '""':
        return
    separators = segment.separators
    found = [joined(change(separators.components(one)), separators.component) for one in separators.repetitions(raw)]
    segment.fields[number] = separators.repetition.join(found)
