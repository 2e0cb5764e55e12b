"""``dispatcher send``: one bulk send with a dry run, progress bars and a statement; gone on with after a stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from dispatcher.cli.context import office
from dispatcher.cli.output import DONE, FAILURES, WRONG_CALL, complain, console, print_json, say
from dispatcher.cli.person import actor
from dispatcher.cli.send_order import Asked, lists_of, of_manifest, of_paths, opened, tell_faults
from dispatcher.cli.send_show import (
    outlook_json,
    planned_json,
    statement_json,
    tell_plan,
    tell_sends,
    tell_statement,
)
from dispatcher.daemon import bulk_work
from dispatcher.errors import IntakeError
from dispatcher.french import counted
from dispatcher.outbox.states import State
from dispatcher.routing.route import Wanted
from dispatcher.service import bulk, bulk_send
from dispatcher.service.bulk_forecast import outlook
from dispatcher.service.bulk_order import Item, Order, wanted_of
from dispatcher.service.bulk_rules import Examined, examine, refusals
from dispatcher.service.bulk_send import Differences
from dispatcher.service.bulk_statement import as_csv, page_of, statement_of
from dispatcher.whole_file import put
from dispatcher.wiring import Office


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("send")(send)


Paths = Annotated[
    list[Path] | None, typer.Argument(help="Fichiers ou dossiers ; avec --manifest, le dossier des documents.")
]
To = Annotated[
    list[str] | None,
    typer.Option("--to", help="Destinataire : adresse, RPPS, finess:… ou code du laboratoire. Répétable."),
]
Saved = Annotated[str, typer.Option("--recipients", help="Liste enregistrée : son nom, ou FINESS, ou FINESS/usage.")]
Manifest = Annotated[
    Path | None, typer.Option("--manifest", help="Bordereau CSV ou XLSX : une ligne par fichier et destinataire.")
]
Ignore = Annotated[
    bool, typer.Option("--ignore-unlisted", help="Laisse de côté les fichiers du dossier absents du bordereau.")
]
AsNew = Annotated[bool, typer.Option("--as-new", help="Bordereau changé depuis son envoi : en faire un nouvel envoi.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Montre ce qui partirait, à qui ; n'envoie rien.")]
Resume = Annotated[str, typer.Option("--resume", help="Continue l'envoi groupé de ce numéro.")]
Listing = Annotated[bool, typer.Option("--list", help="Les derniers envois groupés.")]
Told = Annotated[str, typer.Option("--statement", help="Relevé de l'envoi groupé de ce numéro.")]
Out = Annotated[Path | None, typer.Option("--out", help="Écrit le relevé : FICHIER.pdf ou FICHIER.csv.")]
Json = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]


def send(
    paths: Paths = None,
    to: To = None,
    recipients: Saved = "",
    manifest: Manifest = None,
    ignore_unlisted: Ignore = False,
    as_new: AsNew = False,
    dry_run: DryRun = False,
    resume: Resume = "",
    listing: Listing = False,
    statement: Told = "",
    out: Out = None,
    json: Json = False,
) -> None:
    """Envoie des documents en une fois : par bordereau, à des destinataires donnés, ou à ceux qu'ils nomment."""
    asks = [bool(paths or manifest), bool(resume), listing, bool(statement)]
    if sum(asks) != 1 or (manifest and (to or recipients or len(paths or ()) > 1)) or (to and recipients):
        complain("Donner soit des fichiers ou --manifest, soit --resume, --list ou --statement ; avec --manifest, les")
        complain("destinataires sont dans le bordereau et un seul dossier peut être nommé. Voir docs/envoi.md.")
        raise typer.Exit(WRONG_CALL)
    _known_ending(out)
    parts = office()
    try:
        if listing:
            _list(parts, json)
        elif statement:
            _statement(parts, statement, out, json)
        elif resume:
            _work(parts, resume, out, json)
        else:
            asked = _asked(parts, paths or [], to or [], recipients, manifest, ignore_unlisted)
            _send(parts, asked, out, json, dry_run=dry_run, as_new=as_new)
    finally:
        parts.close()


