"""``dispatcher pause`` and ``dispatcher resume``: one channel, or everything."""

from __future__ import annotations

from typing import Annotated

import typer

from dispatcher.cli.context import office
from dispatcher.cli.output import FAILURES, WRONG_CALL, complain, print_json, say
from dispatcher.cli.person import actor
from dispatcher.cli.replay_ask import agree_or_stop, reason_given
from dispatcher.daemon.mailboxes import reread
from dispatcher.errors import TransportError
from dispatcher.french import counted
from dispatcher.service import pause as service
from dispatcher.service.channel import Channel
from dispatcher.service.restored import InDoubt, in_doubt
from dispatcher.wiring import Office
from dispatcher.wiring.standing import paused_everywhere

Name = Annotated[str, typer.Argument(help="Nom du canal ; sans lui, --everything.")]
Everything = Annotated[bool, typer.Option("--everything", help="Tous les canaux.")]
Reason = Annotated[str, typer.Option("--reason", help="Motif, gardé au journal (obligatoire).")]
Json = Annotated[bool, typer.Option("--json", help="Sortie JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("pause")(pause)
    app.command("resume")(resume)


ALL_PAUSED = 'repris, mais tout reste en pause ; « dispatcher resume --everything --reason "…" » y met fin'


def pause(channel: Name = "", everything: Everything = False, reason: Reason = "", json: Json = False) -> None:
    """Plus rien ne part du canal, ou de tous, jusqu'à « resume » ; la réception et la préparation continuent."""
    parts = office()
    one, given = _chosen(parts, channel, everything), reason_given(reason, json=json)
    service.pause(parts.store, one, reason=given, actor=actor())
    again = f'dispatcher resume {channel or "--everything"} --reason "…"'
    _tell(channel, f"en pause ; « {again} » y met fin", json, paused=True)


def resume(
    channel: Name = "",
    everything: Everything = False,
    reason: Reason = "",
    yes: Annotated[bool, typer.Option("--yes", help="Sans demander confirmation.")] = False,
    count: Annotated[int | None, typer.Option(help="Le nombre attendu d'envois qui ont pu partir déjà.")] = None,
    without_mailbox: Annotated[
        bool, typer.Option("--without-mailbox", help="Après une restauration : sans relire les accusés déjà classés.")
    ] = False,
    json: Json = False,
) -> None:
    """Le canal, ou tous, envoient de nouveau ; après une restauration, ce qui a pu partir déjà est compté d'abord."""
    parts = office()
    one, given = _chosen(parts, channel, everything), reason_given(reason, json=json)
    found = _read_again(parts, without_mailbox) if one is None else None
    if found is not None and found.count:
        question = "Ces éléments ont pu partir déjà (« dispatcher restore --report »). Tout remettre en marche ?"
        above = parts.settings.service.ask_count_above
        agree_or_stop(found.count, question, above=above, yes=yes, said=count, json=json)
    service.resume(parts.store, one, reason=given, actor=actor())
    still = paused_everywhere(parts) if one is not None else ""
    _tell(channel, ALL_PAUSED if still else "en marche", json, paused=bool(still))


def _read_again(parts: Office, without_mailbox: bool) -> InDoubt | None:
    """What a restored database cannot know; receipts that were filed since its backup are read into it first."""
    found = in_doubt(parts.store)
    if found is None or without_mailbox:
        return found
    try:
        read = reread(parts, found.export_from)
    except TransportError as error:
        complain(f"Les accusés reçus depuis la sauvegarde n'ont pas pu être relus : {error}")
        complain("  → Rien ne part. Corriger et recommencer, ou y renoncer : --without-mailbox.")
        raise typer.Exit(FAILURES) from None
    for name, count in read.items():
        if count is None:
            complain(
                f"Canal « {name} » : sa boîte ne garde pas les accusés classés ; ceux d'après la sauvegarde manquent."
            )
        elif count:
            complain(f"Canal « {name} » : {counted(count, 'courrier')} de la boîte relus, reçus depuis la sauvegarde.")
    return in_doubt(parts.store)


def _chosen(parts: Office, channel: str, everything: bool) -> Channel | None:
    """The channel, None for all of them; ends with code 2 when neither or both are said, or the name is unknown."""
    if bool(channel) == everything:
        complain("Dire quoi : le nom d'un canal, ou --everything pour tous.")
        raise typer.Exit(WRONG_CALL)
    if channel and channel not in parts.channels:
        complain(f"Aucun canal ne porte le nom « {channel} » ; connus : {', '.join(parts.channels)}.")
        raise typer.Exit(WRONG_CALL)
    return parts.channels[channel] if channel else None


def _tell(channel: str, now: str, json: bool, *, paused: bool) -> None:
    if json:
        print_json({"channel": channel or None, "paused": paused})
    else:
        say(f"Le canal « {channel} » est {now}." if channel else f"Tous les canaux : {now}.")
