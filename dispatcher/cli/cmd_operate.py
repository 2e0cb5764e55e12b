"""``dispatcher hold``, ``close`` and ``withdraw``."""

from __future__ import annotations

from typing import Annotated

import typer

from dispatcher.cli.context import office
from dispatcher.cli.person import actor
from dispatcher.cli.replay_ask import reason_given
from dispatcher.cli.told import told
from dispatcher.service import operate

Ids = Annotated[list[str], typer.Argument(help="Numéros d'envoi (D…).")]
Reason = Annotated[str, typer.Option("--reason", help="Motif, gardé au journal.")]
Json = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("hold")(hold)
    app.command("close")(close)
    app.command("withdraw")(withdraw)


def hold(ids: Ids, reason: Reason = "mis en attente par un opérateur", json: Json = False) -> None:
    """Met des envois en attente avant leur départ."""
    told(operate.hold(office().store, ids, reason=reason, actor=actor()), "mis en attente", json)


def close(
    ids: Ids, reason: Annotated[str, typer.Option("--reason", help="Motif (obligatoire).")], json: Json = False
) -> None:
    """Clôt des envois : une personne s'en est occupée autrement."""
    told(operate.close(office().store, ids, reason=reason_given(reason), actor=actor()), "clos", json)


def withdraw(
    ids: Ids, reason: Annotated[str, typer.Option("--reason", help="Motif (obligatoire).")], json: Json = False
) -> None:
    """Retire des envois avant leur départ."""
    told(operate.withdraw(office().store, ids, reason=reason_given(reason), actor=actor()), "retiré|retirés", json)
