"""``dispatcher paper list|print|printed|posted|add``: what is printed and posted."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from dispatcher.cli.cmd_overview import dispatch_json
from dispatcher.cli.context import office
from dispatcher.cli.output import DONE, FAILURES, complain, moment, print_json, say, table
from dispatcher.cli.person import actor
from dispatcher.cli.replay_ask import reason_given
from dispatcher.cli.told import SHOWN, told
from dispatcher.errors import ConfigError
from dispatcher.french import counted
from dispatcher.service import operate
from dispatcher.service.changed import Changed
from dispatcher.service.print_run import RUN_MOST, Made, keep_run, make_run, members, waiting
from dispatcher.service.wording import actor as who
from dispatcher.wiring import Office

Ids = Annotated[list[str], typer.Argument(help="Numéros d'envoi (D…) ou d'un tirage (T…).")]
Json = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]
POSTED = "imprimé et posté"
group = typer.Typer(help="Sur papier : à imprimer, à poster.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(group, name="paper")


@group.command("list")
def listing(json: Json = False) -> None:
    """Ce qui attend d'être imprimé, et les derniers tirages."""
    with office().store.reading() as uow:
        found, runs = waiting(uow), uow.prints.list()
    if json:
        shown = [{**dispatch_json(one.dispatch), "run": one.run or None, "nothing": one.nothing} for one in found]
        print_json({"waiting": shown, "runs": [_run_json(run) for run in runs]})
        return
    rows = [
        (
            one.dispatch.id,
            one.dispatch.label,
            moment(one.dispatch.created_at),
            one.run or ("rien à imprimer" if one.nothing else "–"),
            one.dispatch.reason,
        )
        for one in found
    ]
    columns = ("Envoi", "Destinataire", "Créé", "Tirage", "Remarque")
    table("À imprimer", columns, rows, empty="Rien à imprimer.", cut_last=True)
    done = [
        (one.id, moment(one.made_at), str(one.count), who(one.actor), moment(one.printed_at), one.why) for one in runs
    ]
    table("Tirages", ("Tirage", "Fait", "Envois", "Par", "Imprimé", "Motif"), done, empty="Aucun tirage.")


def _run_json(run: Any) -> dict[str, Any]:
    return {name: getattr(run, name) for name in ("id", "made_at", "actor", "count", "sha256", "why", "printed_at")}


@group.command("print")
def print_letters(
    ids: Annotated[
        list[str] | None, typer.Argument(help="Des envois (D…) ou un tirage (T…) ; sinon tout ce qui attend.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Fichier PDF à écrire ; sinon tirage-T….pdf, ici.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="Motif, pour imprimer de nouveau.")] = "",
    json: Json = False,
) -> None:
    """Un tirage : un PDF de lettres, groupées par destinataire, avec leur liste (PDF et CSV)."""
    if out is not None and out.exists():
        raise ConfigError(f"Le fichier {out} existe déjà.", hint="Donner un autre nom à --out.")
    parts = office()
    made = make_run(parts.desk, parts.letters(), parts.paper, ids or [], actor=actor(), why=reason)
    path = _keep(parts, made, out)
    if json:
        print_json(_made_json(made, path))
    else:
        _tell(made, path, {} if ids else _open_runs(parts))
    raise typer.Exit(FAILURES if made.refused else DONE)


def _keep(parts: Office, made: Made, out: Path | None) -> Path | None:
    """On the disk first, under another name; then in the store; then under its own. Only this account may read it."""
    if made.run is None:
        return None
    path = (out or Path(f"tirage-{made.run.id}.pdf")).absolute()
    listing = path.with_suffix(".csv")
    fresh = [(path.with_name(f".{path.name}.part"), made.pdf), (path.with_name(f".{listing.name}.part"), made.listing)]
    try:
        for name, content in fresh:
            _write(name, content)
        keep_run(parts.store, made)
    except BaseException:
        for name, _ in fresh:
            name.unlink(missing_ok=True)
        raise
    for (name, _), target in zip(fresh, (path, listing), strict=True):
        name.replace(target)
    return path


def _write(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _made_json(made: Made, path: Path | None) -> dict[str, Any]:
    return {
        "run": made.run.id if made.run is not None else None,
        "file": str(path) if path is not None else None,
        "letters": made.letters,
        "dispatches": list(made.ids),
        "incomplete": list(made.incomplete),
        "refused": [list(one) for one in made.refused],
    }


def _open_runs(parts: Office) -> dict[str, int]:
    """Runs made and not printed yet, and how many dispatches wait in each."""
    with parts.store.reading() as uow:
        return Counter(one.run for one in waiting(uow) if one.run)


def _tell(made: Made, path: Path | None, open_runs: Mapping[str, int]) -> None:
    if made.run is None:
        say("Rien d'autre à imprimer." if open_runs else "Rien à imprimer.")
        for run, count in open_runs.items():
            is_in = "est déjà dans le" if count == 1 else "sont déjà dans le"
            say(
                f"  → {counted(count, 'envoi')} {is_in} tirage {run} : « dispatcher paper printed {run} » s'il est bon,"
            )
            say(f'    sinon « dispatcher paper print {run} --reason "…" » pour le refaire.')
    else:
        size = f"{counted(made.letters, 'lettre')}, {counted(made.run.count, 'envoi')}"
        say(f"Tirage {made.run.id} : {size}, dans {path}.")
        if made.incomplete:
            complain(
                f"{counted(len(made.incomplete), 'adresse incomplète')}, à compléter à la main ou dans la table des "
                f"adresses (docs/papier.md) : {', '.join(made.incomplete[:SHOWN])}."
            )
        if made.run.count >= RUN_MOST:
            say(f"Un tirage compte {RUN_MOST} envois au plus : relancer pour la suite.")
        say(f"  → Imprimer, contrôler : « dispatcher paper printed {made.run.id} » ; posté : « paper posted ».")
        say("  → Ce fichier contient des résultats de patients : l'effacer une fois imprimé.")
    for name, why in made.refused[:SHOWN]:
        complain(f"{name} : {why}")


@group.command("printed")
def printed(ids: Ids, json: Json = False) -> None:
    """Note des envois imprimés : ils comptent comme partis, et ce qui suit ira aussi sur papier."""
    told(_printed(office(), ids), "noté imprimé|notés imprimés", json)


def _printed(parts: Office, ids: list[str]) -> Changed:
    with parts.store.reading() as uow:
        some = members(uow, ids)
    done = operate.printed(parts.store, parts.clock, some, actor=actor())
    with parts.store.transaction() as uow:
        for run in ids:
            if uow.prints.get(run) is not None:
                uow.prints.printed(run, parts.clock.now(), actor=actor())
    return done


@group.command("posted")
def posted(ids: Ids, json: Json = False) -> None:
    """Clôt des envois imprimés, une fois postés."""
    parts = office()
    done = _printed(parts, ids)
    closed = operate.close(parts.store, done.done, reason=POSTED, actor=actor())
    refused = (*done.refused, *closed.refused)
    told(Changed(done=closed.done, refused=refused), "posté et clos|postés et clos", json)


@group.command("add")
def add(
    ids: Annotated[list[str], typer.Argument(help="Numéros d'envoi (D…).")],
    reason: Annotated[str, typer.Option("--reason", help="Motif (obligatoire), gardé au journal.")],
    json: Json = False,
) -> None:
    """Passe des envois sur papier : à imprimer, à poster."""
    changed = operate.to_paper(office().store, ids, reason=reason_given(reason), actor=actor())
    told(changed, "passé sur papier|passés sur papier", json)
