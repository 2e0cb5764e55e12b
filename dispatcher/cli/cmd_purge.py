"""``dispatcher purge``: what was kept long enough is removed; what is unfinished never."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from dispatcher.cli.context import office
from dispatcher.cli.output import print_json, say, table
from dispatcher.cli.person import actor
from dispatcher.clock import paris
from dispatcher.daemon import processes
from dispatcher.errors import StoreError
from dispatcher.french import counted
from dispatcher.ports import Kept, Weight
from dispatcher.service import nodes
from dispatcher.service.purge import Purged, purge
from dispatcher.wiring import Office

REST_SECONDS = 0.05
"""Between two slices: a service at work gets its turn."""
KINDS: dict[Kept, str] = {
    Kept.FILES: "fichiers traités dont le contenu est purgé",
    Kept.ORIGINALS: "fichiers reçus du SIL",
    Kept.RENDITIONS: "documents écrits",
    Kept.MAILS: "courriers scellés",
    Kept.NOTICES: "avis (un extrait sans le patient est gardé)",
    Kept.ADDRESSES: "adresses de patients",
    Kept.IDENTITIES: "empreintes d'identité de patients",
    Kept.ANSWERS: "réponses données au SIL",
    Kept.PROOFS: "envois dont la preuve est échue",
}


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("purge")(run)


def run(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Montre ce qui partirait, sans rien changer.")] = False,
    compact: Annotated[
        bool, typer.Option("--compact", help="Réécrit la base entière, plus petite ; service arrêté.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Sortie JSON.")] = False,
) -> None:
    """Purge ce qui est terminé et gardé assez longtemps ([retention]) : contenus tôt, preuve tard."""
    parts = office()
    if compact and not dry_run:
        _nobody_at_work(parts)
    done = purge(parts.store, parts.clock, parts.retention, actor=actor(), dry=dry_run, compact=compact, go_on=_rest)
    if json:
        print_json(as_json(done, dry=dry_run))
    else:
        _tell(parts, done, dry=dry_run)
        if compact and not dry_run:
            say("La base est réécrite en entier.")


def _rest() -> bool:
    time.sleep(REST_SECONDS)
    return True


def _nobody_at_work(parts: Office) -> None:
    alive = [one.node.name for one in nodes.view(parts.store, processes.runs).nodes if not one.silent or one.runs]
    if alive:
        raise StoreError(
            f"Un service est en marche sur cette base : {', '.join(alive)}.",
            hint="L'arrêter pour « --compact » ; sans cette option, la purge se fait service en marche.",
            code="busy",
        )


def as_json(done: Purged, *, dry: bool) -> dict[str, Any]:
    """For programs."""
    return {
        "dry_run": dry,
        "kinds": {str(kind): _weight(done.weights.get(kind, Weight())) for kind in Kept},
        "first": done.first,
        "last": done.last,
        "complete": done.complete,
        "log_emptied": done.tidy,
    }


def _weight(weight: Weight) -> dict[str, int]:
    return {"count": weight.count, "bytes": weight.size}


def _tell(parts: Office, done: Purged, *, dry: bool) -> None:
    wanted = parts.settings.retention
    say(
        f"Conservation : contenus {wanted.contents_days} jours, avis sans envoi {wanted.unmatched_days}, "
        f"réponses au SIL {wanted.answers_days}, preuve {wanted.proof_days}."
    )
    rows = [
        (KINDS[kind], str(weight.count), _megabytes(weight.size) if weight.size else "")
        for kind in Kept
        if (weight := done.weights.get(kind, Weight())).count
    ]
    if not rows:
        say("Rien à purger : tout est encore utile, ou gardé depuis moins longtemps.")
        return
    table("À purger" if dry else "Purgé", ("Quoi", "Nombre", "Taille"), rows)
    if done.first is not None and done.last is not None:
        say(f"Fichiers reçus du {paris(done.first):%d/%m/%Y} au {paris(done.last):%d/%m/%Y}.")
    if dry:
        say("Rien n'est changé. Sans --dry-run, ceci est retiré pour de bon.")
        return
    say("La preuve reste : états, accusés, empreintes et journal. Rien de ce qui n'est pas terminé n'est touché.")
    say("  → Les sauvegardes d'avant gardent ce contenu jusqu'à leur propre fin (« dispatcher backup --keep »).")
    if not done.tidy:
        say("  → Le journal interne de la base (-wal) était lu par d'autres : la prochaine purge le videra.")


def _megabytes(size: int) -> str:
    return counted(size, "octet") if size < 100_000 else f"{size / 1_000_000:.1f} Mo".replace(".", ",")
