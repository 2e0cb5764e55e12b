"""The alarms of ``status``: told to a person or listed for a monitor (``wiring/standing.py`` gathers them)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from dispatcher.alarms.alarm import Alarm, Level
from dispatcher.cli.output import complain
from dispatcher.daemon import processes
from dispatcher.service import nodes, overview, untaken
from dispatcher.wiring import Office
from dispatcher.wiring.standing import everything

SHOWN = 5
"""Of one kind told one by one; of more only the number."""


def gathered(parts: Office) -> tuple[Alarm, ...]:
    """All of them, what is only to be foreseen last; everything looked at now."""
    view = overview.status(parts.store, parts.clock, parts.channels)
    lying = untaken.folders(parts.spools(), parts.settings.sources, parts.clock)
    return everything(parts, view, lying, nodes.view(parts.store, processes.runs))


def tell(found: Sequence[Alarm]) -> None:
    """On standard error, those of one kind together."""
    for _, together in groupby(found, key=lambda one: one.code):
        same = list(together)
        for one in same[:SHOWN]:
            complain(f"{'À PRÉVOIR' if one.level is Level.NOTICE else 'ALARME'}, {one.text}")
            if one.detail:
                complain(f"  {one.detail}")
            if one.hint and one.hint != same[-1].hint:
                complain(f"  → {one.hint}")
        if len(same) > SHOWN:
            complain(f"  Et {len(same) - SHOWN} autres : « dispatcher status --json ».")
        if same[-1].hint:
            complain(f"  → {same[-1].hint}")


def as_json(found: Sequence[Alarm]) -> list[dict[str, Any]]:
    """For monitors; what is only to be foreseen stands apart (``level``)."""
    return [
        {
            "code": one.code,
            "key": one.key,
            "level": one.level,
            "count": one.count,
            "text": f"{one.text[0].upper()}{one.text[1:]} {one.detail}".rstrip(),
            "since": one.since,
            "hint": one.hint,
        }
        for one in found
    ]
