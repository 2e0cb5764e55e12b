"""Use case: why this recipient, address, format, certificate and time? In French, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatcher.clock import paris
from dispatcher.french import counted
from dispatcher.outbox.batching import BatchRule
from dispatcher.outbox.calendar import ALWAYS
from dispatcher.outbox.dispatch import Batch, Dispatch, JournalLine, ReportVersion, SourceFile
from dispatcher.outbox.pacing import DAY
from dispatcher.outbox.states import State
from dispatcher.ports import DispatchFilter, Store
from dispatcher.routing.identities import tokens
from dispatcher.routing.route import RecipientRole
from dispatcher.routing.trace import candidate, explain_french, from_json, numbered
from dispatcher.service.channel import Channel
from dispatcher.service.replay import REPLAYED, UNDONE
from dispatcher.service.resend import RESENT
from dispatcher.service.waits import sentence, waits_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Sentences for people, and the facts behind them."""

    dispatch: Dispatch
    lines: tuple[str, ...]
    people: tuple[JournalLine, ...] = ()
    """What people did with it, in order."""
    waits_for: tuple[Dispatch, ...] = ()
    """Older versions whose outcome it waits for."""

    def as_json(self) -> dict[str, object]:
        """The decision as it was kept, with the sentences."""
        return {
            "id": self.dispatch.id,
            "state": self.dispatch.state,
            "decision": self.dispatch.decision,
            "address": self.dispatch.address,
            "channel": self.dispatch.channel,
            "format": self.dispatch.format,
            "envelope": self.dispatch.envelope,
            "certificate": self.dispatch.certificate,
            "people": [
                {
                    "at": line.at.isoformat(),
                    "by": line.actor.removeprefix(PERSON),
                    "event": line.event,
                    "reason": str(line.detail.get("reason", "")),
                }
                for line in self.people
            ],
            "waits_for": [{"id": one.id, "state": one.state} for one in self.waits_for],
            "explanation": list(self.lines),
        }


def explain(store: Store, channels: Mapping[str, Channel], dispatch_id: str) -> Explanation | None:
    """None when there is no such dispatch."""
    with store.reading() as uow:
        dispatch = uow.dispatches.get(dispatch_id)
        if dispatch is None:
            return None
        report = uow.reports.get(dispatch.report_id)
        file = uow.files.get(report.file_id) if report is not None else None
        batch = uow.batches.get(dispatch.batch_id) if dispatch.batch_id else None
        others = uow.dispatches.list(DispatchFilter(chain=dispatch.chain, limit=200))
        behind = waits_for(uow, dispatch)
        people = tuple(line for line in uow.journal.of_subject(dispatch.id) if line.actor.startswith(PERSON))
    lines = [
        *_what(dispatch, report, file),
        *explain_french(dispatch.decision, _today(dispatch)),
        *_named(dispatch),
        *_waited(dispatch),
        *(_done(line) for line in people),
        *_when(dispatch, batch, channels.get(dispatch.channel)),
        *_situation(dispatch, people),
        *(sentence(older) for older in behind),
        *_versions(dispatch, others),
    ]
    return Explanation(dispatch=dispatch, lines=tuple(lines), people=people, waits_for=behind)


def _today(dispatch: Dispatch) -> dict[str, object]:
    """What the row says now; it wins over the decision where an operator changed it."""
    return {name: getattr(dispatch, name) for name in ("address", "channel", "format", "certificate", "label")}


def _at(moment: datetime | None) -> str:
    return paris(moment).strftime("le %d/%m/%Y à %H:%M:%S") if moment is not None else "à une heure inconnue"


def _what(dispatch: Dispatch, report: ReportVersion | None, file: SourceFile | None) -> list[str]:
    if report is None or file is None:
        return [f"Envoi {dispatch.id}."]
    again = f" Nouvel envoi, après {dispatch.resend_of}." if dispatch.resend_of else ""
    number = f" du dossier {report.order_filler}" if report.order_filler else ""
    return [
        f"Envoi {dispatch.id} : compte rendu{number}, version {report.version}, "
        f"lu dans le fichier {file.id} reçu {_at(file.received_at)} par la source « {file.source} ».{again}"
    ]


def _when(dispatch: Dispatch, batch: Batch | None, channel: Channel | None) -> list[str]:
    """Why at this time: batch, pace, attempts, state."""
    lines: list[str] = []
    if batch is not None:
        why = _REASONS.get(batch.reason, batch.reason)
        gone = dispatch.sent_at is not None or dispatch.attempts > 0 or dispatch.submitting_since is not None
        verb = "parti avec" if gone else "placé dans"
        lines.append(f"Heure : {verb} le lot {batch.id} formé {_at(batch.created_at)} ({why}).")
    elif dispatch.state is State.READY and channel is not None:
        lines.append(f"Heure : attend le prochain lot du canal, {_rhythm(channel.batch)}.")
    if channel is not None and dispatch.address:
        lines.append(f"Débit du canal « {channel.name} » : {_limits(channel)}.")
    if dispatch.sent_at is not None:
        lines.append(f"Accepté par l'opérateur {_at(dispatch.sent_at)}, réponse « {dispatch.reply} ».")
    if dispatch.delivered_at is not None:
        lines.append(f"Remis dans la boîte du destinataire {_at(dispatch.delivered_at)}.")
    if dispatch.read_at is not None:
        lines.append(f"Lu ou intégré par le destinataire {_at(dispatch.read_at)}.")
    if dispatch.state is State.DEFERRED and dispatch.due_at is not None:
        lines.append(f"Nouvel essai prévu {_at(dispatch.due_at)}, après {counted(dispatch.attempts, 'tentative')}.")
    return lines


