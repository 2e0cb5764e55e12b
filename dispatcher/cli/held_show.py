"""What waits for a person, grouped by what would settle it."""

from __future__ import annotations

from dataclasses import asdict

from dispatcher.cli.output import print_json, say, table
from dispatcher.french import age, counted
from dispatcher.service.held import Group, held_groups
from dispatcher.wiring import Office


def show_held(parts: Office, limit: int, json: bool) -> None:
    """« code D001 : 14 envois »: the greatest group first."""
    groups = held_groups(parts.desk)
    if json:
        print_json([_json(group) for group in groups[:limit]])
        return
    now = parts.clock.now()
    rows = [
        (
            group.what,
            str(group.count),
            group.label,
            age(now - group.oldest.created_at) if group.oldest.created_at else "–",
            group.oldest.id,
            group.todo,
        )
        for group in groups[:limit]
    ]
    columns = ("À régler", "Envois", "Nommé", "Attend depuis", "Le plus ancien", "Comment")
    table("", columns, rows, empty="Rien n'attend d'opérateur.")
    if len(groups) > limit:
        say(f"Il y a {counted(len(groups) - limit, 'autre groupe')} : « --limit {limit * 10} » en montre plus.")


LOOKED_AT = 100
"""Of what is held, how many ``status`` looks at: each costs a look at its report, its file and the directories."""


def tell_held(parts: Office, held: int, limit: int = 8) -> None:
    """For ``status``, one line a group: how many, which hold, what it is about, what settles it. ``held``: of all."""
    groups = held_groups(parts.desk, LOOKED_AT)
    if held > LOOKED_AT:
        say(f"  Les {LOOKED_AT} plus anciens, sur {held} ; « dispatcher list --held » regarde tout :")
    for group in groups[:limit]:
        say(f"  {group.count} en attente ({group.oldest.hold_code}) : {group.what.rstrip('.')}. → {group.todo}")
    if len(groups) > limit:
        say(f"  … et {counted(len(groups) - limit, 'autre groupe')} : « dispatcher list --held ».")


def _json(group: Group) -> dict[str, object]:
    told = asdict(group)
    told["oldest"] = {"id": group.oldest.id, "created_at": group.oldest.created_at}
    return {**told, "count": group.count}