def _known_ending(out: Path | None) -> None:
    if out is not None and out.suffix.lower() not in (".pdf", ".csv"):
        complain("--out : attendu un nom en .pdf ou en .csv.")
        raise typer.Exit(WRONG_CALL)


def _asked(
    parts: Office, paths: Sequence[Path], to: Sequence[str], recipients: str, manifest: Path | None, ignored: bool
) -> Asked:
    if manifest is not None:
        folder = paths[0] if paths else manifest.parent
        return of_manifest(parts, manifest, folder, all_listed=not ignored)
    chosen: tuple[Wanted, ...] = tuple(bulk.named(text) for text in to)
    if recipients:
        found, why = lists_of(parts).find(recipients)
        if found is None:
            complain(f"--recipients : {why}.")
            raise typer.Exit(WRONG_CALL)
        chosen = tuple(wanted_of(one) for one in found.members)
    return of_paths(parts, paths, chosen)


# ---------------------------------------------------------------------------------------------------- a new send


def _send(parts: Office, asked: Asked, out: Path | None, json: bool, *, dry_run: bool, as_new: bool) -> None:
    for told in asked.left_out:
        complain(told)
    if not asked.order.items and not asked.faults:
        complain("Aucun fichier à envoyer.")
        raise typer.Exit(WRONG_CALL)
    examined = [] if asked.faults else _examined(parts, asked.order.items, quiet=json)
    faults = asked.faults or [
        *map(str, refusals([one for one, _ in examined], parts.settings.bulk.most_recipients)),
        *(text for _, text in examined if text),
    ]
    if faults:
        _refuse(asked, faults, json)
    for remark in asked.remarks:
        complain(f"Remarque : {asked.order.title}, {remark}")
    items = tuple(one.item for one, _ in examined)
    order = Order(title=asked.order.title, place=asked.order.place, items=items)
    differs = bulk_send.differences(parts.desk, order)
    if dry_run:
        _dry_run(parts, order, differs, json)
    if differs is not None and differs.any_shared and not as_new:
        _tell_changed(differs, json)
        raise typer.Exit(WRONG_CALL)
    made, before = bulk_send.open_send(parts.desk, order, actor())
    if not json:
        again = "déjà préparé, continué : personne ne reçoit deux fois" if before else "préparé"
        say(f"Envoi groupé {made.id} {again} ; après un arrêt : « dispatcher send --resume {made.id} ».")
    _work(parts, made.id, out, json, left_out=bool(asked.left_out))


def _examined(parts: Office, items: Sequence[Item], *, quiet: bool) -> list[tuple[Examined, str]]:
    found: list[tuple[Examined, str]] = []
    with _bars(quiet) as bars:
        reading = bars.add_task("Lecture", total=len(items))
        for item in items:
            try:
                found.append((examine(parts.desk, item, opened(item)), ""))
            except IntakeError as error:
                found.append((Examined(item=item), f"« {item.name} » : {error}"))
            bars.advance(reading)
    return found


def _refuse(asked: Asked, faults: Sequence[str], json: bool) -> NoReturn:
    if json:
        print_json({"refused": list(faults), "remarks": asked.remarks})
    else:
        tell_faults(asked, faults)
    raise typer.Exit(WRONG_CALL)


def _tell_changed(differs: Differences, json: bool) -> None:
    if json:
        told = {"added": differs.added, "gone": differs.gone, "changed": differs.changed, "same": differs.same}
        print_json({"changed_since": differs.send.id, **told})
        return
    complain(f"Ce bordereau a changé depuis l'envoi groupé {differs.send.id} : rien n'est envoyé.")
    for word, names in (("ajouté", differs.added), ("retiré", differs.gone), ("changé", differs.changed)):
        for name in names[:10]:
            complain(f"  – {word} : « {name} »")
        if len(names) > 10:
            complain(f"  – {word} : {counted(len(names) - 10, 'autre')}")
    complain(f"  → Continuer l'envoi d'avant : « dispatcher send --resume {differs.send.id} ».")
    complain("  → Envoyer celui-ci : la même commande avec --as-new ; ce qu'un destinataire a déjà n'est pas renvoyé.")