def _rhythm(rule: BatchRule) -> str:
    """How often the channel forms its batches."""
    often = f"au plus tard dans {_minutes(rule.every)}" if rule.every is not None else "à l'heure prévue par « cron »"
    return often if rule.calendar == ALWAYS else f"{often} quand les heures de formation des lots sont ouvertes"


def _limits(channel: Channel) -> str:
    """``60 envois au plus par minute glissante, 500 par heure, 4000 par 24 heures``."""
    names = {timedelta(hours=1): "heure", DAY: "24 heures"}
    longer = "".join(f", {one.most} par {names[one.length]}" for one in channel.limit.longer)
    return f"{channel.limit.per_window} envois au plus par minute glissante{longer}"


def _situation(dispatch: Dispatch, people: Sequence[JournalLine]) -> list[str]:
    """Why it stands where it stands, unless that is said above: the hold of the rules, or what a person just did."""
    hold = dispatch.decision.get("hold")
    said = str(hold.get("reason", "")) if isinstance(hold, Mapping) else ""
    released = people and people[-1].event == RELEASED and people[-1].detail.get("reason") == dispatch.reason
    if not dispatch.reason or dispatch.reason == said or released:
        return []
    return [] if dispatch.state in {State.SENT, State.DELIVERED, State.READ} else [f"Situation : {dispatch.reason}"]


def _named(dispatch: Dispatch) -> list[str]:
    """Whom the file named, for ever, when that is not who it is for now."""
    try:
        decision = from_json(dispatch.decision)
    except (KeyError, TypeError, ValueError, AttributeError):
        return []
    wanted, route = decision.wanted, decision.route
    text = wanted.label or " ".join(part for part in (wanted.family, wanted.given) if part)
    owner = f"{route.family} {route.given}" if route is not None and route.family else dispatch.label
    same = sorted(tokens(text)) == sorted(tokens(dispatch.label)) == sorted(tokens(owner))
    return [] if not text or same or wanted.role is RecipientRole.PATIENT else [f"Le fichier nommait « {text} »."]


def _waited(dispatch: Dispatch) -> list[str]:
    """Why it waited before a person released it, and who else was possible."""
    waited = dispatch.decision.get("waited")
    if not isinstance(waited, Mapping) or dispatch.decision.get("hold"):
        return []
    lines = [f"Avait attendu un opérateur : {waited.get('reason', '')}"]
    try:
        entries = [candidate(entry) for entry in waited.get("candidates") or ()]
    except (KeyError, TypeError, ValueError, AttributeError):
        entries = []
    return [*lines, *(["Autres possibilités vues alors :"] if entries else []), *numbered(entries)]


def _done(line: JournalLine) -> str:
    reason = str(line.detail.get("reason", "")).rstrip(".")
    why = f" : {reason}" if reason and line.event not in {LOOKED, UNDONE} else ""
    return f"{_DEEDS.get(line.event, 'Changé')} par {line.actor.removeprefix(PERSON)} {_at(line.at)}{why}."


PERSON = "operator:"
RELEASED, LOOKED = "dispatch.released", "dispatch.looked-again"
REFUSED, OVERRULED = "dispatch.release-refused", "dispatch.name-overruled"
_DEEDS = {
    RELEASED: "Libéré",
    LOOKED: "Recherche refaite, sans succès,",
    OVERRULED: "Nom différent, vu et accepté",
    REFUSED: "Libération refusée, demandée",
    "dispatch.held": "Mis en attente",
    "dispatch.closed": "Clos",
    "dispatch.withdrawn": "Retiré",
    "dispatch.paper": "Passé sur papier",
    "dispatch.printed": "Imprimé",
    REPLAYED: "Rejoué",
    UNDONE: "Rejeu annulé",
    RESENT: "Envoyé de nouveau",
}


_REASONS = {
    "tick": "à l'heure prévue",
    "full": "parce qu'il était plein",
    "urgent": "aussitôt, résultat urgent",
    "replay": "rejeu demandé par un opérateur",
    "once": "passage unique demandé",
}


def _minutes(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60} min"


def _versions(dispatch: Dispatch, others: tuple[Dispatch, ...]) -> list[str]:
    mine = [other for other in others if other.recipient_key == dispatch.recipient_key]
    late = dispatch.hold_code == "older-version"
    older = [other for other in mine if other.version < dispatch.version and not late]
    newer = [other for other in mine if other.version > dispatch.version]
    lines = [f"Remplace la version {other.version} (envoi {other.id})." for other in older]
    return lines + [f"Remplacé par la version {other.version} (envoi {other.id})." for other in newer]
