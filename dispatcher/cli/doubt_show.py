"""How ``status`` tells of dispatches whose outcome is unknown."""

from __future__ import annotations

from dispatcher.cli.output import complain, say
from dispatcher.french import age, counted
from dispatcher.service import alarms
from dispatcher.service.overview import StatusView
from dispatcher.wiring import Office

NEXT = "  → « dispatcher list --state unknown », puis « dispatcher settle » quand on sait, ou « dispatcher replay »."


def tell_doubts(parts: Office, view: StatusView) -> None:
    """How many, since when; louder once it is an alarm."""
    told = False
    for channel in view.channels:
        if not channel.unknown or channel.unknown_since is None:
            continue
        since = age(parts.clock.now() - channel.unknown_since)
        text = f"{counted(channel.unknown, 'envoi')} à l'issue inconnue sur le canal « {channel.name} », depuis {since}"
        if alarms.standing(parts.store, alarms.doubt(channel.name)):
            complain(f"ALARME : {text}.")
        else:
            say(f"{text}.")
        unasked = alarms.standing(parts.store, alarms.sent_folder(channel.name))
        if unasked:
            complain(f"  Le dossier des courriers envoyés ne peut pas être interrogé : {unasked}")
        told = True
    if told:
        say(NEXT)
