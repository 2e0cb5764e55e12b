"""A forecast as people read it: one French sentence a channel."""

from __future__ import annotations

from dispatcher.cli.output import moment
from dispatcher.french import age, counted, either
from dispatcher.outbox.forecast import Forecast

_WHY = {
    "": "au débit réglé",
    "slow": "au rythme mesuré depuis quelques minutes, plus lent que le débit réglé",
    "hours": "après la formation du prochain lot",
    "due": "après les nouveaux essais prévus",
}


def sentence(channel: str, waiting: int, told: Forecast) -> str:
    """« Canal pro : 120 envois en attente ; tout sera parti … (dans 2 min). »; empty: nothing waits."""
    if not waiting:
        return ""
    begin = f"Canal « {channel} » : {counted(waiting, 'envoi')} en attente"
    stopped = f" {told.stopped} {either(told.stopped, 'est', 'sont')} dans un lot suspendu et n'y "
    stopped = f"{stopped}{either(told.stopped, 'est', 'sont')} pas compté{either(told.stopped, '', 's')}."
    after = stopped if told.stopped else ""
    if told.reason == "paused":
        return f"{begin} ; {_pause(channel, told)}, puis {_then(told)}.{after}"
    if told.reason == "closed":
        return f"{begin} ; aucune heure de formation des lots n'est prévue d'ici un an : revoir « batch »."
    if told.reason == "stopped":
        return f'{begin}, tous dans des lots suspendus : « dispatcher batches resume L… --reason "…" » les reprend.'
    return f"{begin} ; tout sera parti {moment(told.through_at)} (dans {age(told.takes)}), {_WHY[told.reason]}.{after}"


def _pause(channel: str, told: Forecast) -> str:
    if told.tries_at is None:
        return f'le canal est en pause : rien ne part avant « dispatcher resume {channel} --reason "…" »'
    return f"le canal attend après une panne : nouvel essai, de lui-même, {moment(told.tries_at)}"


def _then(told: Forecast) -> str:
    return f"il faudra {age(told.takes)}" if told.takes.total_seconds() >= 1 else "tout partira aussitôt"
