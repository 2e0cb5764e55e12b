"""How bulk sends are shown: the dry run, the list of sends, a statement."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dispatcher.cli.forecast_show import sentence as forecast_sentence
from dispatcher.cli.output import moment, say, table
from dispatcher.french import counted
from dispatcher.outbox.states import State
from dispatcher.service.bulk import Planned
from dispatcher.service.bulk_forecast import Outlook
from dispatcher.service.bulk_statement import BulkStatement, Entry
from dispatcher.service.wording import envelope


def size(count: int) -> str:
    """« 12 ko », « 3,4 Mo »."""
    if count < 1_000_000:
        return f"{max(1, round(count / 1000))} ko"
    return f"{count / 1_000_000:.1f} Mo".replace(".", ",")


def planned_rows(planned: Planned) -> list[tuple[str, ...]]:
    """File, recipient, address, how, size, remark."""
    name = Path(planned.path).name
    if planned.problem:
        return [(name, "–", "–", "ne part pas", "–", planned.problem)]
    rows: list[tuple[str, ...]] = []
    for one in planned.dispatches:
        if one.state is State.READY:
            how = f"{one.format}, {envelope(one.envelope)}, canal {one.channel}"
            rows.append((name, one.label, one.address, how, size(one.sealed_bytes), one.reason))
        elif one.state is State.PAPER:
            rows.append((name, one.label, "–", "sur papier", "–", one.reason))
        else:
            rows.append((name, one.label, "–", "ne part pas", "–", one.reason))
    return rows


def planned_json(planned: Planned) -> dict[str, Any]:
    """For programs; what was there before the size keeps its name."""
    return {
        "path": planned.path,
        "format": planned.format,
        "reports": planned.reports,
        "problem": planned.problem,
        "dispatches": [
            {
                "recipient": one.label,
                "address": one.address,
                "state": one.state,
                "channel": one.channel,
                "format": one.format,
                "envelope": one.envelope,
                "bytes": one.sealed_bytes,
                "remark": one.reason,
            }
            for one in planned.dispatches
        ],
    }


def outlook_json(one: Outlook) -> dict[str, Any]:
    """For programs."""
    return {
        "channel": one.channel,
        "mails": one.mails,
        "bytes": one.size,
        "waiting_before": one.waiting,
        "through_at": one.forecast.through_at,
        "reason": one.forecast.reason,
    }


def tell_plan(planned: Sequence[Planned], outlooks: Sequence[Outlook]) -> None:
    """Exactly what would leave, and when it would be through."""
    rows = [row for one in planned for row in planned_rows(one)]
    columns = ("Fichier", "Destinataire", "Adresse", "Comment", "Taille", "Remarque")
    table("Ce qui partirait (rien n'est envoyé)", columns, rows)
    for one in outlooks:
        before = f", derrière {counted(one.waiting, 'envoi')} déjà en file" if one.waiting else ""
        say(f"Canal « {one.channel} » : {counted(one.mails, 'courrier')}, {size(one.size)} en tout{before}.")
        say(forecast_sentence(one.channel, one.mails + one.waiting, one.forecast))


def entry_json(one: Entry) -> dict[str, Any]:
    """A line of a statement, for programs."""
    sent = one.dispatch
    return {
        "name": one.name,
        "lines": list(one.lines),
        "word": one.word,
        "recipient": one.recipient,
        "address": one.address,
        "dispatch": sent.id if sent else "",
        "state": str(sent.state) if sent else "",
        "sent_at": sent.sent_at if sent else None,
        "delivered_at": sent.delivered_at if sent else None,
        "read_at": sent.read_at if sent else None,
        "remark": one.remark,
    }


def statement_json(statement: BulkStatement) -> dict[str, Any]:
    """For programs."""
    return {
        "send": statement.send.id,
        "title": statement.title,
        "made_at": statement.send.made_at,
        "asked": statement.send.count,
        "added": statement.added,
        "words": dict(statement.words),
        "reconciles": statement.reconciles,
        "through": statement.through,
        "entries": [entry_json(one) for one in statement.entries],
    }


def tell_statement(statement: BulkStatement) -> None:
    """As a table, the sums below."""
    rows = [
        (
            one.name,
            one.recipient or "–",
            one.address,
            one.state,
            moment(one.dispatch.read_at if one.dispatch else None),
            one.dispatch.id if one.dispatch else "–",
            one.remark,
        )
        for one in statement.entries
    ]
    columns = ("Fichier", "Destinataire", "Adresse", "État", "Lu le", "Numéro", "Remarque")
    table(f"Relevé de l'envoi groupé {statement.send.id} ({statement.title})", columns, rows)
    say(f"Relevé : {statement.sentence()}.")


def tell_sends(statements: Sequence[BulkStatement]) -> None:
    """One line a send."""
    rows = [
        (
            one.send.id,
            moment(one.send.made_at),
            one.title,
            one.send.actor.removeprefix("operator:"),
            str(one.send.files),
            one.sentence(),
            "terminé" if one.through else f"à continuer : « dispatcher send --resume {one.send.id} »",
        )
        for one in statements
    ]
    columns = ("Numéro", "Préparé", "Bordereau ou dossier", "Par", "Documents", "Relevé", "")
    table("Envois groupés", columns, rows, empty="Aucun envoi groupé.")
