"""``dispatcher mappings import|confirm|reject|circuit``: what changes the laboratory's tables, shown first."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer

from dispatcher.cli import asking
from dispatcher.cli.code_folder import CODES, CodeFolder, open_folder, parse_day, today
from dispatcher.cli.output import FAILURES, print_json, say, table
from dispatcher.clock import SystemClock
from dispatcher.errors import ConfigError, DispatcherError
from dispatcher.french import counted
from dispatcher.report.identifiers import loinc_ok
from dispatcher.terminology import circuit as circuit_table
from dispatcher.terminology.circuit_files import CircuitFile, read_circuit
from dispatcher.terminology.codebook import NO_CODE, Change, CodeBook, CodeLine
from dispatcher.terminology.columns import CODE_LIST, understand
from dispatcher.terminology.csv_text import written
from dispatcher.terminology.merging import Confirmation, Outcome, Plan, Step, from_record, merge
from dispatcher.terminology.own import NONE, REFUSED, day
from dispatcher.terminology.rows import decoded, fold
from dispatcher.terminology.sheets import read_sheet
from dispatcher.terminology.units import unit_key

Json = Annotated[bool, typer.Option("--json", help="Sortie JSON ; ne pose pas de question.")]
Folder = Annotated[Path | None, typer.Option("--folder", help="Dossier des tables ; sinon celui de la configuration.")]
Yes = Annotated[bool, typer.Option("--yes", help="Écrit sans demander.")]
By = Annotated[str, typer.Option("--by", help="Biologiste qui en répond, par exemple « Dr H. Boize ».")]
Day = Annotated[str, typer.Option("--date", help="Jour de la confirmation ; aujourd'hui sinon.")]
Replace = Annotated[bool, typer.Option("--replace", help="Remplace aussi des lignes confirmées (gardées en remarque).")]
Columns = Annotated[
    list[str] | None, typer.Option("--column", help="Colonne : nom=titre (ou lettre ; - : la laisser).")
]
Sheet = Annotated[str, typer.Option("--sheet", help="Feuille du classeur XLSX ; la première qui n'est pas vide sinon.")]

OUTCOMES = {
    Outcome.ADDED: "ajoutée",
    Outcome.CONFIRMED: "confirmée",
    Outcome.CHANGED: "changée",
    Outcome.REPLACED: "remplacée",
    Outcome.SAME: "inchangée",
    Outcome.KEPT: "gardée telle quelle",
    Outcome.REFUSED: "refusée",
}


def register(group: typer.Typer) -> None:
    """Add the commands of this file to ``dispatcher mappings``."""
    group.command("import")(import_file)
    group.command("confirm")(confirm)
    group.command("reject")(reject)
    group.command("circuit")(circuit)


def import_file(
    file: Annotated[
        Path, typer.Argument(help="Liste de codes : CSV (séparateur et jeu de caractères devinés) ou XLSX.")
    ],
    by: By = "",
    date: Day = "",
    source: Annotated[str, typer.Option(help="Source des lignes qui n'en disent pas.")] = "",
    column: Columns = None,
    sheet: Sheet = "",
    overwrite: Replace = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Montre ce qui changerait, n'écrit rien.")] = False,
    yes: Yes = False,
    folder: Folder = None,
    json: Json = False,
) -> None:
    """Pose une liste de codes sur codes.csv : montre les différences, puis écrit. Rien de confirmé n'est perdu."""
    place = open_folder(folder)
    sheet_read = understand(read_sheet(file.read_bytes(), sheet), CODE_LIST, "code", _given(column))
    confirmation = Confirmation(by=" ".join(by.split()), on=parse_day(date, day))
    lines = [from_record(record, confirmation, source) for record in sheet_read.records]
    lines = [line for line in lines if line.code or line.label or line.loinc]
    book, before = place.book()
    terms, _ = place.survey()
    plan = merge(book, lines, terms.known(), today=today(), overwrite=overwrite, file=file.name)
    if not json:
        columns = ", ".join(f"{ours} « {theirs} »" for ours, theirs in sheet_read.columns.items())
        say(f"{file.name} : {sheet_read.kind}, {counted(len(lines), 'ligne')}. Colonnes comprises : {columns}.")
        if sheet_read.ignored:
            say(f"Colonnes laissées de côté : {', '.join(sheet_read.ignored)}.")
        if "specimen" in sheet_read.columns:
            say("Une ligne avec un milieu ne vaut que pour ce milieu (« --column specimen=- » : pour tous).")
    seen = {"file": str(file), "kind": sheet_read.kind, "columns": sheet_read.columns, "ignored": sheet_read.ignored}
    _finish(place, plan, before, seen, ask=not (yes or json), dry_run=dry_run, json=json)


