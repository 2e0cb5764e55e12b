"""Answering the LIS, as the service and ``--once`` do it: one pass over one line, or over all of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from dispatcher.daemon.membership import Membership
from dispatcher.service import alarms
from dispatcher.service.answer import Answered, Way, answer, anything_due
from dispatcher.service.answer_notes import note
from dispatcher.wiring import Office

log = logging.getLogger(__name__)

SECONDS = 2.0
"""How often is looked whether there is something to tell."""
NOTE_SECONDS = 60.0
"""How often is looked whether a day is over, or a dispatch waits for too long."""
REST_TO_ALARM = 3
"""Failures of a line in a row before it alarms: a LIS that restarts wakes nobody."""


def note_all(office: Office) -> int:
    """Days that are over, dispatches that wait for too long; gives how many answers were noted."""
    wanted = {name: one.answers for name, one in office.settings.sources.items() if one.answers is not None}
    return sum(note(office.desk, name, settings) for name, settings in wanted.items())


def answer_way(
    office: Office, way: Way, member: Membership | None = None, stop: Callable[[], bool] = lambda: False
) -> Answered:
    """One pass over one line; with ``member``: unless another node has it in its care. Raises StoreError."""
    if not anything_due(office.desk, way):
        return Answered(rested=True)
    held = member.take(way.name, SECONDS) if member is not None else None
    if member is not None and held is None:
        return Answered(rested=True)
    if member is None or held is None:
        return _answer(office, way, stop)
    with member.using(held):
        return _answer(office, way, stop)


def _answer(office: Office, way: Way, stop: Callable[[], bool]) -> Answered:
    done = answer(office.desk, way, lambda: not stop())
    if done.given:
        log.info("%s: %d answer(s) given", way.name, done.given)
    if done.fault and way.failures < REST_TO_ALARM:
        return done
    event = alarms.tell(office.store, way.name, done.fault)
    if event == alarms.STARTED:
        log.error("%s: ALARM begins: %s", way.name, done.fault)
    elif event:
        log.error("%s: ALARM over: the LIS is answered again", way.name)
    return done


def answer_all(
    office: Office, ways: Sequence[Way], member: Membership | None, stop: Callable[[], bool]
) -> list[Answered]:
    """What ``--once`` does at its end."""
    note_all(office)
    return [answer_way(office, way, member, stop) for way in ways if not stop()]
