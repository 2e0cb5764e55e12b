"""The first lines of ``status``: urgent results that have not left in time, batches and channels that wait."""

from __future__ import annotations

from datetime import datetime

from dispatcher.cli.output import complain, moment
from dispatcher.french import age
from dispatcher.outbox.states import STATES
from dispatcher.service.overview import StatusView

SHOWN = 5
"""Named one by one; of more only the number is told."""


def tell_late(view: StatusView, now: datetime) -> None:
    """One alarm a dispatch."""
    for one in view.late[:SHOWN]:
        since = f", depuis {age(now - one.created_at)}" if one.created_at is not None else ""
        complain(f"ALARME, résultat urgent pas encore parti : {one.id}, {STATES[one.state]}{since}.")
        if one.reason:
            complain(f"  {one.reason}")
    if view.late:
        complain("  → Prévenir le destinataire par téléphone ; « dispatcher show ENVOI » dit ce qui l'arrête.")
    if len(view.late) > SHOWN:
        complain(f"  Et {len(view.late) - SHOWN} autres : « dispatcher status --json ».")


def tell_paused(view: StatusView) -> None:
    """One alarm a batch, until it is resumed, and one a channel that a fault stopped."""
    for channel in view.channels:
        if channel.tries_at is not None:
            complain(
                f"ALARME, canal « {channel.name} » arrêté par une panne ; nouvel essai {moment(channel.tries_at)}."
            )
            complain(f"  {channel.paused}")
    for one in view.paused_batches[:SHOWN]:
        complain(f"ALARME, lot {one.id} du canal « {one.channel} » suspendu, ses envois attendent. {one.pause_reason}")
    if len(view.paused_batches) > SHOWN:
        complain(f"  Et {len(view.paused_batches) - SHOWN} autres : « dispatcher batches list ».")