def _given(columns: list[str] | None) -> dict[str, str]:
    pairs = [text.partition("=") for text in columns or []]
    bad = next((name for name, equals, _ in pairs if not equals), None)
    if bad is not None:
        raise ConfigError(f"« --column {bad} » : attendu nom=titre.", hint=f"Noms : {', '.join(CODE_LIST)}.")
    return {name.strip(): title.strip() for name, _, title in pairs}


def _finish(
    place: CodeFolder, plan: Plan, before: bytes | None, seen: dict[str, Any], *, ask: bool, dry_run: bool, json: bool
) -> None:
    """Show the plan, write it, tell; exit code 1 when a line was refused or kept against the file."""
    if not json:
        _show(plan)
    wrote = plan.writes and not dry_run
    if wrote and ask:
        asking.or_stop("Écrire ?")
    backup = _write(place, plan.book, before) if wrote else None
    counts = Counter(step.outcome.value for step in plan.steps)
    if json:
        steps = [_step_json(step) for step in plan.steps]
        print_json({**seen, "written": wrote, "backup": backup and str(backup), "counts": counts, "steps": steps})
    elif wrote:
        say("Écrit." + (f" L'ancien fichier est gardé : {backup}." if backup else ""))
    else:
        say("Rien n'a été écrit." if plan.writes else "Rien à écrire.")
    if plan.of(Outcome.REFUSED) or plan.of(Outcome.KEPT):
        raise typer.Exit(FAILURES)


def _write(place: CodeFolder, book: CodeBook, before: bytes | None) -> Path | None:
    """Write ``codes.csv``, unless the program would refuse to start with it."""
    known = set(place.survey()[1].faults)
    worse = [fault for fault in place.survey({CODES: book.text()})[1].faults if fault not in known]
    if worse and not known:
        raise ConfigError("Le fichier aurait des fautes : rien n'a été écrit.", faults=tuple(worse))
    return place.write(CODES, book.text(), before, SystemClock().now())


def _show(plan: Plan) -> None:
    rows = [_row(step) for step in plan.steps if step.outcome is not Outcome.SAME]
    columns = ("Ligne", "Devient", "Code", "Libellé", "Unité", "Avant", "Après", "Par", "Motif")
    table("Différences", columns, rows, empty="Aucune différence.")
    counts = Counter(step.outcome for step in plan.steps)
    say(" ; ".join(f"{OUTCOMES[one]} : {counts[one]}" for one in Outcome if counts[one]) + ".")


def _row(step: Step) -> tuple[str, ...]:
    before, after = step.before, step.after
    by = f"{after.confirmed_by} {after.confirmed_on}".strip() if step.outcome is not Outcome.KEPT else ""
    return (
        str(step.line or ""),
        OUTCOMES[step.outcome],
        after.code,
        after.label,
        after.unit,
        before.loinc if before else "",
        after.loinc,
        by,
        step.why,
    )


def _step_json(step: Step) -> dict[str, Any]:
    line = step.after
    return {
        "outcome": step.outcome.value,
        "line": step.line,
        "source": line.source,
        "code": line.code,
        "label": line.label,
        "unit": line.unit,
        "specimen": line.specimen,
        "before": step.before.loinc if step.before else None,
        "loinc": line.loinc,
        "confirmed_by": line.confirmed_by,
        "confirmed_on": line.confirmed_on,
        "why": step.why,
    }


# ------------------------------------------------------------------------------------------ one line at a time


