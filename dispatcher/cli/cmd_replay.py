"""``dispatcher replay``: first the list, then exactly that list; undone until it leaves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated

import typer

from dispatcher.cli.context import office
from dispatcher.cli.output import DONE, FAILURES, WRONG_CALL, complain, print_json
from dispatcher.cli.person import actor
from dispatcher.cli.replay_ask import agree_or_stop, reason_given, same_list_or_stop
from dispatcher.cli.replay_show import replay_json, resend_json, show_replay, show_resend
from dispatcher.cli.told import told
from dispatcher.clock import PARIS
from dispatcher.outbox.states import STATES, State
from dispatcher.ports import DispatchFilter
from dispatcher.service import renewal
from dispatcher.service import replay as service
from dispatcher.service.changed import Changed
from dispatcher.service.renewal import RESENDABLE, Begin
from dispatcher.service.replay import REPLAYABLE

UNDO = "« dispatcher replay --undo » et ce numéro l'annulent tant que rien n'est parti."
TAKE_BACK = "« dispatcher withdraw » ou « hold » les reprennent tant qu'ils ne sont pas partis."
DAYS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]

Ids = Annotated[list[str] | None, typer.Argument(help="Envois (D…) en échec ou fichiers (F…) en quarantaine.")]
Error = Annotated[str, typer.Option("--error", help="Code de la faute : « 5.1.1 », « 5.1 », « 550 »…")]
Since = Annotated[datetime | None, typer.Option(formats=DAYS, help="Préparés depuis (heure de Paris).")]
Until = Annotated[datetime | None, typer.Option(formats=DAYS, help="Préparés avant (heure de Paris).")]
Unknown = Annotated[bool, typer.Option("--unknown", help="Aussi les issues inconnues : le courrier a pu arriver déjà.")]
Token = Annotated[str, typer.Option("--token", help="Jeton de la liste montrée (--json) : elle seule, ou rien.")]
From = Annotated[
    Begin | None,
    typer.Option("--from", help="Renvoi sous une autre identité, repris au routage, à l'écriture ou au scellé."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """What a person chose to send again, and how he agrees to it."""

    ids: tuple[str, ...] = ()
    wanted: DispatchFilter | None = None
    states: tuple[State, ...] = (State.FAILED,)
    begin: Begin | None = None
    yes: bool = False
    count: int | None = None
    token: str = ""
    reason: str = ""
    json: bool = False


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("replay")(replay_command)


def replay_command(
    ids: Ids = None,
    batch: Annotated[str, typer.Option(help="D'un lot, même rejoué depuis.")] = "",
    channel: Annotated[str, typer.Option(help="D'un canal.")] = "",
    error: Error = "",
    recipient: Annotated[str, typer.Option(help="Partie du nom, de l'adresse ou de l'identifiant.")] = "",
    file: Annotated[str, typer.Option("--file", help="Du fichier source (F…).")] = "",
    since: Since = None,
    until: Until = None,
    state: Annotated[list[State] | None, typer.Option(help="Un état, ou plusieurs, au lieu des échecs.")] = None,
    unknown: Unknown = False,
    deferred: Annotated[bool, typer.Option("--deferred", help="Aussi les envois remis à plus tard.")] = False,
    begin: From = None,
    undo: Annotated[str, typer.Option("--undo", help="Annule ce rejeu (L…) pour ce qui n'est pas parti.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Sans demander confirmation.")] = False,
    count: Annotated[int | None, typer.Option(help="Le nombre attendu ; demandé pour un grand nombre.")] = None,
    token: Token = "",
    reason: Annotated[str, typer.Option("--reason", help="Motif, gardé au journal (obligatoire).")] = "",
    json: Annotated[bool, typer.Option("--json", help="Sortie JSON ; sans --yes, la liste seulement.")] = False,
) -> None:
    """Rejoue des échecs, mêmes octets et même Message-ID, ou les renvoie (--from) : la liste, puis elle seule."""
    if undo:
        _undo(undo, reason, json)
        return
    start, end = _utc(since), _utc(until)
    wanted = DispatchFilter(
        batch_id=batch, channel=channel, fault=error, recipient=recipient, file_id=file, since=start, until=end
    )
    more = (State.UNKNOWN,) * unknown + (State.DEFERRED,) * deferred
    which = Which(
        ids=tuple(ids or ()),
        wanted=wanted if wanted != DispatchFilter() else None,
        states=(*(state or (State.FAILED,)), *more),
        begin=begin,
    )
    carry_out(replace(which, yes=yes, count=count, token=token, reason=reason, json=json))


def carry_out(which: Which) -> None:
    """Show the plan, ask, do exactly that."""
    if not which.ids and which.wanted is None:
        _wrong("Rien à rejouer : donner des numéros, ou --batch, --channel, --error, --recipient, --file, --since.")
    odd = [one for one in which.states if one not in (RESENDABLE if which.begin else REPLAYABLE)]
    if odd:
        more = "" if which.begin else " ; ce qui est déjà parti se renvoie avec --from"
        _wrong(f"L'état « {STATES[odd[0]]} » ne se rejoue pas ainsi{more}.")
    if which.begin is None:
        _replay(which)
    else:
        _resend(which, which.begin)


def _replay(which: Which) -> None:
    parts = office()
    plan = service.plan_replay(parts.store, ids=which.ids, wanted=which.wanted, states=which.states)
    if not which.json:
        show_replay(plan)
    same_list_or_stop(plan.token, which.token)
    reason = _agreed(which, plan.count, plan.left_out, replay_json(plan), "Rejouer exactement cette liste ?")
    if reason is not None:
        changed = service.replay(parts.store, parts.clock, plan, reason=reason, actor=actor())
        told(_with(changed, plan.left_out), "rejoué|rejoués", which.json, UNDO)


def _resend(which: Which, begin: Begin) -> None:
    parts = office()
    plan = renewal.plan_resend(parts.desk, begin=begin, ids=which.ids, wanted=which.wanted, states=which.states)
    if not which.json:
        show_resend(plan)
    same_list_or_stop(plan.token, which.token)
    question = "Envoyer exactement cette liste de nouveau ?"
    reason = _agreed(which, len(plan.items), plan.left_out, resend_json(plan), question)
    if reason is not None:
        changed = renewal.resend(parts.desk, plan, reason=reason, actor=actor())
        told(_with(changed, plan.left_out), "envoyé de nouveau|envoyés de nouveau", which.json, TAKE_BACK)


def _agreed(
    which: Which, count: int, left_out: tuple[tuple[str, str], ...], plan: dict[str, object], question: str
) -> str | None:
    """The reason, once a person agreed to the plan; None when it was only to be shown."""
    refused = [list(item) for item in left_out]
    if count == 0:
        if which.json:
            print_json({"done": [], "refused": refused})
        raise typer.Exit(FAILURES if left_out else DONE)
    if which.json and not which.yes:
        print_json({"plan": plan, "refused": refused})
        return None
    above = office().settings.service.ask_count_above
    reason = reason_given(which.reason, json=which.json)
    said = count if which.token and which.count is None else which.count  # a token tells more than a number
    agree_or_stop(count, question, above=above, yes=which.yes, said=said, json=which.json)
    return reason


def _with(changed: Changed, left_out: tuple[tuple[str, str], ...]) -> Changed:
    return replace(changed, refused=changed.refused + left_out)


def _undo(batch: str, reason: str, json: bool) -> None:
    parts = office()
    given = reason_given(reason, json=json)
    told(service.undo(parts.store, parts.clock, batch, reason=given, actor=actor()), "remis comme avant", json)


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=PARIS).astimezone(UTC) if moment is not None else None


def _wrong(why: str) -> None:
    complain(why)
    raise typer.Exit(WRONG_CALL)
