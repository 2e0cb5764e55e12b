"""``dispatcher directory local list|add|set|remove|import|export|diff``: the laboratory's table.

Its versions stand in ``local_versions.py``. Every change is shown before it is made, is made
only in the table that was looked at, and can be taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from dispatcher.cli import asking
from dispatcher.cli.context import office, settings
from dispatcher.cli.local_show import (
    advice,
    change_json,
    end_unless_serving,
    not_in_service,
    show_changes,
    show_lines,
    show_warnings,
)
from dispatcher.cli.output import complain, print_json, say
from dispatcher.cli.person import login
from dispatcher.clock import SystemClock
from dispatcher.directory.local import edit
from dispatcher.directory.local.book import CHANGED, Look, TableBook
from dispatcher.directory.local.columns import COLUMNS, Record, Sheet
from dispatcher.directory.local.edit import Change, ChangeKind
from dispatcher.directory.local.lines import read_line
from dispatcher.directory.local.table import Table
from dispatcher.directory.local.writing import cells, for_spreadsheet
from dispatcher.directory.local.zeros import lost_since
from dispatcher.errors import ConfigError, DirectoryError, in_french
from dispatcher.french import counted, either
from dispatcher.report.identifiers import kind_of
from dispatcher.report.model import IdType
from dispatcher.routing.candidates import LocalEntry
from dispatcher.routing.facts import domain_of
from dispatcher.whole_file import put
from dispatcher.wiring import table_book

Json = Annotated[bool, typer.Option("--json", help="Sortie JSON ; sans --yes, montre sans écrire.")]
Yes = Annotated[bool, typer.Option("--yes", help="Écrit sans demander.")]
By = Annotated[str, typer.Option("--by", help="Qui fait ce changement ; votre nom de session sinon.")]
Reason = Annotated[str, typer.Option("--reason", help="Motif, gardé sur la ligne.")]
Expect = Annotated[str, typer.Option("--expect", help="Version regardée (JSON) : une autre est refusée.")]
Source = Annotated[str | None, typer.Option(help="La ligne de cette source.")]
Line = Annotated[int, typer.Option("--line", min=0, help="Numéro de ligne, quand le code y est plusieurs fois.")]
Kind = Annotated[IdType | None, typer.Option("--type", help="Genre de l'identifiant ; deviné sinon.")]

group = typer.Typer(help="Table du laboratoire : code prescripteur → identifiant ou adresse.", no_args_is_help=True)


def book() -> TableBook:
    """The table of the configuration."""
    return table_book(settings())


@group.command("list")
def list_lines(
    code: Annotated[str, typer.Option("--code", help="Seulement ce code.")] = "", json: Json = False
) -> None:
    """La table du laboratoire en service ; les fautes du fichier, s'il en a, et les remarques."""
    table = book()
    look = table.look()
    kept = None if look.serves else table.serving()
    held = table.judged(table.history.content(kept.digest), table.path.name) if kept is not None else look.table
    lines = [entry for entry in held.entries if code in ("", entry.code)]
    if json:
        print_json([asdict(entry) for entry in lines])
    else:
        show_lines(lines)
        show_warnings(held)
    end_unless_serving(table, look)


