"""``dispatcher hold``, ``close``, ``withdraw``, ``paper`` and ``replay``."""

from __future__ import annotations

from typing import Annotated

import typer

from dispatcher.cli import asking
from dispatcher.cli.context import office
from dispatcher.cli.output import DONE, FAILURES, WRONG_CALL, complain, print_json, say, table
from dispatcher.cli.person import actor
from dispatcher.cli.wording import STATES
from dispatcher.outbox.states import State
from dispatcher.ports import DispatchFilter
from dispatcher.service import operate
from dispatcher.service.operate import Changed, ReplayPlan

Ids = Annotated[list[str], typer.Argument(help="Numéros d'envoi (D…).")]
Reason = Annotated[str, typer.Option("--reason", help="Motif, gardé au journal.")]
Json = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("hold")(hold)
    app.command("close")(close)
    app.command("withdraw")(withdraw)
    app.command("paper")(paper)
    app.command("replay")(replay)


def hold(ids: Ids, reason: Reason = "mis en attente par un opérateur", json: Json = False) -> None:
    """Met des envois en attente avant leur départ."""
    _told(operate.hold(office().store, ids, reason=reason, actor=actor()), "mis en attente", json)


def close(
    ids: Ids, reason: Annotated[str, typer.Option("--reason", help="Motif (obligatoire).")], json: Json = False
) -> None:
    """Clôt des envois : une personne s'en est occupée autrement."""
    _told(operate.close(office().store, ids, reason=_given(reason), actor=actor()), "clos", json)


def withdraw(
    ids: Ids, reason: Annotated[str, typer.Option("--reason", help="Motif (obligatoire).")], json: Json = False
) -> None:
    """Retire des envois avant leur départ."""
    _told(operate.withdraw(office().store, ids, reason=_given(reason), actor=actor()), "retirés", json)


def paper(
    ids: Ids,
    printed: Annotated[
        bool, typer.Option("--printed", help="Ces envois sur papier sont imprimés : ce qui suit ira aussi sur papier.")
    ] = False,
    reason: Annotated[str, typer.Option("--reason", help="Motif (obligatoire, sauf avec --printed).")] = "",
    json: Json = False,
) -> None:
    """Passe des envois sur papier : à imprimer, à dire imprimés (--printed), à poster, puis à clore."""
    if printed:
        parts = office()
        _told(operate.printed(parts.store, parts.clock, ids, actor=actor()), "notés imprimés", json)
    _told(operate.to_paper(office().store, ids, reason=_given(reason), actor=actor()), "passés sur papier", json)


def replay(
    ids: Annotated[
        list[str] | None, typer.Argument(help="Envois (D…) en échec ou fichiers (F…) en quarantaine.")
    ] = None,
    batch: Annotated[str, typer.Option(help="Tous les échecs d'un lot.")] = "",
    channel: Annotated[str, typer.Option(help="Tous les échecs d'un canal.")] = "",
    unknown: Annotated[
        bool, typer.Option("--unknown", help="Aussi les issues inconnues : le courrier a pu arriver déjà.")
    ] = False,
    deferred: Annotated[bool, typer.Option("--deferred", help="Aussi les envois remis à plus tard.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Rejoue sans demander confirmation.")] = False,
    reason: Reason = "rejoué par un opérateur",
    json: Json = False,
) -> None:
    """Rejoue des envois en échec : d'abord la liste, puis exactement cette liste (mêmes octets, même Message-ID)."""
    parts = office()
    states = (State.FAILED, *((State.UNKNOWN,) if unknown else ()), *((State.DEFERRED,) if deferred else ()))
    wanted = DispatchFilter(states=states, batch_id=batch, channel=channel, limit=10_000) if batch or channel else None
    if not ids and wanted is None:
        complain("Rien à rejouer : donner des numéros, ou --batch, ou --channel.")
        raise typer.Exit(2)
    plan = operate.plan_replay(parts.store, ids=ids or (), wanted=wanted, states=states)
    if not json:
        _show_plan(plan)
    if not plan.dispatches and not plan.files:
        if json:
            print_json({"done": [], "refused": [list(item) for item in plan.left_out]})
        raise typer.Exit(FAILURES if plan.left_out else DONE)
    if json and not yes:
        plan_json = {"dispatches": [d.id for d in plan.dispatches], "files": [f.id for f in plan.files]}
        print_json({"plan": plan_json, "refused": [list(item) for item in plan.left_out]})
        return
    if not yes:
        asking.or_stop("Rejouer exactement cette liste ?")
    result = operate.replay(parts.store, parts.clock, plan, reason=reason, actor=actor())
    _told(Changed(done=result.done, refused=result.refused + plan.left_out), "rejoués", json)


def _show_plan(plan: ReplayPlan) -> None:
    rows = [(d.id, STATES[d.state], d.label, d.address, d.reason) for d in plan.dispatches]
    rows += [(f.id, "fichier en quarantaine", "", "", f.reason) for f in plan.files]
    table("À rejouer", ("Numéro", "État", "Destinataire", "Adresse", "Remarque"), rows, empty="Rien à rejouer.")
    for item, why in plan.left_out:
        say(f"Laissé de côté : {item} ({why}).")


def _given(reason: str) -> str:
    """A reason is what the journal will say in a year: an empty one is refused."""
    if not reason.strip():
        complain('Un motif est demandé : --reason "…".')
        raise typer.Exit(WRONG_CALL)
    return reason


def _told(changed: Changed, verb: str, json: bool) -> None:
    if json:
        print_json({"done": list(changed.done), "refused": [list(item) for item in changed.refused]})
    else:
        if changed.done:
            say(f"{len(changed.done)} {verb} : {', '.join(changed.done)}")
        for item, why in changed.refused:
            complain(f"{item} : {why}")
    raise typer.Exit(FAILURES if changed.refused else DONE)