def confirm(
    code: Annotated[str, typer.Argument(help="Code du SIL.")],
    loinc: Annotated[str, typer.Argument(help="Code LOINC, ou « - » : il n'y en a pas.")],
    by: Annotated[str, typer.Option("--by", help="Biologiste qui confirme, par exemple « Dr H. Boize ».")],
    date: Day = "",
    source: Annotated[str, typer.Option(help="Seulement pour cette source.")] = "",
    unit: Annotated[str, typer.Option(help="Seulement pour cette unité.")] = "",
    specimen: Annotated[str, typer.Option(help="Seulement pour ce milieu.")] = "",
    method: Annotated[str, typer.Option(help="Seulement pour cette méthode.")] = "",
    label: Annotated[str, typer.Option(help="Libellé.")] = "",
    overwrite: Replace = False,
    folder: Folder = None,
    json: Json = False,
) -> None:
    """Confirme un code : le nom du biologiste et le jour sont gardés avec lui."""
    place = open_folder(folder)
    if not by.strip():
        raise ConfigError("« --by » : le nom du biologiste est obligatoire.")
    book, before = place.book()
    typed = CodeLine(code=code, source=source, unit=unit, specimen=specimen, method=method, label=label)
    target = _target(book, typed)
    wanted = NO_CODE if fold(loinc) in NONE else loinc.strip()
    on = parse_day(date, day).isoformat()
    line = replace(target, loinc=wanted, confirmed_by=" ".join(by.split()), confirmed_on=on, line=0)
    terms, _ = place.survey()
    plan = merge(book, [line], terms.known(), today=today(), overwrite=overwrite, file=CODES)
    if not json and (name := terms.display(wanted)):
        say(f"{wanted} : {name}")
    _finish(place, plan, before, {}, ask=False, dry_run=False, json=json)


def _target(book: CodeBook, typed: CodeLine) -> CodeLine:
    """The line of the book the call speaks of, or a new one. Raises :class:`DispatcherError` when several could be."""
    lines = [line for line in book.lines if line.code == typed.code]
    exact = next((line for line in lines if line.key == typed.key), None)
    if exact is not None:
        return replace(exact, label=typed.label or exact.label)
    narrowed = [line for line in lines if _within(line, typed)]
    if len(narrowed) > 1:
        told = " ; ".join(f"ligne {line.line} ({_narrowing(line) or 'partout'})" for line in narrowed)
        raise DispatcherError(
            f"Plusieurs lignes ont le code « {typed.code} » : {told}.",
            hint="Dire laquelle par --unit, --specimen, --source ou --method.",
        )
    if narrowed:
        return replace(narrowed[0], label=typed.label or narrowed[0].label)
    return typed


def _narrowing(line: CodeLine) -> str:
    return " · ".join(filter(None, (line.source, line.unit, line.specimen, line.method)))


def _within(line: CodeLine, typed: CodeLine) -> bool:
    """What was typed is all true of the line."""
    return (
        (not typed.source or typed.source == line.source)
        and (not typed.unit or unit_key(typed.unit) == unit_key(line.unit))
        and (not typed.specimen or fold(typed.specimen) == fold(line.specimen))
        and (not typed.method or fold(typed.method) == fold(line.method))
    )


def reject(
    code: Annotated[str, typer.Argument(help="Code du SIL.")],
    loinc: Annotated[str, typer.Argument(help="Code LOINC qui ne convient pas.")],
    by: Annotated[str, typer.Option("--by", help="Biologiste qui refuse.")],
    date: Day = "",
    comment: Annotated[str, typer.Option(help="Motif.")] = "",
    folder: Folder = None,
    json: Json = False,
) -> None:
    """Refuse un code LOINC : il n'est plus proposé, et la ligne qui le confirmait ne sert plus (gardée en remarque)."""
    place = open_folder(folder)
    if not loinc_ok(loinc) or not by.strip():
        raise ConfigError("Attendu : un code LOINC (chiffres, tiret, clé juste) et « --by ».")
    on, name = parse_day(date, day).isoformat(), " ".join(by.split())
    book, before = place.book()
    withdrawn = [line for line in book.lines if line.code == code and line.loinc == loinc]
    remark = f"refusée par {name} le {on}"
    changes = {
        line.key: Change(replace(line, loinc="", confirmed_by="", confirmed_on=""), remark) for line in withdrawn
    }
    if changes:
        _write(place, book.edited((), changes), before)
    content = place.read("refus.csv")
    text = decoded(content) if content is not None else ";".join((*REFUSED, "commentaire")) + "\n"
    text += "" if text.endswith("\n") else "\n"
    row = ["", code, loinc, name, on, " ".join(comment.split())]
    place.write("refus.csv", text + written([row], ";", "\n"), content, SystemClock().now())
    if json:
        print_json({"code": code, "loinc": loinc, "by": name, "on": on, "withdrawn": [one.line for one in withdrawn]})
        return
    say(f"{loinc} ne sera plus proposé pour « {code} ».")
    if withdrawn:
        say(f"{counted(len(withdrawn), 'ligne retirée')} de codes.csv ; l'ancienne ligne y reste en remarque.")


