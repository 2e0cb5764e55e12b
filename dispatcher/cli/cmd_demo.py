"""``dispatcher demo``: the whole round against the sandbox, and a table of what happened."""

from __future__ import annotations

import tempfile
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from dispatcher.cli.demo import Round, play, throw_away
from dispatcher.cli.demo_console import stay_open
from dispatcher.cli.output import FAILURES, complain, print_json, say, table
from dispatcher.errors import ConfigError
from dispatcher.french import counted
from dispatcher.outbox.dispatch import Dispatch
from dispatcher.outbox.states import FILE_STATES, STATES, FileState, State


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("demo")(demo)


def demo(
    keep: Annotated[
        Path | None, typer.Option("--keep", help="Laisse fichiers, courriers, clés et base dans ce dossier (neuf).")
    ] = None,
    serve: Annotated[bool, typer.Option("--serve", help="Ouvre ensuite la console dessus, jusqu'à Ctrl-C.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port de la console (avec --serve).")] = 8741,
    json: Annotated[bool, typer.Option("--json", help="Sortie JSON.")] = False,
) -> None:
    """Un tour complet sur cette machine : fichiers, courriers chiffrés, accusés. Tout le monde y est inventé."""
    if serve and json:
        raise ConfigError("--serve et --json ne vont pas ensemble.")
    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise ConfigError(f"Le dossier {keep} n'est pas vide.", hint="Donner un dossier neuf à --keep.")
    folder = keep.resolve() if keep is not None else Path(tempfile.mkdtemp(prefix="dispatcher-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        stay = partial(stay_open, port=port) if serve else None
        result = play(folder, lambda text: None if json else say(text), stay)
        if json:
            print_json(_as_json(result, kept=keep is not None))
        else:
            _tell(result, kept=keep is not None)
    finally:
        if keep is None:
            throw_away(folder)
    if not result.settled:
        complain("Des envois sont restés en route : ce n'est pas ce que la démonstration attend.")
        raise typer.Exit(FAILURES)


def _as_json(result: Round, *, kept: bool) -> dict[str, object]:
    return {
        "files": len(result.files),
        "reports": result.reports,
        "dispatches": dict(Counter(str(dispatch.state) for dispatch in result.dispatches)),
        "quarantined": _count(result, FileState.QUARANTINED),
        "held": sum(dispatch.state is State.HELD for dispatch in result.dispatches),
        "duplicates": _count(result, FileState.DUPLICATE),
        "unread": result.after.unread,
        "letters": result.after.letters,
        "print_run": str(result.folder / result.after.printed) if kept and result.after.printed else None,
        "seconds": round(result.seconds, 1),
        "mails": [
            {
                "dispatch": dispatch.id,
                "message_id": dispatch.message_id,
                "recipient": dispatch.address,
                "format": dispatch.format,
                "envelope": dispatch.envelope,
                "state": dispatch.state,
                "sha256": dispatch.sealed_sha256,
                "eml": result.mails.get(dispatch.message_id) if kept else None,
            }
            for dispatch in result.dispatches
            if dispatch.message_id in result.mails
        ],
    }


def _count(result: Round, state: FileState) -> int:
    return sum(file.state is state for file in result.files)


def _tell(result: Round, *, kept: bool) -> None:
    rows = []
    for file in sorted(result.files, key=lambda f: (f.source, f.name)):
        dispatches = result.of_file[file.id]
        if not dispatches:
            rows.append((f"{file.source}/{file.name}", "–", FILE_STATES[file.state], file.reason))
        rows += [(f"{file.source}/{file.name}", d.label, STATES[d.state], d.reason or _note(d)) for d in dispatches]
    table("Ce qui est arrivé", ("Fichier", "Destinataire", "État", "Remarque"), rows)
    counts = Counter(dispatch.state for dispatch in result.dispatches)
    say(
        f"{len(result.files)} fichiers, {result.reports} comptes rendus, {len(result.dispatches)} envois en "
        f"{result.seconds:.0f} s. "
        + ", ".join(f"{STATES[state]} : {count}" for state, count in counts.most_common())
        + "."
    )
    say(
        f"{counted(_count(result, FileState.QUARANTINED), 'fichier')} en quarantaine, "
        f"{counted(_count(result, FileState.DUPLICATE), 'doublon')}. Rien n'est perdu : l'original de chacun est gardé."
    )
    after = result.after
    if after.unread:
        say(f"{counted(after.unread, 'envoi')} jamais lu : rappelé au laboratoire (rappel {after.digest}).")
    if after.letters:
        say(f"{counted(after.letters, 'lettre')} à poster, en un seul PDF adressé : {after.printed}.")
    if kept:
        say(f"Tout est resté dans {result.folder}. À essayer là : « dispatcher list », « dispatcher explain D… ».")


def _note(dispatch: Dispatch) -> str:
    if dispatch.version > 1:
        return f"version {dispatch.version} : annule et remplace la précédente"
    return "remis, jamais ouvert" if dispatch.state is State.DELIVERED else ""
