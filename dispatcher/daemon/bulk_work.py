"""Work on one bulk send in this process until nothing of it moves: the same steps, leases and pace as the service.

A service that runs at the same time takes its share: whoever is first claims a file or a mail, the other sees it done.
"""

from __future__ import annotations

from collections.abc import Callable

from dispatcher.daemon import processes, steps
from dispatcher.daemon.membership import Membership
from dispatcher.daemon.once import pace_frees_in, read_mailboxes
from dispatcher.service import nodes
from dispatcher.service.batch import end_batches
from dispatcher.service.bulk_send import Follow, Progress
from dispatcher.wiring import Office

NAP = 0.5
"""Longest sleep in one piece: a stop is heard in between."""
PATIENCE = 15.0
"""Seconds beyond a lease that somebody else's work may stand still."""


def work(office: Office, send_id: str, stop: Callable[[], bool], told: Callable[[Progress], None]) -> str:
    """Prepare, batch and send; ends when all of the send left or waits for somebody else, or when nothing moves any
    more. Gives the French reason of a pause that holds it, or an empty text.
    """
    member = Membership(office)
    nodes.take_over_own(office.store, member.name, processes.runs)
    steps.recover_all(office)
    try:
        paused = _work(office, member, Follow(office.store, send_id), stop, told)
        read_mailboxes(office, member, stop)
        end_batches(office.store, office.clock)
    finally:
        member.leave()
    return paused


def _work(
    office: Office, member: Membership, follow: Follow, stop: Callable[[], bool], told: Callable[[Progress], None]
) -> str:
    patience = office.settings.service.lease_seconds + PATIENCE
    before, since = None, office.clock.monotonic()
    while not stop():
        while not stop() and steps.prepare_some(office, member.owner, stop):
            told(follow.look())
        steps.batch_all(office, now_whatever="send")
        sent = steps.send_all(office, member.owner, stop)
        now = follow.look()
        told(now)
        if not now.moving:
            return ""
        if sent.paused and not sent.total and pace_frees_in(office) is None:
            return sent.paused
        if now != before or sent.total:
            before, since = now, office.clock.monotonic()
        elif (pause := pace_frees_in(office)) is not None:
            office.clock.sleep(min(pause, NAP))
            since = office.clock.monotonic()
        elif office.clock.monotonic() - since > patience:
            return ""
        else:  # in the hands of the service, or of one that died and whose lease runs out
            office.clock.sleep(NAP)
            steps.recover_all(office)
    return ""