# --------------------------------------------------------------------------------------------------- circuit


def circuit(
    file: Annotated[Path, typer.Argument(help="Jeu de valeurs de l'ANS : FHIR (JSON, XML), SVS (XML), CSV ou XLSX.")],
    column: Columns = None,
    sheet: Sheet = "",
    yes: Yes = False,
    folder: Folder = None,
    json: Json = False,
) -> None:
    """Importe le jeu de valeurs « LOINC, circuit de la biologie » : noms officiels, codes à employer."""
    place = open_folder(folder)
    content = file.read_bytes()
    found = read_circuit(content, sheet, _given(column))
    before = place.read(circuit_table.FILE)
    old, new = set(place.survey()[0].own.circuit), {code.loinc for code in found.codes}
    seen = _circuit_json(found) | {"added": len(new - old), "removed": len(old - new)}
    if not json:
        _tell_circuit(file, found, len(new - old), len(old - new))
        if not yes:
            asking.or_stop("Écrire ?")
    remark = f"{file.name}, lu le {today().isoformat()}, {found.shape}, {len(found.codes)} codes"
    remark += f", version {found.version}" if found.version else ""
    remark += f", SHA-256 {sha256(content).hexdigest()}"
    text = circuit_table.render(found.codes, remark)
    if faults := place.survey({circuit_table.FILE: text})[1].faults:
        raise ConfigError("Les tables auraient des fautes : rien n'a été écrit.", faults=tuple(faults))
    place.write(circuit_table.FILE, text, before, SystemClock().now())
    if json:
        print_json(seen)
        return
    say(f"Écrit : {circuit_table.FILE}. « dispatcher mappings check » dit quels codes confirmés n'en sont pas.")


def _circuit_json(found: CircuitFile) -> dict[str, Any]:
    return {
        "shape": found.shape,
        "version": found.version,
        "codes": len(found.codes),
        "named": sum(bool(code.label) for code in found.codes),
        "columns": dict(found.columns),
        "ignored_columns": found.ignored_columns,
        "other_system": found.other_system,
        "wrong_key": found.wrong,
        "doubles": found.doubles,
    }


def _tell_circuit(file: Path, found: CircuitFile, added: int, removed: int) -> None:
    version = f", version {found.version}" if found.version else ""
    say(f"{file.name} : {found.shape}{version}. {len(found.codes)} codes LOINC.")
    if found.columns:
        say("Colonnes comprises : " + ", ".join(f"{ours} « {name} »" for ours, name in found.columns.items()) + ".")
    if found.ignored_columns:
        say(f"Colonnes laissées de côté : {', '.join(found.ignored_columns)}.")
    for count, what, text in (
        (len(found.codes) - sum(bool(code.label) for code in found.codes), "code", "sans nom français"),
        (found.other_system, "code laissé", "d'une autre nomenclature"),
        (len(found.wrong), "code laissé", f"à la clé LOINC fausse ({', '.join(found.wrong[:5])})"),
        (found.doubles, "code laissé", "en double"),
    ):
        if count:
            say(f"{counted(count, what)} {text}.")
    say(f"Par rapport à l'ancien : {added} de plus, {removed} de moins.")
