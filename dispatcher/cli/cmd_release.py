"""``dispatcher release``: look again, send where a person says, and remember it for the next time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from dispatcher import wiring
from dispatcher.cli.context import office
from dispatcher.cli.output import WRONG_CALL, complain
from dispatcher.cli.person import actor
from dispatcher.cli.release_ask import How
from dispatcher.cli.release_plan import together
from dispatcher.cli.release_show import told
from dispatcher.cli.release_to import release_to
from dispatcher.directory.local.rules import TableRules
from dispatcher.service.learn import plan_code
from dispatcher.service.release import release as release_one


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("release")(release)


def release(
    ids: Annotated[list[str] | None, typer.Argument(help="Numéros d'envoi (D…).")] = None,
    to: Annotated[
        str, typer.Option("--to", help="Numéro d'un candidat (voir « explain »), adresse, ou identifiant national.")
    ] = "",
    keep: Annotated[
        bool, typer.Option("--remember", help="Retient ce choix dans la table, et libère tout ce qu'il règle.")
    ] = False,
    instead: Annotated[
        bool, typer.Option("--replace", help="Avec --remember : remplace la ligne qui dit autre chose.")
    ] = False,
    code: Annotated[str, typer.Option("--code", help="Tout ce qui attend pour ce code et que la table règle.")] = "",
    source: Annotated[str | None, typer.Option(help="Avec --code : seulement cette source.")] = None,
    despite: Annotated[
        bool, typer.Option("--despite-errors", help="Envoie tel quel un compte rendu retenu pour une faute.")
    ] = False,
    despite_name: Annotated[
        bool,
        typer.Option("--despite-name", help="Envoie alors que le fichier nomme quelqu'un d'autre ; gardé au journal."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Libère sans demander ce qui est montré.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Motif, gardé au journal.")] = "libéré par un opérateur",
    json: Annotated[
        bool, typer.Option("--json", help="Sortie JSON ; un lot se montre d'abord, --yes l'envoie.")
    ] = False,
) -> None:
    """Libère des envois en attente : recherche refaite, ou destinataire choisi et, au besoin, retenu."""
    named = ids or []
    parts = office()
    if wrong := _wrong_call(named, to, keep, code, despite):
        complain(wrong)
        raise typer.Exit(WRONG_CALL)
    how = How(keep, instead, despite, despite_name, yes, json, reason)
    if code:
        together(parts.desk, None, plan_code(parts.desk, code, source), how)
    elif to:
        release_to(parts.desk, TableRules(wiring.table_book(parts.settings, parts.clock)), named, to, how)
    else:
        told([release_one(parts.desk, one, reason=reason, actor=actor(), despite=despite) for one in named], None, json)


def _wrong_call(named: Sequence[str], to: str, keep: bool, code: str, despite: bool) -> str:
    if bool(named) == bool(code):
        return "Donner des numéros d'envoi, ou --code CODE."
    if to and code:
        return (
            "--to et --code ne vont pas ensemble : --code libère vers ce que dit la table, --to vise des envois nommés."
        )
    if keep and (not to or len(named) != 1):
        return "--remember demande un seul envoi et --to."
    if despite and (keep or code):
        return "--despite-errors vaut pour les envois nommés, jamais pour ceux d'une règle : sans --remember ni --code."
    if to.strip().isdigit() and len(to.strip()) <= 3 and len(named) != 1:
        return "Un numéro de candidat vaut pour un seul envoi."
    return ""