@group.command("add")
def add(
    code: Annotated[str, typer.Argument(help="Code du destinataire dans le SIL.")],
    identifier: Annotated[str, typer.Option(help="RPPS, ADELI, FINESS ou SIRET.")] = "",
    kind: Kind = None,
    address: Annotated[str, typer.Option(help="Adresse à utiliser.")] = "",
    label: Annotated[str, typer.Option(help="Libellé.")] = "",
    source: Annotated[str, typer.Option(help="Seulement pour cette source.")] = "",
    format: Annotated[str, typer.Option(help="cda ou hprim-medecins.")] = "",  # noqa: A002
    channel: Annotated[str, typer.Option(help="Canal.")] = "",
    delivery: Annotated[str, typer.Option("--delivery", help="mail, papier ou aucun.")] = "",
    start: Annotated[str, typer.Option("--from", help="Premier jour, JJ/MM/AAAA ou AAAA-MM-JJ.")] = "",
    end: Annotated[str, typer.Option("--until", help="Dernier jour.")] = "",
    by: By = "",
    reason: Reason = "",
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Ajoute une ligne à la table du laboratoire."""
    wanted = _typed(code, source, _kind(kind, identifier), identifier, address, label, format, channel)
    wanted |= {"delivery": delivery, "valid_from": start, "valid_to": end}

    def plan(look: Look) -> Sequence[Change]:
        entry = _judged(wanted)
        known = next((one for one in look.table.entries if edit.key(one) == edit.key(entry)), None)
        if known is not None:
            raise _there(known)
        return [Change(kind=ChangeKind.ADDED, after=entry)]

    # one line, shown in the command itself: nobody is asked
    _change(plan, f"ligne ajoutée, code « {code} »", by=by, reason=reason, yes=yes or not json, json=json)


def _there(known: LocalEntry) -> DirectoryError:
    return DirectoryError(
        f"Le code « {known.code} » est déjà à la ligne {known.line}.",
        hint="La changer par « local set », ou donner une date de début (--from) à la nouvelle.",
    )


def _typed(*cells_in_order: str) -> dict[str, str]:
    """Cells by name, in the order of the table's columns."""
    return dict(zip(COLUMNS, cells_in_order, strict=False))


@group.command("set")
def set_line(
    code: Annotated[str, typer.Argument(help="Code de la ligne à changer.")],
    source: Source = None,
    line: Line = 0,
    identifier: Annotated[str | None, typer.Option(help="Nouvel identifiant ; vide l'efface.")] = None,
    kind: Kind = None,
    address: Annotated[str | None, typer.Option(help="Nouvelle adresse ; vide l'efface.")] = None,
    label: Annotated[str | None, typer.Option(help="Libellé.")] = None,
    format: Annotated[str | None, typer.Option(help="cda ou hprim-medecins.")] = None,  # noqa: A002
    channel: Annotated[str | None, typer.Option(help="Canal.")] = None,
    delivery: Annotated[str | None, typer.Option("--delivery", help="mail, papier ou aucun.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="Premier jour.")] = None,
    end: Annotated[str | None, typer.Option("--until", help="Dernier jour.")] = None,
    by: By = "",
    reason: Reason = "",
    yes: Yes = False,
    expect: Expect = "",
    json: Json = False,
) -> None:
    """Change une ligne : ce qui n'est pas donné reste."""
    given = {
        "identifier": identifier,
        "id_type": _kind(kind, identifier) if identifier is not None or kind else None,
        "address": address,
        "label": label,
        "format": format,
        "channel": channel,
        "delivery": delivery,
        "valid_from": start,
        "valid_to": end,
    }

    def plan(look: Look) -> Sequence[Change]:
        before = edit.find(look.table.entries, code, source=source, line=line)
        after = _judged(cells(before) | {name: text for name, text in given.items() if text is not None})
        after = replace(after, line=before.line)
        return [] if edit.plain(before) == edit.plain(after) else [_changed(before, after)]

    what = f"ligne changée, code « {code} »"
    _change(plan, what, by=by, reason=reason, yes=yes, json=json, expect=expect)


def _changed(before: LocalEntry, after: LocalEntry) -> Change:
    return Change(kind=ChangeKind.CHANGED, before=before, after=after)


@group.command("remove")
def remove(
    code: Annotated[str, typer.Argument(help="Code de la ligne à retirer.")],
    source: Source = None,
    line: Line = 0,
    by: By = "",
    yes: Yes = False,
    expect: Expect = "",
    json: Json = False,
) -> None:
    """Retire une ligne. Rien n'est rappelé : ce qui est parti est parti, ce qui est libéré reste libéré."""

    def plan(look: Look) -> Sequence[Change]:
        before = edit.find(look.table.entries, code, source=source, line=line)
        return [Change(kind=ChangeKind.REMOVED, before=before)]

    _change(plan, f"ligne retirée, code « {code} »", by=by, reason="", yes=yes, json=json, expect=expect)
    if not json:
        say("Les envois déjà libérés ne sont pas rappelés ; les prochains pour ce code attendront un opérateur.")


@group.command("import")
def import_table(
    file: Annotated[Path, typer.Argument(help="Table à poser par-dessus celle en service : CSV ou XLSX.")],
    whole: Annotated[
        bool, typer.Option("--whole", help="La table devient ce fichier : les lignes qui n'y sont pas s'en vont.")
    ] = False,
    codes_as_written: Annotated[
        bool, typer.Option("--codes-as-written", help="Prend les codes comme écrits, zéros de tête perdus ou non.")
    ] = False,
    by: By = "",
    reason: Reason = "",
    yes: Yes = False,
    expect: Expect = "",
    json: Json = False,
) -> None:
    """Pose une table par-dessus celle en service : montre les différences, puis écrit."""

    def plan(look: Look) -> Sequence[Change]:
        new = _read(file)
        lost = () if codes_as_written else lost_since(look.table.entries, new.entries, file.name)
        if lost:
            listed = "\n".join(f"  {fault}" for fault in lost)
            raise DirectoryError(
                f"{file.name} : {counted(len(lost), 'faute')} ; rien n'a été écrit.\n{listed}\n",
                hint="Si ces codes sont voulus : --codes-as-written.",
            )
        if not json:
            show_warnings(new)
        return edit.merge(look.table.entries, new.entries, whole=whole)

    why = reason or f"import de {file.name}"
    _change(plan, f"import de {file.name}", by=by, reason=why, yes=yes, json=json, expect=expect)


@group.command("diff")
def diff(
    file: Annotated[Path, typer.Argument(help="Table à comparer : CSV ou XLSX.")],
    whole: Annotated[bool, typer.Option("--whole", help="Comme « import --whole » : retraits compris.")] = False,
    json: Json = False,
) -> None:
    """Montre ce que « local import » de ce fichier changerait, sans rien écrire."""
    look, new = book().look(), _read(file)
    changes = edit.merge(look.table.entries, new.entries, whole=whole)
    stay = 0 if whole else len(edit.merge(look.table.entries, new.entries, whole=True)) - len(changes)
    lost = lost_since(look.table.entries, new.entries, file.name)
    if json:
        print_json([change_json(change) for change in changes])
        return
    show_changes(changes)
    if stay:
        lacking = either(stay, "n'est pas dans ce fichier : elle reste", "ne sont pas dans ce fichier : elles restent")
        say(f"{counted(stay, 'ligne')} de la table {lacking} (« --whole » {either(stay, 'la', 'les')} retirerait).")
    show_warnings(new, lost)


@group.command("export")
def export(
    file: Annotated[Path, typer.Argument(help="Fichier CSV à écrire, pour Excel ou LibreOffice.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Remplace un fichier qui est déjà là.")] = False,
    json: Json = False,
) -> None:
    """Écrit la table pour un tableur : accents justes, codes et numéros gardés comme du texte."""
    table = book()
    look = table.look()
    if file.exists() and not overwrite:
        raise ConfigError(f"{file} existe déjà.", hint="Choisir un autre nom, ou --overwrite.")
    if file.resolve() == table.path.resolve():
        raise ConfigError("C'est la table en service.", hint="Choisir un autre nom.")
    try:
        put(file, for_spreadsheet(look.content or b"", table.path.name))
    except OSError as error:
        raise DirectoryError(f"{file} : écriture impossible ({in_french(error)}).") from error
    if json:
        print_json({"file": str(file), "lines": len(look.table.entries), "version": look.version})
    else:
        say(f"{counted(len(look.table.entries), 'ligne écrite')} dans {file}.")
        say("Une fois corrigé : « dispatcher directory local import » le compare et le pose.")


# ------------------------------------------------------------------------------------------------ one change


def _change(
    plan: Callable[[Look], Sequence[Change]],
    what: str,
    *,
    by: str,
    reason: str,
    yes: bool,
    json: bool,
    expect: str = "",
) -> None:
    """Show what would change, ask, write it into that very table; shown again when the table changed meanwhile."""
    table = book()
    while True:
        look = table.look()
        expected(look, expect)
        _sound(table, look)
        changes = plan(look)
        if not json:
            show_changes(changes)
        if not changes or (json and not yes):
            return _done(look, changes, written=False, json=json)
        if not yes:
            asking.or_stop("Écrire ?")
        person = by or login()
        try:
            edits = edit.edits(changes, table.stamp(person, reason))
            now = table.write(edits, version=look.version, by=person, what=what)
        except DirectoryError as error:
            if error.code != CHANGED or json or expect:
                raise
            complain("La table a changé entre-temps : voici de nouveau ce qui changerait.")
            continue
        return _done(now, changes, written=True, json=json)


def _sound(table: TableBook, look: Look) -> None:
    """Refuse to write into a table that is not in service: what is written there would serve nobody."""
    if not look.serves:
        listed = "".join(f"\n  {fault}" for fault in look.faults)
        raise DirectoryError(f"{not_in_service(table, look)} Rien n'a été écrit.{listed}", hint=advice(look))


def expected(look: Look, expect: str) -> None:
    """Refuse another version than the one a program looked at."""
    if expect and look.version != expect:
        raise DirectoryError(
            f"La table a changé : version {look.version}, {expect} attendue ; rien n'a été écrit.",
            hint="Regarder de nouveau ce qui changerait.",
            code=CHANGED,
        )


def _done(look: Look, changes: Sequence[Change], *, written: bool, json: bool) -> None:
    if json:
        told: dict[str, Any] = {"written": written, "version": look.version}
        print_json({**told, "changes": [change_json(change) for change in changes]})
    elif written:
        say(f"Écrit ; version {look.version}. « dispatcher directory local undo » remet la précédente.")


def _read(file: Path) -> Table:
    """A table to import or compare. Raises :class:`DirectoryError` with every fault, or when there is no such file."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise DirectoryError(f"{file} : fichier illisible ({in_french(error)}).", hint="Vérifier le chemin.") from error
    table = book().judged(content, file.name)
    if table.faults:
        listed = "\n".join(f"  {fault}" for fault in table.faults)
        raise DirectoryError(
            f"{file.name} : {counted(len(table.faults), 'faute')} ; rien n'a été écrit.\n{listed}\n",
            hint="Les corriger, puis recommencer.",
        )
    return table


def _kind(kind: IdType | None, identifier: str | None) -> str:
    if not identifier:
        return ""
    guessed = kind or kind_of(identifier)
    return "" if guessed is IdType.LOCAL else str(guessed)


def _judged(fields: dict[str, Any]) -> LocalEntry:
    """A line typed on the command line, judged as if it stood in the table. Raises :class:`DirectoryError`."""
    wanted = settings()
    record = Record(line=0, fields={name: " ".join(str(text).split()) for name, text in fields.items()})
    blank = Sheet(name="", encoding="", separator="", newline="", header=(), records=())
    reading = read_line(blank, record, wanted.channels, wanted.sources)
    if reading.entry is None:
        listed = " ".join(f"Colonne « {fault.column} » : {fault.text}." for fault in reading.faults)
        raise DirectoryError(f"Ligne refusée. {listed}", hint="La corriger et recommencer.")
    for warning in reading.warnings:
        complain(f"Remarque, colonne « {warning.column} » : {warning.text}.")
    if reading.entry.address:
        _remark_on_domain(reading.entry.address)
    return reading.entry


def _remark_on_domain(address: str) -> None:
    """Say now what would hold every result for this address: no channel may write into its domain."""
    parts, now = office(), SystemClock().now()
    gates = [channel.gate for channel in parts.desk.channels.values()]
    holds = [gate.refuses(address, address, now) for gate in gates]
    if gates and all(hold is not None and hold.code == "untrusted-domain" for hold in holds):
        complain(
            f"Remarque, colonne « adresse » : le domaine « {domain_of(address)} » n'est pas autorisé ; les envois vers "
            "cette adresse seront retenus tant qu'il ne l'est pas (« dispatcher trust show »)."
        )
