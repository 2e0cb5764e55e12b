"""Answers to the LIS in ``status``: what waits to be told. A line that fails is an alarm (``status_alarms``)."""

from __future__ import annotations

from typing import Any

from dispatcher.cli.output import moment, say
from dispatcher.french import counted
from dispatcher.wiring import Office


def tell(parts: Office) -> None:
    """How many answers wait."""
    with parts.store.reading() as uow:
        waiting = uow.answers.waiting()
    for source, (count, oldest) in sorted(waiting.items()):
        say(f"Source « {source} » : {counted(count, 'réponse')} à donner au SIL, depuis le {moment(oldest)}.")


def as_json(parts: Office) -> list[dict[str, Any]]:
    """One entry a source that is answered, or for which answers wait."""
    with parts.store.reading() as uow:
        waiting = uow.answers.waiting()
    found = []
    for source in sorted({way.source for way in parts.answer_ways()} | waiting.keys()):
        count, oldest = waiting.get(source, (0, None))
        found.append({"source": source, "waiting": count, "oldest": oldest})
    return found
