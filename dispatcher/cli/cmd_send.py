"""``dispatcher send``: one bulk send with a dry run, a progress bar and a statement at the end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from dispatcher.cli.context import office
from dispatcher.cli.output import DONE, FAILURES, complain, console, print_json, say, table
from dispatcher.cli.statement_show import sentence
from dispatcher.cli.wording import envelope
from dispatcher.daemon import steps
from dispatcher.daemon.membership import node_name, owner_name
from dispatcher.intake import by_hand
from dispatcher.outbox.states import FILE_STATES, STATES, FileState, State
from dispatcher.ports import Taken
from dispatcher.routing.route import Wanted
from dispatcher.service import bulk
from dispatcher.service.bulk import Planned, Statement
from dispatcher.wiring import Office

GOOD = frozenset(
    {State.READY, State.QUEUED, State.SENDING, State.SENT, State.DELIVERED, State.READ, State.DEFERRED, State.PAPER}
)


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("send")(send)


def send(
    paths: Annotated[list[Path], typer.Argument(help="Fichiers, ou dossiers dont tous les fichiers partent.")],
    to: Annotated[
        list[str] | None,
        typer.Option("--to", help="Destinataire : adresse, RPPS, FINESS ou code du laboratoire. Répétable."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Montre ce qui partirait, à qui ; n'envoie rien.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Sortie JSON.")] = False,
) -> None:
    """Envoie des documents en une fois, aux destinataires donnés ou à ceux que les documents nomment."""
    parts = office()
    gathered = by_hand.gather(paths)
    taken = gathered.taken
    for told in gathered.left_out:
        complain(told)
    if not taken:
        complain("Aucun fichier à envoyer.")
        raise typer.Exit(2)
    added = tuple(bulk.named(text) for text in to or ())
    if dry_run:
        _dry_run(parts, taken, added, json)
        return
    ids = bulk.submit(parts.desk, taken, added)
    _drain(parts, ids, quiet=json)
    lines = bulk.statement(parts.store, ids)
    parts.close()
    if json:
        print_json([_as_json(line) for line in lines])
    else:
        _tell(lines)
    raise typer.Exit(DONE if all(_is_good(line) for line in lines) and not gathered.left_out else FAILURES)


def _dry_run(parts: Office, taken: Sequence[Taken], added: tuple[Wanted, ...], json: bool) -> None:
    planned = bulk.plan(parts.desk, taken, added)
    parts.close()
    blocked = any(one.problem or any(d.state is State.HELD for d in one.dispatches) for one in planned)
    if json:
        print_json([_planned_json(one) for one in planned])
    else:
        rows = [row for one in planned for row in _planned_rows(one)]
        table(
            "Ce qui partirait (rien n'est envoyé)", ("Fichier", "Destinataire", "Adresse", "Comment", "Remarque"), rows
        )
    raise typer.Exit(FAILURES if blocked else DONE)


def _planned_rows(planned: Planned) -> list[tuple[str, ...]]:
    name = Path(planned.path).name
    if planned.problem:
        return [(name, "–", "–", "ne part pas", planned.problem)]
    rows: list[tuple[str, ...]] = []
    for one in planned.dispatches:
        if one.state is State.READY:
            rows.append((name, one.label, one.address, f"{one.format}, {envelope(one.envelope)}", one.reason))
        elif one.state is State.PAPER:
            rows.append((name, one.label, "–", "sur papier", one.reason))
        else:
            rows.append((name, one.label, "–", "ne part pas", one.reason))
    return rows


def _planned_json(planned: Planned) -> dict[str, object]:
    rows = [
        dict(zip(("recipient", "address", "how", "remark"), row[1:], strict=True)) for row in _planned_rows(planned)
    ]
    return {"path": planned.path, "format": planned.format, "reports": planned.reports, "dispatches": rows}


def _drain(parts: Office, ids: tuple[str, ...], *, quiet: bool) -> None:
    """Prepare and send with a progress bar; Ctrl-C stops cleanly, what is left goes on with the service."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    owner = owner_name(node_name(parts.settings))
    with Progress(console=console(), disable=quiet) as progress:
        prepared = progress.add_task("Préparation", total=len(ids))
        while not stop.is_set() and (count := steps.prepare_some(parts, owner, stop.is_set)):
            progress.advance(prepared, count)
        steps.batch_all(parts, now_whatever="send")
        total = sum(len(line.dispatches) for line in bulk.statement(parts.store, ids))
        sent = progress.add_task("Envoi", total=total)
        while not stop.is_set() and (done := steps.send_all(parts, owner, stop.is_set, wait=90.0).total):
            progress.advance(sent, done)


def _is_good(line: Statement) -> bool:
    return line.file.state in {FileState.DONE, FileState.DUPLICATE} and all(d.state in GOOD for d in line.dispatches)


def _as_json(line: Statement) -> dict[str, object]:
    return {
        "file": line.file.id,
        "name": line.file.name,
        "state": line.file.state,
        "reason": line.file.reason,
        "statement": line.sums.as_json(),
        "dispatches": [
            {"id": d.id, "state": d.state, "recipient": d.label, "address": d.address, "reason": d.reason}
            for d in line.dispatches
        ],
    }


def _tell(lines: tuple[Statement, ...]) -> None:
    rows = []
    for line in lines:
        if not line.dispatches:
            rows.append((line.file.name, line.file.id, "–", FILE_STATES[line.file.state], line.file.reason))
        rows += [(line.file.name, d.id, d.label, STATES[d.state], d.reason) for d in line.dispatches]
    table("Relevé de l'envoi", ("Fichier", "Numéro", "Destinataire", "État", "Remarque"), rows)
    say(f"Relevé : {sentence(bulk.sums(lines))}.")
    say("« dispatcher list » suit les accusés de remise et de lecture.")