def _dry_run(parts: Office, order: Order, differs: Differences | None, json: bool) -> NoReturn:
    planned = []
    with _bars(json) as bars:
        trying = bars.add_task("Essai", total=len(order.items))
        for item in order.items:
            planned.append(bulk.plan_one(parts.desk, opened(item), item.wanted))
            bars.advance(trying)
    outlooks = outlook(parts.desk, planned)
    blocked = any(one.problem or any(d.state is State.HELD for d in one.dispatches) for one in planned)
    if json:
        print_json({"files": [planned_json(one) for one in planned], "channels": [outlook_json(o) for o in outlooks]})
    else:
        tell_plan(planned, outlooks)
        if differs is not None and differs.any_shared:
            _tell_changed(differs, json)
    raise typer.Exit(FAILURES if blocked else DONE)


# ------------------------------------------------------------------------------------------------- work and show


def _work(parts: Office, send_id: str, out: Path | None, json: bool, *, left_out: bool = False) -> None:
    """Take in, prepare, send, tell. Ctrl-C stops cleanly; what is left goes on with the service or --resume."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    wanted = len(bulk_send.missing(parts.store, send_id))
    with _bars(json) as bars:
        taking = bars.add_task("Prise en charge", total=wanted)
        taken = bulk_send.take(parts.desk, send_id, opened, stop.is_set, lambda count: bars.advance(taking, count))
        paused = bulk_work.work(parts, send_id, stop.is_set, _telling(bars))
    bulk_send.forget_facts(parts.desk, send_id)
    done = statement_of(parts.desk, send_id)
    if out is not None:
        _write(parts, send_id, out)
    if json:
        print_json({**statement_json(done), "faults": taken.faults, "paused": paused})
    else:
        tell_statement(done)
        for fault in taken.faults:
            complain(fault)
        if paused:
            complain(f"Canal en pause : {paused}")
        if not done.through:
            say(f"Pas terminé : le service continue, ou « dispatcher send --resume {send_id} ».")
        say(f"Accusés de lecture, plus tard : « dispatcher send --statement {send_id} --out releve.pdf ».")
    good = done.good and done.through and not taken.faults and not left_out
    raise typer.Exit(DONE if good else FAILURES)


def _telling(bars: Progress) -> Callable[[bulk_send.Progress], None]:
    preparing, sending = bars.add_task("Préparation", total=None), bars.add_task("Envoi", total=None)

    def told(now: bulk_send.Progress) -> None:
        bars.update(preparing, completed=now.prepared, total=now.files)
        bars.update(sending, completed=now.gone, total=now.dispatches)

    return told


def _bars(quiet: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console(), disable=quiet)


def _list(parts: Office, json: bool) -> None:
    with parts.store.reading() as uow:
        sends = uow.bulk.list()
    found = [statement_of(parts.desk, one.id) for one in sends]
    if json:
        print_json([{k: v for k, v in statement_json(one).items() if k != "entries"} for one in found])
    else:
        tell_sends(found)


def _statement(parts: Office, send_id: str, out: Path | None, json: bool) -> None:
    done = statement_of(parts.desk, send_id)
    if out is not None:
        _write(parts, send_id, out)
    if json:
        print_json(statement_json(done))
    elif out is None:
        tell_statement(done)
    else:
        say(f"{out} écrit. Relevé : {done.sentence()}.")
    raise typer.Exit(DONE if done.reconciles else FAILURES)


def _write(parts: Office, send_id: str, out: Path) -> None:
    done = statement_of(parts.desk, send_id)
    if out.suffix.lower() == ".csv":
        put(out, as_csv(done))
    else:
        put(out, parts.statements().write(parts.desk.laboratory, page_of(done), done.at))
