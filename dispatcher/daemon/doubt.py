"""The step about dispatches of unknown outcome, one channel after the other."""

from __future__ import annotations

import logging
from functools import partial

from dispatcher.errors import DispatcherError
from dispatcher.service.internal import place
from dispatcher.service.settle_doubt import Doubts, settle_doubt
from dispatcher.wiring import Office

log = logging.getLogger(__name__)

SECONDS = 60.0
"""How often doubts are looked into."""


def settle_all(office: Office) -> Doubts:
    """One pass over every channel; a fault of one does not stop the others."""
    total = Doubts()
    for name, channel in office.channels.items():
        try:
            one = settle_doubt(channel, office.store, office.clock, partial(office.open_mailbox, name))
        except DispatcherError as error:
            log.error("doubts of channel %s: %s", name, error.code)
            continue
        except Exception as error:  # nobody foresaw it: the other channels go on
            log.error("doubts of channel %s: unexpected %s", name, place(error))
            continue
        total.found += one.found
        total.resent += one.resent
        total.withdrawn += one.withdrawn
        total.fault = total.fault or one.fault
    return total
