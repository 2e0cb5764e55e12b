"""How ``status`` tells of dispatches whose outcome is unknown, before that is an alarm."""

from __future__ import annotations

from collections.abc import Sequence

from dispatcher.alarms.alarm import Alarm
from dispatcher.cli.output import say
from dispatcher.service.overview import StatusView
from dispatcher.service.standing import SETTLE, doubts
from dispatcher.wiring import Office


def tell_doubts(parts: Office, view: StatusView, alarmed: Sequence[Alarm]) -> None:
    """How many, since when."""
    now = parts.clock.now()
    alarms = {one.text for one in alarmed}
    told = [text for channel in view.channels if channel.unknown and (text := doubts(channel, now)) not in alarms]
    for text in told:
        say(text)
    if told:
        say(f"  → {SETTLE}")
