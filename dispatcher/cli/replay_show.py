"""What a replay or resend shows before it is done: sums by recipient and reason, the first rows, what is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from dispatcher.cli.output import say, table
from dispatcher.french import counted
from dispatcher.outbox.states import STATES
from dispatcher.service.renewal import ENDED, Renewal, RenewalPlan, Shown
from dispatcher.service.replay import Planned, ReplayPlan
from dispatcher.service.wording import envelope

SHOWN = 20
"""Rows listed one by one; the sums tell of all."""


def show_replay(plan: ReplayPlan) -> None:
    """All of a small plan, the sums and the first rows of a large one."""
    _sums(plan.dispatches)
    rows = [(one.id, STATES[one.state], one.label, one.address, one.reason) for one in plan.dispatches[:SHOWN]]
    rows += [(file.id, "fichier en quarantaine", "", "", file.reason) for file in plan.files[:SHOWN]]
    columns = ("Numéro", "État", "Destinataire", "Adresse", "Remarque")
    table(f"À rejouer : {counted(plan.count, 'élément')}", columns, rows, empty="Rien à rejouer.")
    _more(plan.count - len(rows))
    _left(plan.left_out)


def show_resend(plan: RenewalPlan) -> None:
    """Old and new address, format and certificate of each."""
    _sums([item.planned for item in plan.items])
    rows = [
        (
            item.planned.id,
            STATES[item.planned.state],
            item.planned.label,
            _change(item.was.address, item.now.address),
            _change(item.was.format, item.now.format),
            _change(item.was.channel, item.now.channel),
            _change(_protection(item.was), _protection(item.now)),
            _remark(item),
        )
        for item in plan.items[:SHOWN]
    ]
    columns = ("Numéro", "État", "Destinataire", "Adresse", "Format", "Canal", "Protection", "Remarque")
    title = f"À envoyer de nouveau, sous une autre identité : {counted(len(plan.items), 'envoi')}"
    table(title, columns, rows, empty="Rien à envoyer de nouveau.")
    _more(len(plan.items) - len(rows))
    _left(plan.left_out)


def _protection(way: Shown) -> str:
    return " ".join(part for part in (envelope(way.envelope), way.certificate[:12]) if part)


def _remark(item: Renewal) -> str:
    """Why a person, or a newer state of things, ended it; and what sent it again already."""
    ended = item.planned.reason if item.planned.state in ENDED else ""
    again = f"déjà renvoyé : {', '.join(item.before)}" if item.before else ""
    return " ; ".join(part for part in (ended.rstrip("."), again) if part)


def replay_json(plan: ReplayPlan) -> dict[str, Any]:
    """The plan for programs; ids in full, whatever their number."""
    return {
        "token": plan.token,
        "count": plan.count,
        "dispatches": [one.id for one in plan.dispatches],
        "files": [file.id for file in plan.files],
    }


def resend_json(plan: RenewalPlan) -> dict[str, Any]:
    """As :func:`replay_json`, with what would change."""
    resends = [
        {
            "id": item.planned.id,
            "was": item.was._asdict(),
            "now": item.now._asdict(),
            "resent_as": list(item.before),
            "reason": item.planned.reason,
        }
        for item in plan.items
    ]
    return {"token": plan.token, "count": len(plan.items), "from": plan.begin, "resends": resends}


def _sums(planned: Sequence[Planned]) -> None:
    if len(planned) <= SHOWN:
        return
    counts = Counter((one.label, one.address, one.fault or one.reason) for one in planned)
    rows = [(str(count), *key) for key, count in counts.most_common(SHOWN)]
    table("En tout, par destinataire et cause", ("Nombre", "Destinataire", "Adresse", "Cause"), rows)
    _more(len(counts) - len(rows))


def _more(count: int) -> None:
    if count > 0:
        say(f"… et {counted(count, 'autre')}.")


def _left(left_out: Sequence[tuple[str, str]]) -> None:
    for item, why in left_out[:SHOWN]:
        say(f"Laissé de côté : {item} ({why.rstrip('.')}).")
    if len(left_out) > SHOWN:
        causes = ", ".join(f"{why} ({count})" for why, count in Counter(why for _item, why in left_out).most_common(5))
        say(f"… et {counted(len(left_out) - SHOWN, 'autre')} de côté. En tout : {causes}.")


def _change(was: str, now: str) -> str:
    return now or "–" if was == now else f"{was or '–'} → {now or '–'}"
