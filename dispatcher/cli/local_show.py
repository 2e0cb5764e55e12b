"""How the laboratory's table, its changes and its versions are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import typer

from dispatcher.cli.output import FAILURES, complain, moment, print_json, say, table
from dispatcher.directory.local.book import Look, TableBook
from dispatcher.directory.local.columns import FRENCH, Fault
from dispatcher.directory.local.edit import Change, ChangeKind
from dispatcher.directory.local.history import Kept
from dispatcher.directory.local.table import ACCEPT, Table
from dispatcher.directory.local.writing import cells
from dispatcher.french import counted
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


def not_in_service(book: TableBook, look: Look) -> str:
    """What to say of a table with faults or without its file, and which one answers meanwhile."""
    kept = book.serving()
    many = "le fichier a disparu" if look.gone else counted(len(look.faults), "faute")
    if kept is None:
        return f"{book.path.name} n'est pas en service ({many}), et aucune bonne version n'est gardée."
    return f"{book.path.name} n'est pas en service ({many}) : la version {kept.number} du {moment(kept.at)} y reste."


def end_unless_serving(book: TableBook, look: Look) -> None:
    """Say why the file is not what answers, and what to do; ends the command with code 1."""
    if look.serves:
        return
    complain(not_in_service(book, look))
    for fault in look.faults:
        complain(str(fault))
    complain(f"  → {advice(look)}")
    raise typer.Exit(FAILURES)


def advice(look: Look) -> str:
    """What to do about a table that is not in service."""
    if look.gone:
        return "Remettre le fichier en place, ou « dispatcher directory local undo » remet la dernière bonne version."
    if look.table.faults:
        return "Corriger le fichier, ou « dispatcher directory local undo » remet la dernière bonne version."
    return ACCEPT


def show_history(book: TableBook, look: Look) -> None:
    """Newest first."""
    kept = tuple(reversed(book.history.versions()))
    rows = [(str(one.number), moment(one.at), one.by, one.what, one.digest, standing(book, look, one)) for one in kept]
    table("", ("Version", "Le", "Par", "Ce qui a été fait", "Empreinte", ""), rows, empty="Aucune version gardée.")
    if not look.serves:
        complain(not_in_service(book, look))


def standing(book: TableBook, look: Look, one: Kept) -> str:
    """``en service`` of the version that answers, ``fautive`` of one that cannot, ``copie effacée``; else nothing."""
    serving = book.serving() if not look.serves else book.history.last(look.version)
    if serving is not None and serving.number == one.number:
        return "en service"
    if book.faulty(one):
        return "fautive"
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
