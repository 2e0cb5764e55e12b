"""How the laboratory's table, its changes and its versions are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from dispatcher.cli.output import moment, print_json, say, table
from dispatcher.directory.local.columns import FRENCH, Fault
from dispatcher.directory.local.edit import Change, ChangeKind
from dispatcher.directory.local.history import Kept
from dispatcher.directory.local.table import Table
from dispatcher.directory.local.writing import cells
from dispatcher.routing.candidates import LocalEntry

WORDS = {ChangeKind.ADDED: "ajoutée", ChangeKind.CHANGED: "changée", ChangeKind.REMOVED: "retirée"}


def show_lines(lines: Sequence[LocalEntry]) -> None:
    """Only the columns that hold something."""
    rows = [(str(entry.line), *cells(entry).values()) for entry in lines]
    titles = ("ligne", *FRENCH.values())
    used = [place for place, _ in enumerate(titles) if place < 2 or any(row[place] for row in rows)]
    columns = tuple(titles[place] for place in used)
    table("", columns, [tuple(row[place] for place in used) for row in rows], empty="La table est vide.")


def show_warnings(found: Table, more: Sequence[Fault] = ()) -> None:
    """What is odd but usable."""
    for warning in (*found.warnings, *more):
        say(f"Remarque : {warning}")


def show_changes(changes: Sequence[Change]) -> None:
    """Line by line: what was there and what comes."""
    rows = [_row(change) for change in changes]
    columns = ("Ligne", "Devient", "Code", "Source", "Avant", "Après")
    table("Différences", columns, rows, empty="Aucune différence.")
    counts = {word: sum(one.kind is kind for one in changes) for kind, word in WORDS.items()}
    told = [f"{count} {word}{'s' if count > 1 else ''}" for word, count in counts.items() if count]
    if told:
        say(f"Lignes : {', '.join(told)}.")


def _row(change: Change) -> tuple[str, ...]:
    entry = change.after or change.before
    assert entry is not None  # a change has one side at least
    line = str(change.before.line) if change.before is not None else "–"
    before, after = _said(change.before, change.after), _said(change.after, change.before)
    return line, WORDS[change.kind], entry.code, entry.source, before, after


def _said(entry: LocalEntry | None, other: LocalEntry | None) -> str:
    """The fields of one side; of a changed line only those that differ."""
    if entry is None:
        return "–"
    own = {name: text for name, text in cells(entry).items() if name not in {"code", "source"}}
    beside = cells(other) if other is not None else {}
    stamp = {"added_by", "added_on", "reason"}
    told = [
        f"{FRENCH[name]} {text or '(vide)'}"
        for name, text in own.items()
        if name not in stamp and (text != beside[name] if beside else text)
    ]
    return ", ".join(told)


def show_history(kept: Sequence[Kept], current: str) -> None:
    """Newest first."""
    rows = [
        (str(one.number), moment(one.at), one.by, one.what, one.digest, _standing(one, current, kept)) for one in kept
    ]
    table("", ("Version", "Le", "Par", "Ce qui a été fait", "Empreinte", ""), rows, empty="Aucune version gardée.")


def _standing(one: Kept, current: str, kept: Sequence[Kept]) -> str:
    if one.digest == current and next(other for other in kept if other.digest == current) is one:
        return "en service"
    return "" if one.there else "copie effacée"


def accept_told(version: str, *, written: bool, json: bool) -> None:
    """The end of ``accept``."""
    if json:
        print_json({"written": written, "version": version})
    else:
        say(f"Acceptée ; version {version}.")


def change_json(change: Change) -> dict[str, Any]:
    """A change for programs."""
    return asdict(change)
