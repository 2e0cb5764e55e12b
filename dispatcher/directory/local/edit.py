"""Comparing tables of recipients, and what would become of one: line by line, before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from dispatcher.directory.local.writing import Edit
from dispatcher.errors import DirectoryError
from dispatcher.routing.candidates import LocalEntry

Key = tuple[str, str, date | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Who changes the table, when, why: written on every line it touches."""

    by: str
    on: date
    reason: str = ""

    def mark(self, entry: LocalEntry) -> LocalEntry:
        """The line with this stamp; without a new reason the line keeps its own."""
        return replace(entry, added_by=self.by, added_on=self.on, reason=self.reason or entry.reason)


class ChangeKind(StrEnum):
    """What became of a line."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line that differs: ``before`` is ``None`` when added, ``after`` when removed."""

    kind: ChangeKind
    before: LocalEntry | None = None
    after: LocalEntry | None = None


def key(entry: LocalEntry) -> Key:
    """Lines with the same source, code and first day are the same line."""
    return entry.source, entry.code, entry.valid_from


def plain(entry: LocalEntry) -> LocalEntry:
    """What the line does: without its place and who wrote it."""
    return replace(entry, line=0, added_by="", added_on=None, reason="")


def diff(before: Iterable[LocalEntry], after: Iterable[LocalEntry]) -> tuple[Change, ...]:
    """What turns one table into the other, places and who wrote them ignored; removals come last."""
    old = {key(entry): entry for entry in before}
    new = {key(entry): entry for entry in after}
    found = []
    for place, entry in new.items():
        known = old.get(place)
        if known is None:
            found.append(Change(kind=ChangeKind.ADDED, after=entry))
        elif plain(known) != plain(entry):
            found.append(Change(kind=ChangeKind.CHANGED, before=known, after=entry))
    found += [Change(kind=ChangeKind.REMOVED, before=entry) for place, entry in old.items() if place not in new]
    return tuple(found)


def merge(current: Sequence[LocalEntry], added: Sequence[LocalEntry], *, whole: bool = False) -> tuple[Change, ...]:
    """What laying ``added`` over ``current`` changes. Nothing is removed, unless ``added`` is the ``whole`` new table.

    Raises :class:`DirectoryError` when ``added`` says two things of one line: which one holds is not ours to choose.
    """
    seen: dict[Key, LocalEntry] = {}
    for entry in added:
        other = seen.setdefault(key(entry), entry)
        if plain(other) != plain(entry):
            raise DirectoryError(
                f"Le code « {entry.code} » figure deux fois, lignes {other.line} et {entry.line}, aux mêmes dates.",
                hint="Garder une seule des deux lignes, puis recommencer.",
            )
    changes = diff(current, added)
    return changes if whole else tuple(one for one in changes if one.kind is not ChangeKind.REMOVED)


def edits(changes: Iterable[Change], stamp: Stamp) -> tuple[Edit, ...]:
    """The lines to write, each with who, when and why; a reason in the line itself wins."""
    found = []
    for change in changes:
        line = change.before.line if change.before is not None else 0
        entry = change.after and stamp.mark(change.after)
        if entry is not None and change.after is not None and change.after.reason:
            old = change.before.reason if change.before is not None else ""
            entry = replace(entry, reason=change.after.reason if change.after.reason != old else entry.reason)
        found.append(Edit(line=line, entry=entry))
    return tuple(found)


def find(entries: Iterable[LocalEntry], code: str, *, source: str | None = None, line: int = 0) -> LocalEntry:
    """The one line of this code, narrowed by its source and line. Raises :class:`DirectoryError` when it is not one."""
    wanted = " ".join(code.split())
    found = [
        entry
        for entry in entries
        if entry.code == wanted and source in {None, entry.source} and line in {0, entry.line}
    ]
    if not found:
        raise DirectoryError(
            f"Le code « {wanted} » n'est pas dans la table.", hint="« dispatcher directory local list » la montre."
        )
    if len(found) > 1:
        numbers = ", ".join(str(entry.line) for entry in found)
        raise DirectoryError(
            f"Le code « {wanted} » est à plusieurs lignes de la table : {numbers}.",
            hint="Dire laquelle par --line NUMÉRO.",
        )
    return found[0]
