"""The step about dispatches of unknown outcome, one channel after the other."""

from __future__ import annotations

import logging
from functools import partial

from dispatcher.daemon.membership import Membership
from dispatcher.errors import DispatcherError
from dispatcher.service import alarms
from dispatcher.service.channel import Channel
from dispatcher.service.internal import place
from dispatcher.service.settle_doubt import Doubts, settle_doubt
from dispatcher.wiring import Office

log = logging.getLogger(__name__)

SECONDS = 60.0
"""How often doubts are looked into."""


def settle_all(office: Office, member: Membership | None = None) -> Doubts:
    """One pass over every channel; a fault of one does not stop the others.

    With ``member``: those whose mailbox no other node has in its care (it may stand on that node's own disk).
    """
    total = Doubts()
    for name in office.channels:
        one = settle_one(office, name, member)
        total.found += one.found
        total.resent += one.resent
        total.withdrawn += one.withdrawn
        total.fault = total.fault or one.fault
    return total


def settle_one(office: Office, name: str, member: Membership | None = None) -> Doubts:
    """As :func:`settle_all`, one channel."""
    channel = office.channels[name]
    try:
        one = _settle(office, channel) if member is None else _settle_ours(office, channel, member)
    except DispatcherError as error:
        log.error("doubts of channel %s: %s", name, error.code)
        return Doubts()
    except Exception as error:  # nobody foresaw it: the other channels go on
        log.error("doubts of channel %s: unexpected %s", name, place(error))
        return Doubts()
    return one or Doubts()


def _settle_ours(office: Office, channel: Channel, member: Membership) -> Doubts | None:
    held = member.take(alarms.mailbox(channel.name), office.settings.service.collect_seconds)
    if held is None:
        return None
    with member.using(held):
        return _settle(office, channel)


def _settle(office: Office, channel: Channel) -> Doubts:
    return settle_doubt(channel, office.store, office.clock, partial(office.open_mailbox, channel.name))
